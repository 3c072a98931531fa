"""`railway-saas whoami`: what the token in the environment is."""

from __future__ import annotations

from railway_saas.cli.context import JsonOption, client, output, uses_project_token
from railway_saas.errors import RailwayAuthError
from railway_saas.railway.operations import account


def whoami(*, as_json: JsonOption = False) -> None:
    """Show which kind of token this is and what it reaches."""
    out = output(as_json=as_json)
    with client() as railway:
        if uses_project_token():
            token = railway.run(account.project_token())
            facts = {
                "kind": "project token",
                "name": token.name,
                "project_id": token.project_id,
                "environment_id": token.environment_id,
            }
        else:
            workspaces = railway.run(account.api_token()).workspaces
            facts: dict[str, object] = {
                "kind": "account or workspace token",
                "user": None,
                "workspaces": [{"id": workspace.id, "name": workspace.name} for workspace in workspaces],
            }
            try:
                user = railway.me()
                facts |= {"kind": "account token", "user": user.email or user.name or user.id}
            except RailwayAuthError:  # a workspace token has no user
                facts["kind"] = "workspace token"
    if as_json:
        out.json(facts)
        return
    for name, value in facts.items():
        if isinstance(value, list):
            for workspace in value:
                out.line(f"workspace: {workspace['name']} ({workspace['id']})")
        elif value is not None:
            out.line(f"{name}: {value}")
