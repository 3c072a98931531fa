"""What is counted and timed in a process. Names, labels and help texts stand here and nowhere else.

Labels have few values: route templates, never paths; actions and job names of the code; never an id of anybody.
Several processes share their values through files (`PROMETHEUS_MULTIPROC_DIR`); what is the same in all of them is
read from the database when somebody asks: `database_metrics`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from railway_saas.errors import RailwayConnectionError, RailwayRateLimitError, RailwayTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas.railway import RequestReport

NAMESPACE: Final = "railway_saas"
MULTIPROCESS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Must be set before `prometheus_client` is imported. Source: prometheus.github.io/client_python/multiprocess."""

_REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_RAILWAY_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_JOB_BUCKETS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)


def is_multiprocess() -> bool:
    """Whether this process shares its values with others."""
    return MULTIPROCESS_VARIABLE in os.environ


class Metrics:
    """The metrics of one process, and what notes them."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests",
            "Requests answered, by route template.",
            ["method", "route", "status"],
            namespace=NAMESPACE,
            registry=registry,
        )
        self._request_seconds = Histogram(
            "http_request_duration_seconds",
            "Time until an answer began, by route template.",
            ["method", "route"],
            namespace=NAMESPACE,
            registry=registry,
            buckets=_REQUEST_BUCKETS,
        )
        self.in_flight = Gauge(
            "http_requests_in_flight",
            "Requests at work.",
            namespace=NAMESPACE,
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._changes = Counter(
            "changes",
            "Changes committed, by the action of their audit entry: registrations, deploys accepted, deletions.",
            ["action"],
            namespace=NAMESPACE,
            registry=registry,
        )
        self._jobs = Counter(
            "jobs", "Jobs ended, by result.", ["name", "result"], namespace=NAMESPACE, registry=registry
        )
        self._job_seconds = Histogram(
            "job_duration_seconds",
            "Time a job took.",
            ["name"],  # `job` is Prometheus' own
            namespace=NAMESPACE,
            registry=registry,
            buckets=_JOB_BUCKETS,
        )
        self._railway_requests = Counter(
            "railway_requests",
            "Requests to Railway, as Railway counts them.",
            ["operation", "outcome"],
            namespace=NAMESPACE,
            registry=registry,
        )
        self._railway_seconds = Histogram(
            "railway_request_duration_seconds",
            "Time of a request to Railway, without the wait for the rate budget.",
            ["operation"],
            namespace=NAMESPACE,
            registry=registry,
            buckets=_RAILWAY_BUCKETS,
        )
        self._railway_throttled = Counter(
            "railway_throttled",
            "Answers of Railway that said to slow down.",
            namespace=NAMESPACE,
            registry=registry,
        )
        self._railway_quota = Gauge(
            "railway_budget_limit",
            "Requests Railway allows the token per hour.",
            namespace=NAMESPACE,
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._railway_remaining = Gauge(
            "railway_budget_remaining",
            "Requests left of them, as the latest answer said.",
            namespace=NAMESPACE,
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._cache = Counter(
            "cache_requests",
            "Look-ups in the cache, by result.",
            ["cache", "result"],
            namespace=NAMESPACE,
            registry=registry,
        )
        self.connections_in_use = Gauge(
            "database_connections_in_use",
            "Connections that somebody works with.",
            namespace=NAMESPACE,
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.connections_allowed = Gauge(
            "database_connections_allowed",
            "Connections the pools may open.",
            namespace=NAMESPACE,
            registry=registry,
            multiprocess_mode="livesum",
        )

    def request_done(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Note an answer."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(method, route).observe(seconds)

    def changed(self, actions: Sequence[str]) -> None:
        """Note the audit entries of a transaction that was committed."""
        for action in actions:
            self._changes.labels(action).inc()

    def job_done(self, job: str, *, result: str, seconds: float) -> None:
        """Note the end of a job: `done`, `failed`, ..."""
        self._jobs.labels(job, result).inc()
        self._job_seconds.labels(job).observe(seconds)

    def railway_asked(self, report: RequestReport) -> None:
        """Note a request to Railway; made for `RailwayClient(on_request=...)`."""
        self._railway_requests.labels(report.operation, _outcome(report)).inc()
        self._railway_seconds.labels(report.operation).observe(report.took_s)
        if isinstance(report.error, RailwayRateLimitError):
            self._railway_throttled.inc()
        if report.quota is not None:
            self._railway_quota.set(report.quota)
        if report.remaining is not None:
            self._railway_remaining.set(report.remaining)

    def cache_asked(self, cache: str, *, hit: bool) -> None:
        """Note a look-up."""
        self._cache.labels(cache, "hit" if hit else "miss").inc()


def _outcome(report: RequestReport) -> str:
    match report.error:
        case None:
            return "ok"
        case RailwayRateLimitError():
            return "throttled"
        case RailwayTimeoutError() | RailwayConnectionError():
            return "unreachable"
        case _:
            return "refused"
