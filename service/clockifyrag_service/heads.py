"""Heads of requests: the line and the headers, within a bound of size.

Uvicorn's own connection takes a head of any length, and the parser copies what it has of a header with every piece that
comes: one client that sends a header without end kept the event loop from everybody else, for 24 seconds when tried.
"""

from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX = 64 * 1024
TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
REFUSAL = f"The line and headers of the request are larger than {HEAD_BYTES_MAX:,} bytes."


class BoundedHeads(HttpToolsProtocol):
    """A connection that ends with 431 where more than HEAD_BYTES_MAX come in a row of which nothing can be passed on:
    a head that does not end, or the fields and extensions that a chunked body may have."""

    _unheard_bytes = 0

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        self._unheard_bytes += len(data)
        super().data_received(data)
        if self.cycle is not before:  # a head has ended
            self._unheard_bytes = 0
        elif self._unheard_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._refuse()

    def on_body(self, body: bytes) -> None:
        self._unheard_bytes = 0
        super().on_body(body)

    def _refuse(self) -> None:
        """As uvicorn refuses what is no HTTP; a request that is being answered is cut."""
        self.logger.warning("more than %d bytes of a request tell nothing: its connection is ended", HEAD_BYTES_MAX)
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(
                b"HTTP/1.1 %d %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n%b" % (TOO_LARGE, TOO_LARGE.phrase.encode(), len(REFUSAL), REFUSAL.encode())
            )
        self.transport.close()
