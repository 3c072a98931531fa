"""Sessions: refreshing, listing, ending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_server.accounts.base import AccountsBase, Tokens
from reference_server.accounts.failures import SessionOverError
from reference_server.accounts.mails import moment
from reference_server.security.scope import AUTH, scoped
from reference_server.security.tokens import digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from reference_server.data.accounts import Principal
    from reference_server.data.database import ServerUnitOfWork
    from reference_server.data.models import SessionRow


class SessionKeeping(AccountsBase):
    """What comes after a log-in."""

    def refresh(self, secret: str) -> Tokens:
        """New tokens for a refresh token, which is good once.

        One that comes again ends its session: either the thief or the owner has used it before, and nobody can tell which.
        There is no grace for two at the same moment, as it would be the thief's as well: clients refresh one at a time.
        Source: RFC 9700, section 4.14.2.

        Raises:
            SessionOverError: It is not good (any more).
        """
        now, tokens = self._now(), None
        with scoped(AUTH), self._database.unit_of_work() as work:
            found = work.sessions.use_refresh_token(digest(secret), now=now)
            if found is None or found[0].revoked_at is not None or found[0].expires_at <= now:
                raise SessionOverError
            session, is_first_use = found
            user = work.users.find(session.user_id)
            if user is None or user.closing_at is not None:
                raise SessionOverError
            if is_first_use:
                work.sessions.prolong(session.id, now=now, expires_at=self._session_end(session.created_at))
                tokens = self._new_tokens(work, user.id, session.id)
            else:
                self._end_stolen(work, session)
            work.commit()
        if tokens is None:
            raise SessionOverError
        return tokens

    def _end_stolen(self, work: ServerUnitOfWork, session: SessionRow) -> None:
        now, session_id, user_id = self._now(), session.id, session.user_id
        data = {
            "began_at": moment(session.created_at),
            "address": session.address or "unknown",
            "user_agent": session.user_agent or "unknown",
            "reset_link": self._page("forgot-password"),
        }
        work.sessions.revoke(session_id=session_id, reason="reuse", now=now)
        self._audit(
            work,
            "auth.refresh_reused",
            ("session", session_id),
            actor=user_id,
            user_id=user_id,
        )
        user = work.users.find(user_id)
        if user is not None:
            self._post(work, user, "session_reused", data, key=str(session_id))

    def log_out(self, principal: Principal, *, everywhere: bool = False) -> None:
        """End the session of a log-in, or all of the user's."""
        user_id, now = principal.user.id, self._now()
        with scoped(AUTH), self._database.unit_of_work() as work:
            ended = (
                work.sessions.revoke(user_id=user_id, reason="logout_all", now=now)
                if everywhere
                else work.sessions.revoke(
                    user_id=user_id, session_id=principal.session_id, reason="logout", now=now
                )
            )
            self._audit(
                work,
                "auth.logout",
                ("session", principal.session_id),
                actor=user_id,
                user_id=user_id,
                everywhere=everywhere,
                sessions_ended=ended,
            )
            work.commit()

    def list_sessions(
        self, user_id: UUID, *, after: UUID | None = None, limit: int = 50
    ) -> Sequence[SessionRow]:
        """Sessions that stand, oldest first. One more than `limit` where there are more."""
        with scoped(AUTH), self._database.unit_of_work() as work:
            rows = work.sessions.list_live(user_id, now=self._now(), after=after, limit=limit)
            work.session.expunge_all()
        return rows

    def end_session(self, user_id: UUID, session_id: UUID) -> bool:
        """End one of a user's sessions; whether there was such a one."""
        with scoped(AUTH), self._database.unit_of_work() as work:
            ended = work.sessions.revoke(
                user_id=user_id, session_id=session_id, reason="logout", now=self._now()
            )
            if ended:
                self._audit(work, "auth.logout", ("session", session_id), actor=user_id, user_id=user_id)
            work.commit()
        return ended > 0
