"""An HTTP server in a thread of the test's own process: the other side of clients that are tested."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ThreadedServer:
    """Answers on 127.0.0.1, each request in a thread of its own, until it is closed."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """port: 0 takes a free one."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Ends once no new request is taken; those under way are left to their threads."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
