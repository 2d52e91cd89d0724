"""Tests of the pure part of this layer; no server."""
