"""Gold tables of the field service, contracts and deals: one contract (.py) and one query (.sql) each, and its identities."""
