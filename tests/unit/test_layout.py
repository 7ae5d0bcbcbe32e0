"""The layout of the repository: what folders may hold, which packages there are, and one version for all of it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from clockifyrag_service.health import VERSION

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
FOLDERS = ("crds", "operator", "index-builder", "service")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_packages_is_none_itself(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()


def test_python_started_at_the_root_has_its_own_operator() -> None:
    code = "import collections, operator, sysconfig; print(operator.__file__.startswith(sysconfig.get_path('stdlib')))"

    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert "True\n" == ended.stdout, ended.stderr


def test_nothing_below_tests_is_named_operator() -> None:
    named = [path for path in (ROOT / "tests").rglob("*") if path.stem == "operator"]

    assert [] == named


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_of_the_wheel_is_there_and_typed(package: str) -> None:
    held = {path.name for path in (ROOT / package).iterdir()}

    assert {"__init__.py", "py.typed"} <= held


def test_the_wheel_holds_every_package_there_is() -> None:
    found = {
        path.parent.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).glob("clockifyrag_*/__init__.py")
    }

    assert found == set(PACKAGES)


def test_types_and_import_contracts_are_checked_for_every_package() -> None:
    names = {Path(package).name for package in PACKAGES}

    mypy, contracts = set(PROJECT["tool"]["mypy"]["packages"]), set(PROJECT["tool"]["importlinter"]["root_packages"])

    assert names <= mypy
    assert names <= contracts


def test_packages_are_found_where_they_lie() -> None:
    folders = {Path(package).parts[0] for package in PACKAGES}

    assert folders == set(PROJECT["tool"]["hatch"]["build"]["dev-mode-dirs"])
    assert folders <= set(PROJECT["tool"]["mypy"]["mypy_path"].split(":"))


def test_the_version_of_the_project_is_the_one_the_service_reports() -> None:
    assert PROJECT["project"]["version"] == VERSION, "type `make setup-dev`: another version is installed"
