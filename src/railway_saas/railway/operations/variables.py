"""Operations on variables. Source: Railway's GraphQL schema of 2026-08-21.

Values are secrets: no message of an error shows one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from railway_saas._core.operation import Lane, Operation
from railway_saas._core.quoting import quoted
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.variables import Variable, Variables
from railway_saas.railway.operations._arguments import texts, then
from railway_saas.railway.operations._build import given, operation, or_unset, require_text
from railway_saas.railway.operations._checks import nested_page_operation, require_text_if_given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas._core.paging import Page


def require_variables(variables: object) -> None:
    """Refuse what is not a mapping of names to texts. An empty text is a value.

    Raises:
        RailwayInputError: It names the variable, never the value.
    """
    if not isinstance(variables, Mapping):
        raise RailwayInputError("variables: must be a mapping of names to texts", argument="variables")
    for name, value in cast("Mapping[object, object]", variables).items():
        _require_name(name, "variables")
        if not isinstance(value, str):
            raise RailwayInputError(
                f"variables[{quoted(name)}]: the value must be a text, not {type(value).__name__}",
                argument="variables",
            )


def _require_name(name: object, argument: str) -> None:
    if not isinstance(name, str) or not name.strip():
        raise RailwayInputError(
            f"{argument}: a variable's name must be a text that is not empty", argument=argument
        )


def rendered(*, project_id: str, environment_id: str, service_id: str | None = None) -> Operation[Variables]:
    """Variables with their references resolved: of a service, or the environment's shared ones."""
    return _read(project_id, environment_id, service_id, unrendered=False)


def unrendered(
    *, project_id: str, environment_id: str, service_id: str | None = None
) -> Operation[Variables]:
    """Variables as they were set, with `${{...}}` kept."""
    return _read(project_id, environment_id, service_id, unrendered=True)


def _read(
    project_id: str, environment_id: str, service_id: str | None, *, unrendered: bool
) -> Operation[Variables]:
    scope = _scope(project_id, environment_id, service_id)
    return _values("Variables", {**scope, "unrendered": unrendered})


def for_deployment(*, project_id: str, environment_id: str, service_id: str) -> Operation[Variables]:
    """What a container of the service would get, with Railway's own `RAILWAY_*`."""
    require_text(service_id=service_id)
    return _values("VariablesForDeployment", _scope(project_id, environment_id, service_id))


def _values(name: str, variables: Mapping[str, Any]) -> Operation[Variables]:
    values: Operation[dict[str, str | None]] = operation(
        name, dict[str, str | None], variables, read_after_write=True
    )
    return then(values, Variables)


def _scope(project_id: str, environment_id: str, service_id: str | None) -> dict[str, Any]:
    require_text(project_id=project_id, environment_id=environment_id)
    require_text_if_given(service_id=service_id)
    return given(
        {"projectId": project_id, "environmentId": environment_id, "serviceId": or_unset(service_id)}
    )


def records_page(
    environment_id: str, *, first: int | None = None, after: str | None = None
) -> Operation[Page[Variable]]:
    """One page of what Railway keeps about an environment's variables, without values."""
    require_text(environment_id=environment_id)
    return nested_page_operation(
        "VariableRecords", Variable, "variables", {"environmentId": environment_id}, first=first, after=after
    )


def upsert(
    name: str,
    value: str,
    *,
    project_id: str,
    environment_id: str,
    service_id: str | None = None,
    skip_deploys: bool | None = None,
) -> Operation[bool]:
    """Set one variable of a service, or a shared one."""
    scope = _scope(project_id, environment_id, service_id)
    _require_name(name, "name")
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
        raise RailwayInputError(f"value: must be a text, not {type(value).__name__}", argument="value")
    body = given({**scope, "name": name, "value": value, "skipDeploys": or_unset(skip_deploys)})
    return operation("VariableUpsert", bool, {"input": body}, safe_to_repeat=True)


def upsert_many(
    variables: Mapping[str, str],
    *,
    project_id: str,
    environment_id: str,
    service_id: str | None = None,
    replace: bool | None = None,
    skip_deploys: bool | None = None,
) -> Operation[bool]:
    """Set several variables at once; with `replace`, all others are deleted first."""
    scope = _scope(project_id, environment_id, service_id)
    require_variables(variables)
    if not variables and not replace:
        raise RailwayInputError(
            "variables: must not be empty, unless replace=True clears all", argument="variables"
        )
    body = given(
        {
            **scope,
            "variables": dict(variables),
            "replace": or_unset(replace),
            "skipDeploys": or_unset(skip_deploys),
        }
    )
    return operation("VariableCollectionUpsert", bool, {"input": body}, safe_to_repeat=True)


def delete(
    name: str, *, project_id: str, environment_id: str, service_id: str | None = None
) -> Operation[bool]:
    """Delete a variable. Railway deploys the services it touches; that cannot be skipped."""
    scope = _scope(project_id, environment_id, service_id)
    _require_name(name, "name")
    return operation("VariableDelete", bool, {"input": {**scope, "name": name}}, lane=Lane.DELETION)


def configure_shared(
    name: str,
    *,
    project_id: str,
    environment_id: str,
    enabled_service_ids: Sequence[str] = (),
    disabled_service_ids: Sequence[str] = (),
) -> Operation[Variable]:
    """Say which services get a shared variable."""
    scope = _scope(project_id, environment_id, None)
    _require_name(name, "name")
    body = {
        **scope,
        "name": name,
        "enabledServiceIds": texts("enabled_service_ids", enabled_service_ids),
        "disabledServiceIds": texts("disabled_service_ids", disabled_service_ids),
    }
    return operation("SharedVariableConfigure", Variable, {"input": body}, safe_to_repeat=True)
