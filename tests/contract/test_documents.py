"""Every GraphQL document of the client is one that Railway accepts, and uses nothing that Railway gives up."""

from __future__ import annotations

import ast
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    validate,
    visit,
)

import railway_saas
from railway_saas._core import documents

PACKAGE = "railway_saas.railway.documents"
NAMES = documents.names(PACKAGE)
SOURCE = Path(railway_saas.__file__).parent


class Deprecations(Visitor):
    """Collects what a document uses although Railway calls it deprecated."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.found: list[str] = []

    def _note(self, what: str, definition: Any) -> None:
        if definition is not None and definition.deprecation_reason:
            self.found.append(f"{what}: {definition.deprecation_reason}")

    def enter_field(self, node: Any, *_: Any) -> None:
        self._note(f"{self.info.get_parent_type()}.{node.name.value}", self.info.get_field_def())

    def enter_argument(self, node: Any, *_: Any) -> None:
        self._note(f"argument {node.name.value}", self.info.get_argument())

    def enter_object_field(self, node: Any, *_: Any) -> None:
        kind = get_named_type(self.info.get_parent_input_type())
        self._note(f"{kind}.{node.name.value}", getattr(kind, "fields", {}).get(node.name.value))

    def enter_enum_value(self, node: Any, *_: Any) -> None:
        self._note(f"value {node.value}", self.info.get_enum_value())


def root_of(name: str) -> FieldNode:
    operation = next(
        node
        for node in parse(documents.load(PACKAGE, name).text).definitions
        if isinstance(node, OperationDefinitionNode)
    )
    (root,) = operation.selection_set.selections
    assert isinstance(root, FieldNode)
    return root


@pytest.mark.parametrize("name", NAMES)
def test_document_is_valid_against_railways_schema(name: str, schema: GraphQLSchema) -> None:
    problems = validate(schema, parse(documents.load(PACKAGE, name).text))
    assert not problems, "\n".join(problem.message for problem in problems)


@pytest.mark.parametrize("name", NAMES)
def test_document_uses_nothing_deprecated(name: str, schema: GraphQLSchema) -> None:
    info = TypeInfo(schema)
    deprecations = Deprecations(info)
    visit(parse(documents.load(PACKAGE, name).text), TypeInfoVisitor(info, deprecations))
    assert not deprecations.found


@pytest.mark.parametrize("name", NAMES)
def test_document_has_one_root_field_which_names_the_operation(name: str) -> None:
    document = documents.load(PACKAGE, name)
    assert document.name == name
    assert document.root_field == root_of(name).name.value


@pytest.mark.parametrize("name", NAMES)
def test_root_field_has_no_alias_so_that_operations_can_be_merged(name: str) -> None:
    assert root_of(name).alias is None


@pytest.mark.parametrize("name", NAMES)
def test_document_with_a_connection_at_its_root_can_be_paged_through(
    name: str, schema: GraphQLSchema
) -> None:
    document = documents.load(PACKAGE, name)
    owner = {
        "query": schema.query_type,
        "mutation": schema.mutation_type,
        "subscription": schema.subscription_type,
    }[document.kind]
    assert owner is not None
    kind = get_named_type(owner.fields[document.root_field].type)
    if "pageInfo" not in getattr(kind, "fields", {}):
        return
    selected = {
        node.name.value: node
        for node in root_of(name).selection_set.selections  # type: ignore[union-attr]
        if isinstance(node, FieldNode)
    }
    assert "pageInfo" in selected
    inner = {node.name.value for node in selected["pageInfo"].selection_set.selections}  # type: ignore[union-attr]
    assert {"hasNextPage", "endCursor"} <= inner
    assert "$first: Int" in document.declared
    assert "$after: String" in document.declared


def test_the_small_reader_finds_what_a_real_parser_finds() -> None:
    read_by_graphql = [
        definition.name.value
        for file in resources.files(PACKAGE).iterdir()
        if file.name.endswith(".graphql")
        for definition in parse(file.read_text(encoding="utf-8")).definitions
        if isinstance(definition, OperationDefinitionNode) and definition.name
    ]
    assert len(read_by_graphql) == len(set(read_by_graphql)), "a name is used twice"
    assert sorted(read_by_graphql) == sorted(NAMES)


def test_every_document_is_used() -> None:
    texts = {
        node.value
        for file in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(NAMES) <= texts, "documents that no operation loads"
