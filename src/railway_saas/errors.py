"""Every exception this SDK raises.

```text
RailwaySaasError
├── ConfigurationError               an option or an environment variable cannot be used
│   └── MissingTokenError            there is no token in the environment
├── RailwayError                     a call to Railway failed
│   ├── RailwayConnectionError       no answer: refused, reset, cut off
│   │   └── RailwayTimeoutError      no answer in time
│   ├── RailwayRateLimitError        asked to slow down; `retry_after_s`
│   ├── RailwayAuthError             bad token, no right, or the object does not exist
│   ├── RailwayNotFoundError         the object does not exist
│   ├── RailwayInputError            an argument was refused, by us before sending or by Railway
│   │   └── RailwayConflictError     the name is taken
│   ├── RailwayStateError            the object is in the wrong state for this verb
│   ├── RailwayQueryError            any other GraphQL error
│   ├── RailwayResponseError         the answer was not GraphQL: HTML, empty, cut short, 5xx
│   └── RailwayDeploymentError       a deployment or workflow ended in failure
├── InstanceError                    something about an instance
│   ├── ProvisioningError            a template could not be brought to run; `step`, `project_id`, `services`
│   ├── InstanceNotFoundError        there is none of that id, or it is somebody else's
│   ├── InstanceStateError           not possible as it stands; `current`, `allowed`
│   ├── InstanceInputError           a name, domain or other value cannot be used; `argument`
│   │   └── NameTakenError           the owner has an instance, or somebody a domain, of that name
│   ├── LimitExceededError           the owner's plan has no room for it; `limit`, `used`, `next_plan`
│   ├── NeedsAttentionError          the control loop has stopped until an operator decides
│   └── LeaseLostError               another worker has taken the instance over
├── RepositoryError                  the database failed; `transient`
│   ├── NotFoundError                no such row
│   ├── ConflictError                a row of that key is there already
│   └── UndecipherableError          a sealed value cannot be opened: its key is gone, or it was altered
├── WebhookRefusedError              the secret is wrong, or the body too large
└── TemplateError                    a template document is wrong; `problems` lists every fault
```

Every one survives `pickle` and `copy`, and none ever holds a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ConfigurationError",
    "ConflictError",
    "GraphQLErrorDetail",
    "InstanceError",
    "InstanceInputError",
    "InstanceNotFoundError",
    "InstanceStateError",
    "LeaseLostError",
    "LimitExceededError",
    "MissingTokenError",
    "NameTakenError",
    "NeedsAttentionError",
    "NotFoundError",
    "ProvisioningError",
    "RailwayAuthError",
    "RailwayConflictError",
    "RailwayConnectionError",
    "RailwayDeploymentError",
    "RailwayError",
    "RailwayInputError",
    "RailwayNotFoundError",
    "RailwayQueryError",
    "RailwayRateLimitError",
    "RailwayResponseError",
    "RailwaySaasError",
    "RailwayStateError",
    "RailwayTimeoutError",
    "RepositoryError",
    "TemplateError",
    "TemplateProblem",
    "UndecipherableError",
    "WebhookRefusedError",
]


class RailwaySaasError(Exception):
    """The root: catch it to catch everything this SDK raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild without calling `__init__`, whose arguments are keyword-only."""
        return _rebuild, (type(self), self.args, dict(self.__dict__))


def _rebuild(
    cls: type[RailwaySaasError], args: tuple[object, ...], state: Mapping[str, object]
) -> RailwaySaasError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(RailwaySaasError, ValueError):
    """An option, argument of a constructor, or environment variable cannot be used as given."""


class MissingTokenError(ConfigurationError):
    """There is no Railway token in the environment."""


@dataclass(frozen=True, slots=True)
class GraphQLErrorDetail:
    """One entry of a GraphQL answer's `errors` list."""

    message: str
    code: str | None = None
    """`extensions.code`; Railway's codes are a poor guide (`INTERNAL_SERVER_ERROR` covers bad auth too)."""
    path: tuple[str | int, ...] = ()
    trace_id: str | None = None


