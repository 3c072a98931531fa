"""The template document: read without losing anything, judged, filled in, planned, compared."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, cast

from railway_saas.domain.prices import RAILWAY_PRICES
from railway_saas.errors import TemplateError, TemplateProblem
from railway_saas.templates.checks import check_document
from railway_saas.templates.costs import CostAssumptions
from railway_saas.templates.diff import diff_documents
from railway_saas.templates.filling import fill_document
from railway_saas.templates.inputs import TemplateInput, inputs_of, schema_of
from railway_saas.templates.json_reading import read_json, refuse
from railway_saas.templates.json_values import (
    JsonObject,
    JsonValue,
    as_object,
    content_hash,
    copy_json,
    describe,
    faults_of_values,
    plain,
)
from railway_saas.templates.paths import ROOT
from railway_saas.templates.plan import Plan, make_plan
from railway_saas.templates.reading_views import buckets_of, services_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.domain.prices import PriceTable
    from railway_saas.templates.changes import TemplateDiff
    from railway_saas.templates.views import TemplateBucket, TemplateService

__all__ = ["Template"]


class Template:
    """A Railway template: what its `serializedConfig` says, unchanged. Make one with `Template.parse`.

    Immutable; equal when the content is equal, whatever the order of keys; survives pickle and copy.
    """

    _document: JsonObject

    def __init__(self, document: Mapping[str, object]) -> None:
        """The same as `Template.parse` for a mapping."""
        problems = list(faults_of_values(document))
        if problems:
            raise refuse(problems)
        self.__dict__["_document"] = _object(plain(document))

    @classmethod
    def parse(cls, document: str | bytes | Mapping[str, object]) -> Template:
        """Read a template document.

        Any JSON object is accepted and kept as it is, unknown keys, nulls and order included: whether it is a
        good template says `check`.

        Args:
            document: JSON text, its bytes in UTF-8, or the object itself, e.g. Railway's `serializedConfig`.

        Raises:
            TemplateError: Not JSON, not an object, a key given twice, NaN, a number beyond a 64-bit float, or
                nested too deep; each problem says where.
        """
        if isinstance(document, str | bytes):
            return cls(_object(read_json(document)))
        return cls(document)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Template cannot be changed; {name} stays as it is")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Template cannot be changed; {name} stays as it is")

    def __eq__(self, other: object) -> bool:
        return self.content_hash == other.content_hash if isinstance(other, Template) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        names = ", ".join(service.name for service in self.services)
        return f"<Template {self.content_hash[:12]}: {names or 'no services'}>"

    def __reduce__(self) -> tuple[type[Template], tuple[JsonObject]]:
        return type(self), (self._document,)

    def serialize(self) -> JsonObject:
        """The document for Railway's `serializedConfig`: a fresh copy, key by key as it was read."""
        return cast("JsonObject", copy_json(self._document))

    def to_json(self, indent: int | None = 2) -> str:
        """The document as JSON text; in ASCII only where it holds characters that UTF-8 cannot."""
        text = json.dumps(self._document, indent=indent, ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError:
            return json.dumps(self._document, indent=indent)
        return text

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over the content, in hexadecimal; the order of keys and blanks do not count."""
        return content_hash(self._document)

    @cached_property
    def services(self) -> tuple[TemplateService, ...]:
        """The services that can be read, in the document's order."""
        return tuple(services_of(self._document))

    @cached_property
    def buckets(self) -> tuple[TemplateBucket, ...]:
        """The buckets that have a name."""
        return tuple(buckets_of(self._document))

    def check(self) -> tuple[TemplateProblem, ...]:
        """Every fault of the document with its JSON path; empty when Railway would take it.

        Faults are what Railway refuses or what cannot mean anything; what is merely unwise is a warning of
        `plan`.
        """
        return tuple(check_document(self._document))

    def ensure_valid(self) -> Template:
        """The template itself, if `check` finds nothing.

        Raises:
            TemplateError: `check` found faults; `problems` lists them.
        """
        problems = self.check()
        if problems:
            noun = "problem" if len(problems) == 1 else "problems"
            raise TemplateError(f"the template document has {len(problems)} {noun}", problems=problems)
        return self

    def inputs(self) -> tuple[TemplateInput, ...]:
        """What a customer must or may fill in, in the document's order."""
        return tuple(inputs_of(self.services))

    def json_schema(self) -> JsonObject:
        """A JSON Schema (2020-12) of the values for `fill`, to build forms from.

        Secrets are `writeOnly` passwords, and one written out as a default is withheld. A default that Railway
        evaluates is shown as it is, marked `x-generated` or `x-reference`.
        """
        return schema_of(self.inputs())

    def fill(self, values: Mapping[str, str] | None = None) -> Template:
        """Decide every variable's `value`, by the rules of Railway's CLI; nothing else changes.

        The value is the one given for `Service.NAME`, else the one given for `NAME`, else the one the document
        has, else a default that is not empty. `${{...}}` is copied as it is: Railway evaluates it. An empty text
        given is a value, but not enough for a required input. The part after the last dot is the variable, so
        service names may hold dots.

        Args:
            values: By `Service.NAME` or `NAME`. Only text is accepted, as `True` or `1.0` could be meant in
                several ways; at most 32 KiB each.

        Raises:
            TemplateError: Required inputs without a value, unknown keys, values that are not text, hold a NUL
                or are too long; all at once in `problems`.
        """
        return Template(fill_document(self._document, values or {}))

    def plan(
        self, *, assumptions: CostAssumptions | None = None, prices: PriceTable = RAILWAY_PRICES
    ) -> Plan:
        """What deploying will do: services, start order, domains, volumes, secrets, cost and warnings.

        Raises:
            TemplateError: More than two thousand services.
        """
        return make_plan(
            self.services,
            self.buckets,
            frozenset(as_object(self._document.get("sharedVariables"))),
            assumptions or CostAssumptions(),
            prices,
        )

    def diff(self, other: Template) -> TemplateDiff:
        """What changes from this revision to `other`, the newer one. Secrets in clear are not shown."""
        return diff_documents(self._document, other._document)


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        found = describe(value)
        raise refuse([TemplateProblem(ROOT, f"is {found}; a template document is a JSON object")])
    return value
