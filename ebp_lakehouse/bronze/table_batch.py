"""What one capture brought to one table, and the proof that the lake would equal the source.

Not here: how it was brought (ingest.py, change_ingest.py), many tables at once (batch.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from ebp_lakehouse.bronze.drift import Change
from ebp_lakehouse.bronze.reconcile import Difference, compare
from ebp_lakehouse.bronze.routes import Choice, Position
from ebp_lakehouse.bronze.state import lake_figures, reading
from ebp_lakehouse.errors import ExtractionError, LakeError
from ebp_lakehouse.lake.delta import Commit, TableWriter, file_uris
from ebp_lakehouse.lake.publication import Pin
from ebp_lakehouse.source.extraction import SourceFigures
from ebp_lakehouse.source.registry import TableSpec


@dataclass(frozen=True)
class TableBatch:
    """What one capture brought to one table.

    Attributes:
        commit: the Delta commit, not yet visible to readers; None when nothing changed (then the pin stays as it is).
        position: to be pinned with ``commit``.
        rows: live rows after the batch.
        scanned_rows, scanned_bytes: read from the source, including rows that were already known.
        source: what the source held in the same snapshot, for reconciliation.
        identity: the lake's columns that tell its rows apart: the key's, or the record's hash.
        drift: how the source's columns and key differ from those of the last published batch.
        moves: the pin must move: there are new versions, or the next batch must start from another shape of the table or
            another place in the change stream.
    """

    spec: TableSpec
    choice: Choice
    commit: Commit | None
    based_on: int | None
    position: Position
    rows: int
    inserted: int
    updated: int
    deleted: int
    scanned_rows: int
    scanned_bytes: int
    seconds: float
    source: SourceFigures
    identity: tuple[str, ...] = ()
    added_columns: tuple[str, ...] = ()
    drift: tuple[Change, ...] = ()
    moves: bool = False

    @property
    def key(self) -> str:
        return self.spec.lake_key

    @property
    def view(self) -> dict[str, Any]:
        return {"kind": "bronze", "key": list(self.identity)}

    def pin(self, ingestion_date: date, *, published_at: str, check_state: str = "passed") -> Pin:
        """The pin that makes ``commit`` visible; the published version with a new position for a mere change of shape."""
        version = self.commit.version if self.commit is not None else self.based_on
        if version is None or not self.moves:
            raise LakeError(f"{self.key} did not change: there is nothing to pin.")
        return Pin(
            version=version,
            position=self.position.to_json(),
            check_state=check_state,
            ingestion_date=ingestion_date.isoformat(),
            published_at=published_at,
            rows=self.rows,
            view=self.view,
        )


def reconcile(batch: TableBatch, writer: TableWriter) -> list[Difference]:
    """Compare the lake, as readers would see it if the commit were published, with the source's figures.

    Raises:
        ExtractionError: a measure whose history is text holds a value that cannot be summed.
    """
    if writer.table is None or not batch.source.complete:
        return []
    if not file_uris(writer.table):
        return compare(batch.spec.name, batch.source, SourceFigures(0, batch.source.measures, batch.source.by))
    with reading(writer.lake) as connection:
        try:
            figures = lake_figures(connection, writer.table, batch.identity, batch.source)
        except duckdb.ConversionException as error:
            raise ExtractionError(
                f'Table "{batch.spec.name}": the sums of {", ".join(batch.source.measures)} cannot be compared with the '
                f"source's ({str(error).splitlines()[0]}). Nothing of this table was published. Correct the row in EBP."
            ) from None
        return compare(batch.spec.name, batch.source, figures)
