"""One file over HTTP, from a real server on loopback."""

import hashlib
import io
import itertools
import json
import socket
import ssl
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from clockifyrag_builder.readers import ReadLog
from clockifyrag_builder.readers.addresses import address_rules
from clockifyrag_builder.readers.fetch_errors import AddressRefused, AnswerRefused, OutOfTime, SourceUnreachable
from clockifyrag_builder.readers.http import fetch
from clockifyrag_builder.readers.sources import Reading, read_source
from clockifyrag_builder.readers.transport import PinnedTransport
from clockifyrag_builder.readers.web import Clock
from clockifyrag_index.errors import SourceError, StorageError, UsageError

LOOPBACK = ("127.0.0.1", "localhost")
LINES = b'{"id": "1", "url": "", "title": "Timer", "section": "Start", "content": "Press start."}\n'
Site = Any  # the class lives in conftest.py, which cannot be imported
Reply = Any


def reply(site: Site, path: str, body: bytes = LINES, status: int = 200, **more: Any) -> None:
    """The site answers `body` at `path`; headers=… and the like go to Reply."""
    site.page("/a page made only to learn the class of a reply")
    site.add(path, type(site.routes.popitem()[1])(body, status, **more))


def to_loopback(host: str, port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)


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


@pytest.mark.parametrize("says_its_length", [True, False])
def test_a_file_larger_than_the_limit_is_refused_and_leaves_nothing(
    says_its_length: bool, site: Site, tmp_path: Path
) -> None:
    reply(site, "/help.jsonl", b"x" * 300_000, content_length=says_its_length)

    with pytest.raises(AnswerRefused, match="100,000 bytes"):
        fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK, max_bytes=100_000)

    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_compressed_bomb_is_refused_at_the_limit(site: Site, tmp_path: Path) -> None:
    import gzip

    reply(site, "/help.jsonl", gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})

    with pytest.raises(AnswerRefused, match="larger than 1,000,000 bytes"):
        fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK, max_bytes=1_000_000)


