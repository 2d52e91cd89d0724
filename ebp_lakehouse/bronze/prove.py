"""The nightly proof: every live row of the lake is the source's row, in one snapshot of the source, both ways round.

It proves and repairs nothing: a difference means that a route lost something (or somebody wrote into the lake), and a
full reading (``materialize --full``) mends it. Not here: counts and sums of every batch (reconcile.py).
"""

from __future__ import annotations

from contextlib import ExitStack

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from ebp_lakehouse.bronze.canonical import canonical_text, describe_key, layout, parse, record_digest
from ebp_lakehouse.bronze.fold import HASH, IS_DELETED
from ebp_lakehouse.bronze.state import LakeState
from ebp_lakehouse.bronze.stream import Occurrences
from ebp_lakehouse.lake.delta import arrow_schema
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.source.extraction import Capture
from ebp_lakehouse.source.introspection import SourceTable

SHOWN = 3  # keys named per kind of difference
ADVICE = "Read the table as a whole: ebp-lakehouse materialize --full"


def content_differences(capture: Capture, table: SourceTable, lake: Lake, version: DeltaTable) -> list[str]:
    """What differs between the rows of ``table`` in the capture and the live rows of ``version``, in words.

    Rows are compared by the MD5 of their canonical text, so every column of every row is.

    Raises:
        SourceError, LakeError: one side cannot be read.
    """
    plan = layout(table, arrow_schema(version) if version.file_uris() else None)
    digest_of = Occurrences().digest if plan.is_whole_row else record_digest
    with ExitStack() as stack, capture.reader() as source:
        state = LakeState(lake, version, plan.key_schema, stack).current
        unseen = set(state.live_digests())
        missing = 0
        examples: list[bytes] = []
        for line in capture.copy_rows(source, table, plan.selected):
            digest = digest_of(canonical_text(line))
            if digest in unseen:
                unseen.remove(digest)
                continue
            missing += 1
            if len(examples) < SHOWN:
                examples.append(bytes(line))
    found = []
    if missing:
        rows = parse(examples, plan.schema, table=table.name, key=plan.key)
        found.append(
            f"{missing} rows of the source are not in the lake as they are{_such_as(rows, plan.key)}. {ADVICE}"
        )
    if unseen:
        hashes = [digest.hex() for digest in unseen]
        gone = state.frame.filter(~pl.col(IS_DELETED) & pl.col(HASH).is_in(hashes)).head(SHOWN).to_arrow()
        found.append(f"{len(unseen)} live rows of the lake are not at the source{_such_as(gone, plan.key)}. {ADVICE}")
    return found


def _such_as(rows: pa.Table, key: tuple[str, ...]) -> str:
    if any(name not in rows.column_names for name in key):
        return ""  # a table without a key: its rows have no name
    return f" ({'; '.join(describe_key(row) for row in rows.select(list(key)).to_pylist())}, …)"
