"""service/reload.py: a package that changes while it runs."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RELOAD = ROOT / "service" / "reload.py"
PROGRAM = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print({said!r}, __file__, flush=True)
while True:
    signal.pause()
"""
SECONDS_MAX = 20.0


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with a package `shop`, as it is installed."""
    folder = tmp_path / "installed"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "__main__.py").write_text(PROGRAM.format(said="first"))
    return folder


@pytest.fixture
def running(installed: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`reload.py` running the package from tmp_path/app."""
    with subprocess.Popen(
        [sys.executable, RELOAD, tmp_path / "app", "shop"],
        env={"PYTHONPATH": str(installed)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"


def test_a_changed_file_starts_the_package_anew_from_the_writable_copy(running, tmp_path):
    program = tmp_path / "app" / "shop" / "__main__.py"
    first = said(running)

    program.write_text(PROGRAM.format(said="second, and longer"))
    told, second = said(running), said(running)

    assert f"first {program}\n" == first
    assert f"{tmp_path / 'app'} changed: shop starts anew\n" == told
    assert f"second, and longer {program}\n" == second


def test_a_file_that_does_not_compile_waits_for_the_next_change(running, tmp_path):
    program = tmp_path / "app" / "shop" / "__main__.py"
    said(running)

    program.write_text("def broken(:\n")
    told = said(running)
    assert running.stderr is not None
    until(lambda: "SyntaxError" in running.stderr.readline())
    program.write_text(PROGRAM.format(said="repaired"))
    again, repaired = said(running), said(running)

    assert told == again
    assert f"repaired {program}\n" == repaired


def test_sigterm_ends_the_package_and_its_exit_code_is_passed_on(running):
    said(running)

    running.send_signal(signal.SIGTERM)

    assert 7 == running.wait(SECONDS_MAX)


def test_a_package_that_is_not_installed_is_named(tmp_path):
    ended = subprocess.run(
        [sys.executable, RELOAD, tmp_path / "app", "no_such_package"], capture_output=True, text=True
    )

    assert (1, "no_such_package is not installed: expected a package with an __init__.py\n") == (
        ended.returncode, ended.stderr,
    )  # fmt: skip
