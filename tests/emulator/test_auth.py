"""Three kinds of token, and what each may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.emulator.messages import Request

if TYPE_CHECKING:
    from railway_saas.emulator import Emulator
    from tests.emulator.conftest import House

PROJECT_TOKEN = "{ projectToken { name projectId environmentId project { name } environment { name } } }"


def ask(emulator: Emulator, document: str, headers: dict[str, str], **variables: Any) -> dict[str, Any]:
    payload = {"query": document, "variables": variables}
    return emulator.handle(Request.post("/graphql/v2?source=test", payload, headers)).json()


def message(body: dict[str, Any]) -> str:
    return body["errors"][0]["message"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic x"}])
def test_without_a_good_token_nothing_is_authorized(emulator: Emulator, headers: dict[str, str]) -> None:
    for document in (
        "{ me { id } }",
        "{ projects { edges { node { id } } } }",
        "{ apiToken { workspaces { id } } }",
    ):
        body = ask(emulator, document, headers)
        assert message(body) == "Not Authorized"
        assert body["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


def test_an_account_token_reaches_all_workspaces(house: House) -> None:
    other = house.emulator.add_workspace("Second", plan="HOBBY")
    found = house.run("{ me { email workspaces { id plan } } apiToken { workspaces { id name } } }")
    assert {one["id"] for one in found["me"]["workspaces"]} == {house.emulator.workspace_id, other}
    assert {one["name"] for one in found["apiToken"]["workspaces"]} == {"Ada's Projects", "Second"}


def test_a_workspace_token_reaches_its_workspace_and_not_me(house: House) -> None:
    emulator = house.emulator
    other = emulator.add_workspace("Second")
    token = emulator.workspace_token()
    project_id, _ = house.project()
    assert house.refused("{ me { id } }", token=token) == "Not Authorized"
    assert house.run("{ apiToken { workspaces { id } } }", token=token)["apiToken"]["workspaces"] == [
        {"id": emulator.workspace_id}
    ]
    document = "query($id: String!) { project(id: $id) { id } }"
    assert house.run(document, token=token, id=project_id)["project"]["id"] == project_id
    assert house.refused(document, token=emulator.workspace_token(other), id=project_id) == "Not Authorized"
    workspace = "query($id: String!) { workspace(workspaceId: $id) { id } }"
    assert house.refused(workspace, token=token, id=other) == "Not Authorized"


def test_a_project_token_opens_one_environment_of_one_project(house: House) -> None:
    emulator = house.emulator
    project_id, environment_id = house.project()
    staging = house.run(
        """mutation($p: String!) { environmentCreate(input: {projectId: $p, name: "staging"}) { id } }""",
        p=project_id,
    )["environmentCreate"]["id"]
    headers = {"Project-Access-Token": emulator.project_token(environment_id)}
    mine = ask(emulator, PROJECT_TOKEN, headers)["data"]["projectToken"]
    assert (mine["projectId"], mine["environmentId"]) == (project_id, environment_id)
    assert (mine["project"]["name"], mine["environment"]["name"]) == ("acme", "production")

    environment = "query($id: String!) { environment(id: $id) { name } }"
    assert (
        ask(emulator, environment, headers, id=environment_id)["data"]["environment"]["name"] == "production"
    )
    assert message(ask(emulator, environment, headers, id=staging)) == "Not Authorized"
    project = "query($id: String!) { project(id: $id) { environments { edges { node { name } } } workspace { id } } }"
    seen = ask(emulator, project, headers, id=project_id)["data"]["project"]
    assert seen == {"environments": {"edges": [{"node": {"name": "production"}}]}, "workspace": None}

    create = "mutation($i: ServiceCreateInput!) { serviceCreate(input: $i) { id } }"
    made = ask(emulator, create, headers, i={"projectId": project_id, "source": {"image": "nginx"}})
    service_id = made["data"]["serviceCreate"]["id"]
    assert service_id not in emulator.world.environments[staging].instances
    deploy = (
        "mutation($s: String!, $e: String!) { serviceInstanceDeployV2(serviceId: $s, environmentId: $e) }"
    )
    assert "data" in ask(emulator, deploy, headers, s=service_id, e=environment_id)
    assert message(ask(emulator, deploy, headers, s=service_id, e=staging)) == "Not Authorized"
    delete = "mutation($s: String!) { serviceDelete(id: $s) }"
    assert ask(emulator, delete, headers, s=service_id) == {"data": {"serviceDelete": True}}


@pytest.mark.parametrize(
    "document",
    [
        "{ me { id } }",
        "{ projects { edges { node { id } } } }",
        "mutation { projectCreate(input: {}) { id } }",
        'mutation { projectDelete(id: "PROJECT") }',
        'mutation { environmentCreate(input: {projectId: "PROJECT", name: "x"}) { id } }',
        'mutation { environmentDelete(id: "ENVIRONMENT") }',
        'mutation { apiTokenCreate(input: {name: "x"}) }',
        '{ projectTokens(projectId: "PROJECT") { edges { cursor } } }',
    ],
)
def test_a_project_token_may_not_touch_anything_above_its_environment(house: House, document: str) -> None:
    project_id, environment_id = house.project()
    headers = {"project-access-token": house.emulator.project_token(environment_id)}
    text = document.replace("PROJECT", project_id).replace("ENVIRONMENT", environment_id)
    assert message(ask(house.emulator, text, headers)) == "Not Authorized"


def test_a_project_token_sent_as_bearer_is_not_found(house: House, recorded: dict[str, Any]) -> None:
    _, environment_id = house.project()
    headers = {"Authorization": f"Bearer {house.emulator.project_token(environment_id)}"}
    body = ask(house.emulator, PROJECT_TOKEN, headers)
    expected = recorded["errors"][0]["body"]
    assert body["data"] is expected["data"]
    assert body["errors"][0]["message"] == expected["errors"][0]["message"]
    assert body["errors"][0]["extensions"] == expected["errors"][0]["extensions"]


def test_an_unknown_project_token_is_not_found_and_wins_over_bearer(emulator: Emulator) -> None:
    headers = {"Project-Access-Token": "unknown", "Authorization": f"Bearer {emulator.api_token}"}
    assert message(ask(emulator, "{ me { id } }", headers)) == "Project Token not found"


def test_tokens_are_made_shown_once_and_revoked(house: House) -> None:
    secret = house.run(
        'mutation($w: String!) { apiTokenCreate(input: {name: "ci", workspaceId: $w}) }',
        w=house.emulator.workspace_id,
    )["apiTokenCreate"]
    listed = house.run("{ apiTokens { edges { node { id name displayToken workspaceId } } } }")["apiTokens"][
        "edges"
    ]
    mine = next(edge["node"] for edge in listed if edge["node"]["name"] == "ci")
    assert mine["workspaceId"] == house.emulator.workspace_id
    assert secret not in str(listed)
    assert mine["displayToken"].endswith(secret[-4:])
    assert house.run("{ apiToken { workspaces { id } } }", token=secret)
    assert house.run("mutation($id: String!) { apiTokenDelete(id: $id) }", id=mine["id"])["apiTokenDelete"]
    assert house.refused("{ apiToken { workspaces { id } } }", token=secret) == "Not Authorized"


def test_project_tokens_are_made_listed_and_revoked(house: House) -> None:
    project_id, environment_id = house.project()
    secret = house.run(
        """mutation($p: String!, $e: String!) {
             projectTokenCreate(input: {name: "deploy", projectId: $p, environmentId: $e}) }""",
        p=project_id,
        e=environment_id,
    )["projectTokenCreate"]
    document = (
        "query($p: String!) { projectTokens(projectId: $p) { edges { node { id name environmentId } } } }"
    )
    (edge,) = house.run(document, p=project_id)["projectTokens"]["edges"]
    assert edge["node"]["environmentId"] == environment_id
    house.run("mutation($id: String!) { projectTokenDelete(id: $id) }", id=edge["node"]["id"])
    body = ask(house.emulator, PROJECT_TOKEN, {"Project-Access-Token": secret})
    assert message(body) == "Project Token not found"


def test_a_deleted_environment_takes_its_tokens_along(house: House) -> None:
    project_id, environment_id = house.project()
    headers = {"Project-Access-Token": house.emulator.project_token(environment_id)}
    house.run("mutation($id: String!) { projectDelete(id: $id) }", id=project_id)
    assert message(ask(house.emulator, PROJECT_TOKEN, headers)) == "Project Token not found"


def test_a_guest_of_a_project_sees_that_project_only(house: House) -> None:
    from railway_saas.emulator.world import TokenKind

    world = house.emulator.world
    first, _ = house.project("first")
    second, _ = house.project("second")
    guest = world.add_user("Guest", "guest@example.com")
    token = world.add_token(TokenKind.ACCOUNT, "guest", guest).secret
    document = "query($id: String!) { project(id: $id) { members { email role } } }"
    assert house.refused(document, token=token, id=first) == "Not Authorized"
    house.run(
        "mutation($i: ProjectMemberAddInput!) { projectMemberAdd(input: $i) { id role } }",
        i={"projectId": first, "userId": guest.id, "role": "VIEWER"},
    )
    members = house.run(document, token=token, id=first)["project"]["members"]
    assert {"email": "guest@example.com", "role": "VIEWER"} in members
    assert house.refused(document, token=token, id=second) == "Not Authorized"
