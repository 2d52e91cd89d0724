"""The demo on a real PostgreSQL."""
