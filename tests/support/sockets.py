"""Tiny servers on real sockets that misbehave on purpose, each connection in a thread of its own."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

OK_BODY = b'{"data": {"me": {"id": "u1"}}}'


class Connection:
    """One connection of a tiny server."""

    def __init__(self, raw: socket.socket, stopping: threading.Event) -> None:
        self._raw = raw
        self.stopping = stopping

    def read_request(self) -> bytes:
        """Head and body of one HTTP request; empty when the client closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self._raw.recv(65536)
            if not chunk:
                return b""
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(body) < length:
            body += self._raw.recv(65536)
        return head + b"\r\n\r\n" + body

    def send(self, data: bytes) -> None:
        self._raw.sendall(data)

    def answer(self, body: bytes = OK_BODY, *, length: int | None = None) -> None:
        """A whole answer, or one that promises more than it holds."""
        size = len(body) if length is None else length
        self.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + body)

    def reset(self) -> None:
        """Close with a reset instead of an orderly end."""
        self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._raw.close()

    def hold(self) -> None:
        """Say nothing more until the server stops or the client goes."""
        self._raw.settimeout(0.05)
        while not self.stopping.is_set():
            try:
                if not self._raw.recv(65536):
                    return
            except TimeoutError:
                continue

    def trickle(self, data: bytes, every_s: float) -> None:
        """One byte at a time."""
        for index in range(len(data)):
            self.send(data[index : index + 1])
            if self.stopping.wait(every_s):
                return


class TinyServer:
    """Runs `behave` for every connection, and counts them."""

    def __init__(self, behave: Callable[[Connection], None]) -> None:
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self.connections = 0

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql/v2"

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in [self._accepting, *self._threads]:
            thread.join(5)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(raw,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, raw: socket.socket) -> None:
        with raw:
            try:
                self._behave(Connection(raw, self._stopping))
            except OSError:
                return  # the client went away, as these tests want it to


def refusing_port() -> tuple[socket.socket, int]:
    """A port on which nobody listens, and the socket that keeps it so."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]
