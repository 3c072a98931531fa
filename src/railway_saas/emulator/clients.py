"""Clients of this SDK, ready to use with an emulator, living on its clock.

On a stepping clock a client's waiting moves the clock: `deployments.wait_until` returns at once, and what
happens in between has happened. On a running clock waiting is as many times shorter as the clock is faster.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from railway_saas.railway import AsyncRailwayClient, RailwayClient
from railway_saas.railway._http import AsyncHttpClient, HttpClient

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.clock import EmulatorClock
    from railway_saas.emulator.emulator import Emulator


class ClientClock:
    """The emulator's clock as a client waits on it."""

    def __init__(self, clock: EmulatorClock) -> None:
        self._clock = clock
        self._start = clock.present()

    def monotonic(self) -> float:
        """Emulated seconds since this object was made."""
        return (self.now() - self._start).total_seconds()

    def now(self) -> datetime:
        """The emulator's present moment."""
        return self._clock.present()

    def sleep(self, seconds: float) -> None:
        """Advance a stepping clock; wait for a running one."""
        if self._clock.speed is None:
            self._clock.advance(seconds)
        else:
            time.sleep(seconds / self._clock.speed)


class AsyncClientClock(ClientClock):
    """The same for asyncio."""

    async def sleep(self, seconds: float) -> None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Advance a stepping clock; wait for a running one."""
        if self._clock.speed is None:
            self._clock.advance(seconds)
            await asyncio.sleep(0)
        else:
            await asyncio.sleep(seconds / self._clock.speed)


def make_client(
    emulator: Emulator, *, in_process: bool, token: str | None, options: dict[str, Any]
) -> RailwayClient:
    """A sync client; `options` are those of `RailwayClient`."""
    if in_process:
        options.setdefault("http_client", HttpClient(transport=emulator.transport()))
    defaults: dict[str, Any] = {"endpoint": emulator.endpoint, "clock": ClientClock(emulator.clock)}
    return RailwayClient(token or emulator.api_token, **{**defaults, **options})


def make_async_client(
    emulator: Emulator, *, in_process: bool, token: str | None, options: dict[str, Any]
) -> AsyncRailwayClient:
    """An async client; `options` are those of `AsyncRailwayClient`."""
    if in_process:
        options.setdefault("http_client", AsyncHttpClient(transport=emulator.async_transport()))
    defaults: dict[str, Any] = {"endpoint": emulator.endpoint, "clock": AsyncClientClock(emulator.clock)}
    return AsyncRailwayClient(token or emulator.api_token, **{**defaults, **options})
