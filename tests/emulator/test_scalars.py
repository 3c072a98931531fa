"""Custom scalars take and give what Railway's do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.emulator.scalars import format_datetime, parse_datetime
from railway_saas.emulator.schema import executable_schema

if TYPE_CHECKING:
    from tests.emulator.conftest import House


def coerce(name: str, value: Any) -> Any:
    return executable_schema().type_map[name].coerce_input_value(value)  # type: ignore[union-attr]


def test_moments_are_utc_with_milliseconds() -> None:
    moment = datetime(2026, 10, 5, 21, 58, 15, 705_999, tzinfo=timezone(timedelta(hours=2)))
    assert format_datetime(moment) == "2026-10-05T19:58:15.705Z"


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - made aware below
def test_what_was_given_can_be_taken_again(moment: datetime) -> None:
    shown = format_datetime(moment.replace(tzinfo=UTC))
    assert format_datetime(parse_datetime(shown)) == shown


def test_a_moment_without_an_offset_is_utc() -> None:
    assert parse_datetime("2026-10-05T19:58:15") == datetime(2026, 10, 5, 19, 58, 15, tzinfo=UTC)


@pytest.mark.parametrize("value", ["yesterday", 3, None, ""])
def test_what_is_no_moment_is_refused(value: object) -> None:
    with pytest.raises(GraphQLError, match="invalid date-time-string"):
        parse_datetime(value)


@pytest.mark.parametrize("name", ["EnvironmentConfig", "EnvironmentVariables", "SerializedTemplateConfig"])
def test_documents_are_objects_and_never_text(name: str) -> None:
    assert coerce(name, {"a": 1}) == {"a": 1}
    with pytest.raises(GraphQLError, match=f"{name} must be an object"):
        coerce(name, "{}")


def test_a_date_that_is_none_is_refused_in_a_query_too(house: House) -> None:
    _, _, deployment_id = house.running()
    message = house.refused(
        'query($id: String!) { deploymentLogs(deploymentId: $id, startDate: "soon") { message } }',
        id=deployment_id,
    )
    assert "soon" in message


def test_objects_can_be_written_into_the_document_itself(house: House) -> None:
    project_id, _ = house.project()
    made = house.run(
        """mutation($p: String!) { serviceCreate(input: {projectId: $p, name: "inline", source: {image: "nginx"},
             variables: {PORT: "80", DEBUG: true}}) { id } }""",
        p=project_id,
    )["serviceCreate"]["id"]
    (instance,) = [one for one in house.emulator.world.instances.values() if one.service.id == made]
    assert {name: one.value for name, one in instance.variables.items()} == {"PORT": "80", "DEBUG": "true"}
