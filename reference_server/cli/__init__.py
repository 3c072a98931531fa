"""The `railway-saas-server` command: one module per command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; its exit status says how it went."""
    try:
        from reference_server.cli.app import run  # noqa: PLC0415 - says what is missing
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(("reference_server", "railway_saas")):
            raise
        sys.exit(f"railway-saas-server: needs {error.name}: pip install 'railway-saas[server]'")
    sys.exit(run(is_own_process=True))
