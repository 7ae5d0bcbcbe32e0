"""Where the builder may fetch from: tables of addresses, judged as numbers, with the resolver's answers in the test."""

import httpx
import pytest

from clockifyrag_builder.readers.addresses import (
    Resolver,
    address_rules,
    checked_addresses,
    checked_url,
    origin_of,
    refusal_reason,
    shown_url,
)
from clockifyrag_builder.readers.fetch_errors import AddressRefused
from clockifyrag_index.errors import SourceError


def answers(*addresses: str) -> Resolver:
    """A resolver that knows these addresses for every host."""
    return lambda host, port: addresses


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("0.0.0.0", "this network itself"),
        ("0.1.2.3", "this network itself"),
        ("10.0.0.1", "private"),
        ("10.255.255.255", "private"),
        ("100.64.0.1", "shared between a carrier's customers"),
        ("100.100.100.200", "the metadata service of a cloud"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("169.254.1.1", "link-local"),
        ("169.254.169.254", "the metadata service of a cloud"),
        ("168.63.129.16", "the metadata service of a cloud"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.1", "reserved for protocols"),
        ("192.0.2.1", "reserved for documentation"),
        ("192.88.99.1", "a 6to4 relay"),
        ("192.168.1.1", "private"),
        ("198.18.0.1", "reserved for benchmarks"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::127.0.0.1", "an IPv4 address in IPv6 form"),
        ("::ffff:127.0.0.1", "an IPv4 address in IPv6 form"),
        ("::ffff:8.8.8.8", "an IPv4 address in IPv6 form"),
        ("::ffff:0:127.0.0.1", "not global unicast"),
        ("64:ff9b::127.0.0.1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "the metadata service of a cloud"),
        ("64:ff9b:1::10.0.0.1", "a private translation of IPv4"),
        ("100::1", "a discard range"),
        ("2001::1", "a Teredo tunnel"),
        ("2001:db8::1", "reserved for documentation"),
        ("2002:7f00:1::", "a 6to4 tunnel"),
        ("2002:808:808::", "a 6to4 tunnel"),
        ("4000::1", "not global unicast"),
        ("fc00::1", "private"),
        ("fd00:ec2::254", "the metadata service of a cloud"),
        ("fdff::1", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
        ("not an address", "not an address"),
    ],
)
def test_an_address_inside_some_network_is_refused_with_its_kind(address: str, reason: str) -> None:
    assert reason == refusal_reason(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "126.255.255.255",
        "128.0.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "192.167.255.255",
        "223.255.255.255",
        "2606:4700::1",
        "2a00:1450::1",
        "64:ff9b::8.8.8.8",
    ],
)
def test_a_public_address_is_fetched_from(address: str) -> None:
    assert "" == refusal_reason(address)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://2130706433/", id="decimal"),
        pytest.param("http://0x7f000001/", id="hexadecimal"),
        pytest.param("http://0x7f.1/", id="hexadecimal, short"),
        pytest.param("http://017700000001/", id="octal"),
        pytest.param("http://0177.0.0.1/", id="octal part"),
        pytest.param("http://127.1/", id="two parts"),
        pytest.param("http://127.0.1/", id="three parts"),
        pytest.param("http://127.0.0.01/", id="leading zero"),
        pytest.param("http://1.2.3.4.5/", id="five parts"),
        pytest.param("http://0x/", id="hexadecimal of nothing"),
        pytest.param("http://256.256.256.256/", id="parts too large"),
        pytest.param("http://a.0x7f/", id="number as the last label"),
    ],
)
def test_a_number_that_is_no_plain_ipv4_address_is_no_host(url: str) -> None:
    with pytest.raises(AddressRefused, match=r"four decimal numbers|not a URL"):
        checked_url(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param("file:///etc/passwd", "only http and https", id="file"),
        pytest.param("ftp://a.org/", "only http and https", id="ftp"),
        pytest.param("gopher://a.org/", "only http and https", id="gopher"),
        pytest.param("//a.org/", "only http and https", id="no scheme"),
        pytest.param("a.org/x", "only http and https", id="no scheme, no slashes"),
        pytest.param("http://", "is not a host name", id="no host"),
        pytest.param("http:///x", "is not a host name", id="empty host"),
        pytest.param("http://a b/", "is not a host name", id="space"),
        pytest.param("http://a\\@b/", "user name or password", id="backslash before @"),
        pytest.param("http://a\\b/", "is not a host name", id="backslash"),
        pytest.param("http://a%00.org/", "is not a host name", id="percent"),
        pytest.param("http://a..org/", "not a", id="empty label"),
        pytest.param(f"http://{'a' * 64}.org/", "a part of more than 63 characters", id="long label"),
        pytest.param("http://-a.org/", "not a", id="leading hyphen"),
        pytest.param("http://[::1", "not a URL", id="half a bracket"),
        pytest.param("http://a.org:99999/", "expected 1 to 65535", id="port out of range"),
        pytest.param("http://a.org:0/", "expected 1 to 65535", id="port nought"),
        pytest.param("http://a.org:x/", "not a URL", id="port that is no number"),
    ],
)
def test_what_is_no_plain_http_address_is_refused(url: str, told: str) -> None:
    with pytest.raises(AddressRefused, match=told):
        checked_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@a.org/",
        "https://secret@a.org/",
        "https://user:secret@[::1/",
        "https://user:sec:ret@a.org:port/secret",
        "ftp://user:secret@a.org/",
    ],
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        checked_url(url)

    assert "secret" not in str(refused.value).replace("in a Secret", "")


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        pytest.param("http://127.0.0.1/", (), id="loopback"),
        pytest.param("http://127.0.0.1./", (), id="loopback with a final dot"),
        pytest.param("http://[::1]/", (), id="loopback, IPv6"),
        pytest.param("http://[::ffff:7f00:1]/", (), id="mapped"),
        pytest.param("http://[0:0:0:0:0:ffff:127.0.0.1]/", (), id="mapped, written out"),
        pytest.param("http://169.254.169.254/latest/meta-data/", (), id="metadata"),
        pytest.param("http://localhost/", ("127.0.0.1",), id="name of loopback"),
        pytest.param("http://inside.example.com/", ("10.0.0.7",), id="public name of a private address"),
        pytest.param("http://mixed.example.com/", ("93.184.215.14", "10.0.0.7"), id="one public, one private"),
        pytest.param("http://a.svc.cluster.local/", ("fd00::7",), id="cluster service"),
        pytest.param("http://scoped.example.com/", ("fe80::1%eth0",), id="address with a zone"),
    ],
)
def test_a_host_with_any_address_inside_is_refused_and_the_way_out_named(url: str, addresses: tuple[str, ...]) -> None:
    rules = address_rules((), answers(*addresses))

    with pytest.raises(AddressRefused, match=r"name .* by --allow-host \(allowHosts of a resource\)"):
        checked_addresses(httpx.URL(url), rules)


