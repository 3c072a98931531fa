"""What deploying a template will do: services in their order, what is public, cost, and what to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from railway_saas.errors import TemplateError
from railway_saas.templates.costs import CostAssumptions, CostEstimate, estimate_cost
from railway_saas.templates.graph import levels, strongly_connected
from railway_saas.templates.inputs import TemplateInput, inputs_of
from railway_saas.templates.jsonable import to_json_value
from railway_saas.templates.syntax import references
from railway_saas.templates.warnings import PlanWarning, warnings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from railway_saas.domain.prices import PriceTable
    from railway_saas.templates.json_values import JsonObject
    from railway_saas.templates.views import (
        TemplateBucket,
        TemplateDomain,
        TemplateService,
        TemplateSource,
        TemplateVolume,
    )

__all__ = [
    "MAX_SERVICES",
    "GeneratedSecret",
    "Plan",
    "PlannedDomain",
    "PlannedService",
    "PlannedVolume",
    "make_plan",
]

MAX_SERVICES = 2_000
"""Largest template that is planned. Our limit: each service lists all it waits for, so a chain grows with its square."""


@dataclass(frozen=True, slots=True)
class PlannedService:
    """One service as it will be deployed."""

    name: str
    key: str
    """Its key in the document; Railway's `templateServiceId`."""
    source: TemplateSource
    public: bool
    """Whether the Internet can reach it, by domain or TCP proxy."""
    domains: tuple[TemplateDomain, ...]
    tcp_ports: tuple[int, ...]
    volumes: tuple[TemplateVolume, ...]
    references: tuple[str, ...]
    """Variables of other owners that it reads, as `Owner.NAME`, sorted."""
    needs: tuple[str, ...]
    """Names of the services it waits for, directly or not, sorted; none from its own cycle."""
    cron: str | None
    healthcheck: str | None
    replicas: int


@dataclass(frozen=True, slots=True)
class PlannedDomain:
    """A domain that will exist."""

    service: str
    host: str | None
    """None where Railway generates one."""
    target_port: int | None
    custom: bool


@dataclass(frozen=True, slots=True)
class PlannedVolume:
    """A volume that will exist."""

    service: str
    key: str
    mount_path: str | None
    size_mb: int | None
    """None takes the default of Railway's plan; a size is cut to what the plan allows."""
    backup_schedules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GeneratedSecret:
    """A variable whose secret Railway makes at deploy."""

    service: str
    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What deploying a template will do."""

    services: tuple[PlannedService, ...]
    start_order: tuple[tuple[str, ...], ...]
    """Service names by level: those of a level start together, once the level before is up."""
    domains: tuple[PlannedDomain, ...]
    volumes: tuple[PlannedVolume, ...]
    buckets: tuple[str, ...]
    generated_secrets: tuple[GeneratedSecret, ...]
    required_inputs: tuple[TemplateInput, ...]
    """Inputs that still need a value."""
    estimated_monthly_cost: CostEstimate
    warnings: tuple[PlanWarning, ...]

    @property
    def public_services(self) -> tuple[str, ...]:
        """Names of the services that the Internet can reach."""
        return tuple(service.name for service in self.services if service.public)

    def to_dict(self) -> JsonObject:
        """The plan as JSON; amounts are decimal texts in dollars, not rounded."""
        return cast("JsonObject", to_json_value(self))


def make_plan(
    services: Sequence[TemplateService],
    buckets: Sequence[TemplateBucket],
    shared: frozenset[str],
    assumptions: CostAssumptions,
    prices: PriceTable,
) -> Plan:
    """Plan the deployment of services and buckets; `shared` names the document's shared variables.

    Raises:
        TemplateError: More than `MAX_SERVICES` services.
    """
    if len(services) > MAX_SERVICES:
        raise TemplateError(
            f"the template has {len(services)} services; at most {MAX_SERVICES} can be planned"
        )
    graph = _ServiceGraph(services)
    return Plan(
        services=tuple(_planned(service, graph) for service in services),
        start_order=graph.start_order(),
        domains=tuple(domain for service in services for domain in _domains(service)),
        volumes=tuple(
            PlannedVolume(service.name, item.key, item.mount_path, item.size_mb, item.backup_schedules)
            for service in services
            for item in service.volumes
        ),
        buckets=tuple(bucket.name for bucket in buckets),
        generated_secrets=tuple(
            GeneratedSecret(service.name, variable.name)
            for service in services
            for variable in service.variables
            if variable.is_generated_secret
        ),
        required_inputs=tuple(item for item in inputs_of(services) if item.required),
        estimated_monthly_cost=estimate_cost(services, buckets, assumptions, prices),
        warnings=tuple(warnings_of(services, buckets, shared, graph.cycles())),
    )


class _ServiceGraph:
    """Which service waits for which. Railway: for those it references, transitively.

    Works on keys, which are unique; names need not be in a faulty document.
    """

    def __init__(self, services: Sequence[TemplateService]) -> None:
        self._services: Mapping[str, TemplateService] = {service.key: service for service in services}
        key_of = {service.name: service.key for service in reversed(services)}
        self._edges = {
            service.key: tuple(
                dict.fromkeys(
                    key_of[owner]
                    for owner in _owners(service)
                    if key_of.get(owner, service.key) != service.key
                )
            )
            for service in services
        }
        self._components = tuple(strongly_connected(self._edges, self._edges.__getitem__))
        self._awaited = self._transitive()

    def _transitive(self) -> dict[str, frozenset[str]]:
        awaited: dict[str, frozenset[str]] = {}
        for component in self._components:
            direct = {need for key in component for need in self._edges[key]}.difference(component)
            beyond = direct.union(*(awaited[need] for need in direct))
            awaited.update(dict.fromkeys(component, frozenset(beyond)))
        return awaited

    def needs(self, key: str) -> tuple[str, ...]:
        return tuple(sorted(self._services[need].name for need in self._awaited[key]))

    def start_order(self) -> tuple[tuple[str, ...], ...]:
        ordered = levels(self._edges, self._edges.__getitem__)
        return tuple(tuple(self._services[key].name for key in level) for level in ordered)

    def cycles(self) -> list[list[TemplateService]]:
        return [[self._services[key] for key in group] for group in self._components if len(group) > 1]


def _owners(service: TemplateService) -> Iterator[str]:
    for variable in service.variables:
        for reference in references(variable.text):
            if reference.owner is not None:
                yield reference.owner


def _planned(service: TemplateService, graph: _ServiceGraph) -> PlannedService:
    return PlannedService(
        name=service.name,
        key=service.key,
        source=service.source,
        public=service.is_public,
        domains=(*service.service_domains, *service.custom_domains),
        tcp_ports=service.tcp_proxies,
        volumes=service.volumes,
        references=tuple(sorted(_foreign_references(service))),
        needs=graph.needs(service.key),
        cron=service.cron_schedule,
        healthcheck=service.healthcheck_path,
        replicas=service.replicas,
    )


def _foreign_references(service: TemplateService) -> set[str]:
    return {
        f"{reference.owner}.{reference.name}"
        for variable in service.variables
        for reference in references(variable.text)
        if reference.owner not in {None, service.name}
    }


def _domains(service: TemplateService) -> Iterator[PlannedDomain]:
    for custom, domains in ((False, service.service_domains), (True, service.custom_domains)):
        for domain in domains:
            yield PlannedDomain(service.name, domain.host, domain.target_port, custom)
