"""Chromium without a window, driven through chromedriver; both are found on PATH."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)
PACKAGES = {"chromium": "chromium", "chromedriver": "chromium-driver"}


def program(name: str) -> str:
    """The program's path. An error says how to install it."""
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not on PATH; install it: sudo apt-get install -y {PACKAGES[name]}")
    return found


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """A browser with the empty folder `profile` for its data; ended on leaving."""
    options = Options()
    options.binary_location = program("chromium")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(program("chromedriver"), log_output=subprocess.DEVNULL))
    try:
        yield driver
    finally:
        driver.quit()


def resize(driver: Chrome, width: int, height: int) -> None:
    """Sets the size of the page itself, also below the least width of a window."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def prefer(driver: Chrome, **features: str) -> None:
    """Sets media features: prefer(driver, prefers_color_scheme="dark")."""
    wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": wanted})


def go_offline(driver: Chrome, offline: bool) -> None:
    """Cuts the browser off the network, or connects it again."""
    driver.execute_cdp_cmd("Network.enable", {})
    conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


def block(driver: Chrome, *patterns: str) -> None:
    """Lets requests to addresses like these fail, as if nobody listened; none: lets all through."""
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": list(patterns)})
