"""KPI tables: one file of SQL and one contract per table; the assets are in assets.py."""
