"""Write the emulator's GraphQL schema: the part of Railway's real one that the emulator answers.

    python scripts/emulator_schema.py --schema railway/schema.graphql --documents railway/FACTS.md ...

What goes in:

* every root field that a document uses (`.graphql` files, or the ```graphql blocks of a `.md` file), and those
  listed in `EXTRA_ROOT_FIELDS`;
* every type these reach through the selections used. Such an object type keeps all its scalar and enum
  fields, so that clients which ask for more than ours still work; of its object fields those that a document
  uses, that `EXTRA_OBJECT_FIELDS` lists, and that a connection needs;
* input types, enums, unions, interfaces, arguments, nullability and deprecations exactly as they are (with one
  exception: see `_kept`).
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from graphql import (
    DocumentNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_specified_scalar_type,
    parse,
    print_type,
    validate,
    visit,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql.language import FieldNode

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "src/railway_saas/emulator/schema.graphql"

HEADER = """\
# Made by scripts/emulator_schema.py; not edited by hand.
# Names, types, arguments and nullability are those of Railway's public GraphQL API, taken from
# src/gql/schema.json of github.com/railwayapp/cli, commit df3838bf, MIT License: see NOTICE.
"""

Field = tuple[str, str]

EXTRA_ROOT_FIELDS: tuple[Field, ...] = (
    ("Query", "apiTokens"),
    ("Query", "projectTokens"),
    ("Query", "environmentPatch"),
    ("Query", "deploymentInstanceExecutions"),
    ("Query", "notificationDeliveries"),
    ("Query", "bucketInstanceDetails"),
    ("Query", "privateNetworkEndpointNameAvailable"),
    ("Query", "templatesCount"),
    ("Mutation", "apiTokenDelete"),
    ("Mutation", "bucketUpdate"),
    ("Mutation", "bucketCredentialsReset"),
    ("Mutation", "deploymentInstanceExecutionCreate"),
    ("Mutation", "privateNetworkCreateOrGet"),
    ("Mutation", "privateNetworkEndpointCreateOrGet"),
    ("Mutation", "privateNetworkEndpointDelete"),
    ("Mutation", "projectMemberAdd"),
    ("Mutation", "projectMemberUpdate"),
    ("Mutation", "projectMemberRemove"),
    ("Mutation", "tcpProxyCreate"),
    ("Mutation", "workspaceUpdate"),
    ("Subscription", "deploymentInstanceExecutions"),
)
"""Fields other clients of the same API use, and the neighbours of those our own client uses."""

EXTRA_OBJECT_FIELDS: tuple[Field, ...] = (
    ("Bucket", "project"),
    ("CustomDomain", "cnameCheck"),
    ("Customer", "workspace"),
    ("Deployment", "environment"),
    ("Deployment", "service"),
    ("Environment", "deploymentTriggers"),
    ("Environment", "deployments"),
    ("Environment", "meta"),
    ("Environment", "sourceEnvironment"),
    ("EnvironmentPatch", "appliedBy"),
    ("EnvironmentPatch", "environment"),
    ("NotificationDelivery", "notificationInstance"),
    ("Project", "baseEnvironment"),
    ("Project", "deployments"),
    ("Project", "members"),
    ("Project", "team"),
    ("Project", "workspace"),
    ("ProjectToken", "environment"),
    ("ProjectToken", "project"),
    ("Service", "deployments"),
    ("Service", "project"),
    ("Service", "serviceInstances"),
    ("ServiceInstance", "service"),
    ("Template", "creator"),
    ("Template", "guides"),
    ("Template", "similarTemplates"),
    ("User", "profile"),
    ("User", "projects"),
    ("User", "workspace"),
    ("Variable", "environment"),
    ("Variable", "service"),
    ("Volume", "project"),
    ("Volume", "volumeInstances"),
    ("VolumeInstance", "environment"),
    ("VolumeInstance", "service"),
    ("Workspace", "adoptionHistory"),
    ("Workspace", "apiTokenRateLimit"),
    ("Workspace", "partnerProfile"),
    ("Workspace", "projects"),
    ("Workspace", "referredUsers"),
    ("Workspace", "team"),
)
"""Object fields that the emulator answers although no document of ours asks for them."""

CONNECTION_FIELDS = ("edges", "node", "pageInfo")


def read_documents(path: Path) -> str:
    """The GraphQL text of a `.graphql` file, of all of them in a folder, or of a Markdown file's fenced blocks."""
    if path.is_dir():
        return "\n".join(child.read_text(encoding="utf-8") for child in sorted(path.rglob("*.graphql")))
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return "\n".join(re.findall(r"```graphql\n(.*?)```", text, re.DOTALL))
    return text


