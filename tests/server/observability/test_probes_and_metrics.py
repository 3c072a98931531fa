"""`/healthz`, `/readyz` and `/metrics`: what they tell, to whom, and what it costs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus
from sqlalchemy import event, text

from reference_server.api.ops import readiness_of
from reference_server.app import create_app
from reference_server.composition import build_platform
from reference_server.data.engines import ConnectionRole, open_engine
from reference_server.observability.database_metrics import FRESH_S, DatabaseCollector
from reference_server.settings import Settings

if TYPE_CHECKING:
    from flask import Flask

    from reference_server.composition import Platform
    from tests.server.conftest import Person

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def samples(app: Flask, **headers: str) -> dict[str, float]:
    """Every sample by its name and labels, as Prometheus reads them."""
    answer = app.test_client().get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    return {
        sample.name + "".join(f"|{value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in parse_prometheus(answer.text)
        for sample in family.samples
    }


class TestHealth:
    def test_a_process_that_lives_says_so_without_asking_anybody(
        self, app: Flask, platform: Platform
    ) -> None:
        platform.database.close()
        asked: list[str] = []
        event.listen(platform.database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
        answer = app.test_client().get("/healthz", headers={"Authorization": "Bearer not-a-token"})
        assert (answer.status_code, answer.json, asked) == (200, {"status": "ok"}, [])


class TestReadiness:
    def test_a_migrated_platform_is_ready(self, app: Flask) -> None:
        answer = app.test_client().get("/readyz")
        assert (answer.status_code, answer.json) == (
            200,
            {"status": "ready", "checks": {"process": "ok", "database": "ok", "migrations": "ok"}},
        )

    def test_a_database_that_was_never_migrated_is_not(
        self, environment: dict[str, str], emulator: Any
    ) -> None:
        platform = build_platform(
            Settings.from_environment(environment), ConnectionRole.APP, emulator=emulator
        )
        answer = create_app(platform).test_client().get("/readyz")
        assert answer.status_code == 503
        assert answer.json["checks"]["migrations"] == "failed"
        platform.close()

    def test_a_database_that_is_ahead_is_so_that_the_version_before_serves_on(
        self, app: Flask, platform: Platform
    ) -> None:
        with platform.database.engine.begin() as connection:
            connection.execute(text("UPDATE railway_saas_server_alembic_version SET version_num = '9999'"))
        assert app.test_client().get("/readyz").status_code == 200

    def test_a_database_that_is_gone_is_told_in_one_word(
        self, environment: dict[str, str], emulator: Any, tmp_path: Any
    ) -> None:
        environment["DATABASE_URL"] = f"sqlite:///{tmp_path}/no/such/folder/platform.db"
        platform = build_platform(
            Settings.from_environment(environment), ConnectionRole.APP, emulator=emulator
        )
        answer = create_app(platform).test_client().get("/readyz")
        assert (answer.status_code, answer.json["checks"]["database"]) == (503, "failed")
        assert "folder" not in answer.text
        platform.close()

    def test_without_redis_it_is_slower_but_ready(self, environment: dict[str, str], request: Any) -> None:
        environment["REDIS_URL"] = "redis://127.0.0.1:1/0"
        app: Flask = request.getfixturevalue("app")
        answer = app.test_client().get("/readyz")
        assert (answer.status_code, answer.json["status"]) == (200, "degraded")
        assert answer.json["checks"]["redis"] == "degraded"

    def test_a_process_that_is_stopping_takes_nothing_new(self, app: Flask) -> None:
        readiness_of(app).begin_stop()
        answer = app.test_client().get("/readyz")
        assert (answer.status_code, answer.json["status"]) == (503, "unready")


class TestMetrics:
    @pytest.mark.parametrize(
        ("accept", "parse"), [("text/plain", parse_prometheus), (OPENMETRICS, parse_openmetrics)]
    )
    def test_both_formats_are_what_their_parsers_accept(self, app: Flask, accept: str, parse: Any) -> None:
        app.test_client().get("/api/instances")
        answer = app.test_client().get("/metrics", headers={"Accept": accept})
        families = {family.name: family for family in parse(answer.text)}
        assert answer.content_type.split(";")[0] == accept.split(";", maxsplit=1)[0]
        assert families["railway_saas_instances"].documentation == "Instances by status."
        assert len(families) > 20
        assert len(families) == len({family.name for family in families.values()})

    def test_requests_are_counted_by_route_template_and_never_by_path(self, app: Flask, ann: Person) -> None:
        ann.get("/api/instances/0199c1c2-6a4e-7f61-8a77-1f0f0e2f1b11")
        ann.get("/api/secret-path-nobody-serves")
        found = samples(app)
        assert found["railway_saas_http_requests_total|GET|/api/instances/<uuid:instance_id>|404"] == 1
        assert found["railway_saas_http_requests_total|GET|(none)|404"] == 1
        assert not [name for name in found if "secret-path" in name or "0199c1c2" in name]
        assert found["railway_saas_http_request_duration_seconds_count|POST|/api/auth/login"] == 1

    def test_requests_at_work_are_counted_while_they_are(self, app: Flask, platform: Platform) -> None:
        answer = app.test_client().get("/healthz")
        assert (
            samples(app)["railway_saas_http_requests_in_flight"] == 2
        )  # the one above is not closed; and this one
        answer.close()
        assert platform.metrics.in_flight._value.get() == 1

    def test_methods_that_do_not_exist_share_a_label(self, app: Flask) -> None:
        app.test_client().open("/healthz", method="BREW")
        assert samples(app)["railway_saas_http_requests_total|OTHER|(none)|405"] == 1

    def test_what_changes_is_counted_when_it_lasts_and_only_then(
        self, app: Flask, platform: Platform
    ) -> None:
        from railway_saas.domain import new_id
        from railway_saas.domain.records import AuditEntry
        from reference_server.security.scope import SYSTEM, scoped

        def entry() -> AuditEntry:
            now = platform.now()
            return AuditEntry(
                id=new_id(now),
                at=now,
                actor="system",
                action="thing.made",
                subject_type="thing",
                subject_id="1",
            )

        with scoped(SYSTEM), platform.database.unit_of_work() as work:
            work.audit.append(entry())
        with scoped(SYSTEM), platform.database.unit_of_work() as work:
            work.audit.append(entry())
            work.commit()
        assert samples(app)["railway_saas_changes_total|thing.made"] == 1

    def test_requests_to_railway_are_timed_and_what_is_left_is_known(
        self, app: Flask, platform: Platform
    ) -> None:
        list(platform.railway.projects.list(workspace_id=platform.workspace_id))
        found = samples(app)
        assert found["railway_saas_railway_requests_total|projects|ok"] >= 1
        assert found["railway_saas_railway_request_duration_seconds_count|projects"] >= 1
        assert found["railway_saas_railway_throttled_total"] == 0

    def test_the_pool_tells_how_many_connections_are_in_use(self, app: Flask, platform: Platform) -> None:
        with platform.database.engine.connect():
            assert platform.metrics.connections_in_use._value.get() == 1
        assert samples(app)["railway_saas_database_connections_in_use"] == 0

    def test_the_process_tells_what_it_uses(self, app: Flask) -> None:
        found = samples(app)
        memory = [value for name, value in found.items() if "resident_memory" in name]
        assert memory
        assert memory[0] > 10_000_000
        assert any(name.startswith("railway_saas_process_cpu_seconds_total|") for name in found)

    def test_a_scrape_costs_a_bounded_number_of_statements_and_a_second_one_none(
        self, platform: Platform
    ) -> None:
        seconds = iter([0.0, 0.0, 5.0, 5.0, FRESH_S + 6, FRESH_S + 6, FRESH_S + 6])
        collector = DatabaseCollector(platform, monotonic=lambda: next(seconds, 99.0))
        asked: list[str] = []
        event.listen(platform.database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
        first = {family.name for family in collector.collect()}
        statements = len(asked)
        assert {family.name for family in collector.collect()} == first
        assert len(asked) == statements
        assert 10 <= statements <= 16

    def test_a_database_that_does_not_answer_is_a_value_and_no_error(
        self, environment: dict[str, str], emulator: Any
    ) -> None:
        platform = build_platform(
            Settings.from_environment(environment), ConnectionRole.APP, emulator=emulator
        )
        assert samples(create_app(platform))["railway_saas_database_up"] == 0  # it has no tables
        platform.close()


class TestWhoMaySee:
    def test_with_a_token_only_who_has_it(self, environment: dict[str, str], request: Any) -> None:
        environment["METRICS_TOKEN"] = "m" * 40
        app: Flask = request.getfixturevalue("app")
        assert app.test_client().get("/metrics").status_code == 401
        assert samples(app, Authorization=f"Bearer {'m' * 40}")["railway_saas_database_up"] == 1
        refused = app.test_client().get("/metrics", headers={"Authorization": "Bearer wrong"})
        assert refused.status_code == 401
        assert "mmmm" not in refused.text

    def test_in_production_without_a_token_nobody(self, platform: Platform) -> None:
        production = platform.settings.model_copy(update={"app_env": "production"})
        from dataclasses import replace

        app = create_app(replace(platform, settings=production))
        assert app.test_client().get("/metrics").status_code == 404


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    def test_ready_means_that_the_applications_role_can_see_so(self, app: Flask) -> None:
        assert app.test_client().get("/readyz").status_code == 200

    def test_gauges_of_all_owners_are_seen_through_row_level_security(self, app: Flask, ann: Person) -> None:
        found = samples(app)
        assert found["railway_saas_database_up"] == 1
        assert found["railway_saas_users|true"] == 1
        assert found["railway_saas_database_connections_allowed"] >= 8

    def test_a_worker_sees_the_same(self, platform: Platform, emulator: Any) -> None:
        engine = open_engine(platform.settings, ConnectionRole.WORKER, threads=1)
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM railway_saas_server_alembic_version")) == 1
        engine.dispose()


def test_labels_have_few_values(app: Flask, ann: Person) -> None:
    ann.get("/api/instances")
    text_ = app.test_client().get("/metrics").text
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
    assert not uuid.search(text_)
    assert "ann@example.com" not in text_
