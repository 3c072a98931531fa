"""What commands share: settings, and a platform that works as the platform itself."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reference_server.composition import build_platform
from reference_server.data.engines import ConnectionRole
from reference_server.security.origin import Origin, coming_from
from reference_server.security.scope import SYSTEM, scoped
from reference_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from reference_server.composition import Platform


def settings() -> Settings:
    """Those of the environment."""
    return Settings.from_environment(os.environ)


@contextmanager
def platform_for(command: str) -> Generator[Platform]:
    """A platform for one command, which sees all rows and is named in the audit log."""
    platform = build_platform(settings(), ConnectionRole.WORKER, needs_railway=False)
    try:
        with (
            scoped(SYSTEM),
            coming_from(Origin(request_id=f"command-{os.getpid()}", via=f"command {command}")),
        ):
            yield platform
    finally:
        platform.close()
