"""Runs GraphQL documents, and answers in Railway's form.

Parsed and validated documents are kept by their text: a client sends the same few over and over.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# graphql-core's own annotations leave type arguments out; mypy checks this module in full.

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
    parse,
    validate,
)
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event

from railway_saas.emulator import errors
from railway_saas.emulator.schema import Source, executable_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.ids import Ids
    from railway_saas.emulator.registry import Stop

logger = logging.getLogger("railway_saas.emulator")

KEPT_DOCUMENTS = 512
KEPT_CHARACTERS = 1024 * 1024
"""Of all kept documents together: parsed, a character can take hundreds of bytes."""
MAXIMUM_TOKENS = 60_000
MAXIMUM_DEPTH = 25

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document."""

    kind: OperationType
    name: str | None
    fields: tuple[str, ...]
    """Its root fields, e.g. `projectCreate`."""

    @property
    def names(self) -> tuple[str, ...]:
        """What faults and counters know it by."""
        return (*self.fields, self.name) if self.name else self.fields


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document, parsed and validated; `failure` says what is wrong with it."""

    document: DocumentNode | None
    operations: tuple[Operation, ...] = ()
    failure: JsonObject | None = None

    def select(self, name: str | None) -> Operation | None:
        """The operation to run, or None when the name fits none or several would do."""
        chosen = [one for one in self.operations if name is None or one.name == name]
        return chosen[0] if len(chosen) == 1 else None


@dataclass(frozen=True, slots=True)
class Call:
    """A document, and what goes with it in a request."""

    prepared: Prepared
    variables: dict[str, Any]
    operation_name: str | None = None

    @property
    def operation(self) -> Operation | None:
        """The operation that is meant, if the document holds it."""
        return self.prepared.select(self.operation_name)


@dataclass(frozen=True, slots=True)
class Answer:
    """An executed operation: HTTP status and JSON body."""

    status: int
    body: JsonObject


class Engine:
    """Prepares and runs documents."""

    def __init__(self, ids: Ids) -> None:
        self.schema = executable_schema()
        self._ids = ids
        self._documents: OrderedDict[str, Prepared] = OrderedDict()
        self._kept_characters = 0

    def prepare(self, text: str) -> Prepared:
        """Parse and validate a document, or take it from the cache."""
        prepared = self._documents.get(text)
        if prepared is None:
            prepared = self._read(text)
            self._keep(text, prepared)
        else:
            self._documents.move_to_end(text)
        return prepared

    def _keep(self, text: str, prepared: Prepared) -> None:
        """Keep a document, and forget those that were not asked for longest."""
        self._documents[text] = prepared
        self._kept_characters += len(text)
        while len(self._documents) > KEPT_DOCUMENTS or self._kept_characters > KEPT_CHARACTERS:
            forgotten, _ = self._documents.popitem(last=False)
            self._kept_characters -= len(forgotten)

    def call(self, payload: Mapping[str, Any]) -> Call:
        """A request's `query`, `variables` and `operationName`."""
        variables: dict[str, Any] = payload.get("variables") or {}
        return Call(self.prepare(str(payload.get("query", ""))), variables, payload.get("operationName"))

    def run(self, call: Call, context: Context) -> Answer:
        """Run a query or mutation."""
        failure = _failure_of(call)
        if failure is not None or call.prepared.document is None:
            return Answer(400, self._traced(failure or {}))
        result = execute_sync(
            self.schema,
            call.prepared.document,
            context_value=context,
            variable_values=call.variables,
            operation_name=call.operation_name,
        )
        return self._answer(result)

    def subscribe(self, call: Call, context: Context, send: Callable[[JsonObject], None]) -> Stop | None:
        """Start a subscription; `send` gets every payload. None: it was refused, and `send` got the reason."""
        failure = _failure_of(call)
        if failure is not None or call.prepared.document is None:
            send(self._traced(failure or {}))
            return None
        executor = Executor.build(
            self.schema,
            call.prepared.document,
            context_value=context,
            raw_variable_values=call.variables,
            operation_name=call.operation_name,
        )
        if isinstance(executor, list):
            send({"errors": [self._format(error) for error in executor]})
            return None
        try:
            source = _source(executor)
            return source.start(lambda value: send(self._event(executor, value)))
        except errors.Refusal as refusal:
            send({"errors": [{"message": refusal.message}]})
            return None

    def _event(self, executor: Executor[Any], value: object) -> JsonObject:
        result = execute_subscription_event(executor.build_per_event_executor(value))
        return self._answer(cast("ExecutionResult", result)).body

    def _read(self, text: str) -> Prepared:
        try:
            document = parse(text, max_tokens=MAXIMUM_TOKENS)
        except GraphQLSyntaxError as error:
            return Prepared(None, failure=_failure([error], errors.GRAPHQL_PARSE_FAILED))
        problems = validate(self.schema, document, max_errors=10)
        if problems:
            return Prepared(None, failure=_failure(problems, errors.GRAPHQL_VALIDATION_FAILED))
        if depth(document) > MAXIMUM_DEPTH:
            too_deep = GraphQLError(f"Query is nested more than {MAXIMUM_DEPTH} levels deep")
            return Prepared(None, failure=_failure([too_deep], errors.GRAPHQL_VALIDATION_FAILED))
        return Prepared(document, tuple(_operations(document)))

    def _answer(self, result: ExecutionResult) -> Answer:
        if not result.errors:
            return Answer(200, {"data": result.data})
        status = max(_status(error) for error in result.errors)
        formatted = [self._format(error) for error in result.errors]
        return Answer(status, {"errors": formatted, "data": result.data})

    def _format(self, error: GraphQLError) -> JsonObject:
        refusal = _as_refusal(error)
        formatted: JsonObject = {"message": refusal.message}
        if error.locations:
            formatted["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
        if error.path:
            formatted["path"] = error.path
        if refusal.code is not None:
            formatted["extensions"] = {"code": refusal.code}
        formatted["traceId"] = self._ids.trace_id()
        return formatted

    def _traced(self, failure: JsonObject) -> JsonObject:
        return {"errors": [{**error, "traceId": self._ids.trace_id()} for error in failure.get("errors", ())]}


def _source(executor: Executor[Any]) -> Source:
    """The source behind a subscription.

    Raises:
        Refusal: The resolver refused.
    """
    source = create_source_event_stream(executor)
    if isinstance(source, Source):
        return source
    refused = cast("ExecutionResult", source).errors or [GraphQLError(errors.PROBLEM_PROCESSING)]
    raise _as_refusal(refused[0])


def _failure_of(call: Call) -> JsonObject | None:
    """Why a call cannot even be tried."""
    if call.prepared.failure is not None or call.operation is not None:
        return call.prepared.failure
    return _unknown_operation(call.operation_name)


def depth(document: DocumentNode) -> int:
    """How deep the fields of a document are nested, fragments included."""
    fragments = {
        node.name.value: node.selection_set
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    known: dict[str, int] = {}
    return max((_depth(node.selection_set, fragments, known) for node in operations), default=0)


def _depth(
    selections: SelectionSetNode | None, fragments: Mapping[str, SelectionSetNode], known: dict[str, int]
) -> int:
    """How deep fields are nested; `known` keeps the depth of each fragment, so that it is measured once."""
    deepest = 0
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            below = 1 + _depth(node.selection_set, fragments, known)
        elif isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name not in known:
                known[name] = 0  # a fragment that spreads itself adds nothing
                known[name] = _depth(fragments.get(name), fragments, known)
            below = known[name]
        elif isinstance(node, InlineFragmentNode):
            below = _depth(node.selection_set, fragments, known)
        else:
            below = 0
        deepest = max(deepest, below)
    return deepest


def _operations(document: DocumentNode) -> Iterator[Operation]:
    fragments = {
        node.name.value: node.selection_set
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            name = node.name.value if node.name else None
            fields = tuple(dict.fromkeys(_root_fields(node.selection_set, fragments, set())))
            yield Operation(node.operation, name, fields)


def _root_fields(
    selections: SelectionSetNode, fragments: Mapping[str, SelectionSetNode], seen: set[str]
) -> Iterator[str]:
    """Each fragment is gone through once: fragments that spread others twice would double with every level."""
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            yield from _root_fields(fragments[node.name.value], fragments, seen)
        elif isinstance(node, InlineFragmentNode):
            yield from _root_fields(node.selection_set, fragments, seen)


def _as_refusal(error: GraphQLError) -> errors.Refusal:
    original = error.original_error
    if isinstance(original, errors.Refusal):
        return original
    if original is None or isinstance(original, GraphQLError):
        return errors.Refusal(as_railway_quotes(error.message), code=errors.BAD_USER_INPUT, status=400)
    logger.error("the emulator failed at %s", error.path, exc_info=original)
    return errors.problem_processing()


def _status(error: GraphQLError) -> int:
    original = error.original_error
    if isinstance(original, errors.Refusal):
        return original.status
    return 400 if original is None or isinstance(original, GraphQLError) else 200


def _failure(problems: Iterable[GraphQLError], code: str) -> JsonObject:
    return {"errors": [_problem(problem, code) for problem in problems]}


def _problem(problem: GraphQLError, code: str) -> JsonObject:
    formatted: JsonObject = {"message": as_railway_quotes(problem.message)}
    if problem.locations:
        formatted["locations"] = [{"line": at.line, "column": at.column} for at in problem.locations]
    return formatted | {"extensions": {"code": code}}


def _unknown_operation(name: str | None) -> JsonObject:
    message = (
        f'Unknown operation named "{name}".'
        if name
        else "Must provide operation name if query contains multiple operations."
    )
    return {"errors": [{"message": message, "extensions": {"code": "OPERATION_RESOLUTION_FAILURE"}}]}


def as_railway_quotes(message: str) -> str:
    """Railway's server (GraphQL.js) quotes names with `"` where graphql-core uses `'`."""
    return re.sub(r"(?<!\w)'([^']*)'(?!\w)", r'"\1"', message)
