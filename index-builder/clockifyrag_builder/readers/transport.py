"""PinnedTransport: HTTP to addresses checked by `addresses.py`, and to no others.

request to https://name/ ─► checked_addresses(name) ─► TCP to 203.0.113.7, with SNI, certificate and Host of name
"""

import ssl

import httpx

from clockifyrag_builder.readers.addresses import AddressRules, checked_addresses, host_of, origin_of


class PinnedTransport(httpx.BaseTransport):
    """Checks each request's host anew and connects to the addresses just checked, in the resolver's order.

    It uses no proxy: a proxy would look the name up again. Certificates are checked against certifi's list, or the
    file that SSL_CERT_FILE names.
    """

    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules
        # One pool an origin: connections are kept by address, and two hosts may share an address but no certificate.
        self._pools: dict[str, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """AddressRefused for a host that may not be asked; ConnectError where no address answers or none is known."""
        host = host_of(request.url)
        try:
            addresses = checked_addresses(request.url, self._rules)
        except OSError as problem:
            raise httpx.ConnectError(f"no address for {host}: {problem}", request=request) from problem
        for address in addresses[:-1]:
            try:
                return self._pool(request.url).handle_request(_pinned(request, host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue  # the next address is tried; the last one's error is the answer
        return self._pool(request.url).handle_request(_pinned(request, host, addresses[-1]))

    def close(self) -> None:
        """Closes all connections."""
        for pool in self._pools.values():
            pool.close()

    def _pool(self, url: httpx.URL) -> httpx.BaseTransport:
        origin = origin_of(url)
        if origin not in self._pools:
            # Reading the list of authorities takes a tenth of a second, so plain http goes without; the empty
            # context trusts nobody.
            context = httpx.create_ssl_context() if url.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._pools[origin] = httpx.HTTPTransport(verify=context, trust_env=False)
        return self._pools[origin]


def _pinned(request: httpx.Request, host: str, address: str) -> httpx.Request:
    """The same request to a numeric address; the Host header it already carries stays (httpx: `sni_hostname`)."""
    return httpx.Request(
        method=request.method,
        url=request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
