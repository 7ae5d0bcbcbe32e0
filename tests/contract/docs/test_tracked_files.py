"""What a clone holds: no address of a package registry, no path of somebody's machine."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pages import ROOT

REGISTRY = re.compile(r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com))\b", re.IGNORECASE)
SOMEBODYS_PATH = re.compile(r"(?<![\w.)}/])/" + r"(?:work|home/\w+|Users/\w+)(?![\w.-])|\.\./" + "shared")
NEIGHBOUR = ".ci/run"  # looks for a corpus beside the checkout


def texts() -> dict[str, str]:
    """The content of each text file that is tracked, by its path; of all visible files where this is no clone."""
    names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()]
    names = [name for name in names if not re.search(r"(^|/)(\.|__pycache__)", name)]
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return {name: content.decode() for name in names if (content := content_of(ROOT / name)) is not None}


def content_of(path: Path) -> bytes | None:
    """The file's bytes, None where they are no text."""
    content = path.read_bytes()
    return None if b"\0" in content else content


@pytest.fixture(scope="module", name="tracked")
def tracked_texts() -> dict[str, str]:
    return texts()


def test_no_text_names_the_host_of_a_registry(tracked: dict[str, str]) -> None:
    found = {name: match[0] for name, text in tracked.items() if (match := REGISTRY.search(text))}

    assert {"requirements.lock", "requirements-dev.lock", "README.md"} <= tracked.keys()
    assert {} == found


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_holds_versions_and_hashes_and_nothing_else(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()

    line = re.compile(r"[\w.-]+==[\w.!+-]+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")

    assert [] == [text for text in lines if not line.fullmatch(text)]


def test_no_text_names_a_path_of_somebodys_machine(tracked: dict[str, str]) -> None:
    found = {name: match[0] for name, text in tracked.items() if (match := SOMEBODYS_PATH.search(text))}

    assert {} == {name: path for name, path in found.items() if name != NEIGHBOUR}


def test_every_text_is_utf_8_and_ends_with_a_line_break(tracked: dict[str, str]) -> None:
    unended = [name for name, text in tracked.items() if text and not text.endswith("\n")]

    assert [] == unended
