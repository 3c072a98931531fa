"""What several rules share. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from railway_saas.domain.ids import new_id
from railway_saas.domain.instances import Deployment
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import OPEN, InstanceStatus, OperationState
from railway_saas.errors import RailwayAuthError, RailwayNotFoundError
from railway_saas.instances.steps import (
    ENVIRONMENT,
    PROJECT,
    PROJECTS,
    DeploymentsOver,
    EventDraft,
    Intent,
    Look,
    ProjectSearch,
    Settled,
    Sight,
    SightKind,
    Wait,
    Write,
)
from railway_saas.instances.texts import storable
from railway_saas.instances.view import DOWN, ENDED, service_rows
from railway_saas.railway.models.projects import Project

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from railway_saas.domain.instances import InstanceService, Observed
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.manager_settings import ManagerSettings
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Change, Record, Verdict
    from railway_saas.instances.view import RailwayView, ServiceView

LAG_S = 60.0
"""For how long "Not Authorized" may mean that the permissions of a new project have not spread."""

LAG_PAUSE_S = 3.0
LONGEST_BLINDNESS_S = 900.0
_OF_ENVIRONMENT: Final = frozenset(
    {SightKind.STAGED, SightKind.ON_THEIR_WAY, SightKind.DOMAINS, SightKind.BACKUPS}
)
"""What cannot be read any more once the environment is gone."""


def write(
    s: Situation, intents: Sequence[Intent], step: str, message: str, change: Change | None = None
) -> Write | Wait | None:
    """Send what is still to be sent; wait where it must not be sent yet; None when all of it is done."""
    unsent = s.unsent(intents)
    if not unsent:
        return None
    until = s.held_back_until(unsent)
    if until is not None:
        return Wait(until, f"{step}: waiting before the next attempt")
    return Write(intents=unsent, step=step, message=message, change=change)


def intent_of(operation: ProviderOperation) -> Intent:
    """An operation that was written down before: what is to be sent for it."""
    return Intent(
        kind=operation.kind,
        key=operation.key,
        subject=str(operation.request.get("subject", "")),
        request=operation.request,
    )


def see(s: Situation, *sights: Sight, since: datetime | None = None) -> Verdict | None:
    """Look at these, unless they were seen in this turn. None: all were seen.

    Args:
        s: The situation.
        sights: What is needed.
        since: When what is waited for began; looks at it come with growing pauses. None: look at once.
    """
    missing = tuple(sight for sight in sights if sight not in s.seen)
    if missing:
        due = s.next_look_at(since) if since else s.now
        return Look(missing) if due <= s.now else Wait(due, "waiting for Railway")
    failed = next((sight for sight in sights if s.failure(sight)), None)
    return None if failed is None else _blind(s, failed)


def _blind(s: Situation, sight: Sight) -> Verdict:
    """A look failed: wait, find out whether what it was at is gone, or ask an operator."""
    error = s.failure(sight)
    if not isinstance(error, (RailwayAuthError, RailwayNotFoundError)) or sight == PROJECTS:
        return Wait(s.after(_blind_pause_s(s)), f"Railway cannot be asked: {error}")
    if s.seconds_since(s.observed.status_since) < LAG_S and s.observed.power is None:
        return Wait(s.after(LAG_PAUSE_S), "the project's permissions are still spreading")
    if sight.kind is SightKind.ENVIRONMENT:
        return _lost(s)
    whole = see(s, ENVIRONMENT) if sight.kind in _OF_ENVIRONMENT else None
    return whole or Wait(s.after(_blind_pause_s(s)), f"Railway cannot be asked: {error}")


def _lost(s: Situation) -> Verdict:
    """The environment cannot be read. Railway answers alike for what is gone and what may not be read: lists tell."""
    search = s.sight(PROJECTS, ProjectSearch)
    if search is None:
        return see(s, PROJECTS) or Wait(s.after(LAG_PAUSE_S), "looking for the project")
    if search.holds(s.observed.project_id):
        return _lost_environment(s)
    return ask_operator(s, f"its Railway project {s.observed.project_id} is gone, deleted by somebody else")


def _lost_environment(s: Situation) -> Verdict:
    """The project is there; whether it still has the environment, it says itself."""
    if PROJECT not in s.seen:
        return Look((PROJECT,))
    project, mine = s.sight(PROJECT, Project), s.observed.environment_id
    if project is None or mine is None or mine in {environment.id for environment in project.environments}:
        return Wait(s.after(_blind_pause_s(s)), "the project is there and cannot be read")
    return ask_operator(
        s, f"environment {mine} of its Railway project {project.id} is gone, deleted by somebody else"
    )


def _blind_pause_s(s: Situation) -> float:
    return backoff_s(s.observed, s.settings, s.now)


def backoff_s(observed: Observed, settings: ManagerSettings, now: datetime) -> float:
    """The longer a look is overdue, the longer the pause: backoff without a counter.

    What rests is seen once per interval, so its first minutes of blindness begin after that.
    """
    blind_s = (now - (observed.seen_at or observed.status_since)).total_seconds()
    overdue_s = blind_s - settings.check_interval_s
    return min(LONGEST_BLINDNESS_S, max(5.0, min(60.0, blind_s / 2), overdue_s / 2))


def ask_operator(s: Situation, reason: str, *, error: str | None = None) -> Record:
    """Stop until an operator decides."""
    reason = storable(reason)
    return s.record(
        s.with_observed(attention=reason, error=error or reason),
        EventDraft("attention", f"needs attention: {reason}"),
    )


def give_up(s: Situation, reason: str, failed: Sequence[ServiceView] = ()) -> Verdict:
    """A deploy that cannot finish: undo it, or park it for an operator. The failed service's last lines are kept."""
    logs = [Sight(SightKind.LOGS, one.deployment_id) for one in failed[:1] if one.deployment_id]
    unseen = tuple(sight for sight in logs if sight not in s.seen)
    if unseen:
        return Look(unseen)
    deployments = tuple(_with_logs(s, failed[0]) for _ in logs)
    if s.settings.failed_deploy == "park":
        step = ask_operator(s, reason)
        return replace(step, change=replace(step.change, deployments=deployments))
    instance = s.moved(InstanceStatus.DELETING, undoing=True, error=reason)
    return s.record(
        instance,
        EventDraft("error", f"could not be brought to run: {reason}"),
        EventDraft("delete", "what was made for it is being deleted"),
        deployments=deployments,
        operations=tuple(abandoned(s)),
    )