class RailwayError(RailwaySaasError):
    """A call to Railway failed."""

    operation: str | None
    """Name of the operation, e.g. `projectCreate`."""
    trace_id: str | None
    """Railway's trace id, which its support asks for."""
    status_code: int | None
    """HTTP status of the answer; None when there was no answer."""
    transient: bool
    """Whether the same call may succeed a little later."""
    maybe_applied: bool
    """True for a write that may have taken effect all the same: look before repeating it."""
    attempts: int
    """How many times the call was sent; 0 when it was refused before."""
    errors: tuple[GraphQLErrorDetail, ...]
    """Railway's own errors, as they came."""
    partial_data: Mapping[str, Any] | None
    """What came beside the errors; never part of the message, as it may hold secrets."""

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        trace_id: str | None = None,
        status_code: int | None = None,
        transient: bool = False,
        maybe_applied: bool = False,
        attempts: int = 0,
        errors: Iterable[GraphQLErrorDetail] = (),
        partial_data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.trace_id = trace_id
        self.status_code = status_code
        self.transient = transient
        self.maybe_applied = maybe_applied
        self.attempts = attempts
        self.errors = tuple(errors)
        self.partial_data = partial_data

    def __str__(self) -> str:
        """Say what was called, what happened, and what to quote to Railway's support."""
        message = str(self.args[0]) if self.args else type(self).__name__
        text = f"{self.operation}: {message}" if self.operation else message
        notes = [
            note
            for note, shown in (
                ("the write may have been applied: look before repeating it", self.maybe_applied),
                (f"after {self.attempts} attempts", self.attempts > 1),
                (f"trace id {self.trace_id}", self.trace_id is not None),
            )
            if shown
        ]
        return f"{text} ({'; '.join(notes)})" if notes else text


class RailwayConnectionError(RailwayError):
    """No answer came: connection refused, reset, or closed before the answer was complete."""


class RailwayTimeoutError(RailwayConnectionError):
    """No answer came within the call's time."""


class RailwayRateLimitError(RailwayError):
    """Railway (or Cloudflare in front of it) asked to slow down. Nothing was done."""

    retry_after_s: float | None
    """Seconds to wait as the server said, or None."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.retry_after_s = retry_after_s


class RailwayAuthError(RailwayError):
    """The token is bad or has no right here, or the object does not exist: Railway answers alike."""


class RailwayNotFoundError(RailwayError):
    """The object does not exist."""


class RailwayInputError(RailwayError, ValueError):
    """An argument was refused, by this SDK before anything was sent or by Railway.

    `argument` names it where that is known.
    """

    argument: str | None

    def __init__(self, message: str, *, argument: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.argument = argument


class RailwayConflictError(RailwayInputError):
    """The name is already taken."""


class RailwayStateError(RailwayError):
    """The object is in the wrong state for this verb, e.g. stopping a sleeping deployment."""


class RailwayQueryError(RailwayError):
    """Railway answered with GraphQL errors that have no class of their own here."""


class RailwayResponseError(RailwayError):
    """The answer was not the GraphQL we know: HTML, empty, cut short, another shape, or a gateway's 5xx."""


