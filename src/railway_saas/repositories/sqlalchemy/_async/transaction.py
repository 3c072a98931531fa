"""One transaction: statements in, rows out, errors in our own words."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy.exc import SQLAlchemyError

from railway_saas.errors import ConflictError, NotFoundError
from railway_saas.repositories.block import Block
from railway_saas.repositories.sqlalchemy.endings import ended_async
from railway_saas.repositories.sqlalchemy.faults import translated

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence
    from types import TracebackType

    from sqlalchemy import CursorResult, Executable, Row, Select
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.sql.dml import UpdateBase

T = TypeVar("T")


class AsyncTransaction:
    """What the repositories share: the session of their unit of work."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self._block = Block()

    @property
    def dialect(self) -> str:
        """`postgresql` or `sqlite`."""
        return self.session.get_bind().dialect.name

    async def first(self, query: Select[T]) -> T | None:
        """The first row's only element."""
        rows = await self.all(query)
        return rows[0] if rows else None

    async def all(self, query: Select[T]) -> Sequence[T]:
        """Every row's only element, as the database has it now."""
        with self._guarded():
            # Objects that the session knows already would otherwise stay as they were first read.
            options = {"populate_existing": True}
            found = await ended_async(
                lambda: self.session.scalars(query, execution_options=options), self.dialect
            )
            return found.all()

    async def record(self, query: Select[T]) -> T | None:
        """The first of `records`."""
        rows = await self.records(query)
        return rows[0] if rows else None

    async def records(self, query: Select[T]) -> Sequence[T]:
        """Rows of a table's columns, which read like its model. Its objects would cost as much as the statement."""
        return cast("Sequence[T]", await self.rows(query))

    async def rows(self, query: Executable) -> Sequence[Row[*tuple[Any, ...]]]:
        """Rows of several elements."""
        with self._guarded():
            return (await ended_async(lambda: self.session.execute(query), self.dialect)).all()

    async def run(self, statement: UpdateBase, values: Sequence[dict[str, Any]] | None = None) -> int:
        """Carry a statement out that breaks no constraint; how many rows it touched."""
        with self._guarded():
            # No object of the session outlives the reading of its row, so that none needs to be brought up to date.
            options = {"synchronize_session": False}
            execute = partial(self.session.execute, statement, values, execution_options=options)
            found = await ended_async(execute, self.dialect)
            return cast("CursorResult[Any]", found).rowcount

    async def write(self, statement: UpdateBase, values: Sequence[dict[str, Any]] | None = None) -> int:
        """Carry a statement out that may break a constraint; what was done before it stays.

        Raises:
            ConflictError: A key is taken.
            NotFoundError: It refers to a row that does not exist.
        """
        async with self.savepoint():
            return await self.run(statement, values)

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo what is done inside when it raises, and only that."""
        with self._guarded(may_go_on=True):
            nested = self.session.begin_nested()
            await ended_async(nested.__aenter__, self.dialect)
            try:
                yield
            except BaseException as error:
                leave = partial(nested.__aexit__, type(error), error, error.__traceback__)
                try:
                    await ended_async(leave, self.dialect)
                except SQLAlchemyError:
                    if isinstance(error, ConflictError | NotFoundError):
                        raise
                    # SQLite gives the whole transaction up when its disk is full, so that the savepoint is gone as
                    # well: what counts is the first cause.
                    self._block.spoil()
                raise
            await ended_async(lambda: nested.__aexit__(None, None, None), self.dialect)

    @contextmanager
    def _guarded(self, *, may_go_on: bool = False) -> Generator[None]:
        self._block.check()
        try:
            yield
        except SQLAlchemyError as error:
            fault = translated(error)
            is_undone = may_go_on or self.session.in_nested_transaction()
            if not (is_undone and isinstance(fault, ConflictError | NotFoundError)):
                self._block.spoil()
            raise fault from error

    async def commit(self) -> None:
        """Make everything last."""
        with self._guarded():
            await ended_async(self.session.commit, self.dialect)

    async def begin(self) -> None:
        """Enter the block; the database hears of it with the first statement."""
        self._block.enter()
        await self.session.__aenter__()

    async def end(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the block: roll back, and give the connection back."""
        self._block.leave()
        try:
            await ended_async(lambda: self.session.__aexit__(kind, error, traceback), self.dialect)
        except SQLAlchemyError as failure:
            raise translated(failure) from failure