def _with_logs(s: Situation, service: ServiceView) -> Deployment:
    return replace(_deployment(s, service), logs=s.log(service.deployment_id or "") or None)


def abandoned(s: Situation) -> Iterator[ProviderOperation]:
    """Operations that are not wanted any more; whether there is a project is still to be found out."""
    for operation in s.open_operations(*OPEN):
        if operation.state is OperationState.SENT and operation.kind is OperationKind.PROJECT_CREATE:
            continue
        yield replace(operation, state=OperationState.ABANDONED, finished_at=s.now)


def note_view(s: Situation) -> Verdict | None:
    """Write down what was seen, where it is news."""
    view = s.view
    if view is None:
        return None
    rows = service_rows(view, s.services, s.instance.id, s.now)
    primary, domain = _front(s, view)
    same_front = (primary, domain) == (s.observed.primary_service_id, s.observed.domain)
    if rows == tuple(s.services) and same_front:
        return None
    news = list(_news(s.services, rows, view))
    return s.record(
        s.with_observed(primary_service_id=primary, domain=domain, seen_at=s.now),
        *(EventDraft("status", service.sentence, service.name) for service in news),
        services=rows,
        deployments=tuple(_deployment(s, service) for service in news if service.deployment_id),
        deployments_over=tuple(_replaced(s, news)),
    )


def _replaced(s: Situation, news: Sequence[ServiceView]) -> Iterator[DeploymentsOver]:
    """Railway takes the deployments before out of service once a newer one is up; none of them is looked at any more."""
    up = [service for service in news if service.came_up and service.deployment_id]
    if up:
        yield DeploymentsOver(
            at=s.now,
            services=tuple(service.name for service in up),
            but=tuple(one for service in up for one in _going_on(service)),
        )


def _going_on(service: ServiceView) -> Iterator[str]:
    """The newest one, and what comes up whatever became of it."""
    yield service.deployment_id or ""
    yield from (one.deployment_id for one in service.older if one.is_coming)


def _front(s: Situation, view: RailwayView) -> tuple[str | None, str | None]:
    """The service that answers to the public, and its host: the first of the document that has one.

    A custom domain whose owner has yet to set its DNS records leads nowhere.
    """
    leads_nowhere = {row.domain for row in s.domains if not row.verified}
    found = [service for entry in s.template.services if (service := view.find(entry.key))]
    public = next((service for service in found if service.hosts), None)
    front = public or next(iter(found), None)
    hosts = [host for host in (public.hosts if public else ()) if host not in leads_nowhere]
    return (front.service_id if front else None), (hosts[0] if hosts else None)


def _news(
    before: Sequence[InstanceService], after: Sequence[InstanceService], view: RailwayView
) -> Iterator[ServiceView]:
    known = {row.railway_service_id: (row.railway_deployment_id, row.status) for row in before}
    changed = {
        row.railway_service_id
        for row in after
        if known.get(row.railway_service_id) != (row.railway_deployment_id, row.status)
    }
    yield from (service for service in view.services if service.service_id in changed)


def _deployment(s: Situation, service: ServiceView) -> Deployment:
    ended = service.status in DOWN | ENDED
    return Deployment(
        id=new_id(s.now),
        instance_id=s.instance.id,
        railway_deployment_id=service.deployment_id or "",
        service=service.name,
        status=service.status or "",
        started_at=service.deployed_at or s.now,
        finished_at=(service.status_updated_at or s.now) if ended else None,
        created_at=s.now,
    )


def levels(s: Situation) -> list[list[str]]:
    """Template keys in the order in which services start: one that refers to another comes after it."""
    by_name = {service.name: service.key for service in s.template.services}
    return [[by_name[name] for name in level] for level in s.template.plan().start_order]


def rest(s: Situation, seconds: float | None = None) -> Settled:
    """Nothing to do until the next look."""
    return Settled(s.after(s.settings.check_interval_s if seconds is None else seconds))


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def joined(services: Sequence[ServiceView]) -> str:
    """What is happening to services, in one sentence."""
    return "; ".join(service.sentence for service in services)


def environment_seen(s: Situation, since: datetime | None = None) -> Verdict | None:
    """The environment is needed."""
    return see(s, ENVIRONMENT, since=since)
