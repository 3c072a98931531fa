"""A canary sits in every secret setting. Nothing that the platform says, logs, measures or answers shows one."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from reference_server.settings import KeyRing, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def canary(name: str) -> str:
    return f"c4nary{name.replace('_', '').lower()}0123456789abcdefghijklmnop"


def caged(tmp_path: Path, database_url: str) -> dict[str, str]:
    """Every secret setting, with a canary where the secret is."""
    return {
        "DATA_DIR": str(tmp_path),
        "BCRYPT_ROUNDS": "4",
        "DATABASE_URL": database_url,
        "DATABASE_OWNER_URL": database_url,
        "DATABASE_REPLICA_URL": database_url,
        "REDIS_URL": f"redis://:{canary('REDIS_URL')}@127.0.0.1:9/0",
        "RAILWAY_API_TOKEN": canary("RAILWAY_API_TOKEN"),
        "RAILWAY_WORKSPACE_ID": "w",
        "RAILWAY_WEBHOOK_SECRETS": canary("RAILWAY_WEBHOOK_SECRETS"),
        "JWT_SECRET": f"k1:{canary('JWT_SECRET')}",
        "ENCRYPTION_KEYS": f"k1:{canary('ENCRYPTION_KEYS')}",
        "MAIL_URL": f"smtp://user:{canary('MAIL_URL')}@127.0.0.1:9?tls=off",
        "SENTRY_DSN": f"http://{canary('SENTRY_DSN')}@127.0.0.1:9/1",
        "METRICS_TOKEN": canary("METRICS_TOKEN"),
    }


def forms(secret: str) -> set[str]:
    """How a secret may look when it comes out."""
    encoded = {
        base64.b64encode(f"{before}{secret}".encode()).decode().rstrip("=")[4:-4]
        for before in ("", "x", "xx")
    }
    return {secret, secret[:20], quote(secret), *encoded}


def test_there_is_a_canary_in_every_secret_setting(tmp_path: Path) -> None:
    settings = Settings.from_environment(caged(tmp_path, "postgresql://ann:pass@localhost/x"))
    secret = {
        field.alias
        for name, field in Settings.model_fields.items()
        if _holds_secrets(getattr(settings, name))
    }
    assert secret <= set(caged(tmp_path, "x"))
    empty = {
        f.alias
        for n, f in Settings.model_fields.items()
        if "Secret" in str(f.annotation) and not getattr(settings, n)
    }
    assert empty == set()


def _holds_secrets(value: Any) -> bool:
    return isinstance(value, SecretStr | KeyRing) or (
        isinstance(value, tuple) and any(isinstance(one, SecretStr) for one in value)
    )


def run(environment: Mapping[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.server.security.canary_program"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_no_canary_is_ever_seen_outside(where: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    hunted = {
        name: canary(name)
        for name in caged(tmp_path, "x")
        if name not in {"DATA_DIR", "BCRYPT_ROUNDS", "RAILWAY_WORKSPACE_ID"}
    }
    if where == "sqlite":
        url = f"sqlite:///{tmp_path}/platform.db"
    else:
        url = request.getfixturevalue("postgres_environment")["DATABASE_URL"]
        url = url.replace("postgresql://postgres@", f"postgresql://postgres:{canary('DATABASE_URL')}@")
        assert canary("DATABASE_URL") in url
    code, output = run(caged(tmp_path, url))
    assert code == 1, output[-3000:]
    assert "the end, on purpose" in output  # it came to its end
    assert output.count("HTTP") or "GET" in output
    for name, secret in hunted.items():
        for form in forms(secret):
            assert form not in output, (
                f"{name} shows: ...{output[max(0, output.index(form) - 300) : output.index(form)]}"
            )
    for file in tmp_path.rglob("*"):
        if file.is_file():
            kept = file.read_bytes()
            assert [name for name, secret in hunted.items() if secret.encode() in kept] == [], file
