"""The demo's home: one folder with the servers' data, what was created, and Dagster's own storage; and settings from it.

Not here: the servers (servers.py), the company (create.py), the command line (cli.py).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ebp_lakehouse.demo.binaries import weed_binary
from ebp_lakehouse.demo.company.truth import FILE_NAME
from ebp_lakehouse.demo.processes import ServerUnavailableError
from ebp_lakehouse.demo.servers import EmbeddedPostgres, EmbeddedS3
from ebp_lakehouse.errors import DemoError, SettingsError
from ebp_lakehouse.settings import S3Options, Settings

DEFAULT_HOME = Path(".demo")
LAKE_PREFIX = "lake"


@dataclass(frozen=True)
class DemoState:
    """What the company in a home was created with, and where its lake is: ``s3`` or ``folder``.

    ``options`` holds the choices that differ from the usual company (``CompanyOptions.changed``).
    """

    scale: float
    seed: int
    as_of: str
    lake: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def day(self) -> date:
        return date.fromisoformat(self.as_of)


@dataclass(frozen=True)
class DemoHome:
    """A folder that holds everything of one demo."""

    path: Path

    @property
    def file(self) -> Path:
        return self.path / "demo.json"

    @property
    def truth(self) -> Path:
        """What is really true of the company: planted cases, true parameters, dirt."""
        return self.path / FILE_NAME

    @property
    def dagster(self) -> Path:
        return self.path / "dagster"

    def state(self) -> DemoState | None:
        """What is in this home, or None when no demo was made (to the end) here."""
        if not self.file.exists():
            return None
        try:
            return DemoState(**json.loads(self.file.read_text()))
        except (ValueError, TypeError) as error:
            raise DemoError(f"{self.file} cannot be read ({error}). Delete the folder {self.path} and retry.") from None

    @contextmanager
    def creating(self) -> Iterator[None]:
        """Creation in this home by us alone. Raises ``DemoError`` when another process creates here, or just did."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".creating").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoError(
                    f"Another process is creating a demo company in {self.path}. Wait for it, or choose another --home."
                ) from None
            if self.state() is not None:
                raise DemoError(f"Another process has created a demo company in {self.path} meanwhile: run again.")
            yield

    def remember(self, state: DemoState) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(state), indent=1) + "\n")
        temporary.replace(self.file)


def current_home() -> DemoHome:
    return DemoHome(Path(os.environ.get("EBP_DEMO_HOME") or DEFAULT_HOME).expanduser().absolute())


@contextmanager
def demo_settings(home: DemoHome, lake: str, *, source: bool = True, store: bool = True) -> Iterator[Settings]:
    """Settings of a demo, with its servers started (or joined) as far as they are needed; the last user stops them.

    Everything else is as the environment says (``EBP_TABLES``, …). ``lake`` is ``s3`` or ``folder``. Raises ``ServerUnavailableError`` where this platform has no such server.
    """
    told = {name: value for name, value in os.environ.items() if name not in ("EBP_SOURCE_URL", "EBP_LAKE_URL")}
    values: dict[str, object] = {"lake_url": str(home.path / "lake")}
    with ExitStack() as stack:
        if source:
            values["source_url"] = SecretStr(stack.enter_context(EmbeddedPostgres(home.path)).url)
        if lake == "s3" and store:
            s3 = stack.enter_context(EmbeddedS3(home.path))
            values["lake_url"] = f"s3://{s3.bucket}/{LAKE_PREFIX}"
            values["s3"] = S3Options(
                access_key_id=SecretStr(s3.access_key_id),
                secret_access_key=SecretStr(s3.secret_access_key),
                region=s3.region,
                endpoint_url=s3.endpoint_url,
            )
        yield Settings.from_environment(told).model_copy(update=values)


@contextmanager
def working_settings(*, source: bool = True, store: bool = True) -> Iterator[tuple[Settings, Path]]:
    """Settings of a command and its DAGSTER_HOME: the environment's, or the demo's when the environment names neither.

    ``source`` and ``store`` say which of the two servers the command needs.

    Raises:
        SettingsError: there is neither; nothing is created.
    """
    home = current_home()
    told = any(os.environ.get(name) for name in ("EBP_SOURCE_URL", "EBP_LAKE_URL"))
    state = None if told else home.state()
    if state is None and not told:
        raise SettingsError(
            f"Neither a demo (in {home.path}) nor a source or a lake of your own is known here: run `make demo`, or set "
            "EBP_SOURCE_URL and EBP_LAKE_URL."
        )
    if state is None:
        dagster = Path(os.environ.get("DAGSTER_HOME") or ".dagster").expanduser().absolute()
        yield Settings.from_environment(), dagster
        return
    with demo_settings(home, state.lake, source=source, store=store) as settings:
        yield settings, home.dagster


def lake_kind(*, folder: bool) -> str:
    """``s3`` where its server can run, else ``folder``."""
    if folder:
        return "folder"
    try:
        weed_binary()
    except ServerUnavailableError:
        return "folder"
    return "s3"
