"""Which projects are asked for, and in which order."""

from __future__ import annotations

import pytest

from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.projects import ProjectsOrderBy
from railway_saas.railway.operations import projects


def test_a_list_asks_for_no_order_unless_told() -> None:
    assert projects.list_page(workspace_id="w1").variables == {"workspaceId": "w1"}


@pytest.mark.parametrize("order", [ProjectsOrderBy.CREATED_AT_DESC, "CREATED_AT_DESC"])
def test_a_list_comes_in_the_order_asked_for(order: ProjectsOrderBy | str) -> None:
    assert projects.list_page(order_by=order).variables == {"orderBy": "CREATED_AT_DESC"}


def test_an_order_that_railway_does_not_have_is_refused_before_sending() -> None:
    with pytest.raises(RailwayInputError, match="CREATED_AT_DESC, NAME_ASC, UPDATED_AT_DESC") as caught:
        projects.list_page(order_by="SIZE_DESC")
    assert caught.value.argument == "order_by"
