"""The memory database and its units of work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from railway_saas.repositories._async.memory.instances import AsyncMemoryInstances
from railway_saas.repositories._async.memory.parts import (
    AsyncMemoryDeployments,
    AsyncMemoryDomains,
    AsyncMemoryEvents,
    AsyncMemoryOperations,
    AsyncMemoryServices,
)
from railway_saas.repositories._async.memory.records import (
    AsyncMemoryAudit,
    AsyncMemoryIdempotencyKeys,
    AsyncMemoryInbox,
    AsyncMemoryOutbox,
    AsyncMemorySubscriptions,
)
from railway_saas.repositories._async.memory.templates import AsyncMemoryTemplates
from railway_saas.repositories._async.memory.usage import AsyncMemoryUsage
from railway_saas.repositories.block import Block
from railway_saas.repositories.memory_tables import MemoryTables
from railway_saas.repositories.turns import AsyncTurn

if TYPE_CHECKING:
    from types import TracebackType


class AsyncMemoryDatabase:
    """Everything in memory, for tests and notebooks. Units of work run one after the other.

    Each has the whole database to itself from entering its block to leaving it, so that a second one inside the
    first would wait for itself: that raises `RepositoryError`.
    """

    def __init__(self) -> None:
        self._tables = MemoryTables()
        self._turn = AsyncTurn()

    def unit_of_work(self) -> AsyncMemoryUnitOfWork:
        """A new transaction; it begins with `async with`."""
        return AsyncMemoryUnitOfWork(self._tables, self._turn)


class AsyncMemoryUnitOfWork:
    """See `AsyncUnitOfWork`. Made by `AsyncMemoryDatabase.unit_of_work`."""

    def __init__(self, tables: MemoryTables, turn: AsyncTurn) -> None:
        self._tables = tables
        self._turn = turn
        self._block = Block()
        self.templates = AsyncMemoryTemplates(self._open)
        self.instances = AsyncMemoryInstances(self._open)
        self.services = AsyncMemoryServices(self._open)
        self.domains = AsyncMemoryDomains(self._open)
        self.operations = AsyncMemoryOperations(self._open)
        self.deployments = AsyncMemoryDeployments(self._open)
        self.subscriptions = AsyncMemorySubscriptions(self._open)
        self.usage = AsyncMemoryUsage(self._open)
        self.outbox = AsyncMemoryOutbox(self._open)
        self.inbox = AsyncMemoryInbox(self._open)
        self.audit = AsyncMemoryAudit(self._open)
        self.idempotency_keys = AsyncMemoryIdempotencyKeys(self._open)
        self.events = AsyncMemoryEvents(self._open)

    def _open(self) -> MemoryTables:
        self._block.check()
        return self._tables

    async def commit(self) -> None:
        """Make everything since the block began, or since the last commit, last.

        Raises:
            RepositoryError: Called outside the block.
        """
        self._open().journal.forget()

    async def __aenter__(self) -> Self:
        self._block.enter()
        try:
            await self._turn.take()
        except BaseException:
            self._block.leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._block.leave()
        self._tables.journal.roll_back()
        self._turn.give_back()
