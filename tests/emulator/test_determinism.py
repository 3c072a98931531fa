"""Same seed, same requests: the same bytes, whatever they do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from railway_saas.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable

from railway_saas.emulator.messages import Request

DEPLOY = "mutation($i: TemplateDeployV2Input!) { templateDeployV2(input: $i) { projectId workflowId } }"
TEMPLATE = "query($c: String!) { template(code: $c) { id serializedConfig } }"
STATE = """{ me { workspaces { customer { currentUsage } projects { edges { cursor node { id name
  services { edges { node { id name } } } volumes { edges { node { id name } } }
  environments { edges { node { id config(decryptVariables: true) configEtag
    volumeInstances { edges { node { id currentSizeMB } } }
    serviceInstances { edges { node { id latestDeployment { id status statusUpdatedAt }
      domains { serviceDomains { id domain } customDomains { id domain status { certificateStatus verificationToken } } } } } } } } } } } } } } }"""
DOMAIN = "mutation($i: ServiceDomainCreateInput!) { serviceDomainCreate(input: $i) { id domain } }"
UPSERT = "mutation($i: VariableUpsertInput!) { variableUpsert(input: $i) }"
RULE = "mutation($i: CreateNotificationRuleInput!) { notificationRuleCreate(input: $i) { id } }"
USAGE = "query($w: String!) { usage(workspaceId: $w, measurements: [CPU_USAGE, DISK_USAGE_GB], groupBy: [PROJECT_ID, SERVICE_ID]) { measurement value tags { projectId serviceId } } }"


class Play:
    """One emulator, and the bytes of every answer it gave."""

    def __init__(self, seed: int) -> None:
        self.emulator = Emulator(seed=seed, limits=False)
        self.answers: list[bytes] = []
        self.hooks: list[tuple[str, bytes]] = []
        self.emulator.webhooks.sender = self._receive

    def _receive(self, url: str, _headers: Any, body: bytes) -> int:
        self.hooks.append((url, body))
        return 200

    def run(self, document: str, **variables: Any) -> Any:
        """One request; what its root field says."""
        headers = {"authorization": f"Bearer {self.emulator.api_token}"}
        request = Request.post(
            f"{self.emulator.endpoint}?source=test", {"query": document, "variables": variables}, headers
        )
        response = self.emulator.handle(request)
        self.answers.append(response.body)
        return next(iter((json.loads(response.body).get("data") or {"": None}).values()))

    def first_service(self) -> dict[str, str] | None:
        """Where the oldest service is."""
        for instance in self.emulator.world.instances.values():
            return {"serviceId": instance.service.id, "environmentId": instance.environment.id}
        return None


def deploy(code: str) -> Callable[[Play], None]:
    def step(play: Play) -> None:
        template = play.run(TEMPLATE, c=code)
        config = template["serializedConfig"]
        play.run(
            DEPLOY,
            i={
                "templateId": template["id"],
                "serializedConfig": config,
                "workspaceId": play.emulator.workspace_id,
            },
        )

    return step


def add_domain(play: Play) -> None:
    where = play.first_service()
    if where:
        play.run(DOMAIN, i=where)


def set_variable(play: Play) -> None:
    where = play.first_service()
    if where:
        project = play.emulator.world.environments[where["environmentId"]].project.id
        play.run(UPSERT, i={**where, "projectId": project, "name": "A", "value": str(len(play.answers))})


def add_rule(play: Play) -> None:
    channel = {"type": "webhook", "url": "https://example.com"}
    play.run(
        RULE,
        i={
            "workspaceId": play.emulator.workspace_id,
            "eventTypes": ["Deployment.deployed"],
            "channelConfigs": [channel],
        },
    )


def crash(play: Play) -> None:
    play.emulator.faults.add("crash", probability=0.5, times=3)


STEPS: dict[str, Callable[[Play], None]] = {
    "postgres": deploy("postgres"),
    "redis": deploy("redis"),
    "domain": add_domain,
    "variable": set_variable,
    "rule": add_rule,
    "crash": crash,
    "state": lambda play: play.run(STATE),
    "usage": lambda play: play.run(USAGE, w=play.emulator.workspace_id),
    "second": lambda play: play.emulator.clock.advance(1),
    "minute": lambda play: play.emulator.clock.advance(60),
    "day": lambda play: play.emulator.clock.advance(86_400),
    "flush": lambda play: play.emulator.webhooks.flush(),
}


def perform(seed: int, steps: list[str]) -> tuple[list[bytes], list[tuple[str, bytes]]]:
    """Play a history."""
    play = Play(seed)
    for step in (*steps, "minute", "flush", "state", "usage"):
        STEPS[step](play)
    return play.answers, play.hooks


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1000), steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=12))
def test_the_same_seed_and_requests_give_the_same_bytes(seed: int, steps: list[str]) -> None:
    assert perform(seed, steps) == perform(seed, steps)


def test_another_seed_gives_other_ids_and_secrets() -> None:
    steps = ["postgres", "minute", "domain"]
    assert perform(1, steps) != perform(2, steps)


def test_listening_changes_no_ids() -> None:
    """Whether anybody is told of events must not change what happens."""
    quiet, _ = perform(1, ["postgres", "minute"])
    loud, hooks = perform(1, ["rule", "postgres", "minute"])
    assert hooks

    def project_id(answers: list[bytes], place: int) -> str:
        return json.loads(answers[place])["data"]["templateDeployV2"]["workflowId"].rpartition("/")[2]

    assert project_id(quiet, 1) == project_id(loud, 2)
