"""One small demo company through every layer, for tests that only read. Built once per test run, whatever the workers.

Not here: tests that change the source or publish (test_slice.py has a lake of its own).
"""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from pydantic import SecretStr

from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.create import create_company
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.orchestration.partitions import today
from ebp_lakehouse.orchestration.runs import instance_at, materialize
from ebp_lakehouse.settings import Settings

SCALE, SEED = 0.05, 7  # smaller, and a supplier has no line due in the year


def shared_lake(run_folder: Path) -> Settings:
    """The lake of this test run: the first worker to ask builds it, the others wait for it."""
    home = run_folder / "demo_lake"
    settings, done = Settings(lake_url=str(home / "lake")), home / "done"
    with (run_folder / "demo_lake.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            home.mkdir()
            _build(home, settings)
            done.touch()
    return settings


def _build(home: Path, settings: Settings) -> None:
    server = EmbeddedPostgres(home)
    try:
        with server, pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGSTER_HOME", str(home / "dagster"))
            create_company(server.url, SCALE, seed=SEED, as_of=today(), options=CompanyOptions(with_incidents=True))
            with_source = settings.model_copy(update={"source_url": SecretStr(server.url)})
            made = materialize(with_source, instance_at(home / "dagster"))
            assert made.ok, (made.failed_checks, made.error)
    finally:
        server.remove()
