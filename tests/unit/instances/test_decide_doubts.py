"""Writes whose answer was lost: did they land?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.instances import DomainState
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.situation import FIRST_LOOK_S, LONGEST_LOOK_S
from railway_saas.railway.models.backups import VolumeInstanceBackup
from railway_saas.railway.models.domains import Domains
from railway_saas.railway.models.environments import EnvironmentPatch
from railway_saas.railway.models.workflows import WorkflowResult, WorkflowStatus
from railway_saas.templates import Template
from tests.support.situations import (
    ENVIRONMENT,
    ENVIRONMENT_ID,
    NOTHING_FOUND,
    NOW,
    PROJECT,
    PROJECT_ID,
    PROJECTS,
    STAGED,
    WEB_DOCUMENT,
    Sight,
    SightKind,
    ago,
    custom_domain,
    decide,
    environment,
    found,
    instance,
    later,
    looked_at,
    no_answer,
    observed,
    operation,
    project,
    recorded,
    restored,
    seen_service,
    situation,
    staged,
    states,
    waits,
    web,
)

if TYPE_CHECKING:
    from railway_saas.domain.instances import Instance
    from railway_saas.instances.situation import Situation

SENT = OperationState.SENT
DOMAINS = Sight(SightKind.DOMAINS, "svc-web")
BACKUPS = Sight(SightKind.BACKUPS, "vi-1")
WORKFLOW = Sight(SightKind.WORKFLOW, "workflow-1")
WITH_BUCKET = Template.parse({**WEB_DOCUMENT, "buckets": {"files": {"name": "files"}}})
PROVISIONING = instance(InstanceStatus.PROVISIONING)
RUNNING = instance()
DOMAIN = custom_domain()


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A kind of write, and how the world looks with and without it."""

    kind: OperationKind
    landed: dict[Sight, Any]
    absent: dict[Sight, Any]
    of: Instance = RUNNING
    template: Template = field(default_factory=web)
    request: dict[str, Any] = field(default_factory=dict[str, Any])
    result: dict[str, Any] = field(default_factory=dict[str, Any])
    """What is known of it once it is found."""

    def at(self, seen: dict[Sight, Any] | None, **changed: Any) -> Situation:
        sights = {**(seen or {})}
        one = operation(self.kind, "it", SENT, subject="web", request=self.request, **changed)
        return situation(
            self.of,
            self.template,
            operations=[one],
            seen=sights.pop(ENVIRONMENT, None),
            sights=sights,
            domains=[DOMAIN] if "domain" in self.request else [],
        )


def seen(*services: Any, **more: Any) -> dict[Sight, Any]:
    return {ENVIRONMENT: environment(*services, **more)}


def domains(*hosts: str) -> dict[Sight, Any]:
    listed = [{"id": f"id of {host}", "domain": host} for host in hosts]
    return {DOMAINS: Domains.model_validate({"customDomains": listed})}


