"""One server process per home folder, used by any number of processes: the last one to leave stops it.

Lives here: what the embedded servers have in common (locks, state file, ports, stopping by pid).
Does not live here: anything about PostgreSQL or S3 (servers.py), the program that waits for the last one (watchdog.py).

Every user holds shared locks on two files of the home; the system gives them back however a process ends. Leaving the
`with` block (also by an exception or Ctrl-C) runs `stop()`, which stops the server when nobody else holds `.present`.
A user that is killed runs nothing: a watchdog waits until nobody holds `.users`, then stops the server. Two files,
because asking "am I the last?" gives up a lock for a moment, and the watchdog must not take that for the end. If the
watchdog too was killed, the next start on the home finds the server by its state file and gives it another watchdog.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TextIO

import psutil

from ebp_lakehouse.demo.watchdog import watch
from ebp_lakehouse.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = "127.0.0.1"
PORT_ATTEMPTS = 5
START_TIMEOUT_SECONDS = 60.0
KILL_GRACE_SECONDS = 15.0


class ServerUnavailableError(DemoError):
    """The server cannot run on this machine (no binary for this platform): a caller may fall back to something else."""


@dataclass(frozen=True)
class RunningServer:
    """What the state file says of a running server.

    `created` and `watchdog_created` are process creation times (seconds since 1970): they tell a reused pid from the
    original.
    """

    pid: int
    created: float
    ports: dict[str, int]
    watchdog_pid: int
    watchdog_created: float


class EmbeddedServer(ABC):
    """A server bound to `home/<name>`, started by the first that asks, joined by others, stopped by the last to leave.

    Use as a context manager. Raises `DemoError` when the server does not start, `ServerUnavailableError` when it cannot
    run on this platform.
    """

    name: ClassVar[str]
    port_names: ClassVar[tuple[str, ...]]

    def __init__(self, home: Path) -> None:
        self.home = Path(home).expanduser().resolve() / self.name
        self._running: RunningServer | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._users: TextIO | None = None  # what the watchdog waits for
        self._present: TextIO | None = None  # what `stop` asks

    # what a kind of server says of itself

    @abstractmethod
    def _prepare(self) -> None:
        """Make credentials and data folders; called under the lock, with no server running."""

    @abstractmethod
    def _command(self, ports: dict[str, int]) -> list[str]:
        """The command line; it must contain `_identity()`."""

    @abstractmethod
    def _identity(self) -> str:
        """A text by which the process of this home is told from any other process."""

    @abstractmethod
    def _answers(self, ports: dict[str, int]) -> bool:
        """Whether the server accepts our credentials and is ready for work."""

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    def _demoted(self) -> dict[str, Any]:
        """Arguments of Popen that change the user the server runs as; none by default."""
        return {}

    def _after_stop(self, running: RunningServer) -> None:  # noqa: B027 - a kind of server may leave nothing
        """Remove what a killed server leaves behind."""

    # what users call

    @property
    def log_path(self) -> Path:
        return self.home / "server.log"

    @property
    def is_owner(self) -> bool:
        """True when this object started the server."""
        return self._process is not None

    @property
    def ports(self) -> dict[str, int]:
        """Port name -> port on 127.0.0.1. Raises `DemoError` when not started."""
        if self._running is None:
            raise DemoError(f"The embedded {self.name} server of {self.home} is not started: use it in a with block.")
        return self._running.ports

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, or join the one that another live process uses on this home."""
        if self._running is not None:
            return
        self.home.mkdir(parents=True, exist_ok=True)
        with self._locked():
            # Waits here while a watchdog stops a server that nobody uses.
            self._users, self._present = self._hold(".users"), self._hold(".present")
            try:
                found = self._read_state()
                if found is not None and self._wait_until_ready(found.ports, found.pid, 10.0):
                    self._running = self._watched(found)
                    return
                if found is not None:
                    self._terminate(found)  # it hangs
                self._prepare()
                self._start_new(found.ports if found else self._last_ports())
            except BaseException:
                self._leave()
                raise

    def stop(self) -> None:
        """Leave the server; stop it if nobody else uses it."""
        if self._running is None or self._present is None:
            return
        self._running = None
        with self._locked():  # nobody comes or goes meanwhile
            try:
                fcntl.flock(self._present, fcntl.LOCK_UN)
                fcntl.flock(self._present, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._leave()
                return
            # Not what we remember: a server that died was replaced by the next one who came.
            found = self._read_state()
            if found is not None:
                self._terminate(found)
            self._leave()
        if self._process is not None:
            self._process.wait()
        if self._watchdog is not None:  # nothing holds it any more, and nothing is left to do for it
            self._watchdog.kill()
            self._watchdog.wait()
        self._process = self._watchdog = None

    # inside

    @property
    def _state_path(self) -> Path:
        return self.home / "server.json"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Two processes that start on one home do it one after the other."""
        with (self.home / ".lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _hold(self, name: str) -> TextIO:
        handle = (self.home / name).open("a")
        fcntl.flock(handle, fcntl.LOCK_SH)
        return handle

    def _leave(self) -> None:
        for handle in (self._users, self._present):
            if handle is not None:
                handle.close()
        self._users = self._present = None

    def _last_ports(self) -> dict[str, int]:
        path = self.home / "ports.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def _read_state(self) -> RunningServer | None:
        """The running server of this home, or None when there is none (a stale file is removed)."""
        try:
            found = RunningServer(**json.loads(self._state_path.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        if _is_alive(found.pid, found.created, self._identity()):
            return found
        self._state_path.unlink(missing_ok=True)
        self._after_stop(found)
        return None

    def _start_new(self, wanted: dict[str, int]) -> None:
        for attempt in range(PORT_ATTEMPTS):
            ports = choose_ports(self.port_names, wanted if attempt == 0 else {})
            process = self._spawn(ports)
            try:
                running = self._watched(RunningServer(process.pid, _created(process.pid), ports, 0, 0.0))
                ready = self._wait_until_ready(ports, process.pid, START_TIMEOUT_SECONDS, process)
            except BaseException:
                process.kill()  # the watchdog finds nothing to stop, and ends
                process.wait()
                self._state_path.unlink(missing_ok=True)
                raise
            if ready:
                self._running, self._process = running, process
                (self.home / "ports.json").write_text(json.dumps(ports))
                return
            process.kill()
            process.wait()
            self._state_path.unlink(missing_ok=True)
            if "in use" not in self._log_tail():
                break
        raise DemoError(
            f"The embedded {self.name} server of {self.home} did not start. The end of {self.log_path} says:\n"
            f"{self._log_tail()}"
        )

    def _spawn(self, ports: dict[str, int]) -> subprocess.Popen[bytes]:
        with self.log_path.open("wb") as log:
            # Its own session: a Ctrl-C in the terminal reaches us only, and we stop the server in order.
            return subprocess.Popen(
                self._command(ports),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd="/",
                start_new_session=True,
                **self._demoted(),
            )

    def _watched(self, running: RunningServer) -> RunningServer:
        """The same server with a watchdog that lives, noted in the state file."""
        if _is_alive(running.watchdog_pid, running.watchdog_created):
            return running
        with (self.home / ".users").open("a") as users:
            self._watchdog = watch(users, running.pid, self._identity())
        running = replace(running, watchdog_pid=self._watchdog.pid, watchdog_created=_created(self._watchdog.pid))
        write_private(self._state_path, json.dumps(asdict(running)))
        return running

    def _wait_until_ready(
        self, ports: dict[str, int], pid: int, timeout: float, process: subprocess.Popen[bytes] | None = None
    ) -> bool:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if process is not None and process.poll() is not None:
                return False
            if process is None and not psutil.pid_exists(pid):
                return False
            if self._answers(ports):
                return True
            time.sleep(0.05)
        return False

    def _terminate(self, running: RunningServer) -> None:
        for signum in (signal.SIGINT, signal.SIGKILL):
            if not _is_alive(running.pid, running.created):
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, signum)
            deadline = time.monotonic() + KILL_GRACE_SECONDS
            while _is_alive(running.pid, running.created) and time.monotonic() < deadline:
                time.sleep(0.02)
        self._state_path.unlink(missing_ok=True)
        self._after_stop(running)

    def _log_tail(self) -> str:
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])
        except OSError:
            return "(no log)"


def choose_ports(names: tuple[str, ...], wanted: dict[str, int]) -> dict[str, int]:
    """One free port of 127.0.0.1 per name: the wanted one if free, else one the system gives.

    Yesterday's ports are the wanted ones, so that a URL noted down then works today.
    """
    ports: dict[str, int] = {}
    with contextlib.ExitStack() as stack:  # held together, so that no port is given twice
        for name in names:
            handle = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            handle.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # connections just closed on the wanted port do not make it taken
            try:
                handle.bind((LOOPBACK, wanted.get(name, 0)))
            except OSError:
                handle.bind((LOOPBACK, 0))
            ports[name] = handle.getsockname()[1]
    return ports


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner may read, in one step (a reader sees the old or the new text)."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    temporary.replace(path)


def _created(pid: int) -> float:
    return psutil.Process(pid).create_time()


def _is_alive(pid: int, created: float, identity: str | None = None) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or abs(process.create_time() - created) > 2:  # noqa: PLR2004
            return False
        return identity is None or identity in " ".join(process.cmdline())
    except psutil.Error:
        return False
