"""The queue: in the transaction of the change, one waiting run per job and subject, none lost."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from railway_saas.domain import new_id
from railway_saas.errors import RepositoryError
from reference_server.composition import Platform, build_platform
from reference_server.data.engines import ConnectionRole, open_engine
from reference_server.jobs.dbos_queue import QUEUE, DbosQueue, Wish
from reference_server.jobs.port import RECONCILE, SEND_MAIL, JobState
from reference_server.mail.messages import mail
from reference_server.security.origin import Origin, coming_from
from reference_server.security.scope import AUTH, SYSTEM, Scope, scoped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from railway_saas.emulator import Emulator

SUBJECT = "0199c1c2-6a4e-7f61-8a77-1f0f0e2f1b11"


@pytest.fixture(params=["sqlite", "postgres"])
def queue(request: pytest.FixtureRequest) -> Iterator[DbosQueue]:
    """As a web process has it."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_environment")
    platform: Platform = request.getfixturevalue("platform")
    assert isinstance(platform.jobs, DbosQueue)
    with scoped(SYSTEM):
        yield platform.jobs


@pytest.fixture
def worker_queue(queue: DbosQueue, platform: Platform, emulator: Emulator) -> Iterator[Platform]:
    """As a worker has it; on PostgreSQL in its own role."""
    built = build_platform(platform.settings, ConnectionRole.WORKER, emulator=emulator)
    yield built
    built.close()


def waiting(queue: DbosQueue) -> list[tuple[str, str]]:
    return [(run.job, run.subject) for run in queue.list_page(state=JobState.WAITING).items]


def begin(platform: Platform, *, executor: str = "w1") -> list[str]:
    """What a worker does to take runs: DBOS's claim, in its own words."""
    schema = "dbos." if platform.database.engine.dialect.name == "postgresql" else ""
    with platform.database.unit_of_work() as work:
        rows = work.session.execute(
            text(
                f"UPDATE {schema}workflow_status SET status = 'PENDING', executor_id = :executor "
                "WHERE status = 'ENQUEUED' AND queue_name = :queue RETURNING workflow_uuid"
            ),
            {"executor": executor, "queue": QUEUE},
        ).all()
        work.commit()
    return [row[0] for row in rows]


def test_a_wish_of_a_transaction_that_is_rolled_back_never_was(queue: DbosQueue, platform: Platform) -> None:
    with platform.database.unit_of_work() as work:
        queue.enqueue(work.session, RECONCILE, SUBJECT)
    assert waiting(queue) == []


def test_a_wish_of_a_transaction_that_is_committed_waits_once(queue: DbosQueue, platform: Platform) -> None:
    for _ in range(2):
        with platform.database.unit_of_work() as work:
            queue.enqueue(work.session, RECONCILE, SUBJECT)
            queue.enqueue(work.session, RECONCILE, SUBJECT)
            work.commit()
    assert waiting(queue) == [(RECONCILE, SUBJECT)]


def test_wishes_of_other_subjects_and_jobs_wait_beside_it(queue: DbosQueue, platform: Platform) -> None:
    with platform.database.unit_of_work() as work:
        for job, subject in ((RECONCILE, "a"), (RECONCILE, "b"), (SEND_MAIL, "a")):
            queue.enqueue(work.session, job, subject)
        work.commit()
    assert sorted(waiting(queue)) == [(RECONCILE, "a"), (RECONCILE, "b"), (SEND_MAIL, "a")]


def test_a_wish_that_comes_while_the_job_runs_is_not_lost(
    queue: DbosQueue, platform: Platform, worker_queue: Platform
) -> None:
    with platform.database.unit_of_work() as work:
        queue.enqueue(work.session, RECONCILE, SUBJECT)
        work.commit()
    assert len(begin(worker_queue)) == 1
    for _ in range(2):
        with platform.database.unit_of_work() as work:
            queue.enqueue(work.session, RECONCILE, SUBJECT)
            work.commit()
    assert waiting(queue) == [(RECONCILE, SUBJECT)]
    assert queue.depth().running == 1


