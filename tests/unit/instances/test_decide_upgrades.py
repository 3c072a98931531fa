"""From one revision to another, and back when it does not come up."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.instances import Applied, Rollout
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.effects import confirm, refuse
from railway_saas.instances.steps import STAGED, Write
from railway_saas.railway.models.variables import Variables
from railway_saas.templates import Template
from tests.support.situations import (
    ENVIRONMENT,
    NEXT_REVISION,
    PROJECT,
    REVISION,
    WEB_DOCUMENT,
    Sight,
    SightKind,
    after,
    ago,
    decide,
    environment,
    instance,
    kinds,
    looked_at,
    observed,
    operation,
    project,
    recorded,
    rests,
    rows,
    seen_service,
    sent,
    situation,
    waits,
    web,
)

if TYPE_CHECKING:
    from railway_saas.domain.instances import Instance
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation


def document(**web_part: Any) -> dict[str, Any]:
    made = copy.deepcopy(WEB_DOCUMENT)
    made["services"]["web"].update(web_part)
    return made


def with_worker(**worker: Any) -> Template:
    made = document()
    made["services"]["worker"] = {"name": "worker", "source": {"image": "alpine:3"}, **worker}
    return Template.parse(made)


NEW_IMAGE = Template.parse(document(source={"image": "traefik/whoami:v2"}))


def upgrading(**more: Any) -> Instance:
    return instance(revision=NEXT_REVISION, generation=5, **more)


def at(template: Template, *operations: ProviderOperation, seen: Any = None, **more: Any) -> Situation:
    return situation(upgrading(**more), template, applied_template=web(), seen=seen, operations=operations)


# There ----------------------------------------------------------------------------------------------------------


def test_what_is_there_is_looked_at_first() -> None:
    assert looked_at(decide(at(NEW_IMAGE))) == {ENVIRONMENT}


def test_settings_that_changed_are_one_patch_that_names_what_is_affected() -> None:
    verdict = decide(at(NEW_IMAGE, seen=environment("web")))
    assert (sent(verdict), kinds(verdict)) == (("upgrade:5",), {OperationKind.CONFIGURE})
    assert isinstance(verdict, Write)
    assert verdict.intents[0].request["affected"] == ["web"]


def test_a_revision_without_a_difference_affects_nothing() -> None:
    verdict = decide(at(web(), seen=environment("web")))
    assert sent(verdict) == ("upgrade:5",)
    assert isinstance(verdict, Write)
    assert verdict.intents[0].request["affected"] == []


def port(number: str) -> Template:
    return web().fill({"web.PORT": number})


FIRST, SECOND = {"web.PORT": "1"}, {"web.PORT": "2"}


def test_inputs_that_changed_are_an_upgrade_to_the_same_revision() -> None:
    of = instance(inputs=SECOND, applied=Applied(revision_id=REVISION, inputs=FIRST), generation=5)
    s = situation(of, port("2"), applied_template=port("1"), seen=environment("web"))
    verdict = decide(s)
    assert sent(verdict) == ("upgrade:5",)
    patch = operation(OperationKind.CONFIGURE, "upgrade:5", request={"affected": ["web"]})
    now = confirm(s, patch, {}).instance.observed
    assert now.applied == Applied(revision_id=REVISION, inputs=SECOND, previous_inputs=FIRST)
    assert now.rollout.previous_revision_id == REVISION


def test_inputs_that_railway_refuses_are_taken_back() -> None:
    of = instance(inputs=SECOND, applied=Applied(revision_id=REVISION, inputs=FIRST))
    s = situation(of, port("2"), applied_template=port("1"), seen=environment("web"))
    change = refuse(s, operation(OperationKind.CONFIGURE, "upgrade:1"), "no")
    assert change.desired_changed
    assert change.instance.desired.config.inputs == FIRST


MADE_UP = Template.parse(document(variables={"KEY": {"defaultValue": "${{secret(16)}}"}}))
CHOSEN = Template.parse(document(variables={"KEY": {"defaultValue": "mine"}}))
VARIABLES = Sight(SightKind.VARIABLES, "svc-web")


def replacing(*, looked: bool = False, **applied: Any) -> Situation:
    of = upgrading(applied=Applied(revision_id=REVISION, **applied))
    sights = {VARIABLES: Variables({"KEY": "first", "PORT": "80"})} if looked else {}
    return situation(of, CHOSEN, applied_template=MADE_UP, seen=environment("web"), sights=sights)


def test_what_was_made_up_once_is_noted_before_the_patch_replaces_it() -> None:
    assert looked_at(decide(replacing())) == {VARIABLES}
    applied = observed(decide(replacing(looked=True))).applied
    assert applied is not None
    assert applied.previous_values == {"web": {"KEY": "first"}}
    noted_before = replacing(previous_values={"web": {"KEY": "first"}})
    assert sent(decide(noted_before)) == ("upgrade:5",)


def test_what_cannot_be_read_is_not_looked_for_for_ever() -> None:
    assert sent(decide(replacing(previous_values={"web": {}}))) == ("upgrade:5",)


def test_what_was_noted_is_forgotten_when_the_upgrade_is_refused() -> None:
    s = replacing(previous_values={"web": {"KEY": "first"}})
    applied = refuse(s, operation(OperationKind.CONFIGURE, "upgrade:5"), "no").instance.observed.applied
    assert applied == Applied(revision_id=REVISION)


def test_new_services_are_created_before_the_patch() -> None:
    verdict = decide(at(with_worker(), seen=environment("web")))
    assert (sent(verdict), kinds(verdict)) == (("service:g5:worker",), {OperationKind.SERVICE_CREATE})


WORKER_MADE = operation(OperationKind.SERVICE_CREATE, "service:g5:worker", subject="worker")


def test_a_new_service_is_waited_for_until_it_is_seen() -> None:
    assert waits(decide(at(with_worker(), WORKER_MADE, seen=environment("web")))) == 2


def test_a_new_service_gets_its_volume_then_its_domain_then_its_settings() -> None:
    template = with_worker(
        volumeMounts={"w": {"mountPath": "/data"}}, networking={"serviceDomains": {"<hasDomain>:80": {}}}
    )
    seen = environment("web", "worker")
    assert looked_at(decide(at(template, WORKER_MADE, seen=seen))) == {PROJECT}
    of = upgrading()
    there = {PROJECT: project(volumes=[{"id": "volume-1"}])}
    s = situation(of, template, applied_template=web(), seen=seen, sights=there, operations=[WORKER_MADE])
    verdict = decide(s)
    assert sent(verdict) == ("volume:g5:worker:/data",)
    assert isinstance(verdict, Write)
    assert verdict.intents[0].request == {"mount": "/data", "before": ["volume-1"]}
    applied = Applied(revision_id=REVISION, new_volumes={"worker:/data": "volume-2"})
    assert sent(decide(at(template, WORKER_MADE, seen=seen, applied=applied))) == ("domain:g5:worker:1",)
    given = operation(OperationKind.SERVICE_DOMAIN_CREATE, "domain:g5:worker:1")
    verdict = decide(at(template, WORKER_MADE, given, seen=seen, applied=applied))
    assert sent(verdict) == ("upgrade:5",)
    assert isinstance(verdict, Write)
    assert "worker" in verdict.intents[0].request["affected"]


def test_an_upgrade_waits_for_a_restore_that_is_staged() -> None:
    held = operation(OperationKind.BACKUP_RESTORE, "restore:1", OperationState.INTENDED, sent=None)
    assert looked_at(decide(at(NEW_IMAGE, held, seen=environment("web")))) == {STAGED}


@pytest.mark.parametrize("status", [InstanceStatus.STOPPED, InstanceStatus.SUSPENDED])
def test_nothing_is_upgraded_while_it_is_off(status: InstanceStatus) -> None:
    of = instance(status, wanted=DesiredStatus(status), revision=NEXT_REVISION)
    s = situation(of, NEW_IMAGE, applied_template=web(), seen=environment(seen_service("web", "REMOVED")))
    assert rests(decide(s)) == 900


def test_a_patch_that_landed_makes_the_revision_the_applied_one_and_rolls_out() -> None:
    patch = operation(OperationKind.CONFIGURE, "upgrade:5", request={"affected": ["web"]})
    change = confirm(at(NEW_IMAGE, seen=environment("web")), patch, {})
    now = change.instance.observed
    assert now.applied is not None
    assert now.applied.revision_id == NEXT_REVISION
    assert (now.rollout.pending, now.rollout.previous_revision_id) == (("web",), REVISION)
    assert not now.rollout.rolling_back


@pytest.mark.parametrize(
    "kind", [OperationKind.CONFIGURE, OperationKind.SERVICE_CREATE, OperationKind.VOLUME_CREATE]
)
def test_an_upgrade_that_is_refused_before_it_began_is_taken_back(kind: OperationKind) -> None:
    change = refuse(at(NEW_IMAGE, seen=environment("web")), operation(kind, "it"), "no")
    assert change.desired_changed
    assert change.instance.desired.revision_id == REVISION
    assert change.instance.observed.error == "no"


# Rolling out ----------------------------------------------------------------------------------------------------

APPLIED = Applied(revision_id=NEXT_REVISION)
UPGRADING = Rollout(number=2, watching=("deploy:2:web",), started_at=ago(10), previous_revision_id=REVISION)
DEPLOYED = operation(
    OperationKind.SERVICE_DEPLOY, "deploy:2:web", subject="web", request={"before": "dep-old"}
)


def test_an_upgrade_is_done_when_everything_came_up() -> None:
    upgraded = replace(APPLIED, previous_inputs=FIRST, previous_values={"web": {"KEY": "first"}})
    s = at(NEW_IMAGE, DEPLOYED, seen=environment("web"), applied=upgraded, rollout=UPGRADING)
    verdict = decide(s)
    assert observed(verdict).rollout == Rollout(number=2)
    assert observed(verdict).applied == APPLIED
    assert observed(verdict).status is InstanceStatus.RUNNING
    assert [event.step for event in recorded(verdict).events] == ["upgrade"]


def test_an_upgrade_that_needs_no_deployment_is_done_at_once() -> None:
    nothing = Rollout(number=2, started_at=ago(10), previous_revision_id=REVISION)
    s = at(NEW_IMAGE, seen=environment("web"), applied=APPLIED, rollout=nothing)
    assert observed(decide(s)).rollout == Rollout(number=2)


@pytest.mark.parametrize("status", ["FAILED", "CRASHED"])
def test_an_upgrade_that_does_not_come_up_goes_back(status: str) -> None:
    seen = environment(seen_service("web", status))
    s = at(NEW_IMAGE, DEPLOYED, seen=seen, applied=APPLIED, rollout=UPGRADING)
    change = recorded(decide(s))
    assert change.desired_changed
    assert change.instance.desired.revision_id == REVISION
    assert change.instance.desired.generation == 6
    assert change.instance.observed.rollout == Rollout(number=2, rolling_back=True)
    assert str(change.instance.observed.error).startswith("the upgrade was rolled back: web ")


def test_inputs_go_back_with_their_revision() -> None:
    own = {"web": {"A": "1"}}
    applied = Applied(revision_id=REVISION, inputs=SECOND, previous_inputs=FIRST, variables=own)
    of = instance(inputs=SECOND, variables=own, applied=applied, rollout=UPGRADING)
    seen = environment(seen_service("web", "FAILED"))
    change = recorded(decide(situation(of, port("2"), seen=seen, operations=[DEPLOYED])))
    config = change.instance.desired.config
    assert (config.inputs, config.variables) == (FIRST, {"web": {"A": "1"}})


def test_an_upgrade_that_takes_too_long_goes_back() -> None:
    late = Rollout(number=2, watching=UPGRADING.watching, started_at=ago(901), previous_revision_id=REVISION)
    seen = environment(seen_service("web", "BUILDING"))
    s = at(NEW_IMAGE, DEPLOYED, seen=seen, applied=APPLIED, rollout=late)
    assert recorded(decide(s)).instance.desired.revision_id == REVISION


def test_an_upgrade_whose_deployment_is_refused_goes_back() -> None:
    refused = operation(
        OperationKind.SERVICE_DEPLOY, "deploy:2:web", OperationState.FAILED, error="no", subject="web"
    )
    pending = Rollout(number=2, pending=("web",), started_at=ago(10), previous_revision_id=REVISION)
    s = at(NEW_IMAGE, refused, seen=environment("web"), applied=APPLIED, rollout=pending)
    assert recorded(decide(s)).instance.desired.revision_id == REVISION


# Back -----------------------------------------------------------------------------------------------------------

WORD = "the upgrade was rolled back: web failed"


def back(
    rollout: Rollout, *operations: ProviderOperation, seen: Any, applied: Applied = APPLIED
) -> Situation:
    of = instance(generation=6, applied=applied, rollout=rollout, error=WORD)
    return situation(of, web(), applied_template=NEW_IMAGE, seen=seen, operations=operations)


def test_the_way_back_is_a_patch_like_the_way_there() -> None:
    verdict = decide(back(Rollout(number=2, rolling_back=True), seen=environment("web")))
    assert sent(verdict) == ("upgrade:6",)
    assert isinstance(verdict, Write)
    assert (verdict.step, verdict.intents[0].request["affected"]) == ("rollback", ["web"])


def test_the_patch_of_the_way_back_keeps_the_word_and_has_no_further_way_back() -> None:
    patch = operation(OperationKind.CONFIGURE, "upgrade:6", request={"affected": ["web"]})
    noted = replace(APPLIED, previous_values={"web": {"KEY": "first"}})
    s = back(Rollout(number=2, rolling_back=True), seen=environment("web"), applied=noted)
    now = confirm(s, patch, {}).instance.observed
    assert now.error == WORD
    assert now.applied == Applied(revision_id=REVISION)
    assert (now.rollout.rolling_back, now.rollout.previous_revision_id) == (True, None)
    assert (now.rollout.number, now.rollout.pending) == (3, ("web",))


RETURNING = Rollout(number=3, watching=("deploy:3:web",), started_at=ago(10), rolling_back=True)
RETURNED = operation(
    OperationKind.SERVICE_DEPLOY, "deploy:3:web", subject="web", request={"before": "dep-old"}
)
APPLIED_BEFORE = Applied(revision_id=REVISION)


def test_the_revision_before_runs_again_and_says_why() -> None:
    s = back(RETURNING, RETURNED, seen=environment("web"), applied=APPLIED_BEFORE)
    verdict = decide(s)
    now = observed(verdict)
    assert (now.status, now.error, now.rollout) == (InstanceStatus.RUNNING, WORD, Rollout(number=3))
    assert [event.step for event in recorded(verdict).events] == ["rollback"]


def test_a_way_back_that_fails_needs_an_operator_and_can_be_tried_again() -> None:
    seen = environment(seen_service("web", "CRASHED"))
    s = back(RETURNING, RETURNED, seen=seen, applied=APPLIED_BEFORE)
    verdict = decide(s)
    now = observed(verdict)
    assert str(now.attention).startswith("the upgrade failed, and the way back, too: web crashed")
    assert now.rollout == Rollout(number=4, pending=("web",), rolling_back=True)
    assert rests(decide(after(s, verdict))) is None


def test_a_way_back_that_needs_no_deployment_is_over() -> None:
    nothing = Rollout(number=2, rolling_back=True)
    s = back(nothing, seen=environment("web"), applied=APPLIED_BEFORE)
    assert observed(decide(s)).rollout == Rollout(number=2)


# Leftovers ------------------------------------------------------------------------------------------------------


def leftover(*operations: ProviderOperation, **more: Any) -> Situation:
    """The revision without the worker runs; its service is still there."""
    seen = environment("web", "worker")
    known = rows(with_worker(), seen)
    return situation(instance(**more), seen=seen, services=known, operations=operations)


def test_what_the_revision_does_not_have_is_deleted_once_it_runs() -> None:
    verdict = decide(leftover())
    assert (sent(verdict), kinds(verdict)) == (("leftover:svc-worker",), {OperationKind.SERVICE_DELETE})
    assert isinstance(verdict, Write)
    assert verdict.intents[0].request == {"service_id": "svc-worker"}


def test_nothing_is_deleted_before_the_upgrade_runs() -> None:
    pending = Rollout(number=2, pending=("web",), started_at=ago(10), previous_revision_id=REVISION)
    assert sent(decide(leftover(rollout=pending))) == ("deploy:2:web",)


@pytest.mark.parametrize("state", [OperationState.CONFIRMED, OperationState.FAILED])
def test_what_is_deleted_or_cannot_be_is_left_in_peace(state: OperationState) -> None:
    done = operation(OperationKind.SERVICE_DELETE, "leftover:svc-worker", state)
    assert rests(decide(leftover(done))) == 900


def test_what_an_upgrade_made_is_deleted_after_the_way_back() -> None:
    there = rows(with_worker(), environment("web", "worker"))
    of = instance(generation=6, rollout=Rollout(number=3), error=WORD)
    verdict = decide(situation(of, seen=environment("web", "worker"), services=there))
    assert sent(verdict) == ("leftover:svc-worker",)
