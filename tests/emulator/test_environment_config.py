"""An environment as one document: read, staged, committed."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import House

CONFIG = """query($e: String!) { environment(id: $e) {
  config(decryptVariables: true) configEtag unmergedChangesCount } }"""
COMMIT = "mutation($e: String!, $p: EnvironmentConfig!, $m: String) { environmentPatchCommit(environmentId: $e, patch: $p, commitMessage: $m) }"
STAGE = """mutation($e: String!, $p: EnvironmentConfig!, $m: Boolean) {
  environmentStageChanges(environmentId: $e, input: $p, merge: $m) { id status } }"""
COMMIT_STAGED = """mutation($e: String!, $s: Boolean) { environmentPatchCommitStaged(environmentId: $e, skipDeploys: $s) }"""
STAGED = (
    "query($e: String!) { environmentStagedChanges(environmentId: $e) { id status patch lastAppliedError } }"
)
PATCHES = "query($e: String!) { environmentPatches(environmentId: $e) { edges { node { id status message appliedAt appliedBy { name } } } } }"


class Plan:
    """One environment with one service."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.project, self.environment = house.project()
        self.web = house.service(self.project, "web")

    def config(self) -> dict[str, Any]:
        """The config."""
        return self.house.run(CONFIG, e=self.environment)["environment"]["config"]

    def count(self) -> int:
        """How much waits."""
        return self.house.run(CONFIG, e=self.environment)["environment"]["unmergedChangesCount"]

    def commit(self, **web: Any) -> str:
        """Commit a patch of the service."""
        return self.house.run(COMMIT, e=self.environment, p={"services": {self.web: web}}, m="why")[
            "environmentPatchCommit"
        ]

    def stage(self, *, merge: bool = True, **web: Any) -> None:
        """Stage a patch of the service."""
        self.house.run(STAGE, e=self.environment, p={"services": {self.web: web}}, m=merge)

    def deployments(self) -> int:
        """How often it was deployed."""
        return len(self.house.emulator.world.environments[self.environment].instances[self.web].deployments)


@pytest.fixture
def plan(house: House) -> Plan:
    return Plan(house)


def test_a_patch_is_merged_deeply_and_null_deletes(plan: Plan) -> None:
    plan.commit(deploy={"healthcheckPath": "/up", "startCommand": "run"}, variables={"A": {"value": "1"}})
    plan.commit(deploy={"startCommand": None}, variables={"A": None, "B": {"value": "2"}})
    web = plan.config()["services"][plan.web]
    assert web["deploy"] == {"healthcheckPath": "/up"}
    assert web["variables"] == {"B": {"value": "2"}}
    assert web["source"] == {"image": "nginx:alpine"}


def test_a_commit_deploys_what_it_changes(plan: Plan) -> None:
    plan.commit(variables={"A": {"value": "1"}})
    assert plan.deployments() == 1
    plan.commit(networking={"serviceDomains": {"x.up.railway.app": {"port": 80}}})
    assert plan.deployments() == 1


def test_the_etag_changes_with_the_config(plan: Plan) -> None:
    def etag() -> str:
        return plan.house.run(CONFIG, e=plan.environment)["environment"]["configEtag"]

    before = etag()
    assert etag() == before
    plan.commit(deploy={"startCommand": "run"})
    assert etag() != before


def test_staged_changes_wait_and_merge(plan: Plan) -> None:
    assert plan.house.run(STAGED, e=plan.environment)["environmentStagedChanges"]["patch"] == {}
    plan.stage(variables={"A": {"value": "1"}})
    plan.stage(variables={"B": {"value": "2"}})
    assert plan.count() == 1
    staged = plan.house.run(STAGED, e=plan.environment)["environmentStagedChanges"]
    assert set(staged["patch"]["services"][plan.web]["variables"]) == {"A", "B"}
    assert "variables" not in plan.config()["services"][plan.web]
    plan.house.run(COMMIT_STAGED, e=plan.environment)
    assert plan.count() == 0
    assert set(plan.config()["services"][plan.web]["variables"]) == {"A", "B"}
    assert plan.deployments() == 1


