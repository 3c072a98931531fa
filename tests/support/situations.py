"""Situations of the control loop, a few lines each: name what matters, the rest is an instance that runs well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from railway_saas._core.paging import Page
from railway_saas.domain.catalogue import CatalogueTemplate
from railway_saas.domain.ids import new_id
from railway_saas.domain.instances import (
    POWER_OF,
    Applied,
    Desired,
    Instance,
    InstanceConfig,
    InstanceDomain,
    Observed,
    Power,
    ServiceLimits,
)
from railway_saas.domain.operations import OperationKind, ProviderOperation
from railway_saas.domain.statuses import BUILDING, UP, DesiredStatus, InstanceStatus, OperationState
from railway_saas.errors import RailwayAuthError, RailwayTimeoutError
from railway_saas.instances.deciding import decide
from railway_saas.instances.deciding.common import note_view
from railway_saas.instances.manager_settings import ManagerSettings
from railway_saas.instances.placement import Marker
from railway_saas.instances.situation import Situation
from railway_saas.instances.steps import (
    ENVIRONMENT,
    ON_THEIR_WAY,
    PROJECT,
    PROJECTS,
    STAGED,
    Change,
    FoundProject,
    Look,
    ProjectSearch,
    Record,
    Settled,
    Sight,
    SightKind,
    Wait,
    Write,
)
from railway_saas.instances.view import read_view, service_rows
from railway_saas.railway.models.environments import EnvironmentPatch
from railway_saas.railway.models.overview import EnvironmentOverview, OverviewDeployment
from railway_saas.railway.models.projects import Project
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from railway_saas.domain.instances import InstanceService
    from railway_saas.instances.steps import Verdict

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
_NAMES = UUID("00000000-0000-4000-8000-000000000000")
INSTANCE_ID = uuid5(_NAMES, "instance")
REVISION, NEXT_REVISION = uuid5(_NAMES, "revision"), uuid5(_NAMES, "next revision")
PROJECT_ID, ENVIRONMENT_ID = "project-1", "environment-1"
SETTINGS = ManagerSettings()

APP_KEY = "a3a6a7b1-6f0e-4df7-8d6c-2a2f7c7c1f01"
POSTGRES_KEY = "b7d2a1c8-0f3d-4c55-9a39-5d7c6b1e2f02"
REDIS_KEY = "c9e4f3d2-5a6b-4e77-8b1c-6e8d7f2a3b03"

WEB_DOCUMENT: dict[str, Any] = {
    "services": {
        "web": {
            "name": "web",
            "source": {"image": "traefik/whoami:v1.11.0"},
            "variables": {"PORT": {"defaultValue": "8080"}},
        }
    }
}


@cache
def web() -> Template:
    """A document of one service."""
    return Template.parse(WEB_DOCUMENT)


@cache
def app() -> Template:
    """`App`, which waits for `Postgres` and `Redis`."""
    path = Path(__file__).resolve().parents[2] / "examples/templates/app-with-postgres-and-redis.json"
    return Template.parse(path.read_bytes()).fill({"App.ADMIN_EMAIL": "ann@example.com"})


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


# The instance ---------------------------------------------------------------------------------------------------


def instance(
    status: InstanceStatus = InstanceStatus.RUNNING,
    *,
    wanted: DesiredStatus = DesiredStatus.RUNNING,
    since: float = 3600,
    delete_at: datetime | None = None,
    inputs: Mapping[str, str] | None = None,
    variables: Mapping[str, Mapping[str, str | None]] | None = None,
    limits: ServiceLimits | None = None,
    revision: UUID = REVISION,
    generation: int = 1,
    **observed: Any,
) -> Instance:
    """An instance in a state, with everything that belongs to it; `observed` says what is otherwise."""
    known: dict[str, Any] = {}
    if status is not InstanceStatus.ACCEPTED:
        known |= {"project_id": PROJECT_ID, "environment_id": ENVIRONMENT_ID}
    if status not in BUILDING:
        known |= {"applied": Applied(revision_id=REVISION)}
    if status in {*UP, InstanceStatus.CRASHED, InstanceStatus.DELETING}:
        known |= {"power": Power.ON}
    if status in {InstanceStatus.STOPPED, InstanceStatus.SUSPENDED}:
        known |= {"power": POWER_OF[DesiredStatus(status)]}
    return Instance(
        id=INSTANCE_ID,
        user_id=uuid5(_NAMES, "owner"),
        template_id=uuid5(_NAMES, "template"),
        name="Shop",
        desired=Desired(
            status=wanted,
            revision_id=revision,
            config=InstanceConfig(
                inputs=inputs or {}, variables=variables or {}, limits=limits or ServiceLimits()
            ),
            delete_at=delete_at,
            generation=generation,
        ),
        observed=Observed(**{"status": status, "status_since": ago(since), **known, **observed}),
        created_at=ago(86_400),
        updated_at=ago(since),
    )


def operation(
    kind: OperationKind,
    key: str = "",
    state: OperationState = OperationState.CONFIRMED,
    *,
    subject: str = "",
    sent: float | None = 10,
    **changed: Any,
) -> ProviderOperation:
    """A write; `sent`: so many seconds ago."""
    request = {"subject": subject, **changed.pop("request", {})}
    made = ProviderOperation(
        id=new_id(NOW),
        instance_id=INSTANCE_ID,
        key=key or str(kind),
        kind=kind,
        state=state,
        request=request,
        attempts=1,
        created_at=ago(sent or 0),
        sent_at=None if sent is None else ago(sent),
    )
    return replace(made, **changed)


def custom_domain(domain: str = "shop.example.com", **changed: Any) -> InstanceDomain:
    """A custom domain that is to be attached."""
    made = InstanceDomain(
        id=uuid5(_NAMES, domain),
        instance_id=INSTANCE_ID,
        domain=domain,
        service="web",
        created_at=ago(100),
        updated_at=ago(100),
    )
    return replace(made, **changed)


# What is seen ---------------------------------------------------------------------------------------------------


def service_id(name: str) -> str:
    return f"svc-{name}"


def deployment_id(name: str) -> str:
    return f"dep-{name}"


def seen_service(
    name: str,
    status: str | None = "SUCCESS",
    *,
    key: str | None = None,
    deployment: str | None = None,
    stopped: bool = False,
    moved: float = 600,
    older: Iterable[tuple[str, str]] = (),
    hosts: Iterable[str] = (),
) -> dict[str, Any]:
    """A service as Railway tells it; `older`: deployments that are active besides, with their status."""
    newest = {
        "id": deployment or deployment_id(name),
        "status": status,
        "deploymentStopped": stopped,
        "statusUpdatedAt": ago(moved),
        "createdAt": ago(moved),
    }
    return {
        "id": f"instance-{name}",
        "serviceId": service_id(name),
        "serviceName": name,
        "service": {"templateServiceId": key},
        "domains": {"serviceDomains": [{"id": host, "domain": host} for host in hosts]},
        "latestDeployment": newest if status else None,
        "activeDeployments": [{"id": one, "status": its, "deploymentStopped": False} for one, its in older],
    }


def seen_volume(name: str, mount: str, size_mb: int = 1000, **more: Any) -> dict[str, Any]:
    """A volume of the service of that name, unless `serviceId` says otherwise."""
    return {
        "id": f"volume-instance-{name}",
        "volumeId": f"volume-{name}",
        "serviceId": service_id(name),
        "mountPath": mount,
        "sizeMB": size_mb,
        "state": "READY",
        **more,
    }


def environment(
    *services: dict[str, Any] | str, volumes: Iterable[dict[str, Any]] = ()
) -> EnvironmentOverview:
    """The environment; a name alone is a service that runs."""
    whole = [seen_service(one) if isinstance(one, str) else one for one in services]
    return EnvironmentOverview.model_validate(
        {
            "id": ENVIRONMENT_ID,
            "projectId": PROJECT_ID,
            "serviceInstances": {"edges": [{"node": one} for one in whole]},
            "volumeInstances": {"edges": [{"node": one} for one in volumes]},
        }
    )


def whole_environment(
    template: Template, status: str | None = "SUCCESS", **states: Any
) -> EnvironmentOverview:
    """Every service of a template in this state; by name, those that are otherwise."""
    return environment(*(seen_service(one.name, states.get(one.name, status)) for one in template.services))


def on_their_way(*deployments: tuple[str, str], service: str = "web") -> Page[OverviewDeployment]:
    """Deployments of a service that have not come up yet, with their status."""
    found = ({"id": one, "status": status, "serviceId": service_id(service)} for one, status in deployments)
    return Page(tuple(OverviewDeployment.model_validate(one) for one in found), None)


def found(project_id: str = PROJECT_ID, *, marked: bool = True, ready: bool = True) -> ProjectSearch:
    """A search that found one project."""
    environment_id = ENVIRONMENT_ID if ready else None
    return ProjectSearch(
        (FoundProject(project_id=project_id, environment_id=environment_id, created_at=NOW, marked=marked),)
    )


NOTHING_FOUND = ProjectSearch()


def project(description: str | None = None, **more: Any) -> Project:
    """The instance's project, with its marker unless another description is given."""
    marked = f"Managed. {Marker('default', INSTANCE_ID)}" if description is None else description
    return Project.model_validate({"id": PROJECT_ID, "description": marked, **more})


