"""How much a service uses while it runs.

Nothing is measured: the load follows from what is deployed. A database takes more memory than an application, an
application sends more; how much exactly follows from the service's id, within its limits, and never changes while a
deployment lives. So what a service used is its rate times the minutes it ran, whatever the window that is asked for, and
the parts of a bill always add up to the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from railway_saas.emulator.world.deployments import Deployment


@dataclass(frozen=True, slots=True)
class Load:
    """What one replica uses while it runs."""

    cpu: float
    """vCPU."""
    memory_gb: float
    sent_gb_per_minute: float
    received_gb_per_minute: float
    disk_gb: float
    """Of its ephemeral disk."""


DATABASE = Load(0.06, 0.28, 0.000_002, 0.000_004, 0.05)
APPLICATION = Load(0.04, 0.22, 0.000_020, 0.000_006, 0.08)

DATABASE_IMAGES = ("postgres", "mysql", "maria", "mongo", "redis", "valkey", "clickhouse", "rabbitmq")

SPREAD = (0.5, 1.5)
"""A service's load lies between these parts of its kind's."""


def load_of(deployment: Deployment) -> Load:
    """What one replica of a deployment uses; never more than its limits allow."""
    kind, factor = _kind(deployment), _factor(deployment.service.id)
    limits = (deployment.settings.limit_override or {}).get("containers", {})
    most_memory = limits.get("memoryBytes")
    return Load(
        cpu=min(kind.cpu * factor, limits.get("cpu") or float("inf")),
        memory_gb=min(kind.memory_gb * factor, most_memory / 1e9 if most_memory else float("inf")),
        sent_gb_per_minute=kind.sent_gb_per_minute * factor,
        received_gb_per_minute=kind.received_gb_per_minute * factor,
        disk_gb=kind.disk_gb * factor,
    )


def wave(service_id: str, moment: int) -> float:
    """A factor around 1 for one sample of a chart, different for every moment but the same each time it is asked for."""
    return 0.9 + 0.2 * (crc32(f"{service_id}:{moment}".encode()) % 1000) / 1000


def _kind(deployment: Deployment) -> Load:
    image = (deployment.settings.image or "").lower()
    return DATABASE if any(name in image for name in DATABASE_IMAGES) else APPLICATION


def _factor(service_id: str) -> float:
    low, high = SPREAD
    return low + (high - low) * (crc32(service_id.encode()) % 1000) / 1000
