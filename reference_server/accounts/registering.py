"""Registering, and verifying an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from railway_saas.domain import new_id
from railway_saas.errors import ConflictError
from reference_server.accounts.base import (
    CHANGE_EMAIL,
    NOBODY,
    REGISTERED_AGAIN,
    RESET_PASSWORD,
    VERIFY_EMAIL,
    AccountsBase,
    Tokens,
)
from reference_server.accounts.failures import (
    LinkNotGoodError,
    NotRegisteredSoError,
    PasswordMissingError,
    SessionOverError,
)
from reference_server.data.accounts import User, email_digest, plain_email
from reference_server.security.passwords import UNUSABLE_HASH
from reference_server.security.scope import AUTH, scoped
from reference_server.security.tokens import digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from uuid import UUID

    from reference_server.data.database import ServerUnitOfWork

_REGISTRATIONS: Final = 10
"""Of one address, the newest ones, that a password is compared with: each comparison takes bcrypt's time."""
_ONCE_PER: Final = "%Y-%m-%dT%H"
"""The owner of an account hears once per hour that somebody tried to register its address."""


class Registering(AccountsBase):
    """From nobody to somebody."""

    def register(self, email: str, password: str, *, name: str) -> None:
        """Ask for an account; what the mail says depends on the address, what the caller gets does not.

        The account gets name and password when a link to the address is followed with the password of *this* registration:
        whoever registers somebody else's address has nothing by it, and cannot use up the owner's links.
        """
        hashed = self._passwords.hash(password)
        with scoped(AUTH), self._database.unit_of_work() as work:
            user, is_new = self._user_of(work, plain_email(email))
            may_have = self._may_have_link(work, user.id, VERIFY_EMAIL)
            if user.email_verified:
                self._tell_owner(work, user)
            elif may_have:
                self._send_verification(work, user, {"name": name, "password_hash": hashed})
            else:
                again = {"name": name, "password_hash": hashed}
                self._new_link(work, user.id, REGISTERED_AGAIN, again)  # its secret is nobody's
                self._pretend_to_post(work)
            if not is_new:
                work.login_failures.pretend(now=self._now())
            self._audit(
                work,
                "auth.register",
                ("address", email_digest(email)),
                actor=NOBODY,
                user_id=user.id,
                had_account=user.email_verified,
            )
            work.commit()

    def _user_of(self, work: ServerUnitOfWork, email: str) -> tuple[User, bool]:
        """The account of an address, held; made where there is none, with no name and no password yet."""
        found = work.users.find_by_email(email, lock=True)
        if found is not None:
            return found[0], False
        now = self._now()
        user = User(
            id=new_id(now),
            email=email,
            name="",
            role="user",
            email_verified=False,
            closing_at=None,
            created_at=now,
            updated_at=now,
        )
        try:
            work.users.add(user, password_hash=UNUSABLE_HASH)
        except ConflictError:  # somebody else has just registered it
            found = work.users.find_by_email(email, lock=True)
            if found is None:
                raise
            return found[0], False
        return user, True

    def _send_verification(self, work: ServerUnitOfWork, user: User, payload: Mapping[str, str]) -> None:
        data = self._new_link(work, user.id, VERIFY_EMAIL, payload)
        self._post(work, user, "verify_email", {**data, "name": payload["name"]}, key=digest(data["link"]))

    def _tell_owner(self, work: ServerUnitOfWork, user: User) -> None:
        now = self._now()
        work.login_failures.pretend(now=now)
        data = {"login_link": self._page("login"), "reset_link": self._page("forgot-password")}
        if user.closing_at is None:
            self._post(work, user, "already_registered", data, key=f"{user.id}:{now.strftime(_ONCE_PER)}")
        else:
            self._pretend_to_post(work)

    def verify_email(self, secret: str, *, password: str | None, asked_by: UUID | None) -> Tokens | None:
        """Follow the link of a mail: of a registration, or of a new address.

        Args:
            secret: Of the link.
            password: Of the registration. It shows which one is meant: a stranger may have registered the address as well,
                and their link must not open the account with their password.
            asked_by: Who is logged in. A new address of an account holds only when its owner follows the link: one with a
                typing error would otherwise hand the account to a stranger.

        Returns:
            The first tokens of a new account; None where an account has a new address.

        Raises:
            LinkNotGoodError: It is not good (any more).
            PasswordMissingError: It is that of a registration, and no password was given.
            NotRegisteredSoError: Nobody has registered the address with this password lately.
            SessionOverError: It is that of a new address, and its owner is not logged in.
        """
        key, now = digest(secret), self._now()
        with scoped(AUTH), self._database.unit_of_work() as work:
            token = work.one_time_tokens.find(key, now=now)
            if token is None or token.purpose not in {VERIFY_EMAIL, CHANGE_EMAIL}:
                raise LinkNotGoodError
            if token.purpose == CHANGE_EMAIL:
                self._follow_change(work, token.user_id, key, asked_by)
                work.commit()
                return None
            user_id = token.user_id
            newest = work.one_time_tokens.list_good(
                user_id, VERIFY_EMAIL, REGISTERED_AGAIN, now=now, limit=_REGISTRATIONS
            )
            # That of the link itself counts though others pushed it out: whoever follows their own link gets in.
            registrations = {key: token.payload, **dict(newest)}
        if password is None:
            raise PasswordMissingError
        # Outside of a transaction: it takes bcrypt's time.
        meant = next(
            (
                one
                for one, what in registrations.items()
                if self._passwords.verify(password, what.get("password_hash"))
            ),
            None,
        )
        if meant is None:
            raise NotRegisteredSoError
        with scoped(AUTH), self._database.unit_of_work() as work:
            tokens = self._follow_registration(work, user_id, key, meant)
            work.commit()
        return tokens

    def _follow_change(self, work: ServerUnitOfWork, user_id: UUID, key: str, asked_by: UUID | None) -> None:
        if asked_by != user_id:
            raise SessionOverError
        user = work.users.lock(user_id)
        payload = work.one_time_tokens.take(key, now=self._now())
        if user is None or user.closing_at is not None or payload is None:
            raise LinkNotGoodError
        self._take_address(work, user, str(payload["email"]))

    def _follow_registration(self, work: ServerUnitOfWork, user_id: UUID, key: str, meant: str) -> Tokens:
        now, user = self._now(), work.users.lock(user_id)
        link = work.one_time_tokens.find(key, now=now)  # another request may have followed it meanwhile
        payload = work.one_time_tokens.take(meant, now=now)
        if link is None or user is None or user.closing_at is not None or payload is None:
            raise LinkNotGoodError
        return self._open_account(work, user, payload)

    def _open_account(self, work: ServerUnitOfWork, user: User, payload: Mapping[str, Any]) -> Tokens:
        if user.email_verified:
            raise LinkNotGoodError
        now = self._now()
        work.users.save(
            user.id,
            name=payload["name"],
            password_hash=payload["password_hash"],
            email_verified=True,
            updated_at=now,
        )
        work.one_time_tokens.void(user.id, VERIFY_EMAIL, REGISTERED_AGAIN, now=now)
        work.login_failures.forget(email_digest(user.email))
        self._audit_own(work, "auth.verify_email", user.id)
        return self._begin_session(work, user.id)

    def _take_address(self, work: ServerUnitOfWork, user: User, email: str) -> None:
        now = self._now()
        if not self._free_unverified(work, email, but=user.id):
            raise LinkNotGoodError
        try:
            work.users.save(user.id, email=email, updated_at=now)
        except ConflictError:  # somebody has just registered it
            raise LinkNotGoodError from None
        # A link that went to the address that was must not open the account from there.
        work.one_time_tokens.void(user.id, CHANGE_EMAIL, RESET_PASSWORD, now=now)
        # To the address that was: its owner may not be who has changed it.
        self._post(work, user, "email_changed", {"new_email": email}, key=f"{user.id}:{now.isoformat()}")
        self._audit_own(
            work, "user.email", user.id, before=email_digest(user.email), after=email_digest(email)
        )
