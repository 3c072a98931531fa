"""Importing the package is cheap: nothing optional comes along, whatever else is installed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import railway_saas

FLOOR = "import httpx, pydantic, tenacity, aiolimiter"
OPTIONAL = {
    "stripe",
    "sqlalchemy",
    "flask",
    "websockets",
    "typer",
    "rich",
    "click",
    "graphql",
    "starlette",
    "uvicorn",
    "redis",
    "pytest",
}


def loaded_by(code: str) -> set[str]:
    """Every module that a fresh process has after running this."""
    report = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-I", "-c", report], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def top_level(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.fixture(scope="module")
def floor() -> set[str]:
    """What the four dependencies load by themselves; httpx takes rich and click along where they are installed."""
    return loaded_by(FLOOR)


def test_importing_the_package_loads_nothing_optional(floor: set[str]) -> None:
    loaded = top_level(loaded_by("import railway_saas") - floor)
    assert not OPTIONAL & loaded
    assert loaded <= {"railway_saas"} | set(sys.stdlib_module_names), (
        "nothing but this package and Python's own"
    )


def test_importing_the_package_loads_neither_models_nor_resources() -> None:
    loaded = loaded_by("import railway_saas")
    assert not {name for name in loaded if name.startswith("railway_saas.railway.models.")} - {
        "railway_saas.railway.models.base"
    }
    assert "railway_saas.railway._sync.projects" not in loaded
    assert not {"railway_saas.emulator", "railway_saas.templates", "railway_saas.cli"} & loaded


def test_a_client_makes_its_resources_when_they_are_first_used() -> None:
    code = (
        "from railway_saas import RailwayClient\nclient = RailwayClient('x')\nclient.projects\nclient.close()"
    )
    loaded = loaded_by(code)
    assert "railway_saas.railway._sync.projects" in loaded
    assert "railway_saas.railway._sync.volumes" not in loaded
    assert "railway_saas.railway._async.projects" not in loaded


def test_the_public_names_are_these() -> None:
    assert railway_saas.__all__ == [
        "AsyncRailwayClient",
        "RailwayClient",
        "RailwayError",
        "RailwaySaasError",
        "RateLimit",
        "RetryPolicy",
        "TemplateError",
        "Timeouts",
        "__version__",
    ]
    assert all(hasattr(railway_saas, name) for name in railway_saas.__all__)


def test_the_public_names_of_the_client_are_these() -> None:
    from railway_saas import railway

    assert railway.__all__ == [
        "UNSET",
        "AsyncClock",
        "AsyncPacer",
        "AsyncRailwayClient",
        "ClientStats",
        "Clock",
        "Lane",
        "Operation",
        "Pacer",
        "Page",
        "RailwayClient",
        "RequestReport",
    ]


def test_no_name_of_a_dependency_is_public_by_accident() -> None:
    public = {name for name in vars(railway_saas) if name.isidentifier() and name[0] != "_"}
    submodules = {name for name in public if f"railway_saas.{name}" in sys.modules}
    assert public - submodules <= set(railway_saas.__all__)