@pytest.mark.parametrize(
    ("allowed", "url", "addresses"),
    [
        pytest.param("localhost", "http://localhost:8000/", ("127.0.0.1",), id="name"),
        pytest.param("LocalHost.", "http://localhost/", ("127.0.0.1",), id="name in another case, final dot"),
        pytest.param("127.0.0.1", "http://127.0.0.1:8000/", (), id="address"),
        pytest.param("[::1]", "http://[0:0::1]/", (), id="IPv6 address in brackets"),
        pytest.param("wiki.corp", "https://WIKI.corp/x", ("10.1.2.3",), id="company host"),
    ],
)
def test_a_host_named_in_allow_hosts_may_have_any_address(allowed: str, url: str, addresses: tuple[str, ...]) -> None:
    found = checked_addresses(httpx.URL(url), address_rules([allowed], answers(*addresses)))

    assert addresses or (httpx.URL(url).host.replace("0:0::1", "::1"),) == found


@pytest.mark.parametrize(
    ("allowed", "url", "addresses"),
    [
        pytest.param("corp", "http://wiki.corp/", ("10.1.2.3",), id="a parent domain is another host"),
        pytest.param("wiki.corp", "http://wiki.corp.evil.org/", ("10.1.2.3",), id="a longer name is another host"),
        pytest.param("127.0.0.1", "http://localhost/", ("127.0.0.1",), id="a name is not its address"),
        pytest.param("localhost", "http://127.0.0.1/", (), id="an address is not its name"),
    ],
)
def test_allow_hosts_names_exact_hosts(allowed: str, url: str, addresses: tuple[str, ...]) -> None:
    with pytest.raises(AddressRefused):
        checked_addresses(httpx.URL(url), address_rules([allowed], answers(*addresses)))


def test_a_host_without_addresses_is_an_os_error_so_that_it_is_tried_again() -> None:
    with pytest.raises(OSError, match="has no address"):
        checked_addresses(httpx.URL("http://a.org/"), address_rules((), answers()))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://A.org/x", "http://a.org:80"),
        ("https://a.org:443/", "https://a.org:443"),
        ("https://a.org:8443/", "https://a.org:8443"),
        ("http://[0:0::1]/", "http://[::1]:80"),
        ("http://a.org./", "http://a.org:80"),
    ],
)
def test_one_origin_has_one_spelling(url: str, origin: str) -> None:
    assert origin == origin_of(httpx.URL(url))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@a.org:8/x?token=t#f", "https://a.org:8/x?…"),
        ("http://[::1]:8/%0a%1b", "http://[::1]:8/%0a%1b"),
        ("http://a.org:x/", "(not a URL)"),
        ("https://xn--a0x7f/", "https://xn--a0x7f/"),
    ],
)
def test_a_url_in_a_message_holds_neither_credentials_nor_a_query_nor_a_line_break(url: str, shown: str) -> None:
    assert shown == shown_url(url)


def test_every_refusal_is_a_source_error_so_that_a_build_ends_with_its_exit_code() -> None:
    assert issubclass(AddressRefused, SourceError)
    assert 30 == AddressRefused.exit_code
