"""A local Railway: GraphQL over HTTP and WebSocket, in memory, on a clock you control.

Needs the extra: `pip install "railway-saas[emulator]"`.
"""

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
