"""The server of the comparison: answers every POST with the same project, in a process on a core of its own.

`delay_ms=20` in an address makes its answers wait so long, as an answer from another continent would.

Run as `python -m benchmarks.server`; it prints its port, and ends when its standard input is closed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from benchmarks.project_document import ANSWER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

HEADERS = [
    (b"content-type", b"application/json; charset=utf-8"),
    (b"content-length", str(len(ANSWER)).encode()),
    (b"ratelimit-policy", b'"default";q=10000;w=3600'),
]


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Read the request to its end and send the project."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        continue
    await asyncio.sleep(_delay_s(scope["query_string"]))
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


def _delay_s(query: bytes) -> float:
    wanted = parse_qs(query).get(b"delay_ms")
    return int(wanted[0]) / 1000 if wanted else 0.0


def take_core(core: int) -> None:
    """Stay on one core, where the system lets us: client and server must not push each other about."""
    if hasattr(os, "sched_setaffinity") and core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {core})


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Stay on one core for a while."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    take_core(core)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def running() -> Iterator[str]:
    """The server in a process of its own; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}/graphql/v2?source=benchmark"
    finally:
        process.communicate()  # closes its input, and waits


def main() -> None:
    """Serve until whoever started us goes away."""
    import uvicorn  # noqa: PLC0415 - only this process needs it

    take_core(1)
    # Named as TCP: asyncio then switches Nagle's algorithm off, which would hold every answer back for 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)  # before the port is told: whoever connects early waits instead of being refused
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
                timeout_keep_alive=60,  # longer than clients keep an idle connection: only they end one
            )
        )

        def end_with_parent() -> None:
            sys.stdin.read()
            server.should_exit = True

        threading.Thread(target=end_with_parent, daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        server.run(sockets=[listener])


if __name__ == "__main__":
    main()
