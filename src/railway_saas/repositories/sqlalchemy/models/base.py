"""What all tables share."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import Boolean, Integer, MetaData, Text, Uuid
from sqlalchemy.orm import DeclarativeBase

from railway_saas.repositories.sqlalchemy.types import Exact, Json, UtcDateTime

if TYPE_CHECKING:
    from sqlalchemy import Table


class Base(DeclarativeBase):
    """The SDK's own tables. Attributes are named like their columns."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        bool: Boolean(),
        int: Integer(),
        str: Text(),
        datetime: UtcDateTime(),
        Decimal: Exact(),
        UUID: Uuid(),
        dict[str, Any]: Json,
        list[dict[str, Any]]: Json,
    }


def table_of(model: type[Base]) -> Table:
    """The table of a model, for statements that need no object."""
    return cast("Table", model.__table__)
