"""An application in this process, without gunicorn, which is sampled while it plays reads of one instance.

    python -m benchmarks.serving.sampling ours PEOPLE RESULT 10    # or: bare; seconds

The system interrupts the process after every few milliseconds of processor time that it used, and what it was doing is
noted. A thread that looked at another one would have to wait for the interpreter's lock, and so see mostly where that is
given up: at the database.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, event
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from benchmarks.serving.population import People

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType
    from wsgiref.types import WSGIApplication

SAMPLE_S = 0.001
"""Asked for; the system's clock may tick less often."""
WARM_UP = 200
COUNTED = 20
PACKAGES: dict[str, tuple[str, ...]] = {
    "psycopg": ("psycopg", "psycopg_binary"),
    "SQLAlchemy": ("sqlalchemy",),
    "Flask + Werkzeug": ("flask", "werkzeug"),
    "flask-openapi + pydantic": ("flask_openapi", "pydantic"),
    "flask-limiter + limits + redis": ("flask_limiter", "limits", "redis"),
    "PyJWT": ("jwt",),
    "prometheus-client": ("prometheus_client",),
    "structlog + logging": ("structlog", "logging"),
    "cryptography": ("cryptography",),
    "reference_server": ("reference_server",),
    "railway_saas": ("railway_saas",),
    "the bare application": ("bare",),
}
OTHER = "other"
_PACKAGE_OF = {folder: name for name, folders in PACKAGES.items() for folder in folders}


@dataclass(slots=True)
class Samples:
    """How often each package was at work."""

    found: Counter[str] = field(default_factory=Counter[str])
    _known: dict[str, str | None] = field(default_factory=dict[str, "str | None"])

    def take(self, _: int, frame: FrameType | None) -> None:
        """Count the innermost package of the list: what the standard library does is done for its caller."""
        while frame is not None:
            name = self._of(frame.f_code.co_filename)
            if name is not None:
                self.found[name] += 1
                return
            frame = frame.f_back
        self.found[OTHER] += 1

    def _of(self, file: str) -> str | None:
        if file not in self._known:
            self._known[file] = package_of(file)
        return self._known[file]


def package_of(file: str) -> str | None:
    """The package of the list that a file belongs to."""
    for folder in reversed(Path(file).parts[:-1]):
        if folder in _PACKAGE_OF:
            return _PACKAGE_OF[folder]
    return None


@contextmanager
def sampling() -> Generator[Samples]:
    """Take samples of the main thread within the block."""
    samples = Samples()
    before = signal.signal(signal.SIGPROF, samples.take)
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_S, SAMPLE_S)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class Reader:
    """Plays reads of one instance through an application, one after the other."""

    def __init__(self, app: WSGIApplication, people: People) -> None:
        self._app = app
        owner = people.readers[0]
        headers = Headers({"Authorization": f"Bearer {owner.token}", "User-Agent": "benchmark"})
        self._environments = [
            EnvironBuilder(f"/api/instances/{one}", headers=headers).get_environ() for one in owner.instances
        ]
        self.played = 0

    def play(self) -> None:
        """One read.

        Raises:
            AssertionError: It was refused.
        """
        environment = self._environments[self.played % len(self._environments)].copy()
        environment["wsgi.input"] = BytesIO()
        statuses: list[str] = []
        body = self._app(environment, lambda status, *_: statuses.append(status))  # type: ignore[arg-type]
        answer = b"".join(body)
        if close := getattr(body, "close", None):
            close()
        if statuses != ["200 OK"]:
            raise AssertionError(f"{statuses}: {answer!r}")
        self.played += 1

    def play_for(self, seconds: float) -> int:
        """Reads for so long; how many there were."""
        before, deadline = self.played, time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            self.play()
        return self.played - before


def _statements(reader: Reader) -> dict[str, float]:
    """Per read: by the first word, as the database gets them; transactions as the pool begins them."""
    seen: Counter[str] = Counter()

    def note(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        seen["set_config" if "set_config" in sql else sql.split(maxsplit=1)[0]] += 1

    def begin(_: object) -> None:
        seen["transactions"] += 1

    event.listen(Engine, "before_cursor_execute", note)
    event.listen(Engine, "begin", begin)
    for _ in range(COUNTED):
        reader.play()
    event.remove(Engine, "before_cursor_execute", note)
    event.remove(Engine, "begin", begin)
    return {name: count / COUNTED for name, count in sorted(seen.items())}


def _application(name: str) -> WSGIApplication:
    if name == "bare":
        from benchmarks.serving.bare.flask_app import create  # noqa: PLC0415 - only one of them is loaded

        return create()
    from reference_server.observability.service import begin_service  # noqa: PLC0415
    from reference_server.settings import Settings  # noqa: PLC0415

    begin_service(Settings.from_environment(os.environ), "web")
    from reference_server.wsgi import create as create_ours  # noqa: PLC0415

    return create_ours()


def main() -> None:
    """Sample one application."""
    name, people, result, seconds = sys.argv[1:]
    reader = Reader(_application(name), People.read(Path(people)))
    for _ in range(WARM_UP):
        reader.play()
    statements = _statements(reader)
    wall, cpu = time.perf_counter(), time.process_time()
    plain = reader.play_for(float(seconds) / 2)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    with sampling() as samples:
        reader.play_for(float(seconds))
    found = {
        "statements": statements,
        "wall_ms": wall * 1000 / plain,
        "cpu_ms": cpu * 1000 / plain,
        "samples": dict(samples.found),
    }
    Path(result).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
