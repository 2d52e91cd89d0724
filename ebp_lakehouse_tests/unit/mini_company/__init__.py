"""The mini company: its document, its tables, and what other parameters, moments and installations make of it."""
