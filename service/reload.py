"""Runs a package from a writable copy, and anew whenever a file of the copy changes: for the image of development.

python3 reload.py FOLDER PACKAGE [FURTHER_PACKAGE …]

The installed packages are copied into FOLDER and PACKAGE is run from there as `python3 -m PACKAGE`. When it ends by
itself (a syntax error, say) the next change starts it again. SIGTERM is passed on, and its exit code is this one's.
The standard library alone.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

POLL_SECONDS = 0.5


def main(folder: Path, packages: list[str]) -> int:
    """The exit code of the last run."""
    for package in packages:
        copy_installed(package, folder)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while True:
        seen = state(folder)
        process = start(folder, packages[0])
        while not stop.is_set() and state(folder) == seen:
            stop.wait(POLL_SECONDS)
        code = end(process)
        if stop.is_set():
            return code
        print(f"{folder} changed: {packages[0]} starts anew", flush=True)


def copy_installed(package: str, folder: Path) -> None:
    """Copies the package's sources; what was synced before, from an earlier start of the container, stays."""
    found = find_spec(package)
    if found is None or found.origin is None:
        sys.exit(f"{package} is not installed: expected a package with an __init__.py")
    if not (folder / package).exists():
        # Its bytecode is never compared with the source, and would hide every change.
        shutil.copytree(Path(found.origin).parent, folder / package, ignore=shutil.ignore_patterns("__pycache__"))


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Date and size of each source; a file that goes away meanwhile is left out."""
    found = {}
    for path in folder.rglob("*.py"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found[str(path)] = (status.st_mtime_ns, status.st_size)
    return found


def start(folder: Path, package: str) -> subprocess.Popen[bytes]:
    variables = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.Popen([sys.executable, "-m", package], cwd=folder, env=variables)  # noqa: S603  our own package


def end(process: subprocess.Popen[bytes]) -> int:
    """Ends it in order; the exit code. It has the time that the pod has."""
    if process.poll() is None:
        process.terminate()
    return process.wait()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
