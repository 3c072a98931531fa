"""What `/metrics` answers: the values of all processes, of the database, of the machine, in either text format."""

from __future__ import annotations

import platform as python_platform
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

import railway_saas
from reference_server.observability.database_metrics import DatabaseCollector
from reference_server.observability.metrics import NAMESPACE, Metrics, is_multiprocess
from reference_server.observability.process_metrics import ProcessCollector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client.core import Metric

    from reference_server.composition import Platform


class BuildCollector(Collector):
    """Which version answers."""

    def collect(self) -> Iterable[Metric]:
        """One sample."""
        yield InfoMetricFamily(
            f"{NAMESPACE}_build",
            "What is running.",
            {"version": railway_saas.__version__, "python": python_platform.python_version()},
        )


class _OwnValues(Collector):
    """Those of a process that is alone."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics.registry.collect()


class Exposition:
    """Writes the metrics down.

    Args:
        platform: Whose.
    """

    def __init__(self, platform: Platform) -> None:
        self._own = _OwnValues(platform.metrics)
        self._others = (BuildCollector(), ProcessCollector(), DatabaseCollector(platform))

    def write(self, accept: str) -> tuple[bytes, str]:
        """The text and its content type, in the format that an `Accept` header prefers."""
        # A registry per answer: values of several processes are read from their files anew each time.
        # Source: prometheus.github.io/client_python/multiprocess.
        registry = CollectorRegistry()
        if is_multiprocess():
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry.register(self._own)
        for collector in self._others:
            registry.register(collector)
        encoder, content_type = _encoder(accept)
        return encoder(registry), content_type


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is none
        return choose_encoder("")