class _UsedFields(Visitor):
    """Collects the `(type, field)` pairs that a document selects."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.found: set[Field] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        """Note one selected field."""
        parent = self.types.get_parent_type()
        if parent is not None and not node.name.value.startswith("__"):
            self.found.add((parent.name, node.name.value))


def used_fields(schema: GraphQLSchema, document: DocumentNode) -> set[Field]:
    """Every `(type, field)` that the document selects."""
    types = TypeInfo(schema)
    visitor = _UsedFields(types)
    visit(document, TypeInfoVisitor(types, visitor))
    return visitor.found


class Closure:
    """Grows from used fields to a complete subset of the schema."""

    def __init__(self, schema: GraphQLSchema, wanted: set[Field]) -> None:
        self.schema = schema
        self.wanted = wanted
        self.fields: dict[str, set[str]] = {}
        self.types: set[str] = set()

    def add_roots(self) -> None:
        """Add the wanted root fields, and everything below them."""
        for root in ("Query", "Mutation", "Subscription"):
            self.types.add(root)
            self.fields[root] = {name for parent, name in self.wanted if parent == root}
            for name in sorted(self.fields[root]):
                self._add_field(root, name)

    def _add_field(self, parent: str, name: str) -> None:
        definition = _composite(self.schema, parent).fields[name]
        for argument in definition.args.values():
            self._add_type(get_named_type(argument.type))
        self._add_type(get_named_type(definition.type))

    def _add_type(self, named: GraphQLNamedType) -> None:
        if named.name in self.types or is_specified_scalar_type(named):
            return
        self.types.add(named.name)
        if isinstance(named, GraphQLInputObjectType):
            for field in named.fields.values():
                self._add_type(get_named_type(field.type))
        elif isinstance(named, GraphQLUnionType):
            for member in named.types:
                self._add_type(member)
        elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            self._add_composite(named)

    def _add_composite(self, named: GraphQLObjectType | GraphQLInterfaceType) -> None:
        for interface in named.interfaces:
            self._add_type(interface)
        names = {name for name in named.fields if self._keeps(named, name)} or set(named.fields)
        self.fields[named.name] = names
        for name in sorted(names):
            self._add_field(named.name, name)

    def _keeps(self, parent: GraphQLObjectType | GraphQLInterfaceType, name: str) -> bool:
        if is_leaf_type(get_named_type(parent.fields[name].type)) or (parent.name, name) in self.wanted:
            return True
        if any(name in interface.fields for interface in parent.interfaces):
            return True
        return name in CONNECTION_FIELDS and parent.name.endswith(("Connection", "Edge"))


def _composite(schema: GraphQLSchema, name: str) -> GraphQLObjectType | GraphQLInterfaceType:
    named = schema.type_map[name]
    if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        raise TypeError(f"{name} has no fields")
    return named


def fields_of(schema: GraphQLSchema, path: Path) -> set[Field]:
    """Every `(type, field)` that the documents at a path select.

    Raises:
        SystemExit: They do not fit the schema.
    """
    document = parse(read_documents(path))
    problems = validate(schema, document)
    if problems:
        raise SystemExit(f"{path} does not fit the schema:\n" + "\n".join(str(one) for one in problems))
    return used_fields(schema, document)


def subset(schema: GraphQLSchema, documents: Iterable[Path]) -> str:
    """The SDL of the part of `schema` that the documents reach."""
    wanted = set(EXTRA_ROOT_FIELDS) | set(EXTRA_OBJECT_FIELDS)
    for path in documents:
        wanted |= fields_of(schema, path)
    closure = Closure(schema, wanted)
    closure.add_roots()
    return render(schema, closure)


def render(schema: GraphQLSchema, closure: Closure) -> str:
    """The subset as text, types by name, without descriptions."""
    blocks = [_block(schema.type_map[name], closure.fields.get(name)) for name in sorted(closure.types)]
    return HEADER + "\n" + "\n\n".join(blocks) + "\n"


def _block(named: GraphQLNamedType, keep: set[str] | None) -> str:
    if isinstance(named, GraphQLObjectType | GraphQLInterfaceType) and keep is not None:
        kwargs = named.to_kwargs()
        kwargs["fields"] = {name: _kept(named, name) for name in named.fields if name in keep}
        named = type(named)(**kwargs)
    return strip_descriptions(print_type(named))


def _kept(named: GraphQLObjectType | GraphQLInterfaceType, name: str) -> GraphQLField:
    """A field as it is, but never deprecated where its interface's is not.

    The real schema has one such field, `Team.id`; clients that check what they introspect refuse the whole schema.
    """
    field: GraphQLField = named.fields[name]
    if not any(name in one.fields and not one.fields[name].deprecation_reason for one in named.interfaces):
        return field
    kwargs = field.to_kwargs()
    kwargs["deprecation_reason"] = None
    return GraphQLField(**kwargs)


def strip_descriptions(sdl: str) -> str:
    """Remove descriptions, and the blank lines they leave behind."""
    bare = re.sub(r'"""(?:[^"\\]|\\.|"(?!""))*"""', "", sdl)
    return re.sub(r"\n\s*\n+", "\n", bare).strip()


def unused(schema: GraphQLSchema) -> list[str]:
    """Entries of the two lists above that name nothing in the real schema."""
    return [
        f"{parent}.{name}"
        for parent, name in (*EXTRA_ROOT_FIELDS, *EXTRA_OBJECT_FIELDS)
        if parent not in schema.type_map or name not in getattr(schema.type_map[parent], "fields", {})
    ]


def generate(schema_path: Path, documents: Iterable[Path]) -> str:
    """The text of the emulator's schema file."""
    schema = build_schema(schema_path.read_text(encoding="utf-8"), assume_valid=True)
    missing = unused(schema)
    if missing:
        raise SystemExit(f"not in the real schema: {', '.join(missing)}")
    return subset(schema, documents)


def main() -> None:
    """Write the file, or with `--check` only say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schema", type=Path, required=True, help="Railway's whole schema as SDL")
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help=".graphql, .md or folders")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 when the file is not what would be written"
    )
    options = parser.parse_args()
    text = generate(options.schema, options.documents)
    if options.check:
        sys.exit(0 if OUTPUT.read_text(encoding="utf-8") == text else f"{OUTPUT} is out of date")
    OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
