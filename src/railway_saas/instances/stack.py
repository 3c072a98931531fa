"""A stack: what one template becomes in one environment. Pure: reading how it stands, and what changed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from railway_saas.errors import ProvisioningError, RailwayError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from railway_saas.railway.models.overview import EnvironmentOverview, OverviewService

RUNNING = frozenset({"SUCCESS", "SLEEPING"})
"""Railway's rest states of a deployment that came up."""

FAILED = frozenset({"FAILED", "CRASHED", "REMOVED", "REMOVING", "SKIPPED"})
"""States from which a deployment does not come up by itself."""

_SENTENCES = {
    None: "is being created",
    "INITIALIZING": "is being prepared",
    "QUEUED": "waits for capacity",
    "WAITING": "waits for another service or for CI",
    "NEEDS_APPROVAL": "waits for somebody to approve it in Railway's dashboard",
    "BUILDING": "is being built",
    "DEPLOYING": "is starting",
    "SUCCESS": "is running",
    "SLEEPING": "is up and asleep until the next request",
    "FAILED": "failed: it could not be built, or did not become healthy in time",
    "CRASHED": "crashed, and its restarts are used up",
    "REMOVED": "was removed",
    "REMOVING": "is being removed",
    "SKIPPED": "was skipped",
}


@dataclass(frozen=True, slots=True)
class StackService:
    """One service of a stack."""

    key: str | None
    """Its key in the template document."""
    name: str
    service_id: str
    deployment_id: str | None
    status: str | None
    """Railway's `DeploymentStatus`; None before the first deployment."""
    hosts: tuple[str, ...]
    """Public host names, without a scheme."""
    source: str | None

    @property
    def is_running(self) -> bool:
        """Whether its newest deployment came up."""
        return self.status in RUNNING

    @property
    def has_failed(self) -> bool:
        """Whether its newest deployment will not come up by itself."""
        return self.status in FAILED

    @property
    def sentence(self) -> str:
        """What is happening to it, for people."""
        return sentence_of(self.name, self.status)


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed template: a project, an environment, and the services in it."""

    project_id: str
    environment_id: str
    services: tuple[StackService, ...]

    @property
    def is_running(self) -> bool:
        """Whether there are services and all of them run."""
        return bool(self.services) and all(service.is_running for service in self.services)

    @property
    def failed(self) -> tuple[StackService, ...]:
        """The services that will not come up by themselves."""
        return tuple(service for service in self.services if service.has_failed)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every public https address."""
        return tuple(f"https://{host}" for service in self.services for host in service.hosts)


@dataclass(frozen=True, slots=True)
class StackEvent:
    """Something happened while a stack is deployed."""

    step: str
    """`project`, `template`, `services`, `volumes`, `settings`, `deploy` or `status`."""
    message: str
    """A sentence for people."""
    elapsed_s: float
    service: str | None = None
    status: str | None = None
    done: int = 0
    """Services that run."""
    total: int = 0
    """Services that are to run."""


def sentence_of(name: str, status: str | None) -> str:
    """What is happening to a service, for people."""
    return f"{name} {_SENTENCES.get(status, f'is {status}')}"


def counted(number: int, noun: str) -> str:
    """`1 service`, `3 services`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def read_stack(overview: EnvironmentOverview, keys: Mapping[str, str] | None = None) -> Stack:
    """How a stack stands. `keys` gives template keys by service id where Railway does not know them."""
    services = tuple(_read_service(service, keys or {}) for service in overview.service_instances)
    return Stack(
        project_id=overview.project_id or "",
        environment_id=overview.id,
        services=tuple(sorted(services, key=lambda service: service.name)),
    )


def _read_service(service: OverviewService, keys: Mapping[str, str]) -> StackService:
    deployment = service.latest_deployment
    return StackService(
        key=keys.get(service.service_id)
        or (service.service.template_service_id if service.service else None),
        name=service.service_name or service.service_id,
        service_id=service.service_id,
        deployment_id=deployment.id if deployment else None,
        status=deployment.status if deployment else None,
        hosts=service.public_hosts,
        source=(service.source.image or service.source.repo) if service.source else None,
    )


def status_changes(before: Stack | None, after: Stack) -> Iterator[StackService]:
    """The services whose state is another than it was."""
    known = {service.service_id: service.status for service in before.services} if before else {}
    for service in after.services:
        if service.service_id not in known or known[service.service_id] != service.status:
            yield service


@contextmanager
def provisioning_step(step: str, project_id: str | None) -> Generator[None]:
    """Say in which step a call to Railway failed."""
    try:
        yield
    except RailwayError as error:
        raise provisioning_error(step, project_id, error) from error


def provisioning_error(step: str, project_id: str | None, error: RailwayError) -> ProvisioningError:
    """A failed call, told as a failed step."""
    left = f"; project {project_id} is left as it is" if project_id else ""
    return ProvisioningError(
        f"{error}{left}", step=step, project_id=project_id, maybe_applied=error.maybe_applied
    )


def not_applied(project_id: str, reason: str | None, elapsed_s: float) -> ProvisioningError:
    """The error for settings that were committed and that Railway does not apply."""
    told = f"Railway could not apply the settings: {reason}" if reason else None
    return ProvisioningError(
        f"{told or f'Railway has not applied the settings after {elapsed_s:.0f} s'}"
        f"; project {project_id} is left as it is",
        step="settings",
        project_id=project_id,
        maybe_applied=reason is None,
    )


def refuse_failed(stack: Stack) -> None:
    """Give up on a stack in which a service will not come up.

    Raises:
        ProvisioningError: It names the services and their states.
    """
    if stack.failed:
        raise ProvisioningError(
            f"{'; '.join(service.sentence for service in stack.failed)}. `railway-saas logs {stack.project_id}` shows "
            "why; the project is left as it is",
            step="status",
            project_id=stack.project_id,
            services={service.name: service.status for service in stack.failed},
        )


def too_late(stack: Stack, elapsed_s: float) -> ProvisioningError:
    """The error for a stack that takes too long."""
    waiting = [service for service in stack.services if not service.is_running]
    return ProvisioningError(
        f"not everything runs after {elapsed_s:.0f} s: {'; '.join(service.sentence for service in waiting) or 'no services'}"
        f"; project {stack.project_id} is left as it is",
        step="status",
        project_id=stack.project_id,
        services={service.name: service.status for service in waiting},
    )
