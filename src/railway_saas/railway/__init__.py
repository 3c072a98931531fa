"""A typed client of Railway's public API.

`RailwayClient` and `AsyncRailwayClient` are the same client twice; models of what Railway sends are in
`railway_saas.railway.models`, operations to hand to `client.batch` in `railway_saas.railway.operations`.
"""

from railway_saas._core.operation import Lane, Operation
from railway_saas._core.paging import Page
from railway_saas.railway._async._client import AsyncRailwayClient
from railway_saas.railway._clock import AsyncClock, Clock
from railway_saas.railway._pacers import AsyncPacer, Pacer
from railway_saas.railway._requests import ClientStats, RequestReport
from railway_saas.railway._sync._client import RailwayClient
from railway_saas.railway.operations._build import UNSET

__all__ = [
    "UNSET",
    "AsyncClock",
    "AsyncPacer",
    "AsyncRailwayClient",
    "ClientStats",
    "Clock",
    "Lane",
    "Operation",
    "Pacer",
    "Page",
    "RailwayClient",
    "RequestReport",
]
