"""What the emulator's tests share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.emulator import Emulator

if TYPE_CHECKING:
    from pathlib import Path

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def emulator() -> Emulator:
    return Emulator()


@pytest.fixture
def recorded(reference_data: Path) -> dict[str, Any]:
    """Real answers of the live API."""
    path = reference_data / "railway/examples/recorded-responses.json"
    return json.loads(path.read_text(encoding="utf-8"))


class House:
    """One project with one service, and the calls that tests make over and over."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def run(self, document: str, /, *, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        body = self.emulator.execute(document, variables, token=token)
        assert "errors" not in body, body["errors"]
        return body["data"]

    def refused(self, document: str, /, *, token: str | None = None, **variables: Any) -> str:
        """The message of the first error of an answer."""
        body = self.emulator.execute(document, variables, token=token)
        assert "errors" in body, body
        return body["errors"][0]["message"]

    def project(self, name: str = "acme") -> tuple[str, str]:
        """Make a project; its id and the id of its environment."""
        made = self.run(
            """mutation($input: ProjectCreateInput!) {
                 projectCreate(input: $input) { id environments { edges { node { id } } } } }""",
            input={"name": name, "workspaceId": self.emulator.workspace_id},
        )["projectCreate"]
        return made["id"], made["environments"]["edges"][0]["node"]["id"]

    def service(self, project_id: str, name: str = "web", **source: str) -> str:
        """Make a service; its id."""
        return self.run(
            "mutation($input: ServiceCreateInput!) { serviceCreate(input: $input) { id } }",
            input={"projectId": project_id, "name": name, "source": source or {"image": "nginx:alpine"}},
        )["serviceCreate"]["id"]

    def configure(self, service_id: str, environment_id: str, **settings: Any) -> None:
        """Change settings of a service instance."""
        self.run(
            """mutation($s: String!, $e: String!, $input: ServiceInstanceUpdateInput!) {
                 serviceInstanceUpdate(serviceId: $s, environmentId: $e, input: $input) }""",
            s=service_id,
            e=environment_id,
            input=settings,
        )

    def deploy(self, service_id: str, environment_id: str) -> str:
        """Deploy; the deployment's id."""
        return self.run(
            """mutation($s: String!, $e: String!) {
                 serviceInstanceDeployV2(serviceId: $s, environmentId: $e) }""",
            s=service_id,
            e=environment_id,
        )["serviceInstanceDeployV2"]

    def running(self, **settings: Any) -> tuple[str, str, str]:
        """A service that runs: ids of service, environment, deployment."""
        project_id, environment_id = self.project()
        service_id = self.service(project_id)
        if settings:
            self.configure(service_id, environment_id, **settings)
        deployment_id = self.deploy(service_id, environment_id)
        self.emulator.clock.advance(15)
        return service_id, environment_id, deployment_id

    def deployment(self, deployment_id: str) -> dict[str, Any]:
        """A deployment as it is now."""
        return self.run(
            """query($id: String!) { deployment(id: $id) {
                 id status deploymentStopped statusUpdatedAt createdAt canRedeploy canRollback instances { id status } } }""",
            id=deployment_id,
        )["deployment"]

    def status(self, deployment_id: str) -> str:
        """Its status now."""
        return self.deployment(deployment_id)["status"]


@pytest.fixture
def house(emulator: Emulator) -> House:
    return House(emulator)
