"""Users, their sessions, links in mails, API keys."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError

from railway_saas.errors import ConflictError, NotFoundError
from reference_server.data.models import (
    ApiKeyRow,
    LoginFailureRow,
    OneTimeTokenRow,
    RefreshTokenRow,
    SessionRow,
    UserRow,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import CursorResult, Delete, Update
    from sqlalchemy.orm import Session

Role = Literal["user", "admin"]


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


def user_of(row: UserRow) -> User:
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

    def find_by_email(self, email: str) -> tuple[User, str] | None:
        """By address, with the hash of the password."""
        row = self._session.scalar(select(UserRow).where(UserRow.email == plain_email(email)))
        return None if row is None else (user_of(row), row.password_hash)

    def password_hash_of(self, user_id: UUID) -> str | None:
        """The hash of somebody's password."""
        return self._session.scalar(select(UserRow.password_hash).where(UserRow.id == user_id))

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
        """Delete the row, and with it all that refers to it."""
        row = self._session.get(UserRow, user_id)
        if row is not None:
            self._session.delete(row)
            self._session.flush()

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
        return dict(rows.tuples())


@dataclass(frozen=True, slots=True)
class Principal:
    """Who stands behind an access token."""

    user: User
    session_id: UUID | None
    scopes: frozenset[str] | None = None
    """Of the API key; None: a session, which may do everything that the user may."""
    api_key_id: UUID | None = None


class Sessions:
    """Log-ins and their refresh tokens."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: SessionRow) -> None:
        """Insert."""
        self._session.add(row)
        self._session.flush()

    def principal(self, session_id: UUID, user_id: UUID) -> Principal | None:
        """The user of a session that still stands, with one statement."""
        row = self._session.execute(
            select(UserRow, SessionRow.id)
            .join(SessionRow, SessionRow.user_id == UserRow.id)
            .where(SessionRow.id == session_id, UserRow.id == user_id)
            .where(SessionRow.revoked_at.is_(None), UserRow.closing_at.is_(None))
        ).one_or_none()
        return None if row is None else Principal(user_of(row[0]), row[1])

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

    def list_live(self, user_id: UUID, *, now: datetime) -> Sequence[SessionRow]:
        """Sessions that stand, oldest first."""
        return self._session.scalars(
            select(SessionRow)
            .where(
                SessionRow.user_id == user_id, SessionRow.revoked_at.is_(None), SessionRow.expires_at > now
            )
            .order_by(SessionRow.id)
            .limit(200)
        ).all()

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
        self._session.add(row)
        self._session.flush()

    def take(self, digest: str, purpose: str, *, now: datetime) -> OneTimeTokenRow | None:
        """The token, if it is good; it is not afterwards. Of two that take it at once one gets it."""
        touched = _touched(
            self._session,
            update(OneTimeTokenRow)
            .where(OneTimeTokenRow.digest == digest, OneTimeTokenRow.purpose == purpose)
            .where(OneTimeTokenRow.used_at.is_(None), OneTimeTokenRow.expires_at > now)
            .values(used_at=now),
        )
        return self._session.get(OneTimeTokenRow, digest) if touched == 1 else None

    def void(self, user_id: UUID, purpose: str, *, now: datetime) -> None:
        """None of a user's links of a purpose is good any more."""
        self._session.execute(
            update(OneTimeTokenRow)
            .where(OneTimeTokenRow.user_id == user_id, OneTimeTokenRow.purpose == purpose)
            .where(OneTimeTokenRow.used_at.is_(None))
            .values(used_at=now)
        )


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

    def find(self, digest: str) -> LoginFailureRow | None:
        """What is known of an address."""
        return self._session.get(LoginFailureRow, digest, populate_existing=True)

    def count(self, digest: str, *, now: datetime, forget_before: datetime) -> int:
        """One more; how many there are now. Older ones than `forget_before` do not count."""
        insert = postgresql_insert if self._session.get_bind().dialect.name == "postgresql" else sqlite_insert
        statement = insert(LoginFailureRow).values(
            email_digest=digest, failures=1, last_at=now, locked_until=None
        )
        stale = LoginFailureRow.last_at < forget_before
        counted = statement.on_conflict_do_update(
            index_elements=[LoginFailureRow.email_digest],
            set_={"failures": case((stale, 1), else_=LoginFailureRow.failures + 1), "last_at": now},
        ).returning(LoginFailureRow.failures)
        return int(self._session.execute(counted).scalar_one())

    def lock(self, digest: str, until: datetime) -> None:
        """No log-in of this address before a moment."""
        self._session.execute(
            update(LoginFailureRow).where(LoginFailureRow.email_digest == digest).values(locked_until=until)
        )

    def forget(self, digest: str) -> None:
        """Begin anew."""
        row = self._session.get(LoginFailureRow, digest)
        if row is not None:
            self._session.delete(row)
            self._session.flush()
