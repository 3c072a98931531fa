"""Headers that tell browsers what not to do with an answer. CORS stays closed: no answer allows another origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request
from secure import Secure
from secure.headers import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

if TYPE_CHECKING:
    from flask import Flask, Response

    from reference_server.settings import Settings

_A_YEAR_S: Final = 365 * 86_400
_NOT_KEPT: Final = "no-store"
"""Answers of the API hold tokens, or what is somebody's own."""


def register(app: Flask, settings: Settings) -> None:
    """Put them on every answer that does not say otherwise itself: pages have a policy of their own."""
    everywhere = {name.lower(): (name, value) for name, value in _headers(settings).headers.items()}
    in_api = {**everywhere, "cache-control": ("Cache-Control", _NOT_KEPT)}

    def add(response: Response) -> Response:
        headers = in_api if request.path.startswith("/api/") else everywhere
        said = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 - it iterates over pairs
        response.headers.extend([pair for name, pair in headers.items() if name not in said])
        return response

    app.after_request(add)


def _headers(settings: Settings) -> Secure:
    """Nothing may be loaded by, framed around, or sent from an answer of the API. Source: OWASP REST security."""
    policy = (
        ContentSecurityPolicy()
        .default_src("'none'")
        .frame_ancestors("'none'")
        .base_uri("'none'")
        .form_action("'none'")
    )
    return Secure(
        csp=policy,
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        hsts=_hsts(settings),
        permissions=PermissionsPolicy().geolocation().microphone().camera(),
        referrer=ReferrerPolicy().no_referrer(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
    )


def _hsts(settings: Settings) -> StrictTransportSecurity | None:
    """Only where customers come by HTTPS: a browser would remember it for a developer's machine, too."""
    if not settings.is_production:
        return None
    return StrictTransportSecurity().max_age(_A_YEAR_S).include_subdomains()
