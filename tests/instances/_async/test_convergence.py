"""Whatever happens on the way, and however often: it ends as wanted, or somebody is told why not; never with an orphan."""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from railway_saas.domain.instances import ServiceLimits
from railway_saas.domain.statuses import GONE, DesiredStatus
from railway_saas.emulator import FaultKind
from railway_saas.errors import InstanceError, RailwayError
from railway_saas.instances import ManagerSettings
from railway_saas.instances.placement import Marker
from railway_saas.templates import Template
from tests.support.mishaps import Death, check_end

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from railway_saas.instances import AsyncInstanceManager

SEARCH = os.environ.get("RAILWAY_SAAS_CONVERGENCE_EXAMPLES")
"""How many lives to search through, other ones each time: worth it after a change of the control loop."""
EXAMPLES = int(SEARCH or 16)

APP = "app-with-postgres-and-redis"
INPUTS = {APP: "App.ADMIN_EMAIL", "web-app": "web.WHOAMI_NAME"}
"""What is filled in with another value."""
ANY = None
WRITES = (
    "projectCreate",
    "templateDeployV2",
    "serviceCreate",
    "volumeCreate",
    "serviceDomainCreate",
    "serviceInstanceUpdate",
    "environmentPatchCommitStaged",
    "serviceInstanceDeployV2",
    "variableCollectionUpsert",
    "serviceInstanceLimitsUpdate",
    "deploymentStop",
    "deploymentRemove",
    "deploymentRestart",
    "customDomainCreate",
    "customDomainDelete",
    "serviceDelete",
    "projectDelete",
)
LOST_ANSWERS = (
    FaultKind.DROP,
    FaultKind.GATEWAY_ERROR,
    FaultKind.TRUNCATED_JSON,
    FaultKind.EMPTY_BODY,
    FaultKind.NOT_JSON,
    FaultKind.NULL_DATA,
)
REFUSALS = (
    FaultKind.NOT_AUTHORIZED,
    FaultKind.TOO_QUICKLY,
    FaultKind.RATE_LIMITED,
    FaultKind.CLOUDFLARE_1015,
    FaultKind.PROBLEM_PROCESSING,
    FaultKind.UNAUTHORIZED,
)
LAGS = (
    FaultKind.PERMISSION_LAG,
    FaultKind.WORKFLOW_ID_NULL,
    FaultKind.WORKFLOW_NOT_FOUND,
    FaultKind.WORKFLOW_ERROR,
    FaultKind.TEMPLATE_DEPLOY_REFUSED,
    FaultKind.PATCH_APPLYING,
    FaultKind.PATCH_REFUSED,
)
ENDINGS = (
    FaultKind.BUILD_FAILS,
    FaultKind.HEALTHCHECK_FAILS,
    FaultKind.NEVER_LEAVES_DEPLOYING,
    FaultKind.CRASH,
    FaultKind.COMPLETES,
    FaultKind.QUEUED,
)


@dataclass(frozen=True)
class Step:
    """One thing that happens."""

    what: str
    detail: Any = None


def faults() -> st.SearchStrategy[Step]:
    lost = st.builds(
        lambda kind, operation, applied, times, after: ("lost", kind, operation, applied, times, after),
        st.sampled_from(LOST_ANSWERS),
        st.sampled_from((ANY, *WRITES)),
        st.booleans(),
        st.integers(1, 8),
        st.integers(0, 2),
    )
    refused = st.builds(
        lambda kind, operation, times: ("refused", kind, operation, False, times, 0),
        st.sampled_from(REFUSALS),
        st.sampled_from((ANY, *WRITES)),
        st.integers(1, 4),
    )
    lag = st.builds(lambda kind: ("lag", kind, ANY, None, 1, 0), st.sampled_from(LAGS))
    ending = st.builds(lambda kind: ("ending", kind, ANY, None, 1, 0), st.sampled_from(ENDINGS))
    return st.one_of(lost, lost, refused, lag, ending).map(lambda detail: Step("fault", detail))


VERBS = (
    "stop",
    "start",
    "suspend",
    "resume",
    "restart",
    "redeploy",
    "variables",
    "fewer variables",
    "limits",
    "no limits",
    "attach",
    "detach",
    "upgrade",
    "upgrade further",
    "inputs",
    "delete",
    "delete later",
    "keep",
    "retry",
    "abandon",
)
steps = st.lists(
    st.one_of(
        faults(),
        faults(),
        st.integers(0, 40).map(lambda points: Step("die", points)),
        st.integers(0, 12).map(lambda transactions: Step("freeze", transactions)),
        st.sampled_from((3.0, 15.0, 70.0, 400.0, 1000.0)).map(lambda seconds: Step("time", seconds)),
        st.just(Step("work")),
        st.just(Step("work")),
        st.just(Step("turn")),
        st.just(Step("wake")),
        st.just(Step("settle")),
        st.sampled_from(VERBS).map(lambda verb: Step("verb", verb)),
        st.sampled_from(VERBS[:-5]).map(lambda verb: Step("verb", verb)),
    ),
    min_size=4,
    max_size=40,
)


