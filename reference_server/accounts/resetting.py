"""Passwords: forgotten, reset, changed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from reference_server.accounts.base import NOBODY, RESET_PASSWORD, AccountsBase
from reference_server.accounts.failures import LinkNotGoodError, PasswordRefusedError, SessionOverError
from reference_server.data.accounts import User, email_digest
from reference_server.security.passwords import unfit_for
from reference_server.security.scope import AUTH, scoped
from reference_server.security.tokens import digest

if TYPE_CHECKING:
    from reference_server.data.accounts import Principal
    from reference_server.data.database import ServerUnitOfWork


class Resetting(AccountsBase):
    """Ways to another password."""

    def forget_password(self, email: str) -> None:
        """Send a link to whoever has the address, if somebody has; the caller does not learn whether."""
        with scoped(AUTH), self._database.unit_of_work() as work:
            work.users.hold_address(email)
            found = work.users.find_by_email(email, lock=True)
            user = found[0] if found else None
            may_have = self._may_have_link(work, user.id if user else uuid4(), RESET_PASSWORD)
            if user is not None and user.email_verified and user.closing_at is None and may_have:
                data = self._new_link(work, user.id, RESET_PASSWORD, {})
                self._post(work, user, "reset_password", data, key=digest(data["link"]))
            else:
                work.login_failures.pretend(now=self._now())
                self._pretend_to_post(work)
            self._audit(
                work,
                "auth.forgot_password",
                ("address", email_digest(email)),
                actor=NOBODY,
                user_id=user.id if user else None,
            )
            work.commit()

    def reset_password(self, secret: str, password: str) -> None:
        """Follow the link of a mail to another password. Ends every session and every API key, and any lock.

        Whoever resets a password has lost it, perhaps to somebody who made themselves a key.

        Raises:
            LinkNotGoodError: It is not good (any more).
            PasswordRefusedError: The password breaks a rule; the link stays good.
        """
        key = digest(secret)
        with scoped(AUTH), self._database.unit_of_work() as work:
            user = self._user_of_link(work, key)
        _refuse_unfit(password, user)
        hashed = self._passwords.hash(password)
        with scoped(AUTH), self._database.unit_of_work() as work:
            locked = work.users.lock(user.id)
            payload = work.one_time_tokens.take(key, now=self._now())
            if locked is None or locked.closing_at is not None or payload is None:
                raise LinkNotGoodError
            ended = self._end_all(work, user.id, "password", keys=True)
            self._set_password(work, locked, hashed)
            self._audit_own(work, "auth.password_reset", user.id, **ended)
            work.commit()

    def _user_of_link(self, work: ServerUnitOfWork, key: str) -> User:
        token = work.one_time_tokens.find(key, now=self._now())
        user = work.users.find(token.user_id) if token and token.purpose == RESET_PASSWORD else None
        if user is None:
            raise LinkNotGoodError
        return user

    def change_password(
        self, principal: Principal, current: str, password: str, *, revoke_api_keys: bool = False
    ) -> None:
        """Another password, for somebody who knows the one that holds. Ends the other sessions.

        Raises:
            WrongPasswordError: The current one is wrong.
            PasswordRefusedError: The new one breaks a rule.
            SessionOverError: The session ended meanwhile.
        """
        user = principal.user
        _refuse_unfit(password, user)
        self._check_password(user, current)
        hashed = self._passwords.hash(password)
        with scoped(AUTH), self._database.unit_of_work() as work:
            locked = work.users.lock(user.id)
            session_id = principal.session_id
            # Whoever reset the password meanwhile has ended this session: its change comes too late.
            standing = session_id and work.sessions.principal(session_id, user.id, now=self._now())
            if locked is None or not standing:
                raise SessionOverError
            ended = self._end_all(work, user.id, "password", but=session_id, keys=revoke_api_keys)
            self._set_password(work, locked, hashed)
            self._audit_own(work, "auth.password_change", user.id, **ended)
            work.commit()

    def _set_password(self, work: ServerUnitOfWork, user: User, hashed: str) -> None:
        now = self._now()
        work.users.save(user.id, password_hash=hashed, updated_at=now)
        work.login_failures.forget(email_digest(user.email))
        data = {"reset_link": self._page("forgot-password")}
        self._post(work, user, "password_changed", data, key=f"{user.id}:{now.isoformat()}")


def _refuse_unfit(password: str, user: User) -> None:
    reason = unfit_for(password, email=user.email, name=user.name)
    if reason is not None:
        raise PasswordRefusedError(reason)
