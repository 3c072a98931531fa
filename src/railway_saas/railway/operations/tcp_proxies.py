"""Operations on TCP proxies. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas._core.operation import Lane, Operation
from railway_saas.railway.models.tcp_proxies import TCPProxy
from railway_saas.railway.operations import environments
from railway_saas.railway.operations._build import operation, require_text
from railway_saas.railway.operations._checks import require_port

if TYPE_CHECKING:
    from railway_saas.railway.models.environments import EnvironmentPatch


def list_(*, environment_id: str, service_id: str) -> Operation[tuple[TCPProxy, ...]]:
    """The TCP proxies of a service in one environment."""
    require_text(environment_id=environment_id, service_id=service_id)
    variables = {"environmentId": environment_id, "serviceId": service_id}
    return operation("TcpProxyList", tuple[TCPProxy, ...], variables, read_after_write=True)


def patch(*, service_id: str, application_port: int) -> dict[str, Any]:
    """The change of an environment's configuration that makes a TCP proxy.

    Railway: the mutation `tcpProxyCreate` is deprecated, as its proxies work only after a redeploy.
    """
    require_text(service_id=service_id)
    require_port(application_port=application_port)
    return {"services": {service_id: {"networking": {"tcpProxies": {str(application_port): {}}}}}}


def create(
    *, environment_id: str, service_id: str, application_port: int, message: str | None = None
) -> Operation[str]:
    """Make a TCP proxy by committing its patch. The same patch again changes nothing."""
    change = patch(service_id=service_id, application_port=application_port)
    return environments.commit_patch(environment_id, change, message=message)


def stage(*, environment_id: str, service_id: str, application_port: int) -> Operation[EnvironmentPatch]:
    """Put a TCP proxy into the staged patch, beside what others have staged there."""
    change = patch(service_id=service_id, application_port=application_port)
    return environments.stage_changes(environment_id, change, merge=True)


def delete(tcp_proxy_id: str) -> Operation[bool]:
    """Delete a TCP proxy."""
    require_text(tcp_proxy_id=tcp_proxy_id)
    return operation("TcpProxyDelete", bool, {"id": tcp_proxy_id}, lane=Lane.DELETION)