NEW_DEPLOYMENT = seen(seen_service("web", deployment="dep-new"))
DOUBTS = [
    Doubt(
        kind=OperationKind.PROJECT_CREATE,
        of=replace(
            PROVISIONING, observed=replace(PROVISIONING.observed, project_id=None, environment_id=None)
        ),
        landed={PROJECTS: found()},
        absent={PROJECTS: NOTHING_FOUND},
        result={"project_id": PROJECT_ID, "environment_id": ENVIRONMENT_ID, "adopted": True},
    ),
    Doubt(
        kind=OperationKind.PROJECT_DELETE,
        of=instance(InstanceStatus.DELETING, wanted=DesiredStatus.DELETED),
        landed={PROJECTS: NOTHING_FOUND},
        absent={PROJECTS: found()},
    ),
    Doubt(kind=OperationKind.TEMPLATE_DEPLOY, of=PROVISIONING, landed=seen("web"), absent=seen()),
    Doubt(
        kind=OperationKind.SERVICE_CREATE,
        of=PROVISIONING,
        landed=seen("web"),
        absent=seen(),
        result={"service_id": "svc-web"},
    ),
    Doubt(
        kind=OperationKind.VOLUME_CREATE,
        of=PROVISIONING,
        request={"mount": "/data", "before": ["volume-1"]},
        landed={PROJECT: project(volumes=({"id": "volume-1"}, {"id": "volume-2"}))},
        absent={PROJECT: project(volumes=({"id": "volume-1"},))},
        result={"volume_id": "volume-2"},
    ),
    Doubt(
        kind=OperationKind.VOLUME_DELETE,
        request={"volume_id": "volume-web"},
        landed={PROJECT: project(volumes=({"id": "volume-other"},)), **seen("web")},
        absent={PROJECT: project(volumes=({"id": "volume-web"},)), **seen("web")},
    ),
    Doubt(
        kind=OperationKind.BUCKET_CREATE,
        of=PROVISIONING,
        template=Template.parse({**WEB_DOCUMENT, "buckets": {"web": {"name": "files"}}}),
        landed={PROJECT: project(buckets=({"id": "bucket-1", "name": "files"},))},
        absent={PROJECT: project(buckets=({"id": "bucket-2", "name": "other"},))},
        result={"bucket_id": "bucket-1"},
    ),
    Doubt(
        kind=OperationKind.SERVICE_DOMAIN_CREATE,
        of=PROVISIONING,
        request={"number": 2},
        landed=seen(seen_service("web", hosts=["a.up.railway.app", "b.up.railway.app"])),
        absent=seen(seen_service("web", hosts=["a.up.railway.app"])),
    ),
    Doubt(
        kind=OperationKind.SERVICE_DEPLOY,
        request={"before": "dep-web"},
        landed=NEW_DEPLOYMENT,
        absent=seen("web"),
        result={"deployment_id": "dep-new"},
    ),
    Doubt(
        kind=OperationKind.ROLLBACK,
        request={"before": "dep-web"},
        landed=NEW_DEPLOYMENT,
        absent=seen("web"),
        result={"deployment_id": "dep-new"},
    ),
    Doubt(
        kind=OperationKind.RESTART,
        request={"deployment_id": "dep-web"},
        landed=seen(seen_service("web", moved=5)),
        absent=seen(seen_service("web", moved=600)),
    ),
    Doubt(
        kind=OperationKind.CUSTOM_DOMAIN_CREATE,
        request={"domain": DOMAIN.domain, "service_id": "svc-web"},
        landed=domains("other.example.com", DOMAIN.domain),
        absent=domains("other.example.com"),
        result={"domain_id": f"id of {DOMAIN.domain}"},
    ),
    Doubt(
        kind=OperationKind.BACKUP_CREATE,
        request={"volume_instance_id": "vi-1", "name": "nightly"},
        landed={BACKUPS: (VolumeInstanceBackup(id="b", name="nightly"),)},
        absent={BACKUPS: (VolumeInstanceBackup(id="b", name="another"),)},
    ),
    Doubt(
        kind=OperationKind.BACKUP_RESTORE,
        request={"volume_instance_id": "vi-1"},
        landed={STAGED: restored()},
        absent={STAGED: staged(waits=True)},
    ),
    Doubt(
        kind=OperationKind.SERVICE_DELETE,
        request={"service_id": "svc-old"},
        landed=seen("web"),
        absent=seen("web", "old"),
    ),
    Doubt(
        kind=OperationKind.CUSTOM_DOMAIN_DELETE,
        request={"domain": DOMAIN.domain, "domain_id": "domain-1"},
        landed=seen("web"),
        absent=seen(seen_service("web", hosts=[DOMAIN.domain])),
    ),
    Doubt(
        kind=OperationKind.RESTORE_COMMIT,
        landed={STAGED: staged(waits=True)},
        absent={STAGED: restored()},
    ),
]
PREVIEW = operation(
    OperationKind.PREVIEW,
    "it",
    SENT,
    request={"outline": {"services": {"svc-web": {"source": {"image": {}}}}}},
)
REPEATABLE = [
    OperationKind.CONFIGURE,
    OperationKind.VARIABLES,
    OperationKind.LIMITS,
    OperationKind.STOP,
    OperationKind.REMOVE,
]
each_doubt = pytest.mark.parametrize("doubt", [pytest.param(one, id=one.kind) for one in DOUBTS])
each_repeatable = pytest.mark.parametrize("kind", REPEATABLE)


def test_every_kind_of_write_is_covered_here() -> None:
    assert {one.kind for one in DOUBTS} | set(REPEATABLE) | {PREVIEW.kind} == set(OperationKind)


@each_doubt
def test_it_is_looked_for_at_once(doubt: Doubt) -> None:
    assert looked_at(decide(doubt.at(None))) == set(doubt.landed)


@each_doubt
def test_what_landed_is_adopted(doubt: Doubt) -> None:
    change = recorded(decide(doubt.at(doubt.landed)))
    done = change.operations[0]
    assert (done.key, done.state, done.finished_at) == ("it", OperationState.CONFIRMED, NOW)
    assert done.result == doubt.result


