"""What somebody is called, where they are written to, and, for administrators, what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.domain import Subscription, new_id
from railway_saas.errors import ConfigurationError
from reference_server.accounts.base import CHANGE_EMAIL, Account, AccountsBase
from reference_server.accounts.failures import (
    LastAdminError,
    TooManyLinksError,
    UnknownPlanError,
    UnknownUserError,
)
from reference_server.accounts.mails import mail
from reference_server.data.accounts import Role, User, email_digest, plain_email
from reference_server.security.scope import AUTH, scoped
from reference_server.security.tokens import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from reference_server.data.accounts import Principal
    from reference_server.data.database import ServerUnitOfWork


class Changing(AccountsBase):
    """Changes of an account. All but a new address work in the scope of whoever asks."""

    def account(self, user_id: UUID) -> Account:
        """One account.

        Raises:
            UnknownUserError: There is none, or not for this scope.
        """
        with self._database.unit_of_work() as work:
            user = work.users.find(user_id)
            if user is None:
                raise UnknownUserError
            return self._account(work, user)

    def _account(self, work: ServerUnitOfWork, user: User) -> Account:
        subscription = work.subscriptions.current(user.id)
        has_plan = subscription is not None and subscription.grants_plan
        return Account(user, subscription.plan_name if subscription and has_plan else self._default_plan)

    @property
    def _default_plan(self) -> str:
        return self._manager.plans.default.name

    def change(
        self,
        user_id: UUID,
        *,
        by: Principal,
        name: str | None = None,
        role: Role | None = None,
        plan: str | None = None,
        check: Callable[[Account], None],
    ) -> Account:
        """Change what is given. Another role ends every session and every API key of the account.

        Args:
            user_id: Whose.
            by: Who does it.
            name: To be shown.
            role: For administrators to give.
            plan: The same.
            check: Called with the account as it is, while it is held; raises where the change was made from an older one.

        Raises:
            UnknownUserError: There is no such account, or not for this scope.
            UnknownPlanError: There is no such plan.
            LastAdminError: Nobody else is an administrator.
        """
        with self._on_behalf(by, user_id), self._database.unit_of_work() as work:
            admins: frozenset[UUID] = work.users.lock_admins() if role is not None else frozenset()
            user = work.users.lock(user_id)
            if user is None:
                raise UnknownUserError
            check(self._account(work, user))
            if name is not None and name != user.name:
                work.users.save(user_id, name=name)
                self._audit_change(work, "profile", user, by, {"name": (user.name, name)})
            if role is not None and role != user.role:
                self._set_role(work, user, role, by, admins)
            if plan is not None:
                self._set_plan(work, user, plan, by)
            work.users.save(user_id, updated_at=self._now())
            changed = self._account(work, work.users.lock(user_id) or user)
            work.commit()
        return changed

    def _set_role(
        self, work: ServerUnitOfWork, user: User, role: Role, by: Principal, admins: frozenset[UUID]
    ) -> None:
        if admins == frozenset({user.id}):
            raise LastAdminError
        work.users.save(user.id, role=role)
        ended = self._end_all(work, user.id, "role", keys=True)
        self._audit_change(work, "role", user, by, {"role": (user.role, role)}, **ended)

    def _set_plan(self, work: ServerUnitOfWork, user: User, plan: str, by: Principal) -> None:
        try:
            self._manager.plans.get(plan)
        except ConfigurationError as error:
            raise UnknownPlanError(str(error)) from None
        before = self._account(work, user).plan
        if before == plan:
            return
        now = self._now()
        given = f"manual:{user.id}"
        known = work.subscriptions.find_by_stripe_id(given)
        work.subscriptions.upsert(
            Subscription(
                id=known.id if known else new_id(now),
                user_id=user.id,
                stripe_subscription_id=given,
                plan_name=plan,
                status="active",
                created_at=known.created_at if known else now,
                updated_at=now,
            )
        )
        self._audit_change(work, "plan", user, by, {"plan": (before, plan)})

    def _audit_change(
        self,
        work: ServerUnitOfWork,
        what: str,
        user: User,
        by: Principal,
        values: Mapping[str, tuple[str, str]],
        **more: int,
    ) -> None:
        self._audit(
            work,
            f"user.{what}",
            ("user", user.id),
            actor=by.user.id,
            user_id=user.id,
            before={name: before for name, (before, _) in values.items()},
            after={name: after for name, (_, after) in values.items()},
            **more,
        )

    def ask_for_address(self, principal: Principal, email: str, password: str) -> None:
        """Send a link to a new address, which holds once its owner follows it while logged in.

        Nobody learns whether it has an account: then its owner is told that somebody tried.

        Raises:
            WrongPasswordError: The password is wrong.
            TooManyLinksError: There were as many within the last hour as there may be.
        """
        user, wanted = principal.user, plain_email(email)
        self._check_password(user, password)
        with scoped(AUTH), self._database.unit_of_work() as work:
            work.users.lock(user.id)
            if wanted != user.email:
                if not self._may_have_link(work, user.id, CHANGE_EMAIL):
                    raise TooManyLinksError
                self._send_to(work, user, wanted)
            self._audit_own(work, "user.email_asked", user.id, after=email_digest(wanted))
            work.commit()

    def _send_to(self, work: ServerUnitOfWork, user: User, email: str) -> None:
        now = self._now()
        data = self._new_link(work, user.id, CHANGE_EMAIL, {"email": email})
        other = work.users.find_by_email(email)
        if other is not None and other[0].email_verified:
            data = {"login_link": self._page("login"), "reset_link": self._page("forgot-password")}
            key = f"{other[0].id}:{now:%Y-%m-%dT%H}"
            self._post(work, other[0], "already_registered", data, key=key)
            return
        key = f"verify_email:{digest(data['link'])}"
        work.mail(mail(email, "verify_new_email", {"name": user.name, **data}, key=key, now=now))
