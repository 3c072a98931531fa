"""Waiting for a deployment: is it there, can it still get there, how long until the next look. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from railway_saas.errors import RailwayDeploymentError, RailwayTimeoutError
from railway_saas.railway.models.deployments import (
    TERMINAL,
    Deployment,
    DeploymentEvent,
    DeploymentStatus,
)
from railway_saas.railway.operations._arguments import some_choices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from railway_saas.errors import RailwayError

RUNNING: Final = (DeploymentStatus.SUCCESS, DeploymentStatus.SLEEPING)
"""What most callers wait for: it runs, or did and went to sleep."""

_ENDS = TERMINAL | {DeploymentStatus.CRASHED}
_FIRST_LOOK_S = 1.0
_FACTOR = 1.5
_LONGEST_LOOK_S = 10.0

_HINTS = {
    DeploymentStatus.FAILED: "its build, pre-deploy command or health check failed; logs.build and logs.deployment tell more",
    DeploymentStatus.CRASHED: "its process ended with an error as often as the restart policy allows; logs.deployment tells more",
    DeploymentStatus.REMOVED: "it was cancelled, removed, or replaced by a newer deployment",
    DeploymentStatus.SKIPPED: "CI failed, or no watched file changed",
}


def wanted_statuses(statuses: Iterable[DeploymentStatus | str] | DeploymentStatus | str) -> frozenset[str]:
    """The statuses to wait for.

    Raises:
        RailwayInputError: There is none, or one that Railway does not have.
    """
    listed = [statuses] if isinstance(statuses, str) else statuses
    return frozenset(some_choices("statuses", DeploymentStatus, listed))


def has_arrived(deployment: Deployment, wanted: frozenset[str], *, stopped: bool | None) -> bool:
    """Whether a deployment is in a wanted state.

    Raises:
        RailwayDeploymentError: It has ended in a state that was not asked for.
    """
    status = deployment.status
    if status is None:
        return False
    if status.value in wanted:
        return stopped is None or deployment.deployment_stopped == stopped
    if status in _ENDS:
        raise RailwayDeploymentError(
            f"deployment {deployment.id} is {status}, not {_listed(wanted)}: {_HINTS.get(status, 'it has ended')}",
            operation="deployment",
            status=status.value,
            deployment_id=deployment.id,
        )
    return False


def out_of_time(
    deployment_id: str,
    last: Deployment | None,
    wanted: frozenset[str],
    *,
    timeout_s: float,
    cause: RailwayError | None,
) -> RailwayTimeoutError:
    """The exception for a wait that took too long, with what was seen last."""
    seen = "its state could not be read"
    if last is not None:
        seen = f"it is {last.status}" + (
            " and stopped" if last.deployment_stopped and not last.in_progress else ""
        )
    error = RailwayTimeoutError(
        f"deployment {deployment_id} did not become {_listed(wanted)} within {timeout_s:g} s; {seen}",
        operation="deployment",
        trace_id=None if cause is None else cause.trace_id,
    )
    error.__cause__ = cause
    return error


def look_intervals() -> Iterator[float]:
    """Seconds between looks, growing: most image deployments run within ten."""
    interval = _FIRST_LOOK_S
    while True:
        yield interval
        interval = min(_LONGEST_LOOK_S, interval * _FACTOR)


def has_changed(old: Deployment | None, new: Deployment) -> bool:
    """Whether there is something to tell about a deployment."""
    return old is None or _state(old) != _state(new)


def _state(deployment: Deployment) -> tuple[object, ...]:
    return (
        deployment.status,
        deployment.deployment_stopped,
        deployment.status_updated_at,
        deployment.static_url,
        deployment.instances,
    )


def is_outdated(new: Deployment, known: Deployment | None) -> bool:
    """Whether a pushed state is older than what a poll has seen already."""
    if known is None or known.status_updated_at is None:
        return False
    return new.status_updated_at is None or new.status_updated_at < known.status_updated_at


class EventLog:
    """Tells steps of a deployment apart that were told already."""

    def __init__(self) -> None:
        self._told: dict[str, DeploymentEvent] = {}

    def news(self, events: Iterable[DeploymentEvent]) -> Iterator[DeploymentEvent]:
        """Those steps that have begun, or ended, since they were last told; each counts as told when taken."""
        for event in events:
            known = self._told.get(event.id)
            if known is None or (known != event and (event.completed_at or not known.completed_at)):
                self._told[event.id] = event
                yield event


def _listed(wanted: frozenset[str]) -> str:
    return " or ".join(sorted(wanted))