@each_doubt
def test_what_did_not_land_is_looked_for_again_while_railway_may_be_at_work(doubt: Doubt) -> None:
    assert waits(decide(doubt.at(doubt.absent))) == 5
    assert waits(decide(doubt.at(doubt.absent, sent=60))) == 5


@each_doubt
def test_what_did_not_land_after_that_is_to_be_sent_again(doubt: Doubt) -> None:
    assert states(decide(doubt.at(doubt.absent, sent=61))) == {"it": OperationState.INTENDED}


@each_doubt
def test_what_did_not_land_ever_so_often_needs_an_operator(doubt: Doubt) -> None:
    verdict = decide(doubt.at(doubt.absent, sent=61, attempts=6, error="gateway"))
    assert states(verdict) == {"it": OperationState.NEEDS_ATTENTION}
    assert observed(verdict).attention == f"{doubt.kind} was tried 6 times: gateway"


@each_doubt
def test_nothing_is_decided_while_railway_cannot_be_asked(doubt: Doubt) -> None:
    blind = dict.fromkeys(doubt.landed, no_answer())
    assert waits(decide(doubt.at(blind, sent=600))) >= 5


@each_repeatable
def test_a_harmless_repeat_is_sent_again_without_a_look(kind: OperationKind) -> None:
    s = situation(operations=[operation(kind, "it", SENT, sent=1)])
    assert states(decide(s)) == {"it": OperationState.INTENDED}


@each_repeatable
def test_a_harmless_repeat_ends_with_an_operator_as_well(kind: OperationKind) -> None:
    verdict = decide(situation(operations=[operation(kind, "it", SENT, attempts=6, error="gateway")]))
    assert states(verdict) == {"it": OperationState.NEEDS_ATTENTION}
    assert observed(verdict).attention == f"{kind} was tried 6 times: gateway"


@each_repeatable
def test_what_broke_off_on_our_side_is_no_try(kind: OperationKind) -> None:
    change = recorded(decide(situation(operations=[operation(kind, "it", SENT, attempts=6)])))
    assert [(one.state, one.attempts) for one in change.operations] == [(OperationState.INTENDED, 5)]


@each_repeatable
def test_what_breaks_off_on_our_side_for_a_day_needs_an_operator(kind: OperationKind) -> None:
    old = operation(kind, "it", SENT, attempts=6, created_at=ago(86_401))
    verdict = decide(situation(operations=[old]))
    assert observed(verdict).attention == f"{kind} was tried 6 times: no answer came"


def test_the_oldest_doubt_comes_first() -> None:
    first = operation(OperationKind.SERVICE_CREATE, "service:web", SENT, subject="web")
    second = operation(OperationKind.PROJECT_CREATE, "project", SENT)
    assert looked_at(decide(situation(operations=[second, first]))) == {ENVIRONMENT}


# Effects --------------------------------------------------------------------------------------------------------


def doubt_of(kind: OperationKind) -> Doubt:
    return next(one for one in DOUBTS if one.kind is kind)


def test_a_project_that_is_found_becomes_the_instances() -> None:
    doubt = doubt_of(OperationKind.PROJECT_CREATE)
    verdict = decide(doubt.at(doubt.landed))
    assert (observed(verdict).project_id, observed(verdict).environment_id) == (PROJECT_ID, ENVIRONMENT_ID)
    assert [event.message for event in recorded(verdict).events] == [
        "found the project that was already made"
    ]


def test_a_project_without_its_environment_is_still_being_made() -> None:
    doubt = doubt_of(OperationKind.PROJECT_CREATE)
    assert waits(decide(doubt.at({PROJECTS: found(ready=False)}, sent=100))) > 0
    late = recorded(decide(doubt.at({PROJECTS: found(ready=False)}, sent=301)))
    assert late.operations[0].state is OperationState.FAILED


def test_a_project_with_another_marker_is_not_ours() -> None:
    doubt = doubt_of(OperationKind.PROJECT_CREATE)
    verdict = decide(doubt.at({PROJECTS: found(marked=False)}, sent=61))
    assert states(verdict) == {"it": OperationState.INTENDED}


def test_a_custom_domain_that_is_found_is_attached() -> None:
    doubt = doubt_of(OperationKind.CUSTOM_DOMAIN_CREATE)
    (row,) = recorded(decide(doubt.at(doubt.landed))).domains
    assert (row.state, row.railway_domain_id) == (DomainState.ATTACHED, f"id of {DOMAIN.domain}")


