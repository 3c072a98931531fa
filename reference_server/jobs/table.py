"""Every job of the platform, in one table: what it does, when, how it is retried, what it does when it is late.

All of them may run twice, at the same time, or be killed anywhere: each looks at what there is to do before it does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reference_server.jobs import account_work, cleaning, instance_work, rollup, upkeep
from reference_server.jobs.port import RECONCILE, RETRY_JOB, SEND_MAIL
from reference_server.mail import sending

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_server.composition import Platform

MINUTE: Final = 60.0
HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the table."""

    name: str
    does: str
    work: Callable[[Platform, str], str]
    """Gets the platform and the subject; returns what came of it, in a few words."""
    every_s: float | None = None
    """How often; None: when somebody wishes it."""
    attempts: int = 1
    """How often one run is tried by the engine, with growing, jittered pauses. 1: something else repeats it, see `late`."""
    late: str
    """What it does when it could not run, or failed."""
    at_once: int = 1
    """How many run side by side, over all workers. Wished ones: one per subject that began before the wish, and one after."""
    is_needed: Callable[[Platform], bool] | None = None
    """Asked before a periodic run is queued; None: always."""
    is_queued: bool = True
    """False: each worker does it in a thread of its own, as the queue itself relies on it. The subject is the worker's id."""
    revive: Callable[[Platform, str], None] | None = None
    """Done before an operator's retry of a run that failed."""


JOBS: Final[tuple[Job, ...]] = (
    Job(
        name=RECONCILE,
        does="takes one instance a turn further, as soon as somebody wishes something of it or Railway tells of it",
        work=instance_work.reconcile,
        late="`run_due` finds the instance: the wish stands in its row",
    ),
    Job(
        name="run_due",
        does="the control loop: gives every instance that is due a turn, up to a hundred per run",
        work=instance_work.run_due,
        every_s=2,
        at_once=4,
        is_needed=instance_work.is_anything_due,
        late="the next run takes what is due then; ticks that were missed are not made up",
    ),
    Job(
        name=SEND_MAIL,
        does="sends one mail of the outbox",
        work=sending.send_mail,
        revive=sending.revive_mail,
        late="the outbox says when to try again: up to 8 times within some 4 hours; then it has failed",
    ),
    Job(
        name="sweep_mail",
        does="wishes `send_mail` for every mail that is due: those to be tried again, and those whose worker died",
        work=sending.sweep_mail,
        every_s=10,
        is_needed=sending.is_mail_due,
        late="the next run takes what is due then",
    ),
    Job(
        name="collect_usage",
        does="reads from Railway what instances used, hour by hour, each hour twice",
        work=instance_work.collect_usage,
        every_s=10 * MINUTE,
        attempts=3,
        late="the next run reads the hours that were missed, twelve per run; Railway keeps them for a time only",
    ),
    Job(
        name="roll_up_usage",
        does="sums hours to days; hours that came late are summed again",
        work=rollup.roll_up_usage,
        every_s=15 * MINUTE,
        attempts=3,
        late="the next run begins where the last one ended",
    ),
    Job(
        name="take_inventory",
        does="compares Railway with the database and keeps the report; operators repair, never this job",
        work=instance_work.take_inventory,
        every_s=6 * HOUR,
        attempts=4,
        late="the next run compares anew",
    ),
    Job(
        name="finish_closing",
        does="removes accounts that are being closed, once none of their instances is left",
        work=account_work.finish_closing,
        every_s=MINUTE,
        attempts=1,
        is_needed=account_work.is_an_account_closing,
        late="the next run looks again; nobody can log in to such an account meanwhile",
    ),
    Job(
        name="seal_audit",
        does="gives new entries of the audit log their link in the chain",
        work=account_work.seal_audit,
        every_s=MINUTE,
        late="the next run seals what is not sealed; `audit verify` tells of entries that wait for long",
    ),
    Job(
        name="reseal_variables",
        does="encrypts customers' variables with the newest of ENCRYPTION_KEYS where they are not",
        work=account_work.reseal_variables,
        every_s=HOUR,
        attempts=3,
        late="the old key is still needed: take it away only once this says `0 instances`",
    ),
    Job(
        name="clean_up",
        does="deletes what is over: sessions, links, idempotency keys, old events, mails and reports, by batches",
        work=cleaning.clean_up,
        every_s=HOUR,
        attempts=3,
        late="the next run deletes more",
    ),
    Job(
        name="ensure_webhook_rule",
        does="has Railway call our webhook, with the newest secret; only where BASE_URL is public",
        work=instance_work.ensure_webhook_rule,
        every_s=HOUR,
        attempts=3,
        is_needed=instance_work.has_public_address,
        late="the next run looks again; without the rule the control loop still looks every quarter of an hour",
    ),
    Job(
        name=RETRY_JOB,
        does="queues a run anew that failed, when an operator says so",
        work=upkeep.retry_job,
        late="the operator asks again",
    ),
    Job(
        name="forget_runs",
        does="deletes runs that ended: done ones after a day, failed ones after thirty",
        work=upkeep.forget_runs,
        every_s=HOUR,
        attempts=3,
        late="the next run deletes more",
    ),
    Job(
        name="heartbeat",
        does="each worker says that it lives",
        work=upkeep.heartbeat,
        every_s=upkeep.BEAT_S,
        is_queued=False,
        late="after 15 s without one the others take the worker for dead",
    ),
    Job(
        name="take_over",
        does="each worker queues again what dead ones have begun",
        work=upkeep.take_over,
        every_s=upkeep.BEAT_S,
        is_queued=False,
        late="any other worker does it",
    ),
)

JOB_NAMES: Final = tuple(job.name for job in JOBS if job.is_queued)
