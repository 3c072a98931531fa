"""What the form of images, repositories and variable names tells."""

from __future__ import annotations

import pytest

from railway_saas.templates.names import looks_secret, shows_password
from railway_saas.templates.sources import ImageReference, RepositoryReference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag", "digest"),
    [
        ("nginx", None, "nginx", None, None),
        ("nginx:1.27-alpine", None, "nginx", "1.27-alpine", None),
        ("library/nginx", None, "library/nginx", None, None),
        ("ghcr.io/owner/some_name.x--y:v1", "ghcr.io", "owner/some_name.x--y", "v1", None),
        (f"ghcr.io/owner/name@{DIGEST}", "ghcr.io", "owner/name", None, DIGEST),
        (f"name:1@{DIGEST}", None, "name", "1", DIGEST),
        ("localhost:5000/app", "localhost:5000", "app", None, None),
        ("localhost/app", "localhost", "app", None, None),
        ("registry:5000/team/app:2", "registry:5000", "team/app", "2", None),
        ("Registry.Example.COM/app", "Registry.Example.COM", "app", None, None),
    ],
)
def test_images_are_taken_apart(
    text: str, registry: str | None, path: str, tag: str | None, digest: str | None
) -> None:
    assert ImageReference.find(text) == ImageReference(path, registry, tag, digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nginx",
        "a b",
        "a//b",
        "/a",
        "a/",
        "a:",
        "a:b:c",
        "a@sha256:short",
        "https://ghcr.io/a/b",
        "-a",
        "a" * 2000,
    ],
)
def test_other_texts_are_no_images(text: str) -> None:
    assert ImageReference.find(text) is None


@pytest.mark.parametrize(
    ("text", "owner", "name", "branch"),
    [
        ("owner/name", "owner", "name", None),
        ("Owner-1/na_me.js", "Owner-1", "na_me.js", None),
        ("https://github.com/owner/name", "owner", "name", None),
        ("https://github.com/owner/name/", "owner", "name", None),
        ("https://github.com/owner/name.git", "owner", "name", None),
        ("https://github.com/owner/name/tree/main", "owner", "name", "main"),
        ("github.com/owner/name/tree/feat/x-1", "owner", "name", "feat/x-1"),
    ],
)
def test_repositories_are_taken_apart(text: str, owner: str, name: str, branch: str | None) -> None:
    found = RepositoryReference.find(text)
    assert found == RepositoryReference(owner, name, branch)
    assert found.full_name == f"{owner}/{name}"


@pytest.mark.parametrize(
    "text",
    ["", "name", "a/b/c", "https://gitlab.com/a/b", "http://github.com/a/b", "git@github.com:a/b", "a/b c"],
)
def test_other_texts_are_no_repositories(text: str) -> None:
    assert RepositoryReference.find(text) is None


@pytest.mark.parametrize(
    "hostile", ["a" * 990 + "!", "a." * 450 + "!", "a-" * 450 + "!", "a_" * 450 + "!A", "a/" * 450]
)
def test_hostile_references_are_refused_without_backtracking_forever(hostile: str) -> None:
    assert ImageReference.find(hostile) is None
    assert RepositoryReference.find(hostile) is None
    assert RepositoryReference.find(f"https://github.com/{hostile}/tree/{hostile} ") is None


@pytest.mark.parametrize(
    ("image", "database"),
    [
        ("postgres:17", True),
        ("ghcr.io/railwayapp-templates/postgres-ssl:18", True),
        ("bitnami/postgresql", True),
        ("pgvector/pgvector:pg17", True),
        ("mysql:9", True),
        ("mongo", True),
        ("mongodb/mongodb-community-server:8", True),
        ("redis/redis-stack-server", True),
        ("valkey/valkey:8", True),
        ("clickhouse/clickhouse-server", True),
        ("mongo-express", False),
        ("redis-commander", False),
        ("rediscommander/redis-insight", False),
        ("umami:postgresql-v2", False),
        ("nginx", False),
    ],
)
def test_known_databases_are_recognised(image: str, database: bool) -> None:
    found = ImageReference.find(image)
    assert found is not None
    assert found.is_database is database


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "DB_PASSWORD",
        "PGPASSWORD",
        "POSTGRES_PASSWORD",
        "password_hash_salt",
        "JWT_SECRET",
        "SECRET_KEY_BASE",
        "apiKey",
        "API_KEY",
        "OPENAI_API_KEY",
        "STRIPE_SECRET_KEY",
        "accessToken",
        "BOT_TOKEN",
        "AUTH_MASTER_KEY_HEX",
        "ENCRYPTION_KEY_BASE64",
        "CREDENTIALS",
        "SECRET_ACCESS_KEY",
        "SMTP_PASS",
        "REDIS_PWD",
        "PASSPHRASE",
    ],
)
def test_names_of_secrets_look_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "PORT",
        "TOKEN_TTL_SECONDS",
        "ACCESS_TOKEN_SECONDS",
        "ACCESS_KEY_ID",
        "STRIPE_PUBLISHABLE_KEY",
        "VAPID_PUBLIC_KEY",
        "KEYCLOAK_URL",
        "MONKEY",
        "PASSENGER_APP",
        "BYPASS",
        "POSTGRES_PASSWORD_FILE",
        "TOKEN_ENDPOINT",
        "SCAN_KEYS_SECS",
        "JWT_SECRET_LENGTH",
        "HOST",
        "X",
        "1",
    ],
)
def test_names_of_other_things_do_not(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("value", "shows"),
    [
        ("postgres://me:hunter2@host/db", True),
        ("redis://:hunter2@host", True),
        ("postgres://me:${{PGPASSWORD}}@host", False),
        ("postgres://me@host:5432/db", False),
        ("https://example.com:8080/x@y", False),
        ("", False),
    ],
)
def test_an_address_with_a_password_shows_it(value: str, shows: bool) -> None:
    assert shows_password(value) is shows
