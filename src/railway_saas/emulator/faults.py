"""Everything that can go wrong with Railway, on demand.

A fault is put in with `Faults.add` (or over HTTP, `/_emulator/faults`) and strikes when it matches: the operation it
names (a root field such as `projectCreate`, or an operation name), after it let `after` matches pass, as many times as
`times` says, each time with `probability`. Faults that concern one service name it in `service`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from railway_saas.emulator.world.deployments import Outcome

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterator, Mapping

    from railway_saas.emulator.world.projects import ServiceInstance


class FaultKind(StrEnum):
    """What can be switched on. `docs/emulator.md` has the table."""

    # The connection and the gateway in front
    DROP = "drop"
    SLOW = "slow"
    GATEWAY_ERROR = "gateway_error"
    CLOUDFLARE_DENIED = "cloudflare_denied"
    CLOUDFLARE_1010 = "cloudflare_1010"
    CLOUDFLARE_1015 = "cloudflare_1015"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    TRUNCATED_JSON = "truncated_json"
    EMPTY_BODY = "empty_body"
    NOT_JSON = "not_json"
    NULL_DATA = "null_data"
    PARTIAL_DATA = "partial_data"
    # GraphQL errors
    GRAPHQL_ERROR = "graphql_error"
    PROBLEM_PROCESSING = "problem_processing"
    NOT_AUTHORIZED = "not_authorized"
    TOO_QUICKLY = "too_quickly"
    PERMISSION_LAG = "permission_lag"
    # Templates and workflows
    TEMPLATE_DEPLOY_REFUSED = "template_deploy_refused"
    WORKFLOW_NOT_FOUND = "workflow_not_found"
    WORKFLOW_ID_NULL = "workflow_id_null"
    WORKFLOW_ERROR = "workflow_error"
    # Patches of an environment
    PATCH_APPLYING = "patch_applying"
    PATCH_REFUSED = "patch_refused"
    # Logs and streams
    EXTRA_LOG_ROW = "extra_log_row"
    STREAM_DROP = "stream_drop"
    # How a deployment ends
    BUILD_FAILS = "build_fails"
    PRE_DEPLOY_FAILS = "pre_deploy_fails"
    HEALTHCHECK_FAILS = "healthcheck_fails"
    NEVER_LEAVES_DEPLOYING = "never_leaves_deploying"
    CRASH = "crash"
    OUT_OF_MEMORY = "out_of_memory"
    COMPLETES = "completes"
    NEEDS_APPROVAL = "needs_approval"
    QUEUED = "queued"
    SKIPPED = "skipped"
    # Webhooks
    WEBHOOK_DUPLICATED = "webhook_duplicated"
    WEBHOOK_DELAYED = "webhook_delayed"
    WEBHOOK_LOST = "webhook_lost"


ANSWER_FAULTS = (
    FaultKind.DROP,
    FaultKind.SLOW,
    FaultKind.GATEWAY_ERROR,
    FaultKind.CLOUDFLARE_DENIED,
    FaultKind.CLOUDFLARE_1010,
    FaultKind.CLOUDFLARE_1015,
    FaultKind.RATE_LIMITED,
    FaultKind.UNAUTHORIZED,
    FaultKind.TRUNCATED_JSON,
    FaultKind.EMPTY_BODY,
    FaultKind.NOT_JSON,
    FaultKind.NULL_DATA,
    FaultKind.PARTIAL_DATA,
)
"""Faults that change a whole HTTP answer."""

APPLIED_BY_DEFAULT = frozenset(
    {FaultKind.SLOW, FaultKind.TRUNCATED_JSON, FaultKind.EMPTY_BODY, FaultKind.NOT_JSON, FaultKind.NULL_DATA}
    | {FaultKind.PARTIAL_DATA}
)
"""Answer faults before which the operation is carried out unless the fault says otherwise."""

NEVER_APPLIED = frozenset({FaultKind.RATE_LIMITED, FaultKind.CLOUDFLARE_1015})
"""Railway: a request over the limit is turned away before anything reads it."""

FIELD_FAULTS = (
    FaultKind.GRAPHQL_ERROR,
    FaultKind.PROBLEM_PROCESSING,
    FaultKind.NOT_AUTHORIZED,
    FaultKind.TOO_QUICKLY,
)
"""Faults that make one root field answer with a GraphQL error."""

OUTCOMES = (
    FaultKind.BUILD_FAILS,
    FaultKind.PRE_DEPLOY_FAILS,
    FaultKind.HEALTHCHECK_FAILS,
    FaultKind.NEVER_LEAVES_DEPLOYING,
    FaultKind.CRASH,
    FaultKind.OUT_OF_MEMORY,
    FaultKind.COMPLETES,
    FaultKind.NEEDS_APPROVAL,
    FaultKind.QUEUED,
    FaultKind.SKIPPED,
)
"""Faults that decide how a deployment ends."""


@dataclass(slots=True)
class Fault:
    """One fault that is switched on."""

    id: int
    kind: FaultKind
    operation: str | None = None
    """Root field or operation name; None matches any."""
    service: str | None = None
    """Name or id of the service whose deployments are meant; None matches any."""
    times: int | None = 1
    """How often it strikes; None: until removed."""
    after: int = 0
    """How many matches pass unharmed first."""
    probability: float = 1.0
    applied: bool = False
    """Whether the operation is carried out all the same, only its answer is lost or spoilt."""
    status: int = 502
    """HTTP status of a `gateway_error`."""
    message: str = "Problem processing request"
    """Of a `graphql_error`, a `workflow_error`, a `partial_data` or a `patch_refused`."""
    code: str | None = None
    retry_after_s: int = 1
    reads: int = 2
    """How many reads of a new project a `permission_lag` refuses."""
    seconds: float = 1.0
    """How slow; for how long a patch is being applied; or when after the start a deployment crashes, completes, leaves
    the queue."""
    struck: int = field(default=0)

    def matches(
        self, kinds: Collection[FaultKind], operations: Collection[str], service: Collection[str]
    ) -> bool:
        """Whether this fault is meant, leaving luck aside."""
        return (
            self.kind in kinds
            and self.times != 0
            and (self.operation is None or self.operation in operations)
            and (self.service is None or self.service in service)
        )

    def to_json(self) -> dict[str, Any]:
        """What the control endpoint shows."""
        return asdict(self)


class Faults:
    """The faults of one emulator."""

    def __init__(self, luck: random.Random) -> None:
        self._luck = luck
        self._faults: list[Fault] = []
        self._added = 0

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._faults))

    def __len__(self) -> int:
        return len(self._faults)

    def add(  # noqa: PLR0913 - keyword-only options
        self,
        kind: FaultKind | str,
        operation: str | None = None,
        *,
        times: int | None = 1,
        after: int = 0,
        probability: float = 1.0,
        applied: bool | None = None,
        **options: Any,
    ) -> Fault:
        """Switch a fault on.

        Args:
            kind: One of `FaultKind`.
            operation: Root field (`projectCreate`) or operation name it is meant for. Default: any.
            times: How often it strikes. None: until it is removed.
            after: How many matching calls pass first.
            probability: Chance per match, 0 to 1.
            applied: For faults of the answer: whether the operation is carried out all the same. Never with
                `rate_limited` and `cloudflare_1015`.
            options: `service`, `status`, `message`, `code`, `retry_after_s`, `reads`, `seconds`, where the kind
                uses them.

        Raises:
            ValueError: An unknown kind or option, or a value out of range.
        """
        try:
            known = FaultKind(kind)
        except ValueError:
            allowed = ", ".join(FaultKind)
            raise ValueError(f"there is no fault {kind!r}; there are {allowed}") from None
        if not 0 <= probability <= 1:
            raise ValueError(f"probability is 0 to 1, not {probability}")
        unknown = options.keys() - {
            "service",
            "status",
            "message",
            "code",
            "retry_after_s",
            "reads",
            "seconds",
        }
        if unknown:
            raise ValueError(f"a fault has no option {', '.join(sorted(unknown))}")
        if applied and known in NEVER_APPLIED:
            raise ValueError(
                f"a {known} is never applied: Railway carries out nothing that is over the limit"
            )
        self._added += 1
        fault = Fault(
            id=self._added,
            kind=known,
            operation=operation,
            times=times,
            after=after,
            probability=probability,
            applied=known in APPLIED_BY_DEFAULT if applied is None else applied,
            **options,
        )
        self._faults.append(fault)
        return fault

    def remove(self, fault_id: int) -> bool:
        """Switch one off; False when there is none of that id."""
        before = len(self._faults)
        self._faults = [fault for fault in self._faults if fault.id != fault_id]
        return len(self._faults) < before

    def clear(self) -> None:
        """Switch all off."""
        self._faults.clear()

    def take(
        self,
        kinds: FaultKind | Collection[FaultKind],
        operations: Collection[str] = (),
        *,
        service: Collection[str] = (),
    ) -> Fault | None:
        """The first fault that strikes now, if any. Counts as one strike."""
        if not self._faults:
            return None
        wanted = (kinds,) if isinstance(kinds, FaultKind) else kinds
        for fault in self._faults:
            if fault.matches(wanted, operations, service) and self._strikes(fault):
                return fault
        return None

    def outcome(self, instance: ServiceInstance) -> Outcome | None:
        """How a new deployment of this service instance is going to end; None: well."""
        service = (instance.service.name, instance.service.id)
        fault = self.take(OUTCOMES, service=service)
        return Outcome(fault.kind.value, fault.seconds) if fault else None

    def _strikes(self, fault: Fault) -> bool:
        if fault.after > 0:
            fault.after -= 1
            return False
        if fault.probability < 1 and self._luck.random() >= fault.probability:
            return False
        fault.struck += 1
        if fault.times is not None:
            fault.times -= 1
        return True


def add_from_json(faults: Faults, body: Mapping[str, Any]) -> Fault:
    """Switch on a fault that came as JSON: the arguments of `Faults.add` by name.

    Raises:
        ValueError: `kind` is missing, or something else does not fit.
    """
    options = dict(body)
    kind = options.pop("kind", None)
    if not isinstance(kind, str):
        raise ValueError("a fault needs a kind, e.g. {'kind': 'drop'}")  # noqa: TRY004 - answered as 400
    try:
        return faults.add(kind, **options)
    except TypeError as error:
        raise ValueError(str(error)) from error
