"""The SQL of the catalog's views: how a table's files become what readers query.

Three kinds, told by the pin: ``bronze`` (every version, and ``<table>_current``), ``table`` (the rows as they are) and
``gold`` (what the newest partitions say, and every partition as ``<table>_history``). Not here: which files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deltalake import DeltaTable

from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.lake.delta import file_uris
from ebp_lakehouse.lake.session import quote_identifier, quote_literal

GOLD_PARTITION = "_gold_partition_date"
GOLD_MONTH = "_gold_partition_month"  # file layout of tables whose readers want many partitions
GOLD_DELETED = "_gold_is_deleted"  # in a series: from this partition on, the key is no longer in it
BRONZE_MONTH = "_bronze_ingestion_month"
BRONZE_METADATA = (  # the eight of the specification, in its order, after the source's columns
    "_bronze_ingestion_timestamp",
    "_bronze_source_system",
    "_bronze_source_table",
    "_bronze_file_name",
    "_bronze_record_hash",
    "_bronze_is_deleted",
    "_bronze_valid_from",
    "_bronze_valid_to",
)
BRONZE_DAY = "_bronze_ingestion_date"
BRONZE_EXTRA = (BRONZE_DAY, "_bronze_position")
BRONZE_BOUNDED = (BRONZE_DAY, "_bronze_valid_from")  # bounds of 500 other columns would only make footers heavy

_DUCKDB_TYPES = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "integer": "INTEGER",
    "short": "SMALLINT",
    "byte": "TINYINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
}


@dataclass(frozen=True)
class TableFiles:
    """A Delta table at one version: columns (name → DuckDB type, in order), comments, partitioning and file URIs."""

    columns: dict[str, str]
    comments: dict[str, str]
    partition_columns: tuple[str, ...]
    uris: tuple[str, ...]
    description: str = field(default="")

    @classmethod
    def of(cls, table: DeltaTable) -> TableFiles:
        fields = table.schema().fields
        metadata = table.metadata()
        return cls(
            columns={f.name: duckdb_type(f.type) for f in fields},
            comments={f.name: str(f.metadata["comment"]) for f in fields if f.metadata.get("comment")},
            partition_columns=tuple(metadata.partition_columns),
            uris=tuple(file_uris(table)),
            description=metadata.description or "",
        )

    def of_partition(self, column: str, value: str) -> TableFiles:
        """The same table with the files of one partition only; none when that partition has no row."""
        folder = f"/{column}={value}/"
        return replace(self, uris=tuple(uri for uri in self.uris if folder in uri))

    def relation(self) -> str:
        """SQL of a relation with all columns; typed and empty when the table has no file."""
        if not self.uris:
            columns = ", ".join(f"NULL::{kind} AS {quote_identifier(name)}" for name, kind in self.columns.items())
            return f"(SELECT {columns} WHERE false)"
        uris = ", ".join(quote_literal(uri) for uri in self.uris)
        types = ", ".join(f"{quote_literal(name)}: {self.columns[name]}" for name in self.partition_columns)
        hive = f"hive_partitioning = true, hive_types = {{{types}}}" if types else "hive_partitioning = false"
        return f"read_parquet([{uris}], union_by_name = {str(len(self.uris) > 1).lower()}, {hive})"


def duckdb_type(delta_type: Any) -> str:
    """DuckDB's name of a Delta type."""
    kind = getattr(delta_type, "type", None)
    if kind == "array":
        return duckdb_type(delta_type.element_type) + "[]"
    if isinstance(kind, str):
        if kind in _DUCKDB_TYPES:
            return _DUCKDB_TYPES[kind]
        if match := re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", kind):
            return f"DECIMAL({match[1]},{match[2]})"
    raise LakeError(f"A column has the Delta type {delta_type}, which no view can show.")


