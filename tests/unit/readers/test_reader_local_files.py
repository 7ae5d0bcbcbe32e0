"""Files and folders: what is read, what is passed over, and what an error says."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clockifyrag_builder.readers import Reading, ReadLog, from_bytes, iter_documents
from clockifyrag_index.errors import SourceError


def write(root: Path, **files: str) -> Path:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def ids(path: Path, log: ReadLog | None = None, **options: object) -> list[str]:
    return [document.document_id for document in iter_documents(path, Reading(log or ReadLog(), **options))]  # type: ignore[arg-type]


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder any user may enter, while this test is not root (root may read everything)."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    user = os.geteuid()
    if user == 0:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        os.seteuid(user)
        shutil.rmtree(folder)


def test_a_folder_is_read_in_the_order_of_its_paths_and_what_is_left_out_is_told(tmp_path):
    root = tmp_path / "docs"
    for name in ("b/two.html", "b/one.md", "a.md", "z.jsonl", "pic.png", "LICENSE", ".hidden.md", ".git/x.md", "e.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"id": "rec", "text": "x"}' if name.endswith("jsonl") else "<p>some text</p>")
    log = ReadLog()

    found = ids(root, log)

    assert ["a", "b/one", "b/two", "e", "rec"] == found
    assert ["LICENSE", "pic.png"] == [skipped.name for skipped in log.skipped]
    assert 5 == log.documents


def test_of_a_folder_only_the_format_asked_for_is_read(tmp_path):
    root = write(tmp_path, **{"a.md": "x", "b.html": "<p>y"})
    log = ReadLog()

    found = ids(root, log, format="HTML")

    assert ["b"] == found
    assert [("a.md", "its suffix is not one of HTML, the only format asked for")] == [
        (skipped.name, skipped.reason) for skipped in log.skipped
    ]


@pytest.mark.parametrize(
    ("name", "content", "options", "title"),
    [
        pytest.param("a.md", "# T", {}, "T", id="markdown"),
        pytest.param("a.HTM", "<title>T</title><p>x", {}, "T", id="html"),
        pytest.param("a.ndjson", '{"title": "T"}', {}, "T", id="jsonl"),
        pytest.param("README", "# T", {}, "T", id="text-of-no-suffix"),
        pytest.param("page", " <!DOCTYPE html><title>T</title>x", {}, "T", id="html-of-no-suffix"),
        pytest.param("dump.data", '{"title": "T"}', {}, "T", id="records-of-no-suffix"),
        pytest.param("a.html", "# T", {"format": "Markdown"}, "T", id="format-beats-suffix"),
    ],
)
def test_a_single_file_is_read_by_its_name_or_its_content(tmp_path, name, content, options, title):
    write(tmp_path, **{name: content})

    [document] = iter_documents(tmp_path / name, Reading(**options))

    assert title == document.title


def test_links_are_followed_inside_the_folder_and_told_of_where_they_lead_out(tmp_path):
    secret = write(tmp_path / "outside", **{"secret.md": "x"})
    root = write(tmp_path / "docs", **{"..data__a.md": "x", "sub__b.md": "y", "..data__d__c.md": "z"})
    (root / "a.md").symlink_to("..data/a.md")  # as a mounted ConfigMap does
    (root / "d").symlink_to("..data/d")
    (root / "out.md").symlink_to(secret / "secret.md")
    (root / "outside").symlink_to(secret)
    (root / "sub" / "up").symlink_to("..")
    (root / "again").symlink_to("sub")
    (root / "dangling.md").symlink_to("nowhere.md")
    (root / "itself.md").symlink_to("itself.md")
    (root / "there").symlink_to("back")
    (root / "back").symlink_to("there")
    os.mkfifo(root / "pipe.md")
    log = ReadLog()

    found = ids(root, log)

    assert ["a", "d/c", "sub/b"] == found
    assert {
        "out.md": "a link that leads out of the folder",
        "outside": "a link that leads out of the folder",
        "sub/up": "a link to a folder that is read under its own name",
        "again": "a link to a folder that is read under its own name",
        "dangling.md": "a link to nothing",
        "itself.md": "a link that leads back to itself",
        "there": "a link that leads back to itself",
        "back": "a link that leads back to itself",
        "pipe.md": "no regular file",
    } == {skipped.name: skipped.reason for skipped in log.skipped}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({}, "holds no documents (it is empty)", id="empty-folder"),
        pytest.param(
            {"a.png": "x"},
            "a.png: its suffix is none of .jsonl .ndjson .md .markdown .txt .html .htm .xhtml",
            id="no-documents",
        ),
        pytest.param({"a.jsonl": "{"}, "a.jsonl:1 is no JSON", id="only-broken-lines"),
    ],
)
def test_a_source_without_documents_is_an_error_that_says_why(tmp_path, files, message):
    root = write(tmp_path, **files)

    with pytest.raises(SourceError) as error:
        ids(root)

    assert message in str(error.value)


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"/nowhere does not exist\. Name a file or a folder"):
        ids(tmp_path / "nowhere")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.md")

    with pytest.raises(SourceError, match="is no regular file"):
        ids(tmp_path / "pipe.md")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_may_not_be_read_is_named_with_the_way_out(unprivileged, kind):
    write(unprivileged, **{"sub__a.md": "x", "b.md": "y"})
    closed = unprivileged / ("sub/a.md" if kind == "file" else "sub")
    closed.chmod(0o000)

    with pytest.raises(SourceError) as error:
        ids(unprivileged)

    closed.chmod(0o755)
    assert f"The {kind} {closed} may not be read by this user" in str(error.value)
    assert f"chmod -R a+rX '{closed}'" in str(error.value)


def test_a_file_in_a_folder_that_may_not_be_entered_is_named(unprivileged):
    write(unprivileged, **{"sub__a.md": "x"})
    (unprivileged / "sub").chmod(0o000)

    with pytest.raises(SourceError, match=r"sub/a\.md may not be read by this user"):
        ids(unprivileged / "sub" / "a.md")

    (unprivileged / "sub").chmod(0o755)


def test_a_file_beyond_the_limit_is_named_with_its_size(tmp_path):
    path = tmp_path / "big.md"
    with path.open("wb") as file:
        file.truncate(from_bytes.FILE_BYTES_MAX + 1)  # sparse: takes no space

    with pytest.raises(SourceError, match=r"big\.md is 67108865 bytes long; a Markdown file may have 67108864"):
        ids(path)


def test_one_document_is_made_at_a_time(tmp_path):
    write(tmp_path, **{"a.jsonl": '{"id": "1", "text": "x"}\n{"id": "2", "text": "y"}\n', "b.md": "z"})
    log = ReadLog()

    next(iter_documents(tmp_path, Reading(log)))

    assert 1 == log.documents


def test_a_jsonl_file_that_changes_while_it_is_read_is_an_error(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "1", "text": "x"}\n' + '{"id": "2", "text": "y"}\n' * 2_000 + '{"id": "3", "text": "y"}\n')
    documents = iter_documents(path, Reading())
    next(documents)
    os.truncate(path, 30)

    with pytest.raises(SourceError, match=r"the file changed while it was read"):
        list(documents)


def test_a_name_that_is_not_utf_8_is_read_under_one_that_can_be_shown(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("text")
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_text("no document")
    log = ReadLog()

    found = ids(tmp_path, log)

    assert ["caf\ufffd"] == found
    assert [("caf\ufffd.md", "its name is not valid UTF-8; such bytes are shown as \ufffd")] == [
        (problem.origin, problem.reason) for problem in log.problems
    ]
    assert ["caf\ufffd.png"] == [skipped.name for skipped in log.skipped]
