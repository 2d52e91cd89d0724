"""What a source has, written down once as a registry file: ``ebp-lakehouse discover > tables.yaml``.

Importing Dagster's definitions asks no database, so the tables of another schema than EBP's must be listed in a file. Not
here: how such a file is read (registry.py), the columns and keys of a table in a capture (introspection.py).
"""

from __future__ import annotations

from typing import Any

import psycopg
import yaml
from psycopg import sql

from ebp_lakehouse.errors import SourceError
from ebp_lakehouse.source.introspection import SourceTable, introspect
from ebp_lakehouse.source.naming import asset_names
from ebp_lakehouse.source.registry import Registry, TableSpec
from ebp_lakehouse.source.types import DECIMAL, is_number

HEAD = """\
# The tables of a source, for EBP_TABLES_FILE; with it, EBP_TABLES=all means these.
# Written by `ebp-lakehouse discover`; yours to edit: take tables out, name others (views too), and per table
#   asset: name in the lake    key: [columns] instead of the catalogue's    exclude: [columns never read]
#   text: [columns kept as PostgreSQL's text]    personal: {column: direct, indirect or none}    description: a sentence
"""
# Partitions are part of their table. Views are left out: what they show is read with their tables.
_RELATIONS = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = ANY('{r,p,m,f}') AND NOT c.relispartition AND n.nspname = ANY(current_schemas(false))
  AND has_table_privilege(c.oid, 'SELECT')
GROUP BY c.relname ORDER BY c.relname COLLATE "C"
"""


def discover(connection: psycopg.Connection[Any], registry: Registry) -> str:
    """The registry file (YAML) of every table that the session's user may read in its search path.

    A table that ``registry`` knows keeps what is declared of it, so a file can be written again. Numerics that the lake's decimal cannot hold are looked
    for in the rows, and their columns listed under ``text``.

    Raises:
        SourceError: there is no table.
    """
    names = [row[0] for row in connection.execute(_RELATIONS)]
    if not names:
        raise SourceError(
            "The source has no table that this user may read in its search_path. Name the schema in EBP_SOURCE_URL "
            "(…/database?options=-csearch_path%3Dsales), or grant SELECT."
        )
    known = registry.tables | registry.others
    assets = asset_names([name for name in names if name not in known], {spec.asset for spec in known.values()})
    entries: dict[str, dict[str, Any]] = {name: dict(registry.own.get(name) or {}) for name in names}
    specs = [
        TableSpec(name=name, asset=asset, domain="other", description=name, key=()) for name, asset in assets.items()
    ]
    for name, table in introspect(connection, specs).items():
        text = _beyond(connection, table)
        entries[name] = {"asset": assets[name]} | ({"text": text} if text else {})
    return HEAD + yaml.safe_dump({"tables": entries}, allow_unicode=True, sort_keys=False, width=120)


def _beyond(connection: psycopg.Connection[Any], table: SourceTable) -> list[str]:
    """Numeric columns that hold NaN, an infinity, or more digits than their decimal; one pass over the table."""
    numerics = [c for c in table.columns if c.pg_type.startswith("numeric") and is_number(c.arrow)]
    tests = [
        sql.SQL(
            "bool_or({0} IN ('NaN', 'Infinity', '-Infinity') OR abs({0}) >= {1}::numeric OR scale(trim_scale({0})) > {2})"
        ).format(
            sql.Identifier(column.name),
            sql.Literal(str(10 ** (DECIMAL.precision - DECIMAL.scale))),
            sql.Literal(DECIMAL.scale),
        )
        if column.pg_type == "numeric"
        else sql.SQL("bool_or({} = 'NaN')").format(sql.Identifier(column.name))
        for column in numerics
    ]
    if not tests:
        return []
    found = connection.execute(
        sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(tests), table.identifier)
    ).fetchone()
    return [column.name for column, beyond in zip(numerics, found or (), strict=True) if beyond]
