"""Resolving references within an environment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.templates import VariableScope, render
from railway_saas.templates.expressions import MAX_RENDERED_CHARACTERS

SCOPE = VariableScope(
    {
        "web": {
            "PORT": "8080",
            "URL": "http://${{HOST}}:${{PORT}}",
            "HOST": "${{RAILWAY_PRIVATE_DOMAIN}}",
            "RAILWAY_PRIVATE_DOMAIN": "web.railway.internal",
            "DATABASE": "${{Post gres.URL}}?app=${{shared.APP}}",
            "SECRET": "${{secret(32)}}",
            "EMPTY": "",
        },
        "Post gres": {"USER": "me", "URL": "pg://${{USER}}@db"},
        "api.v2": {"NAME": "two"},
        "both": {"ACCESS_KEY_ID": "of the service"},
    },
    buckets={"files": {"ACCESS_KEY_ID": "AK1"}, "both": {"ACCESS_KEY_ID": "of the bucket"}},
    shared={"APP": "shop", "TITLE": "The ${{APP}} of ${{web.PORT}}"},
)


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("plain", "plain"),
        ("${{PORT}}", "8080"),
        ("${{ PORT }}/${{PORT}}", "8080/8080"),
        ("${{URL}}/x", "http://web.railway.internal:8080/x"),
        ("${{web.URL}}", "http://web.railway.internal:8080"),
        ("${{DATABASE}}", "pg://me@db?app=shop"),
        ("${{shared.TITLE}}", "The shop of 8080"),
        ("${{api.v2.NAME}}", "two"),
        ("${{files.ACCESS_KEY_ID}}", "AK1"),
        ("${{both.ACCESS_KEY_ID}}", "of the service"),
        ("[${{EMPTY}}]", "[]"),
        ("[${{MISSING}}]", "[]"),
        ("[${{WEB.PORT}}]", "[]"),
        ("[${{nobody.PORT}}]", "[]"),
        ("[${{shared.MISSING}}]", "[]"),
        ("[${{USER}}]", "[]"),
        ("${PORT} {{PORT}} $PORT", "${PORT} {{PORT}} $PORT"),
        ("${{SECRET}}", "${{secret(32)}}"),
        ("a ${{PORT", "a ${{PORT"),
    ],
)
def test_references_take_their_values(text: str, rendered: str) -> None:
    assert SCOPE.render(text, service="web") == rendered
    assert render(text, SCOPE, service="web") == rendered


def test_a_name_without_owner_means_the_variable_of_the_place_it_stands_in() -> None:
    assert SCOPE.render("${{APP}}") == "shop"
    assert SCOPE.render("${{USER}}", service="Post gres") == "me"
    assert SCOPE.render("${{USER}}", service="nobody") == ""


def test_all_variables_of_a_service_are_rendered_together() -> None:
    assert SCOPE.variables("Post gres") == {"USER": "me", "URL": "pg://me@db"}
    assert SCOPE.variables() == {"APP": "shop", "TITLE": "The shop of 8080"}
    assert SCOPE.variables("nobody") == {}


def test_within_a_cycle_every_reference_is_empty_wherever_one_begins() -> None:
    services = {
        "a": {"X": "x[${{b.Y}}]", "SELF": "s[${{SELF}}]", "IN": "i[${{X}}]"},
        "b": {"Y": "y[${{c.Z}}]"},
        "c": {"Z": "z[${{a.X}}][${{OK}}]", "OK": "fine"},
    }
    expected = {"X": "x[]", "SELF": "s[]", "IN": "i[x[]]"}
    assert VariableScope(services).variables("a") == expected
    begun_elsewhere = VariableScope(services)
    assert begun_elsewhere.variables("c") == {"Z": "z[][fine]", "OK": "fine"}
    assert begun_elsewhere.variables("b") == {"Y": "y[]"}
    assert begun_elsewhere.variables("a") == expected


def test_a_chain_of_ten_thousand_references_is_resolved() -> None:
    chain = {f"V{n}": f"${{{{V{n + 1}}}}}" for n in range(10_000)} | {"V10000": "end"}
    assert VariableScope({"a": chain}).render("${{V0}}", service="a") == "end"


def test_a_cycle_of_ten_thousand_references_is_resolved() -> None:
    cycle = {f"V{n}": f"{n % 10}${{{{V{(n + 1) % 10_000}}}}}" for n in range(10_000)}
    assert VariableScope({"a": cycle}).render("<${{V3}}>", service="a") == "<3>"


def test_references_that_double_at_each_step_are_cut_off() -> None:
    doubling = {f"V{n}": f"${{{{V{n + 1}}}}}" * 2 for n in range(100)} | {"V100": "0123456789"}
    rendered = VariableScope({"a": doubling}).render("${{V0}}", service="a")
    assert len(rendered) == MAX_RENDERED_CHARACTERS


def test_ten_thousand_services_are_rendered_each_once() -> None:
    count = 10_000
    services = {
        f"s{n}": {
            "HOST": f"s{n}.internal",
            "URL": "http://${{HOST}}",
            "NEXT": f"${{{{s{(n + 1) % count}.URL}}}}",
        }
        for n in range(count)
    }
    scope = VariableScope(services)
    assert scope.variables("s0")["NEXT"] == "http://s1.internal"
    assert scope.variables(f"s{count - 1}")["NEXT"] == "http://s0.internal"


def test_the_scope_shows_no_values() -> None:
    assert "8080" not in repr(SCOPE)


NAMES = st.sampled_from(["A", "B", "C"])
OWNERS = st.sampled_from(["s", "t", "shared", "files"])
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(["x", "${{", "}}", ""]),
        NAMES.map(lambda name: f"${{{{{name}}}}}"),
        st.tuples(OWNERS, NAMES).map(lambda both: f"${{{{{both[0]}.{both[1]}}}}}"),
    ),
    max_size=4,
).map("".join)
VARIABLES = st.dictionaries(NAMES, TEXTS)


@given(st.dictionaries(st.sampled_from(["s", "t"]), VARIABLES), VARIABLES, VARIABLES)
def test_rendering_ends_and_does_not_depend_on_the_order_of_asking(
    services: dict[str, dict[str, str]], shared: dict[str, str], files: dict[str, str]
) -> None:
    def scope() -> VariableScope:
        return VariableScope(services, buckets={"files": files}, shared=shared)

    forward, backward = scope(), scope()
    one = {name: forward.variables(name) for name in ("s", "t", None)}
    other = {name: backward.variables(name) for name in (None, "t", "s")}
    assert one == other
