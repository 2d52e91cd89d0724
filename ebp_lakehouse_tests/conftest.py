"""Settings of every test. ``EBP_TEST_PROFILE=nightly`` runs the long versions of properties and schedules.

Properties have no time limit per example: a busy machine is no counter-example.
"""

import os

from hypothesis import settings

NIGHTLY = os.environ.get("EBP_TEST_PROFILE") == "nightly"

settings.register_profile("default", deadline=None)
settings.register_profile("nightly", deadline=None, max_examples=10_000)
settings.load_profile("nightly" if NIGHTLY else "default")
