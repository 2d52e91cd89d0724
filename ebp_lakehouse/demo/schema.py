"""The demo's database: empty again, and in the shape of the reference installation (its DDL).

Does not live here: what the tables look like (source/reference_schema.py), rows (fillers.py, company/), loading
(load.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ebp_lakehouse.errors import DemoError
from ebp_lakehouse.source.reference_schema import ReferenceTable, reference


def table_ddl(table: ReferenceTable) -> sql.Composed:
    """CREATE TABLE with the columns in order, NOT NULL and the primary key; no defaults, no foreign keys (as found)."""
    parts: list[sql.Composable] = [
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name), sql.SQL(column.type), sql.SQL("" if column.nullable else " NOT NULL")
        )
        for column in table.columns
    ]
    if table.key:
        parts.append(sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, table.key))))
    return sql.SQL("CREATE TABLE {} ({});").format(sql.Identifier(table.name), sql.SQL(", ").join(parts))


def recreate_database(dsn: str) -> None:
    """Replace the database of ``dsn`` by an empty one; whoever is connected to it is thrown out."""
    name = str(conninfo_to_dict(dsn)["dbname"])
    with psycopg.connect(dsn, dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(sql.Identifier(name)))


def create_schema(dsn: str, tables: Mapping[str, ReferenceTable] | None = None) -> None:
    """Create the 319 tables (or the given ones) in schema `public`, all or none.

    Raises `DemoError` if one exists already.
    """
    with psycopg.connect(dsn) as connection:
        script = sql.SQL("\n").join(table_ddl(table) for table in (reference() if tables is None else tables).values())
        try:
            connection.execute(script)
        except psycopg.errors.DuplicateTable as error:
            message = (
                f"The database {connection.info.dbname} already holds EBP tables ({error.diag.message_primary}): "
                "create the demo company in an empty database."
            )
            raise DemoError(message) from error
