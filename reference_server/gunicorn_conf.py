"""gunicorn's settings, each with its reason. Read by `gunicorn -c python:reference_server.gunicorn_conf`.

What an operator may change stands in `reference_server.settings`; nothing is to be given on gunicorn's command line.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from railway_saas.errors import ConfigurationError
from reference_server.settings import Settings

if TYPE_CHECKING:
    from types import FrameType

_MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"

try:
    settings: Final = Settings.from_environment(os.environ)
except ConfigurationError as error:
    sys.exit(f"railway-saas-server: {error}")

# Values of the processes meet in files. Set before anything imports prometheus_client, as it looks when it is imported.
# `serve` sets it for all of its processes; else it is a folder of this gunicorn's own.
_own_folder: Path | None = None
if _MULTIPROCESS not in os.environ:
    _own_folder = Path(tempfile.mkdtemp(prefix="railway-saas-metrics-"))
    os.environ[_MULTIPROCESS] = str(_own_folder)

from reference_server.observability.service import begin_service  # noqa: E402 - see above

begin_service(settings, "web")

bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"

# Threads: a request spends most of its time waiting for the database or for Railway, and the platform is written for them.
# Ours gives reading a request a deadline: gunicorn_worker.
worker_class = "reference_server.gunicorn_worker.DeadlineWorker"
threads = settings.web_threads

# SQLite lets one process write. Elsewhere two keep both cores of a small machine busy; see docs/adr/0017.
workers = 1 if settings.on_sqlite else settings.web_processes

# Each process has a listening socket of its own and the kernel spreads new connections over them. Without it connections
# that are kept alive tend to gather on one process (github.com/benoitc/gunicorn/issues/2938), which halved the throughput
# in some of our runs: docs/adr/0017.
reuse_port = True

# The application is made in each process after the fork, so that no connection is ever shared. Only code is imported
# before: see `on_starting`.
preload_app = False

# How long requests that are at work may go on after a stop was asked for. Then they are cut off.
graceful_timeout = settings.graceful_timeout_s

# A process whose main thread does not answer for so long is killed and made anew. Requests run in other
# threads, so that slow ones do not count: their limits are the database's time-outs and the Railway client's deadlines.
timeout = 60

# Longer than proxies in front commonly keep an idle connection (60 seconds), so that it is not us who close one on which a
# request is already on its way. What Railway's proxy does is not documented.
keepalive = 75

# Processes are not recycled after a number of requests: it would hide leaks, which a load test looks for, and end jobs that
# run in a web process.
max_requests = 0

# Nobody's X-Forwarded-* headers are believed here: the application does that, for as many proxies as TRUSTED_PROXIES says.
forwarded_allow_ips = ""

# Headers and request lines that no client of ours sends: a long URL is an attack or a mistake.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190

# The heartbeat of processes is a file; on a disk it could block them. Source: docs.gunicorn.org/en/stable/faq.html.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - it is for this

# Lines go where all others go. Requests are told by the application, which knows who asked.
logger_class = "reference_server.observability.gunicorn_logger.GunicornLogger"
accesslog = None
loglevel = settings.log_level.lower()
proc_name = "railway-saas web"
control_socket_disable = True  # signals are enough

_LAME_DUCK_S: Final = 1.0
"""How long a process that is to stop still takes what is on its way to it, while it says that it is not ready."""


def on_starting(_: Any) -> None:
    """Import the application's code once: processes share its memory, and start faster."""
    import_module("reference_server.wsgi")


def post_worker_init(worker: Any) -> None:
    """A stop is first told to those who ask whether we are ready, then carried out."""
    from reference_server.api.ops import readiness_of  # noqa: PLC0415 - after the fork

    app = worker.wsgi
    gunicorns = worker.handle_exit

    def stop() -> None:
        app.extensions[
            "platform"
        ].streams.close()  # they would last for minutes; clients connect again elsewhere
        gunicorns(signal.SIGTERM, None)

    def begin_stop(_: int, __: FrameType | None) -> None:
        readiness_of(app).begin_stop()
        timer = threading.Timer(_LAME_DUCK_S, stop)
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGTERM, begin_stop)


def worker_exit(_: Any, worker: Any) -> None:
    """Let jobs finish or hand them over, and give connections back."""
    app = getattr(worker, "wsgi", None)
    if app is not None:
        app.extensions["stop"]()


def child_exit(_: Any, worker: Any) -> None:
    """Forget the gauges of a process that is gone. Source: prometheus.github.io/client_python/multiprocess."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - needs the folder

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # pyright: ignore[reportUnknownMemberType]


def on_exit(_: Any) -> None:
    """Leave nothing behind."""
    if _own_folder is not None:
        shutil.rmtree(_own_folder, ignore_errors=True)
