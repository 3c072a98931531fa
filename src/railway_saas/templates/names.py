"""What names tell: which variables look secret, which Railway provides, which are reserved."""

from __future__ import annotations

import re
from enum import Enum, auto

__all__ = [
    "BUCKET_VARIABLES",
    "RESERVED_ENDPOINT_NAMES",
    "Needs",
    "looks_secret",
    "needs_of_provided",
    "shows_password",
]

RESERVED_ENDPOINT_NAMES = frozenset({"health", "internal", "internal-health", "railway", "up"})
"""Railway: these private network names are taken."""

BUCKET_VARIABLES = frozenset(
    {
        "ACCESS_KEY_ID",
        "BUCKET",
        "ENDPOINT",
        "RAILWAY_BUCKET_ID",
        "RAILWAY_BUCKET_NAME",
        "REGION",
        "SECRET_ACCESS_KEY",
    }
)
"""Railway: what a bucket offers to references."""


class Needs(Enum):
    """What a service must have for Railway to provide a variable."""

    NOTHING = auto()
    DOMAIN = auto()
    TCP_PROXY = auto()
    VOLUME = auto()
    REPOSITORY = auto()


_PROVIDED = {
    Needs.NOTHING: (
        "DEPLOYMENT_ID ENVIRONMENT ENVIRONMENT_ID ENVIRONMENT_NAME PRIVATE_DOMAIN PROJECT_ID PROJECT_NAME "
        "REPLICA_ID REPLICA_REGION SERVICE_ID SERVICE_NAME SNAPSHOT_ID"
    ),
    Needs.DOMAIN: "PUBLIC_DOMAIN STATIC_URL",
    Needs.TCP_PROXY: "TCP_APPLICATION_PORT TCP_PROXY_DOMAIN TCP_PROXY_PORT",
    Needs.VOLUME: "VOLUME_MOUNT_PATH VOLUME_NAME",
    Needs.REPOSITORY: "GIT_AUTHOR GIT_BRANCH GIT_COMMIT_MESSAGE GIT_COMMIT_SHA GIT_REPO_NAME GIT_REPO_OWNER",
}
_NEEDS = {f"RAILWAY_{name}": needs for needs, names in _PROVIDED.items() for name in names.split()}
_SERVICE_URL = re.compile(r"RAILWAY_SERVICE_\w+_URL")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+")
_ENCODINGS = frozenset({"B64", "BASE", "BASE64", "HEX", "PEM", "RAW", "STRING", "TEXT", "VALUE", "B"})
_SECRET_ENDS = ("APIKEY", "PASSPHRASE", "PASSWD", "PASSWORD", "SECRET", "TOKEN")
_SECRET_WORDS = frozenset(
    {"CREDENTIAL", "CREDENTIALS", "PASS", "PASSWORDS", "PWD", "SALT", "SECRETS", "TOKENS"}
)
_PUBLIC_KEYS = frozenset(
    {"PUBLIC", "PUBLISHABLE", "PRIMARY", "FOREIGN", "SITE", "PARTITION", "SORT", "CACHE"}
)
_ABOUT = frozenset(
    {
        "ALG",
        "ALGORITHM",
        "AUDIENCE",
        "COUNT",
        "DAYS",
        "DIR",
        "DOMAIN",
        "ENABLED",
        "ENDPOINT",
        "EXPIRATION",
        "EXPIRES",
        "EXPIRY",
        "FILE",
        "FORMAT",
        "HEADER",
        "HOST",
        "HOURS",
        "ID",
        "IDS",
        "INTERVAL",
        "ISSUER",
        "LENGTH",
        "LIFETIME",
        "LIMIT",
        "MAX",
        "MIN",
        "MINUTES",
        "MODE",
        "MS",
        "NAME",
        "PATH",
        "POLICY",
        "PORT",
        "PREFIX",
        "PROVIDER",
        "REQUIRED",
        "ROTATION",
        "SECONDS",
        "SECS",
        "SIZE",
        "STRATEGY",
        "SUFFIX",
        "TTL",
        "TYPE",
        "URI",
        "URL",
        "VERSION",
    }
)
_PASSWORD_IN_URL = re.compile(r"\w://[^\s/:@]*:([^\s/@]+)@")


def needs_of_provided(name: str) -> Needs | None:
    """What a service must have for Railway to give it this variable; None for names that are not Railway's."""
    return Needs.NOTHING if _SERVICE_URL.fullmatch(name) else _NEEDS.get(name)


def looks_secret(name: str) -> bool:
    """Whether a variable's name says that its value is secret: `DB_PASSWORD` yes, `TOKEN_TTL_SECONDS` no."""
    words = [word.upper() for word in _WORD.findall(name)]
    while len(words) > 1 and words[-1] in _ENCODINGS:
        words.pop()
    if not words or words[-1] in _ABOUT:
        return False
    if words[-1] in {"KEY", "KEYS"}:
        return len(words) == 1 or words[-2] not in _PUBLIC_KEYS
    return any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDS) for word in words)


def shows_password(value: str) -> bool:
    """Whether a value is an address with a password written out: `postgres://user:hunter2@host`."""
    return any("${{" not in match[1] for match in _PASSWORD_IN_URL.finditer(value))
