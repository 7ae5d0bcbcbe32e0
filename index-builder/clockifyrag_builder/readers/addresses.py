"""checked_addresses: where a URL may be fetched from, so that no document and no redirect leads into the network.

    URL ─► host ─ resolve once ─► every address public, or the host named in allow_hosts ─► connect to these only

The addresses found here are the ones connected to (`transport.py`): a name that answers differently the second
time (DNS rebinding) gains nothing. Ranges: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890).
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import httpx

from clockifyrag_builder.readers.fetch_errors import AddressRefused
from clockifyrag_builder.readers.identity import DEFAULT_PORTS

Resolver = Callable[[str, int], Sequence[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

WAY_OUT = "by --allow-host (allowHosts of a resource)"  # how a host with a private address is allowed

_HOST = re.compile(r"^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$")
_LABEL_MAX = 63  # characters between two dots (RFC 1035, section 2.3.4); a resolver fails for a longer one
_NUMERIC_LABEL = re.compile(r"^(0x[0-9a-f]*|[0-9]+)$")

# The first range an address lies in gives the reason, so narrow ones stand before wide ones.
_REFUSED_RANGES = tuple(
    (ipaddress.ip_network(network), reason)
    for network, reason in (
        ("169.254.169.254/32", "the metadata service of a cloud"),
        ("100.100.100.200/32", "the metadata service of a cloud"),
        ("192.0.0.192/32", "the metadata service of a cloud"),
        ("168.63.129.16/32", "the metadata service of a cloud"),
        ("fd00:ec2::/32", "the metadata service of a cloud"),
        ("0.0.0.0/8", "this network itself"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared between a carrier's customers"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "reserved for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("198.51.100.0/24", "reserved for documentation"),
        ("203.0.113.0/24", "reserved for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::1/128", "loopback"),
        ("::/128", "unspecified"),
        ("::ffff:0:0/96", "an IPv4 address in IPv6 form"),
        ("::/96", "an IPv4 address in IPv6 form"),
        ("64:ff9b:1::/48", "a private translation of IPv4"),
        ("100::/64", "a discard range"),
        ("2001::/32", "a Teredo tunnel"),
        ("2001:10::/28", "reserved for protocols"),
        ("2001:20::/28", "reserved for protocols"),
        ("2001:db8::/32", "reserved for documentation"),
        ("2002::/16", "a 6to4 tunnel"),
        ("3fff::/20", "reserved for documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
# DNS64 gives IPv4-only hosts these addresses (RFC 6052): in an IPv6-only cluster most of the web is here.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


def system_addresses(host: str, port: int) -> tuple[str, ...]:
    """The addresses the system's resolver knows for the host, in its order; OSError where it knows none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Hosts that may have any address (names or addresses, exact), and who is asked for addresses."""

    allow_hosts: frozenset[str] = frozenset()
    resolve: Resolver = system_addresses


def address_rules(allow_hosts: Iterable[str], resolve: Resolver = system_addresses) -> AddressRules:
    """Rules with the names in their one form: lower case, no final dot, no brackets, addresses compressed."""
    return AddressRules(frozenset(_one_form(host) for host in allow_hosts), resolve)


def checked_url(text: str) -> httpx.URL:
    """The URL, if it is http or https with a plain host and no credentials; AddressRefused without repeating them."""
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as problem:
        # The problem's own words may hold a part of a password.
        raise AddressRefused("the address given is not a URL; expected http(s)://host/path") from problem
    if url.scheme not in DEFAULT_PORTS:
        raise AddressRefused(f"{shown_url(url)}: scheme {url.scheme!r}; only http and https are fetched")
    if url.userinfo:
        raise AddressRefused(
            f"{shown_url(url)}: holds a user name or password; give credentials as an Authorization header in a Secret"
        )
    if url.port is not None and not 0 < url.port < 65_536:
        raise AddressRefused(f"{shown_url(url)}: port {url.port}; expected 1 to 65535")
    host_of(url)
    return url


def host_of(url: httpx.URL) -> str:
    """The host in its one form; AddressRefused for anything a resolver could read in two ways."""
    host = _one_form(url.raw_host.decode("ascii"))
    if _literal(host) is not None:
        return host
    if not _HOST.match(host) or ".." in host or len(host) > 253:
        raise AddressRefused(f"{shown_url(url)}: {host!r} is not a host name; expected letters, digits, '-' and '.'")
    if any(len(label) > _LABEL_MAX for label in host.split(".")):
        raise AddressRefused(f"{shown_url(url)}: is not a host name: a part of more than {_LABEL_MAX} characters")
    if _NUMERIC_LABEL.match(host.rsplit(".", 1)[-1]):
        # 2130706433, 0x7f.1 and 0177.0.0.1 all are 127.0.0.1 to inet_aton.
        raise AddressRefused(f"{shown_url(url)}: {host!r} is a number; write an IPv4 address as four decimal numbers")
    return host


def port_of(url: httpx.URL) -> int:
    """The port asked: the URL's own, else its scheme's."""
    return url.port or DEFAULT_PORTS[url.scheme]


def origin_of(url: httpx.URL) -> str:
    """Scheme, host and port: what an Authorization header and a robots.txt belong to (RFC 6454, section 4)."""
    host = host_of(url)
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}:{port_of(url)}"


def checked_addresses(url: httpx.URL, rules: AddressRules) -> tuple[str, ...]:
    """The addresses to connect to; AddressRefused if even one of them is not public and the host is not allowed.

    OSError where the host has no address: the caller may try again.
    """
    host = host_of(url)
    literal = _literal(host)
    addresses = (host,) if literal else tuple(rules.resolve(host, port_of(url)))
    if not addresses:
        raise OSError(f"{host} has no address")
    if host in rules.allow_hosts:
        return addresses
    for address in addresses:
        reason = refusal_reason(address)
        if reason:
            told = address if literal else f"{host} is {address}"
            raise AddressRefused(
                f"{shown_url(url)}: {told}, {reason}; only public addresses are fetched. "
                f"If this is meant, name {host} {WAY_OUT}"
            )
    return addresses


def refusal_reason(address: str) -> str:
    """Why no document is fetched from this address, "" for a public one. It is judged as a number, never as text."""
    number = _literal(address)
    if number is None:
        return "not an address"
    if isinstance(number, ipaddress.IPv6Address) and number in _NAT64:
        return refusal_reason(str(ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)))
    for network, reason in _REFUSED_RANGES:
        if number.version == network.version and number in network:
            return reason
    if isinstance(number, ipaddress.IPv6Address) and number not in _GLOBAL_UNICAST:
        return "not global unicast"
    return "" if number.is_global else "not public"


def shown_url(url: httpx.URL | str) -> str:
    """The URL as it may stand in a message: no user, no query (tokens live there), no fragment."""
    if isinstance(url, str):
        try:
            url = httpx.URL(url)
        except httpx.InvalidURL:
            return "(not a URL)"
    port = f":{url.port}" if url.port else ""
    name = url.raw_host.decode("ascii")  # not url.host: that fails for names in `xn--` that IDNA does not know
    host = f"[{name}]" if ":" in name else name
    query = "?…" if url.query else ""
    path = url.raw_path.partition(b"?")[0].decode("ascii")  # still percent-encoded: no line break gets out
    return f"{url.scheme}://{host}{port}{path}{query}"


def _one_form(host: str) -> str:
    plain = host.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")
    literal = _literal(plain)
    return literal.compressed if literal else plain


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
