"""Fixtures for tests of code that uses Railway. Installed with the package; loads nothing until a test asks.

```python
def test_a_service_comes_up(railway_emulator, railway_client):
    project = railway_client.projects.create(name="acme", workspace_id=railway_emulator.workspace_id)
    ...
    railway_emulator.clock.advance(10)      # time stands still until told otherwise, or the client waits

@pytest.mark.railway_emulator(seed=3, plan="HOBBY", speed=100)
def test_over_real_sockets(railway_emulator_server):
    print(railway_emulator_server.endpoint)
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from railway_saas import RailwayClient
    from railway_saas.emulator import Emulator, RunningServer

MARKER = "railway_emulator"
SPEED_OPTION = "railway_emulator_speed"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option for `pytest.ini` and `pyproject.toml`."""
    parser.addini(SPEED_OPTION, "emulated seconds per real second of railway_emulator_server", default="20")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", f"{MARKER}(**options): how to make the Railway emulator of this test, see Emulator(...)"
    )


@pytest.fixture
def railway_emulator(request: pytest.FixtureRequest) -> Emulator:
    """A fresh local Railway in this process, on a clock that stands still until it is advanced."""
    from railway_saas.emulator import Emulator  # noqa: PLC0415 - nothing is loaded until a test asks

    return Emulator(**_options(request))


@pytest.fixture
def railway_client(railway_emulator: Emulator) -> Iterator[RailwayClient]:
    """A client of `railway_emulator`, in this process; what it waits for happens at once."""
    with railway_emulator.client() as client:
        yield client


@pytest.fixture
def railway_emulator_server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    """A fresh local Railway on real sockets, whose clock runs by itself; `.emulator` is the emulator."""
    from railway_saas.emulator import Emulator  # noqa: PLC0415 - as above

    options = _options(request)
    options.setdefault("speed", float(request.config.getini(SPEED_OPTION)))
    with Emulator(**options).serve() as server:
        yield server


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    marker = request.node.get_closest_marker(MARKER)
    return dict(marker.kwargs) if marker else {}
