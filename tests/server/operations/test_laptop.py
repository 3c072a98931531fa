"""What `serve` refuses, so that two of them never get in each other's way."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from railway_saas.errors import ConfigurationError
from reference_server.operations.laptop import laptop

if TYPE_CHECKING:
    from pathlib import Path


def test_a_taken_port_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=f"PORT={port}.*--port"),
            laptop({"DATA_DIR": str(tmp_path), "HOST": "127.0.0.1", "PORT": str(port)}),
        ):
            pass
    assert not list(tmp_path.iterdir())


def test_a_second_one_in_the_same_folder_leaves_the_first_ones_database_alone(tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path), "PORT": "0"}
    with laptop(settings) as first:
        with pytest.raises(ConfigurationError, match="another `serve` works there"), laptop(settings):
            pass
        assert (tmp_path / "embedded" / "platform.db").exists()
        assert first.admin_password
    with laptop(settings) as again:
        assert again.admin_password
    assert not (tmp_path / "embedded").exists()
