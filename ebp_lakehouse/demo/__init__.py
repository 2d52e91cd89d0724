"""A demo company, the embedded servers it runs on, and the simulated business day."""
