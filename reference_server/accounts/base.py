"""What all parts of `Accounts` share."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from railway_saas.domain import new_id
from reference_server.accounts.failures import WrongPasswordError
from reference_server.accounts.mails import mail, moment
from reference_server.data.accounts import User, email_digest
from reference_server.data.models import OneTimeTokenRow, SessionRow
from reference_server.security.lockout import Failures, after_failure
from reference_server.security.origin import acting_for, current_origin
from reference_server.security.scope import AUTH, scoped
from reference_server.security.tokens import digest, new_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from railway_saas.instances import InstanceManager
    from reference_server.data.accounts import Principal
    from reference_server.data.database import ServerDatabase, ServerUnitOfWork
    from reference_server.security.passwords import Passwords
    from reference_server.security.tokens import AccessTokens

NOBODY: Final = "nobody"
"""Who asks, in the audit log, where nobody is logged in."""
VERIFY_EMAIL: Final = "verify_email"
REGISTERED_AGAIN: Final = "registered_again"
"""A registration that no mail was sent for, as there were several: it holds by the link of any of them."""
CHANGE_EMAIL: Final = "change_email"
RESET_PASSWORD: Final = "reset_password"  # noqa: S105
LIFETIMES: Final = {
    VERIFY_EMAIL: timedelta(hours=24),
    REGISTERED_AGAIN: timedelta(hours=24),
    CHANGE_EMAIL: timedelta(hours=24),
    RESET_PASSWORD: timedelta(hours=1),
}
"""How long a link of a mail is good. Resetting a password: the shortest that slow mail allows."""
_PAGES: Final = {
    VERIFY_EMAIL: "verify-email",
    REGISTERED_AGAIN: "verify-email",
    CHANGE_EMAIL: "verify-email",
    RESET_PASSWORD: "reset-password",
}
MAX_LINKS: Final = 5
"""Links of one purpose that one account is sent per hour: more would fill somebody's mailbox at a stranger's wish."""
LINKS_WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """What accounts are told."""

    base_url: str
    """Links of mails begin with it."""
    refresh_token_s: int
    session_s: int
    """How long a session can be refreshed at most, counted from the log-in."""


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """What a log-in gives."""

    access: str
    refresh: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Account:
    """A user, and the plan they have."""

    user: User
    plan: str


class AccountsBase:
    """Everything that accounts are made of.

    Args:
        database: Of the platform.
        passwords: Hashes and checks them.
        access_tokens: Issues them.
        manager: Deletes the instances of accounts that are closed; knows the plans.
        settings: What it is told.
        now: The present moment, aware.
    """

    def __init__(
        self,
        database: ServerDatabase,
        passwords: Passwords,
        access_tokens: AccessTokens,
        manager: InstanceManager,
        *,
        settings: AccountSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._access_tokens = access_tokens
        self._manager = manager
        self._settings = settings
        self._now = now

    def _audit(
        self,
        work: ServerUnitOfWork,
        action: str,
        subject: tuple[str, object],
        *,
        actor: UUID | str,
        user_id: UUID | None,
        **details: Any,
    ) -> None:
        work.audit.note(self._now(), action, subject, actor=actor, user_id=user_id, **details)

    def _audit_own(self, work: ServerUnitOfWork, action: str, user_id: UUID, **details: Any) -> None:
        """Somebody did something with their own account."""
        self._audit(work, action, ("user", user_id), actor=user_id, user_id=user_id, **details)

    def _on_behalf(self, by: Principal, user_id: UUID) -> AbstractContextManager[None]:
        """An administrator who acts for somebody else is seen to: every entry of the audit log says for whom."""
        return nullcontext() if by.user.id == user_id else acting_for(user_id)

    def _post(
        self, work: ServerUnitOfWork, user: User, template: str, data: dict[str, str], *, key: str
    ) -> None:
        """Send a mail to somebody's address."""
        work.mail(
            mail(user.email, template, {"name": user.name, **data}, key=f"{template}:{key}", now=self._now())
        )

    def _pretend_to_post(self, work: ServerUnitOfWork) -> None:
        """Take as long as if there were somebody to write to."""
        key = f"nobody:{uuid4()}"
        work.pretend_to_mail(mail("nobody@localhost", "nothing", {}, key=key, now=self._now()))

    def _page(self, name: str) -> str:
        return f"{self._settings.base_url}/{name}"

    def _free_unverified(self, work: ServerUnitOfWork, email: str, *, but: UUID | None = None) -> bool:
        """Forget a registration of an address that nobody followed, perhaps a stranger's; whether no account is left there.

        Args:
            work: The transaction; the row is held in it.
            email: The address.
            but: An account that may have it.
        """
        known = work.users.find_by_email(email, lock=True)
        if known is None or known[0].id == but:
            return True
        if known[0].email_verified:
            return False
        work.users.delete(known[0].id)
        return True

    def _may_have_link(self, work: ServerUnitOfWork, user_id: UUID, purpose: str) -> bool:
        """Counted by purpose: what a stranger may ask for must not use up what only its owner may."""
        moment = self._now() - LINKS_WITHIN
        return work.one_time_tokens.count_since(user_id, moment, purpose=purpose) < MAX_LINKS

    def _new_link(
        self, work: ServerUnitOfWork, user_id: UUID, purpose: str, payload: Mapping[str, Any]
    ) -> dict[str, str]:
        """A link that is good once, and what a mail says of it."""
        now, secret = self._now(), new_secret("rsl")
        expires_at = now + LIFETIMES[purpose]
        work.one_time_tokens.add(
            OneTimeTokenRow(
                digest=digest(secret),
                purpose=purpose,
                user_id=user_id,
                payload=dict(payload),
                created_at=now,
                expires_at=expires_at,
                used_at=None,
            )
        )
        return {"link": f"{self._page(_PAGES[purpose])}?token={secret}", "expires_at": moment(expires_at)}

    def _begin_session(self, work: ServerUnitOfWork, user_id: UUID) -> Tokens:
        now, origin = self._now(), current_origin()
        session = SessionRow(
            id=new_id(now),
            user_id=user_id,
            user_agent=origin.user_agent if origin else None,
            address=origin.address if origin else None,
            created_at=now,
            expires_at=self._session_end(now),
            last_used_at=now,
            revoked_at=None,
            revoke_reason=None,
        )
        work.sessions.add(session)
        return self._new_tokens(work, user_id, session.id)

    def _session_end(self, began_at: datetime) -> datetime:
        """When a session that is used now is over: after the refresh token's time, or after the session's."""
        settings = self._settings
        return min(
            self._now() + timedelta(seconds=settings.refresh_token_s),
            began_at + timedelta(seconds=settings.session_s),
        )

    def _new_tokens(self, work: ServerUnitOfWork, user_id: UUID, session_id: UUID) -> Tokens:
        refresh = new_secret("rsr")
        work.sessions.add_refresh_token(digest=digest(refresh), session_id=session_id, now=self._now())
        access = self._access_tokens.issue(user_id, session_id)
        return Tokens(access, refresh, self._access_tokens.lifetime_s)

    def _note_failure(self, work: ServerUnitOfWork, email: str, owner: User | None) -> None:
        """Count a wrong password; where that locks the address, its owner is told, if it has one.

        As much is written for an address that nobody has.
        """
        now, key = self._now(), email_digest(email)
        before = work.login_failures.hold(key, now=now)
        after = after_failure(before, now)
        work.login_failures.save(key, after)
        self._audit(
            work,
            "auth.login_failed",
            ("address", key),
            actor=NOBODY,
            user_id=owner.id if owner else None,
            is_locked=after.is_locked(now),
        )
        if after.locked_until is not None and after.locked_until != before.locked_until:
            self._tell_of_lock(work, owner, after, after.locked_until)

    def _tell_of_lock(
        self, work: ServerUnitOfWork, owner: User | None, failures: Failures, until: datetime
    ) -> None:
        if owner is None or not owner.email_verified or owner.closing_at is not None:
            self._pretend_to_post(work)
            return
        data = {"locked_until": moment(until), "reset_link": self._page("forgot-password")}
        self._post(work, owner, "account_locked", data, key=f"{owner.id}:{failures.last_at.isoformat()}")

    def _check_password(self, user: User, password: str) -> None:
        """Let somebody pass who is logged in and knows the password. Wrong ones count as failed log-ins do.

        Raises:
            WrongPasswordError: It is not theirs, or the address is locked.
        """
        key = email_digest(user.email)
        with scoped(AUTH), self._database.unit_of_work() as work:
            found = work.users.find_with_hash(user.id)
        good = self._passwords.verify(password, found[1] if found else None)
        with scoped(AUTH), self._database.unit_of_work() as work:
            failures = work.login_failures.find(key, lock=True)  # now: others may have failed meanwhile
            if good and not (failures and failures.is_locked(self._now())):
                return
            self._note_failure(work, user.email, user)
            work.commit()
        raise WrongPasswordError

    def _end_all(
        self,
        work: ServerUnitOfWork,
        user_id: UUID,
        reason: str,
        *,
        but: UUID | None = None,
        keys: bool = False,
    ) -> dict[str, int]:
        """End sessions, all `but` one, and links to reset the password; API keys if so wished. How many of each."""
        now = self._now()
        work.one_time_tokens.void(user_id, RESET_PASSWORD, CHANGE_EMAIL, now=now)
        sessions = work.sessions.revoke(user_id=user_id, but=but, reason=reason, now=now)
        return {
            "sessions_ended": sessions,
            "api_keys_revoked": work.api_keys.revoke(user_id=user_id, now=now) if keys else 0,
        }