def test_a_tick_is_dropped_while_its_job_waits_or_runs_and_is_used_once(
    queue: DbosQueue, platform: Platform, worker_queue: Platform
) -> None:
    def tick(number: int) -> bool:
        wish = Wish(job="clean_up", key="clean_up#0", run_id=f"clean_up@{number}", beside_running=False)
        with platform.database.unit_of_work() as work:
            placed = queue.place(work.session, wish)
            work.commit()
        return placed

    assert [tick(1), tick(1), tick(2)] == [True, False, False]
    begin(worker_queue)
    assert not tick(2)
    assert waiting(queue) == []


def queue_of(platform: Platform) -> DbosQueue:
    assert isinstance(platform.jobs, DbosQueue)
    return platform.jobs


def test_parallel_wishes_for_one_subject_leave_one_run(queue: DbosQueue, platform: Platform) -> None:
    barrier = threading.Barrier(6)
    errors: list[BaseException] = []

    def wish() -> None:
        try:
            with scoped(SYSTEM):
                barrier.wait(10)
                for _ in range(5):
                    with platform.database.unit_of_work() as work:
                        queue.enqueue(work.session, RECONCILE, SUBJECT)
                        work.commit()
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=wish) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert waiting(queue) == [(RECONCILE, SUBJECT)]


def test_wishes_against_claims_each_change_is_seen_by_a_run_that_begins_after_it(
    queue: DbosQueue, platform: Platform, worker_queue: Platform
) -> None:
    """The race that matters: a claim between a wish's look and its commit."""
    done = threading.Event()
    began: list[str] = []

    def work_away() -> None:
        with scoped(SYSTEM):
            while not done.is_set():
                began.extend(begin(worker_queue))

    thread = threading.Thread(target=work_away)
    thread.start()
    lost = 0
    for _ in range(40):
        before = len(began)
        with platform.database.unit_of_work() as work:
            queue.enqueue(work.session, RECONCILE, SUBJECT)
            work.commit()
        # After the commit a run either still waits, or has begun since the wish was made.
        lost += not (waiting(queue) or len(began) > before or _settled(began, before))
    done.set()
    thread.join(30)
    assert lost == 0


def _settled(began: list[str], before: int) -> bool:
    """A claim is committed a moment before the thread notes it."""
    pause = threading.Event()
    for _ in range(200):
        if len(began) > before:
            return True
        pause.wait(0.01)
    return False


def test_a_run_knows_the_request_that_asked_for_it(queue: DbosQueue, platform: Platform) -> None:
    with coming_from(Origin(request_id="request-7")), platform.database.unit_of_work() as work:
        queue.enqueue(work.session, RECONCILE, SUBJECT)
        work.commit()
    run = queue.list_page().items[0]
    assert (run.request_id, run.attempt, run.state) == ("request-7", 1, JobState.WAITING)
    assert queue.find(run.id) == run
    assert queue.find("unknown") is None


def test_runs_of_a_worker_that_is_gone_wait_again_and_are_counted(
    queue: DbosQueue, platform: Platform, worker_queue: Platform
) -> None:
    with platform.database.unit_of_work() as work:
        queue.enqueue(work.session, RECONCILE, "a")
        work.commit()
    begin(worker_queue, executor="gone")
    with platform.database.unit_of_work() as work:
        queue.enqueue(work.session, RECONCILE, "b")
        work.commit()
    begin(worker_queue, executor="here")
    mine = queue_of(worker_queue)
    with worker_queue.database.unit_of_work() as work:
        assert mine.busy_executors(work.session) == {"gone", "here"}
        assert mine.hand_over(work.session, ["gone"]) == 1
        work.commit()
    assert waiting(queue) == [(RECONCILE, "a")]
    depth = queue.depth()
    assert (depth.waiting, depth.running, depth.failed) == (1, 1, 0)


