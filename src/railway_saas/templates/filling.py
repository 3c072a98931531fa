"""Filling in a template's inputs by the rules of Railway's CLI."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, cast

from railway_saas._core.quoting import cut, quoted
from railway_saas.errors import TemplateError, TemplateProblem
from railway_saas.templates.inputs import MAX_VALUE_BYTES
from railway_saas.templates.json_values import JsonObject, as_object, as_text, copy_json, describe
from railway_saas.templates.paths import child, entry
from railway_saas.templates.reading_views import services_of
from railway_saas.templates.sizes import fault_of_functions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from railway_saas.templates.views import TemplateService, TemplateVariable

__all__ = ["fill_document"]

_MOST_SHOWN = 10


def fill_document(document: JsonObject, values: Mapping[str, str]) -> JsonObject:
    """A copy of the document with each variable's `value` decided; see `Template.fill`."""
    services = tuple(services_of(document))
    problems = [*_faults_of_values(values), *_unknown(values, services), *_missing(values, services)]
    if problems:
        noun = "problem" if len(problems) == 1 else "problems"
        raise TemplateError(f"the template cannot be filled in: {len(problems)} {noun}", problems=problems)
    filled = cast("JsonObject", copy_json(document))
    for service in services:
        variables = as_object(as_object(as_object(filled["services"])[service.key]).get("variables"))
        for variable in service.variables:
            decided = _decide(values, service, variable)
            if decided is not None:
                as_object(variables[variable.name])["value"] = decided
    return filled


def _decide(values: Mapping[str, str], service: TemplateService, variable: TemplateVariable) -> str | None:
    """The caller's value, else the one the document has, else the default; None leaves the variable alone.

    Source: Railway CLI, template deploy: `Service.NAME` goes before `NAME`. Its documents hold no values yet;
    keeping one that is there makes it safe to fill in twice.
    """
    given = values.get(f"{service.name}.{variable.name}", values.get(variable.name))
    return given if given is not None else variable.value or variable.default


def _faults_of_values(values: Mapping[str, str]) -> Iterator[TemplateProblem]:
    for key, value in cast("Mapping[object, object]", values).items():
        path = _place(key)
        if not isinstance(key, str):
            yield TemplateProblem(path, f"the key is {describe(key)}; must be 'Service.NAME' or 'NAME'")
        elif not isinstance(value, str):
            yield TemplateProblem(path, f"is {describe(value)}; must be text, so write it as a str")
        elif "\0" in value:
            yield TemplateProblem(path, "holds a NUL character, which no environment variable can")
        elif not is_whole(value):
            yield TemplateProblem(path, "holds half of a character, which cannot be sent")
        elif (size := len(value.encode())) > MAX_VALUE_BYTES:
            yield TemplateProblem(path, f"is {size} bytes long; at most {MAX_VALUE_BYTES} are accepted")
        elif (fault := fault_of_functions(value)) is not None:
            # Railway evaluates functions in whatever a variable's value is, so that callers may use them, too.
            yield TemplateProblem(path, fault)


def _place(key: object) -> str:
    return entry("values", cut(key) if isinstance(key, str) else quoted(key))


def is_whole(text: str) -> bool:
    """Whether it can be written as UTF-8: programs that cut texts anywhere leave halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unknown(values: Mapping[str, str], services: Iterable[TemplateService]) -> Iterator[TemplateProblem]:
    known = {key for service in services for key in _keys(service)}
    for key in values:
        if key not in known and isinstance(cast("object", key), str):
            yield TemplateProblem(_place(key), f"no such input; {_suggest(key, known)}")


def _keys(service: TemplateService) -> Iterator[str]:
    for variable in service.variables:
        yield f"{service.name}.{variable.name}"
        yield variable.name


def _suggest(key: str, known: set[str]) -> str:
    by_folded = {name.casefold(): name for name in sorted(known)}
    close = get_close_matches(key.casefold(), by_folded, n=1)
    if close:
        return f"did you mean {by_folded[close[0]]!r}?"
    qualified = sorted(name for name in known if "." in name)
    more = ", ..." if len(qualified) > _MOST_SHOWN else ""
    return f"known are {', '.join(qualified[:_MOST_SHOWN])}{more}" if known else "the template has none"


def _missing(values: Mapping[str, str], services: Iterable[TemplateService]) -> Iterator[TemplateProblem]:
    for service in services:
        for variable in service.variables:
            if variable.is_required and not _decide(values, service, variable):
                yield TemplateProblem(
                    child(child(service.path, "variables"), variable.name),
                    f"required: give a value for '{service.name}.{variable.name}'{_about(variable)}",
                )


def _about(variable: TemplateVariable) -> str:
    return f" ({text})" if (text := as_text(variable.description)) else ""
