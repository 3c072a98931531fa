"""Who pays: customers, invoices, usage limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.billing import INCLUDED_USAGE, Billing, UsageLimit, customer_id_of, period_at
from railway_saas.emulator.registry import constant, field, graphql_type, mutation, registry
from railway_saas.emulator.scalars import format_datetime

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.billing import Invoice
    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.accounts import Workspace

registry.types["UsageLimit"] = UsageLimit

CENTS = 100

constant(
    "Customer",
    creditBalance=0.0,
    defaultPaymentMethodId=None,
    isPrepaying=False,
    isTrialing=False,
    isUsageSubscriber=True,
    isWithdrawingToCredits=False,
    state="ACTIVE",
    supportedWithdrawalPlatforms=[],
    trialDaysRemaining=0,
)
constant(
    "CustomerInvoice",
    hostedURL=None,
    lastPaymentError=None,
    paymentIntentStatus="succeeded",
    pdfURL=None,
    reissuedInvoiceFrom=None,
    reissuedInvoiceOf=None,
    spendCommitmentPrepayment=False,
    status="paid",
    subscriptionStatus="active",
)
constant("CustomerSubscription", cancelAt=None, cancelAtPeriodEnd=False, couponId=None, status="active")


@graphql_type("Customer")
@dataclass(frozen=True, slots=True)
class Customer:
    """A workspace as the one who pays."""

    workspace: Workspace

    @property
    def id(self) -> str:
        """Its id, which usage limits are set by."""
        return customer_id_of(self.workspace)

    @property
    def stripe_customer_id(self) -> str:
        """Its id at Stripe."""
        return f"cus_{self.id.replace('-', '')[:14]}"

    @property
    def subscription_id(self) -> str:
        """Id of its subscription at Stripe."""
        return f"sub_{self.id.replace('-', '')[-24:]}"


@graphql_type("BillingPeriod")
@dataclass(frozen=True, slots=True)
class BillingPeriod:
    """A month."""

    start: datetime
    end: datetime


@graphql_type("CustomerInvoice")
@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice as the API shows one; amounts in cents."""

    invoice_id: str
    period_start: str
    period_end: str
    total: int
    amount_due: float
    amount_paid: float
    subscription_id: str


@graphql_type("CustomerSubscription")
@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """A subscription as the API shows one; amounts in cents."""

    id: str
    billing_cycle_anchor: datetime
    latest_invoice_id: str
    next_invoice_date: str
    next_invoice_current_total: int


@mutation("usageLimitSet")
def usage_limit_set(ctx: Context, *, input_: dict[str, Any]) -> bool:
    """Limit what a workspace may spend in a billing period."""
    workspace = _workspace(ctx, input_["customer_id"])
    ctx.world.part(Billing).set_limit(
        workspace, soft=input_["soft_limit_dollars"], hard=input_.get("hard_limit_dollars")
    )
    return True


@mutation("usageLimitRemove")
def usage_limit_remove(ctx: Context, *, input_: dict[str, Any]) -> bool:
    """Let a workspace spend what it likes."""
    ctx.world.part(Billing).remove_limit(_workspace(ctx, input_["customer_id"]))
    return True


@mutation("agentUsageLimitSet")
def agent_usage_limit_set(ctx: Context, *, input_: dict[str, Any]) -> bool:
    """Limit what Railway's agent may spend."""
    ctx.world.part(Billing).set_agent_limit(
        ctx.workspace(input_["workspace_id"]),
        soft_cents=input_.get("soft_limit_cents"),
        hard_cents=input_["hard_limit_cents"],
    )
    return True


@field("Workspace", "customer")
def customer(found: Workspace, _ctx: Context) -> Customer:
    """Who pays for it."""
    return Customer(found)


@field("Customer", "billingEmail")
def billing_email(found: Customer, _ctx: Context) -> str | None:
    """Where invoices go."""
    members = found.workspace.members
    return members[0].user.email if members else None


@field("Customer", "billingPeriod")
def billing_period(found: Customer, ctx: Context) -> BillingPeriod:
    """The current one."""
    period = period_at(found.workspace, ctx.now)
    return BillingPeriod(period.begin, period.end)


@field("Customer", "currentUsage")
def current_usage(found: Customer, ctx: Context) -> float:
    """Dollars in the current period. Railway: cached, may lag."""
    return ctx.world.part(Billing).spent(found.workspace)


@field("Customer", "appliedCredits")
def applied_credits(found: Customer, ctx: Context) -> float:
    """What of the included usage is used up."""
    return min(current_usage(found, ctx), INCLUDED_USAGE[found.workspace.plan])


@field("Customer", "remainingUsageCreditBalance")
def remaining_usage_credit(found: Customer, ctx: Context) -> float:
    """What of the included usage is left."""
    return INCLUDED_USAGE[found.workspace.plan] - applied_credits(found, ctx)


@field("Customer", "hasExhaustedFreePlan")
def has_exhausted_free_plan(found: Customer, ctx: Context) -> bool:
    """Whether a free workspace has nothing left."""
    return found.workspace.plan == "FREE" and remaining_usage_credit(found, ctx) <= 0


@field("Customer", "usageLimit")
def usage_limit(found: Customer, ctx: Context) -> UsageLimit | None:
    """What it may spend."""
    return ctx.world.part(Billing).limit(found.workspace)


@field("Customer", "invoices")
def invoices(found: Customer, ctx: Context) -> list[InvoiceView]:
    """One per closed period, newest first."""
    return [_invoice(found, one) for one in ctx.world.part(Billing).invoices(found.workspace)]


@field("Customer", "subscriptions")
def subscriptions(found: Customer, ctx: Context) -> list[SubscriptionView]:
    """Its one subscription; a free workspace has none."""
    if found.workspace.plan == "FREE":
        return []
    made = ctx.world.part(Billing).invoices(found.workspace)
    period = period_at(found.workspace, ctx.now)
    beyond = max(0.0, current_usage(found, ctx) - INCLUDED_USAGE[found.workspace.plan])
    return [
        SubscriptionView(
            id=found.subscription_id,
            billing_cycle_anchor=found.workspace.created_at,
            latest_invoice_id=made[0].id if made else "",
            next_invoice_date=format_datetime(period.end),
            next_invoice_current_total=round(beyond * CENTS),
        )
    ]


def _invoice(found: Customer, invoice: Invoice) -> InvoiceView:
    cents = round(invoice.total_dollars * CENTS)
    return InvoiceView(
        invoice_id=invoice.id,
        period_start=format_datetime(invoice.period.begin),
        period_end=format_datetime(invoice.period.end),
        total=cents,
        amount_due=float(cents),
        amount_paid=float(cents),
        subscription_id=found.subscription_id,
    )


def _workspace(ctx: Context, customer_id: str) -> Workspace:
    ctx.caller.require()
    found = ctx.world.part(Billing).workspace_of(customer_id)
    if found is None:
        raise errors.not_found("Customer")
    return ctx.workspace(found.id)
