"""Units of work over the SDK's tables and the server's, in the scope of whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from railway_saas.repositories.sqlalchemy import SqlDatabase, SqlUnitOfWork
from reference_server.data.accounts import ApiKeys, LoginFailures, OneTimeTokens, Sessions, Users
from reference_server.data.idempotency import IdempotentRequests
from reference_server.data.notifications import NotifyingEvents
from reference_server.data.recorders import MailingOutbox, TracedAudit, WakingInstances
from reference_server.data.views import Views
from reference_server.jobs.port import SEND_MAIL
from reference_server.security.scope import current_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from uuid import UUID

    from sqlalchemy import Connection, Engine
    from sqlalchemy.orm import SessionTransaction

    from railway_saas.domain import OutboxMessage
    from railway_saas.repositories.sealing import VariableCipher
    from reference_server.jobs.port import JobQueue
    from reference_server.security.scope import Scope

_SET_SCOPE: Final = "SELECT set_config('app.role', %s, true), set_config('app.user_id', %s, true)"


def scoped_sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions whose every transaction tells PostgreSQL the scope it is in. SQLite has no row level security."""
    sessions = sessionmaker(engine)
    if engine.dialect.name == "postgresql":
        event.listen(sessions, "after_begin", _set_scope)
    return sessions


def _set_scope(_: Session, __: SessionTransaction, connection: Connection) -> None:
    _tell(connection, current_scope())


def _tell(connection: Connection, scope: Scope) -> None:
    connection.exec_driver_sql(_SET_SCOPE, (scope.role.value, str(scope.user_id or "")))


class ServerDatabase(SqlDatabase):
    """The platform's database.

    Args:
        engine: Of the primary.
        jobs: Where wishes of a transaction are queued, in that transaction.
        replica: Of a read replica, for reads that may be stale.
        cipher: Encrypts customers' variables at rest.
        on_changes: Told the actions of the audit entries of every transaction that was committed.
        on_instances: Told the owners of the instances that it changed.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        jobs: JobQueue,
        replica: Engine | None = None,
        cipher: VariableCipher | None = None,
        on_changes: Callable[[Sequence[str]], None] | None = None,
        on_instances: Callable[[Collection[UUID]], None] | None = None,
    ) -> None:
        self._on_changes = on_changes
        self._on_instances = on_instances
        self._sessions = scoped_sessions(engine)
        self._stale_sessions = scoped_sessions(replica) if replica is not None else self._sessions
        self._jobs = jobs
        self.engine = engine
        self._replica = replica
        super().__init__(self._sessions, cipher=cipher)

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
        if self._replica is not None:
            self._replica.dispose()

    def unit_of_work(self) -> ServerUnitOfWork:
        """A transaction on the primary; it begins with `with`."""
        return ServerUnitOfWork(
            self._sessions(),
            self._jobs,
            cipher=self._cipher,
            on_changes=self._on_changes,
            on_instances=self._on_instances,
        )

    def stale_unit_of_work(self) -> ServerUnitOfWork:
        """A transaction that only reads, and may see what was true a moment ago."""
        return ServerUnitOfWork(self._stale_sessions(), self._jobs, cipher=self._cipher)


class ServerUnitOfWork(SqlUnitOfWork):
    """The SDK's repositories and the server's, and the jobs that what is written here asks for.

    Whatever wakes an instance or puts a mail into the outbox queues its job with the commit: none without the
    change, none lost after it.
    """

    def __init__(
        self,
        session: Session,
        jobs: JobQueue,
        *,
        cipher: VariableCipher | None = None,
        on_changes: Callable[[Sequence[str]], None] | None = None,
        on_instances: Callable[[Collection[UUID]], None] | None = None,
    ) -> None:
        super().__init__(session, cipher=cipher)
        self._on_changes = on_changes
        self._on_instances = on_instances
        self._actions: list[str] = []
        self._owners: set[UUID] = set()
        self._jobs = jobs
        self._wishes: dict[tuple[str, str], None] = {}
        self.instances: WakingInstances = WakingInstances(
            self._transaction, self._wish, cipher, self._owners.add
        )
        self.outbox: MailingOutbox = MailingOutbox(self._transaction, self._wish)
        self.events = NotifyingEvents(self._transaction, self.outbox)
        self.audit: TracedAudit = TracedAudit(self._transaction, self._actions.append)
        self.idempotent_requests = IdempotentRequests(self._transaction)
        self.views = Views(self._transaction)
        self.users = Users(session)
        self.sessions = Sessions(session)
        self.one_time_tokens = OneTimeTokens(session)
        self.api_keys = ApiKeys(session)
        self.login_failures = LoginFailures(session)

    def enter_scope(self, scope: Scope) -> None:
        """Go on in another scope than that in which the transaction began."""
        if scope != current_scope() and self._transaction.dialect == "postgresql":
            _tell(self.session.connection(), scope)

    def mail(self, message: OutboxMessage) -> None:
        """Write a mail, unless there is one of that key; that costs as much."""
        attempt = self.session.begin_nested()
        if self.outbox.add(message):
            attempt.commit()
        else:
            self._jobs.enqueue(self.session, SEND_MAIL, str(message.id))
            attempt.rollback()

    def pretend_to_mail(self, message: OutboxMessage) -> None:
        """Do what a mail costs, and take it back: so the time of an answer does not tell whether one was written."""
        attempt = self.session.begin_nested()
        MailingOutbox(
            self._transaction, lambda job, subject: self._jobs.enqueue(self.session, job, subject)
        ).add(message)
        attempt.rollback()

    def _wish(self, job: str, subject: str) -> None:
        self._wishes[job, subject] = None

    def commit(self) -> None:
        """Queue what was wished for, and make everything last."""
        for job, subject in sorted(
            self._wishes
        ):  # in one order, so that two transactions do not lock crosswise
            self._jobs.enqueue(self.session, job, subject)
        self._wishes.clear()
        super().commit()
        if self._actions and self._on_changes is not None:
            self._on_changes(self._actions)
        self._actions.clear()
        if self._owners and self._on_instances is not None:
            self._on_instances(self._owners)
        self._owners.clear()
