"""One file over HTTP that cannot be had: refused, too large, too late, cut short, or nobody there."""

import gzip
import itertools
import socket
from pathlib import Path

import pytest
from tests.server.fetching.sites import LINES, LOOPBACK, Site, reply

from clockifyrag_builder.readers.fetch_errors import AnswerRefused, OutOfTime, SourceUnreachable
from clockifyrag_builder.readers.http import fetch
from clockifyrag_builder.readers.web import Clock
from clockifyrag_index.errors import SourceError, StorageError


@pytest.mark.parametrize("path", ["/help.jsonl", "/help.md", "/help.tar.gz", "/help.zip"])
def test_a_sign_in_page_in_place_of_the_file_is_refused(path: str, site: Site, tmp_path: Path) -> None:
    reply(site, path, b"<title>Sign in", headers={"Content-Type": "text/html"})

    with pytest.raises(AnswerRefused, match="a sign-in or error page"):
        fetch(f"{site.url}{path}", tmp_path, allow_hosts=LOOPBACK)


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "secretRef"), (403, "refuses"), (404, "nothing is at"), (410, "gone"), (418, "answers 418"), (204, "204")],
)
def test_a_status_other_than_200_is_told_with_what_to_do_and_not_tried_again(
    status: int, told: str, site: Site, tmp_path: Path
) -> None:
    reply(site, "/help.jsonl?token=secret", b"", status)

    with pytest.raises(AnswerRefused, match=told) as refused:
        fetch(f"{site.url}/help.jsonl?token=secret", tmp_path, allow_hosts=LOOPBACK)

    assert "secret" not in str(refused.value).replace("secretRef", "")
    assert 1 == len(site.asked)


def test_an_empty_body_is_refused(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", b"")

    with pytest.raises(AnswerRefused, match="the body is empty"):
        fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_server_that_is_unwell_is_asked_again(status: int, site: Site, tmp_path: Path) -> None:
    reply(site, "/well")
    reply(site, "/unwell", b"", status)
    well, unwell = site.routes["/well"], site.routes["/unwell"]
    site.add("/help.jsonl", lambda asked: unwell if len(site.asked) < 3 else well)

    fetched = fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert (3, LINES) == (len(site.asked), fetched.path.read_bytes())


def test_a_server_that_stays_unwell_ends_in_an_error_after_four_attempts(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", b"", 500)

    with pytest.raises(SourceUnreachable, match="answers 500 Internal Server Error; expected 200"):
        fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert 4 == len(site.asked)


def test_a_server_that_asks_for_an_hour_is_not_asked_again_now(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", b"", 503, headers={"Retry-After": "3600"})

    with pytest.raises(SourceUnreachable):
        fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert 1 == len(site.asked)


@pytest.mark.parametrize(
    "date",
    [
        pytest.param("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", id="year"),
        pytest.param("Mon, 99999999999999999999 Jan 2020 00:00:00 GMT", id="day"),
        pytest.param("soon", id="no date"),
    ],
)
def test_a_date_that_is_none_is_no_wish_for_a_pause(date: str, site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", b"", 503, headers={"Retry-After": date})

    with pytest.raises(SourceUnreachable, match="answers 503"):
        fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert 4 == len(site.asked)


@pytest.mark.parametrize("says_its_length", [True, False])
def test_a_file_larger_than_the_limit_is_refused_and_leaves_nothing(
    says_its_length: bool, site: Site, tmp_path: Path
) -> None:
    reply(site, "/help.jsonl", b"x" * 300_000, content_length=says_its_length)

    with pytest.raises(AnswerRefused, match="100,000 bytes"):
        fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK, max_bytes=100_000)

    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_compressed_bomb_is_refused_at_the_limit(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})

    with pytest.raises(AnswerRefused, match="larger than 1,000,000 bytes"):
        fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK, max_bytes=1_000_000)


def fetch_in_thirty_seconds(site: Site, folder: Path, tick_seconds: int) -> None:
    """Every look at the clock is so many seconds later."""
    ticks = itertools.count(0, tick_seconds)
    fetch(
        f"{site.url}/help.jsonl",
        folder,
        allow_hosts=LOOPBACK,
        deadline_seconds=30,
        clock=Clock(now=lambda: float(next(ticks))),
    )


def test_a_body_that_trickles_past_the_deadline_is_given_up(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", b"x" * 300_000)

    with pytest.raises(AnswerRefused, match="bytes came in 30 s"):
        fetch_in_thirty_seconds(site, tmp_path, tick_seconds=8)


def test_nothing_is_asked_once_the_deadline_has_passed(site: Site, tmp_path: Path) -> None:
    with pytest.raises(OutOfTime, match="the 30 s for this source are over"):
        fetch_in_thirty_seconds(site, tmp_path, tick_seconds=100)

    assert [] == site.asked


def test_a_server_that_hangs_is_given_up(site: Site, tmp_path: Path) -> None:
    site.slow("/help.jsonl")

    with pytest.raises(SourceError, match=r"no answer|are over"):
        fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK, deadline_seconds=0.3)


def test_a_body_cut_short_is_asked_for_again_and_never_kept(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", LINES, headers={"Content-Length": "9999"})

    with pytest.raises(SourceUnreachable, match="no answer"):
        fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert 4 == len(site.asked)
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_port_nobody_listens_on_is_told_without_the_query(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/help.jsonl?token=secret"

        with pytest.raises(SourceUnreachable) as refused:
            fetch(url, tmp_path, allow_hosts=LOOPBACK)

    assert "no answer (ConnectError" in str(refused.value) and "secret" not in str(refused.value)


def test_a_host_nobody_knows_is_told(tmp_path: Path) -> None:
    def unknown(host: str, port: int) -> tuple[str, ...]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(SourceUnreachable, match=r"no address for help\.example"):
        fetch("http://help.example/help.jsonl", tmp_path, resolve=unknown)


def test_a_folder_that_cannot_be_written_is_a_storage_error(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl")
    (tmp_path / "taken").write_text("a file where a folder is wanted")

    with pytest.raises(StorageError):
        fetch(f"{site.url}/help.jsonl", tmp_path / "taken", allow_hosts=LOOPBACK)
