"""The probes of a process that has no web application: a worker's."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING

from reference_server.observability.exposition import Exposition
from reference_server.observability.readiness import Readiness

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from reference_server.composition import Platform
    from reference_server.settings import Settings

_JSON = "application/json"


class ProbeApp:
    """`/healthz`, `/readyz` and `/metrics`, as the web processes answer them.

    Args:
        platform: What is looked at.
    """

    def __init__(self, platform: Platform) -> None:
        self._settings = platform.settings
        self._exposition = Exposition(platform)
        self.readiness = Readiness(platform)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer."""
        status, content_type, body = self._answer(
            environ.get("PATH_INFO", ""),
            accept=environ.get("HTTP_ACCEPT", ""),
            authorization=environ.get("HTTP_AUTHORIZATION", ""),
        )
        start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, path: str, *, accept: str, authorization: str) -> tuple[str, str, bytes]:
        match path:
            case "/healthz":
                return "200 OK", _JSON, b'{"status": "ok"}'
            case "/readyz":
                report = self.readiness.look()
                body = json.dumps({"status": report.status, "checks": dict(report.checks)}).encode()
                return "200 OK" if report.is_ready else "503 Service Unavailable", _JSON, body
            case "/metrics" if may_see_metrics(self._settings, authorization):
                text, content_type = self._exposition.write(accept)
                return "200 OK", content_type, text
            case _:
                return "404 Not Found", _JSON, b'{"status": "not found"}'


def may_see_metrics(settings: Settings, authorization: str) -> bool:
    """With a token, whoever has it; without one everybody, but in production nobody."""
    if settings.metrics_token is None:
        return not settings.is_production
    given = authorization.removeprefix("Bearer ").encode()
    return hmac.compare_digest(given, settings.metrics_token.get_secret_value().encode())
