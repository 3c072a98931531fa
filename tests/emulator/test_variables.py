"""Variables: what they say, what is hidden, and who is deployed again because of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import House

UPSERT = "mutation($input: VariableUpsertInput!) { variableUpsert(input: $input) }"
COLLECTION = "mutation($input: VariableCollectionUpsertInput!) { variableCollectionUpsert(input: $input) }"
DELETE = "mutation($input: VariableDeleteInput!) { variableDelete(input: $input) }"
READ = """query($p: String!, $e: String!, $s: String, $u: Boolean) {
  variables(projectId: $p, environmentId: $e, serviceId: $s, unrendered: $u) }"""
CONTAINER = """query($p: String!, $e: String!, $s: String!) {
  variablesForServiceDeployment(projectId: $p, environmentId: $e, serviceId: $s) }"""
COMMIT = (
    "mutation($e: String!, $p: EnvironmentConfig!) { environmentPatchCommit(environmentId: $e, patch: $p) }"
)
RECORDS = """query($e: String!) { environment(id: $e) { variables { edges { node { name serviceId isSealed references } } } } }"""


class Flat:
    """A project with two services, `web` and `db`."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.project, self.environment = house.project()
        self.web = house.service(self.project, "web")
        self.db = house.service(self.project, "db")

    def set(self, service: str | None = None, *, skip: bool = True, **values: str) -> None:
        """Set variables."""
        place = {"projectId": self.project, "environmentId": self.environment, "skipDeploys": skip}
        if service is not None:
            place["serviceId"] = service
        self.house.run(COLLECTION, input={**place, "variables": values})

    def read(self, service: str | None = None, *, unrendered: bool = False) -> dict[str, str]:
        """Read variables."""
        return self.house.run(READ, p=self.project, e=self.environment, s=service, u=unrendered)["variables"]

    def container(self, service: str) -> dict[str, str]:
        """What a container gets."""
        return self.house.run(CONTAINER, p=self.project, e=self.environment, s=service)[
            "variablesForServiceDeployment"
        ]

    def input(self, service: str | None = None, **more: Any) -> dict[str, Any]:
        """Where a variable is."""
        place = {"projectId": self.project, "environmentId": self.environment, **more}
        return {**place, "serviceId": service} if service else place

    def deployments(self, service: str) -> int:
        """How often a service was deployed."""
        world = self.house.emulator.world
        return len(world.environments[self.environment].instances[service].deployments)

    def run_both(self) -> None:
        """Deploy both services."""
        self.house.deploy(self.web, self.environment)
        self.house.deploy(self.db, self.environment)
        self.house.emulator.clock.advance(20)


@pytest.fixture
def flat(house: House) -> Flat:
    return Flat(house)


def test_references_are_resolved_when_read_and_kept_when_asked_for(flat: Flat) -> None:
    flat.set(ZONE="eu")
    flat.set(flat.db, PASSWORD="hunter2", URL="pg://${{PASSWORD}}@${{RAILWAY_PRIVATE_DOMAIN}}")
    flat.set(flat.web, DATABASE_URL="${{ db.URL }}/app", REGION="${{shared.ZONE}}", NONE="[${{db.NOTHING}}]")
    rendered = flat.read(flat.web)
    assert rendered == {
        "DATABASE_URL": "pg://hunter2@db.railway.internal/app",
        "REGION": "eu",
        "NONE": "[]",
    }
    assert flat.read(flat.web, unrendered=True)["REGION"] == "${{shared.ZONE}}"
    assert flat.read() == {"ZONE": "eu"}


def test_a_container_also_gets_what_railway_provides(flat: Flat) -> None:
    flat.set(flat.web, A="1")
    before = flat.container(flat.web)
    assert before["A"] == "1"
    assert before["PORT"] == "8080"
    assert before["RAILWAY_SERVICE_NAME"] == "web"
    assert before["RAILWAY_PRIVATE_DOMAIN"] == "web.railway.internal"
    assert "RAILWAY_PUBLIC_DOMAIN" not in before
    flat.house.run(
        "mutation($i: ServiceDomainCreateInput!) { serviceDomainCreate(input: $i) { id } }",
        i={"serviceId": flat.web, "environmentId": flat.environment},
    )
    flat.run_both()
    after = flat.container(flat.web)
    assert after["RAILWAY_PUBLIC_DOMAIN"] == "web-production.up.railway.app"
    assert after["RAILWAY_DEPLOYMENT_ID"]
    assert flat.container(flat.db)["RAILWAY_SERVICE_WEB_URL"] == "web-production.up.railway.app"


