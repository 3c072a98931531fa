"""What the repositories share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from railway_saas.repositories.sqlalchemy._async.transaction import AsyncTransaction


class AsyncSqlRepository:
    """Works in the transaction of its unit of work."""

    def __init__(self, transaction: AsyncTransaction) -> None:
        self._transaction = transaction

    @property
    def _dialect(self) -> str:
        return self._transaction.dialect
