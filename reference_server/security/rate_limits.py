"""How many requests somebody may make: counted in Redis for all processes together, or in each one where there is none."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, Final

from flask import current_app, g, request
from flask_limiter import ApplicationLimit, Limiter
from flask_limiter.constants import HeaderNames
from limits import parse_many

from railway_saas.errors import ConfigurationError
from reference_server import redis_clients

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response

    from reference_server.data.accounts import Principal
    from reference_server.settings import Settings

_LIMIT: Final = "_reference_server_rate_limit"
_GUESSING: Final = "guessing"
_UNLIMITED: Final = "unlimited"
_IPV6_NETWORK: Final = 64
"""Bits of an IPv6 address that name a customer's network: whoever has one has all 2^64 addresses of it.

Source: RFC 6177, section 2."""


def guessable(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that a password, a link or an address could be guessed with: counted by network, all such views together."""
    setattr(view, _LIMIT, _GUESSING)
    return view


def unlimited(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that others than customers call, e.g. Railway's webhooks or what asks whether the process lives."""
    setattr(view, _LIMIT, _UNLIMITED)
    return view


def register(app: Flask, settings: Settings) -> Limiter:
    """Count every request, once it is known who asks; the answer's headers say what is left.

    Raises:
        ConfigurationError: A limit cannot be read.
    """
    limiter = Limiter(
        _whoever_asks,
        application_limits=[
            ApplicationLimit(
                limit_provider=_checked("RATE_LIMIT_LOGIN", settings.rate_limit_login),
                key_function=network,
                scope=_GUESSING,
                exempt_when=lambda: _mark() != _GUESSING,
            ),
            ApplicationLimit(
                limit_provider=_checked("RATE_LIMIT_API", settings.rate_limit_api),
                scope="api",
                exempt_when=lambda: _mark() == _UNLIMITED,
            ),
        ],
        headers_enabled=True,
        header_name_mapping={
            HeaderNames.LIMIT: "RateLimit-Limit",
            HeaderNames.REMAINING: "RateLimit-Remaining",
            HeaderNames.RESET: "RateLimit-Reset",
        },
        strategy="sliding-window-counter",
        storage_uri=settings.redis_url.get_secret_value() if settings.redis_url else "memory://",
        storage_options=redis_clients.options() if settings.redis_url else {},
        in_memory_fallback_enabled=settings.redis_url is not None,
        key_prefix="railway-saas",
    )
    # Functions after a request run last to first: the limiter's stands between these two.
    app.after_request(_restore_retry_after)
    limiter.init_app(app)
    app.after_request(_remember_retry_after)
    return limiter


def _checked(name: str, limit: str) -> str:
    try:
        parse_many(limit)
    except ValueError:
        raise ConfigurationError(f"{name}={limit!r}: must be like `10 per minute`") from None
    return limit


def _mark() -> str | None:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, _LIMIT, None)


def _whoever_asks() -> str:
    found: Principal | None = g.get("principal")
    if found is None:
        return network()
    return f"key:{found.api_key_id}" if found.api_key_id else f"user:{found.user.id}"


def network() -> str:
    """Where the request comes from: an IPv4 address, or the network of an IPv6 one."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{int(address) >> (128 - _IPV6_NETWORK):x}/{_IPV6_NETWORK}"


def _remember_retry_after(response: Response) -> Response:
    """The limiter writes `Retry-After` on every answer; only its own refusals are to have it."""
    g.retry_after = response.headers.get("Retry-After")
    return response


def _restore_retry_after(response: Response) -> Response:
    said = g.pop("retry_after", None)
    if said is not None:
        response.headers["Retry-After"] = said
    elif response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        response.headers.pop("Retry-After", None)
    return response
