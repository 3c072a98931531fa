"""How an instance's services stand at Railway, as one read tells it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from railway_saas.instances.view import (
    CANCELLABLE,
    DOWN,
    ENDED,
    IN_PROGRESS,
    UP,
    OlderDeployment,
    ServiceView,
    read_view,
    service_rows,
)
from railway_saas.templates import Template
from tests.support.situations import (
    APP_KEY,
    INSTANCE_ID,
    NOW,
    ago,
    app,
    environment,
    on_their_way,
    rows,
    seen_service,
    seen_volume,
    web,
    whole_environment,
)

EVERY_STATUS = sorted(UP | IN_PROGRESS | DOWN | ENDED)


def one(status: str | None = "SUCCESS", **more: Any) -> ServiceView:
    return read_view(environment(seen_service("web", status, **more)), web()).services[0]


# A service ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [*EVERY_STATUS, None, "NEW_WORD"])
def test_what_a_status_means(status: str | None) -> None:
    seen = one(status)
    assert seen.is_up is (status in {"SUCCESS", "SLEEPING"})
    assert seen.came_up is (status in {"SUCCESS", "SLEEPING"})
    assert seen.failed is (status in {"FAILED", "CRASHED", "REMOVED", "REMOVING", "SKIPPED"})
    assert seen.is_down is (status in {"FAILED", "CRASHED", "REMOVED", "SKIPPED"})
    assert seen.is_live is (seen.is_up or status in IN_PROGRESS)


def test_every_status_is_of_one_sort() -> None:
    sorts = [UP, IN_PROGRESS, DOWN, ENDED]
    assert sum(map(len, sorts)) == len(set().union(*sorts))
    assert {"DEPLOYING"} == IN_PROGRESS - CANCELLABLE


@pytest.mark.parametrize(
    ("status", "stopped", "up"),
    [
        pytest.param("SUCCESS", True, False, id="stopped"),
        pytest.param("SUCCESS", False, True, id="runs"),
        pytest.param("SLEEPING", True, True, id="Railway says stopped of what sleeps"),
        pytest.param("BUILDING", True, False, id="Railway says stopped of what has not started"),
    ],
)
def test_whether_it_is_stopped_counts_only_where_it_came_up(status: str, *, stopped: bool, up: bool) -> None:
    seen = one(status, stopped=stopped)
    assert seen.is_up is up
    assert seen.stopped is (stopped and status == "SUCCESS")
    assert seen.came_up is (status in UP)


@pytest.mark.parametrize(
    ("older", "serves"),
    [
        pytest.param([], False, id="none"),
        pytest.param([("dep-old", "SUCCESS")], True, id="runs"),
        pytest.param([("dep-old", "SLEEPING")], True, id="sleeps"),
        pytest.param([("dep-old", "CRASHED")], False, id="crashed"),
        pytest.param([("dep-1", "CRASHED"), ("dep-2", "SUCCESS")], True, id="one of two runs"),
    ],
)
def test_a_failed_deployment_leaves_the_one_before_in_service(
    older: list[tuple[str, str]], *, serves: bool
) -> None:
    seen = one("FAILED", older=older)
    assert (seen.serves, seen.is_live, seen.is_down) == (serves, serves, not serves)
    assert not seen.is_up
    assert [(entry.deployment_id, entry.runs) for entry in seen.older] == [
        (name, status in UP) for name, status in older
    ]


def test_the_newest_deployment_is_not_older_than_itself() -> None:
    assert one(older=[("dep-web", "SUCCESS"), ("dep-old", "SUCCESS")]).older == (
        OlderDeployment("dep-old", "SUCCESS"),
    )


def test_what_is_on_its_way_is_among_the_older_ones_of_its_service() -> None:
    seen = environment(seen_service("web", "FAILED", older=[("dep-old", "SUCCESS")]), "other")
    coming = on_their_way(
        ("dep-web", "BUILDING"), ("dep-1", "BUILDING"), ("dep-old", "DEPLOYING"), ("dep-gone", "REMOVED")
    )
    other, service = read_view(seen, web(), on_their_way=coming).services
    assert {entry.deployment_id: entry.status for entry in service.older} == {
        "dep-1": "BUILDING",
        "dep-old": "SUCCESS",
    }
    assert not other.older


@pytest.mark.parametrize("status", sorted(IN_PROGRESS))
def test_what_is_on_its_way_behind_lives_and_does_not_serve(status: str) -> None:
    (service,) = read_view(
        environment(seen_service("web", "REMOVED")), web(), on_their_way=on_their_way(("dep-1", status))
    ).services
    assert (service.is_live, service.serves, service.is_up) == (True, False, False)
    (entry,) = service.older
    assert (entry.is_coming, entry.is_cancellable) == (True, status in CANCELLABLE)


def test_a_sentence_says_what_is_happening() -> None:
    assert one("CRASHED").sentence == "web crashed, and its restarts are used up"
    assert one(None).sentence == "web is being created"


# Whose service is it? -------------------------------------------------------------------------------------------

TWO = Template.parse(
    {
        "services": {
            "one": {"name": "first", "source": {"image": "x"}},
            "two": {"name": "second", "source": {"image": "x"}},
        }
    }
)


@pytest.mark.parametrize(
    ("seen", "known", "key"),
    [
        pytest.param(seen_service("first"), None, "one", id="by name"),
        pytest.param(seen_service("first", key="two"), None, "two", id="by Railway's word before the name"),
        pytest.param(seen_service("first", key="two"), "one", "one", id="by what was stored before all"),
        pytest.param(seen_service("renamed"), "two", "two", id="renamed in the dashboard"),
        pytest.param(
            seen_service("first", key="other"), None, "one", id="Railway's word is of another document"
        ),
        pytest.param(seen_service("first"), "old", "one", id="stored under a key of another revision"),
        pytest.param(seen_service("gone"), "old", "old", id="of the revision before"),
    ],
)
def test_a_service_is_the_templates(seen: dict[str, Any], known: str | None, key: str) -> None:
    stored = (
        []
        if known is None
        else [replace(rows(web())[0], railway_service_id=seen["serviceId"], template_key=known)]
    )
    (found,) = read_view(environment(seen), TWO, stored).services
    assert (found.key, found.is_known) == (key, True)


def test_a_service_of_somebody_else_goes_by_its_id() -> None:
    view = read_view(environment("theirs"), TWO)
    assert [(found.key, found.is_known) for found in view.services] == [("svc-theirs", False)]


# The environment ------------------------------------------------------------------------------------------------


def test_services_come_in_the_order_of_their_names() -> None:
    view = read_view(environment("Redis", "App", "Postgres"), app())
    assert [found.name for found in view.services] == ["App", "Postgres", "Redis"]


def test_a_service_is_found_by_its_key() -> None:
    view = read_view(whole_environment(app()), app())
    found = view.find(APP_KEY)
    assert found is not None
    assert found.name == "App"
    assert view.find("nothing") is None


def test_what_runs_is_counted() -> None:
    seen = environment(
        "App",
        seen_service("Postgres", "SLEEPING"),
        seen_service("Redis", "FAILED", older=[("dep-old", "SUCCESS")]),
        seen_service("theirs", "CRASHED"),
    )
    assert read_view(seen, app()).running == 3


def test_volumes_are_those_of_the_environment() -> None:
    (volume,) = read_view(environment("web", volumes=[seen_volume("web", "/data", 500)]), web()).volumes
    assert (volume.volume_id, volume.volume_instance_id) == ("volume-web", "volume-instance-web")
    assert (volume.service_id, volume.mount_path, volume.size_mb) == ("svc-web", "/data", 500)
    assert not volume.is_going


@pytest.mark.parametrize("told", [{"isPendingDeletion": True}, {"state": "DELETING"}, {"state": "DELETED"}])
def test_a_deleted_volume_is_going_as_long_as_railway_keeps_it(told: dict[str, Any]) -> None:
    (volume,) = read_view(environment(volumes=[seen_volume("web", "/data", **told)]), web()).volumes
    assert volume.is_going


# Rows -----------------------------------------------------------------------------------------------------------


def test_a_service_that_is_new_gets_a_row() -> None:
    view = read_view(environment(seen_service("web", hosts=["a.up.railway.app"])), web())
    (row,) = service_rows(view, (), INSTANCE_ID, NOW)
    assert (row.template_key, row.name, row.railway_service_id) == ("web", "web", "svc-web")
    assert (row.railway_deployment_id, row.status, row.stopped) == ("dep-web", "SUCCESS", False)
    assert (row.instance_id, row.domain, row.updated_at) == (INSTANCE_ID, "a.up.railway.app", NOW)


def test_a_row_without_news_stays_as_it_is() -> None:
    known = rows(app())
    view = read_view(whole_environment(app()), app(), known)
    assert service_rows(view, known, INSTANCE_ID, NOW) == known


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "CRASHED"},
        {"deployment": "dep-2"},
        {"stopped": True},
        {"hosts": ["a.up.railway.app"]},
    ],
)
def test_a_row_with_news_keeps_its_id(changed: dict[str, Any]) -> None:
    (known,) = rows(web())
    view = read_view(environment(seen_service("web", **changed)), web(), [known])
    (row,) = service_rows(view, [known], INSTANCE_ID, NOW)
    assert (row.id, row.updated_at) == (known.id, NOW)
    assert known.updated_at == ago(100)


def test_services_that_are_gone_or_of_somebody_else_have_no_row() -> None:
    known = rows(app())
    view = read_view(environment("App", "theirs"), app(), known)
    assert [row.name for row in service_rows(view, known, INSTANCE_ID, NOW)] == ["App"]
