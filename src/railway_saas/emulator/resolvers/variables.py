"""Variables: read, set and deleted. They take effect at once, unlike in the dashboard, where they are staged first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors, variables
from railway_saas.emulator.connections import Connection, paginate
from railway_saas.emulator.registry import constant, field, graphql_type, mutation, query
from railway_saas.emulator.rendering import for_deployment, referenced, rendered, visible_values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.projects import Environment, Service, ServiceInstance, Variable

constant("Variable", pluginId=None)


@graphql_type("Variable")
@dataclass(frozen=True, slots=True)
class VariableView:
    """A variable as the API shows one: never with its value."""

    variable: Variable
    environment: Environment
    instance: ServiceInstance | None

    @property
    def id(self) -> str:
        """Its id."""
        return self.variable.id

    @property
    def name(self) -> str:
        """Its name."""
        return self.variable.name

    @property
    def is_sealed(self) -> bool:
        """Whether its value never comes back."""
        return self.variable.is_sealed

    @property
    def created_at(self) -> datetime:
        """When it was first set."""
        return self.variable.created_at

    @property
    def updated_at(self) -> datetime:
        """When it was last set."""
        return self.variable.updated_at

    @property
    def environment_id(self) -> str:
        """Id of its environment."""
        return self.environment.id

    @property
    def service_id(self) -> str | None:
        """Id of its service; None for a shared one."""
        return self.instance.service.id if self.instance else None

    @property
    def references(self) -> list[str]:
        """What its value refers to."""
        return [] if self.is_sealed else referenced(self.variable.value)

    @property
    def service(self) -> Service:
        """Its service.

        Raises:
            Refusal: It is a shared one; the schema leaves no other answer.
        """
        if self.instance is None:
            raise errors.not_found("Service")
        return self.instance.service


@query("variables")
def read_variables(
    ctx: Context,
    *,
    project_id: str,
    environment_id: str,
    service_id: str | None = None,
    unrendered: bool | None = None,
) -> dict[str, str]:
    """Names and values of a service, or the shared ones of the environment."""
    environment, instance = _target(ctx, project_id, environment_id, service_id)
    if unrendered:
        return visible_values(variables.read(environment, instance))
    return rendered(ctx.world, environment, instance)


@query("variablesForServiceDeployment")
def variables_for_deployment(
    ctx: Context, *, project_id: str, environment_id: str, service_id: str
) -> dict[str, str]:
    """What a container of the service would get."""
    _, instance = _target(ctx, project_id, environment_id, service_id)
    if instance is None:
        raise errors.not_found("ServiceInstance")
    return for_deployment(ctx.world, instance)


@mutation("variableUpsert")
def variable_upsert(ctx: Context, *, input_: dict[str, Any]) -> bool:
    """Set one variable."""
    _upsert(ctx, input_, {input_["name"]: input_["value"]})
    return True


@mutation("variableCollectionUpsert")
def variable_collection_upsert(ctx: Context, *, input_: dict[str, Any]) -> bool:
    """Set several variables; with `replace`, delete all others."""
    _upsert(ctx, input_, input_["variables"], replace_all=bool(input_.get("replace")))
    return True


@mutation("variableDelete")
def variable_delete(ctx: Context, *, input_: dict[str, Any]) -> bool:
    """Delete one variable. There is no way to leave the redeploy out."""
    environment, instance = _input_target(ctx, input_)
    before = variables.read(environment, instance)
    if input_["name"] in before:
        variables.write(ctx.world, environment, instance, variables.without(before, {input_["name"]}))
        variables.redeploy(ctx.world, variables.affected(environment, instance), ctx.user)
    return True


@mutation("sharedVariableConfigure")
def shared_variable_configure(ctx: Context, *, input_: dict[str, Any]) -> VariableView:
    """Give services a reference to a shared variable, and take it from others."""
    environment, _ = _input_target(ctx, input_)
    name = input_["name"]
    shared = environment.shared_variables.get(name)
    if shared is None:
        raise errors.not_found("Variable")
    enabled = [_instance(ctx, one, environment) for one in input_["enabled_service_ids"]]
    disabled = [_instance(ctx, one, environment) for one in input_["disabled_service_ids"]]
    reference = f"${{{{shared.{name}}}}}"
    for instance in enabled:
        changed = variables.upsert(ctx.world, instance.variables, {name: reference})
        variables.write(ctx.world, environment, instance, changed)
    for instance in disabled:
        changed = variables.without(instance.variables, {name})
        variables.write(ctx.world, environment, instance, changed)
    variables.redeploy(ctx.world, [*enabled, *disabled], ctx.user)
    return VariableView(shared, environment, None)


@field("Environment", "variables")
def environment_variables(found: Environment, _ctx: Context, **page: Any) -> Connection:
    """All variables of an environment: the shared ones, then those of each service."""
    views = [VariableView(one, found, None) for one in found.shared_variables.values()]
    for instance in found.instances.values():
        views += [VariableView(one, found, instance) for one in instance.variables.values()]
    return paginate(views, default=None, **page)


def _upsert(
    ctx: Context, input_: dict[str, Any], values: Mapping[str, Any], *, replace_all: bool = False
) -> None:
    environment, instance = _input_target(ctx, input_)
    before = variables.read(environment, instance)
    after = variables.upsert(ctx.world, before, _checked(values), replace_all=replace_all)
    if after == before:
        return
    variables.write(ctx.world, environment, instance, after)
    if not input_.get("skip_deploys"):
        variables.redeploy(ctx.world, variables.affected(environment, instance), ctx.user)


def _checked(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as text.

    Raises:
        Refusal: A name is blank, or a value is an object or a list.
    """
    for name, value in values.items():
        if not name.strip() or isinstance(value, dict | list):
            raise errors.invalid_field("variables")
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _input_target(ctx: Context, input_: dict[str, Any]) -> tuple[Environment, ServiceInstance | None]:
    return _target(ctx, input_["project_id"], input_["environment_id"], input_.get("service_id"))


def _target(
    ctx: Context, project_id: str, environment_id: str, service_id: str | None
) -> tuple[Environment, ServiceInstance | None]:
    project = ctx.project(project_id)
    environment = ctx.environment(environment_id)
    if environment.project is not project:
        raise errors.not_authorized()
    return environment, _instance(ctx, service_id, environment) if service_id else None


def _instance(ctx: Context, service_id: str, environment: Environment) -> ServiceInstance:
    return ctx.service_instance(service_id, environment.id)
