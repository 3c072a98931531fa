"""gunicorn's worker with threads, for clients that send, read or leave slowly.

gunicorn gives each connection a thread as soon as it is made, waits for the end of a request without a deadline, and waits in
its main thread for a client to leave: a few connections that do nothing, or a byte now and then, would stop a process. Proxies
that read a request before they pass it on make that impossible; this is for where there is none. Here

- a connection waits for its request, and for its client to leave, without a thread;
- whatever has not come in after REQUEST_READ_SECONDS is not read any more;
- whoever has not taken an answer within a minute (a stream: within its time) is cut off.
"""

from __future__ import annotations

import errno
import logging
import os
import selectors
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from gunicorn.workers.gthread import TConn, ThreadWorker

from reference_server.settings import Settings
from reference_server.streaming import LONG_ANSWERS

if TYPE_CHECKING:
    from concurrent.futures import Future

log = logging.getLogger("reference_server.gunicorn")

ANSWER_S: Final = 60
"""From the first byte of a request to the last of its answer. No request of ours takes half as long."""
LEAVE_S: Final = 2.0
"""How long a client may take to notice that its connection ends, before what it has yet to read may be lost."""
_DISCARDED: Final = 65_536


class DeadlineWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Threads are for requests that are there."""

    def init_process(self) -> None:
        """See gunicorn."""
        settings = Settings.from_environment(os.environ)
        self._read_s = settings.request_read_s
        self._stream_s = settings.stream_s + ANSWER_S
        self._began: dict[TConn, float] = {}
        self._cut: set[TConn] = set()
        self._leaving: dict[TConn, float] = {}
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """A new connection waits with the others until there is something to read."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
                raise
            return
        conn = TConn(self.cfg, client, address, listener.getsockname())
        conn.timeout = time.monotonic() + self._read_s
        self.nr_conns += 1
        self.pending_conns.append(conn)
        readable = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, readable)

    def _cap_keepalive(self, deadline: float) -> None:
        """The process is to stop: what has sent nothing yet is not waited for longer than what is kept alive."""
        super()._cap_keepalive(deadline)  # pyright: ignore[reportAttributeAccessIssue] - its stub is older
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout or deadline, deadline)

    def handle(self, conn: TConn) -> bool:
        """Answer one request, in a thread of the pool."""
        self._began[conn] = time.monotonic()
        try:
            answered: bool = super().handle(conn)
        finally:
            self._began.pop(conn, None)
        return answered

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        """Keep the connection, or let its client leave. In the main thread: nothing here may wait."""
        self._cut.discard(conn)
        if fs.cancelled() or fs.exception() is not None or not fs.result():
            self._see_off(conn)
        else:
            super().finish_request(conn, fs)

    def _see_off(self, conn: TConn) -> None:
        """Say that nothing more comes, and drop what still does: to close at once could take the answer away.

        Source: RFC 9112, section 9.6.
        """
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.settimeout(0.0)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._discard, conn))
        except (OSError, ValueError, KeyError):  # it is gone already
            self._close(conn)
        else:
            self._leaving[conn] = time.monotonic() + LEAVE_S

    def _discard(self, conn: TConn, _: object) -> None:
        try:
            is_over = not conn.sock.recv(_DISCARDED)
        except BlockingIOError:
            return
        except OSError:
            is_over = True
        if is_over:
            self._part(conn)

    def _part(self, conn: TConn) -> None:
        del self._leaving[conn]
        self.poller.unregister(conn.sock)
        self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def murder_keepalived(self, force: bool = False) -> None:
        """Called about once a second, in the main thread."""
        super().murder_keepalived(force)  # pyright: ignore[reportCallIssue] - its stub is older
        now = time.monotonic()
        for conn, until in list(self._leaving.items()):
            if until < now or force:
                self._part(conn)
        for conn, began in list(self._began.items()):
            self._hurry(conn, now - began)

    def _hurry(self, conn: TConn, taken_s: float) -> None:
        """End reading, or everything, where it takes too long.

        A request that has come in whole is answered all the same; only its connection is not kept.
        """
        longest_s = self._stream_s if conn.sock in LONG_ANSWERS else ANSWER_S
        if taken_s > longest_s:
            self._shut(conn, socket.SHUT_RDWR)
        elif taken_s > self._read_s and conn not in self._cut:
            self._cut.add(conn)
            self._shut(conn, socket.SHUT_RD)

    def _shut(self, conn: TConn, how: int) -> None:
        try:
            conn.sock.shutdown(how)
        except OSError as error:
            log.debug("a slow connection is gone already: %s", error)
