"""Encrypted backups of the platform's own database, and their way back. Works on PostgreSQL and SQLite, from one to the other.

A backup is one file: a line of JSON that says what it is, then frames. Each frame is gzip'ed JSON lines, encrypted with
AES-256-GCM under a key of ENCRYPTION_KEYS; the first line and its place in the file are bound to it, and the last one says
that it is the last, so that nothing can be altered, left out, moved, or cut off unseen (the STREAM construction of Hoang, Reyhanitabar, Rogaway and
Vizár, CRYPTO 2015). Variables of customers stay sealed as they are in the database.

Jobs that wait are not in it: the periodic jobs find their work again.
"""

from __future__ import annotations

import gzip
import json
import os
import struct
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, Final, Literal, cast
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import func, insert, select

from railway_saas.errors import ConfigurationError, UndecipherableError
from railway_saas.repositories.sqlalchemy import Base
from reference_server import migrations
from reference_server.data.models import ServerBase
from reference_server.security.encryption import BACKUPS, derived_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sqlalchemy import Connection, Engine, Table

    from reference_server.settings import KeyRing

FORMAT: Final = "railway-saas backup 1"
_ROWS_PER_FRAME: Final = 2_000
_NONCE_PREFIX_BYTES: Final = 7
_MAX_FRAME_BYTES: Final = 256 * 2**20
_MAX_HEAD_BYTES: Final = 10_000
_NOT_KEPT: Final = {"workers"}
"""Tables that are only about processes that run now."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds, or what was restored: rows by table."""

    created_at: datetime
    rows: Mapping[str, int]

    @property
    def total(self) -> int:
        """Rows in all."""
        return sum(self.rows.values())


def tables() -> list[Table]:
    """Every table, those that are referred to before those that refer to them."""
    both = [*ServerBase.metadata.sorted_tables, *Base.metadata.sorted_tables]
    return [table for table in both if table.name not in _NOT_KEPT]


def write_backup(engine: Engine, keys: KeyRing, target: IO[bytes], *, now: datetime) -> BackupReport:
    """Write everything there is at one moment.

    Raises:
        ConfigurationError: The database is not up to date.
    """
    revisions = _revisions(engine)
    key_id, secret = keys.current
    prefix = os.urandom(_NONCE_PREFIX_BYTES)
    head = _Head(format=FORMAT, key=key_id, nonce=prefix.hex(), created_at=now, revisions=revisions)
    line = head.model_dump_json().encode() + b"\n"
    target.write(line)
    frames = _Frames(derived_key(secret.get_secret_value(), BACKUPS), prefix, line)
    counts: Counter[str] = Counter()
    with _snapshot(engine) as connection:
        for table in tables():
            for rows in _pages(connection, table):
                counts[table.name] += len(rows)
                target.write(frames.sealed({"table": table.name, "rows": rows}))
    target.write(frames.sealed({"counts": dict(counts)}, last=True))
    return BackupReport(now, dict(counts))


def _snapshot(engine: Engine) -> Connection:
    """A connection that sees one moment only. SQLite's transactions do so anyway."""
    connection = engine.connect()
    return (
        connection.execution_options(isolation_level="REPEATABLE READ")
        if _is_postgresql(engine)
        else connection
    )


def _is_postgresql(engine: Engine) -> bool:
    return engine.dialect.name == "postgresql"


def _pages(connection: Connection, table: Table) -> Iterator[list[list[Any]]]:
    query = select(table).order_by(*table.primary_key.columns)
    result = connection.execution_options(yield_per=_ROWS_PER_FRAME).execute(query)
    for part in result.partitions():
        yield [[_plain(value) for value in row] for row in part]


def read_backup(engine: Engine, keys: KeyRing, source: IO[bytes]) -> BackupReport:
    """Put a backup into an empty database that is up to date; everything in one transaction.

    Raises:
        ConfigurationError: It is no backup, of another version, or the database is not empty.
        UndecipherableError: Its key is not in the ring, or it was altered or cut off.
    """
    line = source.readline(_MAX_HEAD_BYTES)
    head = _read_head(line)
    secret = keys.find(head.key)
    if secret is None:
        raise UndecipherableError(
            f"the backup is encrypted with the key {head.key!r}, which ENCRYPTION_KEYS does not hold"
        )
    if head.revisions != _revisions(engine):
        raise ConfigurationError(
            "the backup is of another version of the schema: restore it with the version of the platform that made it, "
            "then migrate"
        )
    frames = _Frames(derived_key(secret.get_secret_value(), BACKUPS), bytes.fromhex(head.nonce), line)
    by_name = {table.name: table for table in tables()}
    counts: Counter[str] = Counter()
    expected: Mapping[str, int] = {}
    with engine.begin() as connection:
        _refuse_unless_empty(connection)
        for frame in frames.opened(source):
            if "counts" in frame:
                expected = frame["counts"]
                continue
            table = by_name[frame["table"]]
            connection.execute(insert(table), [_row(table, values) for values in frame["rows"]])
            counts[table.name] += len(frame["rows"])
        if dict(counts) != dict(expected):
            raise UndecipherableError("the backup does not hold what it says; nothing was restored")
    return BackupReport(head.created_at, dict(counts))


