"""The clients that an emulator hands out."""

from __future__ import annotations

import pytest

from railway_saas.emulator import Emulator
from railway_saas.errors import ConfigurationError


def test_a_client_in_process_says_that_streams_need_sockets() -> None:
    with Emulator().client() as railway, pytest.raises(ConfigurationError, match=r"emulator\.serve\(\)"):
        next(iter(railway.logs.stream("a-deployment")))


def test_waiting_moves_a_clock_that_stands_still() -> None:
    emulator = Emulator()
    before = emulator.clock.now()
    with emulator.client() as railway:
        railway.clock.sleep(90)
    assert (emulator.clock.now() - before).total_seconds() == 90