def staged(*, waits: bool, error: str | None = None) -> EnvironmentPatch:
    """The patch that waits in the environment, or an empty one."""
    return EnvironmentPatch(
        id="patch-1", patch={"services": {"svc-web": {}}} if waits else {}, last_applied_error=error
    )


def restored(name: str = "web") -> EnvironmentPatch:
    """What a restore stages: another volume in the place of the one that is mounted."""
    mounts = {f"volume-{name}": None, f"volume-new-{name}": {"mountPath": "/data"}}
    return EnvironmentPatch(id="patch-1", patch={"services": {service_id(name): {"volumeMounts": mounts}}})


def not_authorized() -> RailwayAuthError:
    return RailwayAuthError("Not Authorized")


def no_answer() -> RailwayTimeoutError:
    return RailwayTimeoutError("no answer", transient=True)


# The situation --------------------------------------------------------------------------------------------------


def rows(template: Template, seen: EnvironmentOverview | None = None) -> tuple[InstanceService, ...]:
    """What the database knows after a look at an environment; unless another is given, everything runs."""
    view = read_view(seen or whole_environment(template), template)
    return service_rows(view, (), INSTANCE_ID, ago(100))


def situation(
    of: Instance | None = None,
    template: Template | None = None,
    *,
    seen: EnvironmentOverview | Exception | None = None,
    sights: Mapping[Sight, object] | None = None,
    operations: Iterable[ProviderOperation] = (),
    services: Iterable[InstanceService] | None = None,
    domains: Iterable[InstanceDomain] = (),
    from_calls: bool = False,
    settings: ManagerSettings = SETTINGS,
    applied_template: Template | None = None,
    news: bool = False,
    **more: Any,
) -> Situation:
    """What a decision looks at.

    Args:
        of: The instance; unless given, one that runs.
        template: The document; unless given, that of one service.
        seen: The environment as it was seen in this turn, or what came instead; unless `sights` says otherwise, nothing
            was on its way.
        sights: What else was seen.
        operations: Writes, open or done.
        services: What the database knows of services; unless given, what is seen, or that everything runs.
        domains: Custom domains.
        from_calls: Whether Railway does not know the document.
        settings: How patient the loop is.
        applied_template: The document of the applied revision; unless given, the same.
        news: Whether what is seen is still to be written down.
        more: Other fields of a `Situation`.
    """
    of, template = of or instance(), template or web()
    if services is None:
        known = seen if isinstance(seen, EnvironmentOverview) else None
        built = of.observed.applied is not None or known is not None
        services = rows(applied_template or template, known) if built else ()
    made = Situation(
        instance=of,
        catalogue=CatalogueTemplate(
            id=of.template_id,
            railway_template_id="local:web" if from_calls else "tpl-1",
            name="Web",
            created_at=of.created_at,
            updated_at=of.created_at,
        ),
        template=template,
        applied_template=applied_template or (template if of.observed.applied else None),
        operations={one.key: one for one in operations},
        services=tuple(services),
        domains=tuple(domains),
        seen={**_seen(seen), **(sights or {})},
        settings=settings,
        now=more.pop("now", NOW),
        **more,
    )
    return made if news else noted(made)


