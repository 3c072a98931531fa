"""A client that others made for Railway works here unchanged: `railway-client` from PyPI."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate

from railway_saas.emulator.schema import sdl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from railway_saas.emulator import Emulator, RunningServer

railway = pytest.importorskip("railway", reason="railway-client is not installed")


@pytest.fixture
def server(emulator: Emulator) -> Iterator[RunningServer]:
    with emulator.serve() as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[Any]:
    with railway.RailwayClient(api_token=server.emulator.api_token, endpoint=server.endpoint) as made:
        yield made


ASKS_FOR_PLUGINS = {"sharedVariableConfigure"}
"""Its document asks for `Variable.plugin`, of type `Plugin!`: since plugins were removed nothing can answer that."""


def documents() -> list[str]:
    source = Path(railway.__file__).with_name("client.py").read_text(encoding="utf-8")
    return re.findall(r'query = """(.*?)"""', source, re.DOTALL)


def root_field(document: str) -> tuple[str, str]:
    (operation,) = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    name = operation.selection_set.selections[0].name.value  # type: ignore[union-attr]
    return operation.operation.value.capitalize(), name


def test_every_document_it_has_for_a_field_we_answer_fits(reference_data: Path) -> None:
    real = build_schema(
        (reference_data / "railway/schema.graphql").read_text(encoding="utf-8"), assume_valid=True
    )
    ours = build_schema(sdl(), assume_valid=True)

    def is_ours(schema: GraphQLSchema, document: str) -> bool:
        parent, name = root_field(document)
        return name in schema.type_map[parent].fields  # type: ignore[union-attr]

    mine = [one for one in documents() if is_ours(ours, one)]
    valid = [one for one in mine if validate(real, parse(one)) == []]
    assert len(valid) > 100
    misfits = {root_field(one)[1]: validate(ours, parse(one)) for one in valid}
    assert {name for name, problems in misfits.items() if problems} <= ASKS_FOR_PLUGINS


def test_it_makes_deploys_watches_and_deletes(client: Any, emulator: Emulator) -> None:
    assert client.me().email == "ada@example.com"
    project = client.project_create(name="acme", workspace_id=emulator.workspace_id)
    assert len(client.projects().edges) == 1
    assert client.project(id=project.id).name == "acme"
    environment_id = emulator.world.projects[project.id].primary_environment_id
    service = client.service_create(project_id=project.id, name="web", source={"image": "nginx:alpine"})
    deployment_id = client.service_instance_deploy_v2(environment_id=environment_id, service_id=service.id)
    emulator.clock.advance(15)
    assert client.deployment(id=deployment_id).deployment_stopped is False
    assert client.service_instance(environment_id=environment_id, service_id=service.id).service_name == "web"
    assert client.deployment_logs(deployment_id=deployment_id)[0].message == "Starting Container"
    assert client.deployment_stop(id=deployment_id) is True
    assert client.project_delete(id=project.id) is True


def test_it_hears_railways_errors(client: Any) -> None:
    with pytest.raises(railway.RailwayError, match="Project not found"):
        client.project(id="unknown")


def test_it_uses_a_project_token(server: RunningServer, emulator: Emulator) -> None:
    made = emulator.execute(
        "mutation { projectCreate(input: {}) { environments { edges { node { id } } } } }"
    )
    environment_id = made["data"]["projectCreate"]["environments"]["edges"][0]["node"]["id"]
    token = emulator.project_token(environment_id)
    with railway.RailwayClient(project_token=token, endpoint=server.endpoint) as client:
        assert client.project_token().environment_id == environment_id
