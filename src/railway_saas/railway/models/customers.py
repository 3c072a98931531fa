"""Who pays Railway for a workspace. Amounts are US dollars as exact decimals unless a field says otherwise."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from railway_saas.railway.models.base import Items, OpenStrEnum, RailwayModel, Timestamp


class SubscriptionState(OpenStrEnum):
    """Whether Railway gets its money."""

    ACTIVE = "ACTIVE"
    CANCELLED = "CANCELLED"
    INACTIVE = "INACTIVE"
    PAST_DUE = "PAST_DUE"
    UNPAID = "UNPAID"


class BillingPeriod(RailwayModel):
    """From when to when usage is added up."""

    start: Timestamp | None = None
    end: Timestamp | None = None


class UsageLimit(RailwayModel):
    """What a workspace may cost in a billing period. At the hard limit Railway takes all workloads offline."""

    id: str
    customer_id: str | None = None
    soft_limit: int | None = None
    """Whole dollars from which on Railway sends mails; 0 for none."""
    hard_limit: int | None = None
    """Whole dollars; None for no limit."""
    is_over_limit: bool = False
    agent_soft_limit_cents: int | None = None
    agent_hard_limit_cents: int | None = None


class CustomerInvoice(RailwayModel):
    """A bill from Railway. The schema does not say whether its amounts are dollars or cents."""

    invoice_id: str
    status: str | None = None
    total: int | None = None
    amount_due: Decimal | None = None
    amount_paid: Decimal | None = None
    period_start: str | None = None
    """Text in the schema, of no stated form."""
    period_end: str | None = None
    subscription_id: str | None = None
    subscription_status: str | None = None
    last_payment_error: str | None = None
    hosted_url: str | None = Field(default=None, alias="hostedURL", repr=False)
    """Whoever has the address can see the bill, and pay it."""
    pdf_url: str | None = Field(default=None, alias="pdfURL", repr=False)


class CustomerSubscription(RailwayModel):
    """A subscription of Railway's customer at Railway's payment provider."""

    id: str
    status: str | None = None
    next_invoice_date: str | None = None
    """Text in the schema, of no stated form."""
    next_invoice_current_total: int | None = None
    billing_cycle_anchor: Timestamp | None = None
    cancel_at: str | None = None
    cancel_at_period_end: bool = False


class Customer(RailwayModel):
    """Who pays for a workspace, what was used, and what may be.

    `invoices` and `subscriptions` are filled by `usage.customer`, empty in `workspaces.get`.
    """

    id: str
    """What usage limits are set for; it is not the workspace's id."""
    state: SubscriptionState | None = None
    current_usage: Decimal | None = None
    """Dollars of this billing period. Cached by Railway: it may lag."""
    applied_credits: Decimal | None = None
    credit_balance: Decimal | None = None
    remaining_usage_credit_balance: Decimal | None = None
    is_trialing: bool = False
    trial_days_remaining: int | None = None
    is_prepaying: bool = False
    is_usage_subscriber: bool = False
    has_exhausted_free_plan: bool = False
    billing_period: BillingPeriod | None = None
    usage_limit: UsageLimit | None = None
    invoices: Items[CustomerInvoice] = ()
    subscriptions: Items[CustomerSubscription] = ()
