"""Where Railway runs things. Source: Railway's documentation of regions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """One region. `name` is the identifier used everywhere, `id` an airport code."""

    id: str
    name: str
    location: str
    country: str


REGIONS = (
    Region("pdx", "us-west2", "California, USA", "US"),
    Region("iad", "us-east4-eqdc4a", "Virginia, USA", "US"),
    Region("ams", "europe-west4-drams3a", "Amsterdam, Netherlands", "NL"),
    Region("sin", "asia-southeast1-eqsg3a", "Singapore", "SG"),
)

DEFAULT_REGION = "us-west2"


def is_region(name: str) -> bool:
    """Whether this names a region, by identifier or by airport code."""
    return any(name in {region.id, region.name} for region in REGIONS)
