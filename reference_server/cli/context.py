"""What commands share: settings, and a platform that works as the platform itself."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from reference_server.composition import build_platform
from reference_server.data.engines import ConnectionRole
from reference_server.observability.service import begin_service
from reference_server.operations.migrating import require_migrated
from reference_server.security.origin import Origin, coming_from
from reference_server.security.scope import SYSTEM, scoped
from reference_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from reference_server.composition import Platform


own_process: ContextVar[bool] = ContextVar("own_process", default=False)
"""Whether this process runs nothing but one command, so that the command may set up its log."""


def settings(*, for_schema_only: bool = False) -> Settings:
    """Those of the environment; from now on this process logs as they say, to standard error."""
    found = Settings.from_environment(os.environ, for_schema_only=for_schema_only)
    if own_process.get():
        begin_service(found, "command", stream=sys.stderr)
    return found


@contextmanager
def platform_for(command: str) -> Generator[Platform]:
    """A platform for one command, which sees all rows and is named in the audit log.

    Raises:
        ConfigurationError: The settings cannot be used, or the database is not migrated.
    """
    platform = build_platform(settings(), ConnectionRole.WORKER, needs_railway=False)
    try:
        require_migrated(platform.database.engine)
        with (
            scoped(SYSTEM),
            coming_from(Origin(request_id=f"command-{os.getpid()}", via=f"command {command}")),
        ):
            yield platform
    finally:
        platform.close()
