"""Everything a decision looks at. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from railway_saas._core.paging import Page
from railway_saas.domain.ids import new_id
from railway_saas.domain.operations import ProviderOperation
from railway_saas.domain.statuses import FOLLOWERS, DesiredStatus, OperationState
from railway_saas.errors import InstanceStateError, RailwayError
from railway_saas.instances.manager_settings import ManagerSettings
from railway_saas.instances.steps import (
    ENVIRONMENT,
    ON_THEIR_WAY,
    PROJECTS,
    Change,
    EventDraft,
    ProjectSearch,
    Record,
    Sight,
    SightKind,
)
from railway_saas.instances.texts import storable
from railway_saas.instances.view import RailwayView, read_view

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from railway_saas.domain.catalogue import CatalogueTemplate
    from railway_saas.domain.instances import Instance, InstanceDomain, InstanceService, Observed
    from railway_saas.domain.statuses import InstanceStatus
    from railway_saas.instances.steps import Intent
    from railway_saas.railway.models.backups import VolumeInstanceBackup
    from railway_saas.railway.models.logs import Log
    from railway_saas.railway.models.overview import EnvironmentOverview, OverviewDeployment
    from railway_saas.templates import Template

T = TypeVar("T")

FIRST_LOOK_S = 10.0
"""An image is up after 7 to 10 s (observed): an earlier look would mostly be wasted."""
LONGEST_LOOK_S = 20.0
_LOOK_GROWTH = 0.4


@dataclass(frozen=True, kw_only=True)
class Situation:
    """An instance, what is wanted, what is known, and what was seen just now."""

    instance: Instance
    catalogue: CatalogueTemplate
    template: Template
    """The document of the desired revision, filled in."""
    applied_template: Template | None = None
    """The document of the applied revision, filled in."""
    operations: Mapping[str, ProviderOperation] = field(default_factory=dict[str, ProviderOperation])
    """Open ones, and those that belong to what is going on, by key."""
    services: Sequence[InstanceService] = ()
    domains: Sequence[InstanceDomain] = ()
    seen: Mapping[Sight, object] = field(default_factory=dict[Sight, object])
    """What was looked at in this turn: the value, or the `RailwayError` that came instead."""
    settings: ManagerSettings = field(default_factory=ManagerSettings)
    looked_before: datetime | None = None
    """When Railway was last asked before this turn; None: it does not matter."""
    namespace: str = "default"
    """The installation that markers name."""
    now: datetime

    @property
    def observed(self) -> Observed:
        """What Railway has confirmed."""
        return self.instance.observed

    @property
    def wanted(self) -> DesiredStatus:
        """What is wanted at this moment: a scheduled deletion counts from its time on."""
        desired = self.instance.desired
        due = desired.delete_at is not None and desired.delete_at <= self.now
        return DesiredStatus.DELETED if due else desired.status

    @cached_property
    def view(self) -> RailwayView | None:
        """The environment as it was seen in this turn."""
        found = self.seen.get(ENVIRONMENT)
        if found is None or isinstance(found, RailwayError):
            return None
        on_their_way = cast("Page[OverviewDeployment] | None", self.sight(ON_THEIR_WAY, Page))
        return read_view(cast("EnvironmentOverview", found), self.template, self.services, on_their_way or ())

    @property
    def running(self) -> int:
        """How many services are up, as far as is known."""
        if self.view is not None:
            return self.view.running
        return sum(
            row.status == "SLEEPING" or (row.status == "SUCCESS" and not row.stopped) for row in self.services
        )

    @property
    def projects(self) -> ProjectSearch:
        """What a search of the workspace found in this turn; nothing where there was none."""
        return self.sight(PROJECTS, ProjectSearch) or ProjectSearch()

    def sight(self, sight: Sight, kind: type[T]) -> T | None:
        """What was seen, unless it was not looked at or the look failed."""
        found = self.seen.get(sight)
        return found if isinstance(found, kind) else None

    def backups(self, volume_instance_id: str) -> tuple[VolumeInstanceBackup, ...]:
        """The backups of a volume, as far as they were seen."""
        return as_backups(self.seen.get(Sight(SightKind.BACKUPS, volume_instance_id)))

    def log(self, deployment_id: str) -> str:
        """The last lines of a deployment, as far as they were seen."""
        found = self.seen.get(Sight(SightKind.LOGS, deployment_id))
        lines = cast("tuple[Log, ...]", found) if isinstance(found, tuple) else ()
        return storable("\n".join(line.message or "" for line in lines))

    def failure(self, sight: Sight) -> RailwayError | None:
        """What came instead of a sight."""
        found = self.seen.get(sight)
        return found if isinstance(found, RailwayError) else None

    def state_of(self, key: str) -> OperationState | None:
        """How far an operation is; None: it does not exist."""
        operation = self.operations.get(key)
        return operation.state if operation else None

    def confirmed(self, key: str) -> bool:
        """Whether Railway has confirmed it."""
        return self.state_of(key) is OperationState.CONFIRMED

    def unsent(self, intents: Sequence[Intent]) -> tuple[Intent, ...]:
        """Those that are still to be sent."""
        return tuple(
            intent for intent in intents if self.state_of(intent.key) in {None, OperationState.INTENDED}
        )

    def held_back_until(self, intents: Sequence[Intent]) -> datetime | None:
        """The latest moment before which one of them must not be sent, if it is still to come."""
        moments = [
            moment
            for intent in intents
            if (operation := self.operations.get(intent.key)) and (moment := operation.not_before)
        ]
        return max(moments) if moments and max(moments) > self.now else None

    def after(self, seconds: float) -> datetime:
        """So many seconds from now."""
        return self.now + timedelta(seconds=seconds)

    def seconds_since(self, moment: datetime) -> float:
        """How long ago it was."""
        return (self.now - moment).total_seconds()

    def next_look_at(self, since: datetime) -> datetime:
        """When to look next at something that began at `since`: the longer it takes, the longer the pauses.

        It follows from the look before, and not from the present moment, so that it does not move away while one waits.
        """
        return _look_after(since, max(since, self.observed.seen_at or since))

    def look_again_at(self, since: datetime) -> datetime:
        """The same after a look just now."""
        return _look_after(since, self.now)

    def moved(self, status: InstanceStatus, **changes: object) -> Instance:
        """The instance in another status, with other changes to its observed half.

        Raises:
            InstanceStateError: The status may not follow the present one.
        """
        observed = self.observed
        if status is not observed.status:
            if status not in FOLLOWERS[observed.status]:
                raise InstanceStateError(
                    f"{observed.status} cannot become {status}",
                    current=observed.status,
                    allowed=FOLLOWERS[observed.status],
                )
            changes |= {"status": status, "status_since": self.now}
        return self.with_observed(**changes)

    def with_observed(self, **changes: object) -> Instance:
        """The instance with changes to its observed half."""
        observed = replace(self.observed, **changes)  # type: ignore[arg-type]  # names are those of the fields
        return replace(self.instance, observed=observed, updated_at=self.now)

    def record(self, instance: Instance | None = None, *events: EventDraft, **more: object) -> Record:
        """A step that writes the instance and tells of it."""
        change = Change(instance=instance or self.instance, events=events)
        return Record(replace(change, **more))  # type: ignore[arg-type]  # names are those of the fields

    def new_operation(self, intent: Intent) -> ProviderOperation:
        """The row of an intent that has none yet."""
        return ProviderOperation(
            id=new_id(self.now),
            instance_id=self.instance.id,
            key=intent.key,
            kind=intent.kind,
            request={**intent.request, "subject": intent.subject},
            created_at=self.now,
        )

    def open_operations(self, *states: OperationState) -> Iterator[ProviderOperation]:
        """Operations in these states, oldest first."""
        chosen = (operation for operation in self.operations.values() if operation.state in states)
        return iter(sorted(chosen, key=lambda operation: operation.id))


def _look_after(since: datetime, looked_at: datetime) -> datetime:
    taken = (looked_at - since).total_seconds()
    return looked_at + timedelta(seconds=min(LONGEST_LOOK_S, max(FIRST_LOOK_S, _LOOK_GROWTH * taken)))


def as_backups(found: object) -> tuple[VolumeInstanceBackup, ...]:
    """What a look at backups brought; nothing where it failed."""
    return cast("tuple[VolumeInstanceBackup, ...]", found) if isinstance(found, tuple) else ()