def _seen(environment: EnvironmentOverview | Exception | None) -> dict[Sight, object]:
    """An environment, with nothing on its way behind what it shows."""
    return {} if environment is None else {ENVIRONMENT: environment, ON_THEIR_WAY: on_their_way()}


def noted(s: Situation) -> Situation:
    """The same once what was seen is written down."""
    verdict = note_view(s)
    return after(s, verdict) if isinstance(verdict, Record) else s


def after(s: Situation, verdict: Verdict) -> Situation:
    """The situation once a record is committed."""
    change = recorded(verdict)
    gone = {row.id for row in change.domains_gone}
    fresh = {row.id: row for row in change.domains}
    changed = (*change.operations, *change.new_operations)
    return replace(
        s,
        instance=change.instance,
        services=s.services if change.services is None else change.services,
        domains=tuple(fresh.get(row.id, row) for row in s.domains if row.id not in gone),
        operations={**s.operations, **{one.key: one for one in changed}},
    )


# Verdicts -------------------------------------------------------------------------------------------------------


def sent(verdict: Verdict) -> tuple[str, ...]:
    """The keys of what is sent, as one request."""
    assert isinstance(verdict, Write), verdict
    return tuple(intent.key for intent in verdict.intents)


def kinds(verdict: Verdict) -> set[OperationKind]:
    """What is sent."""
    assert isinstance(verdict, Write), verdict
    return {intent.kind for intent in verdict.intents}


