"""Closing an account: at once for its owner, and for good once nothing of it runs any more."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from railway_saas.domain import InstanceStatus
from railway_saas.errors import InstanceNotFoundError, InstanceStateError, RepositoryError
from reference_server.accounts.base import VERIFY_EMAIL, AccountsBase
from reference_server.accounts.failures import LastAdminError, UnknownUserError
from reference_server.security.scope import AUTH, scoped

if TYPE_CHECKING:
    from uuid import UUID

    from railway_saas.domain import Instance
    from reference_server.data.accounts import Principal, User
    from reference_server.data.database import ServerUnitOfWork

log = logging.getLogger("reference_server.accounts")

_GONE: Final = frozenset({InstanceStatus.DELETED, InstanceStatus.FAILED})
"""Nothing is left of these at Railway."""
_PAGE: Final = 200


class Closing(AccountsBase):
    """The end of an account."""

    def close(self, user_id: UUID, *, by: Principal) -> None:
        """Close an account: nobody can log in, every session and key ends, all instances are to be deleted.

        The row stays until `finish_closing` finds nothing left to delete, which also asks again for what this could not.

        Raises:
            UnknownUserError: There is no such account.
            LastAdminError: Nobody else is an administrator.
        """
        with self._on_behalf(by, user_id):
            with scoped(AUTH), self._database.unit_of_work() as work:
                admins = work.users.lock_admins()
                user = work.users.lock(user_id)
                if user is None:
                    raise UnknownUserError
                if admins == frozenset({user_id}):
                    raise LastAdminError
                self._mark_as_closing(work, user, by)
                work.commit()
            self._delete_instances(user_id, actor=str(by.user.id))

    def _mark_as_closing(self, work: ServerUnitOfWork, user: User, by: Principal) -> None:
        if user.closing_at is not None:
            return
        now = self._now()
        work.users.save(user.id, closing_at=now, updated_at=now)
        work.one_time_tokens.void(user.id, VERIFY_EMAIL, now=now)
        ended = self._end_all(work, user.id, "closing", keys=True)
        self._audit(work, "user.close", ("user", user.id), actor=by.user.id, user_id=user.id, **ended)

    def closing_accounts(self, *, limit: int = 100) -> list[UUID]:
        """Those that wait for `finish_closing`, the longest waiting first."""
        with self._database.unit_of_work() as work:
            return list(work.users.list_closing(limit=limit))

    def finish_closing(self, user_id: UUID) -> bool:
        """Remove an account that is being closed, if none of its instances is left; whether it was removed.

        Otherwise ask once more for the deletion of those that nobody has asked to delete. The audit log stays. For the
        platform itself (scope SYSTEM); harmless at any time and any number of times.
        """
        self._delete_instances(user_id, actor="system")
        with self._database.unit_of_work() as work:
            # Deploys hold the owner as well: none can be accepted between the look and the removal.
            work.instances.lock_owner(user_id)
            user = work.users.lock(user_id)
            if user is None or user.closing_at is None or self._left(work, user_id):
                return False
            work.users.delete(user_id)
            self._audit(work, "user.remove", ("user", user_id), actor="system", user_id=user_id)
            work.commit()
        return True

    def _delete_instances(self, user_id: UUID, *, actor: str) -> None:
        with self._database.unit_of_work() as work:
            user = work.users.find(user_id)
            left = self._left(work, user_id) if user and user.closing_at else []
        for instance in left:
            try:
                self._manager.delete(instance.id, user_id=user_id, actor=actor)
            except (InstanceStateError, InstanceNotFoundError):
                continue  # it is being deleted, or gone
            except RepositoryError:
                # The account is closed all the same; `finish_closing` asks again.
                log.warning("instance %s of a closed account: not asked to be deleted yet", instance.id)

    def _left(self, work: ServerUnitOfWork, user_id: UUID) -> list[Instance]:
        found: list[Instance] = []
        after: str | None = None
        while True:
            page = work.instances.list_page(user_id=user_id, after=after, limit=_PAGE)
            found += [one for one in page.items if one.status not in _GONE]
            after = page.next_cursor
            if after is None:
                return found
