"""The Dagster UI as child processes: webserver and daemon, stopped with us."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.orchestration.runs import instance_at
from ebp_lakehouse.settings import Settings

GRACE_SECONDS = 15


def serve(settings: Settings, dagster_home: Path, port: int) -> int:
    """Run webserver and daemon until one ends or we are stopped (Ctrl-C, SIGTERM); the exit code to give."""
    instance_at(dagster_home).dispose()
    environment = os.environ | settings.to_environment() | {"DAGSTER_HOME": str(dagster_home)}
    module = ["-m", "ebp_lakehouse.definitions"]
    commands = [
        [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *module],
        [sys.executable, "-m", "dagster._daemon", "run", *module],
    ]
    previous = signal.signal(signal.SIGTERM, _interrupt)
    children: list[subprocess.Popen[bytes]] = []
    try:
        children += [subprocess.Popen(command, env=environment, start_new_session=True) for command in commands]
        while all(child.poll() is None for child in children):
            time.sleep(0.5)
        return next(child.returncode for child in children if child.returncode is not None) or 1
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
        for child in children:
            try:
                child.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def check_free(port: int) -> None:
    """Raises SettingsError when somebody else listens on ``port`` of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsError(
                f"The Dagster UI cannot listen on 127.0.0.1:{port} ({error.strerror}). "
                "Is it open already? Choose another port: ebp-lakehouse ui --port 3001."
            ) from None


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
