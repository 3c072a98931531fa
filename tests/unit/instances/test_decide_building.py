"""From an accepted wish to services that exist."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain.instances import ServiceLimits
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.instances.manager_settings import ManagerSettings
from railway_saas.instances.steps import PROJECTS, Look, Write
from railway_saas.templates import Template
from tests.support.situations import (
    APP_KEY,
    ENVIRONMENT,
    NOTHING_FOUND,
    NOW,
    POSTGRES_KEY,
    REDIS_KEY,
    WEB_DOCUMENT,
    app,
    decide,
    environment,
    found,
    instance,
    kinds,
    later,
    looked_at,
    observed,
    operation,
    recorded,
    sent,
    situation,
    states,
    waits,
    whole_environment,
)

if TYPE_CHECKING:
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.steps import ProjectSearch

PROVISIONING = InstanceStatus.PROVISIONING
PROJECT = operation(OperationKind.PROJECT_CREATE, "project")
KEYS = (APP_KEY, POSTGRES_KEY, REDIS_KEY)
MADE = (PROJECT, *(operation(OperationKind.SERVICE_CREATE, f"service:{key}") for key in KEYS))
POSTGRES_VOLUME = f"volume:{POSTGRES_KEY}:/var/lib/postgresql/data"
REDIS_VOLUME = f"volume:{REDIS_KEY}:/data"


def volume(key: str, volume_id: str = "volume-1") -> ProviderOperation:
    return operation(OperationKind.VOLUME_CREATE, key, result={"volume_id": volume_id})


def test_the_project_comes_first_and_provisioning_begins_with_it() -> None:
    verdict = decide(situation(instance(InstanceStatus.ACCEPTED)))
    assert sent(verdict) == ("project",)
    assert kinds(verdict) == {OperationKind.PROJECT_CREATE}
    assert isinstance(verdict, Write)
    assert verdict.change is not None
    assert verdict.change.instance.status is PROVISIONING


def test_a_project_that_must_not_be_sent_yet_is_waited_for() -> None:
    held = operation(OperationKind.PROJECT_CREATE, "project", OperationState.INTENDED, not_before=later(30))
    accepted = instance(InstanceStatus.ACCEPTED)
    assert waits(decide(situation(accepted, operations=[held]))) == 30
    assert sent(decide(situation(accepted, operations=[held], now=later(30)))) == ("project",)


def test_a_template_that_railway_knows_is_deployed_with_one_call_that_names_the_limits() -> None:
    limited = instance(PROVISIONING, limits=ServiceLimits(vcpus=Decimal(2)))
    verdict = decide(situation(limited, app(), operations=[PROJECT]))
    assert sent(verdict) == ("template",)
    assert isinstance(verdict, Write)
    assert verdict.intents[0].request == {"limits": {"vcpus": "2"}}


def test_what_the_template_deploy_made_is_deployed_and_its_limits_are_applied() -> None:
    limits = ServiceLimits(memory_gb=Decimal("0.5"))
    underway = operation(
        OperationKind.TEMPLATE_DEPLOY,
        "template",
        OperationState.SENT,
        request={"limits": limits.to_json()},
        result={"answered": True},
    )
    s = situation(
        instance(PROVISIONING, limits=limits),
        app(),
        operations=[PROJECT, underway],
        seen=whole_environment(app(), "QUEUED"),
    )
    done = observed(decide(s))
    assert done.status is InstanceStatus.DEPLOYING
    assert done.applied is not None
    assert done.applied.limits == limits


def test_a_template_that_railway_refuses_is_built_from_single_calls() -> None:
    refused = operation(OperationKind.TEMPLATE_DEPLOY, "template", OperationState.FAILED, error="no")
    verdict = decide(situation(instance(PROVISIONING), app(), operations=[PROJECT, refused]))
    assert observed(verdict).built_from_calls
    assert observed(verdict).status is PROVISIONING
    s = situation(instance(PROVISIONING, built_from_calls=True), app(), operations=[PROJECT, refused])
    assert kinds(decide(s)) == {OperationKind.SERVICE_CREATE}


def test_a_template_of_which_something_landed_is_not_built_again_but_given_up() -> None:
    broken = operation(
        OperationKind.TEMPLATE_DEPLOY, "template", OperationState.FAILED, error="no", result={"landed": True}
    )
    done = observed(decide(situation(instance(PROVISIONING), app(), operations=[PROJECT, broken])))
    assert (done.status, done.undoing, done.error) == (InstanceStatus.DELETING, True, "no")


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        pytest.param([PROJECT], [f"service:{key}" for key in KEYS], id="services, all in one request"),
        pytest.param(MADE, [POSTGRES_VOLUME], id="then volumes, one by one"),
        pytest.param([*MADE, volume(POSTGRES_VOLUME)], [REDIS_VOLUME], id="then the next volume"),
    ],
)
def test_single_calls_come_in_order(done: list[ProviderOperation], expected: list[str]) -> None:
    verdict = decide(situation(instance(PROVISIONING), app(), operations=done, from_calls=True))
    assert sent(verdict) == tuple(expected)


def test_a_volume_is_told_from_those_that_were_made_before() -> None:
    done = [*MADE, volume(POSTGRES_VOLUME)]
    verdict = decide(situation(instance(PROVISIONING), app(), operations=done, from_calls=True))
    assert isinstance(verdict, Write)
    assert verdict.intents[0].request == {"mount": "/data", "before": ["volume-1"]}


VOLUMES = (volume(POSTGRES_VOLUME, "volume-1"), volume(REDIS_VOLUME, "volume-2"))


def test_settings_and_domains_are_one_request() -> None:
    s = situation(instance(PROVISIONING), app(), operations=[*MADE, *VOLUMES], from_calls=True)
    assert sent(decide(s)) == ("configure", f"domain:{APP_KEY}:1")


def test_before_settings_are_sent_again_it_is_looked_whether_volumes_are_in_place() -> None:
    again = operation(OperationKind.CONFIGURE, "configure", OperationState.INTENDED)
    done = [*MADE, *VOLUMES, again]
    blind = situation(instance(PROVISIONING), app(), operations=done, from_calls=True)
    assert looked_at(decide(blind)) == {ENVIRONMENT}
    seen = whole_environment(app(), None)
    s = situation(instance(PROVISIONING), app(), operations=done, from_calls=True, seen=seen)
    assert sent(decide(s)) == ("configure", f"domain:{APP_KEY}:1")


def test_a_document_without_volumes_is_configured_without_a_look() -> None:
    done = [PROJECT, operation(OperationKind.SERVICE_CREATE, "service:web")]
    verdict = decide(situation(instance(PROVISIONING), operations=done, from_calls=True))
    assert sent(verdict) == ("configure",)


def test_a_bucket_is_made_before_anything_is_configured() -> None:
    template = Template.parse({**WEB_DOCUMENT, "buckets": {"files": {"name": "files"}}})
    done = [PROJECT, operation(OperationKind.SERVICE_CREATE, "service:web")]
    verdict = decide(situation(instance(PROVISIONING), template, operations=done, from_calls=True))
    assert sent(verdict) == ("bucket:files",)


def test_when_everything_is_made_it_is_deploying_without_limits() -> None:
    done = [
        PROJECT,
        operation(OperationKind.SERVICE_CREATE, "service:web"),
        operation(OperationKind.CONFIGURE, "configure"),
    ]
    verdict = decide(situation(instance(PROVISIONING), operations=done, from_calls=True))
    made = observed(verdict)
    assert made.status is InstanceStatus.DEPLOYING
    assert made.applied is not None
    assert made.applied.limits == ServiceLimits()


def test_only_what_is_still_to_be_sent_is_sent() -> None:
    done = [PROJECT, operation(OperationKind.SERVICE_CREATE, f"service:{POSTGRES_KEY}")]
    verdict = decide(situation(instance(PROVISIONING), app(), operations=done, from_calls=True))
    assert sent(verdict) == (f"service:{APP_KEY}", f"service:{REDIS_KEY}")


REFUSED = [
    pytest.param(OperationKind.SERVICE_CREATE, "service:web", id="service"),
    pytest.param(OperationKind.CONFIGURE, "configure", id="settings"),
]


@pytest.mark.parametrize(("kind", "key"), REFUSED)
def test_a_refused_call_undoes_what_was_made_and_gives_up_what_is_open(kind: OperationKind, key: str) -> None:
    refused = operation(kind, key, OperationState.FAILED, error="Railway says no")
    open_one = operation(OperationKind.VOLUME_CREATE, "volume:web:/data", OperationState.INTENDED)
    operations = [PROJECT, refused, open_one]
    s = situation(instance(PROVISIONING), operations=operations, from_calls=True, sights={PROJECTS: found()})
    verdict = decide(s)
    done = observed(verdict)
    assert (done.status, done.undoing, done.attention) == (InstanceStatus.DELETING, True, None)
    assert done.error == "Railway says no"
    assert states(verdict) == {"volume:web:/data": OperationState.ABANDONED}
    assert [event.step for event in recorded(verdict).events] == ["error", "delete"]


@pytest.mark.parametrize(("kind", "key"), REFUSED)
def test_a_refused_call_parks_it_where_that_is_wished(kind: OperationKind, key: str) -> None:
    refused = operation(kind, key, OperationState.FAILED, error="Railway says no")
    s = situation(
        instance(PROVISIONING),
        operations=[PROJECT, refused],
        from_calls=True,
        sights={PROJECTS: found()},
        settings=ManagerSettings(failed_deploy="park"),
    )
    done = observed(decide(s))
    assert (done.status, done.undoing, done.attention) == (PROVISIONING, False, "Railway says no")


SERVICE_REFUSED = operation(OperationKind.SERVICE_CREATE, "service:web", OperationState.FAILED)
IN_VAIN = [
    pytest.param([SERVICE_REFUSED], id="a service is refused"),
    pytest.param(
        [operation(OperationKind.TEMPLATE_DEPLOY, "template", OperationState.FAILED), SERVICE_REFUSED],
        id="the template and a service are refused",
    ),
    pytest.param(
        [operation(OperationKind.TEMPLATE_DEPLOY, "template", OperationState.INTENDED, attempts=2)],
        id="the template is refused for a second time",
    ),
]


@pytest.mark.parametrize("vain", IN_VAIN)
def test_where_nothing_can_be_made_the_project_is_looked_for_by_its_marker(
    vain: list[ProviderOperation],
) -> None:
    of = instance(PROVISIONING, built_from_calls=True)
    before = situation(of, operations=[PROJECT, *vain])
    assert looked_at(decide(before)) == {PROJECTS}
    verdict = decide(situation(of, operations=[PROJECT, *vain], sights={PROJECTS: found("project-2")}))
    assert observed(verdict).project_id == "project-2"
    assert not observed(verdict).built_from_calls
    changed = recorded(verdict).operations
    assert {(one.key, one.state, one.attempts) for one in changed} == {
        (one.key, OperationState.INTENDED, 0) for one in vain
    }


@pytest.mark.parametrize("search", [found(), found("project-2", marked=False), NOTHING_FOUND])
def test_it_is_given_up_where_there_is_no_other_project_of_its(search: ProjectSearch) -> None:
    s = situation(
        instance(PROVISIONING),
        operations=[PROJECT, SERVICE_REFUSED],
        from_calls=True,
        sights={PROJECTS: search},
    )
    assert observed(decide(s)).status is InstanceStatus.DELETING


@pytest.mark.parametrize("state", [OperationState.CONFIRMED, OperationState.SENT])
def test_what_could_be_made_is_in_the_right_project(state: OperationState) -> None:
    made = operation(OperationKind.SERVICE_CREATE, "service:other", state)
    s = situation(instance(PROVISIONING), operations=[PROJECT, SERVICE_REFUSED, made], from_calls=True)
    assert PROJECTS not in (looked_at(verdict) if isinstance(verdict := decide(s), Look) else set())


def test_a_refused_project_ends_as_failed_and_frees_the_slot() -> None:
    refused = operation(OperationKind.PROJECT_CREATE, "project", OperationState.FAILED, error="no", sent=None)
    s = situation(instance(PROVISIONING, project_id=None, environment_id=None), operations=[refused])
    s_deleting = situation(recorded(decide(s)).instance, operations=[refused])
    ended = recorded(decide(s_deleting)).instance
    assert ended.status is InstanceStatus.FAILED
    assert not ended.holds_slot


def test_what_is_seen_for_the_first_time_is_written_down_before_anything_else() -> None:
    s = situation(
        instance(InstanceStatus.DEPLOYING),
        services=(),
        seen=environment("web"),
        news=True,
        operations=[PROJECT],
    )
    change = recorded(decide(s))
    assert change.services is not None
    assert [(row.template_key, row.status) for row in change.services] == [("web", "SUCCESS")]
    assert [one.railway_deployment_id for one in change.deployments] == ["dep-web"]
    assert change.instance.observed.primary_service_id == "svc-web"
    assert change.instance.observed.seen_at == NOW
