"""Settings of every test. ``EBP_TEST_PROFILE=nightly`` runs the long versions of properties and schedules.

Properties have no time limit per example: a busy machine is no counter-example.
"""

import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

NIGHTLY = os.environ.get("EBP_TEST_PROFILE") == "nightly"

settings.register_profile("default", deadline=None, max_examples=300)
settings.register_profile("nightly", deadline=None, max_examples=10_000)
settings.load_profile("nightly" if NIGHTLY else "default")


@pytest.fixture(autouse=True, scope="session")
def own_cache() -> Iterator[None]:
    """Catalogs that tests fetch do not stay in the user's cache."""
    with tempfile.TemporaryDirectory(prefix="ebp_lakehouse_cache_") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", folder)
        yield
