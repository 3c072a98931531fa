"""A tiny `graphql-transport-ws` server on a real socket that does what a test tells it to."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from websockets.http11 import Request, Response

# At DEBUG a server's logger shows the headers it was sent: these tests look for leaks of the client only.
_quiet = logging.getLogger("tests.websocket_server")
_quiet.setLevel(logging.ERROR)


class Peer:
    """The server's end of one connection."""

    def __init__(self, raw: ServerConnection) -> None:
        self.raw = raw

    def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.raw.recv(timeout=10))
        return frame

    def send(self, **frame: Any) -> None:
        self.raw.send(json.dumps(frame))

    def accept(self) -> dict[str, Any]:
        """Acknowledge, and take the subscription."""
        assert self.receive() == {"type": "connection_init"}
        self.send(type="connection_ack")
        return self.receive()

    def push(self, status: str) -> None:
        self.send(id="1", type="next", payload={"data": {"deployment": {"status": status}}})

    def complete(self) -> None:
        self.send(id="1", type="complete")

    def wait_for_the_end(self) -> None:
        """Read until the client closes."""
        try:
            while True:
                self.raw.recv(timeout=10)
        except ConnectionClosed:
            return

    def cut(self) -> None:
        """End the connection without a word."""
        self.raw.socket.shutdown(2)


class WebSocketServer:
    """Runs `behave` for every connection."""

    def __init__(
        self,
        behave: Callable[[Peer], None],
        on_upgrade: Callable[[ServerConnection, Request], Response | None] | None = None,
    ) -> None:
        self._behave = behave
        self._on_upgrade = on_upgrade
        self.upgrades: list[Request] = []
        self.ended = threading.Event()
        self._server = serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._upgrade,
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
            logger=_quiet,
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.socket.getsockname()[1]}/graphql/v2"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(5)

    def _upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        self.upgrades.append(request)
        return self._on_upgrade(connection, request) if self._on_upgrade else None

    def _serve(self, raw: ServerConnection) -> None:
        try:
            self._behave(Peer(raw))
        except ConnectionClosed:
            pass  # the client went away, as these tests want it to
        finally:
            self.ended.set()
