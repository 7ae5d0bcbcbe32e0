"""The documents of one file over HTTP: an archive, a page, JSON lines."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from tests.server.fetching.sites import LINES, LOOPBACK, Site, reply

from clockifyrag_builder.readers import ReadLog
from clockifyrag_builder.readers.reading import Reading
from clockifyrag_builder.readers.sources import read_source
from clockifyrag_builder.sources import source_of
from clockifyrag_index.errors import SourceError


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


FILES = {"help/track/timer.md": "# Timer\n\nPress start.", "help/a.jsonl": LINES.decode(), "help/logo.png": "x"}


def test_an_archive_over_http_gives_the_documents_of_the_folder_it_was_made_of(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.tar.gz", archive(FILES), headers={"Content-Type": "application/gzip"})
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    log = ReadLog()

    fetched = list(read_source(f"{site.url}/help.tar.gz", Reading(log), work=tmp_path / "work", allow_hosts=LOOPBACK))
    unpacked = list(read_source(tmp_path / "help", Reading(ReadLog()), work=tmp_path / "work"))

    assert unpacked == fetched
    assert ["1", "track/timer"] == sorted(document.document_id for document in fetched)
    assert ["help/logo.png"] == [skipped.name for skipped in log.skipped]


def test_an_archive_on_this_disk_is_read_as_well(tmp_path: Path) -> None:
    (tmp_path / "help.tgz").write_bytes(archive(FILES))

    documents = list(read_source(tmp_path / "help.tgz", Reading(ReadLog(), format="Markdown"), work=tmp_path))

    assert ["track/timer"] == [document.document_id for document in documents]


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        pytest.param(
            "/timer.md", b"# Timer\n\nPress start.", r"timer\.md is 21 bytes long; a Markdown file may", id="file"
        ),
        pytest.param(
            "/help.tgz", archive(FILES), r"help\.tgz: track/timer\.md is 21 bytes long; a Mark", id="in an archive"
        ),
    ],
)
def test_a_page_beyond_the_limit_is_refused_wherever_it_comes_from(
    path: str, content: bytes, told: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply(site, path, content, headers={"Content-Type": "application/octet-stream"})
    monkeypatch.setattr("clockifyrag_builder.readers.from_bytes.FILE_BYTES_MAX", 20)

    with pytest.raises(SourceError, match=told):
        list(read_source(f"{site.url}{path}", Reading(ReadLog()), work=tmp_path, allow_hosts=LOOPBACK))


def test_a_source_without_a_document_is_an_error_that_names_what_was_passed_over(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.tar.gz", archive({"logo.png": "x"}))

    with pytest.raises(SourceError, match=r"holds no documents \(logo\.png: not a file this builder reads\)"):
        list(read_source(f"{site.url}/help.tar.gz", Reading(ReadLog()), work=tmp_path, allow_hosts=LOOPBACK))


def test_a_page_over_http_has_its_address_without_the_query(site: Site, tmp_path: Path) -> None:
    site.page("/help/timer?token=secret", "Press start.")

    documents = list(
        read_source(f"{site.url}/help/timer?token=secret", Reading(ReadLog()), work=tmp_path, allow_hosts=LOOPBACK)
    )

    assert [(f"{site.url}/help/timer", "help")] == [(document.url, document.category) for document in documents]


def test_the_charset_of_the_header_is_believed(site: Site, tmp_path: Path) -> None:
    html = "<title>Größe</title><h1>Größe</h1><p>naïve €".encode("cp1252")
    reply(site, "/a", html, headers={"Content-Type": 'text/html; charset="windows-1252"'})

    documents = list(read_source(f"{site.url}/a", Reading(ReadLog()), work=tmp_path, allow_hosts=LOOPBACK))

    assert ("Größe", "naïve €") == (documents[0].title, documents[0].sections[0].blocks[0].text)


def test_json_lines_without_a_suffix_are_known_by_their_content(site: Site, tmp_path: Path) -> None:
    reply(site, "/export", json.dumps({"_id": "7", "title": "Timer", "text": "Press start."}).encode())

    documents = list(read_source(f"{site.url}/export", Reading(ReadLog()), work=tmp_path, allow_hosts=LOOPBACK))

    assert ["7"] == [document.document_id for document in documents]


def test_a_source_that_is_fetched_twice_for_one_build_keeps_its_ids(site: Site, tmp_path: Path) -> None:
    # A build that ran out of room makes some and begins anew, with the same source.
    reply(site, "/help.jsonl")
    source = source_of(f"{site.url}/help.jsonl", work=tmp_path, allow_hosts=LOOPBACK)

    digest = source.fetch()

    assert digest == source.fetch()
    assert ["1"] == [document.document_id for document in source.documents()]
    assert 1 == source.reading()["records"].count


@pytest.mark.parametrize("label", ["iso-8859-1", "latin1"])
def test_a_header_that_says_latin_1_means_windows_1252(label: str, site: Site, tmp_path: Path) -> None:
    html = "<title>Größe</title><h1>Größe</h1><p>“naïve” – 5 €".encode("cp1252")
    reply(site, "/a", html, headers={"Content-Type": f"text/html; charset={label}"})

    documents = list(read_source(f"{site.url}/a", Reading(ReadLog()), work=tmp_path, allow_hosts=LOOPBACK))

    assert ("Größe", "“naïve” – 5 €") == (documents[0].title, documents[0].sections[0].blocks[0].text)
