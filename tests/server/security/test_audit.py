"""Nobody changes the audit log unseen."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError

from railway_saas.domain import AuditEntry, new_id
from reference_server.data.engines import ConnectionRole, open_engine
from reference_server.security import audit
from reference_server.security.origin import Origin, coming_from
from reference_server.security.scope import SYSTEM, scoped

if TYPE_CHECKING:
    from reference_server.composition import Platform


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request: pytest.FixtureRequest, environment: dict[str, str]) -> dict[str, str]:
    if request.param == "postgresql":
        request.getfixturevalue("postgres_environment")
    return environment


def append(platform: Platform, count: int = 1, **details: Any) -> None:
    with scoped(SYSTEM), platform.database.unit_of_work() as work:
        for _ in range(count):
            now = platform.now()
            work.audit.append(
                AuditEntry(
                    id=new_id(now),
                    at=now,
                    actor="system",
                    action="test",
                    subject_type="thing",
                    subject_id="1",
                    details=details,
                )
            )
        work.commit()


def verify(platform: Platform, **options: Any) -> audit.AuditReport:
    return audit.verify(platform.database, now=platform.now(), **options)


def tamper(platform: Platform, statement: str) -> None:
    """As somebody with the owner's rights who knows about the guards."""
    engine = open_engine(platform.settings, ConnectionRole.OWNER, threads=1)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER ALL"))
        else:
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER keep_audit_{verb}"))
        connection.execute(text(statement))
    engine.dispose()


def test_a_chain_that_nobody_touched_is_whole(platform: Platform) -> None:
    append(platform, 3, share=0.5, whole=1.0, nested={"b": [1, 2], "a": None})
    assert audit.seal(platform.database) == 3
    assert audit.seal(platform.database) == 0
    report = verify(platform)
    assert (report.entries, report.newest, report.faults) == (3, 3, ())


def test_nobody_updates_or_deletes_an_entry(platform: Platform) -> None:
    append(platform)
    for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"):
        with (
            scoped(SYSTEM),
            platform.database.unit_of_work() as work,
            pytest.raises((DatabaseError, IntegrityError)),
        ):
            work.session.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE audit_log SET actor = 'somebody else' WHERE id = (SELECT entry_id FROM audit_seals WHERE sequence = 2)",
            "altered",
        ),
        (
            "DELETE FROM audit_log WHERE id = (SELECT entry_id FROM audit_seals WHERE sequence = 2)",
            "the entry is gone",
        ),
        ("DELETE FROM audit_seals WHERE sequence = 2", "links in between are gone"),
        ("UPDATE audit_seals SET hash = 'f' WHERE sequence = 2", "altered"),
    ],
)
def test_who_goes_around_the_guards_breaks_the_chain(platform: Platform, statement: str, found: str) -> None:
    append(platform, 3)
    audit.seal(platform.database)
    tamper(platform, statement)
    assert found in "; ".join(str(one) for one in verify(platform).faults)


def test_a_chain_that_was_cut_or_rewritten_is_found_by_a_link_noted_elsewhere(platform: Platform) -> None:
    append(platform, 3)
    audit.seal(platform.database)
    noted = verify(platform)
    tamper(platform, "DELETE FROM audit_seals WHERE sequence = 3")
    report = verify(platform, expected={noted.newest: noted.hash})
    assert "cut off" in "; ".join(str(one) for one in report.faults)
    report = verify(platform, expected={2: "0" * 64})
    assert "rewritten" in "; ".join(str(one) for one in report.faults)


def test_an_entry_that_was_never_sealed_is_told_once_it_is_old(platform: Platform) -> None:
    append(platform)
    assert verify(platform).faults == ()
    later = platform.now() + audit.LATEST_COMMIT + timedelta(seconds=1)
    report = audit.verify(platform.database, now=later)
    assert "has no link" in str(report.faults[0])


def test_every_entry_says_where_it_came_from(platform: Platform) -> None:
    with coming_from(Origin(request_id="r-1", address="192.0.2.7", user_agent="curl")):
        append(platform)
    with scoped(SYSTEM), platform.database.unit_of_work() as work:
        (entry,) = work.audit.list_page().items
    assert entry.details["origin"] == {
        "request_id": "r-1",
        "address": "192.0.2.7",
        "user_agent": "curl",
        "via": "api",
    }
