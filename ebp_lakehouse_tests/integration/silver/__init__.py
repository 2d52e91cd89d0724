"""Tests of silver through Dagster, on a real PostgreSQL."""
