"""Every job of the table: it runs, and may run twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from railway_saas.domain import InstanceStatus, UsageMetric, new_id
from railway_saas.domain.instances import InstanceEvent
from railway_saas.errors import RailwayConnectionError
from railway_saas.repositories.sqlalchemy.models import OutboxRow
from reference_server.data.models import (
    IdempotentRequestRow,
    InventoryReportRow,
    LoginFailureRow,
    OneTimeTokenRow,
    SessionRow,
    UsageDayRow,
    WorkerRow,
)
from reference_server.jobs import cleaning, engine
from reference_server.jobs.engine import Call, JobFailedError, Pulse, Runner, Ticker, told_of
from reference_server.jobs.instance_work import reconcile
from reference_server.jobs.port import RECONCILE, SEND_MAIL
from reference_server.jobs.table import JOBS, Job
from reference_server.jobs.upkeep import BEAT_S, DEAD_AFTER_S, live_workers, note_beat
from reference_server.mail.messages import mail
from reference_server.observability.context import current_fields, logging_with
from reference_server.security.origin import current_origin
from reference_server.security.scope import SYSTEM, current_scope
from tests.server.jobs.conftest import deployed, owner_of
from tests.server.jobs.test_queue import begin, queue_of, waiting

if TYPE_CHECKING:
    from railway_saas.emulator import Emulator
    from reference_server.composition import Platform
    from reference_server.jobs.dbos_queue import Wish

BY_NAME = {job.name: job for job in JOBS}


def run(platform: Platform, name: str, subject: str = "") -> str:
    return Runner(platform, _never).run(BY_NAME[name], Call(subject, "key"))


def _never(wish: Wish) -> None:
    raise AssertionError(f"{wish.job} was tried again")


def rows(platform: Platform, model: Any) -> int:
    with platform.database.unit_of_work() as work:
        return work.session.scalar(select(func.count()).select_from(model)) or 0


# The table ------------------------------------------------------------------------------------------------------------


def test_the_table_says_of_every_job_what_it_does_and_what_when_it_is_late() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
    for job in JOBS:
        assert job.does, job.name
        assert job.late, job.name
        assert job.attempts >= 1, job.name


def test_the_documentation_has_every_job() -> None:
    text = Path("docs/server/jobs.md").read_text(encoding="utf-8")
    missing = [job.name for job in JOBS if f"`{job.name}`" not in text]
    assert missing == []


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_every_job_runs_and_may_run_twice(database: str, request: pytest.FixtureRequest) -> None:
    if database == "postgres":
        request.getfixturevalue("postgres_environment")
    worker: Platform = request.getfixturevalue("worker")
    instance = deployed(worker, owner_of(worker))
    subjects = {
        RECONCILE: str(instance.id),
        SEND_MAIL: str(instance.id),
        "retry_job": "unknown",
        "heartbeat": "w1",
        "take_over": "w1",
    }
    for job in JOBS:
        if job.name == "ensure_webhook_rule":  # needs a public address: see below
            continue
        for _ in range(2):
            assert run(worker, job.name, subjects.get(job.name, "")), job.name


# Instances ------------------------------------------------------------------------------------------------------------


def test_a_deploy_is_carried_to_its_end_and_its_owner_told(worker: Platform, emulator: Emulator) -> None:
    instance = deployed(worker, owner_of(worker))
    run(worker, RECONCILE, str(instance.id))
    for _ in range(60):
        emulator.clock.advance(5)
        run(worker, "run_due")
    assert worker.manager.get(instance.id).status is InstanceStatus.RUNNING
    with worker.database.unit_of_work() as work:
        mails = list(work.outbox.list_page(topic="mail"))
    assert [one.payload["template"] for one in mails] == ["instance_running"]
    for one in mails:
        run(worker, SEND_MAIL, str(one.id))
    files = list((worker.settings.data_dir / "mailbox").glob("*.eml"))
    assert len(files) == 1
    assert "shop is running" in files[0].read_text()


def test_an_instance_that_is_gone_is_no_failure(worker: Platform) -> None:
    assert run(worker, RECONCILE, str(new_id(worker.now()))) == "it is gone"


def test_the_control_loop_is_not_woken_while_nothing_is_due(worker: Platform) -> None:
    needed = BY_NAME["run_due"].is_needed
    assert needed is not None
    assert not needed(worker)
    deployed(worker, owner_of(worker))
    assert needed(worker)


def test_the_inventory_is_kept_and_nothing_is_repaired(worker: Platform, emulator: Emulator) -> None:
    instance = deployed(worker, owner_of(worker))
    run(worker, RECONCILE, str(instance.id))
    emulator.clock.advance(7200)
    with worker.database.unit_of_work() as work:
        project_id = work.instances.get(instance.id).observed.project_id
    worker.railway.projects.delete(project_id or "")
    run(worker, "take_inventory")
    with worker.database.unit_of_work() as work:
        kept = work.session.scalars(select(InventoryReportRow)).one().report
    assert [found["kind"] for found in kept["discrepancies"]] == ["ghost"]
    assert worker.manager.get(instance.id).status is not InstanceStatus.FAILED


class TestTheWebhookRule:
    @pytest.fixture(autouse=True)
    def _public(self, environment: dict[str, str]) -> None:
        environment["BASE_URL"] = "https://platform.example.com"
        environment["RAILWAY_WEBHOOK_SECRETS"] = "a-secret-of-forty-characters-0123456789"

    def test_it_is_made_once(self, worker: Platform) -> None:
        needed = BY_NAME["ensure_webhook_rule"].is_needed
        assert needed is not None
        assert needed(worker)
        assert run(worker, "ensure_webhook_rule") == "made a rule"
        assert run(worker, "ensure_webhook_rule") == "the rule is there"


def test_the_webhook_rule_is_not_for_one_laptop(worker: Platform) -> None:
    needed = BY_NAME["ensure_webhook_rule"].is_needed
    assert needed is not None
    assert not needed(worker)


# Usage ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_hours_are_rolled_up_and_late_ones_again(database: str, request: pytest.FixtureRequest) -> None:
    if database == "postgres":
        request.getfixturevalue("postgres_environment")
    worker: Platform = request.getfixturevalue("worker")
    owner = owner_of(worker)
    instance = deployed(worker, owner)
    today = worker.now().replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = today - timedelta(days=1)

    def record(at: datetime, value: str) -> None:
        metric = UsageMetric(
            instance_id=instance.id,
            metric_type="CPU_USAGE",
            value=Decimal(value),
            unit="vcpu_minutes",
            recorded_at=at,
        )
        with worker.database.unit_of_work() as work:
            work.usage.record([metric])
            work.commit()

    def days() -> dict[Any, Decimal]:
        with worker.database.unit_of_work() as work:
            found = work.session.scalars(select(UsageDayRow)).all()
            assert {row.user_id for row in found} <= {owner}
            return {row.day: row.value for row in found}

    record(yesterday, "1.5")
    record(yesterday + timedelta(hours=23), "2.25")
    record(today, "4")
    for _ in range(2):
        run(worker, "roll_up_usage")
        assert days() == {yesterday.date(): Decimal("3.75"), today.date(): Decimal(4)}
    # The collector is done with all hours before yesterday noon, so it may yet write later ones.
    with worker.database.unit_of_work() as work:
        work.usage.set_watermark(f"usage-final:{worker.workspace_id}", yesterday + timedelta(hours=12))
        work.commit()
    run(worker, "roll_up_usage")
    record(yesterday + timedelta(hours=13), "0.000000001")
    record(yesterday + timedelta(hours=23), "2")
    run(worker, "roll_up_usage")
    assert days()[yesterday.date()] == Decimal("3.500000001")


# Clean-up -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_what_is_over_goes_by_batches_and_what_is_not_stays(
    database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database == "postgres":
        request.getfixturevalue("postgres_environment")
    worker: Platform = request.getfixturevalue("worker")
    monkeypatch.setattr(cleaning, "BATCH", 2)
    owner, now = owner_of(worker), worker.now()
    instance = deployed(worker, owner)
    long_ago, soon = now - timedelta(days=400), now + timedelta(days=1)

    def fill(moment: datetime, tag: str) -> None:
        with worker.database.unit_of_work() as work:
            work.session.add_all(
                [
                    SessionRow(
                        id=new_id(now),
                        user_id=owner,
                        created_at=long_ago,
                        expires_at=moment,
                        last_used_at=now,
                    ),
                    OneTimeTokenRow(
                        digest=tag,
                        purpose="verify_email",
                        user_id=owner,
                        payload={},
                        created_at=now,
                        expires_at=moment,
                    ),
                    IdempotentRequestRow(
                        user_id=owner, key=tag, request_digest="d", created_at=now, expires_at=moment
                    ),
                    LoginFailureRow(
                        email_digest=tag, failures=1, window_began_at=moment, locks=0, last_at=moment
                    ),
                    InventoryReportRow(id=new_id(now), report={}, created_at=moment),
                    WorkerRow(executor_id=tag, host="h", started_at=now, seen_at=moment),
                ]
            )
            message = mail("a@example.com", "account_locked", {}, key=tag, now=now)
            work.outbox.add(message)
            work.session.flush()
            work.session.get_one(OutboxRow, message.id).sent_at = moment
            work.events.append(
                [
                    InstanceEvent(
                        id=new_id(now),
                        instance_id=instance.id,
                        at=moment,
                        step="status",
                        message="m",
                        status=InstanceStatus.ACCEPTED,
                    )
                ]
            )
            work.commit()

    for number in range(5):
        fill(long_ago, f"old{number}")
    fill(soon, "new")
    said = run(worker, "clean_up")
    assert "sessions 5" in said
    assert "one_time_tokens 5" in said
    for model in (
        SessionRow,
        OneTimeTokenRow,
        IdempotentRequestRow,
        LoginFailureRow,
        InventoryReportRow,
        WorkerRow,
        OutboxRow,
    ):
        assert rows(worker, model) == 1, model
    with worker.database.unit_of_work() as work:
        assert all(event.at > long_ago for event in work.events.list_page(instance.id))
    assert run(worker, "clean_up") == "nothing to delete"


# Attempts -------------------------------------------------------------------------------------------------------------


def failing(*, attempts: int, error: Exception) -> Job:
    def work(_: Platform, __: str) -> str:
        raise error

    return Job(name="fails", does="fails", work=work, attempts=attempts, late="never")


def test_a_failed_attempt_is_tried_again_later_and_later_but_not_for_ever(worker: Platform) -> None:
    again: list[Wish] = []
    runner = Runner(worker, again.append)
    job = failing(attempts=4, error=RailwayConnectionError("Railway is away"))
    call = Call("s", "k", "request-1")
    for attempt in range(1, 4):
        assert "Railway is away" in runner.run(job, call)
        wish = again[-1]
        assert (wish.job, wish.subject, wish.key, wish.attempt) == ("fails", "s", "k", attempt + 1)
        assert 0.5 * 10 * 3 ** (attempt - 1) <= wish.delay_s <= 1.5 * 10 * 3 ** (attempt - 1)
        call = Call(wish.subject, wish.key, wish.request_id, wish.attempt)
    with pytest.raises(JobFailedError, match="Railway is away"):
        runner.run(job, call)
    assert len(again) == 3


def test_an_error_that_is_not_ours_is_told_without_its_text() -> None:
    assert told_of(RuntimeError("password=hunter2")) == "a fault: RuntimeError"


def test_a_job_works_as_the_platform_and_knows_its_request(worker: Platform) -> None:
    seen: list[Any] = []

    def work(_: Platform, __: str) -> str:
        seen.append((current_scope(), current_origin()))
        return "done"

    Runner(worker, _never).run(Job(name="looks", does="d", work=work, late="l"), Call("", "", "request-9"))
    scope, origin = seen[0]
    assert scope == SYSTEM
    assert (origin.request_id, origin.via) == ("request-9", "job looks")


# Ticks ----------------------------------------------------------------------------------------------------------------


def test_ticks_come_once_whatever_the_number_of_workers_and_do_not_pile_up(
    worker: Platform, emulator: Emulator
) -> None:
    queue = queue_of(worker)
    tickers = [Ticker(worker, queue) for _ in range(3)]
    for _ in range(2):
        for ticker in tickers:
            ticker.tick()
    first = sorted(waiting(queue))
    assert first == sorted(
        (job.name, "") for job in JOBS if job.is_queued and job.every_s and job.is_needed is None
    )
    emulator.clock.advance(86_400)  # nobody worked for a day
    for ticker in tickers:
        ticker.tick()
    assert sorted(waiting(queue)) == first


def test_a_loop_that_takes_long_gets_company_up_to_its_limit(worker: Platform, emulator: Emulator) -> None:
    owner = owner_of(worker)
    deployed(worker, owner)
    queue = queue_of(worker)
    ticker = Ticker(worker, queue, [BY_NAME["run_due"]])
    begun = []
    begin(worker)  # the wish of the deploy itself
    for _ in range(6):
        emulator.clock.advance(2)
        ticker.tick()
        begun += begin(worker)
    assert len(begun) == BY_NAME["run_due"].at_once


# Workers --------------------------------------------------------------------------------------------------------------


def test_work_of_a_worker_without_signs_of_life_is_taken_over(worker: Platform, emulator: Emulator) -> None:
    queue = queue_of(worker)
    with worker.database.unit_of_work() as work:
        queue.enqueue(work.session, RECONCILE, "a")
        note_beat(work.session, "dead", worker.now())
        work.commit()
    begin(worker, executor="dead")
    pulse = Pulse(worker, "alive")
    pulse.beat()
    assert queue.depth().running == 1
    emulator.clock.advance(DEAD_AFTER_S + 1)
    pulse.beat()
    assert live_workers(worker) == 1
    assert waiting(queue) == [(RECONCILE, "a")]


def test_after_a_time_without_database_nobody_is_taken_for_dead_at_once(
    worker: Platform, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = queue_of(worker)
    with worker.database.unit_of_work() as work:
        queue.enqueue(work.session, RECONCILE, "a")
        note_beat(work.session, "other", worker.now())
        work.commit()
    begin(worker, executor="other")
    clock = [100.0]
    monkeypatch.setattr(engine.time, "monotonic", lambda: clock[0])
    pulse = Pulse(worker, "alive")
    pulse.beat()
    clock[0] += 60
    emulator.clock.advance(60)
    pulse.beat()
    assert waiting(queue) == []
    for _ in range(6):
        clock[0] += BEAT_S
        pulse.beat()
    assert waiting(queue) == [(RECONCILE, "a")]  # it has said nothing all the while


def test_lines_of_an_instances_turn_say_what_it_is_about(worker: Platform, emulator: Emulator) -> None:
    instance = deployed(worker, owner_of(worker))
    with logging_with(action="job reconcile"):
        while worker.manager.get(instance.id).status is not InstanceStatus.RUNNING:
            reconcile(worker, str(instance.id))
            emulator.clock.advance(5)
        reconcile(worker, str(instance.id))
        said = current_fields()
    assert (said["instance_id"], said["template_id"]) == (str(instance.id), str(instance.template_id))
    assert said["railway_service_id"] == worker.manager.get(instance.id).observed.primary_service_id
    assert "instance_id" not in current_fields()
