"""`subscriptions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case, select

from railway_saas.repositories.sqlalchemy.mapping.records import subscription_values
from railway_saas.repositories.sqlalchemy.models import SubscriptionRow
from railway_saas.repositories.sqlalchemy.statements.common import insert_into, paged
from railway_saas.repositories.values import clean, text

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Insert, Select

    from railway_saas.domain.records import Subscription

_GRANTING = ("active", "trialing", "past_due")
"""The same as `Subscription.grants_plan`."""


def upsert(subscription: Subscription, dialect: str) -> Insert:
    statement = insert_into(SubscriptionRow, dialect).values(subscription_values(clean(subscription)))
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["stripe_subscription_id"],
        set_={
            "user_id": new.user_id,
            "plan_name": new.plan_name,
            "status": new.status,
            "current_period_start": new.current_period_start,
            "current_period_end": new.current_period_end,
            "updated_at": new.updated_at,
        },
    )


def find_by_stripe_id(stripe_subscription_id: str) -> Select[SubscriptionRow]:
    return select(SubscriptionRow).where(
        SubscriptionRow.stripe_subscription_id == text(stripe_subscription_id)
    )


def current(user_id: UUID) -> Select[SubscriptionRow]:
    grants_plan = case((SubscriptionRow.status.in_(_GRANTING), 1), else_=0)
    return (
        select(SubscriptionRow)
        .where(SubscriptionRow.user_id == user_id)
        .order_by(grants_plan.desc(), SubscriptionRow.created_at.desc(), SubscriptionRow.id.desc())
        .limit(1)
    )


def list_page(
    *, user_id: UUID | None, status: str | None, after: str | None, limit: int
) -> Select[SubscriptionRow]:
    query = select(SubscriptionRow)
    if user_id is not None:
        query = query.where(SubscriptionRow.user_id == user_id)
    if status is not None:
        query = query.where(SubscriptionRow.status == text(status))
    return paged(query, SubscriptionRow.id, after, limit)
