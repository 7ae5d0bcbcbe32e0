"""Which addresses a file may come from, and that those which were checked are connected to."""

from pathlib import Path

import httpx
import pytest
from tests.server.fetching.sites import LINES, LOOPBACK, Site, reply, to_loopback

from clockifyrag_builder.readers.addresses import address_rules
from clockifyrag_builder.readers.fetch_errors import AddressRefused, AnswerRefused
from clockifyrag_builder.readers.http import fetch
from clockifyrag_builder.readers.transport import PinnedTransport
from clockifyrag_index.errors import SourceError


def test_a_private_address_is_refused_until_it_is_named(site: Site, tmp_path: Path) -> None:
    reply(site, "/help.jsonl")

    with pytest.raises(AddressRefused, match=r"name 127\.0\.0\.1 by --allow-host"):
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
        pytest.param("http://xn--a0x7f/", AddressRefused, "http://xn--a0x7f/: xn--a0x7f is", id="no name of IDNA"),
        pytest.param(f"http://{'a' * 64}.example/", AddressRefused, "is not a host name", id="a label too long"),
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
