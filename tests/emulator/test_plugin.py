"""The pytest plugin: silent, lazy, and there when asked for."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

import railway_saas.emulator

if TYPE_CHECKING:
    from railway_saas.emulator import Emulator, RunningServer

LAZY = """
import sys
import railway_saas.emulator.pytest_plugin
heavy = {"graphql", "starlette", "uvicorn", "websockets"} & set(sys.modules)
assert not heavy, heavy
"""

WITHOUT_EXTRA = """
import sys
sys.modules["graphql"] = None
import railway_saas.emulator.pytest_plugin
try:
    railway_saas.emulator.Emulator
except ImportError as error:
    assert "pip install 'railway-saas[emulator]'" in str(error), error
else:
    raise SystemExit("it was found")
"""


def test_the_plugin_loads_nothing_until_a_test_asks() -> None:
    subprocess.run([sys.executable, "-c", LAZY], check=True)


def test_without_the_extra_the_plugin_still_loads_and_the_emulator_says_what_is_missing() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_EXTRA], check=True)


def test_every_public_name_can_be_had() -> None:
    for name in railway_saas.emulator.__all__:
        assert getattr(railway_saas.emulator, name) is not None
    assert sorted(railway_saas.emulator._HOMES) == sorted(railway_saas.emulator.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        railway_saas.emulator.nonsense  # noqa: B018


def test_the_fixture_stands_still(railway_emulator: Emulator) -> None:
    assert railway_emulator.clock.stepping
    assert railway_emulator.state()["projects"] == 0


@pytest.mark.railway_emulator(plan="HOBBY", seed=3)
def test_the_marker_sets_options(railway_emulator: Emulator) -> None:
    answer = railway_emulator.execute("{ me { workspaces { plan } } }")
    assert answer["data"]["me"]["workspaces"] == [{"plan": "HOBBY"}]


def test_the_server_fixture_runs_at_the_configured_speed(railway_emulator_server: RunningServer) -> None:
    assert railway_emulator_server.emulator.clock.speed == 20
    answer = httpx.post(railway_emulator_server.endpoint, json={"query": "{ __typename }"})
    assert answer.json() == {"data": {"__typename": "Query"}}
