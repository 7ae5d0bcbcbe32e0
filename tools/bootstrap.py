"""Fills .venv from a lock file, with a progress bar; does nothing when it is filled already.

Runs on the system's Python before anything is installed, so it uses the standard library alone.

    python3 tools/bootstrap.py requirements.lock
"""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PYTHON_MIN = (3, 11)
BAR_WIDTH = 32


def main(lock: Path) -> None:
    """Makes .venv hold what `lock` names, and the project itself in place of a copy."""
    if sys.version_info < PYTHON_MIN:
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"Python {found} found, 3.11 or later needed: install it, or name one: make PYTHON=python3.12 …")
    wanted = digest()
    stamp = VENV / f".filled-{lock.stem}-{wanted}"
    if stamp.exists() and runs():
        return
    if not (VENV / "bin" / "pip").exists() or not runs():
        create_venv()
    for other in VENV.glob(".filled-*"):
        if not other.name.endswith(wanted):
            other.unlink()  # of another commit: what it stands for is replaced now
    install_lock(lock)
    run([str(PYTHON), "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    stamp.touch()


def digest() -> str:
    """The first 12 hex of the digest of all that decides what is installed, by whichever lock."""
    content = b"".join(
        file.read_bytes() for file in (*sorted(ROOT.glob("requirements*.lock")), ROOT / "pyproject.toml")
    )
    return hashlib.sha256(content).hexdigest()[:12]


def runs() -> bool:
    """Whether .venv has a Python that starts: an upgrade of the system's may have taken away what it links to."""
    return PYTHON.exists() and subprocess.run([str(PYTHON), "-c", ""], capture_output=True).returncode == 0


def create_venv() -> None:
    """Makes an empty .venv, in place of one that is half made or broken; says what to install where the system's Python
    comes without the venv module.
    """
    if VENV.is_symlink():
        sys.exit(f"{VENV} leads to {VENV.resolve()}, where no Python with pip works: mend that, or remove the link")
    print("Creating .venv", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True)
    if made.returncode:
        sys.exit(
            f"{made.stdout}{made.stderr}\n.venv cannot be created; on Debian and Ubuntu: apt-get install python3-venv"
        )


def install_lock(lock: Path) -> None:
    """Installs what the lock names, verified by hash, and shows how far it is."""
    total = len(re.findall(r"^[\w.-]+==", lock.read_text(), re.MULTILINE))
    # Bytecode is made when a module is first imported: most of it never is.
    command = [str(PYTHON), "-m", "pip", "install", "--no-deps", "--require-hashes", "--no-compile",
               "--disable-pip-version-check", "--progress-bar", "off", "-r", str(lock)]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    done, log = 0, []
    for line in process.stdout:
        log.append(line)
        if line.startswith(("Collecting ", "Ignoring ", "Requirement already")):
            done += 1
            show(done, total, line.split()[1].split("==")[0].rstrip(":"))
        elif line.startswith("Installing collected"):
            show(total, total, "unpacking")
    if process.wait():
        sys.exit("\n" + "".join(log[-15:]) + f"\nInstalling {lock.name} failed: is the package index reachable?")
    show(total, total, "done")
    if sys.stdout.isatty():
        print()


def show(done: int, total: int, name: str) -> None:
    """Draws the bar on a terminal; elsewhere prints a line at the start, in the middle and at the end."""
    done = min(done, total)
    if sys.stdout.isatty():
        filled = BAR_WIDTH * done // max(total, 1)
        bar = "━" * filled + "─" * (BAR_WIDTH - filled)
        print(f"\r  Packages {bar} {done}/{total} {name[:28]:<28}", end="", flush=True)
    elif done in (1, total // 2) or name == "done":
        print(f"  Packages {done}/{total}", flush=True)


def run(command: list[str]) -> None:
    """Runs a command and ends with its message when it fails."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    if ended.returncode:
        sys.exit(f"{' '.join(command)}\n{ended.stdout}{ended.stderr}")


if __name__ == "__main__":
    main(ROOT / sys.argv[1])
