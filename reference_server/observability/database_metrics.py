"""What the database knows: read when somebody asks, a few cheap statements, and kept for some seconds.

It is the same whichever process answers, so that it needs no sharing, and it survives a restart. Every statement reads an
index, or rows of the last hour by their time-ordered ids.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from railway_saas.domain import InstanceStatus
from railway_saas.domain.ids import lowest_id
from railway_saas.errors import RailwaySaasError
from railway_saas.repositories.sqlalchemy.models import (
    DeploymentRow,
    InboxRow,
    InstanceRow,
    OutboxRow,
    TemplateRow,
)
from reference_server.data.models import UserRow, WorkerRow
from reference_server.observability.metrics import NAMESPACE
from reference_server.security.scope import SYSTEM, scoped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from prometheus_client.core import Metric
    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import Session

    from reference_server.composition import Platform

log = logging.getLogger("reference_server.metrics")

FRESH_S: Final = 10.0
"""Scrapes of several Prometheus, or in quick succession, cost the database one round."""
TIMEOUT_MS: Final = 3_000
"""Well below Prometheus' ten seconds for a scrape."""
RECENT: Final = timedelta(hours=1)
WORKER_SILENT_S: Final = 60
_GONE: Final = (InstanceStatus.FAILED.value, InstanceStatus.DELETED.value)
_RESULTS: Final = {
    InstanceStatus.ACCEPTED: "pending",
    InstanceStatus.PROVISIONING: "pending",
    InstanceStatus.DEPLOYING: "pending",
    InstanceStatus.FAILED: "failed",
    InstanceStatus.CRASHED: "failed",
}


