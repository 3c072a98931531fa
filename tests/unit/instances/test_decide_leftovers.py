"""Volumes that an upgrade made and that nothing needs: only those, and only once nothing else is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.instances import Applied, Rollout
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.deciding import keys_of_interest
from railway_saas.instances.effects import confirm, refuse
from railway_saas.templates import Template
from tests.support.situations import (
    ENVIRONMENT,
    NEXT_REVISION,
    PROJECT,
    REVISION,
    ago,
    decide,
    environment,
    instance,
    kinds,
    looked_at,
    observed,
    operation,
    project,
    rests,
    rows,
    seen_service,
    seen_volume,
    sent,
    situation,
    web,
)

if TYPE_CHECKING:
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation

CACHE = seen_volume("cache", "/data")
"""What an upgrade made, as `volume-cache`."""
DETACHED = {**CACHE, "serviceId": None}
DELETE = "unneeded:3:volume-cache"


def with_cache() -> Template:
    return Template.parse(
        {
            "services": {
                "web": web().serialize()["services"]["web"],  # type: ignore[index, call-overload]
                "cache": {
                    "name": "cache",
                    "source": {"image": "x"},
                    "volumeMounts": {"c": {"mountPath": "/data"}},
                },
            }
        }
    )


# Whose it is --------------------------------------------------------------------------------------------------------


def made(**request: Any) -> ProviderOperation:
    return operation(
        OperationKind.VOLUME_CREATE,
        "volume:g5:cache:/data",
        OperationState.SENT,
        subject="cache",
        request={"mount": "/data", **request},
    )


def upgrading(**applied: Any) -> Situation:
    of = instance(revision=NEXT_REVISION, applied=Applied(revision_id=REVISION, **applied), generation=5)
    return situation(of, with_cache(), applied_template=web(), seen=environment("web"))


def test_a_volume_that_an_upgrade_makes_is_remembered_until_that_runs() -> None:
    change = confirm(upgrading(), made(before=["volume-web"]), {"volume_id": "volume-cache"})
    applied = change.instance.observed.applied
    assert applied is not None
    assert applied.new_volumes == {"cache:/data": "volume-cache"}


def test_a_volume_that_was_there_before_is_nobodys_to_delete() -> None:
    change = confirm(upgrading(), made(before=["volume-cache"]), {"volume_id": "volume-cache"})
    assert change.instance.observed.applied == Applied(revision_id=REVISION)


def test_volumes_of_the_first_build_are_the_instances() -> None:
    of = instance(InstanceStatus.PROVISIONING)
    change = confirm(situation(of), made(), {"volume_id": "volume-cache"})
    assert change.instance.observed.applied is None


ROLLOUT = Rollout(number=3, watching=("deploy:3:web",), started_at=ago(10), previous_revision_id=REVISION)
DEPLOYED = operation(
    OperationKind.SERVICE_DEPLOY, "deploy:3:web", subject="web", request={"before": "dep-old"}
)
NEW = {"cache:/data": "volume-cache"}


def coming_up(status: str) -> Situation:
    applied = Applied(revision_id=NEXT_REVISION, new_volumes=NEW, unneeded_volumes=("volume-old",))
    of = instance(revision=NEXT_REVISION, applied=applied, rollout=ROLLOUT)
    seen = environment(seen_service("web", status), "cache", volumes=[CACHE])
    return situation(of, with_cache(), seen=seen, operations=[DEPLOYED])


def test_once_the_upgrade_runs_its_volumes_are_needed() -> None:
    applied = observed(decide(coming_up("SUCCESS"))).applied
    assert applied is not None
    assert (applied.new_volumes, applied.unneeded_volumes) == ({}, ("volume-old",))


def test_volumes_of_services_that_it_removes_are_needed_no_more() -> None:
    volumes = [CACHE, seen_volume("web", "/store"), seen_volume("other", "/data", serviceId=None)]
    seen = environment("web", "cache", volumes=volumes)
    of = instance(revision=NEXT_REVISION, applied=Applied(revision_id=NEXT_REVISION), rollout=ROLLOUT)
    known = rows(with_cache(), environment("web", "cache"))
    s = situation(of, seen=seen, services=known, operations=[DEPLOYED])
    applied = observed(decide(s)).applied
    assert applied is not None
    assert applied.unneeded_volumes == ("volume-cache",)


def test_when_it_fails_they_are_not() -> None:
    applied = observed(decide(coming_up("FAILED"))).applied
    assert applied is not None
    assert (applied.new_volumes, applied.unneeded_volumes) == ({}, ("volume-old", "volume-cache"))


def test_nor_when_railway_refuses_the_patch() -> None:
    refused = refuse(upgrading(new_volumes=NEW), operation(OperationKind.CONFIGURE, "upgrade:5"), "no")
    applied = refused.instance.observed.applied
    assert applied is not None
    assert (applied.new_volumes, applied.unneeded_volumes) == ({}, ("volume-cache",))


# Deleting them ------------------------------------------------------------------------------------------------------


def left(
    *volumes: dict[str, Any],
    operations: Any = (),
    in_project: tuple[str, ...] = ("volume-web", "volume-cache"),
    looked: bool = True,
    template: Template | None = None,
    **more: Any,
) -> Situation:
    """The revision before runs again, and a volume is left."""
    applied = Applied(revision_id=REVISION, unneeded_volumes=("volume-cache",))
    of = instance(applied=applied, rollout=more.pop("rollout", Rollout(number=3)), **more)
    seen = environment("web", *(["cache"] if template else []), volumes=volumes)
    sights = {PROJECT: project(volumes=[{"id": one} for one in in_project])} if looked else {}
    return situation(of, template, seen=seen, sights=sights, operations=operations)


def test_the_project_is_looked_at_first() -> None:
    assert looked_at(decide(left(DETACHED, looked=False))) == {PROJECT}
    blind = situation(left().instance)
    assert looked_at(decide(blind)) == {PROJECT, ENVIRONMENT}


@pytest.mark.parametrize("volumes", [[DETACHED], [CACHE], []], ids=["detached", "mounted", "never mounted"])
def test_what_nothing_needs_is_deleted(volumes: list[dict[str, Any]]) -> None:
    verdict = decide(left(*volumes))
    assert (sent(verdict), kinds(verdict)) == ((DELETE,), {OperationKind.VOLUME_DELETE})


def test_the_operation_is_looked_up() -> None:
    assert DELETE in keys_of_interest(left(DETACHED))


def test_services_go_before_their_volumes() -> None:
    seen = environment("web", "cache", volumes=[CACHE])
    s = left(CACHE)
    s = situation(
        s.instance, seen=seen, services=rows(with_cache(), seen), sights=dict(s.seen) | {ENVIRONMENT: seen}
    )
    assert sent(decide(s)) == ("leftover:svc-cache",)


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(left(in_project=("volume-web",)), id="it is gone"),
        pytest.param(left({**DETACHED, "isPendingDeletion": True}), id="it is being deleted"),
        pytest.param(left(CACHE, template=with_cache()), id="the next upgrade has use for it"),
    ],
)
def test_what_is_gone_or_of_use_is_forgotten(there: Situation) -> None:
    assert observed(decide(there)).applied == Applied(revision_id=REVISION)


def test_once_railway_has_deleted_it_it_is_forgotten() -> None:
    done = operation(OperationKind.VOLUME_DELETE, DELETE, request={"volume_id": "volume-cache"})
    change = confirm(left(DETACHED), done, {})
    assert change.instance.observed.applied == Applied(revision_id=REVISION)


def test_what_railway_refuses_to_delete_needs_an_operator() -> None:
    refused = operation(
        OperationKind.VOLUME_DELETE, DELETE, OperationState.FAILED, error="a backup is running"
    )
    attention = observed(decide(left(DETACHED, operations=[refused]))).attention
    assert (
        attention
        == "volume volume-cache is not needed, and Railway refuses to delete it: a backup is running"
    )


def test_nothing_is_deleted_on_the_way_back() -> None:
    pending = Rollout(number=3, pending=("web",), started_at=ago(10), rolling_back=True)
    assert sent(decide(left(DETACHED, rollout=pending))) == ("deploy:3:web",)


def test_nothing_is_deleted_while_it_is_off() -> None:
    of = instance(
        InstanceStatus.STOPPED,
        wanted=DesiredStatus.STOPPED,
        applied=Applied(revision_id=REVISION, unneeded_volumes=("volume-cache",)),
    )
    seen = environment(seen_service("web", "REMOVED"), volumes=[DETACHED])
    assert rests(decide(situation(of, seen=seen))) == 900
