"""Jobs about instances: turns of the control loop, usage, inventory, Railway's webhook."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic_core import to_jsonable_python

from railway_saas.domain import new_id
from railway_saas.errors import InstanceNotFoundError
from railway_saas.instances import Inventory, UsageCollector, WebhookSetup
from reference_server.data.models import InventoryReportRow
from reference_server.observability.context import logging_on_with

if TYPE_CHECKING:
    from railway_saas.instances import InventoryReport
    from reference_server.composition import Platform

WEBHOOK_PATH = "/api/railway/webhook"


def reconcile(platform: Platform, subject: str) -> str:
    """Give one instance a turn."""
    try:
        instance = platform.manager.get(UUID(subject))
        logging_on_with(
            instance_id=subject,
            template_id=str(instance.template_id),
            railway_service_id=instance.observed.primary_service_id,
        )
        outcome = platform.manager.reconcile(instance.id)
    except InstanceNotFoundError:
        return "it is gone"
    return f"{outcome.kind}: {outcome.reason}" if outcome.reason else str(outcome.kind)


def is_anything_due(platform: Platform) -> bool:
    """Whether an instance waits for its turn."""
    due_at = platform.manager.next_due_at()
    return due_at is not None and due_at <= platform.now()


def run_due(platform: Platform, _: str) -> str:
    """Give every instance that is due a turn."""
    report = platform.manager.run_due()
    broken = f", {len(report.failures)} broke off" if report.failures else ""
    return f"{report.claimed} due: {report.settled} settled, {report.waiting} waiting{broken}"


def collect_usage(platform: Platform, _: str) -> str:
    """Read the hours that are due."""
    collector = UsageCollector(
        platform.railway, platform.database, workspace_id=platform.workspace_id, now=platform.now
    )
    report = collector.collect()
    return f"{len(report.windows)} hours, {report.rows} values, {report.waiting} hours left, {report.lost_hours} lost"


def inventory_of(platform: Platform) -> Inventory:
    """Of this platform: for the job, and for operators who repair."""
    return Inventory(
        platform.railway,
        platform.database,
        workspace_id=platform.workspace_id,
        placement=platform.manager.placement,
        now=platform.now,
    )


def take_inventory(platform: Platform, _: str) -> str:
    """Compare, and keep the report. Nothing is repaired: that is for an operator to decide."""
    report = inventory_of(platform).report()
    with platform.database.unit_of_work() as work:
        work.session.add(
            InventoryReportRow(
                id=new_id(platform.now()), report=plain_report(report), created_at=report.taken_at
            )
        )
        work.commit()
    return f"{report.projects} projects, {len(report.discrepancies)} discrepancies"


def plain_report(report: InventoryReport) -> dict[str, Any]:
    """The report as JSON."""
    plain: dict[str, Any] = to_jsonable_python(asdict(report))
    return plain


def has_public_address(platform: Platform) -> bool:
    """Whether Railway could reach the webhook, and a secret is set for it."""
    address = urlsplit(platform.settings.base_url)
    return (
        address.scheme == "https"
        and address.hostname not in {"localhost", "127.0.0.1", "::1"}
        and bool(platform.settings.railway_webhook_secrets)
    )


def ensure_webhook_rule(platform: Platform, _: str) -> str:
    """Have Railway tell us what happens. The newest secret is sent anew: nobody can see which one the rule has."""
    report = WebhookSetup(platform.railway, workspace_id=platform.workspace_id).ensure_rule(
        url=platform.settings.base_url + WEBHOOK_PATH,
        secret=platform.settings.railway_webhook_secrets[0].get_secret_value(),
        renew_secret=True,
    )
    return "made a rule" if report.created else "the rule is there"
