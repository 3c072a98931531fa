"""The catalogue over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.server.api.conftest import document

if TYPE_CHECKING:
    from flask import Flask

    from railway_saas.emulator import Emulator
    from reference_server.composition import Platform
    from tests.server.api.conftest import Stage
    from tests.server.conftest import Person


def kind(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["type"].rpartition(":")[2]


def test_anybody_sees_what_is_offered_and_only_administrators_what_was_withdrawn(
    stage: Stage, app: Flask, ann: Person, admin: Person
) -> None:
    kept, gone = stage.publish("Kept", category="apps"), stage.publish("Gone", category="old")
    assert admin.delete(f"/api/templates/{gone}").status_code == 204
    nobody = app.test_client()
    assert [one["id"] for one in nobody.get("/api/templates").json["items"]] == [kept]
    assert nobody.get("/api/templates?category=old").json["items"] == []
    assert [one["id"] for one in admin.get("/api/templates").json["items"]] == [kept, gone]
    assert [one["id"] for one in admin.get("/api/templates?is_active=false").json["items"]] == [gone]
    assert kind(ann.get("/api/templates?is_active=false")) == (403, "forbidden")
    for person in (nobody, ann):
        assert person.get(f"/api/templates/{gone}").status_code == 404
        assert person.get(f"/api/templates/{kept}").status_code == 200
    assert admin.get(f"/api/templates/{gone}").json["is_active"] is False


def test_a_template_shows_its_form_what_it_would_do_and_its_revisions(stage: Stage, app: Flask) -> None:
    shown = app.test_client().get(f"/api/templates/{stage.publish()}").json
    assert shown["inputs"]["required"] == ["Web.ADMIN_EMAIL"]
    assert shown["inputs"]["properties"]["Web.API_TOKEN"]["format"] == "password"
    assert [one["name"] for one in shown["plan"]["services"]] == ["Web", "Database"]
    assert float(shown["plan"]["estimated_monthly_cost"]["total"]) > 0
    assert isinstance(shown["plan"]["warnings"], list)
    assert [one["number"] for one in shown["revisions"]] == [1]


def test_a_document_is_published_with_every_fault_named(ann: Person, admin: Person) -> None:
    body = {"name": "Web", "document": document(), "category": "apps", "resources": {"vcpus": "2"}}
    assert kind(ann.post("/api/templates", body)) == (403, "forbidden")
    made = admin.post("/api/templates", body)
    assert (made.status_code, made.headers["Location"]) == (201, f"/api/templates/{made.json['id']}")
    assert (made.json["category"], made.json["resources"]) == ("apps", {"vcpus": "2", "memory_gb": None})
    assert admin.get(made.headers["Location"]).headers["ETag"] == made.headers["ETag"]
    broken = admin.post("/api/templates", {**body, "document": {"services": {"a": {"name": 1}}}})
    assert kind(broken) == (422, "invalid-request")
    assert broken.json["errors"]
    for wrong in ({"name": "x"}, {**body, "railway_code": "postgres"}, {"document": document()}):
        assert admin.post("/api/templates", wrong).status_code == 422


def test_a_template_of_railways_is_published_by_its_code(admin: Person) -> None:
    made = admin.post("/api/templates", {"railway_code": "postgres"})
    assert made.status_code == 201, made.text
    assert not made.json["railway_template_id"].startswith("local:")
    assert kind(admin.post("/api/templates", {"railway_code": "postgres"})) == (409, "name-taken")
    assert kind(admin.post("/api/templates", {"railway_code": "nope"})) == (422, "invalid-request")


def test_a_change_publishes_a_revision_and_says_what_it_was_made_from(
    stage: Stage, admin: Person, ann: Person
) -> None:
    path = f"/api/templates/{stage.publish(category='apps')}"
    etag = admin.get(path).headers["ETag"]
    change = {
        "name": "Newer",
        "description": "Now with more.",
        "price_tier": "pro",
        "resources": {"memory_gb": "1"},
        "document": document(image="ghcr.io/acme/web:2"),
        "notes": "Newer web.",
    }
    assert ann.put(path, change, headers={"If-Match": etag}).status_code == 403
    assert kind(admin.put(path, change)) == (428, "precondition-required")
    changed = admin.put(path, change, headers={"If-Match": etag})
    assert changed.status_code == 200, changed.text
    assert [(one["number"], one["notes"]) for one in changed.json["revisions"]] == [
        (2, "Newer web."),
        (1, None),
    ]
    assert (changed.json["name"], changed.json["category"], changed.json["price_tier"]) == (
        "Newer",
        "apps",
        "pro",
    )
    assert kind(admin.put(path, {"name": "Late"}, headers={"If-Match": etag})) == (412, "precondition-failed")
    cleared = admin.put(path, {"category": None}, headers={"If-Match": changed.headers["ETag"]})
    assert cleared.json["category"] is None
    for nothing in ({}, {"notes": "x"}, {"name": None}):
        assert admin.put(path, nothing, headers={"If-Match": "*"}).status_code == 422


def test_what_was_withdrawn_cannot_be_deployed_until_it_is_offered_again(
    stage: Stage, ann: Person, admin: Person
) -> None:
    template_id = stage.publish()
    path = f"/api/templates/{template_id}"
    assert kind(admin.delete(path, headers={"If-Match": '"old"'})) == (412, "precondition-failed")
    assert admin.delete(path).status_code == 204
    wish = {"template_id": template_id, "name": "blog", "inputs": {"ADMIN_EMAIL": "a@example.com"}}
    assert ann.post("/api/templates/deploy", wish).status_code == 404
    assert admin.put(path, {"is_active": True}, headers={"If-Match": "*"}).status_code == 200
    assert ann.post("/api/templates/deploy", wish).status_code == 202


def test_changes_of_the_catalogue_stand_in_the_audit_log(
    stage: Stage, admin: Person, platform: Platform
) -> None:
    from reference_server.security.scope import SYSTEM, scoped

    template_id = stage.publish()
    admin.put(f"/api/templates/{template_id}", {"name": "B"}, headers={"If-Match": "*"})
    admin.delete(f"/api/templates/{template_id}")
    with scoped(SYSTEM), platform.database.unit_of_work() as work:
        entries = work.audit.list_page(subject_type="template", subject_id=template_id).items
    assert [one.action for one in entries] == ["template.publish", "template.change", "template.withdraw"]
    assert (entries[1].details["before"], entries[1].details["after"]) == ({"name": "Acme"}, {"name": "B"})
    assert entries[1].actor == f"operator:{admin.user.id}"


def test_what_is_not_there_is_said_so(admin: Person) -> None:
    path = f"/api/templates/{uuid4()}"
    answers = [
        admin.get(path),
        admin.put(path, {"name": "x"}, headers={"If-Match": "*"}),
        admin.delete(path),
    ]
    assert [kind(one) for one in answers] == [(404, "not-found")] * 3


class TestRailway:
    def test_administrators_list_and_make_what_is_named_here(
        self, stage: Stage, ann: Person, admin: Person, platform: Platform, emulator: Emulator
    ) -> None:
        instance_id = stage.running(ann)
        (project,) = admin.get("/api/railway/projects").json["items"]
        assert instance_id in project["description"]
        query = {"project_id": project["id"]}
        services = admin.get("/api/railway/services", query_string=query).json["items"]
        assert {one["name"] for one in services} == {"Web", "Database"}
        first = admin.get("/api/railway/services", query_string={**query, "limit": 1}).json
        rest = admin.get(
            "/api/railway/services", query_string={**query, "limit": 1, "cursor": first["next_cursor"]}
        )
        assert first["items"] + rest.json["items"] == services
        deployments = admin.get("/api/railway/deployments", query_string=query).json["items"]
        assert {one["status"] for one in deployments} == {"SUCCESS"}
        made = admin.post(
            "/api/railway/services",
            {"project_id": project["id"], "name": "extra", "image": "nginx:1"},
            headers={"Idempotency-Key": "k"},
        )
        assert (made.status_code, made.json["name"]) == (201, "extra")

    def test_nobody_else_may(self, ann: Person, app: Flask, admin: Person) -> None:
        for path in ("projects", "services?project_id=x", "deployments?project_id=x"):
            assert ann.get(f"/api/railway/{path}").status_code == 403
            assert app.test_client().get(f"/api/railway/{path}").status_code == 401
        assert ann.post("/api/railway/services", {"project_id": "x", "name": "y"}).status_code == 403

    def test_what_railway_refuses_is_told_and_the_token_never(
        self, admin: Person, emulator: Emulator
    ) -> None:
        answers = [
            admin.get(f"/api/railway/services?project_id={uuid4()}"),
            admin.get(f"/api/railway/deployments?project_id={uuid4()}"),
            admin.get("/api/railway/deployments?project_id=x&status=NOPE"),
            admin.post("/api/railway/services", {"project_id": str(uuid4()), "name": "x", "image": "y"}),
            admin.get("/api/railway/projects?cursor=AAAA"),
        ]
        assert [one.status_code for one in answers] == [404, 404, 422, 404, 422]
        assert not any(emulator.api_token in one.text for one in answers)

    def test_an_answer_that_got_lost_is_told_as_such(self, admin: Person, emulator: Emulator) -> None:
        project = emulator.client().projects.create(name="p", workspace_id=emulator.workspace_id)
        emulator.faults.add("gateway_error", "serviceCreate", applied=True)
        answer = admin.post(
            "/api/railway/services", {"project_id": project.id, "name": "x", "image": "nginx:1"}
        )
        assert kind(answer) == (503, "maybe-done")


class TestWebhook:
    def event(self, project_id: str, kind: str = "Deployment.crashed") -> dict[str, Any]:
        return {
            "type": kind,
            "timestamp": "2026-03-01T12:00:00Z",
            "details": {},
            "resource": {"project": {"id": project_id, "name": "p"}},
        }

    def post(self, app: Flask, body: Any, *, secret: str | None = None) -> Any:
        from reference_server.settings import DEVELOPMENT_SECRET

        headers = {"X-Webhook-Secret": DEVELOPMENT_SECRET if secret is None else secret}
        return app.test_client().post("/api/railway/webhook", json=body, headers=headers)

    def test_it_wakes_the_instance_it_is_about_once(
        self, stage: Stage, ann: Person, app: Flask, admin: Person
    ) -> None:
        stage.running(ann)
        (project,) = admin.get("/api/railway/projects").json["items"]
        outcomes = [
            self.post(app, self.event(project["id"])).json,
            self.post(app, self.event(project["id"])).json,
            self.post(app, self.event(project["id"], "Something.new")).json,
            self.post(app, self.event(str(uuid4()))).json,
        ]
        assert outcomes == [
            {"outcome": "woke"},
            {"outcome": "repeated"},
            {"outcome": "ignored"},
            {"outcome": "foreign"},
        ]

    def test_who_does_not_know_the_secret_is_refused_as_is_what_is_too_large_or_no_event(
        self, app: Flask
    ) -> None:
        answers = [
            self.post(app, self.event("x"), secret="wrong"),
            self.post(app, {**self.event("x"), "details": {"text": "x" * 70_000}}),
            self.post(app, ["no", "event"]),
        ]
        assert [one.status_code for one in answers] == [401, 413, 400]
        assert {one.content_type for one in answers} == {"application/problem+json"}