def test_a_custom_domain_that_is_gone_is_forgotten() -> None:
    doubt = doubt_of(OperationKind.CUSTOM_DOMAIN_DELETE)
    assert recorded(decide(doubt.at(doubt.landed))).domains_gone == (DOMAIN,)


def test_a_restore_that_is_found_is_committed_next() -> None:
    doubt = doubt_of(OperationKind.BACKUP_RESTORE)
    (commit,) = recorded(decide(doubt.at(doubt.landed))).new_operations
    assert (commit.kind, commit.key, commit.state) == (
        OperationKind.RESTORE_COMMIT,
        "restore-commit:it",
        OperationState.INTENDED,
    )


def test_a_project_that_is_gone_ends_the_instance() -> None:
    doubt = doubt_of(OperationKind.PROJECT_DELETE)
    ended = recorded(decide(doubt.at(doubt.landed))).instance
    assert (ended.status, ended.holds_slot) == (InstanceStatus.DELETED, False)


@pytest.mark.parametrize(
    "key", ["deploy:1:web", "redeploy:1", "restart:1", "rollback:1", "recover:dep-web:0"]
)
def test_a_deployment_that_is_found_is_watched(key: str) -> None:
    request = {"before": "dep-web"}
    one = operation(OperationKind.SERVICE_DEPLOY, key, SENT, subject="web", request=request)
    s = situation(operations=[one], seen=NEW_DEPLOYMENT[ENVIRONMENT])
    assert observed(decide(s)).rollout.watching == (key,)


# Previews -------------------------------------------------------------------------------------------------------


def waiting(**services: Any) -> dict[Sight, Any]:
    return {STAGED: EnvironmentPatch(id="p", patch={"services": services} if services else {})}


@pytest.mark.parametrize("part", [{"source": {"image": "web:2"}}, {"source": {}}, {}])
def test_what_a_preview_has_left_is_to_be_discarded_at_once(part: dict[str, Any]) -> None:
    s = situation(operations=[PREVIEW], sights=waiting(**{"svc-web": part}))
    assert states(decide(s)) == {"it": OperationState.INTENDED}


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"svc-db": {"source": {"image": "db:2"}}},
        {"svc-web": {"source": {"image": "web:2", "repo": "a/b"}}},
        {"svc-web": {"source": {"image": "web:2"}, "deploy": {}}},
    ],
)
def test_what_is_not_all_of_a_preview_is_left_alone(others: dict[str, Any]) -> None:
    s = situation(operations=[PREVIEW], sights=waiting(**others))
    assert states(decide(s)) == {"it": OperationState.CONFIRMED}


# What Railway goes on with after it has answered ----------------------------------------------------------------


def at_work(kind: OperationKind, status: WorkflowStatus, error: str | None = None, **more: Any) -> Situation:
    """A write that was answered with a workflow."""
    one = operation(
        kind,
        "it",
        SENT,
        request={"volume_instance_id": "vi-1"},
        result={"answered": True, "workflow_id": "workflow-1"},
        sent=more.pop("sent", 10),
    )
    sights = {WORKFLOW: WorkflowResult(status=status, error=error)}
    return situation(more.pop("of", PROVISIONING), operations=[one], sights=sights, **more)


WORKFLOWS = [OperationKind.BACKUP_CREATE, OperationKind.BACKUP_RESTORE]


@pytest.mark.parametrize("kind", WORKFLOWS)
@pytest.mark.parametrize("status", [WorkflowStatus.RUNNING, WorkflowStatus.NOT_FOUND])
def test_a_workflow_that_runs_is_waited_for(kind: OperationKind, status: WorkflowStatus) -> None:
    assert waits(decide(at_work(kind, status, of=RUNNING))) == FIRST_LOOK_S


@pytest.mark.parametrize("kind", WORKFLOWS)
def test_a_workflow_that_is_complete_confirms_the_write(kind: OperationKind) -> None:
    verdict = decide(at_work(kind, WorkflowStatus.COMPLETE, of=RUNNING))
    assert states(verdict)["it"] is OperationState.CONFIRMED


