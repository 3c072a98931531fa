"""Fixtures for tests of code that uses Railway. Installed with the package; loads nothing until a test asks.

```python
def test_a_project_is_created(railway_emulator):
    http = httpx.Client(transport=railway_emulator.transport())
    client = RailwayClient(railway_emulator.api_token, endpoint=railway_emulator.endpoint, http_client=http)
    ...
    railway_emulator.clock.advance(10)      # time stands still until told otherwise

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
