"""GraphQL documents are found by name and sent with just the fragments they use."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import FieldNode, FragmentDefinitionNode, OperationDefinitionNode, parse

from railway_saas._core import documents
from railway_saas.errors import ConfigurationError
from railway_saas.railway.operations._build import DOCUMENTS

SHIPPED = documents.names(DOCUMENTS)
FOLDER = Path(documents.__file__).parent.parent / "railway" / "documents"

PROJECT = """query ProjectGet($id: String!, $first: Int) {
  found: project(id: $id) { ...Whole services(first: $first) { edges { node { id } } } }
}"""


def test_an_operation_is_taken_apart() -> None:
    document = documents.read(PROJECT)
    assert (document.name, document.kind, document.root_field) == ("ProjectGet", "query", "project")
    assert document.declared == "$id: String!, $first: Int"
    assert document.selection.startswith("found: project(id: $id) {")
    assert document.selection.endswith("} }")
    assert document.text == PROJECT


def test_an_operation_without_variables_on_one_line_is_taken_apart() -> None:
    document = documents.read("mutation Logout { logout }")
    assert (document.kind, document.declared, document.selection) == ("mutation", "", "logout")


def test_fragments_are_sent_after_the_operation() -> None:
    document = documents.read("query Q { me { ...User } }", (("User", "fragment User on User { id }"),))
    assert document.text == "query Q { me { ...User } }\nfragment User on User { id }"


@pytest.mark.parametrize(
    "source", ["", "{ me { id } }", "query { me { id } }", "fragment F on X { id }", "query Q"]
)
def test_what_is_not_one_named_operation_is_refused(source: str) -> None:
    with pytest.raises(ConfigurationError, match="not a named GraphQL operation"):
        documents.read(source)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'NoSuchThing'"):
        documents.load(DOCUMENTS, "NoSuchThing")


def test_every_operation_and_fragment_of_the_files_is_found_once() -> None:
    in_files = [
        definition.name.value
        for file in sorted(FOLDER.glob("*.graphql"))
        for definition in parse(file.read_text(encoding="utf-8")).definitions
        if isinstance(definition, OperationDefinitionNode) and definition.name
    ]
    assert sorted(in_files) == sorted(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_document_is_one_operation_with_exactly_its_fragments(name: str) -> None:
    document = documents.load(DOCUMENTS, name)
    operation, *fragments = parse(document.text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    (root,) = operation.selection_set.selections
    assert isinstance(root, FieldNode)
    assert (document.kind, document.root_field) == (operation.operation.value, root.name.value)
    assert all(isinstance(fragment, FragmentDefinitionNode) for fragment in fragments)
    for fragment_name, text in document.fragments:
        used = document.text.count(f"...{fragment_name}")
        assert used, f"{fragment_name} is sent and not used"
        assert "$" not in text, f"{fragment_name} uses a variable, which a batch would rename"


def test_a_document_is_read_once() -> None:
    name = SHIPPED[0]
    assert documents.load(DOCUMENTS, name) is documents.load(DOCUMENTS, name)
