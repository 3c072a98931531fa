"""What belongs to an instance: variables, domains, deployments, usage, backups, upgrades, operations."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from railway_saas.domain import UsageMetric
from railway_saas.domain.usage import UNITS
from reference_server.security.scope import SYSTEM, scoped
from tests.server.api.conftest import document

if TYPE_CHECKING:
    from railway_saas.emulator import Emulator
    from reference_server.composition import Platform
    from tests.server.api.conftest import Stage
    from tests.server.conftest import Person


class TestVariables:
    def test_values_are_shown_where_the_owner_set_them_and_they_are_no_secrets(
        self, stage: Stage, ann: Person
    ) -> None:
        inputs = {"ADMIN_EMAIL": "ann@example.com", "Web.API_TOKEN": "canary-token"}
        instance_id = stage.running(ann, inputs=inputs)
        answer = ann.get(f"/api/instances/{instance_id}/variables")
        shown = {f"{one['service']}.{one['name']}": one for one in answer.json["items"]}
        assert {name: (one["value"], one["secret"], one["source"]) for name, one in shown.items()} == {
            "Web.PORT": (None, False, "template"),
            "Web.ADMIN_EMAIL": ("ann@example.com", False, "input"),
            "Web.API_TOKEN": (None, True, "input"),
            "Web.APP_SECRET": (None, True, "template"),
            "Web.DATABASE_URL": (None, False, "template"),
            "Database.POSTGRES_PASSWORD": (None, True, "template"),
            "Database.DATABASE_URL": (None, False, "template"),
        }
        assert "canary-token" not in answer.text

    def test_they_are_set_taken_away_and_deployed(self, stage: Stage, ann: Person) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}/variables"
        etag = ann.get(path).headers["ETag"]
        wanted = {"variables": {"Web": {"LOG_LEVEL": "debug", "SMTP_PASSWORD": "canary", "PORT": "8080"}}}
        assert ann.put(path, wanted).status_code == 428
        assert ann.put(path, wanted, headers={"If-Match": etag}).status_code == 202
        assert ann.put(path, wanted, headers={"If-Match": etag}).status_code == 412
        stage.settle(instance_id)
        values = {one["name"]: one["value"] for one in ann.get(path).json["items"] if one["service"] == "Web"}
        assert (values["LOG_LEVEL"], values["PORT"], values["SMTP_PASSWORD"]) == ("debug", "8080", None)
        assert "canary" not in ann.get(path).text
        away = {"variables": {"Web": {"LOG_LEVEL": None}}}
        assert ann.put(path, away, headers={"If-Match": "*"}).status_code == 202
        assert "LOG_LEVEL" not in ann.get(path).text
        wrong = ann.put(path, {"variables": {"Nope": {"A": "b"}}}, headers={"If-Match": "*"})
        assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "#/variables")


class TestDomains:
    def test_a_domain_is_attached_shown_with_its_records_and_removed(
        self, stage: Stage, ann: Person, bob: Person
    ) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}/domains"
        attached = ann.post(path, {"domain": "App.Example.com"})
        assert (attached.status_code, attached.json["domain"], attached.json["state"]) == (
            202,
            "app.example.com",
            "attaching",
        )
        stage.settle(instance_id)
        (shown,) = ann.get(path).json["items"]
        assert shown["state"] == "attached"
        assert {"CNAME"} <= {record["type"] for record in shown["dns_records"]}
        bobs = stage.running(bob, "bobs")
        taken = bob.post(f"/api/instances/{bobs}/domains", {"domain": "app.example.com"})
        assert (taken.status_code, taken.json["type"].rpartition(":")[2]) == (409, "name-taken")
        assert bob.delete(f"/api/instances/{bobs}/domains/app.example.com").status_code == 404
        assert ann.delete(f"{path}/app.example.com").status_code == 202
        stage.settle(instance_id)
        assert ann.get(path).json["items"] == []

    def test_what_is_no_domain_of_theirs_is_refused(self, stage: Stage, ann: Person) -> None:
        path = f"/api/instances/{stage.running(ann)}/domains"
        for domain in ("nonsense", "x.up.railway.app", "a b.example.com"):
            assert ann.post(path, {"domain": domain}).status_code == 422, domain


class TestDeployments:
    def test_they_are_listed_and_gone_back_to(self, stage: Stage, ann: Person) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}"
        first = next(one for one in ann.get(f"{path}/deployments").json["items"] if one["service"] == "Web")
        assert first["status"] == "SUCCESS"
        ann.post(f"{path}/redeploy?service=Web")
        stage.settle(instance_id)
        back = ann.post(f"{path}/rollback", {"deployment_id": first["railway_deployment_id"]})
        assert back.status_code == 202, back.text
        assert ann.post(f"{path}/rollback", {"deployment_id": "nope"}).status_code == 404

    def test_one_that_a_newer_one_replaced_has_its_end(self, stage: Stage, ann: Person) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}"
        ann.post(f"{path}/redeploy?service=Web")
        stage.settle(instance_id)

        def ends() -> list[tuple[str, bool]]:
            listed = ann.get(f"{path}/deployments").json["items"]
            return [(one["service"], one["finished_at"] is not None) for one in listed]

        assert ends() == [("Database", False), ("Web", True), ("Web", False)]
        ann.delete(path)
        stage.settle(instance_id)
        assert ends() == [("Database", True), ("Web", True), ("Web", True)]


class TestOrder:
    def test_instances_events_and_deployments_are_read_from_either_end(
        self, stage: Stage, ann: Person
    ) -> None:
        path = f"/api/instances/{stage.running(ann)}"
        stage.running(ann, "other")
        for of in ("/api/instances", f"{path}/events", f"{path}/deployments"):
            oldest_first = [one["id"] for one in ann.get(of).json["items"]]
            assert len(oldest_first) > 1, of
            begin = ann.get(f"{of}?sort=-created_at&limit=1").json
            rest = ann.get(of, query_string={"sort": "-created_at", "cursor": begin["next_cursor"]}).json
            assert [one["id"] for one in [*begin["items"], *rest["items"]]] == oldest_first[::-1], of
            assert ann.get(of, query_string={"cursor": begin["next_cursor"]}).status_code == 422, of
            assert ann.get(f"{of}?sort=name").status_code == 422, of


class TestMetrics:
    def test_hours_and_totals_with_their_cost(self, stage: Stage, ann: Person, platform: Platform) -> None:
        from datetime import timedelta

        instance_id = stage.running(ann)
        hour = platform.now().replace(minute=0, second=0, microsecond=0)
        used = [
            UsageMetric(
                instance_id=UUID(instance_id),
                metric_type=measure,
                value=Decimal("1.5"),
                unit=UNITS[measure],
                recorded_at=hour - timedelta(hours=back),
            )
            for measure in ("CPU_USAGE", "MEMORY_USAGE_GB")
            for back in range(3)
        ]
        with scoped(SYSTEM), platform.database.unit_of_work() as work:
            work.usage.record(used)
            work.commit()
        path = f"/api/instances/{instance_id}/metrics"
        first = ann.get(f"{path}?limit=4").json
        assert [(one["metric_type"], one["value"]) for one in first["items"]] == [
            ("CPU_USAGE", "1.5"),
            ("MEMORY_USAGE_GB", "1.5"),
        ] * 2
        assert {one["metric_type"]: one["value"] for one in first["totals"]} == {
            "CPU_USAGE": "4.5",
            "MEMORY_USAGE_GB": "4.5",
        }
        assert Decimal(first["cost_usd"]) > 0
        last = ann.get(path, query_string={"limit": 4, "cursor": first["next_cursor"]}).json
        assert (len(last["items"]), last["next_cursor"], last["totals"]) == (2, None, first["totals"])
        only = ann.get(f"{path}?metric_type=CPU_USAGE").json
        assert [one["metric_type"] for one in only["totals"]] == ["CPU_USAGE"]

    def test_the_hour_that_is_not_over_is_asked_of_railway_once_a_minute(
        self, stage: Stage, ann: Person, bob: Person, platform: Platform
    ) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}/metrics?running=true"
        assert platform.emulator is not None
        platform.emulator.clock.advance(600)  # shorter than an access token lasts
        asked = platform.railway.stats.requests
        first = ann.get(path).json["running"]
        assert first["start"].endswith(":00:00Z")
        assert first["start"] < first["end"]
        used = {one["metric_type"]: Decimal(one["value"]) for one in first["totals"]}
        assert used["CPU_USAGE"] > 0
        assert used["MEMORY_USAGE_GB"] > 0
        assert Decimal(first["cost_usd"]) > 0
        only = ann.get(f"{path}&metric_type=CPU_USAGE").json["running"]
        assert [one["metric_type"] for one in only["totals"]] == ["CPU_USAGE"]
        assert platform.railway.stats.requests == asked + 1
        assert ann.get(path.removesuffix("?running=true")).json["running"] is None
        assert bob.get(path).status_code == 404

    def test_times_that_cannot_be_meant_are_refused(self, stage: Stage, ann: Person) -> None:
        path = f"/api/instances/{stage.running(ann)}/metrics"
        for query in (
            {"start": "2026-01-01T00:00:00"},
            {"start": "2026-02-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
            {"start": "2020-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
            {"end": "0001-01-01T00:00:00Z"},
            {"start": "9999-12-31T23:00:00-23:00", "end": "9999-12-31T23:59:00-23:00"},
        ):
            assert ann.get(path, query_string=query).status_code == 422, query


class TestBackups:
    def test_volumes_are_backed_up_and_put_back(self, stage: Stage, ann: Person) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}"
        assert ann.post(f"{path}/backups?service=Database").status_code == 202
        stage.settle(instance_id)
        (backup,) = ann.get(f"{path}/backups").json["items"]
        assert backup["service"] == "Database"
        assert ann.post(f"{path}/restore", {"backup_id": "nope"}).status_code == 404
        assert ann.post(f"{path}/restore", {"backup_id": backup["id"]}).status_code == 202
        stage.settle(instance_id)
        assert ann.get(path).json["status"] == "running"
        assert ann.post(f"{path}/backups?service=Web").status_code == 422

    def test_where_there_is_no_volume_there_are_no_backups(self, stage: Stage, ann: Person) -> None:
        plain = {"services": {"web": {"name": "Web", "source": {"image": "nginx:1"}}}}
        template_id = stage.publish(document=plain)
        instance_id = stage.deploy(ann, template_id, inputs={})
        stage.settle(instance_id)
        assert ann.get(f"/api/instances/{instance_id}/backups").json == {"items": []}


class TestUpgrades:
    def test_an_upgrade_is_previewed_and_done(self, stage: Stage, ann: Person, admin: Person) -> None:
        stage.give_plan(ann)
        template_id = stage.publish()
        instance_id = stage.deploy(ann, template_id)
        stage.settle(instance_id)
        admin.put(
            f"/api/templates/{template_id}",
            {"document": document(image="ghcr.io/acme/web:2"), "notes": "Newer."},
            headers={"If-Match": "*"},
        )
        path = f"/api/instances/{instance_id}"
        preview = ann.post(f"{path}/upgrade/preview", {}).json
        assert (preview["number"], preview["deploys"], preview["removes"]) == (2, ["Web"], [])
        assert ann.post(f"{path}/upgrade", {}).status_code == 202
        stage.settle(instance_id)
        now = ann.get(path).json
        assert (now["status"], now["revision_id"]) == ("running", preview["revision_id"])


class TestOperations:
    def test_writes_to_railway_are_listed_and_administrators_see_more_of_them(
        self, stage: Stage, ann: Person, admin: Person
    ) -> None:
        path = f"/api/instances/{stage.running(ann)}/operations"
        own, theirs = ann.get(path).json["items"], admin.get(path).json["items"]
        assert own[0]["kind"] == "project_create"
        assert {one["state"] for one in own} == {"confirmed"}
        assert {one["key"] for one in own} == {None}
        assert theirs[0]["key"] == "project"
        assert ann.get(f"{path}?state=failed").json["items"] == []
        assert ann.get(f"{path}/2").status_code == 404

    def test_an_operator_gives_up_what_got_stuck(
        self, stage: Stage, ann: Person, admin: Person, platform: Platform
    ) -> None:
        instance_id = stage.running(ann)
        path = f"/api/instances/{instance_id}"
        park(platform, instance_id)
        assert ann.get(path).json["needs_attention"] is True
        assert ann.get(f"{path}/operations/1").json["state"] == "needs_attention"
        stuck = ann.post(f"{path}/restart")
        assert (stuck.status_code, stuck.json["type"].rpartition(":")[2]) == (409, "needs-attention")
        assert [one["id"] for one in admin.get("/api/instances?needs_attention=true").json["items"]] == [
            instance_id
        ]
        for verb in ("retry", "abandon"):
            assert ann.post(f"{path}/{verb}").status_code == 403
        assert admin.post(f"{path}/adopt", {"project_id": "nope"}).status_code == 422
        assert admin.post(f"{path}/retry").status_code == 202
        assert ann.get(path).json["needs_attention"] is False
        park(platform, instance_id)
        assert admin.post(f"{path}/abandon").status_code == 202
        stage.settle(instance_id)
        ended = ann.get(f"{path}/operations/1").json
        assert (ended["instance_status"], ended["state"]) == ("failed", "failed")


def park(platform: Platform, instance_id: str) -> None:
    """The control loop stops for it, as it does when it cannot decide."""
    from dataclasses import replace
    from datetime import timedelta

    now = platform.now()
    with scoped(SYSTEM), platform.database.unit_of_work() as work:
        claimed = work.instances.claim(
            UUID(instance_id), worker="test", now=now, lease_until=now + timedelta(seconds=20)
        )
        assert claimed is not None
        observed = replace(claimed.observed, attention="nobody knows")
        work.instances.save_observed(
            replace(claimed, observed=observed), worker="test", lease_until=now + timedelta(seconds=20)
        )
        work.instances.release(claimed, worker="test", next_check_at=None)
        work.commit()


class TestLogs:
    def test_pages_go_back_in_time_with_every_line_once(
        self, stage: Stage, ann: Person, emulator: Emulator
    ) -> None:
        instance_id = stage.running(ann)
        emulator.clock.advance(600)
        path = f"/api/instances/{instance_id}/logs"
        everything = [one["id"] for one in ann.get(f"{path}?limit=1000").json["items"]]
        walked: list[str] = []
        cursor = None
        while cursor is not None or not walked:
            page = ann.get(path, query_string={"limit": 3, **({"cursor": cursor} if cursor else {})}).json
            walked = [one["id"] for one in page["items"]] + walked
            cursor = page["next_cursor"]
        assert walked == everything
        assert len(set(walked)) == len(walked) > 6
        web = ann.get(f"{path}?service=Web").json["items"]
        assert {one["service"] for one in web} == {"Web"}
        assert ann.get(f"{path}?service=Nope").status_code == 422

    def test_what_a_customer_types_stays_a_phrase(self, stage: Stage, ann: Person) -> None:
        path = f"/api/instances/{stage.running(ann)}/logs"
        for text in ('" OR @service:other OR "', "(", "-x", '"', "@level:error", "\\"):
            assert ann.get(path, query_string={"text": text}).status_code == 200, text

    def test_before_there_is_anything_there_are_no_lines(self, stage: Stage, ann: Person) -> None:
        instance_id = stage.deploy(ann, stage.publish())
        assert ann.get(f"/api/instances/{instance_id}/logs").json == {"items": [], "next_cursor": None}


class TestEvents:
    def test_they_tell_a_life_page_by_page(self, stage: Stage, ann: Person) -> None:
        path = f"/api/instances/{stage.running(ann)}/events"
        told: list[Any] = []
        cursor = None
        while cursor is not None or not told:
            page = ann.get(path, query_string={"limit": 3, **({"cursor": cursor} if cursor else {})}).json
            told += page["items"]
            cursor = page["next_cursor"]
        assert told[0]["step"] == "accepted"
        assert told[-1]["status"] == "running"
        assert len({one["id"] for one in told}) == len(told) > 3
