"""Logging in."""

from __future__ import annotations

from reference_server.accounts.base import AccountsBase, Tokens
from reference_server.accounts.failures import LoginRefusedError
from reference_server.data.accounts import User, email_digest
from reference_server.security.scope import AUTH, scoped


class LoggingIn(AccountsBase):
    """From address and password to a session."""

    def log_in(self, email: str, password: str) -> Tokens:
        """Begin a session. Every refusal looks alike and takes as long: one bcrypt, one more failure written.

        Raises:
            LoginRefusedError: Address or password is wrong, or the address is not verified, locked, or being closed.
        """
        with scoped(AUTH), self._database.unit_of_work() as work:
            found = work.users.find_by_email(email)
        user, hashed = found or (None, None)
        good = self._passwords.verify(
            password, hashed
        )  # outside a transaction: it takes a quarter of a second
        tokens = self._enter(user, hashed) if good and user is not None and hashed else None
        if tokens is None or user is None or hashed is None:
            self._refuse(email, user)
            raise LoginRefusedError
        if self._passwords.needs_rehash(hashed):
            self._rehash(
                user, hashed, password
            )  # last: a refusal must not take longer where the password is right
        return tokens

    def _enter(self, user: User, hashed: str) -> Tokens | None:
        """A session, if nothing stands against it. Everything that may have changed meanwhile is looked at again."""
        key, now = email_digest(user.email), self._now()
        with scoped(AUTH), self._database.unit_of_work() as work:
            failures = work.login_failures.find(key, lock=True)
            found = work.users.find_with_hash(user.id, lock=True)
            is_locked = failures is not None and failures.is_locked(now)
            if is_locked or found is None or found[1] != hashed or not _may_enter(found[0]):
                return None
            if failures is not None:
                work.login_failures.forget(key)
            tokens = self._begin_session(work, user.id)
            self._audit_own(work, "auth.login", user.id)
            work.commit()
        return tokens

    def _rehash(self, user: User, hashed: str, password: str) -> None:
        """The same password at the cost that holds now, unless it was changed meanwhile."""
        rehashed = self._passwords.hash(password)
        with scoped(AUTH), self._database.unit_of_work() as work:
            found = work.users.find_with_hash(user.id, lock=True)
            if found is not None and found[1] == hashed:
                work.users.save(user.id, password_hash=rehashed)
                self._audit_own(work, "auth.rehash", user.id)
                work.commit()

    def _refuse(self, email: str, user: User | None) -> None:
        with scoped(AUTH), self._database.unit_of_work() as work:
            self._note_failure(work, email, user)
            work.commit()


def _may_enter(user: User) -> bool:
    return user.email_verified and user.closing_at is None
