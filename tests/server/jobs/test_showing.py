"""What operators see of background work, by command and over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from reference_server.cli.app import run
from reference_server.jobs.port import RECONCILE, JobState
from reference_server.security.scope import SYSTEM, scoped
from tests.server.jobs.test_queue import queue_of

if TYPE_CHECKING:
    from flask import Flask

    from reference_server.composition import Platform
    from tests.server.conftest import Person


@pytest.fixture
def failed_run(platform: Platform) -> str:
    """The id of a run that failed."""
    with scoped(SYSTEM), platform.database.unit_of_work() as work:
        platform.jobs.enqueue(work.session, RECONCILE, "a")
        platform.jobs.enqueue(work.session, RECONCILE, "b")
        work.commit()
    run_id = next(one.id for one in platform.jobs.list_page().items if one.subject == "a")
    with scoped(SYSTEM), platform.database.unit_of_work() as work:
        work.session.execute(
            text("UPDATE workflow_status SET status = 'CANCELLED' WHERE workflow_uuid = :id"), {"id": run_id}
        )
        work.commit()
    return run_id


def test_administrators_see_what_waits_and_failed(admin: Person, failed_run: str) -> None:
    everything = admin.get("/api/admin/jobs").json
    assert {(one["job"], one["subject"], one["state"]) for one in everything["items"]} == {
        (RECONCILE, "a", "failed"),
        (RECONCILE, "b", "waiting"),
    }
    failed = admin.get("/api/admin/jobs?state=failed").json["items"]
    assert [(one["id"], one["outcome"]) for one in failed] == [(failed_run, "cancelled")]
    first = admin.get("/api/admin/jobs?limit=1").json
    second = admin.get(f"/api/admin/jobs?limit=1&cursor={first['next_cursor']}").json
    assert second["next_cursor"] is None
    assert first["items"][0]["id"] != second["items"][0]["id"]


def test_administrators_have_a_failed_one_tried_again_and_the_audit_log_says_so(
    admin: Person, failed_run: str, platform: Platform
) -> None:
    for _ in range(2):
        answer = admin.post(f"/api/admin/jobs/{failed_run}/retry")
        assert (answer.status_code, answer.json["id"]) == (202, failed_run)
    waiting = [(one.job, one.subject) for one in platform.jobs.list_page(state=JobState.WAITING).items]
    assert waiting.count(("retry_job", failed_run)) == 1
    with scoped(SYSTEM), platform.database.unit_of_work() as work:
        entries = [one for one in work.audit.list_page(subject_type="job") if one.subject_id == failed_run]
    assert {(one.action, one.actor) for one in entries} == {("job.retry", str(admin.user.id))}


def test_what_has_not_failed_is_not_tried_again(admin: Person, failed_run: str, platform: Platform) -> None:
    other = next(one.id for one in platform.jobs.list_page().items if one.id != failed_run)
    assert admin.post(f"/api/admin/jobs/{other}/retry").status_code == 409
    assert admin.post("/api/admin/jobs/unknown/retry").status_code == 404


def test_nobody_else_sees_any_of_it(ann: Person, app: Flask, failed_run: str) -> None:
    assert ann.get("/api/admin/jobs").status_code == 403
    assert ann.post(f"/api/admin/jobs/{failed_run}/retry").status_code == 403
    assert app.test_client().get("/api/admin/jobs").status_code == 401


@pytest.mark.parametrize("cursor", ["x", "LTE", "OTk5OTk5OTk5OTk5"])
def test_a_cursor_that_is_none_is_refused(admin: Person, cursor: str) -> None:
    assert admin.get(f"/api/admin/jobs?cursor={cursor}").status_code == 422


class TestByCommand:
    @pytest.fixture(autouse=True)
    def _environment(self, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    def test_it_shows_them(self, failed_run: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["jobs"]) == 0
        shown = capsys.readouterr().out
        assert failed_run in shown
        assert "1 waiting" in shown
        assert "1 failed" in shown
        assert run(["jobs", "--failed", "--json"]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert json.loads(line)["id"] == failed_run
        assert run(["jobs", "--waiting"]) == 0
        assert failed_run not in capsys.readouterr().out

    def test_two_kinds_at_once_are_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["jobs", "--failed", "--waiting"]) == 2
        assert "choose one" in capsys.readouterr().err

    @pytest.mark.usefixtures("capsys")
    def test_it_has_a_failed_one_tried_again(self, failed_run: str, platform: Platform) -> None:
        assert run(["jobs", "retry", failed_run]) == 0
        waiting = [one.subject for one in queue_of(platform).list_page(job="retry_job").items]
        assert waiting == [failed_run]
        assert run(["jobs", "retry", "unknown"]) == 2
