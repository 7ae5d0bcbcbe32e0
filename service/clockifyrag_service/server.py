"""Server: uvicorn on one or two ports, from the first socket to the last answer after SIGTERM.

SIGTERM ─► /ready says 503, requests are still answered ─ drain_seconds ─► no new connections
        ─► requests in flight end (≤ shutdown_seconds) ─► threads and maps closed ─► exit 0
"""

import asyncio
import errno
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp

from .app import api_app, ops_app
from .heads import BoundedHeads
from .logs import open_log, set_up_logging
from .parts import Parts, assembled
from .settings import Settings

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75  # above the idle time of usual proxies, so that they close first and never hit a closed socket
IDLE_SECONDS = 1.0
REQUEST_SECONDS = 15.0  # from the first byte of a request to the end of its head; bodies have their own (bodies.py)

log = logging.getLogger(__name__)


class PortTaken(OSError):
    """The address cannot be listened on."""


class SettingsUnusable(ValueError):
    """A setting that is well-formed names something that cannot be used."""


class Server(uvicorn.Server):
    """A server that leaves signals to `run`, which has two of them to stop, and cuts connections that say nothing."""

    def __init__(
        self,
        config: uvicorn.Config,
        request_seconds: float = REQUEST_SECONDS,
        silent_seconds: float = KEEP_ALIVE_SECONDS,
    ) -> None:
        """silent_seconds: that a connection may be open before the first byte of a request."""
        super().__init__(config)
        self._request_seconds, self._silent_seconds = request_seconds, silent_seconds

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        cutting = asyncio.create_task(self._cut_silent_connections())
        try:
            await super().main_loop()
        finally:
            cutting.cancel()

    async def _cut_silent_connections(self) -> None:
        """Cuts connections that have begun a request and not ended its head in time, or begun none for long.

        Uvicorn bounds the time between an answer and the next byte alone: without this a client that says nothing, or
        half a request, keeps its socket for ever. Proxies open some ahead, so these may be silent for as long as others
        are kept alive.
        """
        since: dict[tuple[Any, bool], float] = {}
        while True:
            await asyncio.sleep(self._request_seconds / 4)
            now = time.monotonic()
            owing = [(one, has_begun(one)) for one in self.server_state.connections if owes_request(one)]
            since = {state: since.get(state, now) for state in owing}
            for (connection, begun), at in since.items():
                if now - at >= (self._request_seconds if begun else self._silent_seconds):
                    connection.transport.abort()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        cutting = asyncio.create_task(self._cut_idle_connections())
        try:
            await super().shutdown(sockets)
        finally:
            cutting.cancel()

    async def _cut_idle_connections(self) -> None:
        """Cuts connections without a request or unsent bytes, once they had IDLE_SECONDS to end by themselves.

        A TLS connection ends when its client says goodbye, too, and an idle client reads nothing: the event loop waits
        30 seconds for it (ssl_shutdown_timeout, which uvicorn does not let us set). `server_state` is what uvicorn's
        own shutdown goes by; nothing public tells the connections. A test with an idle TLS client keeps watch.
        """
        while True:
            await asyncio.sleep(IDLE_SECONDS)
            if not self.server_state.tasks:
                for connection in list(self.server_state.connections):
                    transport = connection.transport
                    if transport is not None and transport.get_write_buffer_size() == 0:
                        transport.abort()


def owes_request(connection: Any) -> bool:
    """Whether one of uvicorn's connections is neither being answered nor within its time to keep alive."""
    answered = connection.cycle is None or connection.cycle.response_complete
    is_sent = connection.transport.get_write_buffer_size() == 0  # its last answer
    return answered and is_sent and connection.timeout_keep_alive_task is None


def has_begun(connection: Any) -> bool:
    """Whether a request has begun there of which there is no whole head yet."""
    return connection.scope is not None and (connection.cycle is None or connection.cycle.scope is not connection.scope)


