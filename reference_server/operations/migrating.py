"""Bringing the database of the settings up to date, as its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_server.data.engines import ConnectionRole, open_engine
from reference_server.migrations import upgrade

if TYPE_CHECKING:
    from reference_server.settings import Settings


def migrate(settings: Settings) -> None:
    """Harmless when nothing is to be done, or when several processes do it at once."""
    if settings.on_sqlite:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings, ConnectionRole.OWNER, threads=1)
    try:
        upgrade(engine)
    finally:
        engine.dispose()
