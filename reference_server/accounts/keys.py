"""API keys: for programs, with scopes and an end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from railway_saas.domain import new_id
from reference_server.accounts.base import AccountsBase
from reference_server.accounts.failures import SessionOverError, TooManyKeysError
from reference_server.data.idempotency import KEPT
from reference_server.data.models import ApiKeyRow
from reference_server.security.scope import AUTH, scoped
from reference_server.security.tokens import digest, new_secret

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from reference_server.data.accounts import Principal
    from reference_server.data.database import ServerUnitOfWork

API_KEY_PREFIX: Final = "rsk"
MAX_API_KEYS: Final = 50
"""Good ones that one account may have."""
_HINT: Final = 8
"""Characters of a key that are kept to know it by; the 39 that are not are 234 random bits."""


@dataclass(frozen=True, slots=True, repr=False)
class NewApiKey:
    """A key, and its secret, which is shown this once."""

    row: ApiKeyRow
    secret: str


class KeyKeeping(AccountsBase):
    """Making and revoking them."""

    def create_api_key(
        self,
        principal: Principal,
        *,
        name: str,
        scopes: Sequence[str],
        lifetime: timedelta,
        made_under: str | None = None,
    ) -> NewApiKey:
        """A new key, in one transaction.

        Args:
            principal: Whose.
            name: To know it by.
            scopes: What it may do.
            lifetime: How long.
            made_under: The idempotency key of the request. A key that it made before, and whose secret nobody has seen as the
                answer was lost, is revoked.

        Raises:
            TooManyKeysError: There are as many as one account may have.
            SessionOverError: The session ended meanwhile.
        """
        now, secret, user_id = self._now(), new_secret(API_KEY_PREFIX), principal.user.id
        with scoped(AUTH), self._database.unit_of_work() as work:
            work.users.lock(user_id)  # so that two at once are counted one after the other
            # Whoever reset the password meanwhile has ended this session and every key: no new one may outlive that.
            session_id = principal.session_id
            if not (session_id and work.sessions.principal(session_id, user_id, now=now)):
                raise SessionOverError
            if made_under is not None:
                for lost in work.api_keys.find_made_under(user_id, made_under, since=now - KEPT):
                    self._revoke(work, user_id, lost)
            if work.api_keys.count_live(user_id, now=now) >= MAX_API_KEYS:
                raise TooManyKeysError
            row = ApiKeyRow(
                id=new_id(now),
                user_id=user_id,
                name=name,
                hint=secret[:_HINT],
                digest=digest(secret),
                made_under=made_under,
                scopes=sorted(set(scopes)),
                created_at=now,
                expires_at=now + lifetime,
                last_used_at=None,
                revoked_at=None,
            )
            work.api_keys.add(row)
            self._audit(
                work,
                "api_key.create",
                ("api_key", row.id),
                actor=user_id,
                user_id=user_id,
                name=name,
                scopes=row.scopes,
            )
            work.session.expunge(row)
            work.commit()
        return NewApiKey(row, secret)

    def list_api_keys(
        self, user_id: UUID, *, after: UUID | None = None, limit: int = 50
    ) -> Sequence[ApiKeyRow]:
        """A user's, revoked ones included, oldest first. One more than `limit` where there are more."""
        with scoped(AUTH), self._database.unit_of_work() as work:
            rows = work.api_keys.list_page(user_id, after=after, limit=limit)
            work.session.expunge_all()
        return rows

    def revoke_api_key(self, user_id: UUID, key_id: UUID) -> bool:
        """End a key; whether there was such a good one."""
        with scoped(AUTH), self._database.unit_of_work() as work:
            was_good = self._revoke(work, user_id, key_id)
            work.commit()
        return was_good

    def _revoke(self, work: ServerUnitOfWork, user_id: UUID, key_id: UUID) -> bool:
        ended = work.api_keys.revoke(user_id=user_id, key_id=key_id, now=self._now())
        if ended:
            self._audit(work, "api_key.revoke", ("api_key", key_id), actor=user_id, user_id=user_id)
        return ended > 0