def test_staging_without_merge_replaces(plan: Plan) -> None:
    plan.stage(variables={"A": {"value": "1"}})
    plan.stage(merge=False, variables={"B": {"value": "2"}})
    plan.house.run(COMMIT_STAGED, e=plan.environment)
    assert set(plan.config()["services"][plan.web]["variables"]) == {"B"}


def test_staged_changes_can_be_committed_without_deploying(plan: Plan) -> None:
    plan.stage(variables={"A": {"value": "1"}})
    plan.house.run(COMMIT_STAGED, e=plan.environment, s=True)
    assert plan.deployments() == 0


def test_committed_patches_are_listed_newest_first(plan: Plan) -> None:
    first = plan.commit(variables={"A": {"value": "1"}})
    second = plan.commit(variables={"B": {"value": "2"}})
    listed = [
        one["node"] for one in plan.house.run(PATCHES, e=plan.environment)["environmentPatches"]["edges"]
    ]
    assert [(one["id"], one["status"]) for one in listed] == [(second, "APPLYING"), (first, "APPLYING")]
    plan.house.emulator.clock.advance(1)
    listed = [
        one["node"] for one in plan.house.run(PATCHES, e=plan.environment)["environmentPatches"]["edges"]
    ]
    assert listed[0]["status"] == "COMMITTED"
    assert (listed[0]["message"], listed[0]["appliedBy"]) == ("why", {"name": "Ada Owner"})


def test_changes_that_cannot_be_applied_any_more_say_why_and_go_on_waiting(plan: Plan) -> None:
    plan.stage(networking={"serviceDomains": {"x.up.railway.app": {}}})
    other = plan.house.service(plan.project, "other")
    patch = {"services": {other: {"networking": {"serviceDomains": {"x.up.railway.app": {}}}}}}
    plan.house.run(COMMIT, e=plan.environment, p=patch)
    plan.house.run(COMMIT_STAGED, e=plan.environment)
    staged = plan.house.run(STAGED, e=plan.environment)["environmentStagedChanges"]
    assert (staged["status"], "already taken" in staged["lastAppliedError"]) == ("STAGED", True)
    assert plan.count() == 1


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"services": {"web": {}}}, "Service not found"),
        ({"services": {str(uuid.UUID(int=1)): {}}}, "Service not found"),
        ({"volumes": {str(uuid.UUID(int=1)): {}}}, "Volume not found"),
        ({"nonsense": {}}, "unrecognized_keys"),
        ({"services": {"WEB": {"deploy": {"sleep": True}}}}, "unrecognized_keys"),
        ({"services": {"WEB": {"deploy": {"numReplicas": 0}}}}, "Error in numReplicas - Invalid input"),
        ({"services": {"WEB": {"deploy": {"numReplicas": "2"}}}}, "Expected number, received string"),
        ({"services": {"WEB": {"build": {"builder": "MAKE"}}}}, "Error in builder - Invalid input"),
        (
            {"services": {"WEB": {"networking": {"tcpProxies": {"x": {}}}}}},
            "Error in tcpProxies - Invalid input",
        ),
    ],
)
def test_a_patch_that_does_not_fit_is_refused_as_a_whole(
    plan: Plan, patch: dict[str, Any], message: str
) -> None:
    text = json.dumps(patch).replace("WEB", plan.web)
    before = plan.config()
    assert message in plan.house.refused(COMMIT, e=plan.environment, p=json.loads(text))
    assert plan.config() == before


def test_services_volumes_and_buckets_are_made_and_deleted_by_patch(plan: Plan) -> None:
    service, volume, bucket = (str(uuid.UUID(int=number, version=4)) for number in (1, 2, 3))
    made = {
        "services": {
            service: {
                "isCreated": True,
                "source": {"image": "postgres:17"},
                "volumeMounts": {volume: {"mountPath": "/data", "backupSchedules": ["DAILY"]}},
            }
        },
        "volumes": {volume: {"sizeMB": 1000, "isCreated": True}},
        "buckets": {bucket: {"region": "iad", "isCreated": True}},
    }
    plan.house.run(COMMIT, e=plan.environment, p=made)
    config = plan.config()
    assert config["services"][service]["volumeMounts"] == {
        volume: {"mountPath": "/data", "backupSchedules": ["DAILY"]}
    }
    assert config["volumes"][volume]["sizeMB"] == 1000
    assert config["buckets"] == {bucket: {"region": "iad"}}
    gone = {
        "services": {service: {"isDeleted": True}},
        "volumes": {volume: {"isDeleted": True}},
        "buckets": {bucket: {"isDeleted": True}},
    }
    plan.house.run(COMMIT, e=plan.environment, p=gone)
    config = plan.config()
    assert (set(config["services"]), config["volumes"], config["buckets"]) == ({plan.web}, {}, {})


