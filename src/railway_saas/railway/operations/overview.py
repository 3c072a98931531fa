"""One request that tells how everything in an environment stands."""

from __future__ import annotations

from railway_saas._core.operation import Lane, Operation
from railway_saas.railway.models.overview import EnvironmentOverview
from railway_saas.railway.operations._build import operation, require_text


def environment(environment_id: str, *, lane: Lane = Lane.USER) -> Operation[EnvironmentOverview]:
    """Services with their newest deployment and domains, and volumes."""
    require_text(environment_id=environment_id)
    return operation(
        "EnvironmentOverview", EnvironmentOverview, {"id": environment_id}, lane=lane, read_after_write=True
    )
