"""A Redis for tests: the one of `TEST_REDIS_URL`, else a `redis-server` of our own, else fakeredis over TCP."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Generator

    from railway_saas.railway.redis_pacing import AsyncRedisPacer, RedisPacer


@dataclass(frozen=True)
class RedisServer:
    """Where it listens, and what it is."""

    url: str
    kind: str
    is_fake: bool = False

    @property
    def port(self) -> int:
        return int(redis.Redis.from_url(self.url).connection_pool.connection_kwargs.get("port", 6379))

    @property
    def host(self) -> str:
        return str(redis.Redis.from_url(self.url).connection_pool.connection_kwargs.get("host", "localhost"))


def redis_sync(url: str, **options: Any) -> redis.Redis:
    """A client that does not try twice, so that tests see each failure."""
    return redis.Redis.from_url(url, **_options(Retry(NoBackoff(), 0), options))


def redis_async(url: str, **options: Any) -> redis.asyncio.Redis:
    """The same for asyncio."""
    return redis.asyncio.Redis.from_url(url, **_options(AsyncRetry(NoBackoff(), 0), options))


def _options(retry: Any, options: dict[str, Any]) -> dict[str, Any]:
    return {"socket_timeout": 5.0, "socket_connect_timeout": 5.0, "retry": retry, **options}


@contextmanager
def running_redis() -> Generator[RedisServer]:
    """The best Redis there is."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield RedisServer(url, "the Redis of TEST_REDIS_URL")
    elif program := shutil.which("redis-server"):
        with _real_redis(program) as port:
            yield RedisServer(f"redis://127.0.0.1:{port}/0", program)
    else:
        with _fake_redis() as port:
            yield RedisServer(f"redis://127.0.0.1:{port}/0", "fakeredis", is_fake=True)


@contextmanager
def _real_redis(program: str) -> Generator[int]:
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                _wait_until_ready(process)
                yield port
            finally:
                process.terminate()


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    said: list[str] = []
    for line in process.stdout or ():
        said.append(line)
        if "Ready to accept connections" in line:
            return
    raise RuntimeError("redis-server does not start:\n" + "".join(said))


@contextmanager
def _fake_redis() -> Generator[int]:
    from fakeredis import TcpFakeServer

    port = _free_port()
    server = TcpFakeServer(("127.0.0.1", port))
    server.RequestHandlerClass = _patient(server.RequestHandlerClass)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _patient(handler: type[Any]) -> type[Any]:
    """After an error a real Redis keeps the connection; fakeredis gives it up."""

    class Patient(handler):  # type: ignore[misc]
        def handle(self) -> None:
            while not self.server._shutdown_event.is_set() and not self._is_closed():
                super().handle()

        def _is_closed(self) -> bool:
            try:
                return self.connection.recv(1, socket.MSG_PEEK) == b""
            except BlockingIOError:
                return False
            except OSError:
                return True

    return Patient


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def told_async(pacer: AsyncRedisPacer) -> None:
    """Wait until Redis knows what the pacer tells it on the side."""
    await asyncio.gather(*pacer._telling)


def told_sync(pacer: RedisPacer) -> None:
    """Nothing to wait for: it was told before the call came back."""


class Cable:
    """A TCP connection to Redis that can be cut and mended, as often as a test likes."""

    def __init__(self, server: RedisServer) -> None:
        self._target = (server.host, server.port)
        self._path = server.url.rpartition("/")[2]
        self._port = _free_port()
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/{self._path}"

    def mend(self) -> None:
        """Accept connections."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._start(self._accept, self._listener)

    def cut(self) -> None:
        """Close every connection and refuse new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            _shut(listener)
            listener.close()
        with self._lock:
            for side in self._open:
                _shut(side)
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()

    def _start(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            with self._lock:
                self._open |= {near, far}
                if self._listener is not listener:  # cut meanwhile
                    _shut(near)
            self._start(self._copy, near, far)
            self._start(self._copy, far, near)

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        _shut(target)
        with self._lock:
            self._open.discard(source)
        source.close()


def _shut(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
