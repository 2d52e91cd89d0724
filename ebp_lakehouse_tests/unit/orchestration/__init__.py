"""Definitions: they load, and the asset graph is what the snapshot says."""
