"""How busy a pool of database connections is, told by the pool itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.pool import QueuePool

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from reference_server.observability.metrics import Metrics


def watch_pool(engine: Engine, metrics: Metrics) -> None:
    """Count the connections of an engine that are in use. A pool without bound, as SQLite's, allows none in particular."""
    pool = engine.pool
    if isinstance(pool, QueuePool):
        metrics.connections_allowed.inc(pool.size())  # `data.engines` lets none overflow

    def taken(*_: Any) -> None:
        metrics.connections_in_use.inc()

    def given_back(*_: Any) -> None:
        metrics.connections_in_use.dec()

    event.listen(engine, "checkout", taken)
    event.listen(engine, "checkin", given_back)
