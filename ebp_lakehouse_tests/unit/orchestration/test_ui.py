"""The UI's port is looked at before any server starts."""

from __future__ import annotations

import socket

import pytest

from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.orchestration.ui import check_free


def test_a_taken_port_is_told_and_a_free_one_is_not() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"127.0.0.1:{port}.*--port"):
            check_free(port)
    check_free(port)
