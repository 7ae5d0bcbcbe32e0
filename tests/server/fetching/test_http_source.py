"""One file over HTTP: fetched, named, and not sent again while it is the same."""

import hashlib
from pathlib import Path

import pytest
from tests.server.fetching.sites import LINES, LOOPBACK, Site, reply

from clockifyrag_builder.readers.fetch_errors import AnswerRefused
from clockifyrag_builder.readers.http import fetch


def test_a_file_is_fetched_with_its_digest_by_a_client_that_says_its_name(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl")

    fetched = fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert LINES == fetched.path.read_bytes()
    assert (hashlib.sha256(LINES).hexdigest(), len(LINES)) == (fetched.sha256, fetched.size_bytes)
    assert ("help.jsonl", False) == (fetched.name, fetched.unchanged)
    assert site.asked[0].headers["user-agent"].startswith("clockifyrag/0.")


@pytest.mark.parametrize(
    ("headers", "condition"),
    [
        pytest.param({"ETag": '"v1"'}, ("if-none-match", '"v1"'), id="ETag"),
        pytest.param(
            {"Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"},
            ("if-modified-since", "Mon, 02 Nov 2026 10:00:00 GMT"),
            id="Last-Modified",
        ),
    ],
)
def test_an_unchanged_file_is_not_sent_again(
    headers: dict[str, str], condition: tuple[str, str], site: Site, tmp_path: Path
) -> None:
    reply(site, "/help.jsonl", headers=headers)
    fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    again = fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert [200, 304] == [status for _, status in site.statuses]
    assert condition[1] == site.asked[1].headers[condition[0]]
    assert (True, LINES) == (again.unchanged, again.path.read_bytes())


@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
def test_a_validator_that_cannot_be_sent_back_is_not_and_costs_a_download(
    name: str, site: Site, tmp_path: Path
) -> None:
    reply(site, "/help.jsonl", headers={name: '"café"'})
    fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    again = fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert [200, 200] == [status for _, status in site.statuses]
    assert (True, LINES) == (again.unchanged, again.path.read_bytes())


def test_a_file_that_changed_is_fetched_and_the_old_one_removed(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", headers={"ETag": '"v1"'})
    fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)
    reply(site, "/help.jsonl", LINES * 2, headers={"ETag": '"v2"'})

    again = fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert (False, LINES * 2) == (again.unchanged, again.path.read_bytes())
    assert [again.path] == list((tmp_path / "bodies").iterdir())


def test_the_same_bytes_from_a_server_without_validators_are_unchanged(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl")
    fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    again = fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert again.unchanged


def test_a_kept_file_damaged_on_disk_is_fetched_whole_again(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", headers={"ETag": '"v1"'})
    fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK).path.write_bytes(b"damage")

    again = fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert LINES == again.path.read_bytes()
    assert "if-none-match" not in site.asked[1].headers


def test_another_digest_is_refused_with_both_and_stays_refused(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", headers={"ETag": '"v1"'})
    wanted, found = "0" * 64, hashlib.sha256(LINES).hexdigest()

    for _ in range(2):
        with pytest.raises(AnswerRefused, match=f"sha256 is {found}, expected {wanted}"):
            fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK, sha256=wanted)
    fetched = fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK, sha256=found.upper())

    assert LINES == fetched.path.read_bytes()


@pytest.mark.parametrize(
    ("path", "content_type", "body", "name"),
    [
        pytest.param("/export", "application/x-ndjson", LINES, "export.jsonl", id="JSON lines"),
        pytest.param("/export", "text/markdown; charset=utf-8", b"# A", "export.md", id="Markdown"),
        pytest.param("/export/", "text/html", b"<h1>A", "export.html", id="HTML"),
        pytest.param("/", "text/html", b"<h1>A", "index.html", id="HTML at the root"),
        pytest.param("/export", "application/octet-stream", b"PK\x03\x04", "export.zip", id="zip by its bytes"),
        pytest.param("/export", "text/html", b"\x1f\x8b\x08\x00", "export.tar.gz", id="gzip by its bytes"),
        pytest.param("/export", "application/x-tar", b"x", "export.tar", id="tar"),
        pytest.param("/a.md?v=1", "text/plain", b"# A", "a.md", id="the URL's suffix comes first"),
        pytest.param("/A.JSONL", "application/octet-stream", LINES, "A.JSONL", id="suffix in capitals"),
        pytest.param("/export", "text/plain", LINES, "export", id="nothing tells, the content will"),
    ],
)
def test_the_name_tells_the_reader_by_suffix_bytes_or_content_type(
    path: str, content_type: str, body: bytes, name: str, site: Site, tmp_path: Path
) -> None:
    reply(site, path, body, headers={"Content-Type": content_type})

    fetched = fetch(f"{site.url}{path}", tmp_path, allow_hosts=LOOPBACK)

    assert name == fetched.name
