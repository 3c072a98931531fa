"""Projects, environments, services and service instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.emulator import Emulator
from railway_saas.emulator.domains import Domains
from railway_saas.emulator.sources import Repositories
from tests.emulator.conftest import House

if TYPE_CHECKING:
    from railway_saas.emulator.world import Environment, ServiceInstance

SERVICES = "query($id: String!) { project(id: $id) { services { edges { node { id name } } } } }"
INSTANCE = """query($s: String!, $e: String!) { serviceInstance(serviceId: $s, environmentId: $e) {
    id serviceId serviceName environmentId createdAt deletedAt builder buildCommand startCommand preDeployCommand
    healthcheckPath healthcheckTimeout cronSchedule region numReplicas restartPolicyType restartPolicyMaxRetries
    sleepApplication drainingSeconds overlapSeconds watchPatterns isUpdatable source { image repo }
    domains { serviceDomains { id domain targetPort } customDomains { id } }
    latestDeployment { id status } activeDeployments { id } service { name } } }"""


def instance_of(house: House, service_id: str, environment_id: str) -> dict[str, Any]:
    return house.run(INSTANCE, s=service_id, e=environment_id)["serviceInstance"]


def environment(house: House, project_id: str, name: str = "staging", **options: Any) -> str:
    house.emulator.clock.advance(30)
    return house.run(
        "mutation($i: EnvironmentCreateInput!) { environmentCreate(input: $i) { id name isEphemeral } }",
        i={"projectId": project_id, "name": name, **options},
    )["environmentCreate"]["id"]


# Projects ---------------------------------------------------------------------------------------------------------


def test_a_project_has_one_environment_and_a_name_of_two_words(house: House) -> None:
    made = house.run(
        "mutation { projectCreate(input: {}) { name environments { edges { node { name } } } primaryEnvironmentId } }"
    )["projectCreate"]
    assert len(made["name"].split("-")) == 2
    assert made["environments"]["edges"] == [{"node": {"name": "production"}}]
    named = house.run(
        """mutation { projectCreate(input: {name: "x", defaultEnvironmentName: "live", description: "d",
             isPublic: true, prDeploys: true}) {
             description isPublic prDeploys environments { edges { node { name } } } } }"""
    )["projectCreate"]
    assert named == {
        "description": "d",
        "isPublic": True,
        "prDeploys": True,
        "environments": {"edges": [{"node": {"name": "live"}}]},
    }


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_project_name_is_checked(house: House, name: str) -> None:
    document = "mutation($n: String!) { projectCreate(input: {name: $n}) { id } }"
    assert house.refused(document, n=name) == "Invalid project name"


def test_a_project_can_be_created_from_a_repository(house: House) -> None:
    made = house.run(
        """mutation { projectCreate(input: {repo: {fullRepoName: "acme/shop", branch: "main"}}) {
             id services { edges { node { name } } } deployments { edges { node { status } } } } }"""
    )["projectCreate"]
    assert made["services"]["edges"] == [{"node": {"name": "shop"}}]
    assert made["deployments"]["edges"] == [{"node": {"status": "INITIALIZING"}}]


def test_an_update_changes_what_is_given_and_null_unsets(house: House) -> None:
    project_id, environment_id = house.project()
    document = """mutation($id: String!, $i: ProjectUpdateInput!) { projectUpdate(id: $id, input: $i) {
                    name description isPublic baseEnvironment { id } } }"""
    changed = house.run(
        document, id=project_id, i={"description": "d", "isPublic": True, "baseEnvironmentId": environment_id}
    )["projectUpdate"]
    assert changed == {
        "name": "acme",
        "description": "d",
        "isPublic": True,
        "baseEnvironment": {"id": environment_id},
    }
    cleared = house.run(document, id=project_id, i={"name": "new", "description": None})["projectUpdate"]
    assert (cleared["name"], cleared["description"], cleared["isPublic"]) == ("new", None, True)
    assert house.refused(document, id=project_id, i={"name": " "}) == "Invalid project name"


def test_a_deleted_project_is_gone_but_listed_on_request(house: House) -> None:
    service_id, environment_id, deployment_id = house.running()
    project_id = house.emulator.world.deployments[deployment_id].project_id
    assert (
        house.run("mutation($id: String!) { projectDelete(id: $id) }", id=project_id)["projectDelete"] is True
    )
    assert (
        house.refused("query($id: String!) { project(id: $id) { id } }", id=project_id) == "Project not found"
    )
    assert (
        house.refused("query($id: String!) { environment(id: $id) { id } }", id=environment_id)
        == "Not Authorized"
    )
    assert house.refused("query($id: String!) { service(id: $id) { id } }", id=service_id) == "Not Authorized"
    document = """query($w: String!, $d: Boolean) { projects(workspaceId: $w, includeDeleted: $d) {
                    edges { node { id deletedAt } } } workspace(workspaceId: $w) { projectCount(includeDeleted: $d) } }"""
    w = house.emulator.workspace_id
    assert house.run(document, w=w) == {"projects": {"edges": []}, "workspace": {"projectCount": 0}}
    listed = house.run(document, w=w, d=True)
    assert listed["projects"]["edges"][0]["node"]["deletedAt"] == "2026-11-02T09:00:15.000Z"
    assert listed["workspace"]["projectCount"] == 1


def test_a_scheduled_deletion_waits_48_hours_and_can_be_taken_back(house: House) -> None:
    project_id, _ = house.project()
    read = "query($id: String!) { project(id: $id) { id } }"
    schedule = "mutation($id: String!) { projectScheduleDelete(id: $id) }"
    house.run(schedule, id=project_id)
    house.run("mutation($id: String!) { projectScheduleDeleteCancel(id: $id) }", id=project_id)
    house.emulator.clock.advance(49 * 3600)
    assert house.run(read, id=project_id)
    house.run(schedule, id=project_id)
    house.emulator.clock.advance(47 * 3600)
    assert house.run(read, id=project_id)
    house.emulator.clock.advance(3600)
    assert house.refused(read, id=project_id) == "Project not found"


def test_a_scheduled_deletion_can_be_forced(house: House) -> None:
    project_id, _ = house.project()
    house.run("mutation($id: String!) { projectScheduleDelete(id: $id) }", id=project_id)
    house.run("mutation($id: String!) { projectScheduleDeleteForce(id: $id) }", id=project_id)
    assert (
        house.refused("query($id: String!) { project(id: $id) { id } }", id=project_id) == "Project not found"
    )


def test_a_project_moves_to_another_workspace(house: House) -> None:
    other = house.emulator.add_workspace("Second", plan="HOBBY")
    project_id, _ = house.project()
    house.run(
        "mutation($id: String!, $w: String!) { projectTransfer(projectId: $id, input: {workspaceId: $w}) }",
        id=project_id,
        w=other,
    )
    found = house.run(
        "query($id: String!) { project(id: $id) { workspaceId subscriptionType } }", id=project_id
    )
    assert found["project"] == {"workspaceId": other, "subscriptionType": "hobby"}


def test_several_projects_at_once_leave_out_what_is_not_there(house: House) -> None:
    first, _ = house.project("first")
    second, _ = house.project("second")
    document = "query($ids: [String!]!) { projectsByIds(ids: $ids) { name } }"
    assert house.run(document, ids=[second, "gone", first])["projectsByIds"] == [
        {"name": "second"},
        {"name": "first"},
    ]


def test_members_of_a_project_come_and_go(house: House) -> None:
    project_id, _ = house.project()
    user = house.emulator.world.add_user("Bob", "bob@example.com")
    given = {"projectId": project_id, "userId": user.id}
    house.run(
        "mutation($i: ProjectMemberAddInput!) { projectMemberAdd(input: $i) { email } }",
        i={**given, "role": "MEMBER"},
    )
    house.run(
        "mutation($i: ProjectMemberUpdateInput!) { projectMemberUpdate(input: $i) { role } }",
        i={**given, "role": "ADMIN"},
    )
    listed = house.run("query($id: String!) { projectMembers(projectId: $id) { email role } }", id=project_id)
    assert {"email": "bob@example.com", "role": "ADMIN"} in listed["projectMembers"]
    left = house.run(
        "mutation($i: ProjectMemberRemoveInput!) { projectMemberRemove(input: $i) { email } }", i=given
    )
    assert left["projectMemberRemove"] == [{"email": "ada@example.com"}]
    assert house.refused(
        "mutation($i: ProjectMemberRemoveInput!) { projectMemberRemove(input: $i) { email } }", i=given
    ).endswith("not found")


def test_a_workspace_can_be_renamed(house: House) -> None:
    w = house.emulator.workspace_id
    document = "mutation($w: String!, $i: WorkspaceUpdateInput!) { workspaceUpdate(id: $w, input: $i) }"
    house.run(document, w=w, i={"name": "Ops", "preferredRegion": "europe-west4-drams3a"})
    found = house.run(
        """query($w: String!) { workspace(workspaceId: $w) {
             name plan preferredRegion subscriptionPlanLimit members { email role } projects { edges { cursor } } } }""",
        w=w,
    )["workspace"]
    assert (found["name"], found["preferredRegion"]) == ("Ops", "europe-west4-drams3a")
    assert found["members"] == [{"email": "ada@example.com", "role": "ADMIN"}]
    assert house.refused(document, w=w, i={"name": ""}) == "Error in name - Invalid input"


# Environments -----------------------------------------------------------------------------------------------------


def test_an_environment_is_copied_with_services_settings_and_open_variables(house: House) -> None:
    project_id, production = house.project()
    service_id = house.run(
        """mutation($p: String!) { serviceCreate(input: {projectId: $p, name: "web", source: {image: "nginx"},
             variables: {PORT: "80", TOKEN: "t"}}) { id } }""",
        p=project_id,
    )["serviceCreate"]["id"]
    house.configure(service_id, production, startCommand="run")
    seal(house.emulator.world.environments[production].instances[service_id], "TOKEN")
    staging = environment(house, project_id, sourceEnvironmentId=production)
    copy = instance_of(house, service_id, staging)
    assert copy["startCommand"] == "run"
    assert copy["latestDeployment"]["status"] == "INITIALIZING"
    variables = house.emulator.world.environments[staging].instances[service_id].variables
    assert {name: variable.value for name, variable in variables.items()} == {"PORT": "80"}
    source = house.run(
        "query($id: String!) { environment(id: $id) { sourceEnvironment { id } canAccess } }", id=staging
    )
    assert source["environment"] == {"sourceEnvironment": {"id": production}, "canAccess": True}


def seal(instance: ServiceInstance, name: str) -> None:
    from dataclasses import replace

    variables = instance.variables
    instance.variables = {**variables, name: replace(variables[name], is_sealed=True)}


def test_a_copied_environment_can_skip_its_first_deploys(house: House) -> None:
    project_id, production = house.project()
    service_id = house.service(project_id)
    staging = environment(house, project_id, sourceEnvironmentId=production, skipInitialDeploys=True)
    assert instance_of(house, service_id, staging)["latestDeployment"] is None


def test_environments_are_named_once_and_renamed(house: House) -> None:
    project_id, production = house.project()
    document = "mutation($i: EnvironmentCreateInput!) { environmentCreate(input: $i) { id } }"
    taken = house.refused(document, i={"projectId": project_id, "name": "production"})
    assert taken == 'An environment named "production" already exists in this project'
    assert house.refused(document, i={"projectId": project_id, "name": ""}) == "Invalid environment name"
    rename = (
        "mutation($id: String!, $n: String!) { environmentRename(id: $id, input: {name: $n}) { id name } }"
    )
    assert house.run(rename, id=production, n="live")["environmentRename"]["name"] == "live"


def test_ephemeral_environments_are_told_apart(house: House) -> None:
    project_id, _ = house.project()
    environment(house, project_id, "pr-1", ephemeral=True)
    document = """query($id: String!, $e: Boolean) { environments(projectId: $id, isEphemeral: $e) {
                    edges { node { name isEphemeral } } } }"""
    listed = house.run(document, id=project_id, e=True)["environments"]["edges"]
    assert listed == [{"node": {"name": "pr-1", "isEphemeral": True}}]
    assert len(house.run(document, id=project_id)["environments"]["edges"]) == 2
    service_id = house.service(project_id)
    assert [one.name for one in homes(house.emulator, service_id)] == ["production"]


def homes(emulator: Emulator, service_id: str) -> list[Environment]:
    return [one for one in emulator.world.environments.values() if service_id in one.instances]


def test_a_deleted_environment_takes_along_what_is_only_there(house: House) -> None:
    project_id, _ = house.project()
    staging = environment(house, project_id)
    both = house.service(project_id, "both")
    house.run(
        """mutation($p: String!, $e: String!) { serviceCreate(input: {projectId: $p, name: "here", environmentId: $e})
             { id } }""",
        p=project_id,
        e=staging,
    )
    house.run("mutation($id: String!) { environmentDelete(id: $id) }", id=staging)
    edges = house.run(SERVICES, id=project_id)["project"]["services"]["edges"]
    assert [edge["node"]["id"] for edge in edges] == [both]


# Services ---------------------------------------------------------------------------------------------------------


def test_a_new_service_reads_back_as_recorded(house: House, recorded: dict[str, Any]) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id, "spin-probe-muvo9oh9")
    now = instance_of(house, service_id, environment_id)
    expected = recorded["serviceInstanceNodes"][0]["node"]
    for name in ("sleepApplication", "numReplicas", "latestDeployment", "serviceName"):
        assert now[name] == expected[name]
    assert now["source"] == {"image": "nginx:alpine", "repo": None}
    assert now["domains"]["serviceDomains"] == []
    assert (now["restartPolicyType"], now["restartPolicyMaxRetries"]) == ("ON_FAILURE", 10)


def test_a_service_without_a_name_gets_one_and_without_environment_is_everywhere(house: House) -> None:
    project_id, _ = house.project()
    environment(house, project_id)
    made = house.run(
        "mutation($p: String!) { serviceCreate(input: {projectId: $p}) { id name } }", p=project_id
    )["serviceCreate"]
    assert len(made["name"].split("-")) == 2
    assert len(homes(house.emulator, made["id"])) == 2


def test_a_service_remembers_its_template(house: House) -> None:
    project_id, _ = house.project()
    document = (
        "mutation($i: ServiceCreateInput!) { serviceCreate(input: $i) { templateId templateServiceId icon } }"
    )
    given = {"projectId": project_id, "templateId": "t", "templateServiceId": "s", "icon": "https://x/y.svg"}
    made = house.run(document, i=given)["serviceCreate"]
    assert made == {"templateId": "t", "templateServiceId": "s", "icon": "https://x/y.svg"}
    assert "together" in house.refused(document, i={"projectId": project_id, "templateId": "t"})


def test_a_service_is_renamed_but_not_to_a_name_that_is_taken(house: House) -> None:
    project_id, _ = house.project()
    first = house.service(project_id, "one")
    house.service(project_id, "two")
    document = (
        "mutation($id: String!, $i: ServiceUpdateInput!) { serviceUpdate(id: $id, input: $i) { name icon } }"
    )
    assert house.run(document, id=first, i={"icon": "x"})["serviceUpdate"] == {"name": "one", "icon": "x"}
    assert house.run(document, id=first, i={"name": "three"})["serviceUpdate"]["name"] == "three"
    assert house.refused(document, id=first, i={"name": "two"}) == (
        'A service named "two" already exists in this project'
    )
    assert house.refused(document, id=first, i={"name": ""}) == "Error in name - Invalid input"


def test_a_service_is_deleted_in_one_environment_and_then_everywhere(house: House) -> None:
    project_id, production = house.project()
    staging = environment(house, project_id)
    service_id = house.service(project_id)
    deployment_id = house.deploy(service_id, production)
    delete = "mutation($id: String!, $e: String) { serviceDelete(id: $id, environmentId: $e) }"
    house.run(delete, id=service_id, e=staging)
    assert instance_of(house, service_id, production)
    assert house.refused(INSTANCE, s=service_id, e=staging) == "ServiceInstance not found"
    house.run(delete, id=service_id)
    assert house.refused("query($id: String!) { deployment(id: $id) { id } }", id=deployment_id) == (
        "Deployment not found"
    )
    listed = """query($i: DeploymentListInput!) { deployments(input: $i) { edges { node { id status } } } }"""
    assert house.run(listed, i={"projectId": project_id})["deployments"]["edges"] == []
    kept = house.run(listed, i={"projectId": project_id, "includeDeleted": True})["deployments"]["edges"]
    assert kept == [{"node": {"id": deployment_id, "status": "REMOVED"}}]


def test_connecting_a_source_goes_by_owner_and_name(house: House) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id)
    document = (
        "mutation($id: String!, $i: ServiceConnectInput!) { serviceConnect(id: $id, input: $i) { id } }"
    )
    house.run(document, id=service_id, i={"repo": "acme/shop", "branch": "dev"})
    now = house.run(
        """query($id: String!) { service(id: $id) { repoTriggers { edges { node {
             repository branch provider serviceId environmentId projectId } } } } }""",
        id=service_id,
    )["service"]["repoTriggers"]["edges"]
    assert now[0]["node"] == {
        "repository": "acme/shop",
        "branch": "dev",
        "provider": "github",
        "serviceId": service_id,
        "environmentId": environment_id,
        "projectId": project_id,
    }
    assert instance_of(house, service_id, environment_id)["source"] == {"image": None, "repo": "acme/shop"}
    for bad in (
        {"repo": "https://github.com/a/b/tree/main"},
        {"repo": "nonsense"},
        {},
        {"repo": "a/b", "image": "c"},
    ):
        assert house.refused(document, id=service_id, i=bad) == "Problem processing request"
    house.run("mutation($id: String!) { serviceDisconnect(id: $id) { id } }", id=service_id)
    assert instance_of(house, service_id, environment_id)["source"] is None


def test_auto_deploy_needs_a_repository_and_the_github_app() -> None:
    document = """query($p: String!, $e: String!, $s: String!) {
        serviceInstanceAutoDeployStatus(projectId: $p, environmentId: $e, serviceId: $s) { enabled canEnable reason } }"""

    def status(house: House, **source: str) -> dict[str, Any]:
        project_id, environment_id = house.project()
        service_id = house.service(project_id, **source)
        found = house.run(document, p=project_id, e=environment_id, s=service_id)
        return found["serviceInstanceAutoDeployStatus"]

    with_app, without = House(Emulator()), House(Emulator(github_app=False))
    assert status(with_app, repo="a/b") == {"enabled": True, "canEnable": True, "reason": None}
    assert status(without, repo="a/b") == {"enabled": False, "canEnable": False, "reason": "NO_INSTALLATION"}
    assert status(with_app, image="nginx")["canEnable"] is False


# Service instances ------------------------------------------------------------------------------------------------


def test_settings_are_changed_one_by_one_and_null_goes_back_to_the_default(house: House) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id)
    house.configure(
        service_id,
        environment_id,
        startCommand="run",
        preDeployCommand=["a", "b"],
        healthcheckPath="/ok",
        restartPolicyType="NEVER",
        watchPatterns=["src/**"],
        numReplicas=3,
        region="europe-west4-drams3a",
    )
    now = instance_of(house, service_id, environment_id)
    assert now["preDeployCommand"] == ["a", "b"]
    assert (now["startCommand"], now["healthcheckPath"], now["numReplicas"]) == ("run", "/ok", 3)
    house.configure(service_id, environment_id, startCommand=None, restartPolicyType=None, watchPatterns=None)
    now = instance_of(house, service_id, environment_id)
    assert (now["startCommand"], now["restartPolicyType"], now["watchPatterns"]) == (None, "ON_FAILURE", [])
    assert now["healthcheckPath"] == "/ok"
    assert now["latestDeployment"] is None


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"numReplicas": 0}, "numReplicas"),
        ({"numReplicas": 43}, "numReplicas"),
        ({"multiRegionConfig": {"nowhere": {"numReplicas": 1}}}, "multiRegionConfig"),
        ({"multiRegionConfig": {"us-west2": {"numReplicas": 0}}}, "multiRegionConfig"),
        ({"region": "moon"}, "region"),
        ({"cronSchedule": "* * * * *"}, "cronSchedule"),
        ({"cronSchedule": "daily"}, "cronSchedule"),
        ({"healthcheckTimeout": -1}, "healthcheckTimeout"),
        ({"drainingSeconds": -1}, "drainingSeconds"),
        ({"overlapSeconds": -1}, "overlapSeconds"),
        ({"restartPolicyMaxRetries": -1}, "restartPolicyMaxRetries"),
        ({"cronSchedule": "0 0 * * *", "numReplicas": 2}, "numReplicas"),
    ],
)
def test_settings_that_railway_refuses_are_refused_by_name(
    house: House, settings: dict[str, Any], field: str
) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id)
    document = """mutation($s: String!, $e: String!, $i: ServiceInstanceUpdateInput!) {
                    serviceInstanceUpdate(serviceId: $s, environmentId: $e, input: $i) }"""
    message = house.refused(document, s=service_id, e=environment_id, i=settings)
    assert message == f"Error in {field} - Invalid input"


def test_replicas_over_regions_run_as_many_containers(house: House) -> None:
    config = {"us-west2": {"numReplicas": 2}, "europe-west4-drams3a": {"numReplicas": 1}}
    _, _, deployment_id = house.running(multiRegionConfig=config)
    assert len(house.deployment(deployment_id)["instances"]) == 3


def test_limits_of_its_own_lie_over_the_plans(house: House) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id)
    document = """query($s: String!, $e: String!) {
        merged: serviceInstanceLimits(serviceId: $s, environmentId: $e)
        own: serviceInstanceLimitOverride(serviceId: $s, environmentId: $e) }"""
    update = "mutation($i: ServiceInstanceLimitsUpdateInput!) { serviceInstanceLimitsUpdate(input: $i) }"
    where = {"serviceId": service_id, "environmentId": environment_id}
    plan = {"containers": {"cpu": 1000, "memoryBytes": 1_000_000_000_000}}
    assert house.run(document, s=service_id, e=environment_id) == {"merged": plan, "own": None}
    house.run(update, i={**where, "vCPUs": 0.5, "memoryGB": 0.25})
    own = {"containers": {"cpu": 0.5, "memoryBytes": 250_000_000}}
    assert house.run(document, s=service_id, e=environment_id) == {"merged": own, "own": own}
    house.run(update, i={**where, "vCPUs": None})
    assert house.run(document, s=service_id, e=environment_id)["own"] == {
        "containers": {"memoryBytes": 250_000_000}
    }
    assert house.refused(update, i={**where, "memoryGB": -1}) == "Error in memoryGB - Invalid input"
    assert house.refused(update, i={**where, "vCPUs": 1001}) == "Error in vCPUs - Invalid input"


def test_a_commit_is_chosen_kept_and_must_exist(house: House) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id, repo="acme/shop")
    document = """mutation($s: String!, $e: String!, $c: String) {
                    serviceInstanceDeployV2(serviceId: $s, environmentId: $e, commitSha: $c) }"""
    commit = "0123456789abcdef0123456789abcdef01234567"

    def deployed(**options: Any) -> str:
        deployment_id = house.run(document, s=service_id, e=environment_id, **options)[
            "serviceInstanceDeployV2"
        ]
        meta = house.run("query($id: String!) { deployment(id: $id) { meta } }", id=deployment_id)
        return meta["deployment"]["meta"]["commitHash"]

    assert deployed(c=commit) == commit
    repositories = house.emulator.world.part(Repositories)
    head = repositories.push("acme/shop")
    assert deployed() == commit
    latest = """mutation($s: String!, $e: String!) {
                  serviceInstanceDeploy(serviceId: $s, environmentId: $e, latestCommit: true) }"""
    house.run(latest, s=service_id, e=environment_id)
    assert deployed() == head
    before = house.emulator.state()["deployments"]
    for bad in ("abc", "0" * 40):
        assert house.refused(document, s=service_id, e=environment_id, c=bad) == "Commit not found"
    assert house.emulator.state()["deployments"] == before


def test_the_trigger_of_a_service_can_be_pulled_by_hand(house: House) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id, repo="acme/shop")
    house.run(
        "mutation($i: EnvironmentTriggersDeployInput!) { environmentTriggersDeploy(input: $i) }",
        i={"projectId": project_id, "environmentId": environment_id, "serviceId": service_id},
    )
    assert instance_of(house, service_id, environment_id)["latestDeployment"]["status"] == "INITIALIZING"


def test_a_push_deploys_what_waits_for_it(house: House) -> None:
    project_id, environment_id = house.project()
    waiting = house.service(project_id, "waiting", repo="acme/shop")
    other = house.service(project_id, "other", repo="acme/other")
    commit = house.emulator.push("acme/shop")
    now = house.run(
        """query($s: String!, $e: String!) { serviceInstance(serviceId: $s, environmentId: $e) {
             latestDeployment { meta } } }""",
        s=waiting,
        e=environment_id,
    )
    assert now["serviceInstance"]["latestDeployment"]["meta"]["commitHash"] == commit
    assert instance_of(house, other, environment_id)["latestDeployment"] is None
    house.emulator.push("acme/shop", "dev")
    assert house.emulator.state()["deployments"] == {"INITIALIZING": 1}


def test_the_free_plan_allows_less() -> None:
    house = House(Emulator(plan="FREE"))
    project_id, environment_id = house.project()
    service_id = house.service(project_id)
    document = """mutation($s: String!, $e: String!, $i: ServiceInstanceUpdateInput!) {
                    serviceInstanceUpdate(serviceId: $s, environmentId: $e, input: $i) }"""
    for settings in (
        {"restartPolicyType": "ALWAYS"},
        {"restartPolicyMaxRetries": 11},
        {"numReplicas": 2},
        {"registryCredentials": {"username": "u", "password": "p"}},
    ):
        (field,) = settings
        refused = house.refused(document, s=service_id, e=environment_id, i=settings)
        assert refused == f"Error in {field} - Invalid input"


def test_redeploying_what_was_never_deployed_finds_nothing(house: House) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id)
    document = (
        "mutation($s: String!, $e: String!) { serviceInstanceRedeploy(serviceId: $s, environmentId: $e) }"
    )
    assert house.refused(document, s=service_id, e=environment_id) == "Deployment not found"
    house.deploy(service_id, environment_id)
    assert house.refused(document, s=service_id, e=environment_id) == "Deployment is not redeployable"
    house.emulator.clock.advance(10)
    assert house.run(document, s=service_id, e=environment_id)["serviceInstanceRedeploy"] is True


def test_a_service_without_a_source_cannot_be_deployed(house: House) -> None:
    project_id, environment_id = house.project()
    service_id = house.run(
        "mutation($p: String!) { serviceCreate(input: {projectId: $p}) { id } }", p=project_id
    )["serviceCreate"]["id"]
    document = (
        "mutation($s: String!, $e: String!) { serviceInstanceDeployV2(serviceId: $s, environmentId: $e) }"
    )
    assert house.refused(document, s=service_id, e=environment_id) == "Problem processing request"


def test_regions_are_railways_four(house: House) -> None:
    found = house.run("{ regions { id name region location country deploymentConstraints { __typename } } }")
    assert [one["name"] for one in found["regions"]] == [
        "us-west2",
        "us-east4-eqdc4a",
        "europe-west4-drams3a",
        "asia-southeast1-eqsg3a",
    ]


def test_visitors_get_what_the_edge_would_say_and_wake_what_sleeps(house: House) -> None:
    service_id, environment_id, deployment_id = house.running(sleepApplication=True)
    emulator = house.emulator
    instance = emulator.world.environments[environment_id].instances[service_id]
    emulator.world.part(Domains).add_service_domain(instance, name="web.up.railway.app")
    assert emulator.visit("unknown.up.railway.app") == 404
    for _ in range(3):  # visits keep it awake
        emulator.clock.advance(300)
        assert emulator.visit("web.up.railway.app") == 200
    assert house.status(deployment_id) == "SUCCESS"
    emulator.clock.advance(900)
    assert house.status(deployment_id) == "SLEEPING"
    assert emulator.visit("web.up.railway.app") == 200
    emulator.clock.advance(1.5)
    assert house.deployment(deployment_id)["deploymentStopped"] is False
    house.run("mutation($id: String!) { deploymentStop(id: $id) }", id=deployment_id)
    emulator.clock.advance(5)
    assert emulator.visit("web.up.railway.app") == 502
