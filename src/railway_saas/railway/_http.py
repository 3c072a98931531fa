"""The only module that knows httpx: sending one request, and what its failures mean.

To move to another HTTP library, change this file.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from typing import TYPE_CHECKING, Final

import httpx

from railway_saas._core.graphql import Answer
from railway_saas.errors import ConfigurationError
from railway_saas.railway._call_time import deadline

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from railway_saas._core.redaction import Secret
    from railway_saas.config import Timeouts, TokenKind

HttpClient = httpx.Client
AsyncHttpClient = httpx.AsyncClient
Url = httpx.URL

INTERRUPTIONS: Final = (KeyboardInterrupt, SystemExit, asyncio.CancelledError)
"""What ends a call from outside. Its traceback would show the frames of the HTTP library, header and all."""

_USERINFO = re.compile(r"[^/]*//[^/?#]*@")
_LATE = "the answer did not end in time"
MAX_BODY_BYTES = 64 * 1024 * 1024
_POOL_SIZE = 100
"""Connections per client: at least as many as calls at once, or waiting for a connection becomes a time-out."""

# Raised before a byte of the request left: a write certainly did not happen.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.LocalProtocolError,
)

_KEPT_HEADERS = frozenset(
    (b"date", b"retry-after", b"ratelimit-policy", b"x-ratelimit-limit", b"x-ratelimit-remaining")
)


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
        request.headers.update(self.headers())
        yield request

    def headers(self) -> dict[str, str]:
        """The header for the token. Source: docs.railway.com/integrations/api, "Authentication"."""
        if self._token is None:
            return {}
        if self._kind == "project":
            return {"Project-Access-Token": self._token.reveal()}
        return {"Authorization": f"Bearer {self._token.reveal()}"}


def _limits() -> httpx.Limits:
    return httpx.Limits(max_connections=_POOL_SIZE, max_keepalive_connections=_POOL_SIZE // 5)


def new_client() -> httpx.Client:
    """A client with a pool of its own. Making one costs about 20 ms (TLS set-up): make one per process."""
    client = httpx.Client(limits=_limits())
    from railway_saas.railway._deadlines import keep_deadlines  # noqa: PLC0415 - loads httpcore

    keep_deadlines(client)
    return client


def new_async_client() -> httpx.AsyncClient:
    """The same for asyncio; it belongs to the event loop that first uses it."""
    return httpx.AsyncClient(limits=_limits())


def parse_endpoint(endpoint: str, source: str) -> Url:
    """Check an endpoint's address and add the `source` parameter.

    Requests to the bare address share Cloudflare's own limit of about ten a second; any query parameter
    avoids it.

    Raises:
        ConfigurationError: Not an http(s) address, or one that would send the token in clear over a network.
    """
    if _USERINFO.match(str(endpoint)):
        raise ConfigurationError("endpoint: must not hold a user name or password; pass the token as `token`")
    url = _url(endpoint)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError(
            f"endpoint={endpoint!r}: must start with https:// (or http:// for a local emulator)"
        )
    if url.scheme == "http" and not _is_local(url.host):
        raise ConfigurationError(
            f"endpoint={endpoint!r}: http:// would send the token in clear to {url.host}; use https://"
        )
    return url if url.params else url.copy_merge_params({"source": source})


def _url(endpoint: str) -> Url:
    try:
        return httpx.URL(endpoint)
    except (httpx.InvalidURL, TypeError) as error:
        problem = str(error)
    raise ConfigurationError(f"endpoint={endpoint!r}: not an address ({problem})")


def _is_local(host: str) -> bool:
    """Loopback, a name of the same machine or container network, or Railway's private network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".test"))


def require_sockets(client: HttpClient | AsyncHttpClient) -> None:
    """Refuse streams of a client whose transport answers in process, as an emulator's does.

    Raises:
        ConfigurationError: There is nothing to connect to.
    """
    if not getattr(getattr(client, "_transport", None), "has_sockets", True):
        raise ConfigurationError(
            "streams need sockets, and this client calls in process: use the client of `emulator.serve()`"
        )


