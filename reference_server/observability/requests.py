"""One line in the log and one observation in the metrics for every request, whatever became of it.

It is a layer around the application, so that it sees what the application does not: how long a body took to be sent.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from flask import g, request
from werkzeug.wsgi import ClosingIterator

from reference_server.observability.context import current_fields, logging_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import ExitStack
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask, Response

    from reference_server.observability.metrics import Metrics

log = logging.getLogger("reference_server.access")

_SEEN: Final = "reference_server.seen"
NO_ROUTE: Final = "(none)"
"""What no route answers for: a label of its own, as any path may be asked for."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET: Final = frozenset({"ops.healthz", "ops.readyz", "ops.metrics"})
"""Asked for every few seconds by machines: logged at DEBUG."""


def register(app: Flask, metrics: Metrics) -> None:
    """Watch every request of an application. Registered after authentication: who asks is known by then."""
    app.before_request(_bind)
    app.after_request(_remember)
    app.wsgi_app = Observed(app.wsgi_app, metrics)  # type: ignore[method-assign]


def _bind() -> None:
    """What the path says stands on every line that is logged meanwhile."""
    contexts: ExitStack | None = g.get("contexts")
    if contexts is None:
        return
    arguments = request.view_args or {}
    contexts.enter_context(
        logging_with(
            action=request.endpoint,
            template_id=_text(arguments.get("template_id")),
            instance_id=_text(arguments.get("instance_id")),
            railway_service_id=_text(arguments.get("service_id") or request.args.get("service_id")),
        )
    )


def _remember(response: Response) -> Response:
    """What the layer outside cannot know."""
    request.environ[_SEEN] = {
        **current_fields(),
        "route": request.url_rule.rule if request.url_rule else NO_ROUTE,
        "action": request.endpoint,
    }
    return response


class Observed:
    """The application, watched.

    Args:
        app: What answers.
        metrics: Where times and results go.
    """

    def __init__(self, app: WSGIApplication, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        watch = _Watch(environ, self._metrics)
        try:
            body = self._app(environ, watch.starting(start_response))
        except BaseException:
            watch.ended()
            raise
        return ClosingIterator(body, [watch.ended])


class _Watch:
    """One request."""

    def __init__(self, environ: WSGIEnvironment, metrics: Metrics) -> None:
        self._environ = environ
        self._metrics = metrics
        self._began = time.perf_counter()
        self._status: int | None = None
        metrics.in_flight.inc()

    def starting(self, start_response: StartResponse) -> Callable[..., Any]:
        """Note the status and the time as the answer begins: a stream may go on for minutes."""

        def start(status: str, *more: Any) -> Any:
            if self._status is None:
                self._answered(int(status.split(" ", 1)[0]))
            return start_response(status, *more)

        return start

    def ended(self) -> None:
        """Everything was sent, or the caller went away, or nothing was answered at all."""
        self._metrics.in_flight.dec()
        status = self._answered(500) if self._status is None else self._status
        method, route, seen = self._what()
        log.log(
            logging.DEBUG if seen.get("action") in _QUIET else logging.INFO,
            "%s %s %d",
            method,
            route,
            status,
            extra={
                **seen,
                "method": method,
                "route": route,
                "status": status,
                "duration_ms": round((time.perf_counter() - self._began) * 1000, 2),
            },
        )

    def _answered(self, status: int) -> int:
        self._status = status
        method, route, _ = self._what()
        self._metrics.request_done(
            method=method, route=route, status=status, seconds=time.perf_counter() - self._began
        )
        return status

    def _what(self) -> tuple[str, str, dict[str, Any]]:
        """Method and route, from small sets whatever was sent; and what the application remembered."""
        seen: dict[str, Any] = self._environ.get(_SEEN, {})
        method = self._environ["REQUEST_METHOD"]
        return method if method in _METHODS else "OTHER", seen.get("route", NO_ROUTE), seen


_LONGEST: Final = 64
"""Of an id; whatever else stands in its place is cut."""


def _text(value: Any) -> str | None:
    return None if value is None else str(value)[:_LONGEST]
