"""Private networks, their endpoints, and static outbound addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.private_networks import (
    EgressGateway,
    EgressGateways,
    PrivateNetwork,
    PrivateNetworkEndpoint,
    endpoint_of,
    is_free,
    network_of,
    rename_endpoint,
)
from railway_saas.emulator.registry import mutation, query

if TYPE_CHECKING:
    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.projects import Environment, ServiceInstance


@query("privateNetworks")
def private_networks(ctx: Context, *, environment_id: str) -> list[PrivateNetwork]:
    """The private network of an environment."""
    return [network_of(ctx.environment(environment_id))]


@query("privateNetworkEndpoint")
def private_network_endpoint(
    ctx: Context, *, environment_id: str, private_network_id: str, service_id: str
) -> PrivateNetworkEndpoint | None:
    """A service's place in the private network."""
    environment = _environment(ctx, environment_id, private_network_id)
    instance = environment.instances.get(service_id)
    return endpoint_of(instance) if instance else None


@query("privateNetworkEndpointNameAvailable")
def name_available(ctx: Context, *, environment_id: str, private_network_id: str, prefix: str) -> bool:
    """Whether an endpoint may take this name."""
    return is_free(_environment(ctx, environment_id, private_network_id), prefix)


@mutation("privateNetworkCreateOrGet")
def create_or_get_network(ctx: Context, *, input_: dict[str, Any]) -> PrivateNetwork:
    """The private network of an environment; it is there from the beginning."""
    ctx.project(input_["project_id"])
    return network_of(ctx.environment(input_["environment_id"]))


@mutation("privateNetworkEndpointCreateOrGet")
def create_or_get_endpoint(ctx: Context, *, input_: dict[str, Any]) -> PrivateNetworkEndpoint:
    """A service's endpoint; it comes with the service."""
    _environment(ctx, input_["environment_id"], input_["private_network_id"])
    return endpoint_of(ctx.service_instance(input_["service_id"], input_["environment_id"]))


@mutation("privateNetworkEndpointRename")
def endpoint_rename(ctx: Context, *, id_: str, dns_name: str, private_network_id: str) -> bool:
    """Give an endpoint another name."""
    instance = _instance(ctx, id_)
    if network_of(instance.environment).public_id != private_network_id:
        raise errors.not_found("PrivateNetwork")
    rename_endpoint(ctx.world, instance, dns_name)
    return True


@mutation("privateNetworkEndpointDelete")
def endpoint_delete(ctx: Context, *, id_: str) -> bool:
    """Go back to the name that an endpoint has by itself: a service is never without one."""
    rename_endpoint(ctx.world, _instance(ctx, id_), None)
    return True


@query("egressGateways")
def egress_gateways(ctx: Context, *, environment_id: str, service_id: str) -> list[EgressGateway]:
    """The static outbound addresses of a service instance."""
    return ctx.world.part(EgressGateways).of(ctx.service_instance(service_id, environment_id))


@mutation("egressGatewayAssociationCreate")
def egress_gateway_create(ctx: Context, *, input_: dict[str, Any]) -> list[EgressGateway]:
    """One more static outbound address; all there are then."""
    instance = ctx.service_instance(input_["service_id"], input_["environment_id"])
    return ctx.world.part(EgressGateways).add(instance, input_.get("region"))


@mutation("egressGatewayAssociationsClear")
def egress_gateways_clear(ctx: Context, *, input_: dict[str, Any]) -> bool:
    """Take the static outbound addresses away, in one environment or in all."""
    instance = ctx.service_instance(input_["service_id"], input_["environment_id"])
    environments = [instance.environment]
    if input_.get("all_environments"):
        environments = ctx.environments_of(instance.project)
    for environment in environments:
        found = environment.instances.get(instance.service.id)
        if found is not None:
            ctx.world.part(EgressGateways).clear(found)
    return True


def _environment(ctx: Context, environment_id: str, network_id: str) -> Environment:
    environment = ctx.environment(environment_id)
    if network_of(environment).public_id != network_id:
        raise errors.not_found("PrivateNetwork")
    return environment


def _instance(ctx: Context, endpoint_id: str) -> ServiceInstance:
    """The service instance behind an endpoint: looked for among what the caller may use."""
    ctx.caller.require()
    for environment in ctx.world.environments.values():
        if not ctx.caller.may_use_environment(environment):
            continue
        for instance in environment.instances.values():
            if endpoint_of(instance).public_id == endpoint_id:
                return instance
    raise errors.not_found("PrivateNetworkEndpoint")
