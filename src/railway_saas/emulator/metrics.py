"""Charts: what services and volumes used over time, and how their requests went."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING

from railway_saas.emulator import logs
from railway_saas.emulator.load import wave
from railway_saas.emulator.usage import (
    MB_PER_GB,
    Tags,
    rate,
    service_instances_of,
    tags_of,
    tags_of_volume,
    volume_instances_of,
)
from railway_saas.emulator.volumes import used_mb

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from railway_saas.emulator.usage import Span
    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.projects import Project, ServiceInstance
    from railway_saas.emulator.world.storage import VolumeInstance

KEPT = timedelta(days=30)
"""Source: Railway's documentation."""

STEADY = frozenset({"CPU_LIMIT", "MEMORY_LIMIT_GB"})
TRAFFIC = frozenset({"NETWORK_RX_GB", "NETWORK_TX_GB"})
"""Counted per sample, not at one moment."""

SAMPLE_RATES = ((5_400, 30), (21_600, 60), (86_400, 240), (604_800, 3_600))
"""Longest window and its sample rate, in seconds. Source: Railway CLI."""
COARSEST_RATE = 14_400
MOST_SAMPLES = 5_000
MOST_REQUESTS = 50_000
"""How many requests of one deployment are looked at for one chart."""

Series = dict[tuple[str, Tags], dict[int, float]]
"""By measurement and tags: Unix seconds to value."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Whose charts are wanted; None: anybody's."""

    environment_id: str | None = None
    service_id: str | None = None
    volume_id: str | None = None

    def holds(self, tags: Tags) -> bool:
        """Whether something belongs to it."""
        return (
            self.environment_id in {None, tags.environment_id}
            and self.service_id in {None, tags.service_id}
            and self.volume_id in {None, tags.volume_id}
        )


@dataclass(frozen=True, slots=True)
class Durations:
    """How long requests took in one step, in milliseconds."""

    ts: int
    p50: float
    p90: float
    p95: float
    p99: float


def sample_rate(span: Span, wanted: int | None) -> int:
    """Seconds between samples: what was asked for, or what fits the window; never too many samples."""
    seconds = (span.end - span.begin).total_seconds()
    fitting = next((step for longest, step in SAMPLE_RATES if seconds <= longest), COARSEST_RATE)
    return max(wanted or fitting, ceil(seconds / MOST_SAMPLES), 1)


def series(  # noqa: PLR0913 - keyword-only options
    projects: Iterable[Project],
    span: Span,
    measurements: Collection[str],
    *,
    selection: Selection,
    tags: Collection[str],
    step: int,
) -> Series:
    """The samples of every measurement, added up for each combination of the tags asked for."""
    found: Series = defaultdict(lambda: defaultdict(float))
    for project in projects:
        for instance in service_instances_of(project):
            for deployment in instance.deployments:
                _add_deployment(found, deployment, span, measurements, selection, tags, step)
        if "DISK_USAGE_GB" in measurements:
            for volume in volume_instances_of(project):
                _add_volume(found, volume, span, selection, tags, step)
    return found


def requests_by_status(
    instance: ServiceInstance, span: Span, step: int, *, fits: Callable[[logs.HttpLine], bool]
) -> dict[int, dict[int, float]]:
    """Requests per step, by status code."""
    counted: dict[int, Counter[int]] = defaultdict(Counter)
    for line in _requests(instance, span):
        if fits(line):
            counted[line.fields["httpStatus"]][_floor(line.at // logs.SECOND, step)] += 1
    return {
        status: {ts: float(n) for ts, n in sorted(counts.items())}
        for status, counts in sorted(counted.items())
    }


def durations(
    instance: ServiceInstance, span: Span, step: int, *, fits: Callable[[logs.HttpLine], bool]
) -> list[Durations]:
    """How long requests took, per step."""
    by_step: dict[int, list[int]] = defaultdict(list)
    for line in _requests(instance, span):
        if fits(line):
            by_step[_floor(line.at // logs.SECOND, step)].append(line.fields["totalDuration"])
    return [_percentiles(ts, sorted(values)) for ts, values in sorted(by_step.items())]


def _add_deployment(  # noqa: PLR0913, PLR0917 - one loop's body, taken out
    found: Series,
    deployment: Deployment,
    span: Span,
    measurements: Collection[str],
    selection: Selection,
    tags: Collection[str],
    step: int,
) -> None:
    whose = tags_of(deployment)
    if not deployment.runs or not selection.holds(whose):
        return
    shown = whose.only(tags)
    rates = {name: rate(deployment, name) for name in measurements}
    for ts in _running(deployment, span, step):
        factor = wave(deployment.service_id, ts)
        for name, per_minute in rates.items():
            if per_minute:
                value = per_minute * step / 60 if name in TRAFFIC else per_minute
                found[name, shown][ts] += value if name in STEADY else value * factor


def _add_volume(  # noqa: PLR0913, PLR0917 - as above
    found: Series, volume: VolumeInstance, span: Span, selection: Selection, tags: Collection[str], step: int
) -> None:
    whose = tags_of_volume(volume, volume.service_id)
    if not selection.holds(whose):
        return
    shown = whose.only(tags)
    for ts in _samples(max(span.begin, volume.created_at), min(span.end, volume.purged_at or span.end), step):
        found["DISK_USAGE_GB", shown][ts] += used_mb(volume, datetime.fromtimestamp(ts, UTC)) / MB_PER_GB


def _running(deployment: Deployment, span: Span, step: int) -> Iterator[int]:
    for begin, end in deployment.runs:
        yield from _samples(max(begin, span.begin), min(end or span.end, span.end), step)


def _samples(begin: datetime, end: datetime, step: int) -> range:
    """The moments of a chart that lie in a span: whole multiples of the step."""
    first = -(-int(begin.timestamp()) // step) * step
    return range(first, int(end.timestamp()) + 1, step)


def _requests(instance: ServiceInstance, span: Span) -> Iterator[logs.HttpLine]:
    window = logs.Window(logs.nanoseconds(span.begin), logs.nanoseconds(span.end), newest_first=True)
    for deployment in instance.deployments:
        yield from islice(logs.http_lines(deployment, window), MOST_REQUESTS)


def _floor(seconds: int, step: int) -> int:
    return seconds // step * step


def _percentiles(ts: int, values: list[int]) -> Durations:
    def at(share: float) -> float:
        return float(values[min(len(values) - 1, int(len(values) * share))])

    return Durations(ts, at(0.5), at(0.9), at(0.95), at(0.99))
