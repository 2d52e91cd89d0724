"""Where tables live: Delta tables, the publication record, DuckDB sessions and the catalog. Knows nothing of EBP."""
