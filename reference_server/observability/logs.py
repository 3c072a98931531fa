"""Logs: one JSON object per line, whoever logs: the server, the SDK, gunicorn, DBOS, Alembic.

Everything goes through the root logger's one handler. Lines of libraries get the same fields as ours, and every line is
masked last, tracebacks included.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import structlog

from reference_server.observability.context import FIELDS, current_fields
from reference_server.observability.masking import Masker

if TYPE_CHECKING:
    from typing import TextIO

    from structlog.typing import EventDict, Processor

    from reference_server.settings import Settings

_OWN_WAYS: Final = (
    "alembic",
    "dbos",
    "gunicorn.access",
    "gunicorn.error",
    "urllib3",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
    "werkzeug",
)
"""Loggers of libraries that bring a handler of their own, or would make one where they find none."""
_TALKATIVE: Final = {
    "alembic": logging.WARNING,  # each step of a migration
    "dbos": logging.WARNING,  # the same, and that SQLite is not for production
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,  # the whole URL of every request
    "uvicorn": logging.WARNING,  # of the emulator
}


def configure_logging(
    settings: Settings, *, service: str, stream: TextIO | None = None, force_json: bool = False
) -> None:
    """Send every line of this process to one stream, in one form.

    Args:
        settings: Level, form, and the secrets to mask.
        service: What this process is, e.g. `web`; stands on every line.
        stream: Where to; standard output unless given.
        force_json: Also on a terminal.
    """
    out = stream or sys.stdout
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        formatter(
            settings, service=service, as_json=force_json or is_json(settings, out), colors=out.isatty()
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    take_over_libraries()
    _configure_structlog()
    logging.captureWarnings(capture=True)
    _log_what_nobody_catches()


def is_json(settings: Settings, stream: TextIO) -> bool:
    """JSON, but for a developer at a terminal."""
    if settings.log_format != "auto":
        return settings.log_format == "json"
    return settings.is_production or not stream.isatty()


def formatter(settings: Settings, *, service: str, as_json: bool, colors: bool = False) -> logging.Formatter:
    """What makes a line of a record, be it structlog's or the standard library's."""
    masker = Masker.of(settings)
    ending: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _Masking(masker),
    ]
    if as_json:
        ending += [_Ordered(), structlog.processors.JSONRenderer(ensure_ascii=False, default=str)]
    else:
        ending += [
            _without_nothing,
            structlog.dev.ConsoleRenderer(
                event_key="message", colors=colors, exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_beginning(), structlog.stdlib.ExtraAdder(_EXTRA)],
        processors=[_Service(service), *ending],
    )


_EXTRA: Final = frozenset({*FIELDS, "method", "route", "worker", "job", "subject", "instance_id", "attempt"})
"""Of `extra=` only what is known: libraries put whole objects there."""


def _beginning() -> list[Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _in_context,
    ]


def _in_context(_: Any, __: str, event: EventDict) -> EventDict:
    return {**current_fields(), **event}


class _Service:
    """Says which process it is, and gives `event` its name."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _: Any, __: str, event: EventDict) -> EventDict:
        message = event.pop("event", "")
        return {**event, "message": message, "service": self._service}


class _Masking:
    """The last to see an event before it becomes text."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker

    def __call__(self, _: Any, __: str, event: EventDict) -> EventDict:
        masked: EventDict = self._masker.value(event)
        return masked


class _Ordered:
    """The fields everybody counts on come first, and are always there."""

    def __call__(self, _: Any, __: str, event: EventDict) -> EventDict:
        known = {name: event.pop(name, None) for name in FIELDS}
        return {**known, **event}


def _without_nothing(_: Any, __: str, event: EventDict) -> EventDict:
    return {name: value for name, value in event.items() if value is not None and name != "service"}


def _configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_beginning(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def take_over_libraries() -> None:
    """Take away the handlers that libraries gave their loggers: everything goes to the root logger."""
    for name in _OWN_WAYS:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
        # DBOS gives its logger a handler unless it finds one.
        logger.addHandler(logging.NullHandler())
        logger.propagate = True
    for name, level in _TALKATIVE.items():
        logging.getLogger(name).setLevel(level)


def _log_what_nobody_catches() -> None:
    log = logging.getLogger("reference_server")

    def in_main(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("nobody caught an error", exc_info=(kind, error, traceback))

    def in_thread(caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None and not issubclass(caught.exc_type, SystemExit):
            log.critical(
                "nobody caught an error in a thread",
                exc_info=(caught.exc_type, caught.exc_value, caught.exc_traceback),
            )

    sys.excepthook = in_main
    threading.excepthook = in_thread
