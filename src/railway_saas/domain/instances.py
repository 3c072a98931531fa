"""An instance: what one customer runs from one template. Its desired half is the owner's, its observed half Railway's."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

from railway_saas.domain.plans import Resources
from railway_saas.domain.statuses import GONE, DesiredStatus, InstanceStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

VariableOverlay = dict[str, dict[str, str | None]]
"""Service name -> variable name -> value; None: the variable is taken away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLimits:
    """What each service of an instance may use at most; None: what Railway's plan allows."""

    vcpus: Decimal | None = None
    memory_gb: Decimal | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is stored: decimals as text."""
        return {
            name: str(value)
            for name, value in (("vcpus", self.vcpus), ("memory_gb", self.memory_gb))
            if value is not None
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self:
        """Read what `to_json` wrote."""
        found = stored or {}
        return cls(**{name: Decimal(found[name]) for name in ("vcpus", "memory_gb") if name in found})


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceConfig:
    """What an owner chose: the template's inputs, variables changed since, limits."""

    inputs: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """What the template was filled in with, by `Service.NAME`."""
    variables: Mapping[str, Mapping[str, str | None]] = field(default_factory=VariableOverlay, repr=False)
    """A `VariableOverlay`."""
    limits: ServiceLimits = field(default_factory=ServiceLimits)

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "inputs": dict(self.inputs),
            "variables": {service: dict(values) for service, values in self.variables.items()},
            "limits": self.limits.to_json(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self:
        """Read what `to_json` wrote."""
        found = stored or {}
        return cls(
            inputs=found.get("inputs", {}),
            variables=found.get("variables", {}),
            limits=ServiceLimits.from_json(found.get("limits")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Something that was asked for and was not done yet when it was last looked at, or never will be."""

    number: int
    """The generation that it made; 1 is the deploy."""
    verb: str
    replaced: bool = False
    """Whether something that was asked for later took its place before it was done."""

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {"number": self.number, "verb": self.verb, "replaced": self.replaced}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(number=stored["number"], verb=stored["verb"], replaced=stored["replaced"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What somebody wants. Written by verbs only."""

    status: DesiredStatus = DesiredStatus.RUNNING
    revision_id: UUID
    """The template revision that is to run."""
    config: InstanceConfig = field(default_factory=InstanceConfig)
    delete_at: datetime | None = None
    """When a scheduled deletion comes; None: none is scheduled."""
    generation: int = 1
    """Grows with every change."""
    wishes: tuple[Wish, ...] = ()
    """The latest of those that may be replaced, or were; oldest first."""

    def is_replaced(self, number: int) -> bool:
        """Whether what was asked for in this generation was never done, as something later took its place."""
        return any(wish.number == number and wish.replaced for wish in self.wishes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The part of the desired half that Railway has been given."""

    revision_id: UUID
    inputs: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """What the revision was filled in with."""
    previous_inputs: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """During an upgrade: what the revision before was filled in with."""
    previous_values: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict[str, "Mapping[str, str]"], repr=False
    )
    """During an upgrade: values that were generated once and that it replaces, by service key and variable."""
    new_volumes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Volumes that were made for a revision that does not run yet: their ids by `<service key>:<mount path>`."""
    unneeded_volumes: tuple[str, ...] = ()
    """Ids of volumes that are still to be deleted: they were made for a revision that never came to run, or belonged to
    services that an upgrade was allowed to remove."""
    variables: Mapping[str, Mapping[str, str | None]] = field(default_factory=VariableOverlay, repr=False)
    limits: ServiceLimits = field(default_factory=ServiceLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """New deployments that a change asked for, one per service."""

    number: int = 0
    """Grows with every change that needs deployments; part of the keys of their operations."""
    pending: tuple[str, ...] = ()
    """Keys of services that are still to be deployed."""
    watching: tuple[str, ...] = ()
    """Keys of services whose new deployment is still to come up."""
    started_at: datetime | None = None
    previous_revision_id: UUID | None = None
    """During an upgrade: what to go back to."""
    rolling_back: bool = False
    """Whether this is the way back."""


class Power(StrEnum):
    """What was last done to an instance's containers, and confirmed."""

    ON = "on"
    STOPPED = "stopped"
    """Deployments stopped; they are kept and start again at once."""
    SUSPENDED = "suspended"
    """Deployments removed, so that Railway bills nothing for them."""


POWER_OF: Final = {
    DesiredStatus.RUNNING: Power.ON,
    DesiredStatus.STOPPED: Power.STOPPED,
    DesiredStatus.SUSPENDED: Power.SUSPENDED,
}
"""What containers are to do for each wish that leaves something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What Railway has confirmed. Written by the control loop only."""

    status: InstanceStatus = InstanceStatus.ACCEPTED
    status_since: datetime
    project_id: str | None = None
    environment_id: str | None = None
    primary_service_id: str | None = None
    """The service that answers at `domain`, else the first one."""
    domain: str | None = None
    """Public host name."""
    built_from_calls: bool = False
    """Whether it was built from single calls, as Railway did not deploy the template itself."""
    applied: Applied | None = None
    """None until its services are made."""
    power: Power | None = None
    """None until it came up for the first time."""
    switches: int = 0
    """How often its power was switched; part of the keys of those operations."""
    rollout: Rollout = field(default_factory=Rollout)
    recoveries: int = 0
    """Restarts after crashes since it last ran well."""
    undoing: bool = False
    """Whether it is being taken down because it could not be brought to run: it ends as FAILED, not DELETED."""
    error: str | None = None
    """What went wrong last, for people."""
    attention: str | None = None
    """Why the control loop has stopped until an operator decides; None: it has not."""
    seen_at: datetime | None = None
    """When Railway was last asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One row of `instances`."""

    id: UUID
    user_id: UUID
    """The owner; opaque."""
    template_id: UUID
    name: str
    desired: Desired
    observed: Observed
    resources: Resources = field(default_factory=Resources)
    """What it holds of the plan's limits."""
    holds_slot: bool = True
    """Whether it counts against the plan's limits."""
    next_check_at: datetime | None = None
    """When the control loop looks at it next; None: never."""
    wakes: int = 0
    """Grows when somebody asks for a look, so that a wish during a look is not lost."""
    lease_owner: str | None = None
    lease_until: datetime | None = None
    """Until when `lease_owner` alone may write to Railway for it."""
    created_at: datetime
    updated_at: datetime

    @property
    def status(self) -> InstanceStatus:
        """What Railway has confirmed."""
        return self.observed.status

    @property
    def awaits_upgrade(self) -> bool:
        """Whether another revision is wanted than Railway was given, or the same one filled in otherwise."""
        desired, applied = self.desired, self.observed.applied
        return applied is not None and (applied.revision_id, applied.inputs) != (
            desired.revision_id,
            desired.config.inputs,
        )

    @property
    def is_coming_up(self) -> bool:
        """Whether a change is on its way to Railway, or its deployments are still to come up."""
        rollout = self.observed.rollout
        return self.awaits_upgrade or bool(
            rollout.pending or rollout.watching or rollout.previous_revision_id or rollout.rolling_back
        )

    @property
    def is_changing(self) -> bool:
        """Whether something that is wanted is still to be done: Railway is at work, or a worker has yet to come by.

        False where a wish was refused (`observed.error` says why) or an operator has to decide. What is done once, on
        somebody's word (restart, redeploy, roll back, back up, restore), and custom domains have rows of their own: they are
        not seen from here until Railway has taken them.
        """
        observed, desired = self.observed, self.desired
        if observed.status in GONE or observed.attention is not None:
            return False
        if observed.undoing or desired.status is DesiredStatus.DELETED or observed.power is None:
            return True
        if observed.power is not POWER_OF[desired.status]:
            return True
        if observed.power is not Power.ON:
            return False  # the rest is done when it is on again
        if observed.rollout.pending or observed.rollout.watching:
            return True
        applied = observed.applied
        agreed = applied is None or (
            not self.awaits_upgrade
            and (applied.variables, applied.limits) == (desired.config.variables, desired.config.limits)
        )
        return not agreed and observed.error is None

    @property
    def marker(self) -> str:
        """The id as it stands in the description of its Railway project."""
        return str(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceService:
    """One service of an instance, as last seen at Railway."""

    id: UUID
    instance_id: UUID
    template_key: str
    """Its key in the template document."""
    name: str
    railway_service_id: str
    railway_deployment_id: str | None = None
    status: str | None = None
    """Railway's `DeploymentStatus`; None before the first deployment."""
    stopped: bool = False
    domain: str | None = None
    """Railway's own host name."""
    updated_at: datetime


class DomainState(StrEnum):
    """How far a custom domain is."""

    ATTACHING = "attaching"
    ATTACHED = "attached"
    REMOVING = "removing"
    REFUSED = "refused"
    """Railway does not take it; `error` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsRecord:
    """A DNS record the customer has to set."""

    record_type: str
    """`CNAME` or `TXT`."""
    name: str
    """Full host name."""
    value: str
    is_set: bool = False
    """Whether Railway has seen it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceDomain:
    """A custom domain of an instance."""

    id: UUID
    instance_id: UUID
    domain: str
    """Lower case, without a trailing dot. Unique among all instances."""
    service: str
    """Name of the service that answers."""
    target_port: int | None = None
    state: DomainState = DomainState.ATTACHING
    railway_domain_id: str | None = None
    dns_records: tuple[DnsRecord, ...] = ()
    verified: bool = False
    error: str | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment of an instance's service, kept after Railway forgot it."""

    id: UUID
    instance_id: UUID
    railway_deployment_id: str
    service: str
    """Name of the service."""
    status: str
    logs: str | None = field(default=None, repr=False)
    """The last lines, kept when it failed."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceEvent:
    """Something happened to an instance: a sentence for people, data for progress bars and pages."""

    id: UUID
    instance_id: UUID
    at: datetime
    step: str
    """`accepted`, `project`, `template`, `services`, `volumes`, `settings`, `deploy`, `status`, `variables`, `limits`,
    `domain`, `power`, `upgrade`, `rollback`, `backup`, `delete`, `waiting`, `error` or `attention`."""
    message: str
    status: InstanceStatus
    service: str | None = None
    done: int = 0
    """Services that run."""
    total: int = 0
    """Services that are to run."""
