"""The mini company through a real PostgreSQL, the lake and Dagster."""
