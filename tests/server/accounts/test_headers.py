"""What browsers are told of every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference_server.security import headers
from reference_server.settings import Settings

if TYPE_CHECKING:
    from flask import Flask

    from tests.server.conftest import Person


@pytest.mark.parametrize("path", ["/api/instances", "/api/nowhere", "/nowhere"])
def test_good_answers_and_refusals_alike_allow_nothing(app: Flask, path: str) -> None:
    answer = app.test_client().get(path)
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_nothing_of_the_api_is_kept_by_caches(app: Flask, ann: Person) -> None:
    assert ann.get("/api/users/profile").headers["Cache-Control"] == "no-store"
    refused = app.test_client().post("/api/auth/login", json={"email": "a@example.com", "password": "x"})
    assert refused.headers["Cache-Control"] == "no-store"


def test_no_other_origin_is_allowed(app: Flask, ann: Person) -> None:
    asking = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for answer in (
        ann.get("/api/users/profile", headers=asking),
        app.test_client().options("/api/users/profile", headers=asking),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]


def test_https_is_insisted_on_in_production_only(app: Flask) -> None:
    assert "Strict-Transport-Security" not in app.test_client().get("/api/instances").headers
    from flask import Flask as PlainFlask

    plain = PlainFlask("production")
    headers.register(plain, Settings.model_validate({"APP_ENV": "production"}))
    answer = plain.test_client().get("/")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_a_page_may_have_a_policy_of_its_own() -> None:
    from flask import Flask as PlainFlask

    plain = PlainFlask("page")
    headers.register(plain, Settings.model_validate({}))
    plain.add_url_rule("/", view_func=lambda: ("", {"Content-Security-Policy": "default-src 'self'"}))
    assert plain.test_client().get("/").headers.getlist("Content-Security-Policy") == ["default-src 'self'"]
