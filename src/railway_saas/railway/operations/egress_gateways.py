"""Operations on static outbound addresses. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane, Operation
from railway_saas.railway.models.egress_gateways import EgressGateway
from railway_saas.railway.operations._build import given, operation, or_unset, require_text

if TYPE_CHECKING:
    from collections.abc import Mapping


def list_(*, service_id: str, environment_id: str) -> Operation[tuple[EgressGateway, ...]]:
    """The addresses that a service's outbound traffic comes from."""
    return operation("EgressGatewayList", tuple[EgressGateway, ...], _target(service_id, environment_id))


def create(
    *, service_id: str, environment_id: str, region: str | None = None
) -> Operation[tuple[EgressGateway, ...]]:
    """Give a service static outbound addresses. They take effect with its next deployment."""
    if region is not None:
        require_text(region=region)
    body = given({**_target(service_id, environment_id), "region": or_unset(region)})
    return operation("EgressGatewayCreate", tuple[EgressGateway, ...], {"input": body})


def clear(*, service_id: str, environment_id: str, all_environments: bool | None = None) -> Operation[bool]:
    """Take a service's static outbound addresses away."""
    body = given({**_target(service_id, environment_id), "allEnvironments": or_unset(all_environments)})
    return operation("EgressGatewayClear", bool, {"input": body}, safe_to_repeat=True, lane=Lane.DELETION)


def _target(service_id: str, environment_id: str) -> Mapping[str, str]:
    require_text(service_id=service_id, environment_id=environment_id)
    return {"serviceId": service_id, "environmentId": environment_id}
