"""The marketplace, and deploying templates from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from railway_saas.emulator import Emulator

from .conftest import House

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY = """mutation($input: TemplateDeployV2Input!) { templateDeployV2(input: $input) { projectId workflowId } }"""
STATUS = "query($id: String!) { workflowStatus(workflowId: $id) { status error } }"
TEMPLATE = (
    "query($code: String!) { template(code: $code) { id code name status serializedConfig isVerified } }"
)
SERVICES = """query($id: String!) { project(id: $id) { name
  services { edges { node { id name templateId templateServiceId } } }
  volumes { edges { node { id name } } } buckets { edges { node { id name } } }
  environments { edges { node { id
    volumeInstances { edges { node { mountPath sizeMB serviceId } } }
    serviceInstances { edges { node { serviceId serviceName healthcheckPath
      domains { serviceDomains { domain targetPort } } latestDeployment { id status } } } } } } } } }"""
VARIABLES = """query($p: String!, $e: String!, $s: String) { variables(projectId: $p, environmentId: $e, serviceId: $s) }"""


def nodes(connection: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in connection["edges"]]


def app_with_database(**web: Any) -> dict[str, Any]:
    """A web service that refers to a database."""
    return {
        "services": {
            "key-web": {
                "name": "Web",
                "icon": None,
                "source": {"image": "ghcr.io/acme/web:1"},
                "deploy": {"healthcheckPath": "/healthz"},
                "variables": {
                    "DATABASE_URL": {"defaultValue": "${{Database.URL}}"},
                    "SECRET": {"defaultValue": "${{secret(16)}}"},
                    "DICE": {"defaultValue": "${{randomInt(1, 6)}}"},
                    "NOTE": {"isOptional": True},
                },
                "networking": {"serviceDomains": {"<hasDomain>:8080": {}}},
                **web,
            },
            "key-database": {
                "name": "Database",
                "source": {"image": "postgres:17"},
                "deploy": {"requiredMountPath": "/data"},
                "variables": {
                    "PASSWORD": {"generator": 'secret(20, "ab")'},
                    "URL": {"defaultValue": "postgres://u:${{PASSWORD}}@${{RAILWAY_PRIVATE_DOMAIN}}:5432"},
                },
                "networking": {"tcpProxies": {"5432": {}}},
                "volumeMounts": {"key-volume": {"mountPath": "/data", "sizeMB": 9_000_000}},
            },
        },
        "buckets": {"key-bucket": {"name": "files"}},
    }


class Shop:
    """Deploys templates."""

    def __init__(self, house: House) -> None:
        self.house = house

    def template(self, code: str = "postgres") -> dict[str, Any]:
        """A template of the marketplace."""
        return self.house.run(TEMPLATE, code=code)["template"]

    def deploy(self, config: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Start to deploy a config; without one, `postgres` as it is."""
        template = self.template()
        return self.house.run(DEPLOY, input=self.input(config or template["serializedConfig"], **options))[
            "templateDeployV2"
        ]

    def input(self, config: dict[str, Any], **options: Any) -> dict[str, Any]:
        """The input of a deploy."""
        place = {} if "projectId" in options else {"workspaceId": self.house.emulator.workspace_id}
        return {"templateId": self.template()["id"], "serializedConfig": config, **place, **options}

    def refusal(self, config: dict[str, Any], **options: Any) -> str:
        """The message of a refused deploy."""
        return self.house.refused(DEPLOY, input=self.input(config, **options))

    def state(self, project_id: str) -> dict[str, Any]:
        """What is in a project."""
        return self.house.run(SERVICES, id=project_id)["project"]

    def workflow(self, payload: dict[str, Any]) -> str:
        """Status of a deploy."""
        return self.house.run(STATUS, id=payload["workflowId"])["workflowStatus"]["status"]

    def finished(self, config: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Deploy, wait for the workflow; what is in the project then."""
        payload = self.deploy(config, **options)
        self.house.emulator.clock.advance(4)
        assert self.workflow(payload) == "Complete"
        return {"id": payload["projectId"], **self.state(payload["projectId"])}

    def variables(self, project: dict[str, Any], service: str) -> dict[str, str]:
        """The rendered variables of a service."""
        found = next(one for one in nodes(project["services"]) if one["name"] == service)
        environment = nodes(project["environments"])[0]["id"]
        return self.house.run(VARIABLES, p=project["id"], e=environment, s=found["id"])["variables"]


@pytest.fixture
def shop(house: House) -> Shop:
    return Shop(house)


@pytest.mark.parametrize("code", ["postgres", "redis", "mysql", "mongodb"])
def test_railways_own_databases_are_there_and_deploy(shop: Shop, code: str) -> None:
    template = shop.template(code)
    assert template["isVerified"]
    project = shop.finished(template["serializedConfig"])
    shop.house.emulator.clock.advance(20)
    instance = nodes(nodes(shop.state(project["id"])["environments"])[0]["serviceInstances"])[0]
    assert instance["latestDeployment"]["status"] == "SUCCESS"
    assert len(nodes(project["volumes"])) == 1


def test_templates_are_read_without_a_token(emulator: Emulator) -> None:
    with httpx.Client(transport=emulator.transport()) as http:
        answer = http.post(emulator.endpoint, json={"query": TEMPLATE, "variables": {"code": "postgres"}})
    assert answer.json()["data"]["template"]["name"] == "Postgres"


def test_the_workflow_is_complete_before_the_deployments_are_done(shop: Shop) -> None:
    payload = shop.deploy(app_with_database())
    assert payload["workflowId"].startswith(f"deployTemplate/project/{payload['projectId']}/")
    assert shop.workflow(payload) == "Running"
    assert nodes(shop.state(payload["projectId"])["services"]) == []
    shop.house.emulator.clock.advance(2.2)
    assert shop.workflow(payload) == "Complete"
    instances = nodes(nodes(shop.state(payload["projectId"])["environments"])[0]["serviceInstances"])
    assert {one["latestDeployment"]["status"] for one in instances} <= {"INITIALIZING", "DEPLOYING"}


def test_services_point_back_to_the_template(shop: Shop) -> None:
    project = shop.finished(app_with_database())
    keys = {one["name"]: one["templateServiceId"] for one in nodes(project["services"])}
    assert keys == {"Web": "key-web", "Database": "key-database"}
    assert {one["templateId"] for one in nodes(project["services"])} == {shop.template()["id"]}


def test_functions_are_evaluated_once_and_references_resolved(shop: Shop) -> None:
    project = shop.finished(app_with_database())
    web, database = shop.variables(project, "Web"), shop.variables(project, "Database")
    assert len(web["SECRET"]) == 16
    assert web["SECRET"] == shop.variables(project, "Web")["SECRET"]
    assert 1 <= int(web["DICE"]) <= 6
    assert set(database["PASSWORD"]) <= {"a", "b"}
    assert web["DATABASE_URL"] == f"postgres://u:{database['PASSWORD']}@database.railway.internal:5432"
    assert "NOTE" not in web


def test_domains_volumes_proxies_and_buckets_are_made(shop: Shop) -> None:
    project = shop.finished(app_with_database())
    environment = nodes(project["environments"])[0]
    web = next(one for one in nodes(environment["serviceInstances"]) if one["serviceName"] == "Web")
    assert web["domains"]["serviceDomains"] == [
        {"domain": "web-production.up.railway.app", "targetPort": 8080}
    ]
    assert web["healthcheckPath"] == "/healthz"
    volume = nodes(environment["volumeInstances"])[0]
    assert (volume["mountPath"], volume["sizeMB"]) == ("/data", 1_000_000)
    assert [one["name"] for one in nodes(project["volumes"])] == ["database-volume"]
    assert [one["name"] for one in nodes(project["buckets"])] == ["files"]


def test_a_service_waits_for_those_it_refers_to(shop: Shop) -> None:
    project = shop.finished(app_with_database())

    def statuses() -> dict[str, str]:
        environment = nodes(shop.state(project["id"])["environments"])[0]
        return {
            one["serviceName"]: one["latestDeployment"]["status"]
            for one in nodes(environment["serviceInstances"])
        }

    seen = []
    for _ in range(30):
        shop.house.emulator.clock.advance(1)
        seen.append(statuses())
    first_web = next(one for one in seen if one["Web"] != "INITIALIZING")
    assert first_web["Database"] == "SUCCESS"
    assert seen[-1] == {"Web": "SUCCESS", "Database": "SUCCESS"}


def test_services_on_a_cycle_start_in_parallel(shop: Shop) -> None:
    def service(name: str, other: str) -> dict[str, Any]:
        return {
            "name": name,
            "source": {"image": "nginx"},
            "variables": {"X": {"defaultValue": f"${{{{{other}.Y}}}}"}, "Y": {"defaultValue": "1"}},
        }

    project = shop.finished({"services": {"a": service("A", "B"), "b": service("B", "A")}})
    shop.house.emulator.clock.advance(20)
    environment = nodes(shop.state(project["id"])["environments"])[0]
    assert {one["latestDeployment"]["status"] for one in nodes(environment["serviceInstances"])} == {
        "SUCCESS"
    }


def test_a_key_that_railway_does_not_know_is_refused_by_name(shop: Shop) -> None:
    message = shop.refusal(app_with_database(sleepApplication=True))
    (issue,) = json.loads(message)
    assert issue["code"] == "unrecognized_keys"
    assert (issue["path"], issue["keys"]) == (["services", "key-web"], ["sleepApplication"])
    shop.deploy(app_with_database(deploy={"sleepApplication": True}))


@pytest.mark.parametrize("entry", [{}, {"value": ""}, {"defaultValue": ""}])
def test_a_required_variable_without_value_is_refused(shop: Shop, entry: dict[str, str]) -> None:
    config = app_with_database(variables={"NEEDED": entry})
    assert shop.refusal(config) == "Problem processing request"


def test_refused_deploys_leave_nothing_behind(shop: Shop) -> None:
    shop.refusal(app_with_database(nonsense=1))
    assert shop.house.emulator.state()["projects"] == 0


def test_a_second_copy_in_a_project_gets_other_names_and_refers_to_itself(shop: Shop) -> None:
    project = shop.finished(app_with_database())
    again = shop.finished(app_with_database(), projectId=project["id"])
    names = [one["name"] for one in nodes(again["services"])]
    assert len(set(names)) == 4
    web = next(one for one in names if one.startswith("Web-"))
    database = next(one for one in names if one.startswith("Database-"))
    assert shop.variables(again, web)["DATABASE_URL"].endswith(f"@{database.lower()}.railway.internal:5432")
    hosts = [
        domain["domain"]
        for one in nodes(nodes(again["environments"])[0]["serviceInstances"])
        for domain in one["domains"]["serviceDomains"]
    ]
    assert len(set(hosts)) == 2


def test_stage_only_waits_for_a_commit(shop: Shop) -> None:
    project = shop.finished(app_with_database(), stageOnly=True)
    environment = nodes(project["environments"])[0]
    assert {one["latestDeployment"] for one in nodes(environment["serviceInstances"])} == {None}
    assert nodes(project["volumes"]) == []
    shop.house.run(
        "mutation($e: String!) { environmentPatchCommitStaged(environmentId: $e) }", e=environment["id"]
    )
    shop.house.emulator.clock.advance(30)
    environment = nodes(shop.state(project["id"])["environments"])[0]
    assert {one["latestDeployment"]["status"] for one in nodes(environment["serviceInstances"])} == {
        "SUCCESS"
    }


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("template_deploy_refused", "Problem processing request"),
        ("problem_processing", "Problem processing request"),
    ],
)
def test_a_deploy_can_be_refused_by_a_fault(shop: Shop, fault: str, expected: str) -> None:
    config = app_with_database()
    place = shop.input(config)
    shop.house.emulator.faults.add(fault, "templateDeployV2")
    assert shop.house.refused(DEPLOY, input=place) == expected


def test_a_workflow_id_can_be_null_while_the_work_goes_on(shop: Shop) -> None:
    shop.house.emulator.faults.add("workflow_id_null")
    payload = shop.deploy(app_with_database())
    assert payload["workflowId"] is None
    shop.house.emulator.clock.advance(4)
    assert len(nodes(shop.state(payload["projectId"])["services"])) == 2


def test_a_workflow_can_be_not_found_at_first(shop: Shop) -> None:
    shop.house.emulator.faults.add("workflow_not_found", times=2)
    payload = shop.deploy(app_with_database())
    assert [shop.workflow(payload) for _ in range(3)] == ["NotFound", "NotFound", "Running"]


def test_a_workflow_can_fail_half_way(shop: Shop) -> None:
    shop.house.emulator.faults.add("workflow_error", message="Out of luck")
    payload = shop.deploy(app_with_database())
    shop.house.emulator.clock.advance(4)
    result = shop.house.run(STATUS, id=payload["workflowId"])["workflowStatus"]
    assert result == {"status": "Error", "error": "Out of luck"}
    assert len(nodes(shop.state(payload["projectId"])["services"])) == 1


def test_a_gateway_timeout_may_hide_a_deploy_that_went_well(shop: Shop) -> None:
    place = shop.input(app_with_database())
    emulator = shop.house.emulator
    emulator.faults.add("gateway_error", "templateDeployV2", status=504, applied=True)
    with httpx.Client(transport=emulator.transport()) as http:
        answer = http.post(
            emulator.endpoint,
            json={"query": DEPLOY, "variables": {"input": place}},
            headers={"Authorization": f"Bearer {emulator.api_token}"},
        )
    assert answer.status_code == 504
    assert emulator.state()["projects"] == 1


def test_more_volumes_than_the_plan_allows_are_refused() -> None:
    shop = Shop(House(Emulator(plan="FREE")))
    config = app_with_database()
    config["services"]["key-web"]["volumeMounts"] = {"v": {"mountPath": "/files"}}
    assert "Your plan allows 1 volume per project" in shop.refusal(config)


def test_a_folder_stocks_the_marketplace(tmp_path: Path) -> None:
    (tmp_path / "template-acme.json").write_text(json.dumps(app_with_database()), encoding="utf-8")
    about = {"code": "x1", "name": "Extra", "serializedConfig": app_with_database()}
    (tmp_path / "extra.json").write_text(json.dumps(about), encoding="utf-8")
    (tmp_path / "other.json").write_text("[]", encoding="utf-8")
    house = House(Emulator(templates=tmp_path))
    found = house.run("{ templates { edges { node { code name } } } templatesCount }")
    codes = {one["code"] for one in nodes(found["templates"])}
    assert codes == {"postgres", "redis", "mysql", "mongodb", "acme", "x1"}
    search = house.run('{ templateSearch(query: "extra") { edges { node { code name } } } }')
    assert nodes(search["templateSearch"]) == [{"code": "x1", "name": "Extra"}]


def test_genuine_documents_deploy(reference_data: Path) -> None:
    house = House(Emulator(templates=reference_data / "railway/examples", limits=False))
    shop = Shop(house)
    for code in ("rustyauth", "railgate", "alphasecio-nodejs", "cloak-biz-scraper"):
        config = shop.template(code)["serializedConfig"]
        for service in config["services"].values():
            for variable in service["variables"].values():
                variable.setdefault("value", variable.get("defaultValue") or "filled in")
        project = shop.finished(config)
        house.emulator.clock.advance(120)
        environment = nodes(shop.state(project["id"])["environments"])[0]
        assert {one["latestDeployment"]["status"] for one in nodes(environment["serviceInstances"])} == {
            "SUCCESS"
        }, code


def test_a_template_made_from_a_project_drops_what_railway_drops(shop: Shop) -> None:
    project = shop.finished(app_with_database())
    made = shop.house.run(
        "mutation($p: String!) { templateGenerate(input: {projectId: $p}) { id code status serializedConfig } }",
        p=project["id"],
    )["templateGenerate"]
    services = {one["name"]: one for one in made["serializedConfig"]["services"].values()}
    assert made["status"] == "UNPUBLISHED"
    assert services["Web"]["variables"]["DATABASE_URL"] == {"defaultValue": "${{Database.URL}}"}
    assert services["Web"]["variables"]["SECRET"] == {}
    assert services["Web"]["networking"]["serviceDomains"] == {"<hasDomain>:8080": {"port": 8080}}
    assert services["Web"]["deploy"] == {"healthcheckPath": "/healthz"}
    assert [one["mountPath"] for one in services["Database"]["volumeMounts"].values()] == ["/data"]
    source = shop.house.run(
        "query($p: String!) { templateSourceForProject(projectId: $p) { id } }", p=project["id"]
    )
    assert source["templateSourceForProject"]["id"] == made["id"]


def test_a_template_is_published_unpublished_cloned_and_deleted(shop: Shop) -> None:
    run, emulator = shop.house.run, shop.house.emulator
    clone = run('mutation { templateClone(input: {code: "redis"}) { id code } }')["templateClone"]
    publish = "mutation($id: String!, $input: TemplatePublishInput!) { templatePublish(id: $id, input: $input) { status } }"
    details = {"category": "Storage", "description": "A cache of our own for everyone", "readme": "x" * 300}
    assert "description" in shop.house.refused(
        publish, id=clone["id"], input={**details, "description": "short"}
    )
    assert run(publish, id=clone["id"], input=details)["templatePublish"]["status"] == "PUBLISHED"
    assert run("mutation($id: String!) { templateUnpublish(id: $id) }", id=clone["id"])["templateUnpublish"]
    assert shop.template(clone["code"])["status"] == "UNPUBLISHED"
    own = run(
        "query($w: String!) { workspaceTemplates(workspaceId: $w) { edges { node { id } } } }",
        w=emulator.workspace_id,
    )
    assert nodes(own["workspaceTemplates"]) == [{"id": clone["id"]}]
    run("mutation($id: String!) { templateDelete(id: $id, input: {}) }", id=clone["id"])
    assert shop.house.refused(TEMPLATE, code=clone["code"]) == "Template not found"


def test_railways_own_templates_cannot_be_changed(shop: Shop) -> None:
    message = shop.house.refused(
        "mutation($id: String!) { templateUnpublish(id: $id) }", id=shop.template()["id"]
    )
    assert message == "Not Authorized"


def test_an_existing_service_can_be_the_root_of_a_template(shop: Shop) -> None:
    project_id, environment_id = shop.house.project()
    root = shop.house.service(project_id, "mine")
    config = app_with_database(volumeMounts={})
    state = shop.finished(
        config, projectId=project_id, environmentId=environment_id, existingRootServiceId=root
    )
    services = {one["name"]: one for one in nodes(state["services"])}
    assert set(services) == {"mine", "Database"}
    assert (services["mine"]["id"], services["mine"]["templateServiceId"]) == (root, "key-web")
    assert len(shop.variables(state, "mine")["SECRET"]) == 16


def test_a_setting_that_does_not_fit_ends_the_workflow_with_the_reason(shop: Shop) -> None:
    payload = shop.deploy(app_with_database(deploy={"cronSchedule": "nonsense"}))
    shop.house.emulator.clock.advance(4)
    result = shop.house.run(STATUS, id=payload["workflowId"])["workflowStatus"]
    assert result == {"status": "Error", "error": "Error in cronSchedule - Invalid input"}


@pytest.mark.parametrize(
    ("web", "message"),
    [
        ({"networking": {"serviceDomains": {"<hasDomain>:x": {}}}}, "Error in targetPort - Invalid input"),
        ({"networking": {"tcpProxies": {"99999": {}}}}, "Error in tcpProxies - Invalid input"),
        ({"deploy": {"healthcheckTimeout": 1.5}}, "Expected integer, received float"),
        ({"build": {"watchPatterns": [1]}}, "Expected string, received number"),
        ({"source": {}}, "Problem processing request"),
        ({"name": "Database"}, "Problem processing request"),
        ({"volumeMounts": {"v": {"mountPath": "data"}}}, "Error in mountPath - Invalid input"),
    ],
)
def test_values_that_do_not_fit_are_refused(shop: Shop, web: dict[str, Any], message: str) -> None:
    assert message in shop.refusal(app_with_database(**web))
    assert shop.house.emulator.state()["projects"] == 0


def test_shared_variables_come_along(shop: Shop) -> None:
    config = app_with_database(variables={"ZONE": {"defaultValue": "${{shared.ZONE}}"}})
    config["sharedVariables"] = {"ZONE": {"defaultValue": "eu"}}
    assert shop.variables(shop.finished(config), "Web") == {"ZONE": "eu"}


def test_a_private_service_without_domain_is_not_in_public(shop: Shop) -> None:
    project = shop.finished(app_with_database())
    environment = nodes(project["environments"])[0]
    database = next(one for one in nodes(environment["serviceInstances"]) if one["serviceName"] == "Database")
    assert database["domains"]["serviceDomains"] == []


def test_template_metrics_count_deploys(shop: Shop) -> None:
    project = shop.finished(app_with_database())
    shop.finished(app_with_database())
    shop.house.run("mutation($id: String!) { projectDelete(id: $id) }", id=project["id"])
    metrics = shop.house.run(
        "query($id: String!) { templateMetrics(id: $id) { totalDeployments activeDeployments templateHealth } }",
        id=shop.template()["id"],
    )["templateMetrics"]
    assert metrics == {"totalDeployments": 2, "activeDeployments": 1, "templateHealth": 100.0}


def test_a_template_is_found_by_its_repository(reference_data: Path) -> None:
    house = House(Emulator(templates=reference_data / "railway/examples"))
    found = house.run('{ template(owner: "alphasecio", repo: "nodejs") { code } }')
    assert found["template"] == {"code": "alphasecio-nodejs"}


def test_the_size_of_a_templates_volume_can_be_set(shop: Shop) -> None:
    clone = shop.house.run('mutation { templateClone(input: {code: "redis"}) { id code serializedConfig } }')[
        "templateClone"
    ]
    key = next(iter(clone["serializedConfig"]["services"]))
    document = """mutation($t: String!, $s: String!, $n: Int) {
      templateVolumeUpdate(templateId: $t, serviceId: $s, volumeId: $s, sizeMB: $n) { serializedConfig } }"""
    changed = shop.house.run(document, t=clone["id"], s=key, n=2000)["templateVolumeUpdate"]
    assert changed["serializedConfig"]["services"][key]["volumeMounts"][key]["sizeMB"] == 2000
    assert "sizeMB" not in str(shop.template("redis")["serializedConfig"])