def test_lists_page(queue: DbosQueue, platform: Platform) -> None:
    with platform.database.unit_of_work() as work:
        for number in range(5):
            queue.enqueue(work.session, RECONCILE, str(number))
        work.commit()
    seen: list[str] = []
    after = None
    while True:
        page = queue.list_page(after=after, limit=2)
        seen.extend(run.subject for run in page.items)
        after = page.next_cursor
        if after is None:
            break
    assert sorted(seen) == ["0", "1", "2", "3", "4"]
    assert queue.list_page(job=SEND_MAIL).items == []


def test_a_mail_of_a_flow_is_wished_with_its_commit(queue: DbosQueue, platform: Platform) -> None:
    now = platform.now()
    message = mail("ann@example.com", "account_locked", {}, key="k", now=now)
    with scoped(AUTH), platform.database.unit_of_work() as work:
        work.outbox.add(message)
        work.outbox.add(replace(message, id=new_id(now)))
        work.commit()
    assert waiting(queue) == [(SEND_MAIL, str(message.id))]


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    """What the role of web processes may do to the queue's tables."""

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM dbos.workflow_status",
            "UPDATE dbos.workflow_status SET status = 'SUCCESS'",
            "UPDATE dbos.workflow_status SET serialization = 'py_pickle'",
            "UPDATE dbos.workflow_input SET inputs = 'x'",
            "SELECT * FROM dbos.operation_outputs",
            "DELETE FROM dbos.queues",
            "CREATE TABLE dbos.mine (id int)",
        ],
    )
    def test_it_may_queue_and_nothing_else(self, platform: Platform, statement: str) -> None:
        with platform.database.engine.connect() as connection, pytest.raises(DBAPIError, match="denied"):
            connection.execute(text(statement))

    def test_it_cannot_make_a_worker_read_a_pickle(self, platform: Platform) -> None:
        insert = (
            "INSERT INTO dbos.workflow_status (workflow_uuid, status, name, queue_name, serialization, priority) "
            "VALUES ('1', 'ENQUEUED', 'reconcile', 'railway_saas', {}, 0)"
        )
        for serialization in ("'py_pickle'", "NULL"):
            with (
                platform.database.engine.connect() as connection,
                pytest.raises(DBAPIError, match="row-level security"),
            ):
                connection.execute(text(insert.format(serialization)))

    def test_a_user_who_changes_an_instance_may_queue_its_turn(self, platform: Platform) -> None:
        user = Scope.of_user(new_id(platform.now()))
        with scoped(user), platform.database.unit_of_work() as work:
            platform.jobs.enqueue(work.session, RECONCILE, SUBJECT)
            work.commit()
        assert len(platform.jobs.list_page().items) == 1


def test_nothing_of_this_needs_the_engine_in_a_web_process(platform: Platform) -> None:
    from dbos import DBOS

    with scoped(SYSTEM), platform.database.unit_of_work() as work:
        platform.jobs.enqueue(work.session, RECONCILE, SUBJECT)
        work.commit()
    started: Any = DBOS
    with pytest.raises(Exception, match="DBOS"):
        started.retrieve_workflow("1")


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_queue_that_cannot_be_used_says_so_in_our_words(
    database: str, request: pytest.FixtureRequest
) -> None:
    if database == "postgres":
        request.getfixturevalue("postgres_environment")
    platform: Platform = request.getfixturevalue("platform")
    owner = open_engine(platform.settings, ConnectionRole.OWNER, threads=1)
    table = "dbos.workflow_status" if database == "postgres" else "workflow_status"
    with owner.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO workflow_status_gone"))
    owner.dispose()
    with scoped(SYSTEM):
        for look in (platform.jobs.depth, platform.jobs.list_page):
            with pytest.raises(RepositoryError):
                look()
        with platform.database.unit_of_work() as work, pytest.raises(RepositoryError):
            platform.jobs.enqueue(work.session, RECONCILE, SUBJECT)
