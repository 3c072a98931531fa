"""What operations send is what the schema takes; what the schema allows as an answer, they read.

Every public function of `railway_saas.railway.operations` is called twice: with what it requires, and with all
it takes. Its document is answered as Railway's schema types it: with everything filled, with everything left
out that may be, with values of enums that nobody knows yet, and with fields that nobody asked for.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    parse,
    type_from_ast,
)
from graphql.execution.values import get_variable_values
from pydantic import ValidationError
from pydantic_core import to_json

from railway_saas._core.operation import Lane, Operation
from railway_saas.errors import RailwayInputError
from railway_saas.railway import operations
from railway_saas.railway.models.base import RailwayModel
from railway_saas.railway.models.services import RegistryCredentials
from railway_saas.railway.operations import _build

Make = Callable[..., Operation[Any]]

BY_NAME: dict[str, Any] = {
    "application_port": 5432,
    "backup_id": "b1",
    "builder": "RAILPACK",
    "category": "Storage",
    "channel_configs": [{"type": "webhook", "url": "https://example.com/hook"}],
    "commit_sha": "0d1f5a4c9b8e7d6c5b4a39281706f5e4d3c2b1a0",
    "cron_schedule": "*/5 * * * *",
    "description": "A database that is easy to look after",
    "domain": "app.example.com",
    "end_date": datetime(2026, 10, 2, tzinfo=UTC),
    "after_date": datetime(2026, 10, 2, tzinfo=UTC),
    "anchor_date": datetime(2026, 10, 1, 12, tzinfo=UTC),
    "before_date": datetime(2026, 10, 1, tzinfo=UTC),
    "since": datetime(2026, 10, 1, tzinfo=UTC),
    "start_date": datetime(2026, 10, 1, tzinfo=UTC),
    "event_types": ["Deployment.failed"],
    "filter": "@level:error",
    "group_by": ["PROJECT_ID", "SERVICE_ID"],
    "hard_limit_cents": 1000,
    "hard_limit_dollars": 100,
    "healthcheck_path": "/healthz",
    "image": "nginx:alpine",
    "kinds": ["DAILY", "WEEKLY"],
    "lane": Lane.BACKGROUND,
    "measurements": ["CPU_USAGE"],
    "method": "GET",
    "mount_path": "/data",
    "multi_region_config": {"us-west2": {"numReplicas": 1}},
    "name": "NAME",
    "order_by": "CREATED_AT_DESC",
    "path": "/",
    "payload": {"type": "Deployment.failed"},
    "pre_deploy_command": ["./migrate"],
    "readme": "Words. " * 50,
    "registry_credentials": RegistryCredentials(username="u", password="p"),
    "repo": "acme/app",
    "restart_policy_type": "ON_FAILURE",
    "secret": "a-secret-of-enough-length",
    "secret_header": "X-Secret",
    "serialized_config": {"services": {}},
    "severities": ["CRITICAL"],
    "soft_limit_cents": 500,
    "soft_limit_dollars": 50,
    "state": "READY",
    "status_code": 200,
    "status_in": ["SUCCESS"],
    "status_not_in": ["FAILED"],
    "url": "https://example.com/hook",
    "variables": {"NAME": "value"},
}

# Where not all arguments go together.
ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "services.create": ("repo", "branch"),
    "services.connect": ("repo", "branch"),
    "service_instances.update": ("repo", "multi_region_config"),
    "deployments.list_page": ("status_not_in",),
}

# Where what is required is not said by the signature.
AT_LEAST: dict[str, dict[str, Any]] = {
    "metrics.get": {"project_id": "p1"},
    "notification_rules.update": {"event_types": ["Deployment.failed"]},
    "projects.update": {"name": "acme"},
    "services.connect": {"image": "nginx:alpine"},
    "services.update": {"name": "web"},
    "service_instances.update": {"start_command": "./run"},
    "service_instances.limits_update": {"vcpus": 1.0},
    "deployments.list_page": {"service_id": "s1", "environment_id": "e1"},
    "variables.configure_shared": {"enabled_service_ids": ["s1"]},
}


def all_operations() -> Iterator[tuple[str, Make]]:
    for found in pkgutil.iter_modules(operations.__path__):
        if not found.name.startswith("_"):
            module = importlib.import_module(f"{operations.__name__}.{found.name}")
            for name, value in vars(module).items():
                if (
                    name.startswith("_")
                    or not inspect.isfunction(value)
                    or value.__module__ != module.__name__
                ):
                    continue
                if str(inspect.signature(value).return_annotation).startswith("Operation["):
                    yield f"{found.name}.{name}", value


OPERATIONS = dict(all_operations())


def sample(parameter: inspect.Parameter) -> Any:
    """A value for an argument, by its name or else by its type."""
    if parameter.name in BY_NAME:
        return BY_NAME[parameter.name]
    kind = str(parameter.annotation)
    for part, value in (
        ("Sequence", ["one"]),
        ("Iterable", ["one"]),
        ("Mapping", {"services": {"s1": {}}}),
        ("str", f"{parameter.name} of mine"),
        ("bool", True),
        ("int", 10),
        ("float", 1.5),
    ):
        if part in kind:
            return value
    raise AssertionError(f"no sample for {parameter}")


def with_least(name: str) -> Operation[Any]:
    parameters = inspect.signature(OPERATIONS[name]).parameters.values()
    needed = {item.name: sample(item) for item in parameters if item.default is inspect.Parameter.empty}
    return OPERATIONS[name](**{**needed, **AT_LEAST.get(name, {})})


def with_all(name: str) -> Operation[Any]:
    return OPERATIONS[name](**arguments_of(name))


def arguments_of(name: str) -> dict[str, Any]:
    """Every argument that a function takes, but for alternatives."""
    parameters = inspect.signature(OPERATIONS[name]).parameters.values()
    return {item.name: sample(item) for item in parameters if item.name not in ALTERNATIVES.get(name, ())}


def definition_of(operation: Operation[Any]) -> OperationDefinitionNode:
    return next(
        node
        for node in parse(operation.document.text).definitions
        if isinstance(node, OperationDefinitionNode)
    )


def sent(operation: Operation[Any]) -> dict[str, Any]:
    """The variables as they travel."""
    return json.loads(to_json(dict(operation.variables)))


def deprecated_inputs(kind: Any, value: Any, path: str) -> Iterator[str]:
    """Input fields and enum values that are sent although Railway calls them deprecated."""
    named = get_named_type(kind)
    if isinstance(value, list):
        for item in value:
            yield from deprecated_inputs(kind, item, path)
    elif isinstance(named, GraphQLInputObjectType) and isinstance(value, dict):
        for key, item in value.items():
            if named.fields[key].deprecation_reason:
                yield f"{path}.{key}"
            yield from deprecated_inputs(named.fields[key].type, item, f"{path}.{key}")
    elif isinstance(named, GraphQLEnumType) and named.values[value].deprecation_reason:
        yield f"{path}={value}"


@pytest.mark.parametrize("make", [with_least, with_all])
@pytest.mark.parametrize("name", OPERATIONS)
def test_variables_are_what_the_schema_takes(
    name: str, make: Callable[[str], Operation[Any]], schema: GraphQLSchema
) -> None:
    operation = make(name)
    declared = definition_of(operation).variable_definitions or ()
    variables = sent(operation)
    assert set(variables) <= {item.variable.name.value for item in declared}
    problems = get_variable_values(schema, declared, variables)
    assert not isinstance(problems, list), [problem.message for problem in problems]
    kinds = {item.variable.name.value: type_from_ast(schema, item.type) for item in declared}
    assert not [
        found for key, value in variables.items() for found in deprecated_inputs(kinds[key], value, key)
    ]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_argument_makes_a_difference_to_the_request(name: str) -> None:
    """One that makes none was forgotten."""
    everything = arguments_of(name)
    request = sent(OPERATIONS[name](**everything))
    for parameter in inspect.signature(OPERATIONS[name]).parameters.values():
        if parameter.default is inspect.Parameter.empty or parameter.name not in everything:
            continue
        if parameter.name == "lane":  # who goes first is between the client and itself
            continue
        others = {key: value for key, value in everything.items() if key != parameter.name}
        with suppress(RailwayInputError):  # it goes with another argument
            assert sent(OPERATIONS[name](**others)) != request, parameter.name


class Answers:
    """Writes answers to a document as the schema types them."""

    def __init__(self, schema: GraphQLSchema, text: str) -> None:
        self.schema = schema
        self.definitions = parse(text).definitions
        self.fragments = {
            node.name.value: node for node in self.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.bare = False
        """Leave out what may be: nulls and empty lists."""
        self.new_values = False
        """Enum values nobody knows."""
        self.more_fields = False
        """Fields nobody asked for."""

    def root(self) -> Any:
        operation = next(node for node in self.definitions if isinstance(node, OperationDefinitionNode))
        owner = self.schema.get_root_type(operation.operation)
        assert owner is not None
        (field,) = operation.selection_set.selections
        assert isinstance(field, FieldNode)
        return self.value(owner.fields[field.name.value].type, field)

    def value(self, kind: Any, field: FieldNode) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self.filled(kind.of_type, field)
        return None if self.bare else self.filled(kind, field)

    def filled(self, kind: Any, field: FieldNode) -> Any:
        if isinstance(kind, GraphQLList):
            return [] if self.bare else [self.value(kind.of_type, field)]
        if isinstance(kind, GraphQLObjectType):
            found = {
                (item.alias or item.name).value: self.value(kind.fields[item.name.value].type, item)
                for item in self.fields(field.selection_set)
            }
            return {**found, "somethingNew": {"a": [1]}} if self.more_fields else found
        if isinstance(kind, GraphQLEnumType):
            return "SOMETHING_NEW" if self.new_values else next(iter(kind.values))
        return self.scalar(kind.name, field.name.value)

    def fields(self, selection: Any) -> Iterator[FieldNode]:
        for item in selection.selections:
            if isinstance(item, FragmentSpreadNode):
                yield from self.fields(self.fragments[item.name.value].selection_set)
            else:
                yield item

    def scalar(self, kind: str, field: str) -> Any:
        moment = "2026-10-05T19:58:15.705Z"
        known = {"Int": 3, "Float": 1.5, "Boolean": True, "ID": "id-1", "DateTime": moment, "BigInt": "12"}
        if kind == "String":
            is_moment = field.endswith(("timestamp", "At", "Date"))
            return moment if is_moment else "text"
        if field == "preDeployCommand":  # typed as any JSON; reads back as a text or a list
            return ["./migrate"]
        return known.get(kind, {"NAME": "value"} if kind == "EnvironmentVariables" else {})


def answers(operation: Operation[Any], schema: GraphQLSchema, **how: bool) -> Any:
    writer = Answers(schema, operation.document.text)
    for name, value in how.items():
        setattr(writer, name, value)
    return writer.root()


@pytest.mark.parametrize("how", ["full", "bare", "new_values", "more_fields"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_answers_of_every_kind_are_read(name: str, how: str, schema: GraphQLSchema) -> None:
    operation = with_least(name)
    operation.parse(answers(operation, schema, **({} if how == "full" else {how: True})))


@pytest.mark.parametrize("name", OPERATIONS)
def test_reads_are_safe_to_repeat_and_deletions_wait_for_users(name: str) -> None:
    operation = with_least(name)
    assert operation.safe_to_repeat or operation.is_write
    if operation.name.endswith("Delete"):
        assert operation.lane is Lane.DELETION


@pytest.fixture(scope="module")
def models_that_refuse_unknown_fields() -> Iterator[None]:
    """Models that fail on fields which they do not read, until the end of this module: keep its tests last."""
    kinds = list(subclasses(RailwayModel))
    try:
        rebuild(kinds, "forbid")
        yield
    finally:
        rebuild(kinds, "ignore")


def subclasses(kind: type) -> Iterator[Any]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def rebuild(kinds: list[Any], extra: str) -> None:
    for kind in kinds:
        kind.model_config["extra"] = extra
    for kind in kinds:
        kind.model_rebuild(force=True)
    _build._reader.cache_clear()


@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_is_asked_for_that_is_not_read(
    name: str, schema: GraphQLSchema, models_that_refuse_unknown_fields: None
) -> None:
    operation = with_least(name)
    operation.parse(answers(operation, schema))


def test_the_test_above_would_notice(models_that_refuse_unknown_fields: None) -> None:
    with pytest.raises(ValidationError):
        OPERATIONS["projects.get"](project_id="p1").parse({"id": "p1", "somethingNew": 1})
