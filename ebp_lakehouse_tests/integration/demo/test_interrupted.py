"""A creation that was interrupted is done again from the start; two creations in one home never meet."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from ebp_lakehouse import tour
from ebp_lakehouse.demo.company.options import USUAL
from ebp_lakehouse.demo.create import create_in
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.demo.session import DemoHome, DemoState
from ebp_lakehouse.errors import DemoError

STATE = DemoState(scale=0.01, seed=7, as_of="2026-11-20", lake="folder")
CREATE = """
import signal, sys
from pathlib import Path
from ebp_lakehouse.demo.create import create_in
from ebp_lakehouse.demo.session import DemoHome, DemoState
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the tests in the background has it ignored
print("begins", flush=True)
state = DemoState(scale=0.01, seed=7, as_of="2026-11-20", lake="folder")
create_in(DemoHome(Path(sys.argv[1])), state, sys.argv[2])
"""


@pytest.fixture
def home() -> Iterator[DemoHome]:
    folder = Path(tempfile.mkdtemp(prefix="ebp-"))
    folder.chmod(0o755)  # pytest's own are closed to the user PostgreSQL runs as under root
    yield DemoHome(folder)
    EmbeddedPostgres(folder).remove()
    shutil.rmtree(folder)


def _rows(url: str) -> int | None:
    """Rows of SaleDocument; None when the table does not exist."""
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('\"SaleDocument\"')").fetchone() == (None,):
            return None
        row = connection.execute('SELECT count(*) FROM "SaleDocument"').fetchone()
        return row[0] if row else None


def _has_begun(url: str) -> bool:
    try:
        return _rows(url) is not None
    except psycopg.OperationalError:  # the database is being replaced
        return False


def test_an_interrupted_creation_is_done_again(home: DemoHome) -> None:
    with EmbeddedPostgres(home.path) as server:
        first = subprocess.Popen(
            [sys.executable, "-c", CREATE, str(home.path), server.url], stdout=subprocess.PIPE, text=True
        )
        assert first.stdout is not None
        assert first.stdout.readline() == "begins\n"
        deadline = time.monotonic() + 120
        while not _has_begun(server.url):
            assert time.monotonic() < deadline
            assert first.poll() is None
        with pytest.raises(DemoError, match="Another process is creating"):
            create_in(home, STATE, server.url)
        while first.poll() is None:  # Python drops an interrupt that falls into a finaliser: as people do, again
            first.send_signal(signal.SIGINT)
            time.sleep(0.5)
        assert first.returncode != 0
        assert home.state() is None
        assert _rows(server.url) is not None  # what used to stop the next creation for good

        create_in(home, STATE, server.url)
        assert home.state() == STATE
        assert _rows(server.url)
        with pytest.raises(DemoError, match="meanwhile"):  # who looked before we began, and comes now
            create_in(home, STATE, server.url)


@pytest.mark.parametrize("other", [{"scale": 0.5}, {"seed": 8}, {"folder": True}])
def test_another_demo_in_the_same_home_is_refused(tmp_path: Path, other: dict[str, object]) -> None:
    DemoHome(tmp_path).remember(DemoState(scale=0.1, seed=7, as_of="2026-11-20", lake="s3"))
    asked: dict[str, object] = {"scale": 0.1, "seed": 7, "folder": False} | other
    with pytest.raises(DemoError, match=r"already holds a company of scale 0\.1, seed 7, .* lake on the embedded S3"):
        tour.run(tmp_path, as_of=None, options=USUAL, show=lambda _: None, out=Console(), **asked)  # type: ignore[arg-type]