class RailwayDeploymentError(RailwayError):
    """A deployment or workflow ended in a state that was not hoped for.

    `status` is the last one seen and `deployment_id` what was watched.
    """

    status: str | None
    deployment_id: str | None

    def __init__(
        self, message: str, *, status: str | None = None, deployment_id: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(message, **kwargs)
        self.status = status
        self.deployment_id = deployment_id


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """One fault of a template document."""

    path: str
    """Where, as a JSON path: `$.services['web'].variables.PORT`."""
    message: str
    """What is wrong and what is allowed."""

    def __str__(self) -> str:
        """Path and message on one line."""
        return f"{self.path}: {self.message}"


class TemplateError(RailwaySaasError, ValueError):
    """A template document, or the values for its inputs, cannot be used. `problems` lists every fault."""

    problems: tuple[TemplateProblem, ...]

    def __init__(self, message: str, *, problems: Iterable[TemplateProblem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        """Say the summary, then every problem on its own line."""
        lines = [str(self.args[0]) if self.args else type(self).__name__, *map(str, self.problems)]
        return "\n  ".join(lines)


class InstanceError(RailwaySaasError):
    """Something about a deployed template went wrong."""


class ProvisioningError(InstanceError):
    """A template could not be brought to run. What exists is left as it is, for you to look at or delete."""

    step: str
    """What was being done: `project`, `template`, `services`, `volumes`, `settings`, `deploy`, `status`."""
    project_id: str | None
    """The project that was made or used."""
    services: Mapping[str, str | None]
    """The state of each service that failed, by name."""
    maybe_applied: bool
    """Whether the failed step may have taken effect all the same."""

    def __init__(
        self,
        message: str,
        *,
        step: str,
        project_id: str | None = None,
        services: Mapping[str, str | None] | None = None,
        maybe_applied: bool = False,
    ) -> None:
        super().__init__(message)
        self.step = step
        self.project_id = project_id
        self.services = dict(services or {})
        self.maybe_applied = maybe_applied


class InstanceNotFoundError(InstanceError):
    """There is no instance of that id, or it is somebody else's: the answer is the same.

    `what` names what is missing where it is something else: a template, or something that the instance does not have.
    """

    what: str
    """`instance`, `template`, `revision`, `deployment`, `service`, `domain` or `backup`."""

    def __init__(self, message: str, *, what: str = "instance") -> None:
        super().__init__(message)
        self.what = what


class InstanceStateError(InstanceError):
    """The verb is not possible as the instance stands. `current` is its state, `allowed` the verbs that are possible."""

    current: str
    allowed: tuple[str, ...]

    def __init__(self, message: str, *, current: str, allowed: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.current = current
        self.allowed = tuple(allowed)


class InstanceInputError(InstanceError, ValueError):
    """A value cannot be used; nothing was written. `argument` names it."""

    argument: str

    def __init__(self, message: str, *, argument: str) -> None:
        super().__init__(message)
        self.argument = argument


class NameTakenError(InstanceInputError):
    """The owner has an instance of that name already, or the domain is in use."""


class LimitExceededError(InstanceError):
    """The owner's plan has no room for it; nothing was written."""

    limit: str
    """`instances`, `services`, `vcpus`, `memory_gb`, `volume_gb`, `domains` or `tiers`."""
    plan: str
    allowed: str
    used: str
    wanted: str
    next_plan: str | None
    """The next plan that would do; None: no plan does."""
    next_plan_allows: str | None

    def __init__(
        self,
        message: str,
        *,
        limit: str,
        plan: str,
        allowed: str,
        wanted: str,
        used: str = "",
        next_plan: str | None = None,
        next_plan_allows: str | None = None,
    ) -> None:
        super().__init__(message)
        self.limit = limit
        self.plan = plan
        self.allowed = allowed
        self.used = used
        self.wanted = wanted
        self.next_plan = next_plan
        self.next_plan_allows = next_plan_allows


class NeedsAttentionError(InstanceError):
    """The control loop has stopped for this instance until an operator retries, abandons or adopts."""

    allowed: tuple[str, ...]
    """What whoever asked may ask for all the same, where something was asked."""

    def __init__(self, message: str, *, allowed: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class LeaseLostError(InstanceError):
    """Another worker has taken the instance over; whatever was not committed is theirs to do."""


class RepositoryError(RailwaySaasError):
    """The database failed. `transient` tells whether the same transaction may succeed a little later."""

    transient: bool

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class NotFoundError(RepositoryError):
    """There is no such row."""


class ConflictError(RepositoryError):
    """A row of that key is there already."""


class UndecipherableError(RepositoryError):
    """A sealed value cannot be opened: its key is not in the key ring, or it was altered. Nothing is done without it."""


class WebhookRefusedError(RailwaySaasError):
    """A webhook was not accepted: its secret is wrong, or its body too large or unreadable. `status_code` fits HTTP."""

    status_code: int

    def __init__(self, message: str, *, status_code: int) -> None:
        super().__init__(message)
        self.status_code = status_code
