"""Accounts: registering, logging in, sessions. No HTTP here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from railway_saas.domain import new_id
from reference_server.data.accounts import User, plain_email
from reference_server.data.models import SessionRow
from reference_server.security.origin import current_origin
from reference_server.security.passwords import MIN_PASSWORD_CHARACTERS
from reference_server.security.scope import AUTH, scoped
from reference_server.security.tokens import digest, new_secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from reference_server.data.database import ServerDatabase, ServerUnitOfWork
    from reference_server.security.passwords import Passwords
    from reference_server.security.tokens import AccessTokens


class LoginRefusedError(Exception):
    """The address or the password is wrong, or the address is not verified, or it is locked: nobody learns which."""


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """What a log-in gives."""

    access: str
    refresh: str
    expires_in: int


class Accounts:
    """What people do with their accounts."""

    def __init__(
        self,
        database: ServerDatabase,
        passwords: Passwords,
        access_tokens: AccessTokens,
        *,
        refresh_token_s: int,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._access_tokens = access_tokens
        self._refresh_token_s = refresh_token_s
        self._now = now

    def log_in(self, email: str, password: str) -> Tokens:
        """Begin a session.

        Raises:
            LoginRefusedError: Address or password are wrong.
        """
        with scoped(AUTH), self._database.unit_of_work() as work:
            found = work.users.find_by_email(email)
            good = self._passwords.verify(password, found[1] if found else None)
            if found is None or not good or not found[0].email_verified or found[0].closing_at is not None:
                raise LoginRefusedError
            tokens = self._begin_session(work, found[0].id)
            work.commit()
        return tokens

    def create_admin(self, email: str, password: str, *, name: str) -> User:
        """An account with every right, whose address is taken as verified.

        Raises:
            ConflictError: The address has an account.
            ValueError: The password is too short or too long.
        """
        if len(password) < MIN_PASSWORD_CHARACTERS:
            raise ValueError(f"the password must have at least {MIN_PASSWORD_CHARACTERS} characters")
        now = self._now()
        user = User(
            id=new_id(now),
            email=plain_email(email),
            name=name,
            role="admin",
            email_verified=True,
            closing_at=None,
            created_at=now,
            updated_at=now,
        )
        with self._database.unit_of_work() as work:
            work.users.add(user, password_hash=self._passwords.hash(password))
            work.commit()
        return user

    def _begin_session(self, work: ServerUnitOfWork, user_id: UUID) -> Tokens:
        now, origin = self._now(), current_origin()
        session = SessionRow(
            id=new_id(now),
            user_id=user_id,
            user_agent=origin.user_agent if origin else None,
            address=origin.address if origin else None,
            created_at=now,
            expires_at=now + timedelta(seconds=self._refresh_token_s),
            last_used_at=now,
            revoked_at=None,
            revoke_reason=None,
        )
        work.sessions.add(session)
        return self._new_tokens(work, user_id, session.id)

    def _new_tokens(self, work: ServerUnitOfWork, user_id: UUID, session_id: UUID) -> Tokens:
        refresh = new_secret("rsr")
        work.sessions.add_refresh_token(digest=digest(refresh), session_id=session_id, now=self._now())
        access = self._access_tokens.issue(user_id, session_id)
        return Tokens(access, refresh, self._access_tokens.lifetime_s)