def statements(key: str, view: dict[str, Any], table: TableFiles, private: TableFiles | None) -> list[str]:
    """DDL that creates or replaces the views of one table, with descriptions as comments.

    Args:
        key: ``layer/name``, as readers call the table.
        view: the pin's word on it.
        table: its files.
        private: those of its personal columns, when they lie apart and are to be shown.
    """
    layer, _, name = key.partition("/")
    if view["kind"] == "bronze":
        made = _bronze(name, view["key"], table)
    elif view["kind"] == "gold":
        made = _gold(name, view, table)
    else:
        made = {name: _plain(view.get("key", []), table, private)}
    statements_ = [f"CREATE OR REPLACE VIEW {_qualified(layer, view_name)} AS {sql}" for view_name, sql in made.items()]
    description = table.description
    if description:
        statements_ += [f"COMMENT ON VIEW {_qualified(layer, n)} IS {quote_literal(description)}" for n in made]
    comments = table.comments | (private.comments if private else {})
    statements_ += [
        f"COMMENT ON COLUMN {_qualified(layer, name)}.{quote_identifier(column)} IS {quote_literal(comment)}"
        for column, comment in comments.items()
    ]
    return statements_


def bronze_relations(key: Sequence[str], table: TableFiles) -> tuple[str, str]:
    """SQL of (every version with ``_bronze_valid_to``, the live rows) of a bronze table."""
    hidden = {*BRONZE_METADATA, *BRONZE_EXTRA, BRONZE_MONTH}
    source_columns = [quote_identifier(name) for name in table.columns if name not in hidden]
    partition = ", ".join(quote_identifier(name) for name in key)
    relation = table.relation()
    stored = [*BRONZE_METADATA[:-1]]
    closing = f"lead(_bronze_valid_from) OVER (PARTITION BY {partition} ORDER BY _bronze_valid_from)"
    versions = (
        f"SELECT {', '.join([*source_columns, *stored])}, {closing} AS _bronze_valid_to, "
        f"{', '.join(BRONZE_EXTRA)} FROM {relation}"
    )
    # A semi-join on the newest version per key: the LEAD above would sort every column of 500-column tables.
    newest = f"SELECT {partition}, max(_bronze_valid_from) FROM {relation} GROUP BY {partition}"
    current = (
        f"SELECT {', '.join([*source_columns, *stored])}, NULL::TIMESTAMP AS _bronze_valid_to, "
        f"{', '.join(BRONZE_EXTRA)} FROM {relation} "
        f"WHERE NOT _bronze_is_deleted AND ({partition}, _bronze_valid_from) IN ({newest})"
    )
    return versions, current


def _bronze(name: str, key: Sequence[str], table: TableFiles) -> dict[str, str]:
    versions, current = bronze_relations(key, table)
    return {name: versions, f"{name}_current": current}


def _gold(name: str, view: dict[str, Any], table: TableFiles) -> dict[str, str]:
    shown = [column for column in table.columns if column not in (GOLD_MONTH, GOLD_DELETED)]
    columns = ", ".join(quote_identifier(column) for column in shown)
    current = f"SELECT {columns} FROM {{}}"
    if view["rows"] == "state":
        current = current.format(table.of_partition(GOLD_PARTITION, view["newest"]).relation())
    elif view["rows"] == "series":
        # The row of the greatest partition per key. A semi-join: a window would sort every column.
        key = ", ".join(quote_identifier(column) for column in view["key"])
        newest = f"SELECT {key}, max({GOLD_PARTITION}) FROM {table.relation()} GROUP BY ALL"
        current = (
            f"{current.format(table.relation())} WHERE NOT {GOLD_DELETED} AND ({key}, {GOLD_PARTITION}) IN ({newest})"
        )
    else:
        current = current.format(table.relation())
    mark = f", {GOLD_DELETED}" if view["rows"] == "series" else ""
    return {name: current, f"{name}_history": f"SELECT {columns}{mark} FROM {table.relation()}"}


def _plain(key: Sequence[str], table: TableFiles, private: TableFiles | None) -> str:
    if private is None:
        return f"SELECT {', '.join(quote_identifier(c) for c in table.columns)} FROM {table.relation()}"
    own = [f"p.{quote_identifier(c)}" for c in private.columns if c not in table.columns]
    columns = ", ".join([*(f"t.{quote_identifier(c)}" for c in table.columns), *own])
    joined = ", ".join(quote_identifier(column) for column in key)
    return f"SELECT {columns} FROM {table.relation()} t JOIN {private.relation()} p USING ({joined})"


def _qualified(layer: str, name: str) -> str:
    return f"{quote_identifier(layer)}.{quote_identifier(name)}"
