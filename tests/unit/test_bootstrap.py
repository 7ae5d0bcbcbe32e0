"""What fills .venv: again where it was filled for another commit, and anew where it was left half made."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools import bootstrap


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """What was installed in an empty checkout, in order; making a .venv and installing itself take no time here."""
    done: list[str] = []

    def create() -> None:
        done.append("venv")
        (tmp_path / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
        bootstrap.PYTHON.unlink(missing_ok=True)
        bootstrap.PYTHON.symlink_to(sys.executable)
        (tmp_path / ".venv" / "bin" / "pip").touch()

    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(bootstrap, "create_venv", create)
    monkeypatch.setattr(bootstrap, "install_lock", lambda lock: done.append(f"{lock.name}: {lock.read_text()}"))
    monkeypatch.setattr(bootstrap, "run", lambda command: None)
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "requirements-dev.lock").write_text("D")
    yield done


def test_what_is_filled_is_left_alone_and_another_lock_adds_to_it(installed: list[str], tmp_path: Path) -> None:
    lock, other = tmp_path / "requirements.lock", tmp_path / "requirements-dev.lock"
    lock.write_text("A")

    for one in (lock, other, lock, other):
        bootstrap.main(one)

    assert ["venv", "requirements.lock: A", "requirements-dev.lock: D"] == installed


def test_a_lock_that_is_switched_back_to_is_installed_again(installed: list[str], tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"

    for content in "ABA":
        lock.write_text(content)
        bootstrap.main(lock)

    assert ["venv", *(f"requirements.lock: {content}" for content in "ABA")] == installed


@pytest.mark.parametrize("missing", ["pip", "python"])
def test_what_was_left_half_made_is_made_anew(installed: list[str], tmp_path: Path, missing: str) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("A")
    bootstrap.main(lock)
    (tmp_path / ".venv" / "bin" / missing).unlink()
    if missing == "python":  # the system's was upgraded
        bootstrap.PYTHON.symlink_to(tmp_path / "gone")
    else:  # ensurepip failed, and so nothing was filled
        next((tmp_path / ".venv").glob(".filled-*")).unlink()

    bootstrap.main(lock)

    assert 2 * ["venv", "requirements.lock: A"] == installed
