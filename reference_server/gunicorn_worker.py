"""gunicorn's worker with threads, which does not wait for ever for those who send or read slowly.

A thread reads a request to its end before it does anything else, and gunicorn gives that no deadline: as many connections as
there are threads, each sending a byte now and then, would stop a process. Proxies that read a request before they pass it on
(most do) make that impossible; this is for where there is none.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, Final

from gunicorn.workers.gthread import ThreadWorker

from reference_server.settings import Settings

if TYPE_CHECKING:
    from gunicorn.workers.gthread import TConn

log = logging.getLogger("reference_server.gunicorn")

_SEND_S: Final = 30
"""How long a client may take nothing of an answer."""
_A_TIMEVAL: Final = "ll"
"""Seconds and microseconds, as the system has them. Source: socket(7), SO_SNDTIMEO."""


class DeadlineWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Reads no request for longer than REQUEST_READ_SECONDS, and writes to nobody who takes nothing."""

    def init_process(self) -> None:
        """See gunicorn."""
        self._read_s = Settings.from_environment(os.environ).request_read_s
        self._began: dict[TConn, float] = {}
        super().init_process()

    def handle(self, conn: TConn) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Answer one request, in a thread of the pool."""
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack(_A_TIMEVAL, _SEND_S, 0))
        self._began[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            self._began.pop(conn, None)

    def murder_keepalived(self, force: bool = False) -> None:
        """Called about once a second, in the main thread."""
        super().murder_keepalived(force)  # pyright: ignore[reportCallIssue] - its stub is older
        self._end_reading()

    def _end_reading(self) -> None:
        """Nothing more is read from where a request takes too long.

        One that has come in whole by then is answered all the same; only its connection is not kept.
        """
        late = time.monotonic() - self._read_s
        for conn, began in list(self._began.items()):
            if began < late and self._began.pop(conn, None) is not None:
                try:
                    conn.sock.shutdown(socket.SHUT_RD)
                except OSError as error:
                    log.debug("a slow connection is gone already: %s", error)
