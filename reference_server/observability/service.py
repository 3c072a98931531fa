"""What every long-running process of the platform begins with: its log, and where its errors go."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from reference_server.observability.errors import start_error_tracking
from reference_server.observability.logs import configure_logging
from reference_server.observability.probes import ProbeApp

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, TextIO

    from reference_server.composition import Platform
    from reference_server.settings import Settings

_STOP_S: Final = 5


def begin_service(settings: Settings, service: str, *, stream: TextIO | None = None) -> None:
    """Log as this service from now on, to standard output unless told otherwise; report errors where that was asked for."""
    configure_logging(settings, service=service, stream=stream)
    start_error_tracking(settings, service=service)


class _QuietHandler(WSGIRequestHandler):
    """Probes come every few seconds; nobody wants a line for each."""

    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""


class _ProbeServer(WSGIServer):
    """One request after another is enough for machines that ask every few seconds."""

    allow_reuse_address = True


@contextmanager
def serving_probes(platform: Platform) -> Generator[int | None]:
    """Answer `/healthz`, `/readyz` and `/metrics` on `WORKER_METRICS_PORT` within a block; the port, or None where there is none.

    Raises:
        OSError: The port is taken.
    """
    settings = platform.settings
    if not settings.worker_metrics_port:
        yield None
        return
    server = make_server(
        settings.host,
        settings.worker_metrics_port,
        ProbeApp(platform),
        server_class=_ProbeServer,
        handler_class=_QuietHandler,
    )
    thread = threading.Thread(target=server.serve_forever, name="probes", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(_STOP_S)