def recorded(verdict: Verdict) -> Change:
    """What is written to the database."""
    assert isinstance(verdict, Record), verdict
    return verdict.change


def observed(verdict: Verdict) -> Observed:
    """The observed half as it is written to the database."""
    return recorded(verdict).instance.observed


def states(verdict: Verdict) -> dict[str, OperationState]:
    """Operations that are written to the database: how far they are, by key."""
    change = recorded(verdict)
    return {one.key: one.state for one in (*change.operations, *change.new_operations)}


def looked_at(verdict: Verdict) -> set[Sight]:
    """What is looked at, with one request."""
    assert isinstance(verdict, Look), verdict
    return set(verdict.sights)


def waits(verdict: Verdict) -> float:
    """For how many seconds."""
    assert isinstance(verdict, Wait), verdict
    return (verdict.until - NOW).total_seconds()


def rests(verdict: Verdict) -> float | None:
    """For how many seconds; None: for ever."""
    assert isinstance(verdict, Settled), verdict
    return None if verdict.check_at is None else (verdict.check_at - NOW).total_seconds()


__all__ = [
    "APP_KEY",
    "ENVIRONMENT",
    "ENVIRONMENT_ID",
    "INSTANCE_ID",
    "NEXT_REVISION",
    "NOTHING_FOUND",
    "NOW",
    "ON_THEIR_WAY",
    "POSTGRES_KEY",
    "PROJECT",
    "PROJECTS",
    "PROJECT_ID",
    "REDIS_KEY",
    "REVISION",
    "SETTINGS",
    "STAGED",
    "WEB_DOCUMENT",
    "Sight",
    "SightKind",
    "after",
    "ago",
    "app",
    "custom_domain",
    "decide",
    "deployment_id",
    "environment",
    "found",
    "instance",
    "kinds",
    "later",
    "looked_at",
    "no_answer",
    "not_authorized",
    "noted",
    "observed",
    "on_their_way",
    "operation",
    "project",
    "recorded",
    "rests",
    "rows",
    "seen_service",
    "seen_volume",
    "sent",
    "service_id",
    "situation",
    "staged",
    "states",
    "waits",
    "web",
    "whole_environment",
]
