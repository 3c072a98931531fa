"""Customers' instances over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.server.api.conftest import document

if TYPE_CHECKING:
    from flask import Flask

    from reference_server.composition import Platform
    from tests.server.api.conftest import Stage
    from tests.server.conftest import Person


def operation_of(person: Person, answer: Any) -> Any:
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == answer.json["links"]["self"]
    return person.get(answer.headers["Location"]).json


def problem(answer: Any) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json", answer.text
    return answer.status_code, answer.json["type"].rpartition(":")[2]


class TestDeploying:
    def test_a_deploy_is_accepted_at_once_and_followed_until_it_runs(self, stage: Stage, ann: Person) -> None:
        template_id = stage.publish()
        stage.give_plan(ann)
        body = {"template_id": template_id, "name": "blog", "inputs": {"Web.ADMIN_EMAIL": "a@example.com"}}
        accepted = ann.post("/api/instances", body)
        begun = operation_of(ann, accepted)
        assert (begun["id"], begun["state"], begun["done"], begun["total"]) == (1, "running", 0, 2)
        assert begun["instance_status"] == "accepted"
        stage.settle(begun["instance_id"])
        ended = ann.get(begun["links"]["self"]).json
        assert (ended["state"], ended["done"], ended["total"]) == ("done", 2, 2)
        instance = ann.get(begun["links"]["instance"]).json
        assert (instance["status"], instance["changing"], instance["error"]) == ("running", False, None)
        assert instance["domain"].endswith(".up.railway.app")
        assert instance["resources"]["services"] == 2

    def test_the_catalogue_has_another_way_to_the_same(self, stage: Stage, ann: Person) -> None:
        body = {"template_id": stage.publish(), "name": "blog", "inputs": {"ADMIN_EMAIL": "a@example.com"}}
        accepted = ann.post("/api/templates/deploy", body)
        assert operation_of(ann, accepted)["state"] == "running"

    def test_every_missing_input_is_named(self, stage: Stage, ann: Person) -> None:
        refused = ann.post("/api/instances", {"template_id": stage.publish(), "name": "blog"})
        assert problem(refused) == (422, "invalid-request")
        assert [fault["pointer"] for fault in refused.json["errors"]] == ["#/inputs/Web.ADMIN_EMAIL"]

    def test_a_limit_of_the_plan_is_named_with_the_plan_that_would_do(
        self, stage: Stage, ann: Person
    ) -> None:
        template_id = stage.publish()
        stage.deploy(ann, template_id)
        body = {"template_id": template_id, "name": "second", "inputs": {"ADMIN_EMAIL": "a@example.com"}}
        refused = ann.post("/api/instances", body)
        assert problem(refused) == (403, "limit-exceeded")
        assert (refused.json["limit"], refused.json["next_plan"]) == ("instances", "pro")

    def test_a_name_that_is_taken_a_template_that_is_not_there(self, stage: Stage, ann: Person) -> None:
        template_id = stage.publish()
        stage.give_plan(ann)
        stage.deploy(ann, template_id, "blog")
        body = {"template_id": template_id, "name": "BLOG", "inputs": {"ADMIN_EMAIL": "a@example.com"}}
        assert problem(ann.post("/api/instances", body)) == (409, "name-taken")
        gone = ann.post("/api/instances", {**body, "name": "other", "template_id": str(uuid4())})
        assert problem(gone) == (404, "not-found")

    def test_what_is_not_known_in_a_body_is_refused(self, stage: Stage, ann: Person) -> None:
        refused = ann.post("/api/instances", {"template_id": stage.publish(), "name": "blog", "user_id": "x"})
        assert problem(refused) == (422, "invalid-request")
        assert refused.json["errors"][0]["pointer"] == "#/user_id"


class TestReading:
    def test_somebody_elses_instance_is_not_there_whatever_is_done_with_it(
        self, stage: Stage, ann: Person, bob: Person
    ) -> None:
        anns = stage.deploy(ann, stage.publish())
        missing = str(uuid4())
        etag = {"If-Match": "*"}
        for method, path, body in OWN_OPERATIONS:
            answers = [
                bob.browser.open(
                    f"/api/instances/{instance_id}{path}",
                    method=method,
                    json=body,
                    headers={"Authorization": f"Bearer {bob.token}", **etag},
                )
                for instance_id in (anns, missing)
            ]
            told = [{key: value for key, value in one.json.items() if key != "request_id"} for one in answers]
            assert answers[0].status_code == 404, (method, path, answers[0].text)
            assert told[0] == told[1], (method, path)
        assert ann.get(f"/api/instances/{anns}").json["name"] == "blog"

    def test_a_list_holds_ones_own_and_an_administrators_everybodys(
        self, stage: Stage, ann: Person, bob: Person, admin: Person
    ) -> None:
        template_id = stage.publish()
        anns, bobs = stage.deploy(ann, template_id, "a"), stage.deploy(bob, template_id, "b")
        ids = {
            person.user.name: [one["id"] for one in person.get("/api/instances").json["items"]]
            for person in (ann, bob, admin)
        }
        assert ids == {"ann": [anns], "bob": [bobs], "root": [anns, bobs]}
        only = admin.get(f"/api/instances?user_id={bob.user.id}").json["items"]
        assert [one["id"] for one in only] == [bobs]
        assert problem(ann.get(f"/api/instances?user_id={bob.user.id}")) == (403, "forbidden")
        assert problem(ann.get("/api/instances?needs_attention=true")) == (403, "forbidden")
        assert ann.get("/api/instances?status=running").json["items"] == []

    def test_pages_are_walked_by_cursors_that_only_their_own_list_takes(
        self, stage: Stage, ann: Person, bob: Person
    ) -> None:
        template_id = stage.publish()
        stage.give_plan(ann)
        made = [stage.deploy(ann, template_id, f"n{number}") for number in range(5)]
        seen, cursor = [], None
        while cursor is not None or not seen:
            page = ann.get(
                "/api/instances", query_string={"limit": 2, **({"cursor": cursor} if cursor else {})}
            )
            seen += [one["id"] for one in page.json["items"]]
            cursor = page.json["next_cursor"]
        assert seen == made
        first = ann.get("/api/instances?limit=2").json["next_cursor"]
        for path in (f"/api/instances?status=running&cursor={first}", f"/api/templates?cursor={first}"):
            assert problem(ann.get(path)) == (422, "invalid-request"), path
        assert problem(bob.get(f"/api/instances?cursor={first}")) == (422, "invalid-request")
        for bad in ("x", "%00", first[:-1], first + "A", "🙂"):
            assert problem(ann.get(f"/api/instances?cursor={bad}")) == (422, "invalid-request"), bad

    def test_status_counts_and_lists_what_changes_in_one_request(self, stage: Stage, ann: Person) -> None:
        settled = stage.running(ann, "settled")
        waiting = stage.deploy(ann, stage.publish("Other"), "waiting")
        status = ann.get("/api/instances/status").json
        assert status["counts"] == {"running": 1, "accepted": 1}
        assert status["total"] == 2
        assert [one["id"] for one in status["changing"]] == [waiting] != [settled]
        assert status["changing"][0]["operation"]["message"] == "accepted"
        ann.post(f"/api/instances/{settled}/restart")
        assert settled in [one["id"] for one in ann.get("/api/instances/status").json["changing"]]

    def test_what_is_unchanged_is_not_sent_again(self, stage: Stage, ann: Person) -> None:
        path = f"/api/instances/{stage.deploy(ann, stage.publish())}"
        etag = ann.get(path).headers["ETag"]
        again = ann.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)


OWN_OPERATIONS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("PUT", "", {"name": "stolen"}),
    ("DELETE", "", None),
    ("POST", "/cancel-deletion", None),
    ("GET", "/logs", None),
    ("GET", "/logs/stream", None),
    ("GET", "/events", None),
    ("GET", "/deployments", None),
    ("GET", "/metrics", None),
    ("GET", "/operations", None),
    ("GET", "/operations/1", None),
    ("GET", "/domains", None),
    ("POST", "/domains", {"domain": "app.example.com"}),
    ("DELETE", "/domains/app.example.com", None),
    ("GET", "/variables", None),
    ("PUT", "/variables", {"variables": {"Web": {"A": "b"}}}),
    ("GET", "/backups", None),
    ("POST", "/backups", None),
    ("POST", "/restore", {"backup_id": "x"}),
    ("POST", "/restart", None),
    ("POST", "/redeploy", None),
    ("POST", "/rollback", {"deployment_id": "x"}),
    ("POST", "/stop", None),
    ("POST", "/start", None),
    ("POST", "/upgrade", {}),
    ("POST", "/upgrade/preview", {}),
]


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    def test_a_life_over_http(self, stage: Stage, ann: Person, bob: Person, admin: Person) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}"
        assert ann.get(path).json["status"] == "running"
        assert problem(bob.get(path)) == (404, "not-found")
        assert admin.get(path).json["id"] == instance_id
        etag = ann.get(path).headers["ETag"]
        assert ann.put(path, {"name": "diary"}, headers={"If-Match": etag}).json["name"] == "diary"
        assert ann.get("/api/instances/status").json["counts"] == {"running": 1}
        assert operation_of(ann, ann.delete(path))["state"] == "running"
        stage.settle(instance_id)
        assert ann.get(path).json["status"] == "deleted"

    def test_the_catalogue_is_changed_by_administrators_and_webhooks_wake(
        self, stage: Stage, ann: Person, admin: Person, app: Flask
    ) -> None:
        from reference_server.settings import DEVELOPMENT_SECRET

        stage.running(ann)
        made = admin.post("/api/templates", {"name": "New", "document": document()})
        changed = admin.put(
            made.headers["Location"],
            {"name": "Newer", "document": document(image="ghcr.io/acme/web:2")},
            headers={"If-Match": made.headers["ETag"]},
        )
        assert (changed.json["name"], len(changed.json["revisions"])) == ("Newer", 2)
        assert admin.delete(made.headers["Location"]).status_code == 204
        (project,) = admin.get("/api/railway/projects").json["items"]
        event = {"type": "Deployment.crashed", "resource": {"project": {"id": project["id"]}}}
        told = app.test_client().post(
            "/api/railway/webhook", json=event, headers={"X-Webhook-Secret": DEVELOPMENT_SECRET}
        )
        assert told.json == {"outcome": "woke"}
        assert ann.get("/api/instances/status").json["counts"] == {"running": 1}


class TestChanging:
    def test_name_and_limits_change_together_or_not_at_all(
        self, stage: Stage, ann: Person, platform: Platform
    ) -> None:
        path = f"/api/instances/{stage.running(ann)}"
        stage.deploy(ann, stage.publish("Other"), "taken")
        seen = ann.get(path)
        both = {"name": "taken", "limits": {"vcpus": "1", "memory_gb": "1"}}
        assert problem(ann.put(path, both, headers={"If-Match": seen.headers["ETag"]})) == (409, "name-taken")
        assert ann.get(path).json == seen.json
        good = ann.put(path, {**both, "name": "diary"}, headers={"If-Match": seen.headers["ETag"]})
        assert (good.status_code, good.json["name"]) == (200, "diary")
        assert good.json["limits"] == {"vcpus": "1", "memory_gb": "1"}
        assert good.json["resources"]["vcpus"] == "2"
        assert good.headers["ETag"] == ann.get(path).headers["ETag"]

    def test_a_change_says_what_it_was_made_from(self, stage: Stage, ann: Person) -> None:
        path = f"/api/instances/{stage.running(ann)}"
        etag = ann.get(path).headers["ETag"]
        assert problem(ann.put(path, {"name": "b"})) == (428, "precondition-required")
        assert ann.put(path, {"name": "b"}, headers={"If-Match": etag}).status_code == 200
        assert problem(ann.put(path, {"name": "c"}, headers={"If-Match": etag})) == (
            412,
            "precondition-failed",
        )
        assert problem(ann.put(path, {"name": "c"}, headers={"If-Match": "nonsense"})) == (
            412,
            "precondition-failed",
        )
        assert ann.put(path, {"name": "c"}, headers={"If-Match": "*"}).status_code == 200
        assert ann.get(path).json["name"] == "c"

    def test_a_deletion_is_scheduled_called_off_and_done(
        self, stage: Stage, ann: Person, platform: Platform
    ) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}"
        at = (platform.now() + timedelta(days=3)).isoformat()
        assert operation_of(ann, ann.delete(path, query_string={"at": at}))["state"] == "done"
        assert ann.get(path).json["delete_at"][:10] == at[:10]
        assert ann.post(f"{path}/cancel-deletion").status_code == 202
        assert ann.get(path).json["delete_at"] is None
        past = (platform.now() - timedelta(days=3)).isoformat()
        assert problem(ann.delete(path, query_string={"at": past})) == (422, "invalid-request")
        assert problem(ann.delete(path, query_string={"at": "2030-01-01T00:00:00"})) == (
            422,
            "invalid-request",
        )
        ann.delete(path)
        stage.settle(instance_id)
        assert ann.get(path).json["status"] == "deleted"

    def test_switches(self, stage: Stage, ann: Person, admin: Person) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}"
        for verb, then in (
            ("restart", "running"),
            ("redeploy?service=Web", "running"),
            ("stop", "stopped"),
            ("start", "running"),
        ):
            assert operation_of(ann, ann.post(f"{path}/{verb}"))["state"] == "running", verb
            stage.settle(instance_id)
            assert ann.get(path).json["status"] == then, verb
        assert problem(ann.post(f"{path}/suspend")) == (403, "forbidden")
        assert admin.post(f"{path}/suspend").status_code == 202
        stage.settle(instance_id)
        assert ann.get(path).json["status"] == "suspended"
        refused = ann.post(f"{path}/restart")
        assert problem(refused) == (409, "illegal-transition")
        assert refused.json["current"] == "suspended"
        assert admin.post(f"{path}/resume").status_code == 202
        assert problem(ann.post(f"{path}/restart?service=Nope"))[0] in {409, 422}

    def test_who_did_it_stands_in_the_audit_log(
        self, stage: Stage, ann: Person, admin: Person, platform: Platform
    ) -> None:
        from reference_server.security.scope import SYSTEM, scoped

        instance_id = stage.running(ann)
        ann.put(f"/api/instances/{instance_id}", {"name": "b"}, headers={"If-Match": "*"})
        admin.post(f"/api/instances/{instance_id}/suspend")
        with scoped(SYSTEM), platform.database.unit_of_work() as work:
            entries = work.audit.list_page(subject_type="instance", subject_id=instance_id).items
        assert [(one.action, one.actor) for one in entries] == [
            ("instance.deploy", str(ann.user.id)),
            ("instance.rename", str(ann.user.id)),
            ("instance.suspend", f"operator:{admin.user.id}"),
        ]
        assert entries[1].details["before"] == "blog"
        assert entries[1].details["origin"]["request_id"]
