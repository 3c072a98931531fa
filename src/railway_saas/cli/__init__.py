"""The `railway-saas` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; its exit status says how it went (see `railway_saas.cli.exit_codes`)."""
    try:
        from railway_saas.cli.app import run
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {"typer", "rich", "graphql", "click"}:
            raise
        sys.exit(f"railway-saas: the command line needs {error.name}: pip install 'railway-saas[cli]'")
    from railway_saas.cli.streams import abandon_output, prepare_streams

    prepare_streams()
    try:
        status = run()
        sys.stdout.flush()
    except OSError as error:  # a full disk; the network's errors have types of their own
        abandon_output()
        sys.exit(f"railway-saas: the output cannot be written: {error.strerror or error}")
    sys.exit(status)
