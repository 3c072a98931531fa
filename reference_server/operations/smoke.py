"""A look at a running platform from outside, as a stranger: what a deployment is followed by."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from railway_saas.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TIMEOUT_S: Final = 10.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 5.0
_OK: Final = 200
_UNAUTHENTICATED: Final = 401


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    is_good: bool
    why: str = ""


def smoke_test(
    url: str,
    *,
    wait_s: float,
    metrics_token: str | None = None,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Finding]:
    """Wait until it is ready, then look at everything.

    Args:
        url: Where it is reached, without a slash at the end.
        wait_s: How long it may take to get ready.
        metrics_token: For `/metrics`; they are left alone without it.
        transport: How requests are sent, for tests.
        sleep: How pauses are made, for tests.

    Raises:
        ConfigurationError: The URL cannot be used.
    """
    if not url.startswith(("https://", "http://")):
        raise ConfigurationError(f"{url!r}: must begin with https://")
    with httpx.Client(base_url=url, timeout=_TIMEOUT_S, transport=transport) as client:
        ready = _wait_until_ready(client, wait_s, sleep)
        return [ready, *(_looks(client, metrics_token) if ready.is_good else ())]


def _wait_until_ready(client: httpx.Client, wait_s: float, sleep: Callable[[float], None]) -> Finding:
    deadline, pause = time.monotonic() + wait_s, _FIRST_PAUSE_S
    while True:
        found = _look(client, "/readyz", "it is ready", lambda answer: answer.status_code == _OK)
        if found.is_good or time.monotonic() + pause > deadline:
            return found
        sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        pause = min(pause * 2, _LONGEST_PAUSE_S)


def _looks(client: httpx.Client, metrics_token: str | None) -> Iterator[Finding]:
    yield _look(client, "/healthz", "it lives", lambda answer: answer.status_code == _OK)
    yield _look(
        client,
        "/openapi.json",
        "it describes itself",
        lambda answer: answer.status_code == _OK and str(answer.json().get("openapi", "")).startswith("3."),
    )
    yield _look(
        client,
        "/api/instances",
        "nobody gets in without a log-in",
        lambda answer: answer.status_code == _UNAUTHENTICATED,
    )
    yield _look(
        client,
        "/api/instances",
        "answers carry a request id",
        lambda answer: bool(answer.headers.get("X-Request-ID")),
    )
    yield _look(
        client,
        "/metrics",
        "metrics are not for strangers",
        lambda answer: answer.status_code in {401, 404} or client.base_url.scheme == "http",
    )
    if metrics_token is not None:
        yield _look(
            client,
            "/metrics",
            "metrics are there, and the database answers",
            lambda answer: "railway_saas_database_up 1.0" in answer.text,
            headers={"Authorization": f"Bearer {metrics_token}"},
        )


def _look(
    client: httpx.Client,
    path: str,
    what: str,
    is_good: Callable[[httpx.Response], bool],
    headers: dict[str, str] | None = None,
) -> Finding:
    try:
        answer = client.get(path, headers=headers)
        good = is_good(answer)
    except (httpx.HTTPError, ValueError) as error:
        return Finding(what, is_good=False, why=f"{path}: {type(error).__name__}")
    return Finding(what, good, "" if good else f"{path} answered {answer.status_code}")
