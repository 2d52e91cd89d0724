"""The UI's port is looked at before any server starts; webserver and daemon never outlive the command."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.orchestration.ui import check_free

# The real ``serve`` without Dagster, which takes seconds to import: what it starts are two modules of the same names,
# found first, that do nothing but live.
SERVE = """
import os, sys
from pathlib import Path
from unittest.mock import Mock
sys.modules["ebp_lakehouse.orchestration.runs"] = Mock()
from ebp_lakehouse.orchestration import ui
from ebp_lakehouse.settings import Settings
os.environ["PYTHONPATH"] = sys.argv[1]
sys.exit(ui.serve(Settings(lake_url="/nowhere"), Path(sys.argv[1], "home"), 1))
"""
CHILD = """
import os, time
from pathlib import Path
Path(os.environ["PYTHONPATH"], f"{os.getpid()}.pid").touch()
time.sleep(120)
"""


def test_a_taken_port_is_told_and_a_free_one_is_not() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"127.0.0.1:{port}.*--port"):
            check_free(port)
    check_free(port)


@pytest.mark.parametrize(
    ("ending", "code"), [(signal.SIGHUP, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_no_end_of_the_command_leaves_its_servers_behind(tmp_path: Path, ending: signal.Signals, code: int) -> None:
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "__init__.py").touch()
    for module in ("dagster_webserver.py", "dagster/_daemon.py"):
        (tmp_path / module).write_text(CHILD)
    command = subprocess.Popen([sys.executable, "-c", SERVE, str(tmp_path)])
    try:
        _until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
        # Two servers and the watchdog of each.
        _until(lambda: len(psutil.Process(command.pid).children()) == 4)
        children = [psutil.Process(int(path.stem)) for path in tmp_path.glob("*.pid")]
        command.send_signal(ending)
        assert command.wait(60) == code
        _until(lambda: not any(map(_lives, children)))
    finally:
        command.kill()


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "not so after 60 s"
        time.sleep(0.1)
