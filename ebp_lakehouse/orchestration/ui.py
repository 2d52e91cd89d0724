"""The Dagster UI as child processes: webserver and daemon, stopped with us, however we end.

Ctrl-C, SIGTERM and a closed terminal (SIGHUP) stop them in order; after kill -9 of us their watchdogs do.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import NamedTemporaryFile

from ebp_lakehouse.demo.watchdog import watch
from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.orchestration.runs import instance_at
from ebp_lakehouse.settings import Settings

GRACE_SECONDS = 15


def serve(settings: Settings, dagster_home: Path, port: int) -> int:
    """Run webserver and daemon until one ends or we are stopped; the exit code to give."""
    instance_at(dagster_home).dispose()
    environment = os.environ | settings.to_environment() | {"DAGSTER_HOME": str(dagster_home)}
    commands = {
        "dagster_webserver": ["-h", "127.0.0.1", "-p", str(port)],
        "dagster._daemon": ["run"],
    }
    previous = {signum: signal.signal(signum, _interrupt) for signum in (signal.SIGTERM, signal.SIGHUP)}
    children: list[subprocess.Popen[bytes]] = []
    watchdogs: list[subprocess.Popen[bytes]] = []
    with NamedTemporaryFile(prefix="ebp-lakehouse-ui-") as alive:
        fcntl.flock(alive, fcntl.LOCK_SH)
        try:
            for name, arguments in commands.items():
                command = [sys.executable, "-m", name, *arguments, "-m", "ebp_lakehouse.definitions"]
                children.append(subprocess.Popen(command, env=environment, start_new_session=True))
                with Path(alive.name).open() as lock:  # the watchdog needs an opening of its own
                    watchdogs.append(watch(lock, children[-1].pid, name))
            while all(child.poll() is None for child in children):
                time.sleep(0.5)
            return next(child.returncode for child in children if child.returncode is not None) or 1
        except KeyboardInterrupt:
            return 0
        finally:
            for signum in previous:
                signal.signal(signum, signal.SIG_IGN)  # the stop is under way
            _stop(children)
            for watchdog in watchdogs:
                watchdog.kill()
                watchdog.wait()
            for signum, handler in previous.items():
                signal.signal(signum, handler)


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """Interrupt all, and kill after the grace."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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
