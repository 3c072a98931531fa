"""The only module that knows httpcore: reads that end with the call they belong to.

httpx limits each read of a blocking connection, not their sum: a server that sends a byte now and then would
keep a call for ever. Here every read gets what is left of the call's time. asyncio needs none of this.

Loaded with the first client: httpcore is what makes importing httpx slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpcore

from railway_saas.railway._call_time import left_s

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    import httpx


def keep_deadlines(client: httpx.Client) -> None:
    """Make the connections of a client of ours keep `deadline`.

    httpx has no option for httpcore's network backend, so this reaches inside, and leaves alone what does not look as
    expected: then the deadline is kept between the chunks of a body only.
    """
    mounts: dict[Any, Any] = getattr(client, "_mounts", {})
    for transport in (getattr(client, "_transport", None), *mounts.values()):
        pool: Any = getattr(transport, "_pool", None)
        if isinstance(getattr(pool, "_network_backend", None), httpcore.NetworkBackend):
            pool._network_backend = _Backend(pool._network_backend)  # noqa: SLF001 - see above


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_unix_socket(path, left, socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    """The smaller of a limit and what is left of the call."""
    left = left_s()
    if left <= 0:
        raise late("the call's time is over")
    return left if timeout is None or left < timeout else timeout
