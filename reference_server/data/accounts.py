"""Users, their sessions, links in mails, API keys."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from sqlalchemy import bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError

from railway_saas.errors import ConflictError, NotFoundError
from railway_saas.repositories.sqlalchemy import Base
from reference_server.data.models import (
    ApiKeyRow,
    LoginFailureRow,
    OneTimeTokenRow,
    RefreshTokenRow,
    ServerBase,
    SessionRow,
    UserRow,
)
from reference_server.security.lockout import Failures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, CursorResult, Delete, Row, Table, Update
    from sqlalchemy.orm import Session

Role = Literal["user", "admin"]

_NOTED_EVERY: Final = timedelta(minutes=1)
"""How exact `last_used_at` of an API key is: a write for each request would cost more than the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One row of `users`, without its password."""

    id: UUID
    email: str
    name: str
    role: Role
    email_verified: bool
    closing_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def is_admin(self) -> bool:
        """Whether everything is theirs to see."""
        return self.role == "admin"


def user_of(row: UserRow | Row[*tuple[Any, ...]]) -> User:
    """Read a row of `users`."""
    return User(
        id=row.id,
        email=row.email,
        name=row.name,
        role="admin" if row.role == "admin" else "user",
        email_verified=row.email_verified,
        closing_at=row.closing_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def plain_email(email: str) -> str:
    """How an address is stored and compared."""
    return email.strip().lower()


def _touched(session: Session, change: Update | Delete) -> int:
    """Carry a change out; how many rows it touched."""
    done = session.execute(change, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", done).rowcount


class Users:
    """The table of users."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, user: User, *, password_hash: str) -> None:
        """Insert.

        Raises:
            ConflictError: The address has an account.
        """
        try:
            with self._session.begin_nested():
                self._session.add(
                    UserRow(
                        id=user.id,
                        email=user.email,
                        password_hash=password_hash,
                        name=user.name,
                        role=user.role,
                        email_verified=user.email_verified,
                        closing_at=user.closing_at,
                        created_at=user.created_at,
                        updated_at=user.updated_at,
                    )
                )
                self._session.flush()
        except IntegrityError as error:
            raise ConflictError("users: the address has an account") from error

    def find(self, user_id: UUID) -> User | None:
        """By id."""
        row = self._session.get(UserRow, user_id, populate_existing=True)
        return None if row is None else user_of(row)

    def find_by_email(self, email: str, *, lock: bool = False) -> tuple[User, str] | None:
        """By address, with the hash of the password; `lock`: held until the transaction ends."""
        return self._with_hash(UserRow.email == plain_email(email), lock=lock)

    def hold_address(self, email: str) -> None:
        """Let nobody else hold the address until the transaction ends, whether it has an account or not.

        Requests for one address so wait for each other in either case: how long says nothing. SQLite has one writer anyway.
        """
        if self._session.get_bind().dialect.name == "postgresql":
            number = int.from_bytes(bytes.fromhex(email_digest(email))[:8], signed=True)
            self._session.execute(select(func.pg_advisory_xact_lock(number)))

    def find_with_hash(self, user_id: UUID, *, lock: bool = False) -> tuple[User, str] | None:
        """By id, with the hash of the password; `lock`: held until the transaction ends."""
        return self._with_hash(UserRow.id == user_id, lock=lock)

    def lock(self, user_id: UUID) -> User | None:
        """By id, held until the transaction ends."""
        found = self.find_with_hash(user_id, lock=True)
        return None if found is None else found[0]

    def _with_hash(self, condition: ColumnElement[bool], *, lock: bool) -> tuple[User, str] | None:
        query = select(UserRow).where(condition).execution_options(populate_existing=True)
        row = self._session.scalar(query.with_for_update() if lock else query)
        return None if row is None else (user_of(row), row.password_hash)

    def lock_admins(self) -> frozenset[UUID]:
        """Everybody who is an administrator and stays one, held until the transaction ends."""
        query = (
            select(UserRow.id)
            .where(UserRow.role == "admin", UserRow.email_verified.is_(True), UserRow.closing_at.is_(None))
            .order_by(UserRow.id)
            .with_for_update()
        )
        return frozenset(self._session.scalars(query))

    def list_closing(self, *, limit: int = 100) -> Sequence[UUID]:
        """Accounts that are to be removed, the longest waiting first."""
        query = select(UserRow.id).where(UserRow.closing_at.is_not(None)).order_by(UserRow.closing_at)
        return self._session.scalars(query.limit(limit)).all()

    def save(self, user_id: UUID, **values: Any) -> None:
        """Change columns.

        Raises:
            NotFoundError: There is no such user, or not for this scope.
            ConflictError: The address has an account.
        """
        try:
            with self._session.begin_nested():
                touched = _touched(
                    self._session, update(UserRow).where(UserRow.id == user_id).values(**values)
                )
        except IntegrityError as error:
            raise ConflictError("users: the address has an account") from error
        if touched == 0:
            raise NotFoundError(f"user {user_id}: there is no such row")

    def delete(self, user_id: UUID) -> None:
        """Delete the row and everything that is this user's, in the SDK's tables as well; not the audit log."""
        for table in _owned_tables():
            self._session.execute(delete(table).where(table.c.user_id == user_id))
        self._session.execute(delete(UserRow).where(UserRow.id == user_id))
        self._session.expire_all()

    def delete_unverified(self, *, before: datetime, limit: int) -> int:
        """Delete registrations that nobody followed, and that were last asked for before a moment; how many went.

        One that is being asked for just now is held by that transaction, and passed over.
        """
        asked_again = exists().where(
            OneTimeTokenRow.user_id == UserRow.id, OneTimeTokenRow.created_at >= before
        )
        stale = self._session.scalars(
            select(UserRow.id)
            .where(UserRow.email_verified.is_(False), UserRow.created_at < before, ~asked_again)
            .order_by(UserRow.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        # Nothing but links is theirs: nobody has ever logged in.
        self._session.execute(delete(UserRow).where(UserRow.id.in_(stale)))
        return len(stale)

    def list_page(
        self,
        *,
        role: str | None = None,
        email: str | None = None,
        closing: bool | None = None,
        after: UUID | None = None,
        limit: int = 50,
    ) -> Sequence[User]:
        """By id, so by age; `email`: those whose address begins so. One row more than `limit` where there are more."""
        query = select(UserRow).order_by(UserRow.id).limit(limit + 1)
        if role is not None:
            query = query.where(UserRow.role == role)
        if email is not None:
            query = query.where(UserRow.email.startswith(plain_email(email), autoescape=True))
        if closing is not None:
            query = query.where(UserRow.closing_at.is_not(None) if closing else UserRow.closing_at.is_(None))
        if after is not None:
            query = query.where(UserRow.id > after)
        return [user_of(row) for row in self._session.scalars(query)]

    def count_by_role(self) -> dict[str, int]:
        """How many there are of each."""
        rows = self._session.execute(select(UserRow.role, func.count()).group_by(UserRow.role))
        return {str(row[0]): int(row[1]) for row in rows}


def _owned_tables() -> list[Table]:
    """Tables with a `user_id`; on PostgreSQL a foreign key would do the same, SQLite has none to the SDK's tables."""
    tables = (*reversed(Base.metadata.sorted_tables), *reversed(ServerBase.metadata.sorted_tables))
    return [table for table in tables if "user_id" in table.c and table.name != "audit_log"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who stands behind an access token."""

    user: User
    session_id: UUID | None
    scopes: frozenset[str] | None = None
    """Of the API key; None: a session, which may do everything that the user may."""
    api_key_id: UUID | None = None


_users, _sessions = cast("Table", UserRow.__table__), cast("Table", SessionRow.__table__)
_STANDING: Final = (
    select(*(column for column in _users.c if column is not _users.c.password_hash))
    .join(_sessions, _sessions.c.user_id == _users.c.id)
    .where(_sessions.c.id == bindparam("session_id"), _users.c.id == bindparam("user_id"))
    .where(_sessions.c.revoked_at.is_(None), _sessions.c.expires_at > bindparam("now"))
    .where(_users.c.closing_at.is_(None))
)
"""Asked with every request: made once, and read without objects of the ORM, which cost as much as the question."""


class Sessions:
    """Log-ins and their refresh tokens."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: SessionRow) -> None:
        """Insert."""
        self._session.add(row)
        self._session.flush()

    def principal(self, session_id: UUID, user_id: UUID, *, now: datetime) -> Principal | None:
        """The user of a session that still stands, with one statement."""
        asked = {"session_id": session_id, "user_id": user_id, "now": now}
        row = self._session.execute(_STANDING, asked).one_or_none()
        return None if row is None else Principal(user_of(row), session_id)

    def find(self, session_id: UUID) -> SessionRow | None:
        """By id."""
        return self._session.get(SessionRow, session_id)

    def add_refresh_token(self, *, digest: str, session_id: UUID, now: datetime) -> None:
        """The good one from now on."""
        self._session.add(RefreshTokenRow(digest=digest, session_id=session_id, created_at=now, used_at=None))
        self._session.flush()

    def use_refresh_token(self, digest: str, *, now: datetime) -> tuple[SessionRow, bool] | None:
        """The session of a token, and whether this is its first use. Two that use it at once: one is the first."""
        found = self._session.scalar(
            select(RefreshTokenRow.session_id).where(RefreshTokenRow.digest == digest)
        )
        row = (
            None
            if found is None
            else self._session.scalar(select(SessionRow).where(SessionRow.id == found).with_for_update())
        )
        if row is None:
            return None
        touched = _touched(
            self._session,
            update(RefreshTokenRow)
            .where(RefreshTokenRow.digest == digest, RefreshTokenRow.used_at.is_(None))
            .values(used_at=now),
        )
        return row, touched == 1

    def prolong(self, session_id: UUID, *, now: datetime, expires_at: datetime) -> None:
        """Note that it was used."""
        self._session.execute(
            update(SessionRow)
            .where(SessionRow.id == session_id)
            .values(last_used_at=now, expires_at=expires_at)
        )

    def list_live(
        self, user_id: UUID, *, now: datetime, after: UUID | None = None, limit: int = 50
    ) -> Sequence[SessionRow]:
        """Sessions that stand, oldest first. One row more than `limit` where there are more."""
        query = select(SessionRow).where(
            SessionRow.user_id == user_id, SessionRow.revoked_at.is_(None), SessionRow.expires_at > now
        )
        if after is not None:
            query = query.where(SessionRow.id > after)
        return self._session.scalars(query.order_by(SessionRow.id).limit(limit + 1)).all()

    def revoke(
        self,
        *,
        reason: str,
        now: datetime,
        session_id: UUID | None = None,
        user_id: UUID | None = None,
        but: UUID | None = None,
    ) -> int:
        """End a session, or all of a user's (`but` one); how many."""
        change = (
            update(SessionRow)
            .where(SessionRow.revoked_at.is_(None))
            .values(revoked_at=now, revoke_reason=reason)
        )
        if session_id is not None:
            change = change.where(SessionRow.id == session_id)
        if user_id is not None:
            change = change.where(SessionRow.user_id == user_id)
        if but is not None:
            change = change.where(SessionRow.id != but)
        return _touched(self._session, change)


class OneTimeTokens:
    """Links in mails."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: OneTimeTokenRow) -> None:
        """Insert."""
        with self._session.begin_nested():  # as `LoginFailures.pretend` does
            self._session.add(row)

    def find(self, digest: str, *, now: datetime) -> OneTimeTokenRow | None:
        """The token, if it is good."""
        return self._session.scalar(
            select(OneTimeTokenRow).where(OneTimeTokenRow.digest == digest, *_is_good(now))
        )

    def take(self, digest: str, *, now: datetime) -> Mapping[str, Any] | None:
        """What a good token carries; it is not good afterwards, and empty. Of two that take it at once one gets it."""
        payload = self._session.scalar(
            select(OneTimeTokenRow.payload).where(OneTimeTokenRow.digest == digest, *_is_good(now))
        )
        touched = _touched(
            self._session,
            update(OneTimeTokenRow)
            .where(OneTimeTokenRow.digest == digest, *_is_good(now))
            .values(used_at=now, payload={}),
        )
        return payload if touched == 1 else None

    def void(self, user_id: UUID, *purposes: str, now: datetime) -> None:
        """None of a user's links of these purposes is good any more."""
        self._session.execute(
            update(OneTimeTokenRow)
            .where(OneTimeTokenRow.user_id == user_id, OneTimeTokenRow.purpose.in_(purposes))
            .where(OneTimeTokenRow.used_at.is_(None))
            .values(used_at=now, payload={}),
            execution_options={"synchronize_session": False},
        )

    def list_good(
        self, user_id: UUID, *purposes: str, now: datetime, limit: int
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Digests and payloads of a user's, newest first."""
        query = (
            select(OneTimeTokenRow.digest, OneTimeTokenRow.payload)
            .where(OneTimeTokenRow.user_id == user_id, OneTimeTokenRow.purpose.in_(purposes), *_is_good(now))
            .order_by(OneTimeTokenRow.created_at.desc(), OneTimeTokenRow.digest)
            .limit(limit)
        )
        return [(row[0], row[1]) for row in self._session.execute(query)]

    def count_since(self, user_id: UUID, moment: datetime, *, purpose: str) -> int:
        """How many of a purpose a user was sent lately."""
        query = select(func.count()).where(
            OneTimeTokenRow.user_id == user_id,
            OneTimeTokenRow.created_at > moment,
            OneTimeTokenRow.purpose == purpose,
        )
        return self._session.scalar(query) or 0


def _is_good(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return OneTimeTokenRow.used_at.is_(None), OneTimeTokenRow.expires_at > now


class ApiKeys:
    """Keys for programs."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: ApiKeyRow) -> None:
        """Insert."""
        self._session.add(row)
        self._session.flush()

    def principal(self, digest: str, *, now: datetime) -> Principal | None:
        """The user of a key that is good, with one statement."""
        row = self._session.execute(
            select(UserRow, ApiKeyRow)
            .join(ApiKeyRow, ApiKeyRow.user_id == UserRow.id)
            .where(ApiKeyRow.digest == digest, ApiKeyRow.revoked_at.is_(None), UserRow.closing_at.is_(None))
        ).one_or_none()
        if row is None or (row[1].expires_at is not None and row[1].expires_at <= now):
            return None
        return Principal(user_of(row[0]), None, frozenset(row[1].scopes), row[1].id)

    def note_use(self, key_id: UUID, *, now: datetime) -> bool:
        """Note that it was used, at most once a minute; whether it was noted."""
        change = (
            update(ApiKeyRow)
            .where(ApiKeyRow.id == key_id)
            .where(or_(ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at <= now - _NOTED_EVERY))
            .values(last_used_at=now)
        )
        return _touched(self._session, change) == 1

    def count_live(self, user_id: UUID, *, now: datetime) -> int:
        """How many of a user's are good."""
        query = select(func.count()).where(
            ApiKeyRow.user_id == user_id,
            ApiKeyRow.revoked_at.is_(None),
            or_(ApiKeyRow.expires_at.is_(None), ApiKeyRow.expires_at > now),
        )
        return self._session.scalar(query) or 0

    def find(self, key_id: UUID, user_id: UUID) -> ApiKeyRow | None:
        """By id, if it is this user's."""
        return self._session.scalar(
            select(ApiKeyRow).where(ApiKeyRow.id == key_id, ApiKeyRow.user_id == user_id)
        )

    def list_page(self, user_id: UUID, *, after: UUID | None = None, limit: int = 50) -> Sequence[ApiKeyRow]:
        """A user's, by age. One row more than `limit` where there are more."""
        query = select(ApiKeyRow).where(ApiKeyRow.user_id == user_id).order_by(ApiKeyRow.id).limit(limit + 1)
        if after is not None:
            query = query.where(ApiKeyRow.id > after)
        return self._session.scalars(query).all()

    def find_made_under(self, user_id: UUID, idempotency_key: str, *, since: datetime) -> Sequence[UUID]:
        """Good ones that a request made since then."""
        query = select(ApiKeyRow.id).where(
            ApiKeyRow.user_id == user_id,
            ApiKeyRow.made_under == idempotency_key,
            ApiKeyRow.created_at > since,
            ApiKeyRow.revoked_at.is_(None),
        )
        return self._session.scalars(query).all()

    def revoke(self, *, user_id: UUID, now: datetime, key_id: UUID | None = None) -> int:
        """End one, or all of a user's; how many."""
        change = (
            update(ApiKeyRow)
            .where(ApiKeyRow.user_id == user_id, ApiKeyRow.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        if key_id is not None:
            change = change.where(ApiKeyRow.id == key_id)
        return _touched(self._session, change)


def email_digest(email: str) -> str:
    """Under what failures of an address are counted."""
    return hashlib.sha256(plain_email(email).encode()).hexdigest()


class LoginFailures:
    """Wrong passwords, by address."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, digest: str, *, lock: bool = False) -> Failures | None:
        """What is known of an address; `lock`: held until the transaction ends."""
        query = select(LoginFailureRow).where(LoginFailureRow.email_digest == digest)
        row = self._session.scalar(query.with_for_update() if lock else query)
        return None if row is None else _failures_of(row)

    def hold(self, digest: str, *, now: datetime) -> Failures:
        """What is known of an address, held until the transaction ends; a new row where nothing is."""
        values = {"email_digest": digest, **_values_of(Failures.none_yet(now))}
        into = postgresql_insert if self._session.get_bind().dialect.name == "postgresql" else sqlite_insert
        statement = into(LoginFailureRow).values(values)
        # An update that changes nothing holds the row: only one at a time counts.
        held = statement.on_conflict_do_update(
            index_elements=[LoginFailureRow.email_digest],
            set_={"email_digest": statement.excluded.email_digest},
        ).returning(LoginFailureRow)
        row = self._session.scalars(held, execution_options={"populate_existing": True}).one()
        return _failures_of(row)

    def save(self, digest: str, failures: Failures) -> None:
        """Write what is known now."""
        self._session.execute(
            update(LoginFailureRow)
            .where(LoginFailureRow.email_digest == digest)
            .values(_values_of(failures)),
            execution_options={"synchronize_session": False},
        )

    def forget(self, digest: str) -> None:
        """Begin anew."""
        self._session.execute(delete(LoginFailureRow).where(LoginFailureRow.email_digest == digest))

    def pretend(self, *, now: datetime) -> None:
        """Insert a row and take it back: where nothing is to be written, as much is done as where something is.

        So the time of an answer does not tell whether an address has an account.
        """
        attempt = self._session.begin_nested()
        values = {"email_digest": secrets.token_hex(32), **_values_of(Failures.none_yet(now))}
        self._session.execute(insert(LoginFailureRow).values(values))
        attempt.rollback()


def _failures_of(row: LoginFailureRow) -> Failures:
    return Failures(
        count=row.failures,
        window_began_at=row.window_began_at,
        locks=row.locks,
        locked_until=row.locked_until,
        last_at=row.last_at,
    )


def _values_of(failures: Failures) -> dict[str, Any]:
    return {
        "failures": failures.count,
        "window_began_at": failures.window_began_at,
        "locks": failures.locks,
        "locked_until": failures.locked_until,
        "last_at": failures.last_at,
    }
