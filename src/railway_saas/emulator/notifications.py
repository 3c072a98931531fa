"""Notification rules: which events go to which webhooks."""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from railway_saas.emulator import errors
from railway_saas.emulator.provided import COMMIT_AUTHOR, COMMIT_MESSAGE
from railway_saas.emulator.registry import part
from railway_saas.emulator.scalars import format_datetime
from railway_saas.emulator.volumes import Volumes
from railway_saas.emulator.webhooks import Delivery, Webhooks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from railway_saas.emulator.world.accounts import Workspace
    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.projects import Environment, Project
    from railway_saas.emulator.world.storage import VolumeInstance
    from railway_saas.emulator.world.world import World

SEVERITIES = ("CRITICAL", "INFO", "NOTICE", "WARNING")
EVENT_SEVERITIES = {
    "failed": "WARNING",
    "crashed": "CRITICAL",
    "oomKilled": "CRITICAL",
    "needsApproval": "NOTICE",
}
CHANNEL_TYPES = frozenset({"webhook", "email", "inapp"})
KEPT = 1_000


@dataclass(slots=True, eq=False)
class Channel:
    """Where a rule sends its events."""

    id: str
    kind: str
    shown: Mapping[str, Any]
    """Its config without headers: those are never shown again."""
    headers: Mapping[str, str] = field(repr=False)
    workspace_id: str
    created_at: datetime
    updated_at: datetime

    @property
    def url(self) -> str:
        """Where a webhook goes."""
        return str(self.shown.get("url", ""))


@dataclass(slots=True, eq=False)
class NotificationRule:
    """Which events of a workspace, or of one project, go where."""

    id: str
    workspace: Workspace
    project_id: str | None
    event_types: list[str]
    channels: list[Channel]
    severities: list[str]
    ephemeral_environments: bool | None
    created_at: datetime
    updated_at: datetime

    @property
    def workspace_id(self) -> str:
        """Id of the workspace."""
        return self.workspace.id

    def wants(self, event: Event) -> bool:
        """Whether an event is meant. Railway's own spellings differ, so letter case and underscores do not count."""
        if event.environment.is_ephemeral and not self.ephemeral_environments:
            return False
        types = {normal(one) for one in self.event_types}
        return normal(event.type) in types and event.severity in self.severities


@dataclass(slots=True, eq=False)
class Event:
    """Something that happened, as Railway tells of it."""

    id: str
    type: str
    severity: str
    environment: Environment
    payload: Mapping[str, Any]
    created_at: datetime
    resource_id: str
    resource_type: str
    service_id: str | None = None
    volume_id: str | None = None
    status: str = "ACTIVE"
    resolved_at: datetime | None = None

    @property
    def project(self) -> Project:
        """Where it happened."""
        return self.environment.project


@dataclass(slots=True, eq=False)
class NotificationDelivery:
    """An event on its way through one channel: PENDING, SENT or FAILED."""

    id: str
    event: Event
    type: str
    created_at: datetime
    updated_at: datetime
    status: str = "PENDING"


