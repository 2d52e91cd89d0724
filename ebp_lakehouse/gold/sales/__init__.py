"""Gold tables of sales: one contract (.py) and one query (.sql) each, and the identities it must satisfy."""
