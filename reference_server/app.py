"""The web application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask_openapi import Info, OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

import railway_saas
from reference_server.api import (
    account_problems,
    authentication,
    bounds,
    documents,
    ops,
    problems,
    webhooks,
)
from reference_server.api.auth import api as auth_api
from reference_server.api.instances import api as instances_api
from reference_server.api.operations import api as operations_api
from reference_server.api.railway import api as railway_api
from reference_server.api.templates import api as templates_api
from reference_server.api.users import api as users_api
from reference_server.observability import requests
from reference_server.security import headers, rate_limits

if TYPE_CHECKING:
    from flask import Flask

    from reference_server.composition import Platform

_PUBLIC_ENDPOINTS: Final = frozenset({"openapi.doc_url", "openapi.openapi", "static"})


def create_app(platform: Platform) -> Flask:
    """The application over a platform that is wired: `reference_server.composition`."""
    app = OpenAPI(
        "reference_server",
        info=Info(title="railway_saas platform", version=railway_saas.__version__),
        security_schemes={"bearer": _BEARER, "webhook": webhooks.SECURITY_SCHEME},
        validation_error_callback=problems.on_invalid_request,
        doc_ui=False,
        static_folder=None,
    )
    app.openapi_version = "3.1.0"
    app.config.update(
        MAX_BODY_BYTES=platform.settings.max_body_bytes,
        # Of a body in chunks one byte more is read, so that one that is too large is told from one that just fits.
        MAX_CONTENT_LENGTH=platform.settings.max_body_bytes + 1,
        PUBLIC_ENDPOINTS=_PUBLIC_ENDPOINTS,
        DEBUG=platform.settings.debug,
    )
    app.extensions["platform"] = platform
    headers.register(app, platform.settings)
    problems.register(app)
    account_problems.register(app)
    authentication.register(app)
    requests.register(app, platform.metrics)
    ops.register(app, platform)
    rate_limits.register(app, platform)
    authentication.guard(app)
    bounds.register(app)
    for api in _APIS:
        app.register_api(api)
    app.register_blueprint(documents.pages)
    _believe_proxies(app, platform.settings.trusted_proxies)
    return app


_APIS: Final = (
    auth_api,
    users_api,
    templates_api,
    instances_api,
    railway_api,
    webhooks.api,
    operations_api,
    ops.api,
)
_BEARER: Final[dict[str, Any]] = {
    "type": "http",
    "scheme": "bearer",
    "description": "An access token of `POST /api/auth/login`, or an API key.",
}


def _believe_proxies(app: Flask, count: int) -> None:
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
