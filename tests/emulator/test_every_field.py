"""Every field of every object can be asked for, and none breaks the type it promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from railway_saas.emulator.schema import executable_schema
from railway_saas.emulator.world import TokenKind

if TYPE_CHECKING:
    from tests.emulator.conftest import House

DEPTH = 5

ROOTS = {
    "me": "",
    "regions": "",
    "apiToken": "",
    "apiTokens": "",
    "workspace": "(workspaceId: $workspace)",
    "project": "(id: $project)",
    "projects": "(includeDeleted: true)",
    "projectMembers": "(projectId: $project)",
    "projectTokens": "(projectId: $project)",
    "environment": "(id: $environment)",
    "service": "(id: $service)",
    "serviceInstance": "(serviceId: $service, environmentId: $environment)",
    "serviceInstanceAutoDeployStatus": "(projectId: $project, environmentId: $environment, serviceId: $service)",
    "deployment": "(id: $deployment)",
    "deploymentEvents": "(id: $deployment)",
    "deploymentLogs": "(deploymentId: $deployment)",
    "buildLogs": "(deploymentId: $deployment)",
}


def selection(named: GraphQLNamedType, depth: int) -> str:
    """Everything that can be selected below a type without giving arguments."""
    if is_leaf_type(named):
        return ""
    assert isinstance(named, GraphQLObjectType | GraphQLInterfaceType)
    chosen = [
        f"{name} {selection(get_named_type(field.type), depth - 1)}".strip()
        for name, field in named.fields.items()
        if not any(is_required_argument(argument) for argument in field.args.values())
        and (depth > 1 or is_leaf_type(get_named_type(field.type)))
    ]
    return "{ __typename " + " ".join(chosen) + " }"


@pytest.mark.parametrize("root", ROOTS)
def test_everything_can_be_selected(house: House, root: str) -> None:
    emulator = house.emulator
    service_id, environment_id, _ = house.running()
    project = emulator.world.environments[environment_id].project
    house.configure(service_id, environment_id, source={"repo": "acme/shop"}, preDeployCommand=["migrate"])
    deployment_id = house.deploy(service_id, environment_id)
    emulator.clock.advance(120)
    emulator.project_token(environment_id)
    field = executable_schema().query_type.fields[root]  # type: ignore[union-attr]
    names = ("workspace", "project", "environment", "service", "deployment")
    variables = {
        "workspace": emulator.workspace_id,
        "project": project.id,
        "environment": environment_id,
        "service": service_id,
        "deployment": deployment_id,
    }
    used = [name for name in names if f"${name}" in ROOTS[root]]
    declared = f"({', '.join(f'${name}: String!' for name in used)})" if used else ""
    document = f"query{declared} {{ {root}{ROOTS[root]} {selection(get_named_type(field.type), DEPTH)} }}"
    answer = house.run(document, **{name: variables[name] for name in used})
    assert answer[root]


def test_a_project_token_can_be_selected_whole(house: House) -> None:
    _, environment_id, _ = house.running()
    world = house.emulator.world
    environment = world.environments[environment_id]
    token = world.add_token(TokenKind.PROJECT, "x", next(iter(world.users.values())), environment=environment)
    from railway_saas.emulator.messages import Request

    named = executable_schema().type_map["ProjectToken"]
    payload = {"query": f"{{ projectToken {selection(named, 2)} }}"}
    answer = house.emulator.handle(
        Request.post("/graphql/v2?x", payload, {"project-access-token": token.secret})
    )
    assert answer.json()["data"]["projectToken"]["environmentId"] == environment_id
