"""Who is told of what, in the transaction that records it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain import InstanceStatus, new_id
from railway_saas.domain.instances import InstanceEvent
from reference_server.data.notifications import template_of
from tests.server.jobs.conftest import EMAIL, deployed, owner_of

if TYPE_CHECKING:
    from railway_saas.domain import Instance
    from reference_server.composition import Platform

S = InstanceStatus


@pytest.mark.parametrize(
    ("before", "after", "template"),
    [
        (S.DEPLOYING, S.RUNNING, "instance_running"),
        (S.ACCEPTED, S.SLEEPING, "instance_running"),
        (S.CRASHED, S.RUNNING, None),
        (S.SLEEPING, S.RUNNING, None),
        (S.STOPPED, S.RUNNING, None),
        (None, S.RUNNING, None),
        (S.RUNNING, S.CRASHED, "instance_crashed"),
        (S.CRASHED, S.CRASHED, None),
        (S.DELETING, S.FAILED, "instance_failed"),
        (S.DELETING, S.DELETED, "instance_deleted"),
        (S.RUNNING, S.DELETING, None),
        (S.RUNNING, S.STOPPED, None),
        (None, S.ACCEPTED, None),
    ],
)
def test_what_is_news_to_an_owner(before: S | None, after: S, template: str | None) -> None:
    assert template_of(before, after) == template


def events(
    platform: Platform, instance: Instance, *told: tuple[S, str], hours: float = 0
) -> list[InstanceEvent]:
    at = platform.now() + timedelta(hours=hours)
    return [
        InstanceEvent(
            id=new_id(at), instance_id=instance.id, at=at, step=step, message=f"it is {status}", status=status
        )
        for status, step in told
    ]


def record(platform: Platform, found: list[InstanceEvent], *, commit: bool = True) -> None:
    with platform.database.unit_of_work() as work:
        work.events.append(found)
        if commit:
            work.commit()


def mails(platform: Platform) -> list[tuple[str, str]]:
    with platform.database.unit_of_work() as work:
        return [
            (one.payload["template"], one.payload["to"]) for one in work.outbox.list_page(topic="mail").items
        ]


def test_an_owner_hears_of_the_first_run_of_crashes_and_of_the_end(worker: Platform) -> None:
    instance = deployed(worker, owner_of(worker))
    record(worker, events(worker, instance, (S.DEPLOYING, "deploy")))
    record(worker, events(worker, instance, (S.RUNNING, "status")))
    record(worker, events(worker, instance, (S.RUNNING, "status")))
    record(worker, events(worker, instance, (S.CRASHED, "error")))
    record(worker, events(worker, instance, (S.RUNNING, "status")))
    record(worker, events(worker, instance, (S.CRASHED, "error")))  # within the hour
    record(worker, events(worker, instance, (S.RUNNING, "status"), hours=2))
    record(worker, events(worker, instance, (S.CRASHED, "error"), hours=2))
    record(worker, events(worker, instance, (S.DELETING, "delete"), hours=2))
    record(worker, events(worker, instance, (S.DELETED, "delete"), hours=2))
    assert mails(worker) == [
        ("instance_running", EMAIL),
        ("instance_crashed", EMAIL),
        ("instance_crashed", EMAIL),
        ("instance_deleted", EMAIL),
    ]


def test_what_is_not_recorded_is_not_told(worker: Platform) -> None:
    instance = deployed(worker, owner_of(worker))
    record(worker, events(worker, instance, (S.RUNNING, "status")), commit=False)
    assert mails(worker) == []


def test_administrators_hear_of_what_needs_a_decision_each_once(worker: Platform) -> None:
    instance = deployed(worker, owner_of(worker))
    for name in ("root", "ops"):
        owner_of(worker, f"{name}@example.com", role="admin")
    record(worker, events(worker, instance, (S.DEPLOYING, "attention")))
    assert sorted(mails(worker)) == [
        ("needs_attention", "ops@example.com"),
        ("needs_attention", "root@example.com"),
    ]


def test_an_instance_whose_owner_has_no_account_here_troubles_nobody(worker: Platform) -> None:
    instance = deployed(worker, new_id(worker.now()))
    record(worker, events(worker, instance, (S.FAILED, "delete")))
    assert mails(worker) == []


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    def test_the_same(self, worker: Platform) -> None:
        instance = deployed(worker, owner_of(worker))
        record(worker, events(worker, instance, (S.RUNNING, "status")))
        assert mails(worker) == [("instance_running", EMAIL)]
