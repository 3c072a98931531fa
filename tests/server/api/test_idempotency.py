"""The same `Idempotency-Key` and request: the same answer, and nothing is done a second time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from reference_server.api import idempotency
from reference_server.jobs.cleaning import clean_up
from reference_server.security.scope import SYSTEM, scoped

if TYPE_CHECKING:
    from flask import Flask

    from reference_server.composition import Platform
    from tests.server.api.conftest import Stage
    from tests.server.conftest import Person

KEY = {"Idempotency-Key": "3d0f2c5e-0d8f-4e6b-8f0c-6b1f4f3a2e10"}


def wish(template_id: str, name: str = "blog") -> dict[str, Any]:
    return {"template_id": template_id, "name": name, "inputs": {"ADMIN_EMAIL": "ann@example.com"}}


def count(person: Person) -> int:
    return len(person.get("/api/instances").json["items"])


def test_a_repeat_gets_the_answer_byte_for_byte_and_is_marked(stage: Stage, ann: Person) -> None:
    body = wish(stage.publish())
    first = ann.post("/api/instances", body, headers=KEY)
    again = ann.post("/api/instances", body, headers=KEY)
    assert (first.status_code, again.status_code) == (202, 202)
    assert (again.data, again.headers["Location"], again.content_type) == (
        first.data,
        first.headers["Location"],
        first.content_type,
    )
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert count(ann) == 1


def test_a_refusal_is_an_answer_too(stage: Stage, ann: Person) -> None:
    template_id = stage.publish()
    stage.deploy(ann, template_id)
    refused = ann.post("/api/instances", wish(template_id, "second"), headers=KEY)
    assert refused.status_code == 403
    stage.give_plan(ann)
    assert ann.post("/api/instances", wish(template_id, "second"), headers=KEY).data == refused.data
    new = {"Idempotency-Key": "another"}
    assert ann.post("/api/instances", wish(template_id, "second"), headers=new).status_code == 202


@pytest.mark.parametrize("path", ["/api/instances", "/api/templates/deploy"])
def test_inputs_that_were_refused_may_be_mended_under_the_key(stage: Stage, ann: Person, path: str) -> None:
    body = wish(stage.publish())
    for wrong in ({**body, "inputs": {}}, {**body, "inputs": {"NOPE": "x"}}):
        assert ann.post(path, wrong, headers=KEY).status_code == 422
    assert ann.post(path, body, headers=KEY).status_code == 202
    assert ann.post(path, body, headers=KEY).headers["Idempotent-Replayed"] == "true"
    assert count(ann) == 1


def test_whatever_is_not_valid_leaves_the_key_free(stage: Stage, ann: Person, admin: Person) -> None:
    """Each is refused first, and then the same key does the next one."""
    path = f"/api/instances/{stage.running(ann)}"
    for person, where, body in (
        (ann, f"{path}/restart?service=Nope", None),
        (ann, f"{path}/domains", {"domain": "nonsense"}),
        (ann, f"{path}/upgrade", {"inputs": {"NOPE": "x"}}),
        (admin, "/api/templates", {"name": "x", "document": {"services": {}}}),
    ):
        refused = person.post(where, body, headers=KEY)
        assert refused.status_code == 422, (where, refused.text)
        assert "Idempotency-Key" not in refused.text, (where, refused.text)
    assert ann.post(f"{path}/stop", headers=KEY).status_code == 202


def test_another_request_under_the_key_is_refused(stage: Stage, ann: Person) -> None:
    template_id = stage.publish()
    ann.post("/api/instances", wish(template_id), headers=KEY)
    other_body = ann.post("/api/instances", wish(template_id, "other"), headers=KEY)
    other_path = ann.post("/api/templates/deploy", wish(template_id), headers=KEY)
    assert (other_body.status_code, other_path.status_code) == (422, 422)
    assert other_body.json["errors"][0]["pointer"] == "#/Idempotency-Key"
    assert count(ann) == 1


def test_what_was_never_begun_leaves_the_key_free(stage: Stage, ann: Person) -> None:
    body = wish(stage.publish())
    assert ann.post("/api/instances", {**body, "name": ""}, headers=KEY).status_code == 422
    assert ann.post("/api/instances", body, headers=KEY).status_code == 202


def test_a_key_is_its_owners_own(stage: Stage, ann: Person, bob: Person) -> None:
    body = wish(stage.publish())
    answers = [person.post("/api/instances", body, headers=KEY) for person in (ann, bob)]
    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].json["instance_id"] != answers[1].json["instance_id"]


@pytest.mark.parametrize("key", ["", " x", "x" * 256, "tab\tbed", "Ärger"])
def test_a_key_that_cannot_be_one_is_refused(stage: Stage, ann: Person, key: str) -> None:
    refused = ann.post("/api/instances", wish(stage.publish()), headers={"Idempotency-Key": key})
    assert refused.status_code == 422
    assert count(ann) == 0


def test_while_the_first_is_at_work_the_second_is_told_to_wait(
    stage: Stage, ann: Person, app: Flask, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = wish(stage.publish())
    deploy, meanwhile = platform.manager.deploy, []

    def ask_meanwhile(**arguments: Any) -> Any:
        headers = {"Authorization": f"Bearer {ann.token}", **KEY}
        meanwhile.append(app.test_client().post("/api/instances", json=body, headers=headers))
        return deploy(**arguments)

    monkeypatch.setattr(platform.manager, "deploy", ask_meanwhile)
    assert ann.post("/api/instances", body, headers=KEY).status_code == 202
    (second,) = meanwhile
    assert (second.status_code, second.json["type"].rpartition(":")[2]) == (409, "still-at-work")
    assert 1 <= int(second.headers["Retry-After"]) <= 5


def test_after_a_crash_the_repeat_finds_what_the_first_one_made(
    stage: Stage, ann: Person, platform: Platform, emulator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies between the commit of the deploy and the commit of its answer."""
    body = wish(stage.publish())

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(idempotency, "_keep", die)
        with pytest.raises(KeyboardInterrupt):
            ann.post("/api/instances", body, headers=KEY)
    assert count(ann) == 1
    assert ann.post("/api/instances", body, headers=KEY).status_code == 409
    emulator.clock.advance(61)
    again = ann.post("/api/instances", body, headers=KEY)
    assert again.status_code == 202
    assert count(ann) == 1
    assert again.json["instance_id"] == ann.get("/api/instances").json["items"][0]["id"]
    assert ann.post("/api/instances", body, headers=KEY).data == again.data