def run(settings: Settings, started: Callable[[str], None] | None = None) -> None:
    """Serves until SIGTERM or Ctrl-C. `started` is told the address as soon as it is listened on.

    PortTaken; SettingsUnusable for a log file, proxy or certificate that cannot be used.
    """
    try:
        stream = open_log(settings.log_file)
        set_up_logging(settings.effective_log_level, stream)
        parts = assembled(settings, stream)
    except (OSError, ValueError) as error:
        raise SettingsUnusable(str(error)) from error
    with listening(settings.api_host, settings.api_port, "API_PORT") as api_socket:
        if started:
            started(address(settings, api_socket))
        loop_factory = uvicorn.Config(app=unused, log_config=None).get_loop_factory()
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(serve(parts, api_socket))


async def unused(scope: object, receive: object, send: object) -> None:
    """Stands where uvicorn wants an application only to tell its event loop."""


async def serve(parts: Parts, api_socket: socket.socket) -> None:
    """Runs the servers until a signal, then ends them in order: the API first, the ops port last."""
    settings = parts.settings
    config = configured(api_app(parts), settings, tls=True, lifespan="on")
    config.load()
    if parts.certificate and config.ssl:
        parts.certificate.present_in(config.ssl)
    api = Server(config)
    stopping = Stopping(parts, api)
    with stopping.on_signals():
        if settings.ops_port is None:
            await api.serve([api_socket])
            return
        with listening(settings.api_host, settings.ops_port, "OPS_PORT") as ops_socket:
            ops = Server(configured(ops_app(parts), settings, tls=False, lifespan="off"))
            watching = asyncio.create_task(ops.serve([ops_socket]))
            try:
                await api.serve([api_socket])
            finally:
                ops.should_exit = True
                await watching


class Stopping:
    """What signals do."""

    def __init__(self, parts: Parts, api: Server) -> None:
        self._parts = parts
        self._api = api
        self._draining: asyncio.Task[None] | None = None

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.signalled, number)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def signalled(self, number: signal.Signals) -> None:
        """The first signal begins the end; Ctrl-C does not wait for load balancers, and a second one for nothing."""
        again, self._parts.serving.draining = self._parts.serving.draining, True
        if again and number == signal.SIGINT:
            self._api.should_exit = self._api.force_exit = True
            return
        seconds = self._parts.settings.drain_seconds if number == signal.SIGTERM else 0
        log.info("%s: un-ready, answering for %g more seconds", signal.Signals(number).name, seconds)
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._stop_after(seconds))

    async def _stop_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._api.should_exit = True


def configured(app: ASGIApp, settings: Settings, *, tls: bool, lifespan: Literal["on", "off"]) -> uvicorn.Config:
    """How uvicorn serves the application; what it would log, trust or add by itself is switched off."""
    return uvicorn.Config(
        app,
        http=BoundedHeads,
        lifespan=lifespan,
        access_log=False,
        log_config=None,
        log_level=logging.WARNING,
        server_header=False,
        proxy_headers=False,  # X-Forwarded-For is believed from TRUSTED_PROXIES only, by ratelimit.py
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        ssl_certfile=settings.tls_cert_file if tls else None,
        ssl_keyfile=settings.tls_key_file if tls else None,
    )


@contextmanager
def listening(host: str, port: int, variable: str) -> Iterator[socket.socket]:
    """A socket that listens. PortTaken says which variable to change: that of the port, or API_HOST."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        wrong = variable if error.errno in (errno.EADDRINUSE, errno.EACCES) else "API_HOST"
        raise PortTaken(f"cannot listen on {host} port {port}: {error.strerror or error}; set {wrong}") from error
    bound.setblocking(False)
    with bound:
        yield bound


def address(settings: Settings, bound: socket.socket) -> str:
    """The URL to type into a browser on this machine."""
    host, port = bound.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"{'https' if settings.tls_cert_file else 'http'}://{shown}:{port}"
