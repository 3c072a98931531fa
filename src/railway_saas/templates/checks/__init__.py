"""Finding every fault of a template document, each with its path.

A fault is what Railway refuses, or what cannot mean what its author meant. Unknown keys are faults only
directly in a service, where Railway refuses them; elsewhere they are kept and left alone.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from railway_saas.errors import TemplateProblem
from railway_saas.templates.checks.rules import check_fields, check_object, flag, text
from railway_saas.templates.checks.services import check_service
from railway_saas.templates.checks.variables import check_variables
from railway_saas.templates.json_values import as_object, as_text, describe
from railway_saas.templates.paths import ROOT, child, entry
from railway_saas.templates.plan import MAX_SERVICES
from railway_saas.templates.reading_views import buckets_of, services_of
from railway_saas.templates.rendering import SHARED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from railway_saas.templates.checks.rules import Problems
    from railway_saas.templates.json_values import JsonObject

__all__ = ["check_document"]


def check_document(document: JsonObject) -> Problems:
    """Yield every fault of a template document, in the document's order as far as that makes sense."""
    yield from _check_services(document)
    yield from check_object(document.get("buckets"), child(ROOT, "buckets"), _check_buckets)
    yield from check_object(document.get("sharedVariables"), child(ROOT, "sharedVariables"), check_variables)
    yield from _check_repeated(document)


def _check_services(document: JsonObject) -> Problems:
    path, services = child(ROOT, "services"), document.get("services")
    if services is None:
        yield TemplateProblem(path, "is missing; a template needs at least one service")
    elif not isinstance(services, dict):
        yield TemplateProblem(path, f"is {describe(services)}; must be an object with the services by key")
    elif not services:
        yield TemplateProblem(path, "is empty; a template needs at least one service")
    else:
        if len(services) > MAX_SERVICES:
            yield TemplateProblem(path, f"has {len(services)} entries; at most {MAX_SERVICES} can be planned")
        for key, service in services.items():
            yield from check_service(key, service)


def _check_buckets(buckets: JsonObject, path: str) -> Problems:
    for key, value in buckets.items():
        yield from check_object(value, entry(path, key), _check_bucket)


def _check_bucket(bucket: JsonObject, path: str) -> Problems:
    at, name = child(path, "name"), bucket.get("name")
    if name is None or name == "":
        yield TemplateProblem(at, "is missing; references name a bucket by it")
    else:
        yield from text(name, at)
    if name == SHARED:
        yield TemplateProblem(at, "is reserved: ${{shared.NAME}} means the environment's shared variables")
    yield from check_fields(bucket, path, {"region": text, "isCreated": flag, "isDeleted": flag})


def _check_repeated(document: JsonObject) -> Problems:
    yield from _repeated(_names(document), lambda name: f"the name {name!r} is used more than once")
    yield from _repeated(_volumes(document), lambda key: f"the volume {key!r} is mounted by two services")
    yield from _repeated(_endpoints(document), lambda name: f"the private name {name!r} is used twice")


def _repeated(found: Iterator[tuple[str, str]], message: Callable[[str], str]) -> Problems:
    paths: dict[str, list[str]] = defaultdict(list)
    for name, path in found:
        paths[name].append(path)
    for name, where in paths.items():
        for path in where[1:]:
            yield TemplateProblem(path, f"{message(name)}; first at {where[0]}")


def _names(document: JsonObject) -> Iterator[tuple[str, str]]:
    """Services and buckets share one space of names, as references do not tell them apart."""
    for service in services_of(document):
        if as_text(service.raw.get("name")) is not None:
            yield service.name, child(service.path, "name")
    for bucket in buckets_of(document):
        yield bucket.name, child(entry(child(ROOT, "buckets"), bucket.key), "name")


def _volumes(document: JsonObject) -> Iterator[tuple[str, str]]:
    for service in services_of(document):
        for volume in service.volumes:
            yield volume.key, entry(child(service.path, "volumeMounts"), volume.key)


def _endpoints(document: JsonObject) -> Iterator[tuple[str, str]]:
    for service in services_of(document):
        networking = as_object(service.raw.get("networking"))
        if (name := as_text(networking.get("privateNetworkEndpoint"))) is not None:
            yield name, child(child(service.path, "networking"), "privateNetworkEndpoint")