class AsyncLife:
    """One instance, from its deploy to its end."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage
        self.manager: AsyncInstanceManager = stage.manager()
        self.instance_id: UUID | None = None
        self.revisions: list[UUID] = []

    async def begin(self) -> None:
        """Two projects of strangers, a catalogue, and an instance that was accepted."""
        stage = self.stage
        railway = stage.railway.async_client()
        entry = await stage.published(self.manager)
        for document in (with_image(stage.document, "v2"), with_cache(stage.document)):
            self.revisions.append((await self.manager.publish_revision(entry.id, document)).id)
        first = await stage.revision(entry.id, 1)
        instance = await stage.accepted(self.manager, template_id=entry.id, revision_id=first)
        self.instance_id = instance.id
        for description in ("mine", f"Managed by railway_saas: {Marker('staging', instance.id)}"):
            stranger = await railway.projects.create(
                name=instance.name, workspace_id=stage.railway.workspace_id, description=description
            )
            stage.rules.leave_alone(stranger.id)

    async def take(self, step: Step) -> None:
        stage, clock = self.stage, self.stage.clock
        match step.what:
            case "fault":
                add_fault(stage, step.detail)
            case "die":
                stage.fate.points_left = step.detail
            case "freeze":
                stage.nap_after(step.detail, self.overtake)
            case "time":
                clock.advance(step.detail)
            case "work":
                await self.survive(self.manager.run_due)
            case "turn":
                await self.survive(lambda: self.manager.reconcile(self.instance_id))
            case "settle":
                await self.survive(self.settle)
            case "wake":
                await self.survive(self.wake)
            case "verb":
                await self.survive(lambda: self.ask(step.detail))

    async def survive(self, act: Callable[[], Any]) -> None:
        """What a process does until it dies; another one takes its place then."""
        try:
            report = await act()
            assert not getattr(report, "failures", None), report.failures
        except Death:
            self.manager = self.stage.manager()
        except (InstanceError, RailwayError):
            pass  # a verb that is not possible now

    async def overtake(self) -> None:
        """While one worker is frozen its lease ends, and another one takes over."""
        points, self.stage.fate.points_left = self.stage.fate.points_left, None
        self.stage.clock.advance(130)
        await self.stage.manager().run_due()
        self.stage.fate.points_left = points

    async def settle(self) -> None:
        """A worker that is left alone for a while."""
        for _ in range(12):
            report = await self.manager.run_due()
            assert not report.failures, report.failures
            if report.next_due_at is None:
                return
            pause = (report.next_due_at - self.stage.clock.now()).total_seconds()
            if pause > 60:
                return
            self.stage.clock.advance(max(0.0, pause))

    async def wake(self) -> None:
        async with self.stage.database.unit_of_work() as work:
            await work.instances.wake(self.instance_id, at=self.stage.clock.now())
            await work.commit()

    async def ask(self, verb: str) -> None:
        manager, it = self.manager, self.instance_id
        service = self.stage.document.services[0].name
        wishes: dict[str, Callable[[], Any]] = {
            "stop": lambda: manager.stop(it),
            "start": lambda: manager.start(it),
            "suspend": lambda: manager.suspend(it),
            "resume": lambda: manager.resume(it),
            "restart": lambda: manager.restart(it),
            "redeploy": lambda: manager.redeploy(it),
            "variables": lambda: manager.set_variables(it, {service: {"COLOUR": "blue", "SIZE": "9"}}),
            "fewer variables": lambda: manager.set_variables(it, {service: {"COLOUR": "red", "SIZE": None}}),
            "limits": lambda: manager.set_limits(it, ServiceLimits(vcpus=Decimal(2), memory_gb=Decimal(4))),
            "no limits": lambda: manager.set_limits(it, ServiceLimits()),
            "attach": lambda: manager.attach_domain(it, "app.example.com"),
            "detach": lambda: manager.remove_domain(it, "app.example.com"),
            "upgrade": lambda: manager.upgrade(it, revision_id=self.revisions[0], allow_removals=True),
            "upgrade further": lambda: manager.upgrade(it, revision_id=self.revisions[1]),
            "inputs": self.fill_in_anew,
            "delete": lambda: manager.delete(it),
            "delete later": lambda: manager.delete(it, after=timedelta(minutes=20)),
            "keep": lambda: manager.cancel_deletion(it),
            "retry": lambda: manager.retry(it, actor="operator"),
            "abandon": lambda: manager.abandon(it, actor="operator"),
        }
        await wishes[verb]()

    async def fill_in_anew(self) -> None:
        """The same revision with another value."""
        stage, desired = self.stage, (await self.stage.get(self.instance_id)).desired
        given = {INPUTS[stage.code]: f"generation-{desired.generation}"}
        await self.manager.upgrade(self.instance_id, revision_id=desired.revision_id, inputs=given)

    async def end(self) -> None:
        """Nothing goes wrong any more: it comes to rest, and then it can be deleted."""
        stage = self.stage
        stage.railway.faults.clear()
        stage.fate.points_left = None
        stage.sleep_no_more()
        self.manager = stage.manager()
        await stage.drive(self.manager)
        await self.judge()
        instance = await stage.get(self.instance_id)
        if instance.observed.attention is not None:
            await self.manager.abandon(self.instance_id, actor="operator")
        elif instance.status not in GONE and instance.desired.status is not DesiredStatus.DELETED:
            await self.manager.delete(self.instance_id)
        await stage.drive(self.manager)
        await self.judge()
        instance = await stage.get(self.instance_id)
        assert instance.status in GONE, (instance.status, instance.observed.attention)
        assert not [
            one.key for one in await stage.operations(instance.id) if one.state in {"sent", "intended"}
        ]

    async def judge(self) -> None:
        instance = await self.stage.get(self.instance_id)
        template = await self.stage.template_of(instance)
        check_end(self.stage.railway, instance, template)


def add_fault(stage: Any, detail: tuple[Any, ...]) -> None:
    _, kind, operation, applied, times, after = detail
    options: dict[str, Any] = {"seconds": 20.0} if kind in ENDINGS else {}
    if kind is FaultKind.GATEWAY_ERROR:
        options["status"] = 504
    if kind in LOST_ANSWERS:
        options["applied"] = applied
    stage.railway.faults.add(kind, operation, times=times, after=after, **options)


def with_image(document: Template, tag: str) -> Template:
    """Another image, and one variable more."""
    raw = deepcopy(document.serialize())
    service = next(iter(raw["services"].values()))
    service["source"]["image"] = f"{service['source']['image'].rpartition(':')[0]}:{tag}"
    service["variables"]["EDITION"] = {"defaultValue": tag}
    return Template.parse(raw)


def with_cache(document: Template) -> Template:
    """One more service, with a volume."""
    raw = deepcopy(with_image(document, "v3").serialize())
    raw["services"]["c0ffee00-0000-4000-8000-000000000001"] = {
        "name": "Cache",
        "source": {"image": "valkey/valkey:8"},
        "deploy": {},
        "variables": {},
        "volumeMounts": {"c0ffee00-0000-4000-8000-000000000001": {"mountPath": "/data"}},
    }
    return Template.parse(raw)


async def lived(stage: Any, story: list[Step]) -> None:
    """Live through it all, and see how it ends."""
    life = AsyncLife(stage)
    await life.begin()
    for step in story:
        await life.take(step)
    await life.end()


BOTH_WAYS = pytest.mark.parametrize("known", [True, False], ids=["by_template", "from_calls"])
IMPATIENT = {"settings": ManagerSettings(deploy_timeout_s=300)}


@BOTH_WAYS
@settings(
    max_examples=EXAMPLES // 2,
    derandomize=SEARCH is None,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(story=steps, code=st.sampled_from(("web-app", APP)))
async def test_every_life_ends_as_wanted_or_tells_why_not(
    new_stage: Any, known: bool, code: str, story: list[Step]
) -> None:
    await lived(new_stage(code, known=known, manager=IMPATIENT), story)


def asked(*verbs: str) -> list[Step]:
    """These wishes, one right after the other."""
    return [Step("verb", verb) for verb in verbs]


def stuck() -> Step:
    """The next deployment never comes up."""
    return Step("fault", ("ending", FaultKind.NEVER_LEAVES_DEPLOYING, ANY, None, 1, 0))


UP = Step("settle")
STORIES = {
    "limits while services start": [Step("work"), *asked("limits")],
    "stopped before an upgrade began": [UP, *asked("upgrade further", "stop")],
    "limits in the midst of an upgrade": [UP, *asked("upgrade further", "limits")],
    "suspended in the midst of a deployment": [UP, *asked("redeploy"), Step("work"), *asked("suspend")],
    "suspended while what a taken variable deploys is on its way": [
        UP,
        *asked("variables"),
        UP,
        stuck(),
        *asked("fewer variables"),
        Step("work"),
        *asked("suspend"),
    ],
    "stopped while a frozen worker deploys": [
        *asked("fewer variables"),
        Step("freeze", 9),
        Step("work"),
        *asked("stop"),
    ],
    "dead in the midst of a build": [Step("die", 9), UP],
    "one of two changes never comes up": [
        UP,
        stuck(),
        *asked("limits"),
        Step("work"),
        *asked("fewer variables"),
    ],
    "one of several redeployed services never comes up": [UP, stuck(), *asked("redeploy"), UP],
    "an upgrade to what has another volume": [UP, *asked("upgrade")],
    "a volume goes with its service": [UP, *asked("upgrade further"), UP, *asked("upgrade")],
    "other inputs in the midst of an upgrade": [UP, *asked("upgrade"), UP, *asked("inputs")],
}
"""What once went wrong."""


@BOTH_WAYS
@pytest.mark.parametrize("name", STORIES)
async def test_what_once_went_wrong_does_not_any_more(new_stage: Any, known: bool, name: str) -> None:
    await lived(new_stage(APP, known=known, manager=IMPATIENT), STORIES[name])
