"""Gold tables of stock and purchases: one contract (.py) and one query (.sql) each, and the identities they must satisfy."""
