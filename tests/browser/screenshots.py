"""Takes the screenshots of docs/screenshots from a running server: `python tests/browser/screenshots.py [URL]`.

The server should hold the sample articles with the default embedder, as `make run` starts it.
"""

import sys
import tempfile
import time
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.browser.chromium import block, chromium, prefer, resize  # noqa: E402  the line above finds it
from tests.browser.search_page import SearchPage  # noqa: E402

FOLDER = REPOSITORY / "docs" / "screenshots"
SIZE_BYTES_MAX = 150_000
WIDE, NARROW = (1200, 800), (360, 740)


def main(url: str) -> None:
    """Writes light, dark, narrow, empty and error; an error names a picture that is larger than it should be."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as driver:
        page = SearchPage(driver, url)
        driver.get(url)
        driver.execute_script("localStorage.clear()")
        prefer(driver, prefers_color_scheme="light", prefers_reduced_motion="reduce")
        take(page, "light", WIDE, "how do I invoice a client")
        prefer(driver, prefers_color_scheme="dark", prefers_reduced_motion="reduce")
        take(page, "dark", WIDE, "aprove timesheets")
        prefer(driver, prefers_color_scheme="light", prefers_reduced_motion="reduce")
        take(page, "narrow", NARROW, "start the timer")
        take(page, "empty", WIDE, "What is the capital of Mongolia?")
        page.open("start the timer")
        block(driver, "*/search?*", "*/health")
        resize(driver, *WIDE)
        type_and_wait(page, "export a report to PDF")
        page.until(lambda: "Cannot be reached" in page.text("#health"), "the foot of the page tells it, too")
        save(driver, "error")


def take(page: SearchPage, name: str, size: tuple[int, int], question: str) -> None:
    resize(page.driver, *size)
    page.open()
    page.until(lambda: page.text("#health"), "the health is shown")
    type_and_wait(page, question)
    save(page.driver, name)


def type_and_wait(page: SearchPage, question: str) -> None:
    page.field.send_keys(Keys.CONTROL + "a" + Keys.NULL, question, Keys.ENTER)
    page.settled()


def save(driver: Chrome, name: str) -> None:
    driver.find_element(By.ID, "q").send_keys("")  # the field shows its focus, as after typing
    time.sleep(0.3)  # fonts and shadows are drawn
    file = FOLDER / f"{name}.png"
    driver.save_screenshot(str(file))
    size = file.stat().st_size
    print(f"{file.relative_to(REPOSITORY)}  {size / 1000:.0f} kB")
    assert size <= SIZE_BYTES_MAX, f"{file} has {size} bytes; expected at most {SIZE_BYTES_MAX}"


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
