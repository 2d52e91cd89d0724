"""The two real servers, once per test process. What is loaded into them belongs to each folder's own conftest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ebp_lakehouse.demo.processes import ServerUnavailableError
from ebp_lakehouse.demo.servers import EmbeddedPostgres, EmbeddedS3


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"))
    try:
        with server:
            yield server
    finally:
        server.remove()  # as root its files lie outside the test's folder


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
