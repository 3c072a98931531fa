"""Whether what was asked of an instance is done: what a client that polls is told from the first moment on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.api.conftest import Stage
    from tests.server.conftest import Person

    Ask = Callable[[Person, str], Any]


def _posting(verb: str, body: Any = None) -> Ask:
    return lambda person, path: person.post(f"{path}/{verb}", body)


def _setting_variables(person: Person, path: str) -> Any:
    wanted = {"variables": {"Web": {"LOG_LEVEL": "debug"}}}
    return person.put(f"{path}/variables", wanted, headers={"If-Match": "*"})


def _rolling_back(person: Person, path: str) -> Any:
    (first,) = [one for one in person.get(f"{path}/deployments").json["items"] if one["service"] == "Web"][:1]
    return person.post(f"{path}/rollback", {"deployment_id": first["railway_deployment_id"]})


def _removing_a_domain(person: Person, path: str) -> Any:
    return person.delete(f"{path}/domains/app.example.com")


WISHES: dict[str, Ask] = {
    "restart": _posting("restart"),
    "redeploy": _posting("redeploy"),
    "redeploy one": _posting("redeploy?service=Web"),
    "rollback": _rolling_back,
    "back up": _posting("backups"),
    "variables": _setting_variables,
    "domain": _posting("domains", {"domain": "www.example.com"}),
    "domain removed": _removing_a_domain,
    "stop": _posting("stop"),
    "delete": lambda person, path: person.delete(path),
}


def state_of(person: Person, path: str, number: int) -> str:
    return str(person.get(f"{path}/operations/{number}").json["state"])


def newest(person: Person, path: str) -> int:
    """The number of what was asked last."""
    number = 1
    while person.get(f"{path}/operations/{number + 1}").status_code == 200:
        number += 1
    return number


@pytest.mark.parametrize("wish", WISHES)
def test_what_was_accepted_is_under_way_until_it_is_done(stage: Stage, ann: Person, wish: str) -> None:
    instance_id = stage.running(ann)
    path = f"/api/instances/{instance_id}"
    ann.post(f"{path}/domains", {"domain": "app.example.com"})
    ann.post(f"{path}/redeploy?service=Web")
    stage.settle(instance_id)
    before = ann.get(path)
    assert before.json["changing"] is False
    accepted = WISHES[wish](ann, path)
    assert accepted.status_code == 202, accepted.text
    number = newest(ann, path)
    (listed,) = ann.get("/api/instances").json["items"]
    assert (ann.get(path).json["changing"], listed["changing"]) == (True, True)
    assert state_of(ann, path, number) == "running"
    assert [one["id"] for one in ann.get("/api/instances/status").json["changing"]] == [instance_id]
    assert ann.get(path).headers["ETag"] != before.headers["ETag"]
    stage.settle(instance_id)
    ended = "failed" if wish == "rollback" else "done"  # the local Railway keeps nothing to go back to
    assert (ann.get(path).json["changing"], state_of(ann, path, number)) == (False, ended)


def test_a_change_may_be_made_from_what_was_seen_while_it_changes(stage: Stage, ann: Person) -> None:
    path = f"/api/instances/{stage.running(ann)}"
    ann.post(f"{path}/restart")
    seen = ann.get(path).headers["ETag"]
    changed = ann.put(path, {"name": "diary"}, headers={"If-Match": seen})
    assert (changed.status_code, changed.json["changing"]) == (200, True)
    assert changed.headers["ETag"] == ann.get(path).headers["ETag"]


def asked(person: Person, path: str, *verbs: str) -> list[int]:
    """Ask for each, with no worker about; the numbers of the operations."""
    answers = [person.delete(path) if verb == "delete" else person.post(f"{path}/{verb}") for verb in verbs]
    assert [one.status_code for one in answers] == [202] * len(verbs), [one.text for one in answers]
    return [one.json["id"] for one in answers]


@pytest.mark.parametrize(
    ("verbs", "states"),
    [
        (("stop", "start"), ("replaced", "done")),
        (("stop", "start", "stop"), ("replaced", "done", "done")),
        (("restart", "stop"), ("replaced", "done")),
        (("stop", "delete"), ("replaced", "done")),
        (("restart", "delete"), ("replaced", "done")),
        (("restart", "restart"), ("done", "done")),
    ],
)
def test_what_a_later_request_took_the_place_of_is_not_said_to_be_done(
    stage: Stage, ann: Person, verbs: tuple[str, ...], states: tuple[str, ...]
) -> None:
    instance_id = stage.running(ann)
    path = f"/api/instances/{instance_id}"
    numbers = asked(ann, path, *verbs)
    stage.settle(instance_id)
    assert tuple(state_of(ann, path, number) for number in numbers) == states


def test_a_replaced_operation_says_so_at_once_and_stays_so(stage: Stage, ann: Person) -> None:
    instance_id = stage.running(ann)
    path = f"/api/instances/{instance_id}"
    asked(ann, path, "stop")
    stage.settle(instance_id)
    start, stop = asked(ann, path, "start", "stop")
    told = ann.get(f"{path}/operations/{start}").json
    assert (told["state"], told["message"]) == ("replaced", "what was asked for later took its place")
    assert ann.get(f"{path}/operations/{stop}").json["state"] == "done"
    asked(ann, path, "start")
    stage.settle(instance_id)
    assert state_of(ann, path, start) == "replaced"


def test_what_was_done_before_is_not_replaced(stage: Stage, ann: Person) -> None:
    instance_id = stage.running(ann)
    path = f"/api/instances/{instance_id}"
    (stop,) = asked(ann, path, "stop")
    stage.settle(instance_id)
    (start,) = asked(ann, path, "start")
    stage.settle(instance_id)
    assert [state_of(ann, path, number) for number in (1, stop, start)] == ["done"] * 3


def test_a_deploy_that_is_deleted_before_it_runs_was_replaced(stage: Stage, ann: Person) -> None:
    instance_id = stage.deploy(ann, stage.publish())
    path = f"/api/instances/{instance_id}"
    _setting_variables(ann, path)
    (deletion,) = asked(ann, path, "delete")
    assert [state_of(ann, path, number) for number in (1, 2, deletion)] == ["replaced", "replaced", "running"]
    stage.settle(instance_id)
    assert [state_of(ann, path, number) for number in (1, 2, deletion)] == ["replaced", "replaced", "done"]


def test_what_a_stop_leaves_to_be_done_later_is_not_replaced_by_it(stage: Stage, ann: Person) -> None:
    instance_id = stage.running(ann)
    path = f"/api/instances/{instance_id}"
    _setting_variables(ann, path)
    variables = newest(ann, path)
    asked(ann, path, "stop")
    stage.settle(instance_id)
    assert state_of(ann, path, variables) == "done"


def test_limits_that_were_set_anew_before_they_were_given_were_replaced(stage: Stage, ann: Person) -> None:
    instance_id = stage.running(ann)
    path = f"/api/instances/{instance_id}"
    for vcpus in ("1", "2"):
        body = {"limits": {"vcpus": vcpus, "memory_gb": "1"}}
        assert ann.put(path, body, headers={"If-Match": "*"}).status_code == 200
    last = newest(ann, path)
    assert [state_of(ann, path, number) for number in (last - 1, last)] == ["replaced", "running"]


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    def test_what_was_dropped_and_what_is_under_way(self, stage: Stage, ann: Person) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}"
        restart, stop = asked(ann, path, "restart", "stop")
        assert ann.get(path).json["changing"] is True
        stage.settle(instance_id)
        start, again = asked(ann, path, "start", "stop")
        stage.settle(instance_id)
        states = [state_of(ann, path, number) for number in (1, restart, stop, start, again)]
        assert states == ["done", "replaced", "done", "replaced", "done"]
        assert ann.get(path).json["changing"] is False
