"""What a database is sent."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import Engine


@dataclass(frozen=True)
class Sent:
    """A statement and its parameters, as the driver got them."""

    sql: str
    parameters: Any


@contextmanager
def recorded(engine: Engine) -> Generator[list[Sent]]:
    """Statements that are sent meanwhile; not those that begin and end transactions."""
    sent: list[Sent] = []

    def note(_connection: object, _cursor: object, sql: str, parameters: Any, *_: object) -> None:
        if not sql.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            sent.append(Sent(sql, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
