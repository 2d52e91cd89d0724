"""Dagster's entry point: the definitions for the settings of the environment."""

from __future__ import annotations

from ebp_lakehouse.build import build_definitions
from ebp_lakehouse.settings import Settings

defs = build_definitions(Settings.from_environment())