def test_a_port_of_ones_own_is_kept(flat: Flat) -> None:
    flat.set(flat.web, PORT="3000")
    assert flat.container(flat.web)["PORT"] == "3000"


def test_replace_deletes_all_others(flat: Flat) -> None:
    flat.set(flat.web, A="1", B="2")
    flat.house.run(COLLECTION, input=flat.input(flat.web, variables={"C": "3"}, replace=True))
    assert flat.read(flat.web) == {"C": "3"}


def test_a_change_redeploys_the_service_and_those_that_refer_to_it(flat: Flat) -> None:
    flat.set(flat.web, URL="${{db.PASSWORD}}")
    flat.run_both()
    flat.house.run(UPSERT, input=flat.input(flat.db, name="PASSWORD", value="x"))
    assert (flat.deployments(flat.web), flat.deployments(flat.db)) == (2, 2)
    flat.house.run(UPSERT, input=flat.input(flat.web, name="OTHER", value="x"))
    assert (flat.deployments(flat.web), flat.deployments(flat.db)) == (3, 2)


def test_nothing_is_redeployed_with_skip_deploys_or_without_a_change(flat: Flat) -> None:
    flat.set(flat.web, A="1")
    flat.run_both()
    flat.house.run(UPSERT, input=flat.input(flat.web, name="A", value="2", skipDeploys=True))
    flat.house.run(UPSERT, input=flat.input(flat.web, name="A", value="2"))
    assert flat.deployments(flat.web) == 1


def test_a_service_that_was_never_deployed_is_not_deployed_by_a_variable(flat: Flat) -> None:
    flat.set(flat.web, skip=False, A="1")
    assert flat.deployments(flat.web) == 0


def test_a_shared_variable_redeploys_its_readers(flat: Flat) -> None:
    flat.set(ZONE="eu")
    flat.set(flat.web, ZONE="${{shared.ZONE}}")
    flat.run_both()
    flat.house.run(UPSERT, input=flat.input(name="ZONE", value="us"))
    assert (flat.deployments(flat.web), flat.deployments(flat.db)) == (2, 1)


def test_deleting_redeploys(flat: Flat) -> None:
    flat.set(flat.web, A="1")
    flat.run_both()
    flat.house.run(DELETE, input=flat.input(flat.web, name="A"))
    assert flat.read(flat.web) == {}
    assert flat.deployments(flat.web) == 2


def test_a_shared_variable_is_configured_for_services(flat: Flat) -> None:
    flat.set(ZONE="eu")
    configure = """mutation($input: SharedVariableConfigureInput!) {
        sharedVariableConfigure(input: $input) { name serviceId } }"""
    place = {"projectId": flat.project, "environmentId": flat.environment, "name": "ZONE"}
    made = flat.house.run(
        configure, input={**place, "enabledServiceIds": [flat.web], "disabledServiceIds": [flat.db]}
    )
    assert made["sharedVariableConfigure"] == {"name": "ZONE", "serviceId": None}
    assert flat.read(flat.web) == {"ZONE": "eu"}
    flat.house.run(configure, input={**place, "enabledServiceIds": [], "disabledServiceIds": [flat.web]})
    assert flat.read(flat.web) == {}


def test_a_sealed_value_never_comes_back(flat: Flat) -> None:
    sealed = {"services": {flat.web: {"variables": {"KEY": {"value": "hush", "isSealed": True}}}}}
    flat.house.run(COMMIT, e=flat.environment, p=sealed)
    flat.set(flat.db, COPY="${{web.KEY}}")
    flat.set(flat.web, KEY="hush hush")
    everything = [
        flat.read(flat.web),
        flat.read(flat.web, unrendered=True),
        flat.container(flat.web),
        flat.container(flat.db),
        flat.house.run(
            "query($e: String!) { environment(id: $e) { config(decryptVariables: true) } }",
            e=flat.environment,
        ),
        flat.house.run(
            "query($e: String!) { environmentPatches(environmentId: $e) { edges { node { patch(decryptVariables: true) } } } }",
            e=flat.environment,
        ),
    ]
    assert "hush" not in str(everything)
    records = flat.house.run(RECORDS, e=flat.environment)["environment"]["variables"]["edges"]
    assert {"name": "KEY", "serviceId": flat.web, "isSealed": True, "references": []} in [
        one["node"] for one in records
    ]


def test_records_name_references(flat: Flat) -> None:
    flat.set(flat.web, URL="${{db.URL}}?x=${{shared.Y}}&${{Z}}")
    record = flat.house.run(RECORDS, e=flat.environment)["environment"]["variables"]["edges"][0]["node"]
    assert record["references"] == ["db.URL", "shared.Y", "Z"]
