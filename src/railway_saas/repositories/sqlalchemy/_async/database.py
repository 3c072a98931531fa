"""The database through SQLAlchemy, and its units of work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from railway_saas.repositories.sqlalchemy._async.instances import AsyncSqlInstances
from railway_saas.repositories.sqlalchemy._async.parts import (
    AsyncSqlDeployments,
    AsyncSqlDomains,
    AsyncSqlEvents,
    AsyncSqlOperations,
    AsyncSqlServices,
)
from railway_saas.repositories.sqlalchemy._async.records import (
    AsyncSqlAudit,
    AsyncSqlIdempotencyKeys,
    AsyncSqlInbox,
    AsyncSqlOutbox,
    AsyncSqlSubscriptions,
)
from railway_saas.repositories.sqlalchemy._async.templates import AsyncSqlTemplates
from railway_saas.repositories.sqlalchemy._async.transaction import AsyncTransaction
from railway_saas.repositories.sqlalchemy._async.usage import AsyncSqlUsage

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from sqlalchemy.ext.asyncio import AsyncSession

    from railway_saas.repositories.sealing import VariableCipher


class AsyncSqlDatabase:
    """PostgreSQL or SQLite.

    ```python
    database = AsyncSqlDatabase(async_sessionmaker(create_async_database_engine("postgresql://...")))
    ```

    Args:
        session_factory: Makes a session for each unit of work, which closes it. Engines of your own do as well as
            those of `create_async_database_engine`, if their SQLite connections begin with `BEGIN IMMEDIATE`.
        cipher: Encrypts inputs and variables of instances at rest; without one they are stored as they are.
    """

    def __init__(
        self, session_factory: Callable[[], AsyncSession], *, cipher: VariableCipher | None = None
    ) -> None:
        self._session_factory = session_factory
        self._cipher = cipher

    def unit_of_work(self) -> AsyncSqlUnitOfWork:
        """A new transaction; it begins with `async with`."""
        return AsyncSqlUnitOfWork(self._session_factory(), cipher=self._cipher)


class AsyncSqlUnitOfWork:
    """See `AsyncUnitOfWork`. Made by `AsyncSqlDatabase.unit_of_work`.

    After `ConflictError`, `NotFoundError` and `LeaseLostError` it goes on as if the refused call had not been; after
    any other error of the database it can only be rolled back.
    """

    def __init__(self, session: AsyncSession, *, cipher: VariableCipher | None = None) -> None:
        self._transaction = AsyncTransaction(session)
        self.templates = AsyncSqlTemplates(self._transaction)
        self.instances = AsyncSqlInstances(self._transaction, cipher)
        self.services = AsyncSqlServices(self._transaction)
        self.domains = AsyncSqlDomains(self._transaction)
        self.operations = AsyncSqlOperations(self._transaction)
        self.deployments = AsyncSqlDeployments(self._transaction)
        self.subscriptions = AsyncSqlSubscriptions(self._transaction)
        self.usage = AsyncSqlUsage(self._transaction)
        self.outbox = AsyncSqlOutbox(self._transaction)
        self.inbox = AsyncSqlInbox(self._transaction)
        self.audit = AsyncSqlAudit(self._transaction)
        self.idempotency_keys = AsyncSqlIdempotencyKeys(self._transaction)
        self.events = AsyncSqlEvents(self._transaction)

    @property
    def session(self) -> AsyncSession:
        """The session, for tables of your own that are to change in the same transaction."""
        return self._transaction.session

    async def commit(self) -> None:
        """Make everything since the block began, or since the last commit, last.

        Raises:
            RepositoryError: The database refused, or the unit of work failed before. When the connection broke
                meanwhile (`transient`), nobody knows whether it was done: look.
        """
        await self._transaction.commit()

    async def __aenter__(self) -> Self:
        await self._transaction.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._transaction.end(kind, error, traceback)
