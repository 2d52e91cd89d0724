"""Which tables the publication brings, column by column, and why others cannot come in by the change stream.

Read from the catalogues inside the capture's snapshot, so that it agrees with what is read there. A table that does not
qualify is no error: it comes in by the batch route. Not here: the script that makes the publication (dba_script.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from ebp_lakehouse.errors import SourceError
from ebp_lakehouse.source.introspection import SourceTable
from ebp_lakehouse.source.registry import TableSpec
from ebp_lakehouse.source.replication import PUBLICATION

SCRIPT = "run the script that `ebp-lakehouse cdc script` prints"

_PUBLICATION = """
SELECT puballtables OR EXISTS (SELECT FROM pg_publication_namespace WHERE pnpubid = p.oid),
       pubinsert AND pubupdate AND pubdelete AND pubtruncate, pubviaroot
FROM pg_publication p WHERE pubname = %s
"""
_TABLES = """
SELECT c.oid::bigint, n.nspname::text, c.relname::text, r.oid::text || '/' || c.relfilenode::text,
  c.relkind = 'r' AND NOT c.relispartition AND NOT c.relhassubclass, r.prqual IS NOT NULL, c.relreplident = 'f',
  r.prattrs IS NOT NULL,
  (SELECT coalesce(jsonb_object_agg(a.attname, CASE t.typtype WHEN 'd' THEN 'text'
      ELSE format_type(a.atttypid, a.atttypmod) END), '{}') FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND CASE WHEN r.prattrs IS NULL THEN a.attgenerated = '' ELSE a.attnum = ANY(r.prattrs::int2[]) END),
  coalesce((SELECT array_agg(a.attname::text) FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey::int2[])
    WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
      AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END), '{}')
FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE p.pubname = %s ORDER BY n.nspname, c.relname
"""


@dataclass(frozen=True)
class PublishedTable:
    """One table of the publication.

    Attributes:
        membership: changes when the table leaves and joins again, and when its rows are rewritten or truncated.
        is_plain: an ordinary table without partitions or children.
        is_filtered: the publication has a row filter, so some rows never come.
        identity_is_full: old rows are logged whole.
        has_column_list: the publication names the columns.
        columns: those that are published, with their types (of a domain: text, as far as secrets go).
        identity: columns of the replica identity; empty when there is none (or it is full).
    """

    oid: int
    schema: str
    name: str
    membership: str
    is_plain: bool
    is_filtered: bool
    identity_is_full: bool
    has_column_list: bool
    columns: dict[str, str]
    identity: list[str]

    @property
    def blocks_writes(self) -> bool:
        """Whether PostgreSQL refuses UPDATE and DELETE on the table because it is published this way."""
        if self.identity_is_full:
            return self.has_column_list
        return not self.identity or not self.columns.keys() >= set(self.identity)

    def secrets(self, table: SourceTable, spec: TableSpec) -> list[str]:
        """Published columns that the registry forbids to read."""
        return [n for n, kind in self.columns.items() if n not in table.key and spec.is_secret(n, kind)]

    def why_not(self, table: SourceTable, spec: TableSpec) -> str | None:  # noqa: PLR0911 - a line per rule
        """Why the table's changes cannot be taken from the stream, in words; None when they can."""
        if not self.is_plain:
            return "it has partitions or children"
        if self.is_filtered:
            return f"the publication filters its rows: {SCRIPT}"
        if secrets := self.secrets(table, spec):
            return f"the publication carries its secret column {', '.join(secrets)}: {SCRIPT}"
        if not table.key:
            return "it has no key"
        if not table.key_is_enforced:
            return f"no unique index enforces its key ({', '.join(table.key)})"
        if not self.identity_is_full and not set(self.identity) >= set(table.key):
            return f"its replica identity does not hold its key ({', '.join(table.key)})"
        lacking = [column.name for column in table.columns if column.name not in self.columns]
        if lacking:
            return f"the publication lacks its column {', '.join(lacking[:5])}: {SCRIPT}"
        return None


def published_tables(connection: psycopg.Connection[Any]) -> dict[int, PublishedTable]:
    """The publication's tables by oid.

    Raises:
        SourceError: there is no publication, or it does not name its tables, or it leaves out a kind of change.
    """
    row = connection.execute(_PUBLICATION, (PUBLICATION,)).fetchone()
    if row is None:
        raise SourceError(f"The source has no publication {PUBLICATION}. Ask its administrator: {SCRIPT}.")
    names_all, every_change, via_root = row
    if names_all:
        raise SourceError(
            f"The publication {PUBLICATION} is for all tables (of a schema): EBP could no longer update those without "
            f"a primary key, and secrets would be streamed. Ask the administrator to drop it, then to {SCRIPT[4:]}."
        )
    if not every_change or via_root:
        raise SourceError(
            f"The publication {PUBLICATION} must publish insert, update, delete and truncate, and not via the "
            f"partition root. Ask the administrator: {SCRIPT}."
        )
    found = connection.execute(_TABLES, (PUBLICATION,)).fetchall()
    return {row[0]: PublishedTable(*row) for row in found}
