"""The executable schema: the SDL file with resolvers and scalars bound to it."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache, partial
from importlib.resources import files
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
)

from railway_saas.emulator import errors, resolvers
from railway_saas.emulator.connections import Connection, Edge
from railway_saas.emulator.faults import FIELD_FAULTS, Fault, FaultKind
from railway_saas.emulator.registry import Publish, Resolver, Stop, argument_name, registry, snake_case
from railway_saas.emulator.scalars import bind_scalars

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

    from railway_saas.emulator.context import Context

ROOTS = ("Query", "Mutation")


class Source:
    """A started-to-be subscription: its arguments are read, its source is not yet running.

    It passes for an async iterable because graphql-core asks for one; the emulator drives it by hand instead, so
    that every value is executed at its own moment of the emulated clock.
    """

    def __init__(self, starter: Resolver, arguments: dict[str, Any]) -> None:
        self._starter = starter
        self._arguments = arguments

    def start(self, publish: Publish) -> Stop:
        """Start it; every value goes to `publish` until the answer is called."""
        stop: Stop = self._starter(publish, **self._arguments)
        return stop

    def __aiter__(self) -> Any:  # pragma: no cover - only its presence is asked for
        """Never iterated."""
        return self


@cache
def sdl() -> str:
    """The text of the schema."""
    return files("railway_saas.emulator").joinpath("schema.graphql").read_text(encoding="utf-8")


@cache
def executable_schema() -> GraphQLSchema:
    """The schema with everything bound; built once per process."""
    load_resolvers()
    schema = build_schema(sdl(), assume_valid=True)
    bind_scalars(schema)
    for named in schema.type_map.values():
        if named.name.startswith("__"):
            continue
        if isinstance(named, GraphQLObjectType):
            _note_connection(named)
            _bind_object(named)
        elif isinstance(named, GraphQLInputObjectType):
            for name, input_field in named.fields.items():
                input_field.out_name = snake_case(name)
        elif isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            named.resolve_type = _type_name
    return schema


def load_resolvers() -> None:
    """Import every module of `resolvers`: importing is how they sign in."""
    for module in pkgutil.iter_modules(resolvers.__path__):
        importlib.import_module(f"{resolvers.__name__}.{module.name}")


def _note_connection(named: GraphQLObjectType) -> None:
    """All connections and their edges are of the same two classes."""
    if named.name.endswith("ConnectionEdge"):
        registry.types[named.name] = Edge
    elif named.name.endswith("Connection"):
        registry.types[named.name] = Connection


def _bind_object(named: GraphQLObjectType) -> None:
    for name, definition in named.fields.items():
        for argument, argument_definition in definition.args.items():
            argument_definition.out_name = argument_name(argument)
        if named.name == "Subscription":
            _bind_subscription(definition, name)
        elif named.name in ROOTS:
            _bind_root(definition, named.name, name)
        else:
            definition.resolve = _field_resolver(named.name, name)


def _bind_root(definition: GraphQLField, parent: str, name: str) -> None:
    resolver = registry.resolvers.get((parent, name))

    def resolve(_root: object, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        context = cast("Context", info.context)
        if len(context.faults):
            _strike(context, name)
        if resolver is None:
            raise errors.Refusal(f"The emulator does not answer {parent}.{name}")
        return resolver(context, **arguments)

    definition.resolve = resolve


def _bind_subscription(definition: GraphQLField, name: str) -> None:
    starter = registry.subscriptions.get(name)

    def subscribe(_root: object, info: GraphQLResolveInfo[Any], **arguments: Any) -> Source:
        context = cast("Context", info.context)
        if len(context.faults):
            _strike(context, name)
        if starter is None:
            raise errors.Refusal(f"The emulator does not answer Subscription.{name}")
        return Source(partial(starter, context), arguments)

    definition.subscribe = subscribe
    definition.resolve = _payload


def _field_resolver(parent: str, name: str) -> Resolver:
    resolver = registry.resolvers.get((parent, name))
    if resolver is None:
        get = attrgetter(snake_case(name))

        def resolve_attribute(source: object, _info: GraphQLResolveInfo[Any], **_arguments: object) -> Any:
            return get(source)

        return resolve_attribute

    def resolve(source: object, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        return resolver(source, info.context, **arguments)

    return resolve


def _payload(payload: object, _info: GraphQLResolveInfo[Any], **_arguments: object) -> object:
    """What a subscription's source published is the value of its one root field."""
    return payload


def _strike(context: Context, name: str) -> None:
    names = (name, context.operation_name) if context.operation_name else (name,)
    fault = context.faults.take(FIELD_FAULTS, names)
    if fault is not None:
        raise _as_refusal(fault, name)


def _as_refusal(fault: Fault, name: str) -> errors.Refusal:
    if fault.kind is FaultKind.NOT_AUTHORIZED:
        return errors.not_authorized()
    if fault.kind is FaultKind.TOO_QUICKLY:
        return errors.too_quickly(name.removesuffix("Create"), count=1, window_s=30)
    if fault.kind is FaultKind.PROBLEM_PROCESSING:
        return errors.problem_processing()
    return errors.Refusal(fault.message, code=fault.code or errors.INTERNAL_SERVER_ERROR)


def _type_name(value: object, _info: object, _abstract: object) -> str | None:
    return next((name for name, cls in registry.types.items() if cls is type(value)), None)
