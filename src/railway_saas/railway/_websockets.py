"""The only module that knows the websockets library: one text connection, sync and async."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

from railway_saas._core.graphql import Answer, read_data
from railway_saas.errors import (
    ConfigurationError,
    RailwayConnectionError,
    RailwayError,
    RailwayResponseError,
    RailwayTimeoutError,
)
from railway_saas.railway._http import INTERRUPTIONS

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from websockets.asyncio.client import ClientConnection as AsyncRaw
    from websockets.http11 import Response
    from websockets.sync.client import ClientConnection as Raw

    from railway_saas.railway._http import TokenAuth

SUBPROTOCOL = "graphql-transport-ws"
_MAX_FRAME_BYTES = 16 * 1024 * 1024
_CLOSE_S = 2.0
_PING_S = 20.0
_MISSING = "streams need the websockets library: pip install 'railway-saas[streams]'"


class _NoDebug(logging.LoggerAdapter[logging.Logger]):
    """The library's logger without DEBUG: there it writes every header of the upgrade request, the token's too."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the standard library's name
        return level > logging.DEBUG and super().isEnabledFor(level)


_QUIET = _NoDebug(logging.getLogger("websockets.client"), {})


class _Refused(Exception):  # noqa: N818 - an inner signal
    """An HTTP answer to the upgrade request.

    Not the library's own exception: of that it would follow a redirect, and take a project token along to wherever
    the answer says.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def _lost(error: Exception) -> RailwayConnectionError:
    """Only what kind of failure it was: the library's exceptions hold the upgrade request with its token."""
    return RailwayConnectionError(
        f"the subscription's connection was lost ({type(error).__name__})", transient=True
    )


def _not_opened(failure: Exception, operation: str) -> RailwayError:
    if isinstance(failure, _Refused):
        return _meaning_of(failure.response, operation)
    kind = RailwayTimeoutError if isinstance(failure, TimeoutError) else RailwayConnectionError
    return kind(
        f"could not open a subscription ({type(failure).__name__})", operation=operation, transient=True
    )


def _meaning_of(response: Response, operation: str) -> RailwayError:
    """What an HTTP answer to the upgrade request says: the same as to any other request."""
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    answer = Answer(response.status_code, headers, bytes(response.body or b""))
    try:
        read_data(answer, operation=operation, is_write=False)
    except RailwayError as error:
        return error.with_traceback(None)
    return RailwayResponseError("the server does not speak WebSocket", operation=operation)


class Connection:
    """A blocking connection."""

    def __init__(self, manager: AbstractContextManager[Raw]) -> None:
        self._manager = manager
        self._raw = manager.__enter__()

    def send(self, text: str) -> None:
        """Send one frame."""
        error: Exception
        try:
            return self._raw.send(text)
        except Exception as caught:  # noqa: BLE001 - whatever the library raises, the connection is gone
            error = _lost(caught)
        raise error

    def receive(self, timeout_s: float | None) -> str | bytes:
        """The next frame.

        Raises:
            RailwayTimeoutError: None came in time.
            RailwayConnectionError: The connection is gone.
        """
        error: Exception
        try:
            return self._raw.recv(timeout=timeout_s)
        except TimeoutError:
            error = RailwayTimeoutError("nothing was pushed in time", transient=True)
        except Exception as caught:  # noqa: BLE001 - whatever the library raises, the connection is gone
            error = _lost(caught)
        raise error

    def close(self) -> None:
        """Close it."""
        self._manager.__exit__(None, None, None)


class AsyncConnection:
    """The same for asyncio."""

    def __init__(self, raw: AsyncRaw) -> None:
        self._raw = raw

    async def send(self, text: str) -> None:
        """Send one frame."""
        error: Exception
        try:
            return await self._raw.send(text)
        except Exception as caught:  # noqa: BLE001 - whatever the library raises, the connection is gone
            error = _lost(caught)
        raise error

    async def receive(self, timeout_s: float | None) -> str | bytes:
        """The next frame; see `Connection.receive`."""
        error: Exception
        try:
            async with asyncio.timeout(timeout_s):
                return await self._raw.recv()
        except TimeoutError:
            error = RailwayTimeoutError("nothing was pushed in time", transient=True)
        except Exception as caught:  # noqa: BLE001 - whatever the library raises, the connection is gone
            error = _lost(caught)
        raise error

    async def aclose(self) -> None:
        """Close it."""
        await self._raw.close()


def _options(auth: TokenAuth, user_agent: str, timeout_s: float) -> dict[str, Any]:
    """The same for both. Never bound to a name: no traceback's frames may show the header."""
    return {
        "subprotocols": [SUBPROTOCOL],
        "additional_headers": auth.headers(),
        "user_agent_header": user_agent,
        "open_timeout": timeout_s,
        "close_timeout": _CLOSE_S,
        "ping_interval": _PING_S,
        "max_size": _MAX_FRAME_BYTES,
        "logger": _QUIET,
    }


def connect(url: str, *, auth: TokenAuth, user_agent: str, timeout_s: float, operation: str) -> Connection:
    """Open a connection.

    Raises:
        RailwayConnectionError: It could not be opened in time.
        RailwayError: The server refused.
        ConfigurationError: The library is not installed.
    """
    try:
        from websockets.exceptions import InvalidStatus
        from websockets.sync.client import ClientConnection
        from websockets.sync.client import connect as open_
    except ImportError:
        raise ConfigurationError(_MISSING) from None

    class Raw(ClientConnection):
        def handshake(self, *args: Any, **kwargs: Any) -> None:
            try:
                super().handshake(*args, **kwargs)
            except InvalidStatus as refused:
                raise _Refused(refused.response) from None

    failure: Exception
    try:
        return Connection(
            cast("Any", open_(url, create_connection=Raw, **_options(auth, user_agent, timeout_s)))
        )
    except Exception as caught:  # noqa: BLE001 - a dozen of the library's and of the system's own
        failure = caught.with_traceback(None)
    except INTERRUPTIONS as interruption:
        raise interruption.with_traceback(None)  # noqa: B904 - the same, without the frames that hold the header
    raise _not_opened(failure, operation)


async def async_connect(
    url: str, *, auth: TokenAuth, user_agent: str, timeout_s: float, operation: str
) -> AsyncConnection:
    """The same for asyncio."""
    try:
        from websockets.asyncio.client import ClientConnection
        from websockets.asyncio.client import connect as open_
        from websockets.exceptions import InvalidStatus
    except ImportError:
        raise ConfigurationError(_MISSING) from None

    class Raw(ClientConnection):
        async def handshake(self, *args: Any, **kwargs: Any) -> None:
            try:
                await super().handshake(*args, **kwargs)
            except InvalidStatus as refused:
                raise _Refused(refused.response) from None

    failure: Exception
    try:
        return AsyncConnection(
            await open_(url, create_connection=Raw, **_options(auth, user_agent, timeout_s))
        )
    except Exception as caught:  # noqa: BLE001 - a dozen of the library's and of the system's own
        failure = caught.with_traceback(None)
    except INTERRUPTIONS as interruption:
        raise interruption.with_traceback(None)  # noqa: B904 - the same, without the frames that hold the header
    raise _not_opened(failure, operation)
