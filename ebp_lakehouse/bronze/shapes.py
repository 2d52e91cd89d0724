"""The shapes of the source's tables, kept in the lake under their fingerprint, which a table's pin names.

Not here: what changed between two of them (drift.py).
"""

from __future__ import annotations

from ebp_lakehouse.bronze.drift import Shape
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.source.introspection import SourceTable

FOLDER = "_shapes"


def keep(lake: Lake, table: SourceTable) -> Shape:
    """The shape of a table, kept if it is new."""
    shape = Shape.of(table)
    lake.create(f"{FOLDER}/{table.fingerprint}.json", shape.to_json())
    return shape


def kept(lake: Lake, fingerprint: str) -> Shape | None:
    """The shape of that fingerprint; None where nobody kept it."""
    content = lake.read(f"{FOLDER}/{fingerprint}.json")
    return None if content is None else Shape.from_json(content)