def test_after_a_crash_a_key_that_nobody_has_seen_is_revoked(
    ann: Person, emulator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"name": "script", "scopes": ["instances:read"]}

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(idempotency, "_keep", die)
        with pytest.raises(KeyboardInterrupt):
            ann.post("/api/users/api-keys", body, headers=KEY)
    emulator.clock.advance(61)
    again = ann.post("/api/users/api-keys", body, headers=KEY)
    assert again.status_code == 201
    good = [one["id"] for one in ann.get("/api/users/api-keys").json["items"] if not one["revoked_at"]]
    assert good == [again.json["id"]]


def test_a_fault_of_ours_leaves_the_key_free(
    stage: Stage, ann: Person, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from railway_saas.errors import RepositoryError

    body = wish(stage.publish())

    def fail(**_: object) -> None:
        raise RepositoryError("the database is gone", transient=True)

    with monkeypatch.context() as failing:
        failing.setattr(platform.manager, "deploy", fail)
        assert ann.post("/api/instances", body, headers=KEY).status_code == 503
    assert ann.post("/api/instances", body, headers=KEY).status_code == 202


def test_answers_are_kept_sealed_and_forgotten_after_a_day(
    stage: Stage, ann: Person, platform: Platform, emulator: Any
) -> None:
    from sqlalchemy import text

    def stored() -> list[str]:
        with platform.database.engine.connect() as connection:
            return list(connection.execute(text("SELECT answer FROM idempotent_requests")).scalars())

    first = ann.post("/api/instances", wish(stage.publish()), headers=KEY)
    (answer,) = stored()
    assert first.json["instance_id"] not in answer
    with scoped(SYSTEM):
        clean_up(platform, "")
        assert stored() == [answer]
        emulator.clock.advance(86_401)
        clean_up(platform, "")
        assert stored() == []


def test_a_key_that_is_over_serves_anew(stage: Stage, ann: Person, emulator: Any) -> None:
    template_id = stage.publish()
    stage.give_plan(ann)
    ann.post("/api/instances", wish(template_id), headers=KEY)
    emulator.clock.advance(86_401)
    ann.log_in()
    other = ann.post("/api/instances", wish(template_id, "other"), headers=KEY)
    assert (other.status_code, "Idempotent-Replayed" in other.headers) == (202, False)


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    def test_twenty_equal_requests_at_once_make_one_instance(
        self, stage: Stage, ann: Person, app: Flask
    ) -> None:
        stage.give_plan(ann)
        body, start = wish(stage.publish()), threading.Barrier(20)
        headers = {"Authorization": f"Bearer {ann.token}", **KEY}
        answers: list[Any] = []

        def ask() -> None:
            start.wait()
            answers.append(app.test_client().post("/api/instances", json=body, headers=headers))

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert {one.status_code for one in answers} <= {202, 409}, [one.text for one in answers]
        assert len({one.data for one in answers if one.status_code == 202}) == 1
        assert count(ann) == 1
        last = ann.post("/api/instances", body, headers=KEY)
        assert (last.status_code, last.headers["Idempotent-Replayed"]) == (202, "true")
