"""The emulator's schema is a true part of Railway's."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
    parse,
    validate,
)

from railway_saas.emulator.registry import registry, snake_case
from railway_saas.emulator.schema import executable_schema, sdl

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

ROOTS = ("Query", "Mutation", "Subscription")


@pytest.fixture(scope="module")
def script(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "emulator_schema", repository / "scripts/emulator_schema.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def real(reference_data: Path) -> GraphQLSchema:
    text = (reference_data / "railway/schema.graphql").read_text(encoding="utf-8")
    return build_schema(text, assume_valid=True)


@pytest.fixture(scope="module")
def ours() -> GraphQLSchema:
    return build_schema(sdl(), assume_valid=True)


def named_types(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    return [one for one in schema.type_map.values() if not one.name.startswith("__")]


def test_every_type_is_one_of_railways_and_of_the_same_kind(ours: GraphQLSchema, real: GraphQLSchema) -> None:
    for one in named_types(ours):
        assert type(real.type_map[one.name]) is type(one), one.name


def test_every_field_has_railways_type_arguments_and_deprecation(
    ours: GraphQLSchema, real: GraphQLSchema
) -> None:
    for one in named_types(ours):
        if not isinstance(one, GraphQLObjectType | GraphQLInterfaceType):
            continue
        for name, field in one.fields.items():
            theirs = real.type_map[one.name].fields[name]  # type: ignore[union-attr]
            place = f"{one.name}.{name}"
            assert str(field.type) == str(theirs.type), place
            if place != "Team.id":  # deprecated although Node.id is not: schema checkers refuse that
                assert field.deprecation_reason == theirs.deprecation_reason, place
            arguments = {key: (str(arg.type), arg.default_value) for key, arg in field.args.items()}
            assert arguments == {
                key: (str(arg.type), arg.default_value) for key, arg in theirs.args.items()
            }, place


def test_an_object_type_has_all_the_scalar_and_enum_fields_of_the_real_one(
    ours: GraphQLSchema, real: GraphQLSchema
) -> None:
    for one in named_types(ours):
        if one.name in ROOTS or not isinstance(one, GraphQLObjectType | GraphQLInterfaceType):
            continue
        theirs = real.type_map[one.name].fields  # type: ignore[union-attr]
        leaves = {name for name, field in theirs.items() if is_leaf_type(get_named_type(field.type))}
        assert leaves <= set(one.fields), one.name


def test_inputs_enums_unions_and_interfaces_are_complete(ours: GraphQLSchema, real: GraphQLSchema) -> None:
    for one in named_types(ours):
        theirs = real.type_map[one.name]
        if isinstance(one, GraphQLInputObjectType):
            fields = {name: (str(field.type), field.default_value) for name, field in one.fields.items()}
            assert fields == {n: (str(f.type), f.default_value) for n, f in theirs.fields.items()}, one.name  # type: ignore[union-attr]
        elif isinstance(one, GraphQLEnumType):
            assert set(one.values) == set(theirs.values), one.name  # type: ignore[union-attr]
        elif isinstance(one, GraphQLUnionType):
            assert [t.name for t in one.types] == [t.name for t in theirs.types]  # type: ignore[union-attr]
        elif isinstance(one, GraphQLObjectType | GraphQLInterfaceType):
            assert [t.name for t in one.interfaces] == [t.name for t in theirs.interfaces], one.name  # type: ignore[union-attr]


def test_every_document_of_the_reference_validates(
    ours: GraphQLSchema, reference_data: Path, script: ModuleType
) -> None:
    text = script.read_documents(reference_data / "railway/FACTS.md")
    assert validate(ours, parse(text)) == []


def test_the_file_is_what_the_script_writes(
    reference_data: Path, script: ModuleType, repository: Path
) -> None:
    documents = [reference_data / "railway/FACTS.md", repository / "src/railway_saas/railway/documents"]
    assert script.generate(reference_data / "railway/schema.graphql", documents) == sdl()


def test_every_root_field_has_a_resolver() -> None:
    schema = executable_schema()
    missing = [
        f"{root}.{name}"
        for root in ("Query", "Mutation")
        for name in schema.type_map[root].fields  # type: ignore[union-attr]
        if (root, name) not in registry.resolvers
    ]
    missing += [
        f"Subscription.{name}"
        for name in schema.type_map["Subscription"].fields  # type: ignore[union-attr]
        if name not in registry.subscriptions
    ]
    assert missing == []


def test_no_object_field_falls_to_a_missing_attribute() -> None:
    """A field has a resolver, or is an attribute of the class that its type declares."""
    missing = [
        f"{one.name}.{name}"
        for one in named_types(executable_schema())
        if isinstance(one, GraphQLObjectType) and one.name not in ROOTS and one.name not in registry.absent
        for name in one.fields
        if (one.name, name) not in registry.resolvers
        and not hasattr(registry.types.get(one.name), snake_case(name))
    ]
    assert missing == []


def test_no_resolver_is_signed_in_for_a_field_that_does_not_exist() -> None:
    schema = executable_schema()
    unknown = [
        f"{parent}.{name}"
        for parent, name in registry.resolvers
        if parent not in schema.type_map or name not in schema.type_map[parent].fields  # type: ignore[union-attr]
    ]
    assert unknown == []
