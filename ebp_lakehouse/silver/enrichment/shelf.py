"""An enrichment table as a whole: read what is published, judge the new content, publish the differences.

The same contract, checks and commits as any other silver table (contract.py, publish.py). Not here: where rows come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.publication import Record
from ebp_lakehouse.lake.session import quote_identifier, quote_literal, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.contract import TableContract, arrow_schema
from ebp_lakehouse.silver.publish import Difference, stage
from ebp_lakehouse.validation import problems_of


@dataclass
class Shelved:
    """What became of one table: ``problems`` are broken rules (nothing was published then)."""

    record: Record
    rows: pl.DataFrame
    problems: list[str]
    difference: Difference


@dataclass(frozen=True)
class Shelf:
    """One enrichment table of one lake, for one run."""

    settings: Settings
    contract: TableContract
    ingestion_date: date
    run_id: str = ""

    def newest(self) -> tuple[Record, pl.DataFrame]:
        """The newest record, and the table's rows in it: empty and typed where it is not published."""
        record = publication.latest(Lake.open(self.settings))
        with self.reading(record) as connection:
            return record, self._published(connection, record)

    def put(self, record: Record, rows: pl.DataFrame) -> Shelved:
        """Make ``rows`` the table's content, if they keep the contract; nothing changed → nothing written.

        Args:
            record: what ``rows`` were made from.
            rows: all rows of the table, with the declared columns.

        Raises:
            ConflictError: another run published this table meanwhile.
        """
        problems = problems_of(self.contract.pandera_schema(), rows)
        if problems:
            return Shelved(record, rows, problems, Difference(rows.height))
        schema = arrow_schema(self.contract.columns)
        with self.reading(record) as connection:
            connection.register("rows_", rows.to_arrow().cast(schema))
            connection.execute("CREATE SCHEMA silver")
            connection.execute(f"CREATE TABLE silver.{quote_identifier(self.contract.name)} AS FROM rows_")
            lake = Lake.open(self.settings)
            difference = stage(connection, lake, record, self.contract, self.ingestion_date)
        return Shelved(catalog.publish(self.settings, difference.moves, self.run_id), rows, [], difference)

    @contextmanager
    def reading(self, record: Record) -> Iterator[duckdb.DuckDBPyConnection]:
        """What ``record`` shows as ``lake.silver.*``, personal columns included; no ``lake`` where nothing is published."""
        with session(self.settings) as connection:
            if record.number:
                path = catalog.local_catalog(self.settings, Lake.open(self.settings), record, private=True)
                connection.execute(f"ATTACH {quote_literal(str(path))} AS lake (READ_ONLY)")
            yield connection

    def _published(self, connection: duckdb.DuckDBPyConnection, record: Record) -> pl.DataFrame:
        """In the declared columns; one that was declared since is NULL."""
        schema = arrow_schema(self.contract.columns)
        connection.register("declared_", schema.empty_table())
        connection.execute("CREATE TEMP TABLE published_ AS FROM declared_")
        if f"silver/{self.contract.name}" in record.pins:
            relation = f"lake.silver.{quote_identifier(self.contract.name)}"
            held = {row[0] for row in connection.execute(f"DESCRIBE {relation}").fetchall()}
            columns = ", ".join(quote_identifier(name) for name in schema.names if name in held)
            connection.execute(f"INSERT INTO published_ BY NAME SELECT {columns} FROM {relation}")
        return pl.DataFrame(pl.from_arrow(connection.execute("FROM published_").to_arrow_table().cast(schema)))
