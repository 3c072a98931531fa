"""`railway-saas whoami`: what the token in the environment is."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from railway_saas.cli.context import JsonOption, client, output, uses_project_token
from railway_saas.errors import RailwayAuthError

if TYPE_CHECKING:
    from railway_saas import RailwayClient

Facts: TypeAlias = str | list[dict[str, str]] | None


def whoami(*, as_json: JsonOption = False) -> None:
    """Show which kind of token this is and what it reaches."""
    out = output(as_json=as_json)
    with client() as railway:
        facts = _project_token(railway) if uses_project_token() else _bearer(railway)
    if as_json:
        out.json(facts)
        return
    for name, value in facts.items():
        if value is not None:
            out.line(f"{name}: {value if isinstance(value, str) else _listed(value)}")


def _project_token(railway: RailwayClient) -> dict[str, Facts]:
    token = railway.tokens.current_project_token()
    return {
        "kind": "project token",
        "name": token.name,
        "project_id": token.project_id,
        "environment_id": token.environment_id,
    }


def _bearer(railway: RailwayClient) -> dict[str, Facts]:
    """Only an account token has a user; that is how it is told from a workspace token."""
    reached: Facts = [{"id": entry.id, "name": entry.name or ""} for entry in railway.workspaces.list()]
    try:
        user = railway.me()
    except RailwayAuthError:
        return {"kind": "workspace token", "user": None, "workspaces": reached}
    return {"kind": "account token", "user": user.email or user.name or user.id, "workspaces": reached}


def _listed(workspaces: Facts) -> str:
    return ", ".join(
        f"{entry['name']} ({entry['id']})" for entry in workspaces or () if isinstance(entry, dict)
    )
