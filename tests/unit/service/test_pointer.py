"""Pointer: which generation the settings name, and why none can be served."""

from pathlib import Path
from typing import Any

import pytest
from tests.rights import folder_for_all, without_privileges

from clockifyrag_service.pointer import NothingToServe, Pointer
from clockifyrag_service.settings import Settings

ID, OTHER = "gen-0123456789ab", "gen-ba9876543210"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An index root with two generations, of which CURRENT names the second."""
    for name in (ID, OTHER):
        folder = tmp_path / "index" / "generations" / name
        folder.mkdir(parents=True)
        (folder / "index.bin").touch()
        (folder / "meta.json").touch()
    (tmp_path / "index" / "CURRENT").write_text(OTHER + "\n")
    (tmp_path / "file").write_text(ID + "\n")
    return tmp_path / "index"


def wanted(root: Path, **values: Any) -> str:
    return Pointer(Settings(_env_file=None, index_root=root, **values)).wanted().name  # type: ignore[call-arg]


def test_current_is_followed(root: Path) -> None:
    assert OTHER == wanted(root)


def test_a_generation_or_its_file_wins_over_current(root: Path) -> None:
    assert ID == wanted(root, generation=ID)
    assert ID == wanted(root, generation_file=root.parent / "file")


def test_two_files_name_their_folder(root: Path) -> None:
    folder = root / "generations" / ID

    assert ID == wanted(root, faiss_index_path=folder / "index.bin", faiss_metadata_path=folder / "meta.json")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        pytest.param({"generation": "gen-000000000000"}, "not among the generations", id="unknown"),
        pytest.param({"generation": "../../etc"}, "expected an id", id="path"),
        pytest.param({"generation_file": Path("/none")}, "there is no GENERATION_FILE yet", id="no-file"),
        pytest.param(
            {"faiss_index_path": Path("/x/a.faiss"), "faiss_metadata_path": Path("/x/meta.json")},
            "expected the index.bin and meta.json",
            id="other-files",
        ),
        pytest.param(
            {"faiss_index_path": Path("/x/index.bin"), "faiss_metadata_path": Path("/x/meta.json")},
            "names no file",
            id="no-files",
        ),
    ],
)
def test_what_cannot_be_served_is_said_without_a_path(root: Path, values: dict[str, Any], reason: str) -> None:
    with pytest.raises(NothingToServe) as error:
        wanted(root, **values)

    assert reason in str(error.value)
    assert str(root) not in str(error.value)


@pytest.mark.parametrize("by", ["generation", "current", "files"])
def test_an_index_this_user_may_not_look_into_is_said_without_a_path(by: str) -> None:
    with folder_for_all() as folder:
        generation = folder / "index" / "generations" / ID
        generation.mkdir(parents=True)
        (folder / "index" / "CURRENT").write_text(ID)
        (folder / "index" / "CURRENT").chmod(0o644)
        generation.parent.chmod(0o700 if by == "current" else 0o755)
        (folder / "index").chmod(0o755 if by == "current" else 0o700)
        files = {"faiss_index_path": generation / "index.bin", "faiss_metadata_path": generation / "meta.json"}
        values: dict[str, Any] = {"generation": {"generation": ID}, "current": {}, "files": files}[by]

        with without_privileges(), pytest.raises(NothingToServe) as error:
            wanted(folder / "index", **values)

    assert "cannot be looked into (Permission denied)" in str(error.value)
    assert str(folder) not in str(error.value)


def test_what_comes_from_a_store_need_not_be_here_yet(root: Path) -> None:
    assert "gen-000000000000" == wanted(root, generation="gen-000000000000", store_url="http://help-store:8001")


def test_before_the_first_index_the_next_command_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingToServe, match="clockifyrag index build"):
        wanted(tmp_path / "none")