def test_keys_without_effect_are_kept(plan: Plan) -> None:
    plan.commit(
        source={"autoUpdates": {"type": "patch"}, "checkSuites": True},
        build={"builder": "DOCKERFILE", "buildEnvironment": "V3"},
        clusterRole="root",
    )
    web = plan.config()["services"][plan.web]
    assert web["source"] == {"image": "nginx:alpine", "autoUpdates": {"type": "patch"}, "checkSuites": True}
    assert web["build"] == {"builder": "DOCKERFILE", "buildEnvironment": "V3"}
    assert web["clusterRole"] == "root"


def test_the_config_the_official_cli_makes_for_postgres_works(plan: Plan, reference_data: Path) -> None:
    path = reference_data / "railway/examples/environment-config-postgres-service.json"
    volume = str(uuid.UUID(int=7, version=4))
    config = json.loads(path.read_text(encoding="utf-8").replace("<volume id>", volume))
    patch = {"services": {plan.web: config}, "volumes": {volume: {"isCreated": True}}}
    plan.house.run(COMMIT, e=plan.environment, p=patch)
    plan.house.emulator.clock.advance(30)
    values = plan.house.run(
        "query($p: String!, $e: String!, $s: String!) { variables(projectId: $p, environmentId: $e, serviceId: $s) }",
        p=plan.project,
        e=plan.environment,
        s=plan.web,
    )["variables"]
    password = values["POSTGRES_PASSWORD"]
    assert len(password) == 32
    assert values["DATABASE_URL"] == f"postgresql://postgres:{password}@web.railway.internal:5432/railway"
    assert ".proxy.rlwy.net:" in values["DATABASE_PUBLIC_URL"]


def test_a_subscription_sees_what_waits(plan: Plan) -> None:
    seen: list[dict[str, Any]] = []
    document = "subscription($e: String!) { environmentStagedPatch(environmentId: $e) { status } }"
    headers = {"authorization": f"Bearer {plan.house.emulator.api_token}"}
    stop = plan.house.emulator.subscribe(
        {"query": document, "variables": {"e": plan.environment}}, headers, seen.append
    )
    plan.stage(variables={"A": {"value": "1"}})
    plan.house.run(COMMIT_STAGED, e=plan.environment)
    plan.house.emulator.clock.advance(2)
    assert stop is not None
    stop()
    statuses = [one["data"]["environmentStagedPatch"]["status"] for one in seen]
    assert statuses == ["STAGED", "APPLYING", "COMMITTED"]


def test_a_copied_environment_starts_in_the_order_of_references(plan: Plan) -> None:
    database = plan.house.service(plan.project, "db")
    plan.commit(variables={"URL": {"value": "${{db.URL}}"}})
    plan.house.emulator.clock.advance(60)
    copy = plan.house.run(
        "mutation($i: EnvironmentCreateInput!) { environmentCreate(input: $i) { id } }",
        i={"projectId": plan.project, "name": "staging", "sourceEnvironmentId": plan.environment},
    )["environmentCreate"]["id"]
    instances = plan.house.emulator.world.environments[copy].instances
    plan.house.emulator.clock.advance(4)
    latest = {name: instances[name].latest_deployment for name in (plan.web, database)}
    assert latest[plan.web] is not None
    assert latest[database] is not None
    assert latest[plan.web].status == "INITIALIZING"
    assert latest[database].status == "DEPLOYING"
    plan.house.emulator.clock.advance(20)
    assert latest[plan.web].status == "SUCCESS"
