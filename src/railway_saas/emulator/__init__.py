"""A local Railway: GraphQL over HTTP and WebSocket, in memory, on a clock you control.

Needs the extra: `pip install "railway-saas[emulator]"`. The names below are loaded when they are first used, so that the
pytest plugin costs nothing, and works without the extra, in test runs that do not ask for an emulator.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from railway_saas.emulator.clock import EmulatorClock
    from railway_saas.emulator.emulator import Emulator
    from railway_saas.emulator.faults import Fault, FaultKind, Faults
    from railway_saas.emulator.limits import LimitRules, Quota, Throttle
    from railway_saas.emulator.messages import Request, Response
    from railway_saas.emulator.server import RunningServer, run

__all__ = [
    "Emulator",
    "EmulatorClock",
    "Fault",
    "FaultKind",
    "Faults",
    "LimitRules",
    "Quota",
    "Request",
    "Response",
    "RunningServer",
    "Throttle",
    "run",
]

_HOMES = {
    "Emulator": "emulator",
    "EmulatorClock": "clock",
    "Fault": "faults",
    "FaultKind": "faults",
    "Faults": "faults",
    "LimitRules": "limits",
    "Quota": "limits",
    "Request": "messages",
    "Response": "messages",
    "RunningServer": "server",
    "Throttle": "limits",
    "run": "server",
}


def __getattr__(name: str) -> object:
    """Load a name from the module it lives in.

    Raises:
        AttributeError: There is no such name.
        ImportError: The extra is not installed.
    """
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{home}"), name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"the emulator needs {error.name}: pip install 'railway-saas[emulator]'", name=error.name
        ) from error