def test_a_body_that_trickles_past_the_deadline_is_given_up(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", b"x" * 300_000)
    ticks = itertools.count(0, 8)  # every look at the clock is eight seconds later

    with pytest.raises(AnswerRefused, match="bytes came in 30 s"):
        fetch(
            f"{site.url}/help.jsonl",
            tmp_path,
            allow_hosts=LOOPBACK,
            deadline_seconds=30,
            clock=Clock(now=lambda: float(next(ticks))),
        )


def test_nothing_is_asked_once_the_deadline_has_passed(site: Site, tmp_path: Path) -> None:
    ticks = itertools.count(0, 100)

    with pytest.raises(OutOfTime, match="the 30 s for this source are over"):
        fetch(
            f"{site.url}/help.jsonl",
            tmp_path,
            allow_hosts=LOOPBACK,
            deadline_seconds=30,
            clock=Clock(now=lambda: float(next(ticks))),
        )

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


def test_a_private_address_is_refused_until_it_is_named(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl")

    with pytest.raises(AddressRefused, match=r"name 127\.0\.0\.1 in allowHosts"):
        fetch(f"{site.url}/help.jsonl", tmp_path)

    assert [] == site.asked


def test_a_redirect_is_followed_and_the_last_address_names_the_file(site: Site, tmp_path: Path) -> None:
    reply(site, "/v2/help.jsonl")
    site.redirect("/latest", "/v2/help.jsonl", 301)

    fetched = fetch(f"{site.url}/latest", tmp_path, allow_hosts=LOOPBACK)

    assert ("help.jsonl", f"{site.url}/v2/help.jsonl") == (fetched.name, fetched.url)


@pytest.mark.parametrize(
    ("target", "error", "told"),
    [
        pytest.param("http://127.0.0.1:{port}/help.jsonl", AddressRefused, "loopback", id="loopback"),
        pytest.param("http://2130706433:{port}/help.jsonl", AddressRefused, "is a number", id="loopback as a number"),
        pytest.param("http://[::ffff:127.0.0.1]:{port}/", AddressRefused, "in IPv6 form", id="loopback mapped"),
        pytest.param("http://169.254.169.254/latest/", AddressRefused, "metadata", id="metadata"),
        pytest.param("http://inside.example/", AddressRefused, "loopback", id="a name of loopback"),
        pytest.param("file:///etc/passwd", AddressRefused, "only http and https", id="file"),
        pytest.param("http://u:p@help.example/", AddressRefused, "user name or password", id="credentials"),
        pytest.param("http://[::1", AddressRefused, "no URL", id="no URL"),
        pytest.param("/help.jsonl", AnswerRefused, "more than 5 redirects", id="itself"),
    ],
)
def test_a_redirect_to_where_it_must_not_lead_is_refused(
    target: str, error: type[SourceError], told: str, site: Site, tmp_path: Path
) -> None:
    site.redirect("/help.jsonl", target.format(port=site.port))

    with pytest.raises(error, match=told):
        fetch(
            f"http://help.example:{site.port}/help.jsonl", tmp_path, allow_hosts=["help.example"], resolve=to_loopback
        )

    assert {f"help.example:{site.port}"} == {asked.headers["host"] for asked in site.asked}


def test_the_address_that_was_checked_is_the_one_connected_to(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl")
    lookups: list[str] = []

    def flipping(host: str, port: int) -> tuple[str, ...]:
        lookups.append(host)
        return ("127.0.0.1",) if len(lookups) == 1 else ("10.0.0.7",)

    fetched = fetch(
        f"http://help.example:{site.port}/help.jsonl", tmp_path, allow_hosts=["help.example"], resolve=flipping
    )

    assert ["help.example"] == lookups
    assert LINES == fetched.path.read_bytes()
    assert f"help.example:{site.port}" == site.asked[0].headers["host"]


def test_a_name_that_turns_private_after_the_check_is_refused_at_the_next_request() -> None:
    answers = iter([("93.184.215.14",), ("127.0.0.1",)])
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    class WithoutNetwork(PinnedTransport):  # a public server cannot be had in a test
        def _pool(self, url: httpx.URL) -> httpx.BaseTransport:
            return httpx.MockTransport(answer)

    transport = WithoutNetwork(address_rules((), lambda host, port: next(answers)))
    with httpx.Client(transport=transport) as client:
        client.get("https://help.example/a")

        with pytest.raises(AddressRefused, match=r"help\.example is 127\.0\.0\.1, loopback"):
            client.get("https://help.example/b")

    assert [("93.184.215.14", "help.example", "help.example")] == [
        (request.url.host, request.headers["host"], request.extensions["sni_hostname"]) for request in sent
    ]


def test_the_next_address_is_tried_when_the_first_does_not_answer(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl")

    fetched = fetch(
        f"http://help.example:{site.port}/help.jsonl",
        tmp_path,
        allow_hosts=["help.example"],
        resolve=lambda host, port: ("127.0.0.2", "127.0.0.1"),
    )

    assert LINES == fetched.path.read_bytes()


def test_a_proxy_in_the_environment_is_not_used_for_it_would_not_check(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply(site, "/help.jsonl")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    fetched = fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK)

    assert LINES == fetched.path.read_bytes()


def test_an_authorization_header_goes_to_its_origin_and_not_past_a_redirect(
    site: Site, new_site: Callable[[], Site], tmp_path: Path
) -> None:
    other = new_site()
    reply(other, "/help.jsonl")
    site.redirect("/a", "/b")
    site.redirect("/b", f"{other.url}/help.jsonl")

    fetch(f"{site.url}/a", tmp_path, allow_hosts=LOOPBACK, authorization="Bearer s3cret\n")

    assert ["Bearer s3cret", "Bearer s3cret"] == [asked.headers["authorization"] for asked in site.asked]
    assert "authorization" not in other.asked[0].headers
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


def test_a_refused_authorization_is_told_without_its_value(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl", b"", 403)

    with pytest.raises(AnswerRefused) as refused:
        fetch(f"{site.url}/help.jsonl", tmp_path, allow_hosts=LOOPBACK, authorization="Bearer s3cret")

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("value", ["", "  ", "Bearer s3cret\r\nX-Evil: 1", "Bearer s3crét", "s3cret\x00"])
def test_an_authorization_value_that_is_no_header_is_a_usage_error_without_the_value(
    value: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as refused:
        fetch("https://help.example/help.jsonl", tmp_path, authorization=value)

    assert "s3cr" not in str(refused.value)


def test_an_authorization_header_is_not_sent_unencrypted_to_the_open_net(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would travel unencrypted"):
        fetch("http://help.example/help.jsonl", tmp_path, authorization="Bearer s3cret")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that SSL_CERT_FILE names, as an administrator of a company would."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


def tls_for(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_over_tls_the_certificate_is_checked_for_the_name_not_for_the_address(
    authority: trustme.CA, new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site(tls_for(authority, "help.example"))
    reply(site, "/help.jsonl")

    fetched = fetch(
        f"https://help.example:{site.port}/help.jsonl",
        tmp_path / "kept",
        allow_hosts=["help.example"],
        authorization="Bearer s3cret",
        resolve=to_loopback,
    )

    assert LINES == fetched.path.read_bytes()


def test_over_tls_a_certificate_of_another_name_is_refused_at_once(
    authority: trustme.CA, new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site(tls_for(authority, "other.example"))

    with pytest.raises(AnswerRefused, match="its certificate is not trusted"):
        fetch(
            f"https://help.example:{site.port}/help.jsonl",
            tmp_path / "kept",
            allow_hosts=["help.example"],
            resolve=to_loopback,
        )


def test_a_redirect_from_https_to_http_is_refused(
    authority: trustme.CA, new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site(tls_for(authority, "help.example"))
    site.redirect("/help.jsonl", "http://help.example/help.jsonl")

    with pytest.raises(AddressRefused, match="which is not encrypted"):
        fetch(
            f"https://help.example:{site.port}/help.jsonl",
            tmp_path / "kept",
            allow_hosts=["help.example"],
            resolve=to_loopback,
        )


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
