"""The only module that knows httpx: sending one request, and what its failures mean.

To move to another HTTP library, change this file.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import httpx

from railway_saas._core.graphql import Answer
from railway_saas.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from railway_saas._core.redaction import Secret
    from railway_saas.config import Timeouts, TokenKind

HttpClient = httpx.Client
AsyncHttpClient = httpx.AsyncClient

MAX_BODY_BYTES = 64 * 1024 * 1024
_POOL_SIZE = 100
"""Connections per client: at least as many as calls at once, or waiting for a connection becomes a time-out."""

# Raised before a byte of the request left: a write certainly did not happen.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.LocalProtocolError)


class NoAnswer(Exception):  # noqa: N818 - an inner signal, turned into a RailwayError by the client
    """A request that brought no complete answer."""

    def __init__(
        self, what: str, *, timed_out: bool, maybe_sent: bool, cause: Exception | None = None
    ) -> None:
        super().__init__(what)
        self.timed_out = timed_out
        self.maybe_sent = maybe_sent
        self.cause = cause


class TokenAuth(httpx.Auth):
    """Puts the token on a request at the last moment, so that no frame of ours holds a header with it."""

    def __init__(self, token: Secret | None, kind: TokenKind) -> None:
        self._token = token
        self._kind: TokenKind = kind

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the header that this kind of token goes into."""
        if self._token is not None:
            name, value = auth_header(self._token, self._kind)
            request.headers[name] = value
        yield request


def auth_header(token: Secret, kind: TokenKind) -> tuple[str, str]:
    """The header for a token. Source: docs.railway.com/integrations/api, "Authentication"."""
    if kind == "project":
        return "Project-Access-Token", token.reveal()
    return "Authorization", f"Bearer {token.reveal()}"


