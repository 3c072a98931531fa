"""What gunicorn runs: `gunicorn -c python:reference_server.gunicorn_conf 'reference_server.wsgi:create()'`.

`create` is called in each process after it was forked: connections, threads and random states are its own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reference_server.app import create_app
from reference_server.composition import build_platform
from reference_server.data.engines import ConnectionRole
from reference_server.settings import Settings

if TYPE_CHECKING:
    from flask import Flask


def create() -> Flask:
    """The application of this process, over a platform of its own; with a worker in it where the settings say so."""
    settings = Settings.from_environment(os.environ)
    platform = build_platform(settings, ConnectionRole.APP)
    app = create_app(platform)
    app.extensions["stop"] = platform.close
    if settings.works_in_process:
        from reference_server.jobs.engine import start_in_process  # noqa: PLC0415 - web processes do without it elsewhere

        engine = start_in_process(platform)

        def stop() -> None:
            engine.stop()
            platform.close()

        app.extensions["stop"] = stop
    return app
