"""The two real servers, once per test process, and a lake to read. What else is loaded belongs to each folder's conftest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ebp_lakehouse.demo.processes import ServerUnavailableError
from ebp_lakehouse.demo.servers import EmbeddedPostgres, EmbeddedS3
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.integration.demo_lake import shared_lake


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"))
    try:
        with server:
            yield server
    finally:
        server.remove()  # as root its files lie outside the test's folder


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Settings:
    """Settings of a small demo lake with all tables, for reading only."""
    base = tmp_path_factory.getbasetemp()
    return shared_lake(base if worker_id == "master" else base.parent)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedS3]:
    server = EmbeddedS3(tmp_path_factory.mktemp("s3"))
    try:
        server.__enter__()
    except ServerUnavailableError as error:
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.__exit__(None, None, None)
