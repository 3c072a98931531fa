"""A workspace of a local Railway with a database and managers, all on one clock that stands still."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from railway_saas.instances import AsyncInstanceManager
from railway_saas.instances.inputs import fill_known
from railway_saas.repositories import AsyncMemoryDatabase
from railway_saas.repositories._async.memory.database import AsyncMemoryUnitOfWork
from railway_saas.repositories.memory_tables import Table
from railway_saas.templates import Template
from tests.support.mishaps import Fate, Rules, WatchedRailway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from railway_saas.domain.catalogue import CatalogueTemplate
    from railway_saas.domain.instances import Instance, InstanceEvent
    from railway_saas.domain.operations import ProviderOperation

TEMPLATES = Path(__file__).resolve().parents[3] / "examples" / "templates"
OWNER = UUID("00000000-0000-4000-8000-00000000a11c")
INPUTS = {"app-with-postgres-and-redis": {"App.ADMIN_EMAIL": "owner@example.com"}}
MAX_TURNS = 400


class AsyncMortalUnitOfWork(AsyncMemoryUnitOfWork):
    """A transaction whose worker may die right before or right after its commit, or sleep after it."""

    stage: AsyncStage

    async def commit(self) -> None:
        self.stage.fate.point()
        await super().commit()
        self.stage.rules.check_rows(self._tables.instances.rows("all"))
        self.stage.fate.point()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        if error is None:
            await self.stage.fall_asleep()


class AsyncMortalDatabase(AsyncMemoryDatabase):
    """A database of mortal workers."""

    def __init__(self, stage: AsyncStage) -> None:
        super().__init__()
        self._stage = stage

    def unit_of_work(self) -> AsyncMortalUnitOfWork:
        work = AsyncMortalUnitOfWork(self._tables, self._turn)
        work.stage = self._stage
        return work


class AsyncStage:
    """Everything that instances need, and what they do watched closely.

    Args:
        code: The template, a file of `examples/templates`.
        known: Whether Railway knows the template; otherwise it is built from single calls.
        manager: Options of every manager.
        railway: Options of the local Railway.
    """

    def __init__(
        self,
        code: str = "web-app",
        *,
        known: bool = False,
        manager: dict[str, Any] | None = None,
        railway: dict[str, Any] | None = None,
    ) -> None:
        self.code = code
        self.known = known
        self.fate = Fate()
        self.railway = WatchedRailway(
            self.fate, **{"templates": TEMPLATES, "limits": False, **(railway or {})}
        )
        self.clock = self.railway.clock
        self.rules = Rules(self.railway)
        self.railway.watchers.append(self.rules.check_railway)
        self.database = AsyncMortalDatabase(self)
        self.events: list[InstanceEvent] = []
        self.document = Template.parse((TEMPLATES / f"{code}.json").read_bytes())
        self._options = dict(manager or {})
        self._naps: tuple[int, Callable[[], Awaitable[None]]] | None = None
        self._workers = 0

    def manager(self, worker: str | None = None, **options: Any) -> AsyncInstanceManager:
        """A manager as a process of its own has it."""
        self._workers += 1
        return AsyncInstanceManager(
            self.railway.async_client(),
            self.database,
            worker=worker or f"worker-{self._workers}",
            **{
                "workspace_id": self.railway.workspace_id,
                "now": self.clock.now,
                "on_event": self.events.append,
                **self._options,
                **options,
            },
        )

    async def published(
        self, manager: AsyncInstanceManager | None = None, document: Template | None = None, **options: Any
    ) -> CatalogueTemplate:
        """The template in the catalogue."""
        if self.known and "railway_template_id" not in options:
            template = await self.railway.async_client().templates.by_code(self.code)
            options["railway_template_id"] = template.id
        return await (manager or self.manager()).publish_template(
            document or self.document, **{"name": self.code, **options}
        )

    async def accepted(self, manager: AsyncInstanceManager | None = None, **options: Any) -> Instance:
        """An instance that was accepted and not begun."""
        found = manager or self.manager()
        if "template_id" not in options:
            options["template_id"] = (await self.published(found)).id
        given = {"user_id": OWNER, "name": "blog", "inputs": INPUTS.get(self.code, {})}
        return await found.deploy(**{**given, **options})

    async def running(self, manager: AsyncInstanceManager | None = None, **options: Any) -> Instance:
        """An instance that runs."""
        return await self.accepted(manager, wait=True, **options)

    async def drive(self, manager: AsyncInstanceManager | None = None, *, seconds: float = 86_400.0) -> int:
        """Let a worker run until nothing is left to do before the next look at what rests; how often it ran."""
        found = manager or self.manager()
        ends = self.clock.now().timestamp() + seconds
        for turn in range(MAX_TURNS):
            report = await found.run_due()
            assert not report.failures, report.failures
            if report.next_due_at is None or report.next_due_at.timestamp() > ends:
                return turn + 1
            if 0 < report.claimed == report.settled and await self.is_quiet():
                return turn + 1
            pause = (report.next_due_at - self.clock.now()).total_seconds()
            assert report.claimed or pause > 0, "a worker that sleeps until something is due would spin"
            self.clock.advance(max(0.0, pause))
        raise AssertionError(f"it never comes to rest: {[event.message for event in self.events[-10:]]}")

    async def is_quiet(self) -> bool:
        """Whether no write is open, and nothing is due."""
        async with self.database.unit_of_work() as work:
            page = await work.instances.list_page(limit=500)
            for instance in page.items:
                due = instance.next_check_at is not None and instance.next_check_at <= self.clock.now()
                if due or await work.operations.list_open(instance.id):
                    return False
        return True

    async def get(self, instance_id: UUID) -> Instance:
        """The instance as it is stored."""
        async with self.database.unit_of_work() as work:
            return await work.instances.get(instance_id)

    async def operations(self, instance_id: UUID) -> list[ProviderOperation]:
        """Every write that was written down for it, oldest first."""
        async with self.database.unit_of_work() as work:
            return list((await work.operations.list_page(instance_id=instance_id, limit=500)).items)

    async def revision(self, template_id: UUID, number: int) -> UUID:
        """The id of a revision."""
        async with self.database.unit_of_work() as work:
            page = await work.templates.list_revisions(template_id)
            return next(one.id for one in page.items if one.number == number)

    async def template_of(self, instance: Instance) -> Template:
        """The document of its desired revision, filled in."""
        async with self.database.unit_of_work() as work:
            revision = await work.templates.get_revision(instance.desired.revision_id)
        return fill_known(Template.parse(revision.document), instance.desired.config.inputs)

    def told(self, instance_id: UUID | None = None) -> list[str]:
        """The messages of its events, in the order in which they were told."""
        return [one.message for one in self.events if instance_id in {None, one.instance_id}]

    def snapshot(self) -> dict[str, dict[Any, Any]]:
        """Everything that the database holds."""
        tables = vars(self.database._tables)
        return {name: dict(table._rows) for name, table in tables.items() if isinstance(table, Table)}

    def sent(self, field: str) -> int:
        """How many requests carried this write."""
        return self.railway.requests.operations[field]

    # Mishaps ---------------------------------------------------------------------------------------------------

    def nap_after(self, transactions: int, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """After so many more transactions the worker freezes, and something else happens meanwhile."""
        self._naps = (transactions, meanwhile)

    def sleep_no_more(self) -> None:
        """Nobody freezes any more."""
        self._naps = None

    async def fall_asleep(self) -> None:
        """Called after every transaction."""
        if self._naps is None:
            return
        left, meanwhile = self._naps
        self._naps = (left - 1, meanwhile) if left > 0 else None
        if self._naps is None:
            await meanwhile()


@pytest.fixture(scope="session")
def new_stage() -> type[AsyncStage]:
    """Makes stages."""
    return AsyncStage
