"""Settings of every test. Properties have no time limit per example: a busy machine is no counter-example."""

from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.load_profile("default")
