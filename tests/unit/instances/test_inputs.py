"""What owners choose, checked before anything is written."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railway_saas.domain.instances import ServiceLimits
from railway_saas.domain.plans import Resources
from railway_saas.errors import InstanceInputError, TemplateError
from railway_saas.instances.inputs import (
    MAX_NAME,
    checked_domain,
    checked_limits,
    checked_name,
    checked_variables,
    fill_known,
    fill_renewed,
    renewed_inputs,
    resources_of,
)
from railway_saas.templates import Template
from railway_saas.templates.inputs import MAX_VALUE_BYTES
from tests.support.situations import WEB_DOCUMENT, app, web

if TYPE_CHECKING:
    from collections.abc import Callable

few = settings(max_examples=30, deadline=None)

NO_LIMITS = ServiceLimits()


def refused(argument: str, check: Callable[..., object], *values: object) -> str:
    """The words of the refusal, which names the argument."""
    with pytest.raises(InstanceInputError) as caught:
        check(*values)
    assert caught.value.argument == argument
    return str(caught.value)


# Names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        pytest.param("shop", "shop", id="plain"),
        pytest.param("  My shop\n", "My shop", id="blanks around it"),
        pytest.param("Müllers Café ☕", "Müllers Café ☕", id="any language"),
        pytest.param("x" * MAX_NAME, "x" * MAX_NAME, id="as long as can be"),
    ],
)
def test_a_name_is_taken_without_blanks_around_it(given_name: str, expected: str) -> None:
    assert checked_name(given_name) == expected


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("", "must not be blank", id="empty"),
        pytest.param(" \t\n", "must not be blank", id="blank"),
        pytest.param("x" * (MAX_NAME + 1), "has 65 characters; at most 64 are allowed", id="too long"),
        pytest.param("a\0b", "must not hold control characters", id="NUL"),
        pytest.param("a\nb", "must not hold control characters", id="line break"),
        pytest.param("a\u202eb", "must not hold control characters", id="turns the text around"),
        pytest.param("a\ud800b", "must not hold control characters", id="half a character"),
        pytest.param(None, "must be a text, not NoneType", id="None"),
        pytest.param(5, "must be a text, not int", id="a number"),
        pytest.param(b"shop", "must be a text, not bytes", id="bytes"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(name: Any, said: str) -> None:
    assert refused("name", checked_name, name) == f"name: {said}"


@few
@given(st.text(max_size=80))
def test_a_name_that_passes_is_clean_and_passes_again(name: str) -> None:
    try:
        taken = checked_name(name)
    except InstanceInputError:
        return
    assert checked_name(taken) == taken == unicodedata.normalize("NFC", name).strip()
    assert 0 < len(taken) <= MAX_NAME
    assert not {unicodedata.category(one)[0] for one in taken} & {"C"}


# Domains --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        pytest.param("app.example.com", "app.example.com", id="plain"),
        pytest.param("App.Example.COM", "app.example.com", id="in lower case"),
        pytest.param(" app.example.com ", "app.example.com", id="without blanks"),
        pytest.param("app.example.com.", "app.example.com", id="without a trailing dot"),
        pytest.param("example.com", "example.com", id="without a subdomain"),
        pytest.param("*.example.com", "*.example.com", id="wildcard"),
        pytest.param("münchen.de", "xn--mnchen-3ya.de", id="IDN"),
        pytest.param("MÜNCHEN.de", "xn--mnchen-3ya.de", id="IDN in capitals"),
        pytest.param("例え.テスト", "xn--r8jz45g.xn--zckzah", id="IDN to the end"),
        pytest.param("xn--mnchen-3ya.de", "xn--mnchen-3ya.de", id="IDN in its ASCII form"),
        pytest.param("app。example。com", "app.example.com", id="dots of another script"),
        pytest.param("a-b.1c.example.co.uk", "a-b.1c.example.co.uk", id="digits and dashes"),
        pytest.param(f"{'x' * 63}.example.com", f"{'x' * 63}.example.com", id="a label of 63 characters"),
        pytest.param("railway.app.example.com", "railway.app.example.com", id="Railway's name inside"),
        pytest.param("my-up.railway.app.com", "my-up.railway.app.com", id="alike, and not Railway's"),
    ],
)
def test_a_domain_is_taken_in_its_plain_form(domain: str, expected: str) -> None:
    assert checked_domain(domain) == expected


@pytest.mark.parametrize(
    "domain",
    [
        "",
        ".",
        "localhost",
        "example",
        "https://example.com",
        "example.com/path",
        "example.com:443",
        "user@example.com",
        "two words.com",
        "a..example.com",
        ".example.com",
        "-a.example.com",
        "a-.example.com",
        "under_score.example.com",
        "*",
        "*.*.example.com",
        "a.*.example.com",
        "*a.example.com",
        "127.0.0.1",
        "[::1]",
        "example.c",
        "example.1com",
        f"{'x' * 64}.example.com",
        "example.com\n.evil.com",
        "exam\0ple.com",
        "\ud800.example.com",
        None,
        5,
        pytest.param(b"example.com", id="bytes"),
    ],
)
def test_what_is_no_host_name_is_refused(domain: Any) -> None:
    said = refused("domain", checked_domain, domain)
    assert said == f"domain={domain!r}: must be a host name like app.example.com"


def test_a_host_name_has_253_characters_at_most() -> None:
    longest = ".".join(["x" * 61] * 4 + ["com"])
    assert len(longest) == 251
    assert checked_domain(longest) == longest
    refused("domain", checked_domain, f"abc.{longest}")


@pytest.mark.parametrize(
    "domain",
    [
        "mine.up.railway.app",
        "MINE.UP.RAILWAY.APP.",
        "a.b.up.railway.app",
        "*.up.railway.app",
        "x․up․railway․app",  # noqa: RUF001 - dots that become dots
        "up.railway.app",
        "backboard.railway.app",
        "postgres.railway.internal",
    ],
)
def test_railways_own_domains_are_refused(domain: str) -> None:
    assert "is one of Railway's own" in refused("domain", checked_domain, domain)


@pytest.mark.parametrize("domain", ["shop.local", "a.localhost", "x.internal", "*.corp.test", "abc.onion"])
def test_names_that_nobody_can_reach_are_refused(domain: str) -> None:
    assert "no public name server" in refused("domain", checked_domain, domain)


@few
@given(
    st.text(max_size=40)
    | st.from_regex(r"(\*\.)?[a-zäöß0-9-]{1,9}(\.[a-zé0-9-]{1,9}){1,3}\.?", fullmatch=True)
)
def test_a_domain_that_passes_passes_again_unchanged(domain: str) -> None:
    try:
        taken = checked_domain(domain)
    except InstanceInputError:
        return
    assert checked_domain(taken) == taken
    assert taken.isascii()
    assert taken == taken.lower().strip(". ")


# Variables ------------------------------------------------------------------------------------------------------


def test_variables_pass_as_they_are_and_services_without_any_are_left_out() -> None:
    changes = {"App": {"A": "1", "B": None, "C": ""}, "Redis": {}}
    assert checked_variables(app(), changes) == {"App": {"A": "1", "B": None, "C": ""}}


@pytest.mark.parametrize("value", ["", " ", "ä\n\t☕", "${{Postgres.DATABASE_URL}}", "x" * MAX_VALUE_BYTES])
def test_any_text_is_a_value(value: str) -> None:
    assert checked_variables(web(), {"web": {"A": value}}) == {"web": {"A": value}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({}, "variables: must not be empty", id="nothing"),
        pytest.param({"web": {}}, "variables: must not be empty", id="nothing of a service"),
        pytest.param(
            {"worker": {"A": "1"}},
            "variables: there is no service 'worker'; there are web",
            id="a service that is not there",
        ),
        pytest.param({"web": {"": "1"}}, "a variable's name must be a text that is not empty", id="no name"),
        pytest.param({"web": {" ": "1"}}, "a variable's name must be a text that is not empty", id="blank"),
        pytest.param({"web": {5: "1"}}, "a variable's name must be a text that is not empty", id="a number"),
        pytest.param({"web": {"A": 5}}, "variables['A']: the value must be a text, not int", id="no text"),
        pytest.param({"web": {"A": "a\0b"}}, "['A']: holds a NUL character", id="NUL"),
        pytest.param(
            {"web": {"A": "ä" * (MAX_VALUE_BYTES // 2) + "x"}},
            "['A']: is 32769 bytes long; at most 32768 are accepted",
            id="too long in bytes",
        ),
    ],
)
def test_variables_that_cannot_be_used_are_refused(changes: Any, said: str) -> None:
    assert said in refused("variables", checked_variables, web(), changes)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("A\0B", id="NUL, which no database takes"),
        pytest.param("A\ud800", id="half a character"),
        pytest.param("A=B", id="an equals sign, which ends the name"),
    ],
)
def test_names_that_no_environment_variable_can_have_are_refused(name: str) -> None:
    refused("variables", checked_variables, web(), {"web": {name: "1"}})


def test_a_value_that_is_no_unicode_is_refused() -> None:
    refused("variables", checked_variables, web(), {"web": {"A": "\ud800"}})


def test_a_refusal_never_tells_the_value() -> None:
    assert "hunter2" not in refused("variables", checked_variables, web(), {"web": {"A": "hunter2\0"}})
    assert "hunter2" not in refused("variables", checked_variables, web(), {"web": {"A": "hunter2" * 9999}})


# Limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits", [NO_LIMITS, ServiceLimits(vcpus=Decimal("0.1")), ServiceLimits(memory_gb=Decimal(32))]
)
def test_limits_above_0_pass(limits: ServiceLimits) -> None:
    assert checked_limits(limits) == limits


@pytest.mark.parametrize("name", ["vcpus", "memory_gb"])
@pytest.mark.parametrize("value", ["0", "-1", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_limits_that_mean_nothing_are_refused(name: str, value: str) -> None:
    limits = ServiceLimits(**{name: Decimal(value)})
    assert refused(name, checked_limits, limits) == (
        f"{name}={value}: must be a number above 0, at most 1000000, with at most 9 decimal places"
    )


# What an instance holds -----------------------------------------------------------------------------------------


def test_an_instance_holds_all_its_services_up_to_their_limits() -> None:
    limits = ServiceLimits(vcpus=Decimal("0.5"), memory_gb=Decimal(2))
    assert resources_of(app(), limits) == Resources(
        services=3, vcpus=Decimal("1.5"), memory_gb=Decimal(6), volume_gb=Decimal(6)
    )


def test_what_has_no_limit_or_size_counts_as_nothing() -> None:
    assert resources_of(web(), NO_LIMITS) == Resources(services=1)


def test_every_replica_counts() -> None:
    document = {"services": {"web": {**WEB_DOCUMENT["services"]["web"], "deploy": {"numReplicas": 3}}}}
    limits = ServiceLimits(vcpus=Decimal(2))
    assert resources_of(Template.parse(document), limits) == Resources(services=1, vcpus=Decimal(6))


# Inputs ---------------------------------------------------------------------------------------------------------


def test_a_revision_is_filled_in_with_the_inputs_that_it_has() -> None:
    document = {
        "services": {
            "web": {"name": "web", "source": {"image": "x"}, "variables": {"A": {"isOptional": False}}}
        }
    }
    filled = fill_known(Template.parse(document), {"web.A": "1", "web.OLD": "2"})
    (service,) = filled.services
    variable = service.variable("A")
    assert variable is not None
    assert variable.text == "1"


def test_a_revision_that_asks_for_more_is_refused() -> None:
    document = {
        "services": {
            "web": {"name": "web", "source": {"image": "x"}, "variables": {"A": {"isOptional": False}}}
        }
    }
    with pytest.raises(TemplateError, match=r"web\.A|'A'"):
        fill_known(Template.parse(document), {"web.OLD": "2"})


# ... and inputs that get other values ------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["App.ADMIN_EMAIL", "ADMIN_EMAIL"])
@pytest.mark.parametrize("now", ["App.ADMIN_EMAIL", "ADMIN_EMAIL"])
def test_the_later_value_counts_whichever_way_it_is_named(before: str, now: str) -> None:
    inputs = renewed_inputs(app(), {before: "old@example.com", "App.PORT": "1"}, {now: "new@example.com"})
    service = next(one for one in app().fill(inputs).services if one.name == "App")
    values = {variable.name: variable.text for variable in service.variables}
    assert (values["ADMIN_EMAIL"], values["PORT"]) == ("new@example.com", "1")


def test_earlier_inputs_may_be_unknown_and_those_given_now_may_not() -> None:
    template = Template.parse(WEB_DOCUMENT)
    assert fill_renewed(template, {"web.OLD": "1", "web.PORT": "2"}, {"web.PORT": "2"}).services
    with pytest.raises(TemplateError, match="1 problem") as caught:
        fill_renewed(template, {"web.OLD": "1", "web.PROT": "2"}, {"web.PROT": "2"})
    assert "web.PORT" in str(caught.value)
