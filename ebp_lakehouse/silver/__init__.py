"""The star schema: running dbt, contracts from its manifest, diff and publication; the assets are in assets.py."""
