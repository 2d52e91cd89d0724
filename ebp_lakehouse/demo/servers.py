"""The two servers of the demo and of the tests: PostgreSQL (the ERP's database) and an S3 store (the lake).

Lives here: where their binaries are, how they are configured, who they run as.
Does not live here: starting, joining and stopping processes (processes.py); what is loaded into them (create.py).
Both listen on 127.0.0.1 only, on ports the system gives, with generated passwords kept in files of mode 0600.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pwd
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, ClassVar

import psutil
import psycopg
from psycopg import sql

from ebp_lakehouse.demo.binaries import SHARED_FOLDER, others_may_pass, postgres_binary, unprivileged, weed_binary
from ebp_lakehouse.demo.processes import LOOPBACK, EmbeddedServer, RunningServer, write_private
from ebp_lakehouse.errors import DemoError

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
    # Demo data can be made again: no wait for the disk. What is committed survives kill -9 of the server all the same:
    # the system has it (only synchronous_commit = off would keep it in the server's own memory).
    "fsync": "off",
    "full_page_writes": "off",
}


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 with an empty database `ebp`, owned by user `ebp`, under `home/postgres`.

    As root, files live where the unprivileged user can reach them: in `home/postgres` if every parent folder lets
    others pass, else in `/var/lib/ebp_lakehouse/<hash of the home>`, to which `home/postgres/data` is then a link.
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
        if os.geteuid() != 0 or others_may_pass(self.home.parent):
            return self.home / "data"
        return SHARED_FOLDER / hashlib.sha256(str(self.home).encode()).hexdigest()[:16] / "data"

    def _password(self) -> str:
        return str(json.loads((self.home / "credentials.json").read_text())["password"])

    def _identity(self) -> str:
        return str(self.data)

    def _prepare(self) -> None:
        data = self.data
        account = unprivileged() if os.geteuid() == 0 else None
        if account is not None and data.parent == self.home:
            self.home.chmod(0o711)
        _forget_dead_postmaster(data)
        if (data / "PG_VERSION").exists() and (self.home / "credentials.json").exists():
            return
        if data.exists():  # a home that was deleted, or an initdb that was interrupted: nobody has its password
            shutil.rmtree(data)
        data.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        if data.parent != self.home:
            SHARED_FOLDER.chmod(0o755)  # whatever root's umask
            data.parent.chmod(0o711)
            (data.parent / "home").write_text(str(self.home))
            _remove_abandoned_clusters()
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
            subprocess.run(
                [
                    *(str(postgres_binary("initdb")), "-D", str(data), "-U", self.user),
                    *("--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync", "--no-instructions"),
                    *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                ],
                check=True,
                capture_output=True,
                text=True,
                cwd="/",
                env=self._environment(),
                **self._demoted(),
            )
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
        account = unprivileged()
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def _command(self, ports: dict[str, int]) -> list[str]:
        settings = POSTGRES_SETTINGS | {"port": str(ports["postgres"])}
        return [str(postgres_binary("postgres")), "-D", str(self.data)] + [
            part for name, value in settings.items() for part in ("-c", f"{name}={value}")
        ]

    def _answers(self, ports: dict[str, int]) -> bool:
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
    """An S3 store (SeaweedFS) with one bucket, under `home/s3`.

    Its other ports (filer, master, volume) ask for no password: they listen on 127.0.0.1 only.
    """

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
        weed_binary()
        (self.home / "data").mkdir(exist_ok=True, mode=0o700)
        (self.home / "log").mkdir(exist_ok=True)
        # weed writes the flags of its first start there and reads them again; ours are always complete.
        (self.home / "data" / "mini.options").unlink(missing_ok=True)
        path = self.home / "credentials.json"
        if not path.exists():
            keys = {
                "access_key_id": "demo" + secrets.token_hex(8),
                "secret_access_key": secrets.token_hex(20),
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
        return others | mine

    def _command(self, ports: dict[str, int]) -> list[str]:
        flags = [
            f"-{name.replace('.', '.port.', 1) if '.' in name else name + '.port'}={port}"
            for name, port in ports.items()
        ]
        unused = (
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
        )
        return [
            *(str(weed_binary()), f"-logdir={self.home / 'log'}", "mini", self._identity()),
            *(f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", *flags, *unused),
        ]

    def _answers(self, ports: dict[str, int]) -> bool:
        try:
            urllib.request.urlopen(f"http://{LOOPBACK}:{ports['s3']}/", timeout=2)
        except urllib.error.HTTPError:
            pass  # 403: it is up, and it asks for keys
        except OSError:
            return False
        return self._has_volumes(ports) and self._bucket_exists(ports)

    def _has_volumes(self, ports: dict[str, int]) -> bool:
        """Whether the store's volume server has joined its master.

        After a kill that takes some 5 s longer than the gateway needs to answer; until then every object that was
        kept answers 500, and so does every write.
        """
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{ports['master']}/dir/status", timeout=2) as response:
                return bool(json.load(response)["Topology"]["DataCenters"])
        except (OSError, ValueError, KeyError):
            return False

    def _bucket_exists(self, ports: dict[str, int]) -> bool:
        import boto3  # noqa: PLC0415 - a third of a second, and only the S3 server needs it
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        keys = self._credentials()
        client = boto3.client(
            "s3",
            endpoint_url=f"http://{LOOPBACK}:{ports['s3']}",
            region_name=self.region,
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
            config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}),
        )
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


def _remove_abandoned_clusters() -> None:
    """Delete the clusters outside their home whose home was deleted: nobody has their password any more."""
    for note in SHARED_FOLDER.glob("*/home"):
        with contextlib.suppress(OSError):
            if not Path(note.read_text()).exists() and not _has_postmaster(note.parent / "data"):
                shutil.rmtree(note.parent)


def _has_postmaster(data: Path) -> bool:
    """Whether the process that the cluster's pid file names is a server of this cluster."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
        return str(data) in " ".join(psutil.Process(pid).cmdline())
    except (OSError, ValueError, IndexError, psutil.Error):
        return False


def _forget_dead_postmaster(data: Path) -> None:
    """Remove the pid file of a postmaster that was killed.

    Its pid may belong to another process by now, and PostgreSQL would then refuse to start.
    """
    if not _has_postmaster(data):
        (data / "postmaster.pid").unlink(missing_ok=True)
