"""What is said when something is not done: what is missing, what is in the way, what may be done instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from reference_server.api.pointers import pointer, pointer_of_path
from reference_server.security.scope import SYSTEM, scoped
from tests.server.api.conftest import WEB, document

if TYPE_CHECKING:
    from flask import Flask

    from reference_server.composition import Platform
    from tests.server.api.conftest import Stage
    from tests.server.conftest import Person

NOBODYS = str(uuid4())
FOR_OPERATORS = {"suspend", "resume", "retry", "abandon", "adopt"}


def told(answer: Any, status: int, kind: str) -> str:
    """The sentence of a problem of this kind."""
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
    assert answer.json["type"] == f"urn:railway-saas:problem:{kind}"
    assert (answer.json["status"], bool(answer.json["title"])) == (status, True)
    return str(answer.json["detail"])


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [fault["pointer"] for fault in answer.json["errors"]]


class TestWhatIsMissingIsNamed:
    def test_of_an_instance(self, stage: Stage, ann: Person) -> None:
        path = f"/api/instances/{stage.running(ann)}"
        for answer, what in (
            (ann.get(f"/api/instances/{NOBODYS}"), "instance"),
            (ann.post(f"/api/instances/{NOBODYS}/restart"), "instance"),
            (ann.get(f"/api/instances/{NOBODYS}/operations/1"), "instance"),
            (ann.get(f"{path}/operations/77"), "operation"),
            (ann.delete(f"{path}/domains/app.example.com"), "domain"),
            (ann.post(f"{path}/rollback", {"deployment_id": "nope"}), "deployment"),
            (ann.post(f"{path}/restore", {"backup_id": "nope"}), "backup"),
            (ann.post(f"{path}/upgrade", {"revision_id": NOBODYS}), "revision"),
            (ann.post(f"{path}/upgrade/preview", {"revision_id": NOBODYS}), "revision"),
        ):
            assert told(answer, 404, "not-found") == f"There is no such {what}."

    def test_of_the_catalogue(self, stage: Stage, ann: Person, admin: Person) -> None:
        template_id = stage.publish()
        wish = {"template_id": template_id, "name": "blog", "inputs": {"ADMIN_EMAIL": "ann@example.com"}}
        for answer, what in (
            (ann.get(f"/api/templates/{NOBODYS}"), "template"),
            (ann.post("/api/instances", {**wish, "template_id": NOBODYS}), "template"),
            (ann.post("/api/templates/deploy", {**wish, "revision_id": NOBODYS}), "revision"),
            (
                admin.put(f"/api/templates/{NOBODYS}", {"name": "x"}, headers={"If-Match": "*"}),
                "template",
            ),
            (admin.delete(f"/api/templates/{NOBODYS}"), "template"),
        ):
            assert told(answer, 404, "not-found") == f"There is no such {what}."

    def test_of_people(self, ann: Person, admin: Person) -> None:
        for answer, what in (
            (ann.delete(f"/api/auth/sessions/{NOBODYS}"), "session"),
            (ann.delete(f"/api/users/api-keys/{NOBODYS}"), "API key"),
            (ann.get(f"/api/users/{NOBODYS}"), "user"),
            (admin.get(f"/api/users/{NOBODYS}"), "user"),
            (admin.delete(f"/api/users/{NOBODYS}"), "user"),
        ):
            assert told(answer, 404, "not-found") == f"There is no such {what}."


class TestOurOwnWords:
    @pytest.mark.parametrize("path", ["/nope", "/api/nope", "/api/instances/not-an-id", "/docs/nope.js"])
    def test_there_is_nothing_at_an_address(self, ann: Person, path: str) -> None:
        said = told(ann.get(path), 404, "not-found")
        assert said == "There is nothing at this address; /openapi.json says what there is."

    def test_a_method_that_an_address_does_not_take(self, app: Flask) -> None:
        refused = app.test_client().patch("/api/templates")
        assert told(refused, 405, "method-not-allowed") == "This address takes GET and POST."
        assert {"GET", "POST"} <= {one.strip() for one in refused.headers["Allow"].split(",")}

    def test_bodies(self, ann: Person) -> None:
        headers = {"Authorization": f"Bearer {ann.token}"}
        too_large = ann.browser.post("/api/instances", data=b" " * 1_048_577, headers=headers)
        assert told(too_large, 413, "request-entity-too-large") == "At most 1048576 bytes are taken."
        no_json = ann.browser.post("/api/instances", data=b"{}", content_type="text/plain", headers=headers)
        assert told(no_json, 415, "unsupported-media-type") == "Send Content-Type: application/json."
        broken = ann.browser.post(
            "/api/instances", data=b"{", content_type="application/json", headers=headers
        )
        assert told(broken, 400, "bad-request").startswith("The body is no valid JSON: ")

    @pytest.mark.parametrize("status", [400, 403, 404, 405, 408, 413, 414, 415, 417, 431])
    def test_no_sentence_is_the_frameworks(self, app: Flask, status: int) -> None:
        from werkzeug.exceptions import default_exceptions

        from reference_server.api import problems

        error = default_exceptions[status]()
        with app.test_request_context():
            answer = app.ensure_sync(app.handle_user_exception)(error)
        said = answer.get_json()["detail"]
        assert said != error.description
        assert "\n" not in said
        assert answer.content_type == problems.MEDIA_TYPE


class TestWhatIsInTheWay:
    def test_to_start_twice(self, stage: Stage, ann: Person) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}"
        ann.post(f"{path}/stop")
        stage.settle(instance_id)
        assert ann.post(f"{path}/start").status_code == 202
        refused = ann.post(f"{path}/start")
        said = told(refused, 409, "illegal-transition")
        assert said.startswith("Start is not possible: the instance is stopped and being started already; ")
        assert refused.json["current"] == "stopped"
        assert "start" not in refused.json["allowed"]
        assert {"stop", "delete"} <= set(refused.json["allowed"])

    def test_only_what_whoever_asks_may_do_is_offered(self, stage: Stage, ann: Person, admin: Person) -> None:
        path = f"/api/instances/{stage.running(ann)}"
        for answer in (
            ann.post(f"{path}/start"),
            ann.post(f"{path}/cancel-deletion"),
        ):
            assert not FOR_OPERATORS & set(answer.json["allowed"]), answer.text
            assert "suspend" not in told(answer, 409, "illegal-transition")
            assert answer.json["allowed"] == [
                verb for verb in ann.get(path).json["actions"] if verb in answer.json["allowed"]
            ]
        assert "suspend" in admin.post(f"{path}/start").json["allowed"]

    @pytest.mark.parametrize("verb", ["upgrade", "upgrade/preview"])
    def test_an_upgrade_while_a_change_comes_up(
        self, stage: Stage, ann: Person, platform: Platform, verb: str
    ) -> None:
        from uuid import UUID

        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}"
        ann.post(f"{path}/redeploy?service=Web")
        with scoped(SYSTEM):
            platform.manager.reconcile(UUID(instance_id))
        refused = ann.post(f"{path}/{verb}", {})
        said = told(refused, 409, "illegal-transition")
        assert said.startswith(
            "Upgrade is not possible: the instance is running, and a change is still coming up; "
        )
        assert "upgrade" not in refused.json["allowed"]
        assert not FOR_OPERATORS & set(refused.json["allowed"])

    def test_an_operator_has_to_decide(
        self, stage: Stage, ann: Person, admin: Person, platform: Platform
    ) -> None:
        from uuid import UUID

        instance_id = stage.running(ann)
        (project,) = admin.get("/api/railway/projects").json["items"]
        with scoped(SYSTEM):
            platform.railway.projects.delete(project["id"])
            assert platform.emulator is not None
            platform.emulator.clock.advance(600)
            platform.manager.reconcile(UUID(instance_id))
        ann.log_in()
        admin.log_in()
        path = f"/api/instances/{instance_id}"
        refused = ann.post(f"{path}/restart")
        assert told(refused, 409, "needs-attention").endswith("Possible now: delete.")
        assert refused.json["allowed"] == ["delete"]
        assert set(admin.post(f"{path}/restart").json["allowed"]) == {"delete", "retry", "abandon", "adopt"}


class TestWhereAFaultIs:
    def test_what_our_own_checks_say_stands_by_itself(self, admin: Person) -> None:
        refused = admin.post("/api/templates", {"name": "x"})
        assert refused.json["errors"] == [{"pointer": "#", "detail": "give either document or railway_code"}]
        assert "Value error" not in refused.text

    def test_names_are_escaped(self, ann: Person) -> None:
        assert pointers(ann.post("/api/auth/login", {"a/b~c": 1}))[-1] == "#/a~1b~0c"

    @pytest.mark.parametrize("method", ["post", "put"])
    def test_of_a_document(self, stage: Stage, admin: Person, method: str) -> None:
        wrong = document()
        del wrong["services"][WEB]["name"]
        wrong["services"][WEB]["variables"]["A-B"] = {"defaultValue": 1}
        body = {"name": "x", "document": wrong}
        refused = (
            admin.post("/api/templates", body)
            if method == "post"
            else admin.put(f"/api/templates/{stage.publish()}", body, headers={"If-Match": "*"})
        )
        assert refused.json["detail"] == "The template's document cannot be used."
        assert f"#/document/services/{WEB}/name" in pointers(refused)
        assert any(one.startswith(f"#/document/services/{WEB}/variables/A-B") for one in pointers(refused))
        nothing = admin.post("/api/templates", {"name": "x", "document": {"services": {}}})
        assert pointers(nothing) == ["#/document/services"]

    @pytest.mark.parametrize("verb", ["upgrade", "upgrade/preview"])
    def test_of_the_inputs_of_an_upgrade(self, stage: Stage, ann: Person, admin: Person, verb: str) -> None:
        instance_id = stage.running(ann)
        template_id = ann.get(f"/api/instances/{instance_id}").json["template_id"]
        newer = document()
        newer["services"][WEB]["variables"]["REGION"] = {"isOptional": False}
        changed = admin.put(f"/api/templates/{template_id}", {"document": newer}, headers={"If-Match": "*"})
        assert changed.status_code == 200, changed.text
        path = f"/api/instances/{instance_id}/{verb}"
        assert pointers(ann.post(path, {})) == ["#/inputs/Web.REGION"]
        unknown = ann.post(path, {"inputs": {"Web.REGION": "eu", "a/b": "x"}})
        assert pointers(unknown) == ["#/inputs/a~1b"]

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("$", "#/document"),
            ("$.services", "#/document/services"),
            ("$.services['web'].variables.PORT", "#/document/services/web/variables/PORT"),
            ("$.services['it\\'s \\\\ a/b'].name", "#/document/services/it's \\ a~1b/name"),
            ("$.a[3]['x.y']", "#/document/a/3/x.y"),
            ("$.a?!", "#/document/a"),
            ("nonsense", "#/document"),
        ],
    )
    def test_a_path_of_the_template_engine_becomes_a_pointer(self, path: str, expected: str) -> None:
        assert pointer_of_path("document", path) == expected

    def test_the_whole_body(self) -> None:
        assert pointer() == "#"
