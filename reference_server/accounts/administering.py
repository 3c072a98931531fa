"""What administrators see, and how the first one comes to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.domain import new_id
from reference_server.accounts.base import AccountsBase
from reference_server.data.accounts import User, plain_email
from reference_server.security.passwords import unfit_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID


class Administering(AccountsBase):
    """Accounts from above. Works in the scope of whoever asks."""

    def list_users(
        self,
        *,
        role: str | None = None,
        email: str | None = None,
        closing: bool | None = None,
        after: UUID | None = None,
        limit: int = 50,
    ) -> Sequence[User]:
        """Oldest first, filtered; `email`: those that begin so. One more than `limit` where there are more."""
        with self._database.unit_of_work() as work:
            return work.users.list_page(role=role, email=email, closing=closing, after=after, limit=limit)

    def create_admin(self, email: str, password: str, *, name: str) -> User:
        """An account with every right, whose address is taken as verified.

        Raises:
            ConflictError: The address has an account.
            ValueError: The password breaks a rule.
        """
        reason = unfit_for(password, email=email, name=name)
        if reason is not None:
            raise ValueError(reason)
        hashed, now = self._passwords.hash(password), self._now()
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
            self._free_unverified(work, user.email)
            work.users.add(user, password_hash=hashed)
            self._audit(work, "user.create", ("user", user.id), actor="system", user_id=user.id, role="admin")
            work.commit()
        return user
