"""`worker`: does background work until it is told to end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Annotated

import typer

from reference_server.cli.context import settings
from reference_server.composition import build_platform
from reference_server.data.engines import ConnectionRole
from reference_server.observability.service import begin_service, serving_probes


def worker(
    executor_id: Annotated[
        str | None,
        typer.Option(
            help="The worker's name, different for each; a new one unless given. A worker that died takes its runs up "
            "again at once under its old name; else the others do so, within half a minute."
        ),
    ] = None,
) -> None:
    """Do background work: any number of workers share it. Ends after SIGTERM or Ctrl-C, once what runs is done."""
    from reference_server.jobs.engine import JobEngine  # noqa: PLC0415 - other commands start faster without it

    configured = settings()
    begin_service(configured, "worker")
    platform = build_platform(configured, ConnectionRole.WORKER)
    told_to_end = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        told_to_end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    engine = JobEngine(platform, executor_id=executor_id)
    try:
        engine.start()
        with serving_probes(platform):
            told_to_end.wait()
        left = engine.stop(wait_s=configured.graceful_timeout_s)
    finally:
        platform.close()
    if left:
        # Their threads are still at it and would keep the process. Being cut off is what every job is made for.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
