"""What several nouns need."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ARRAY, any_, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from railway_saas.repositories.paging import id_cursor, page_limit
from railway_saas.repositories.sqlalchemy.models import Base, table_of
from railway_saas.repositories.values import text

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute

R = TypeVar("R", bound=Base)


def insert_into(model: type[Base], dialect: str) -> postgresql.Insert:
    """An `INSERT` that takes `ON CONFLICT`, which both databases write alike but SQLAlchemy has twice."""
    if dialect == "sqlite":
        return cast("postgresql.Insert", sqlite.insert(table_of(model)))
    return postgresql.insert(table_of(model))


def one_of(
    column: InstrumentedAttribute[Any], values: Collection[UUID] | Collection[str], dialect: str
) -> ColumnElement[bool]:
    """Whether a column is among values, sent as one parameter: however many there are, the statement is the same."""
    if dialect == "sqlite":
        stored = [value.hex if isinstance(value, UUID) else text(value) for value in values]
        each = func.json_each(literal(json.dumps(stored))).table_valued("value")
        return column.in_(select(each.c.value))
    checked = [text(value) if isinstance(value, str) else value for value in values]
    return column == any_(literal(checked, ARRAY(column.type)))


def paged(
    query: Select[R],
    identity: InstrumentedAttribute[UUID],
    after: str | None,
    limit: int,
    *,
    newest_first: bool = False,
) -> Select[R]:
    """A page by id, and one row more, which tells whether another page follows."""
    if (start := id_cursor(after)) is not None:
        query = query.where(identity < start if newest_first else identity > start)
    return query.order_by(identity.desc() if newest_first else identity).limit(page_limit(limit) + 1)
