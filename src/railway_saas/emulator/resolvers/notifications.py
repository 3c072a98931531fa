"""Notification rules and what they sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.connections import Connection, paginate
from railway_saas.emulator.notifications import (
    Channel,
    Event,
    NotificationDelivery,
    NotificationRule,
    Notifications,
    check_url,
)
from railway_saas.emulator.registry import constant, field, mutation, query, registry
from railway_saas.emulator.webhooks import NOT_REACHED, Webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from railway_saas.emulator.context import Context

registry.types |= {
    "NotificationRule": NotificationRule,
    "NotificationChannel": Channel,
    "NotificationDelivery": NotificationDelivery,
    "NotificationInstance": Event,
}

constant("NotificationRule", environmentId=None, serviceId=None)
constant("NotificationDelivery", readAt=None, userId=None)


@query("notificationRules")
def notification_rules(
    ctx: Context, *, workspace_id: str, project_id: str | None = None
) -> list[NotificationRule]:
    """The rules of a workspace, or of one of its projects."""
    return ctx.world.part(Notifications).of(ctx.workspace(workspace_id), project_id)


@query("notificationDeliveries")
def notification_deliveries(
    ctx: Context, *, filter_: dict[str, Any] | None = None, **page: Any
) -> Connection:
    """What the rules of the caller's workspaces sent lately, newest first."""
    own = set(ctx.caller.workspaces())
    found = [
        one
        for one in reversed(ctx.world.part(Notifications).deliveries)
        if one.event.project.workspace in own and _fits(one, filter_ or {})
    ]
    return paginate(found, **page)


@mutation("notificationRuleCreate")
def notification_rule_create(ctx: Context, *, input_: dict[str, Any]) -> NotificationRule:
    """A new rule."""
    workspace = ctx.workspace(input_["workspace_id"])
    project_id = input_.get("project_id")
    if project_id and ctx.project(project_id).workspace is not workspace:
        raise errors.not_authorized()
    return ctx.world.part(Notifications).create(
        workspace,
        project_id=project_id,
        event_types=input_["event_types"],
        channels=input_["channel_configs"],
        severities=input_.get("severities"),
        ephemeral_environments=input_.get("ephemeral_environments"),
    )


@mutation("notificationRuleUpdate")
def notification_rule_update(ctx: Context, *, id_: str, input_: dict[str, Any]) -> NotificationRule:
    """Change a rule; new channels take the place of all old ones."""
    found = _rule(ctx, id_)
    ctx.world.part(Notifications).update(found, input_)
    return found


@mutation("notificationRuleDelete")
def notification_rule_delete(ctx: Context, *, id_: str) -> bool:
    """Delete a rule."""
    ctx.world.part(Notifications).delete(_rule(ctx, id_))
    return True


@mutation("webhookTest")
def webhook_test(ctx: Context, *, url: str, payload: str) -> int:
    """POST a payload now; the receiver's HTTP status."""
    ctx.caller.require()
    check_url(url)
    status = ctx.world.part(Webhooks).send(url, {}, payload.encode())
    if status == NOT_REACHED:
        raise errors.problem_processing()
    return status


@field("NotificationChannel", "config")
def channel_config(found: Channel, _ctx: Context) -> Mapping[str, Any]:
    """Where it leads; without headers, which are write-only."""
    return found.shown


@field("NotificationDelivery", "notificationInstance")
def notification_instance(found: NotificationDelivery, _ctx: Context) -> Event:
    """The event."""
    return found.event


@field("NotificationInstance", "eventId")
def event_id(found: Event, _ctx: Context) -> str:
    """Its id once more."""
    return found.id


@field("NotificationInstance", "eventType")
def event_type(found: Event, _ctx: Context) -> str:
    """E.g. `Deployment.failed`."""
    return found.type


@field("NotificationInstance", "environmentId")
def environment_id(found: Event, _ctx: Context) -> str:
    """Where it happened."""
    return found.environment.id


@field("NotificationInstance", "projectId")
def project_id_of(found: Event, _ctx: Context) -> str:
    """Where it happened."""
    return found.project.id


@field("NotificationInstance", "workspaceId")
def workspace_id_of(found: Event, _ctx: Context) -> str:
    """Where it happened."""
    return found.project.workspace.id


@field("NotificationInstance", "updatedAt")
def updated_at(found: Event, _ctx: Context) -> datetime:
    """When it was last changed."""
    return found.resolved_at or found.created_at


def _fits(delivery: NotificationDelivery, wanted: Mapping[str, Any]) -> bool:
    event = delivery.event
    known = {
        "environment_id": event.environment.id,
        "project_id": event.project.id,
        "workspace_id": event.project.workspace.id,
        "status": event.status,
        "type": delivery.type,
    }
    return all(wanted.get(name) in {None, value} for name, value in known.items())


def _rule(ctx: Context, rule_id: str) -> NotificationRule:
    ctx.caller.require()
    found = ctx.world.part(Notifications).find(rule_id)
    if found is None:
        raise errors.not_found("NotificationRule")
    ctx.workspace(found.workspace.id)
    return found
