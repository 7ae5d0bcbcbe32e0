"""LocalSource: its digest follows everything that would be read, and nothing else."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from tests.rights import without_privileges

from clockifyrag_builder import sources
from clockifyrag_builder.readers import ReadLog
from clockifyrag_builder.readers.local_files import file_names
from clockifyrag_builder.sources import LocalSource, source_of
from clockifyrag_index.errors import SourceError, UsageError


def source(path: Path, *, strict: bool = False) -> LocalSource:
    return LocalSource(path, path.parent / "work", "Auto", "default", strict)


def test_a_change_behind_a_link_to_a_folder_changes_the_digest(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / ".versions").mkdir(parents=True)
    (docs / "linked").symlink_to(".versions")
    article = docs / ".versions" / "timer.md"
    article.write_text("Start the timer.")
    before = source(docs).fetch()

    article.write_text("Stop the timer.")

    assert ["linked/timer"] == [document.document_id for document in source(docs).documents()]
    assert before != source(docs).fetch()


def test_what_is_not_read_does_not_change_the_digest(tmp_path: Path) -> None:
    (tmp_path / "timer.md").write_text("Start the timer.")
    before = source(tmp_path).fetch()

    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / ".draft.md").write_text("Not yet.")

    assert before == source(tmp_path).fetch()


def test_a_name_that_is_not_utf_8_has_a_digest_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9.md")
    file.write_text("text")
    before = source(tmp_path).fetch()

    file.rename(tmp_path / os.fsdecode(b"caf\xe8.md"))

    assert before != source(tmp_path).fetch()


def test_a_folder_above_that_may_not_be_entered_is_said() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders may be entered by one user only
        locked = Path(folder) / "locked"
        locked.mkdir(mode=0o000)
        Path(folder).chmod(0o755)

        with without_privileges(), pytest.raises(SourceError, match="may not be read by this user"):
            source(locked / "timer.md").fetch()


def test_an_empty_record_without_an_id_is_named_for_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"title": "Timer"}\n{"title": "Kiosk", "id": "k1"}\n')
    read = source(tmp_path / "a.jsonl")

    list(read.documents())

    assert ("a.jsonl:1 (its title is kept)", "k1 (its title is kept)") == read.reading()["empty records"].ids


@pytest.mark.parametrize("root", ["docs/index", "docs/deep/er", "docs", "link/index"])
def test_an_index_among_the_documents_is_refused_with_a_place_to_go(tmp_path: Path, root: str) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "link").symlink_to(docs)

    with pytest.raises(UsageError, match=r"lies in the source .*/docs, .* begins with a dot: .*/docs/\.index"):
        source_of(str(docs), work=tmp_path / root / "work")


@pytest.mark.parametrize("root", ["index", "docs/.run/help", "docs-index"])
def test_an_index_beside_the_documents_or_hidden_among_them_is_fine(tmp_path: Path, root: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A\n\nText.\n")

    apart = source_of(str(tmp_path / "docs"), work=tmp_path / root / "work")

    assert ["A"] == [document.title for document in apart.documents()]


def test_a_strict_source_has_been_read_before_anything_is_called_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "articles.jsonl"
    file.write_text('{"id": "1", "text": "Start."}\n{"id": \n')

    lenient = source(file).fetch()

    assert lenient.startswith("sha256:")
    with pytest.raises(SourceError, match=r"articles\.jsonl:2"):
        source(file, strict=True).fetch()


def test_where_a_build_begins_anew_the_files_are_read_anew(tmp_path: Path) -> None:
    article = tmp_path / "timer.md"
    article.write_text("Start the timer.")
    local = source(tmp_path)
    local.fetch()
    before = list(local.documents())

    article.write_text("Stop the timer.")
    local.fetch()

    assert before != list(local.documents())


@pytest.mark.parametrize("held_bytes_max", [pytest.param(1 << 20, id="held"), pytest.param(0, id="read in each pass")])
def test_a_file_that_goes_before_the_folder_is_read_is_told(
    held_bytes_max: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "HELD_BYTES_MAX", held_bytes_max)
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("Start the timer.")
    local = source(tmp_path)
    local.fetch()

    (tmp_path / "b.md").unlink()

    with pytest.raises(SourceError, match="changed while it was read"):
        list(local.documents())
        local.require_unchanged()


def test_what_changes_when_the_documents_are_held_is_for_the_next_build(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Start the timer.")
    local = source(tmp_path)
    local.fetch()
    before = list(local.documents())

    (tmp_path / "a.md").write_text("Stop the timer.")

    local.require_unchanged()
    assert before == list(local.documents())


@pytest.mark.parametrize(
    ("name", "is_held"),
    [
        pytest.param("docs", True, id="folder"),
        pytest.param("docs.tar", True, id="archive that is not compressed"),
        pytest.param("docs.tar.gz", False, id="archive that is"),
        pytest.param("docs.zip", False, id="another"),
    ],
)
def test_an_archive_is_held_by_what_it_may_unpack_to(
    name: str, is_held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("Start the timer.\n" * 5)
    if name != "docs":
        kinds = {"docs.tar": "tar", "docs.tar.gz": "gztar", "docs.zip": "zip"}
        shutil.make_archive(str(tmp_path / "docs"), kinds[name], tmp_path / "docs")
    monkeypatch.setattr(sources, "HELD_BYTES_MAX", 2 * sum(size for size in sizes(tmp_path / name)))
    local = source(tmp_path / name)

    assert is_held == isinstance(local.documents(), tuple)
    assert ["a"] == [document.document_id for document in local.documents()]


def sizes(path: Path) -> list[int]:
    return [one.stat().st_size for one in [path, *path.rglob("*")] if one.is_file()]


@pytest.mark.parametrize("deed", ["fetch", "documents"])
def test_a_file_that_goes_when_it_was_just_listed_is_told(
    deed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("Start the timer.")
    local = source(tmp_path)
    local.fetch()

    def listed_and_gone(root: Path, log: ReadLog) -> list[str]:
        names = file_names(root, log)
        (tmp_path / "b.md").unlink()
        return names

    monkeypatch.setattr(sources, "file_names", listed_and_gone)

    with pytest.raises(SourceError, match=r"b\.md changed while it was read"):
        getattr(local, deed)()
