"""Models and enums say what Railway's schema says."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, GraphQLSchema

from railway_saas.railway import models
from railway_saas.railway.models.base import OpenStrEnum, RailwayModel

MODULES = [
    importlib.import_module(f"{models.__name__}.{module.name}")
    for module in pkgutil.iter_modules(models.__path__)
]


def defined(kind: type) -> dict[str, type]:
    """Every public class of that kind that the modules define themselves."""
    return {
        name: value
        for module in MODULES
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, kind)
        and value.__module__ == module.__name__
        and value not in {OpenStrEnum, RailwayModel}
        and not name.startswith("_")
    }


ONE_FOR_SEVERAL = {
    "SyncStatus": ("CustomDomainSyncStatus", "ServiceDomainSyncStatus", "TCPProxySyncStatus"),
}
"""Enums of ours in place of several of Railway's, which are alike but for their names."""

ENUMS = defined(OpenStrEnum)
MODELS = defined(RailwayModel)


def aliases(model: type) -> set[str]:
    assert issubclass(model, RailwayModel)
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize("name", ENUMS)
def test_enum_has_exactly_the_values_of_the_schema(name: str, schema: GraphQLSchema) -> None:
    for railways_name in ONE_FOR_SEVERAL.get(name, (name,)):
        railways = schema.type_map.get(railways_name)
        assert isinstance(railways, GraphQLEnumType), f"Railway has no enum {railways_name}"
        assert {str(member) for member in ENUMS[name]} == set(railways.values)


@pytest.mark.parametrize("name", MODELS)
def test_every_field_of_a_model_is_a_field_of_the_type_of_that_name(name: str, schema: GraphQLSchema) -> None:
    railways = schema.type_map.get(name)
    if not isinstance(railways, GraphQLObjectType):
        return  # a part or a mixture of Railway's types, under a name of our own
    assert aliases(MODELS[name]) <= set(railways.fields)


def test_no_two_models_share_a_name() -> None:
    names = [
        name
        for module in MODULES
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, (RailwayModel, OpenStrEnum))
        and value.__module__ == module.__name__
    ]
    assert len(names) == len(set(names))
