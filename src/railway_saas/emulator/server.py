"""The emulator on real sockets: uvicorn in a thread, or in the foreground."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from railway_saas.emulator.asgi import TRANSPORT, make_app
from railway_saas.emulator.clients import make_async_client, make_client
from railway_saas.emulator.emulator import GRAPHQL_PATH, Emulator
from railway_saas.emulator.webhooks import Postman

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from starlette.types import ASGIApp, Receive, Scope, Send

    from railway_saas.emulator.limits import LimitRules
    from railway_saas.railway import AsyncRailwayClient, RailwayClient

logger = logging.getLogger("railway_saas.emulator")

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0


def _with_transport(app: ASGIApp, transport: asyncio.BaseTransport) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[TRANSPORT] = transport
        await app(scope, receive, send)

    return wrapped


class _Http(H11Protocol):
    """Hands the connection itself to the application, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app = _with_transport(self.app, transport)


class _WebSockets(WebSocketsSansIOProtocol):
    """The same for WebSocket connections."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.app = _with_transport(self.app, transport)


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


class Ticker:
    """Runs the events of a running clock at their time, also while no request comes in."""

    def __init__(self, emulator: Emulator) -> None:
        self._clock = emulator.clock
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="railway-emulator-clock", daemon=True)
        self._postman = Postman(emulator.webhooks)

    def start(self) -> None:
        """Begin, unless the clock is a stepping one: that moves only when told to. Webhooks are sent in any case."""
        self._postman.start()
        if not self._clock.stepping:
            self._clock.on_earlier = self._wake.set
            self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._postman.stop()
        self._ended = True
        self._wake.set()
        if self._thread.is_alive():
            self._clock.on_earlier = None
            self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        while not self._ended:
            self._wake.clear()
            try:
                self._clock.tick()
            except Exception:
                logger.exception("an event of the emulator failed")
            self._wake.wait(self._clock.seconds_until_next())


class RunningServer:
    """A server in a thread, as a context manager.

    Attributes:
        emulator: The emulator that answers.
        host: Address it listens on.
        port: Port it listens on; the real one when 0 was asked for.
    """

    def __init__(self, emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> None:
        self.emulator = emulator
        self._socket = _bind(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._ready = threading.Event()
        self._server = _Server(_config(emulator), self._ready.set)
        self._thread = threading.Thread(target=self._serve, name="railway-emulator", daemon=True)
        self._ticker = Ticker(emulator)

    @property
    def url(self) -> str:
        """`http://host:port`, as this machine reaches it."""
        return _url("http", self.host, self.port)

    @property
    def endpoint(self) -> str:
        """The GraphQL endpoint over HTTP."""
        return f"{self.url}{GRAPHQL_PATH}"

    @property
    def ws_endpoint(self) -> str:
        """The GraphQL endpoint over WebSocket."""
        return f"{_url('ws', self.host, self.port)}{GRAPHQL_PATH}"

    def __enter__(self) -> Self:
        """Start, and come back when requests are answered.

        Raises:
            RuntimeError: It did not start in time.
        """
        self.emulator.served_at(self.url)
        self._thread.start()
        self._ticker.start()
        if not self._ready.wait(START_TIMEOUT_S):
            self.stop()
            raise RuntimeError(f"the emulator did not start on {self.url} within {START_TIMEOUT_S:g} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def client(self, token: str | None = None, **options: Any) -> RailwayClient:
        """A client of this SDK over sockets, streams included, that waits on the emulator's clock.

        Args:
            token: Another token than the emulator's own API token.
            options: Those of `RailwayClient`.
        """
        return make_client(self.emulator, in_process=False, token=token, options=options)

    def async_client(self, token: str | None = None, **options: Any) -> AsyncRailwayClient:
        """The same for asyncio."""
        return make_async_client(self.emulator, in_process=False, token=token, options=options)

    def stop(self) -> None:
        """Close all connections and end both threads."""
        self._ticker.stop()
        self._server.should_exit = True
        self._thread.join(STOP_TIMEOUT_S)
        self._socket.close()
        self.emulator.served_at(None)

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])


def _url(scheme: str, host: str, port: int) -> str:
    """Where a listener is reached from here; one that listens on all addresses is reached on the loopback one."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"{scheme}://[{reached}]:{port}" if ":" in reached else f"{scheme}://{reached}:{port}"


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP: asyncio then switches Nagle's algorithm off, which holds every answer back for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _config(emulator: Emulator) -> uvicorn.Config:
    return uvicorn.Config(
        make_app(emulator),
        loop="asyncio",
        http=_Http,
        ws=_WebSockets,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )


def run(  # noqa: PLR0913 - keyword-only options
    port: int = 8765,
    *,
    host: str = "127.0.0.1",
    seed: int = 7,
    speed: float | None = 1.0,
    templates: Path | None = None,
    plan: str = "PRO",
    limits: bool | LimitRules = True,
    on_ready: Callable[[Emulator], Any] | None = None,
) -> None:
    """Serve in the foreground until interrupted. Prints nothing.

    Args:
        port: Port to listen on; 0 takes a free one.
        host: Address to listen on.
        seed: See `Emulator`.
        speed: Emulated seconds per real second; None makes a stepping clock, moved over `/_emulator/clock`.
        templates: Folder with template documents for the marketplace.
        plan: Plan of the first workspace.
        limits: See `Emulator`.
        on_ready: Called once requests are answered; `endpoint`, `api_token` and `workspace_id` are set by then.

    Raises:
        OSError: The port is taken.
        ValueError: See `Emulator`.
    """
    emulator = Emulator(seed=seed, speed=speed, templates=templates, plan=plan, limits=limits)
    listener = _bind(host, port)
    emulator.served_at(_url("http", host, listener.getsockname()[1]))
    ticker = Ticker(emulator)
    server = _Server(_config(emulator), lambda: on_ready(emulator) if on_ready else None)
    ticker.start()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    finally:
        ticker.stop()
        listener.close()