@part
class Notifications:
    """The rules of a world, and what they sent."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rules: dict[str, NotificationRule] = {}
        self._by_scope: dict[str, list[NotificationRule]] = {}
        """By project id, or by workspace id for rules of a whole workspace."""
        self.deliveries: deque[NotificationDelivery] = deque(maxlen=KEPT)
        world.hooks.deployment_event.append(self._deployment_event)
        world.part(Volumes).alert_listeners.append(self._volume_alert)

    def find(self, rule_id: str) -> NotificationRule | None:
        """A rule by id."""
        return self._rules.get(rule_id)

    def of(self, workspace: Workspace, project_id: str | None) -> list[NotificationRule]:
        """The rules of a workspace, or of one of its projects."""
        own = [one for one in self._rules.values() if one.workspace is workspace]
        return [one for one in own if project_id in {None, one.project_id}]

    def create(  # noqa: PLR0913 - keyword-only options
        self,
        workspace: Workspace,
        *,
        project_id: str | None,
        event_types: list[str],
        channels: list[Mapping[str, Any]],
        severities: list[str] | None,
        ephemeral_environments: bool | None,
    ) -> NotificationRule:
        """A new rule.

        Raises:
            Refusal: No event types, or a channel that is none.
        """
        now = self._world.clock.now()
        rule = NotificationRule(
            id=self._world.ids.uuid(),
            workspace=workspace,
            project_id=project_id,
            event_types=_checked_types(event_types),
            channels=self._channels(workspace, channels),
            severities=list(severities or SEVERITIES),
            ephemeral_environments=ephemeral_environments,
            created_at=now,
            updated_at=now,
        )
        self._rules[rule.id] = rule
        self._by_scope.setdefault(project_id or workspace.id, []).append(rule)
        return rule

    def update(self, rule: NotificationRule, changes: Mapping[str, Any]) -> None:
        """Change a rule; what is absent stays.

        Raises:
            Refusal: No event types, or a channel that is none.
        """
        types = changes.get("event_types")
        channels = changes.get("channel_configs")
        checked = rule.event_types if types is None else _checked_types(types)
        if channels is not None:
            rule.channels = self._channels(rule.workspace, channels)
        rule.event_types = checked
        rule.severities = changes.get("severities") or rule.severities
        rule.ephemeral_environments = changes.get("ephemeral_environments", rule.ephemeral_environments)
        rule.updated_at = self._world.clock.now()

    def delete(self, rule: NotificationRule) -> None:
        """Delete a rule."""
        del self._rules[rule.id]
        self._by_scope[rule.project_id or rule.workspace.id].remove(rule)

    def _channels(self, workspace: Workspace, configs: Iterable[Mapping[str, Any]]) -> list[Channel]:
        now = self._world.clock.now()
        made: list[Channel] = []
        for config in configs:
            kind = _checked_kind(config)
            shown = {name: value for name, value in config.items() if name != "headers"}
            headers = dict(config.get("headers") or {})
            made.append(Channel(self._world.ids.uuid(), kind, shown, headers, workspace.id, now, now))
        if not made:
            raise errors.invalid_field("channelConfigs")
        return made

    # Events ---------------------------------------------------------------------------------------------------------

    def _deployment_event(self, deployment: Deployment, name: str) -> None:
        rules = list(self._rules_for(deployment.project))
        if rules:
            self._send(rules, self._event_of(deployment, name))

    def _event_of(self, deployment: Deployment, name: str) -> Event:
        severity = EVENT_SEVERITIES.get(name, "INFO")
        service = deployment.service
        resource = {
            **_place(deployment.environment),
            "service": {"id": service.id, "name": service.name},
            "deployment": {"id": deployment.id},
        }
        return self._event(
            f"Deployment.{name}",
            severity,
            deployment.environment,
            details=_details(deployment),
            resource=resource,
            resource_id=deployment.id,
            resource_type="Deployment",
            service_id=service.id,
        )

    def _volume_alert(self, instance: VolumeInstance, name: str) -> None:
        rules = list(self._rules_for(instance.volume.project))
        if not rules:
            return
        severity = "WARNING" if name == "triggered" else "INFO"
        event = self._event(
            f"VolumeAlert.{name}",
            severity,
            instance.environment,
            details={},
            resource=_place(instance.environment),
            resource_id=instance.id,
            resource_type="VolumeInstance",
            service_id=instance.service_id,
            volume_id=instance.volume.id,
        )
        if name == "resolved":
            event.status, event.resolved_at = "RESOLVED", event.created_at
        self._send(rules, event)

    def _event(
        self,
        event_type: str,
        severity: str,
        environment: Environment,
        *,
        details: Mapping[str, Any],
        resource: Mapping[str, Any],
        **about: Any,
    ) -> Event:
        now = self._world.clock.now()
        payload = {
            "type": event_type,
            "details": details,
            "resource": resource,
            "severity": severity,
            "timestamp": format_datetime(now),
        }
        return Event(self._new_id(), event_type, severity, environment, payload, now, **about)

    def _rules_for(self, project: Project) -> Iterator[NotificationRule]:
        yield from self._by_scope.get(project.id, ())
        yield from self._by_scope.get(project.workspace.id, ())

    def _send(self, rules: Iterable[NotificationRule], event: Event) -> None:
        for rule in rules:
            if rule.wants(event):
                for channel in rule.channels:
                    self._deliver(channel, event)

    def _deliver(self, channel: Channel, event: Event) -> None:
        now = self._world.clock.now()
        delivery = NotificationDelivery(self._new_id(), event, channel.kind.upper(), now, now)
        self.deliveries.append(delivery)

        def done(taken: bool) -> None:
            delivery.status = "SENT" if taken else "FAILED"
            delivery.updated_at = self._world.clock.now()

        if channel.kind != "webhook":
            done(taken=True)
            return
        names = (event.type, event.type.partition(".")[2])
        sending = Delivery(channel.url, event.payload, channel.headers, done)
        self._world.part(Webhooks).enqueue(sending, names=names)

    def _new_id(self) -> str:
        """From a stream of its own: whether anybody listens must not change the ids of anything else."""
        return str(uuid.UUID(int=self._world.ids.stream("notification").getrandbits(128), version=4))


def normal(event_type: str) -> str:
    """`Deployment.Oom_Killed` and `deployment.oomKilled` are the same."""
    return event_type.replace("_", "").lower()


def _checked_types(types: list[str]) -> list[str]:
    if not types or not all(one.strip() for one in types):
        raise errors.invalid_field("eventTypes")
    return list(types)


def _checked_kind(config: Mapping[str, Any]) -> str:
    kind = str(config.get("type", "")).lower()
    if kind not in CHANNEL_TYPES:
        raise errors.invalid_field("channelConfigs")
    if kind == "webhook":
        check_url(config.get("url"))
    headers: Any = config.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(one, str) for one in headers.values()):  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        raise errors.invalid_field("channelConfigs")
    return kind


def check_url(url: object) -> None:
    """Refuse what is no web address.

    Raises:
        Refusal: Error in url - Invalid input.
    """
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise errors.invalid_field("url")


def _place(environment: Environment) -> dict[str, Any]:
    project = environment.project
    return {
        "workspace": {"id": project.workspace.id, "name": project.workspace.name},
        "project": {"id": project.id, "name": project.name},
        "environment": {
            "id": environment.id,
            "name": environment.name,
            "isEphemeral": environment.is_ephemeral,
        },
    }


def _details(deployment: Deployment) -> dict[str, Any]:
    """Railway: `status` is not reliable here; a receiver should go by the event's type."""
    details: dict[str, Any] = {
        "id": deployment.id,
        "source": "GitHub" if deployment.settings.repo else "Docker Image",
        "status": deployment.status,
    }
    if deployment.settings.repo:
        details |= {
            "branch": deployment.settings.branch or "main",
            "commitHash": deployment.commit_hash,
            "commitAuthor": COMMIT_AUTHOR,
            "commitMessage": deployment.commit_message or COMMIT_MESSAGE,
        }
    return details
