"""Column types that mean the same on PostgreSQL and SQLite."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import JSON, BigInteger, DateTime, Numeric, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from railway_saas.domain.prices import EXACT
from railway_saas.repositories.values import DECIMAL_PLACES, amount, plain, utc

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.types import TypeEngine

_SQLITE: Final = "sqlite"
_UNIT: Final = 10**DECIMAL_PLACES

Json: Final = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON value; None is SQL's NULL."""

OrderedJson: Final = JSON(none_as_null=True)
"""A document that comes back with its keys in the order they had: JSONB sorts them anew."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, given back in UTC. SQLite stores it without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive one."""
        if value is None:
            return None
        return utc(value).replace(tzinfo=None) if dialect.name == _SQLITE else utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say that it is UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == _SQLITE else value.astimezone(UTC)


class Exact(TypeDecorator[Decimal]):
    """A decimal of nine places. SQLite has none, so that it stores how many billionths there are."""

    impl = Numeric(38, DECIMAL_PLACES)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Whole numbers on SQLite."""
        return dialect.type_descriptor(BigInteger() if dialect.name == _SQLITE else self.impl_instance)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Refuse what does not fit."""
        if value is None:
            return None
        exact = amount(value)
        return int(exact.scaleb(DECIMAL_PLACES, context=EXACT)) if dialect.name == _SQLITE else exact

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Take the trailing zeros off."""
        if value is None:
            return None
        return plain(_from_unit(value) if dialect.name == _SQLITE else Decimal(value))


class _Sum(TypeDecorator[Decimal]):
    """What `exact_sum` gives: a number, or on SQLite text like `12.500000000` (whole ones, then billionths)."""

    impl = Numeric(38, DECIMAL_PLACES)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text on SQLite."""
        return dialect.type_descriptor(String() if dialect.name == _SQLITE else self.impl_instance)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal:
        """Nothing adds up to 0."""
        if value is None:
            return Decimal(0)
        if dialect.name != _SQLITE:
            return plain(Decimal(value))
        whole, _, billionths = str(value).partition(".")
        return plain(EXACT.add(Decimal(whole), _from_unit(billionths)))


class exact_sum(FunctionElement[Decimal]):  # noqa: N801 - it reads like SQL's own functions
    """`sum` of an `Exact` column that neither rounds nor overflows."""

    type = _Sum()
    inherit_cache = True


@compiles(exact_sum)
def _exact_sum(element: exact_sum, compiler: SQLCompiler, **options: Any) -> str:
    return f"sum({compiler.process(element.clauses, **options)})"


@compiles(exact_sum, _SQLITE)
def _exact_sum_of_billionths(element: exact_sum, compiler: SQLCompiler, **options: Any) -> str:
    # Whole ones and billionths apart: together they could exceed SQLite's 64 bits.
    column = compiler.process(element.clauses, **options)
    return f"(sum({column} / {_UNIT}) || '.' || sum({column} % {_UNIT}))"


def _from_unit(billionths: int | str) -> Decimal:
    return Decimal(billionths).scaleb(-DECIMAL_PLACES, context=EXACT)
