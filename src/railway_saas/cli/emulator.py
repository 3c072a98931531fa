"""`railway-saas emulator`: a local Railway."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from railway_saas.cli.context import JsonOption, output
from railway_saas.errors import ConfigurationError

if TYPE_CHECKING:
    from railway_saas.emulator import Emulator


def emulator(
    port: Annotated[int, typer.Option(help="TCP port; 0 takes a free one.", min=0, max=65535)] = 8765,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="Same seed, same requests: same answers and ids.")] = 7,
    speed: Annotated[
        float,
        typer.Option(help="How many times faster than real time its clock runs.", min=0.01, max=1_000_000),
    ] = 1.0,
    templates: Annotated[
        Path | None,
        typer.Option(help="Folder whose documents the marketplace serves, by file name.", exists=True),
    ] = None,
    plan: Annotated[str, typer.Option(help="Plan of its workspace: FREE, HOBBY or PRO.")] = "PRO",
    limits: Annotated[bool, typer.Option(help="Keep Railway's rate limits and creation throttles.")] = True,
    *,
    as_json: JsonOption = False,
) -> None:
    """Start a local Railway, and print how to reach it in a form a shell can `eval`."""
    try:
        from railway_saas.emulator import run
    except ImportError as error:
        raise ConfigurationError(f"{error}: pip install 'railway-saas[emulator]'") from error

    out = output(as_json=as_json)

    def announce(railway: Emulator) -> None:
        facts = {
            "RAILWAY_ENDPOINT": railway.endpoint,
            "RAILWAY_API_TOKEN": railway.api_token,
            "RAILWAY_WORKSPACE_ID": railway.workspace_id,
        }
        if as_json:
            out.json_line(facts)
        else:
            sys.stdout.write("".join(f"{name}={value}\n" for name, value in facts.items()))
            sys.stdout.flush()
        out.milestone(f"A local Railway listens on {railway.endpoint}; Ctrl-C stops it.")

    try:
        run(
            port,
            host=host,
            seed=seed,
            speed=speed,
            templates=templates,
            plan=plan.upper(),
            limits=limits,
            on_ready=announce,
        )
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; try --port 0"
        ) from error
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
