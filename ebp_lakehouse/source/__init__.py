"""The EBP PostgreSQL database: which tables, which columns, how rows are read. Never writes to it."""
