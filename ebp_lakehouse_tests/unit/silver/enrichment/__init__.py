"""Tests of what is asked outside of the company; every service is a local one that speaks its format."""
