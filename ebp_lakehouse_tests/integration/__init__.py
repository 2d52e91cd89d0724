"""Tests of ebp_lakehouse."""