@pytest.mark.parametrize("kind", [*WORKFLOWS, OperationKind.TEMPLATE_DEPLOY])
def test_a_workflow_that_failed_fails_the_write_with_its_reason(kind: OperationKind) -> None:
    s = at_work(kind, WorkflowStatus.ERROR, "disk full", seen=environment("web"))
    assert states(decide(s)) == {"it": OperationState.FAILED}
    assert observed(decide(s)).error == "disk full"


def test_a_template_is_not_there_before_its_workflow_is_over() -> None:
    s = at_work(OperationKind.TEMPLATE_DEPLOY, WorkflowStatus.RUNNING, seen=environment("web"))
    assert waits(decide(s)) > 0


@pytest.mark.parametrize("status", [WorkflowStatus.RUNNING, WorkflowStatus.COMPLETE])
def test_a_workflow_that_does_not_end_in_time_fails_the_write(status: WorkflowStatus) -> None:
    s = at_work(OperationKind.TEMPLATE_DEPLOY, status, seen=environment(), sent=301)
    verdict = decide(s)
    assert states(verdict) == {"it": OperationState.FAILED}
    assert "did not finish it in 300 s" in str(observed(verdict).error)


def test_looks_at_what_railway_is_at_come_with_growing_pauses() -> None:
    pauses = []
    for taken in (0, 40, 100):
        s = at_work(OperationKind.BACKUP_CREATE, WorkflowStatus.RUNNING, sent=taken, of=RUNNING)
        pauses.append(waits(decide(s)))
    assert pauses == [FIRST_LOOK_S, 16, LONGEST_LOOK_S]


def test_a_template_deploy_with_an_unclear_error_is_looked_for_only_shortly() -> None:
    def refused(sent: float) -> Situation:
        one = operation(OperationKind.TEMPLATE_DEPLOY, "template", SENT, sent=sent, result={"refused": True})
        return situation(PROVISIONING, operations=[one], seen=environment())

    assert waits(decide(refused(10))) == 5
    assert states(decide(refused(11))) == {"template": OperationState.FAILED}


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        pytest.param(staged(waits=False), OperationState.CONFIRMED, id="nothing waits any more"),
        pytest.param(staged(waits=True, error="no"), OperationState.FAILED, id="Railway could not apply it"),
    ],
)
def test_a_patch_that_is_answered_is_done_when_nothing_waits(patch: Any, expected: OperationState) -> None:
    one = operation(OperationKind.CONFIGURE, "it", SENT, result={"answered": True})
    assert states(decide(situation(operations=[one], sights={STAGED: patch}))) == {"it": expected}


def test_a_patch_that_is_answered_and_still_waits_is_waited_for() -> None:
    one = operation(OperationKind.CONFIGURE, "it", SENT, result={"answered": True})
    assert waits(decide(situation(operations=[one], sights={STAGED: staged(waits=True)}))) == FIRST_LOOK_S


# While it is taken down -----------------------------------------------------------------------------------------

ENDING = [
    pytest.param(instance(InstanceStatus.DELETING, wanted=DesiredStatus.DELETED), id="deleted"),
    pytest.param(instance(InstanceStatus.DELETING, undoing=True), id="undone"),
]


@pytest.mark.parametrize("of", ENDING)
def test_what_goes_with_the_project_is_not_looked_for(of: Instance) -> None:
    one = operation(OperationKind.SERVICE_CREATE, "service:web", SENT, subject="web")
    assert looked_at(decide(situation(of, operations=[one]))) == {PROJECT}


@pytest.mark.parametrize("of", ENDING)
def test_whether_there_is_a_project_is_found_out_all_the_same(of: Instance) -> None:
    of = replace(of, observed=replace(of.observed, project_id=None, environment_id=None))

    def creating(**more: Any) -> Situation:
        return situation(of, operations=[operation(OperationKind.PROJECT_CREATE, "project", SENT, **more)])

    assert looked_at(decide(creating())) == {PROJECTS}
    nothing = replace(creating(sent=61), seen={PROJECTS: NOTHING_FOUND})
    assert states(decide(nothing)) == {"project": OperationState.ABANDONED}


def test_it_is_sent_again_with_the_same_key() -> None:
    doubt = doubt_of(OperationKind.PROJECT_CREATE)
    one = operation(OperationKind.PROJECT_CREATE, "project", SENT, sent=61)
    s = situation(doubt.of, operations=[one], sights=doubt.absent)
    again = replace(one, state=states(decide(s))["project"])
    verdict = decide(situation(doubt.of, operations=[again], now=later(1)))
    assert [intent.key for intent in verdict.intents] == ["project"]  # type: ignore[union-attr]
