"""Who is shown an authorization, and whose certificate is believed."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from tests.server.fetching.sites import LINES, LOOPBACK, Site, reply, to_loopback

from clockifyrag_builder.readers.fetch_errors import AddressRefused, AnswerRefused
from clockifyrag_builder.readers.http import Fetched, fetch
from clockifyrag_index.errors import UsageError


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


def fetch_over_tls(site: Site, folder: Path, authorization: str | None = None) -> Fetched:
    """The site's file, asked for as that of help.example."""
    return fetch(
        f"https://help.example:{site.port}/help.jsonl",
        folder / "kept",
        allow_hosts=["help.example"],
        authorization=authorization,
        resolve=to_loopback,
    )


def test_over_tls_the_certificate_is_checked_for_the_name_not_for_the_address(
    authority: trustme.CA, new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site(tls_for(authority, "help.example"))
    reply(site, "/help.jsonl")

    fetched = fetch_over_tls(site, tmp_path, authorization="Bearer s3cret")

    assert LINES == fetched.path.read_bytes()


def test_over_tls_a_certificate_of_another_name_is_refused_at_once(
    authority: trustme.CA, new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site(tls_for(authority, "other.example"))

    with pytest.raises(AnswerRefused, match="its certificate is not trusted"):
        fetch_over_tls(site, tmp_path)


def test_a_redirect_from_https_to_http_is_refused(
    authority: trustme.CA, new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site(tls_for(authority, "help.example"))
    site.redirect("/help.jsonl", "http://help.example/help.jsonl")

    with pytest.raises(AddressRefused, match="which is not encrypted"):
        fetch_over_tls(site, tmp_path)