class DatabaseCollector(Collector):
    """Gauges of the platform.

    Args:
        platform: Whose database and queue.
        monotonic: Seconds; for tests.
    """

    def __init__(self, platform: Platform, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._platform = platform
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._found: list[Metric] = []

    def collect(self) -> Iterable[Metric]:
        """What was read last, or anew once that is old. One caller reads, the others wait for it."""
        with self._lock:
            if self._monotonic() - self._read_at > FRESH_S:
                self._found = self._read()
                self._read_at = self._monotonic()
            return list(self._found)

    def _read(self) -> list[Metric]:
        """A database that does not answer is itself a value; what it would have said is then missing."""
        up = _gauge("database_up", "Whether the database answered.")
        try:
            with scoped(SYSTEM), self._platform.database.unit_of_work() as work:
                _hurry(work.session)
                found = list(_families(work.session, self._platform.now()))
            found += list(_jobs(self._platform))
        except (SQLAlchemyError, RailwaySaasError) as error:
            log.warning("the database did not answer a scrape: %s", error)
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        return [up, *found]


def _hurry(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL statement_timeout = {TIMEOUT_MS}"))


def _families(session: Session, now: datetime) -> Iterator[Metric]:
    yield from _instances(session)
    yield _templates(session)
    yield _deploys(session, now)
    yield _deployments(session, now)
    yield from _people(session, now)
    yield from _queues(session, now)
    yield _workers(session, now)


def _gauge(name: str, help_text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{NAMESPACE}_{name}", help_text, labels=list(labels))


def _counted(
    family: GaugeMetricFamily, rows: Sequence[Row[str, int]], always: Iterable[str] = ()
) -> GaugeMetricFamily:
    counts = dict.fromkeys(always, 0)
    for label, count in rows:
        counts[label] = counts.get(label, 0) + count
    for label, count in counts.items():
        family.add_metric([label], count)
    return family


def _instances(session: Session) -> Iterator[Metric]:
    by_status = select(InstanceRow.status, func.count()).group_by(InstanceRow.status)
    yield _counted(
        _gauge("instances", "Instances by status.", "status"),
        session.execute(by_status).all(),
        [status.value for status in InstanceStatus],
    )
    waiting = _gauge("instances_needing_attention", "Instances that wait for an operator.")
    parked = select(func.count()).where(InstanceRow.attention.is_not(None))
    waiting.add_metric([], session.scalar(parked) or 0)
    yield waiting


def _templates(session: Session) -> Metric:
    """Popularity: what customers have running."""
    live = (
        select(InstanceRow.template_id, func.count().label("instances"))
        .where(InstanceRow.status.not_in(_GONE))
        .group_by(InstanceRow.template_id)
        .subquery()
    )
    rows = session.execute(
        select(TemplateRow.railway_template_id, live.c.instances).join(
            live, live.c.template_id == TemplateRow.id
        )
    ).all()
    return _counted(_gauge("template_instances", "Live instances by template.", "template"), rows)


def _deploys(session: Session, now: datetime) -> Metric:
    """Ids are time-ordered: those of the last hour are the end of the index."""
    recent = (
        select(InstanceRow.status, func.count())
        .where(InstanceRow.id >= lowest_id(now - RECENT))
        .group_by(InstanceRow.status)
    )
    counts = [
        (_RESULTS.get(InstanceStatus(status), "succeeded"), count)
        for status, count in session.execute(recent).all()
    ]
    family = _gauge("recent_deploys", "Deploys accepted in the last hour, by what became of them.", "result")
    for result in ("succeeded", "failed", "pending"):
        family.add_metric([result], sum(count for one, count in counts if one == result))
    return family


def _deployments(session: Session, now: datetime) -> Metric:
    recent = (
        select(DeploymentRow.status, func.count())
        .where(DeploymentRow.id >= lowest_id(now - RECENT))
        .group_by(DeploymentRow.status)
    )
    family = _gauge(
        "recent_railway_deployments",
        "Deployments of services in the last hour, in Railway's words.",
        "status",
    )
    return _counted(family, session.execute(recent).all())


def _people(session: Session, now: datetime) -> Iterator[Metric]:
    users = _gauge("users", "Accounts.", "verified")
    by_verified = session.execute(
        select(UserRow.email_verified, func.count()).group_by(UserRow.email_verified)
    ).all()
    counts = {bool(verified): count for verified, count in by_verified}
    for verified in (True, False):
        users.add_metric([str(verified).lower()], counts.get(verified, 0))
    yield users
    new = _gauge("recent_registrations", "Accounts made in the last hour.")
    new.add_metric([], session.scalar(select(func.count()).where(UserRow.id >= lowest_id(now - RECENT))) or 0)
    yield new


def _queues(session: Session, now: datetime) -> Iterator[Metric]:
    """What waits in tables: instances that are due a turn, messages to be sent, events to be worked on."""
    depth = _gauge("queue_depth", "What waits, and could be worked on now.", "queue")
    oldest = _gauge("queue_oldest_seconds", "How long the oldest of it has waited.", "queue")
    for queue, count, since in (
        ("instances", *_waiting(session, InstanceRow.next_check_at, _is_due(now))),
        (
            "outbox",
            *_waiting(
                session,
                OutboxRow.not_before,
                OutboxRow.sent_at.is_(None) & OutboxRow.failed_at.is_(None) & (OutboxRow.not_before <= now),
            ),
        ),
        ("inbox", *_waiting(session, InboxRow.received_at, InboxRow.processed_at.is_(None))),
    ):
        depth.add_metric([queue], count)
        oldest.add_metric([queue], 0 if since is None else max(0.0, (now - since).total_seconds()))
    yield depth
    yield oldest
    given_up = _gauge("outbox_failed", "Messages that were given up.")
    given_up.add_metric([], session.scalar(select(func.count()).where(OutboxRow.failed_at.is_not(None))) or 0)
    yield given_up


def _is_due(now: datetime) -> ColumnElement[bool]:
    free = InstanceRow.lease_until.is_(None) | (InstanceRow.lease_until <= now)
    return (InstanceRow.next_check_at <= now) & free


def _waiting(session: Session, since: Any, condition: ColumnElement[bool]) -> tuple[int, datetime | None]:
    count, oldest = session.execute(select(func.count(), func.min(since)).where(condition)).one()
    return count, oldest


def _workers(session: Session, now: datetime) -> Metric:
    family = _gauge("workers_alive", "Workers that said so in the last minute.")
    seen = WorkerRow.seen_at >= now - timedelta(seconds=WORKER_SILENT_S)
    family.add_metric([], session.scalar(select(func.count()).where(seen)) or 0)
    return family


def _jobs(platform: Platform) -> Iterator[Metric]:
    found = platform.jobs.depth()
    jobs = _gauge("queued_jobs", "Jobs by state.", "state")
    for state, count in (("waiting", found.waiting), ("running", found.running), ("failed", found.failed)):
        jobs.add_metric([state], count)
    yield jobs
    oldest = _gauge("queued_jobs_oldest_seconds", "How long the oldest job that could run has waited.")
    oldest.add_metric([], found.oldest_waiting_s)
    yield oldest
