"""What the processes of this machine's server use, read from `/proc` when somebody asks.

The library's own process collector knows one process only, and not at all several that share their values.
Source: prometheus.github.io/client_python/multiprocess, "Custom collectors do not work as expected".
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from reference_server.observability.metrics import MULTIPROCESS_VARIABLE, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric

_VALUE_FILE: Final = re.compile(r"_(\d+)\.db$")
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process."""

    pid: int
    cpu_seconds: float
    resident_bytes: int
    threads: int
    open_files: int


class ProcessCollector(Collector):
    """CPU, memory, threads and open files of each process that shares its values with this one."""

    def collect(self) -> Iterable[Metric]:
        """Read them now. Where there is no `/proc`, there is nothing to tell."""
        families: tuple[CounterMetricFamily | GaugeMetricFamily, ...] = (
            CounterMetricFamily(f"{NAMESPACE}_process_cpu_seconds", "CPU time used.", labels=["pid"]),
            GaugeMetricFamily(f"{NAMESPACE}_process_resident_memory_bytes", "Memory held.", labels=["pid"]),
            GaugeMetricFamily(f"{NAMESPACE}_process_threads", "Threads.", labels=["pid"]),
            GaugeMetricFamily(f"{NAMESPACE}_process_open_files", "Open file descriptors.", labels=["pid"]),
        )
        for usage in map(usage_of, sorted(set(pids()))):
            if usage is None:
                continue
            values = (usage.cpu_seconds, usage.resident_bytes, usage.threads, usage.open_files)
            for family, value in zip(families, values, strict=True):
                family.add_metric([str(usage.pid)], value)
        return families


def pids() -> Iterator[int]:
    """This process, and those whose values lie beside its own."""
    yield os.getpid()
    folder = os.environ.get(MULTIPROCESS_VARIABLE)
    if folder:
        for path in Path(folder).glob("*.db"):
            if found := _VALUE_FILE.search(path.name):
                yield int(found.group(1))


def usage_of(pid: int) -> Usage | None:
    """None: it is gone, or not ours to look at. Source: proc(5)."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
        open_files = len(os.listdir(_PROC / str(pid) / "fd"))  # noqa: PTH208 - only counted
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks
    ticks = os.sysconf("SC_CLK_TCK")
    return Usage(
        pid=pid,
        cpu_seconds=(int(fields[11]) + int(fields[12])) / ticks,
        resident_bytes=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        threads=int(fields[17]),
        open_files=open_files,
    )
