"""What was used, in the units that Railway bills.

Values are decimals, not floats: they are multiplied with prices. Railway sends JSON numbers; each becomes the
decimal with the same digits (0.1 stays 0.1).
"""

from __future__ import annotations

from decimal import Decimal

from railway_saas.railway.models.base import RailwayModel
from railway_saas.railway.models.metrics import MetricMeasurement, MetricTags


class AggregatedUsage(RailwayModel):
    """The sum of one measurement: GB-minutes, vCPU-minutes, and GB for network traffic."""

    measurement: MetricMeasurement
    value: Decimal
    tags: MetricTags = MetricTags()


class EstimatedUsage(RailwayModel):
    """What a measurement will come to at the end of the billing period, in the same units."""

    measurement: MetricMeasurement
    estimated_value: Decimal
    project_id: str | None = None
