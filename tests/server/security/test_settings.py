"""Settings are read once, and a start that is not safe is refused with every reason."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from railway_saas.errors import ConfigurationError
from reference_server.data.engines import required_tls
from reference_server.plans import plans_of
from reference_server.settings import DEVELOPMENT_SECRET, Settings

if TYPE_CHECKING:
    from pathlib import Path

STRONG = "u9Tq2vLx7Zr4Wm1Kp8Ns5Yb3Hd6Jc0Ge"
SAFE = {
    "APP_ENV": "production",
    "BASE_URL": "https://platform.example.com",
    "DATABASE_URL": "postgresql://platform@db.example.com/platform",
    "RAILWAY_API_TOKEN": "a-token",
    "RAILWAY_WORKSPACE_ID": "w",
    "RAILWAY_WEBHOOK_SECRETS": STRONG,
    "JWT_SECRET": f"k1:{STRONG}",
    "ENCRYPTION_KEYS": f"k1:{STRONG}x",
    "MAIL_URL": "smtps://user:pass@mail.example.com",
}


def read(**changes: str | None) -> Settings:
    return Settings.from_environment(
        {name: value for name, value in {**SAFE, **changes}.items() if value is not None}
    )


def test_a_safe_production_start_is_let_through() -> None:
    assert read().is_production


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"JWT_SECRET": None}, "JWT_SECRET: set it"),
        ({"JWT_SECRET": f"k1:{DEVELOPMENT_SECRET}"}, "JWT_SECRET: key 'k1' is weak"),
        ({"JWT_SECRET": "short"}, "JWT_SECRET: key '1' is weak"),
        ({"JWT_SECRET": f"new:{STRONG},old:{'a' * 40}"}, "JWT_SECRET: key 'old' is weak"),
        ({"ENCRYPTION_KEYS": None}, "ENCRYPTION_KEYS: set it"),
        ({"RAILWAY_API_TOKEN": None}, "RAILWAY_API_TOKEN: set it"),
        ({"RAILWAY_WEBHOOK_SECRETS": None}, "RAILWAY_WEBHOOK_SECRETS: set one"),
        ({"RAILWAY_WEBHOOK_SECRETS": "guess"}, "RAILWAY_WEBHOOK_SECRETS: set one"),
        ({"DEBUG": "true"}, "DEBUG: unset it"),
        ({"BASE_URL": "http://platform.example.com"}, "BASE_URL: must begin with https://"),
        ({"BCRYPT_ROUNDS": "4"}, "BCRYPT_ROUNDS: must be at least 10"),
        ({"MAIL_URL": None}, "MAIL_URL: set it"),
        (
            {"DATABASE_URL": None, "WORKER_IN_PROCESS": "false"},
            "DATABASE_URL: SQLite serves one process only",
        ),
    ],
)
def test_a_production_start_that_is_not_safe_is_refused(changes: dict[str, str | None], named: str) -> None:
    with pytest.raises(ConfigurationError, match="refusing to start in production") as caught:
        read(**changes)
    assert named in str(caught.value)


def test_a_production_start_that_is_not_safe_is_refused_with_every_reason() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment({"APP_ENV": "production"})
    for name in (
        "JWT_SECRET",
        "ENCRYPTION_KEYS",
        "RAILWAY_API_TOKEN",
        "RAILWAY_WEBHOOK_SECRETS",
        "BASE_URL",
        "MAIL_URL",
    ):
        assert f"{name}: " in str(caught.value)


def test_on_railway_production_is_the_default() -> None:
    given = {name: value for name, value in SAFE.items() if name != "APP_ENV"}
    assert Settings.from_environment({**given, "RAILWAY_ENVIRONMENT_ID": "e"}).is_production
    assert not Settings.from_environment(given).is_production


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "many"),
        ("BASE_URL", "platform.example.com"),
        ("JWT_SECRET", "a:hush,a:hushhush"),
        ("DATABASE_TLS", "maybe"),
        ("BCRYPT_ROUNDS", "40"),
        ("BASE_URL", "https://platform.example.com/"),
        ("DATABASE_URL", "hush"),
        ("DATABASE_URL", "mysql://hush@db.example.com/x"),
        ("DATABASE_REPLICA_URL", "postgresql://u:hush@host:port/x"),
        ("DATABASE_URL", "postgresql://u:p@db.example.com/x?hush=x"),
        ("BASE_URL", "https://user:hush@platform.example.com"),
        ("BASE_URL", "https://platform.example.com:70000"),
        ("RAILWAY_ENDPOINT", "hush"),
        ("RAILWAY_ENDPOINT", "smtp://backboard.railway.com"),
        ("REDIS_URL", "hush"),
        ("REDIS_URL", "redis://h?hush=x"),
        ("SENTRY_DSN", "hush"),
        ("SENTRY_DSN", "https://hush@sentry.example.com/"),
        ("MAIL_URL", "http://u:hush@mail.example.com"),
        ("MAIL_URL", "smtp://u:hush@mail.example.com?tls=off"),
        ("MAIL_FROM", "hush"),
        ("RATE_LIMIT_LOGIN", "hush"),
        ("RATE_LIMIT_API", "ten per minute"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_and_not_quoted(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as caught:
        read(**{name: value})
    assert "hush" not in str(caught.value)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(PORT="many", MAIL_FROM="me", JWT_SECRET=None, RAILWAY_WORKSPACE_ID=None)
    for name in ("PORT", "MAIL_FROM", "RAILWAY_WORKSPACE_ID"):
        assert f"{name}: " in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"PORT: .*JWT_SECRET: set it"):
        read(PORT="many", JWT_SECRET=None)


def test_what_cannot_be_read_brings_no_faults_that_only_come_of_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(DATABASE_URL="hush", WEB_PROCESSES="2")
    assert "WEB_PROCESSES" not in str(caught.value)


def test_a_token_needs_its_workspace() -> None:
    with pytest.raises(ConfigurationError, match="RAILWAY_WORKSPACE_ID"):
        read(RAILWAY_WORKSPACE_ID=None)


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert read(REDIS_URL="  ").redis_url is None


@pytest.mark.parametrize(
    ("url", "tls", "expected"),
    [
        ("postgresql://db.example.com/x", "auto", "require"),
        ("postgresql://db.example.com/x?sslmode=verify-full", "auto", None),
        ("postgresql://localhost/x", "auto", None),
        ("postgresql:///x?host=/var/run/postgresql", "auto", None),
        ("postgresql://postgres.railway.internal/x", "auto", None),
        ("postgresql://localhost/x", "require", "require"),
        ("postgresql://db.example.com/x", "verify-full", "verify-full"),
        ("postgresql://db.example.com/x", "off", None),
    ],
)
def test_a_remote_database_is_reached_encrypted(url: str, tls: str, expected: str | None) -> None:
    assert required_tls(make_url(url), read(DATABASE_TLS=tls)) == expected


@pytest.mark.parametrize(
    "plans",
    [
        '[{"name": "free", "limits": {"instances": true}}]',
        '[{"name": "free", "limits": {"vcpus": true}}]',
        '[{"name": "free", "limits": {"instances": "1"}}]',
        '[{"name": "free", "limits": {"instances": -1}}]',
        '[{"name": "free", "limits": {"cpus": 1}}]',
        '[{"name": "free"}, {"name": "free"}]',
        "[]",
        "{}",
        "[{",
        "nowhere.json",
    ],
)
def test_plans_that_cannot_be_used_are_refused(plans: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^PLANS: "):
        plans_of(read(PLANS=plans))


def test_plans_are_read_from_json_and_from_a_file(tmp_path: Path) -> None:
    text = '[{"name": "free", "limits": {"instances": 1, "vcpus": 0.5, "memory_gb": "1.5", "tiers": ["starter"]}}]'
    file = tmp_path / "plans.json"
    file.write_text(text)
    for given in (text, str(file)):
        (plan,) = plans_of(read(PLANS=given))
        assert (plan.limits.instances, plan.limits.vcpus) == (1, Decimal("0.5"))
        assert (plan.limits.memory_gb, plan.limits.tiers) == (Decimal("1.5"), frozenset({"starter"}))
