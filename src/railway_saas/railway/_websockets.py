"""The only module that knows the websockets library: one text connection, sync and async."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from railway_saas.errors import ConfigurationError, RailwayConnectionError, RailwayTimeoutError

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection as AsyncRaw
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


def _lost(error: Exception) -> RailwayConnectionError:
    """Only what kind of failure it was: the library's exceptions hold the upgrade request with its token."""
    return RailwayConnectionError(
        f"the subscription's connection was lost ({type(error).__name__})", transient=True
    )


def _refused(error: Exception, operation: str) -> RailwayConnectionError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    what = f"HTTP {status}" if status else type(error).__name__
    kind = RailwayTimeoutError if isinstance(error, TimeoutError) else RailwayConnectionError
    return kind(
        f"could not open a subscription: {what}", operation=operation, status_code=status, transient=True
    )


class Connection:
    """A blocking connection."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw

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
        self._raw.close()


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


def connect(url: str, *, auth: TokenAuth, user_agent: str, timeout_s: float, operation: str) -> Connection:
    """Open a connection.

    Raises:
        RailwayConnectionError: It could not be opened in time.
        ConfigurationError: The library is not installed.
    """
    try:
        from websockets.sync.client import connect as open_
        from websockets.typing import Subprotocol
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    error: Exception
    try:
        return Connection(
            open_(
                url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                additional_headers=auth.headers(),
                user_agent_header=user_agent,
                open_timeout=timeout_s,
                close_timeout=_CLOSE_S,
                ping_interval=_PING_S,
                max_size=_MAX_FRAME_BYTES,
                logger=_QUIET,
            )
        )
    except Exception as caught:  # noqa: BLE001 - a dozen of the library's and of the system's own
        error = _refused(caught, operation)
    raise error


async def async_connect(
    url: str, *, auth: TokenAuth, user_agent: str, timeout_s: float, operation: str
) -> AsyncConnection:
    """The same for asyncio."""
    try:
        from websockets.asyncio.client import connect as open_
        from websockets.typing import Subprotocol
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    error: Exception
    try:
        return AsyncConnection(
            await open_(
                url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                additional_headers=auth.headers(),
                user_agent_header=user_agent,
                open_timeout=timeout_s,
                close_timeout=_CLOSE_S,
                ping_interval=_PING_S,
                max_size=_MAX_FRAME_BYTES,
                logger=_QUIET,
            )
        )
    except Exception as caught:  # noqa: BLE001 - a dozen of the library's and of the system's own
        error = _refused(caught, operation)
    raise error
