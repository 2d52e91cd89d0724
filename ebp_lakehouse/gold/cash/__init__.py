"""Gold tables of cash: what is owed, and what will come in and go out; one contract (.py) and one query (.sql) each."""