class _Head(BaseModel):
    """The first line of a backup. Anybody can read it; nobody can change it."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["railway-saas backup 1"]
    key: str
    nonce: str = Field(pattern=rf"^[0-9a-f]{{{2 * _NONCE_PREFIX_BYTES}}}$")
    created_at: AwareDatetime
    revisions: dict[str, str | None]


def _read_head(line: bytes) -> _Head:
    try:
        return _Head.model_validate_json(line)
    except ValidationError:
        raise ConfigurationError(f"this is no backup of the platform (format {FORMAT!r})") from None


def _refuse_unless_empty(connection: Connection) -> None:
    for table in tables():
        if connection.scalar(select(func.count()).select_from(table)):
            raise ConfigurationError(
                f"the database is not empty ({table.name} has rows): restore into a new one"
            )


def _revisions(engine: Engine) -> dict[str, str | None]:
    if not migrations.is_current(engine):
        raise ConfigurationError("the database is not up to date: run `railway-saas-server migrate`")
    return migrations.revisions(engine)


class _Frames:
    """Encrypts and decrypts frames in their order.

    Args:
        key: 32 bytes.
        prefix: Of every nonce.
        bound: What is in clear, and must be as it was.
    """

    def __init__(self, key: bytes, prefix: bytes, bound: bytes) -> None:
        self._cipher = AESGCM(key)
        self._prefix = prefix
        self._bound = bound
        self._number = 0

    def _nonce(self, *, last: bool) -> bytes:
        nonce = self._prefix + struct.pack(">IB", self._number, last)
        self._number += 1
        return nonce

    def sealed(self, frame: Mapping[str, Any], *, last: bool = False) -> bytes:
        """Length, whether it is the last, and the encrypted frame."""
        plain = gzip.compress(json.dumps(frame, separators=(",", ":")).encode(), compresslevel=5, mtime=0)
        body = self._cipher.encrypt(self._nonce(last=last), plain, self._bound)
        return struct.pack(">IB", len(body), last) + body

    def opened(self, source: IO[bytes]) -> Iterator[dict[str, Any]]:
        """Every frame.

        Raises:
            UndecipherableError: One is missing, was altered, or stands elsewhere.
        """
        last = False
        while not last:
            head = source.read(5)
            length, last = struct.unpack(">I?", head) if len(head) == 5 else (0, False)  # noqa: PLR2004
            body = source.read(length) if 0 < length <= _MAX_FRAME_BYTES else b""
            try:
                plain = self._cipher.decrypt(self._nonce(last=last), body, self._bound)
            except (InvalidTag, ValueError):
                raise UndecipherableError(
                    f"frame {self._number} of the backup, or its first line, is missing or was altered; nothing was restored"
                ) from None
            yield json.loads(gzip.decompress(plain))
        if source.read(1):
            raise UndecipherableError("there is something after the end of the backup; nothing was restored")


def _plain(value: Any) -> Any:
    """A value of a row as JSON that says its type where JSON has none."""
    match value:
        case UUID():
            return {"$": "uuid", "v": value.hex}
        case datetime():
            return {"$": "moment", "v": value.isoformat()}
        case date():
            return {"$": "day", "v": value.isoformat()}
        case Decimal():
            return {"$": "decimal", "v": str(value)}
        case dict() | list():
            return {"$": "json", "v": cast("Any", value)}
        case _:
            return value


_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "uuid": UUID,
    "moment": datetime.fromisoformat,
    "day": date.fromisoformat,
    "decimal": Decimal,
    "json": lambda value: value,
}


def _row(table: Table, values: Iterable[Any]) -> dict[str, Any]:
    return dict(zip((column.name for column in table.columns), map(_value, values), strict=True))


def _value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    tagged = cast("dict[str, Any]", value)
    return _READ[tagged["$"]](tagged["v"])