def websocket_url(url: Url) -> str:
    """The address of subscriptions: the same with ws(s)."""
    return "ws" + str(url).removeprefix("http")


def _timeout(timeouts: Timeouts, remaining_s: float) -> httpx.Timeout:
    return httpx.Timeout(
        connect=min(timeouts.connect_s, remaining_s),
        read=min(timeouts.read_s, remaining_s),
        write=min(timeouts.write_s, remaining_s),
        pool=min(timeouts.pool_s, remaining_s),
    )


def send(
    client: httpx.Client,
    url: Url,
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
    failure: NoAnswer | ConfigurationError
    ends_at = time.monotonic() + remaining_s
    try:
        with deadline(remaining_s):
            request = client.build_request(
                "POST", url, content=content, headers=headers, timeout=_timeout(timeouts, remaining_s)
            )
            response = client.send(request, auth=auth, stream=True, follow_redirects=False)
            try:
                body = _Body()
                for chunk in response.iter_bytes():
                    body.add(chunk)
                    if time.monotonic() > ends_at:  # for clients that were handed in
                        raise NoAnswer(_LATE, timed_out=True, maybe_sent=True)
            finally:
                response.close()
        return Answer(response.status_code, _kept(response.headers.raw), body.whole())
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, RuntimeError, NoAnswer) as error:
        failure = _failure(error)
    except INTERRUPTIONS as interruption:
        raise interruption.with_traceback(None)  # noqa: B904 - the same, without the frames that hold the header
    # Raised here, outside the handler: httpx's exceptions carry the request with its token as context.
    raise failure


async def asend(
    client: httpx.AsyncClient,
    url: Url,
    *,
    content: bytes,
    headers: Mapping[str, str],
    auth: TokenAuth,
    timeouts: Timeouts,
    remaining_s: float,
) -> Answer:
    """The same for asyncio; see `send`."""
    failure: NoAnswer | ConfigurationError
    try:
        async with asyncio.timeout(remaining_s):
            request = client.build_request(
                "POST", url, content=content, headers=headers, timeout=_timeout(timeouts, remaining_s)
            )
            response = await client.send(request, auth=auth, stream=True, follow_redirects=False)
            try:
                body = _Body()
                async for chunk in response.aiter_bytes():
                    body.add(chunk)
            finally:
                await response.aclose()
            return Answer(response.status_code, _kept(response.headers.raw), body.whole())
    except TimeoutError:
        failure = NoAnswer(_LATE, timed_out=True, maybe_sent=True)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, RuntimeError, NoAnswer) as error:
        failure = _failure(error)
    except INTERRUPTIONS as interruption:
        raise interruption.with_traceback(None)  # noqa: B904 - as above
    raise failure


class _Body:
    """The chunks of an answer, up to a limit."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > MAX_BODY_BYTES:
            raise NoAnswer(
                f"the answer is larger than {MAX_BODY_BYTES} bytes", timed_out=False, maybe_sent=True
            )
        self._chunks.append(chunk)

    def whole(self) -> bytes:
        return b"".join(self._chunks)


def _kept(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers this SDK reads; Latin-1 has a character for every byte."""
    return {
        name.lower().decode("latin-1"): value.decode("latin-1")
        for name, value in headers
        if name.lower() in _KEPT_HEADERS
    }


def _failure(error: Exception) -> NoAnswer | ConfigurationError:
    if isinstance(error, NoAnswer):
        return NoAnswer(str(error), timed_out=error.timed_out, maybe_sent=error.maybe_sent)
    if isinstance(error, RuntimeError):
        return ConfigurationError(
            f"the HTTP client cannot be used: {error}. It was closed, or belongs to another event loop: make one "
            "client per process and event loop, and close it last"
        )
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return ConfigurationError(f"endpoint: {error}")
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
