"""`admin create`: the first administrator, and more of them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from pydantic import EmailStr, TypeAdapter, ValidationError

from railway_saas.errors import ConflictError
from reference_server.cli.context import platform_for

app = typer.Typer(help="Administrators.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Administrators."""


@app.command("create")
def create(
    email: Annotated[str, typer.Argument(help="Address to log in with.")],
    name: Annotated[str, typer.Option(help="Name to show.")] = "Administrator",
    *,
    password_from_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
) -> None:
    """Make an administrator. The password is asked for, or read from standard input: never an argument."""
    try:
        TypeAdapter(EmailStr).validate_python(email)
    except ValidationError:
        raise typer.BadParameter(f"{email!r} is no address") from None
    password = (
        sys.stdin.readline().rstrip("\n")
        if password_from_stdin
        else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    with platform_for("admin create") as platform:
        try:
            user = platform.accounts.create_admin(email, password, name=name)
        except ConflictError:
            raise typer.BadParameter(
                "the address has an account; an administrator can change its role"
            ) from None
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    typer.echo(f"{user.email} is an administrator (id {user.id}).")
