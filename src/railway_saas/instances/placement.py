"""Where instances live at Railway, and the marker by which their projects are found again. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from railway_saas.errors import ConfigurationError

if TYPE_CHECKING:
    from railway_saas.domain.instances import Instance

_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_MARKER = re.compile(
    r"\[railway-saas ([a-z0-9][a-z0-9-]{0,39}) ([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\]"
)
_MAX_NAME = 40


@dataclass(frozen=True, slots=True)
class Marker:
    """What a project's description says about whose it is."""

    namespace: str
    """One installation: two that share a workspace (staging and production) never touch each other's projects."""
    instance_id: UUID

    def __str__(self) -> str:
        return f"[railway-saas {self.namespace} {self.instance_id}]"


def read_marker(description: str | None) -> Marker | None:
    """The marker in a project's description; None for a project that is not ours."""
    found = _MARKER.search(description or "")
    return Marker(found.group(1), UUID(found.group(2))) if found else None


class Placement(Protocol):
    """Where a new instance goes. Exchange it to place instances otherwise; those that exist stay where they are."""

    @property
    def namespace(self) -> str:
        """The installation that markers name."""
        ...

    def project_name(self, instance: Instance) -> str:
        """Name of its Railway project."""
        ...

    def description(self, instance: Instance) -> str:
        """Description of its project; holds the marker."""
        ...


class ProjectPerInstance:
    """Each instance gets a Railway project of its own: isolated, and one unit of usage and deletion.

    Raises:
        ConfigurationError: The namespace is not 1 to 40 lower-case letters, digits and dashes.
    """

    def __init__(self, namespace: str = "default") -> None:
        if not _NAMESPACE.fullmatch(namespace):
            raise ConfigurationError(
                f"namespace={namespace!r}: must be 1 to 40 lower-case letters, digits and dashes"
            )
        self._namespace = namespace

    @property
    def namespace(self) -> str:
        """The installation that markers name."""
        return self._namespace

    def project_name(self, instance: Instance) -> str:
        """The instance's name with the beginning of its id, so that people can tell projects apart."""
        slug = re.sub(r"[^a-z0-9]+", "-", instance.name.lower()).strip("-")[:_MAX_NAME].strip("-")
        return f"{slug or 'instance'}-{instance.id.hex[-8:]}"

    def description(self, instance: Instance) -> str:
        """A sentence for people who find the project in Railway's dashboard, and the marker."""
        return f"Managed by railway_saas; leave this mark in place: {Marker(self._namespace, instance.id)}"
