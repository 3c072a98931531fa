"""Static outbound addresses."""

from __future__ import annotations

from railway_saas.railway.models.base import RailwayModel


class EgressGateway(RailwayModel):
    """An address that a service's outbound traffic comes from."""

    ipv4: str
    region: str | None = None
    zone: str | None = None
