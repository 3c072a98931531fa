"""The environment variables that Railway's own CLI reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from railway_saas._core.redaction import Secret
from railway_saas.config import DEFAULT_ENDPOINT
from railway_saas.errors import MissingTokenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.config import TokenKind


@dataclass(frozen=True, slots=True)
class EnvironmentToken:
    """A token found in the environment, its kind, and where to use it."""

    token: Secret
    kind: TokenKind
    endpoint: str


def token_from_environment(environ: Mapping[str, str] | None = None) -> EnvironmentToken:
    """Find the token: `RAILWAY_TOKEN` (project) wins over `RAILWAY_API_TOKEN` (account or workspace).

    Raises:
        MissingTokenError: Neither is set.

    Source: docs.railway.com/guides/cli, "Tokens".
    """
    environ = os.environ if environ is None else environ
    endpoint = environ.get("RAILWAY_ENDPOINT") or DEFAULT_ENDPOINT
    if project := environ.get("RAILWAY_TOKEN"):
        return EnvironmentToken(Secret(project), "project", endpoint)
    if bearer := environ.get("RAILWAY_API_TOKEN"):
        return EnvironmentToken(Secret(bearer), "bearer", endpoint)
    raise MissingTokenError(
        "no Railway token: set RAILWAY_API_TOKEN (account or workspace token) or RAILWAY_TOKEN (project token); "
        "make one at https://railway.com/account/tokens, or run `railway-saas emulator` for a local Railway"
    )