def _limits() -> httpx.Limits:
    return httpx.Limits(max_connections=_POOL_SIZE, max_keepalive_connections=_POOL_SIZE // 5)


def new_client() -> httpx.Client:
    """A client with a pool of its own. Making one costs about 20 ms (TLS set-up): make one per process."""
    return httpx.Client(limits=_limits())


def new_async_client() -> httpx.AsyncClient:
    """The same for asyncio; it belongs to the event loop that first uses it."""
    return httpx.AsyncClient(limits=_limits())


def parse_endpoint(endpoint: str, source: str) -> str:
    """Check an endpoint's address and add the `source` parameter.

    Requests to the bare address share Cloudflare's own limit of about ten a second; any query parameter
    avoids it.

    Raises:
        ConfigurationError: Not an http(s) address, or one that would send the token in clear over a network.
    """
    try:
        url = httpx.URL(endpoint)
    except (httpx.InvalidURL, TypeError) as error:
        raise ConfigurationError(f"endpoint={endpoint!r}: not an address ({error})") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError(
            f"endpoint={endpoint!r}: must start with https:// (or http:// for a local emulator)"
        )
    if url.userinfo:
        raise ConfigurationError("endpoint: must not hold a user name or password; pass the token as `token`")
    if url.scheme == "http" and not _is_local(url.host):
        raise ConfigurationError(
            f"endpoint={endpoint!r}: http:// would send the token in clear to {url.host}; use https://"
        )
    return str(url if url.params else url.copy_merge_params({"source": source}))


def _is_local(host: str) -> bool:
    """Loopback, a name of the same machine or container network, or Railway's private network."""
    return (
        host in {"::1", "localhost"}
        or host.startswith("127.")
        or "." not in host
        or host.endswith((".localhost", ".local", ".internal", ".test"))
    )


def websocket_url(url: str) -> str:
    """The address of subscriptions: the same with ws(s)."""
    return "ws" + url.removeprefix("http")


def _timeout(timeouts: Timeouts, remaining_s: float) -> httpx.Timeout:
    return httpx.Timeout(
        connect=min(timeouts.connect_s, remaining_s),
        read=min(timeouts.read_s, remaining_s),
        write=min(timeouts.write_s, remaining_s),
        pool=min(timeouts.pool_s, remaining_s),
    )


def send(
    client: httpx.Client,
    url: str,
    *,
    content: bytes,
    headers: Mapping[str, str],
    auth: TokenAuth,
    timeouts: Timeouts,
    remaining_s: float,
) -> Answer:
    """POST once and read the whole answer within `remaining_s` seconds.

    Raises:
        NoAnswer: The request failed, or its answer was not complete in time.
        ConfigurationError: The client is closed.
    """
    failure: NoAnswer | None = None
    deadline = time.monotonic() + remaining_s
    try:
        request = client.build_request(
            "POST", url, content=content, headers=headers, timeout=_timeout(timeouts, remaining_s)
        )
        response = client.send(request, auth=auth, stream=True)
        try:
            chunks: list[bytes] = []
            size = 0
            for chunk in response.iter_bytes():
                size += len(chunk)
                _check_size(size)
                # httpx limits the wait for each chunk; a server that trickles would never be late.
                if time.monotonic() > deadline:
                    raise NoAnswer("the answer did not end in time", timed_out=True, maybe_sent=True)
                chunks.append(chunk)
        finally:
            response.close()
        return Answer(response.status_code, _lower(response.headers), b"".join(chunks))
    except (httpx.HTTPError, httpx.StreamError, RuntimeError, NoAnswer) as error:
        failure = _failure(error)
    # Raised here, outside the handler: httpx's exceptions carry the request with its token as context.
    raise failure


async def asend(
    client: httpx.AsyncClient,
    url: str,
    *,
    content: bytes,
    headers: Mapping[str, str],
    auth: TokenAuth,
    timeouts: Timeouts,
    remaining_s: float,
) -> Answer:
    """The same for asyncio; see `send`."""
    failure: NoAnswer | None = None
    try:
        async with asyncio.timeout(remaining_s):
            request = client.build_request(
                "POST", url, content=content, headers=headers, timeout=_timeout(timeouts, remaining_s)
            )
            response = await client.send(request, auth=auth, stream=True)
            try:
                chunks: list[bytes] = []
                size = 0
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                    _check_size(size)
                    chunks.append(chunk)
            finally:
                await response.aclose()
            return Answer(response.status_code, _lower(response.headers), b"".join(chunks))
    except TimeoutError:
        failure = NoAnswer("the answer did not end in time", timed_out=True, maybe_sent=True)
    except (httpx.HTTPError, httpx.StreamError, RuntimeError, NoAnswer) as error:
        failure = _failure(error)
    raise failure


def _check_size(size: int) -> None:
    if size > MAX_BODY_BYTES:
        raise NoAnswer(f"the answer is larger than {MAX_BODY_BYTES} bytes", timed_out=False, maybe_sent=True)


def _lower(headers: httpx.Headers) -> dict[str, str]:
    return dict(headers.items())  # httpx already lowers the names


def _failure(error: Exception) -> NoAnswer:
    if isinstance(error, NoAnswer):
        return error
    if isinstance(error, RuntimeError):
        raise ConfigurationError(f"the HTTP client cannot be used: {error}") from None
    if isinstance(error, httpx.UnsupportedProtocol):
        raise ConfigurationError(f"endpoint: {error}") from None
    return NoAnswer(
        f"{_KINDS.get(type(error), 'the request failed')}: {error}".rstrip(": "),
        timed_out=isinstance(error, httpx.TimeoutException),
        maybe_sent=not isinstance(error, _NOT_SENT),
        cause=_bare(error),
    )


_KINDS: dict[type[Exception], str] = {
    httpx.ConnectError: "could not connect",
    httpx.ConnectTimeout: "could not connect in time",
    httpx.PoolTimeout: "no free connection in time",
    httpx.ReadTimeout: "no answer in time",
    httpx.WriteTimeout: "the request could not be sent in time",
    httpx.RemoteProtocolError: "the connection was closed before the answer was complete",
    httpx.ReadError: "the connection broke",
    httpx.WriteError: "the connection broke",
    httpx.DecodingError: "the answer could not be decompressed",
}


def _bare(error: Exception) -> Exception:
    """The same exception without its traceback, request and context, all of which hold the token's header."""
    try:
        return type(error)(str(error))
    except TypeError:  # an exception of a custom transport with arguments of its own
        return httpx.TransportError(str(error))
