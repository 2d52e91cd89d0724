"""Rows for the populated tables of EBP that the company generator does not make.

Lives here: how many rows each table gets, its keys, its references to other tables, and what is added to the company's
own frames. Does not live here: the values of ordinary columns (plausible.py), the coherent sales (company/).

Deterministic: every random number comes from a generator seeded by (seed, table, column), so neither the order of
tables nor the order of columns changes a row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date

import numpy as np
import polars as pl

from ebp_lakehouse.demo.load import key_values
from ebp_lakehouse.demo.plausible import PlausibleRows, generator, share, uuids
from ebp_lakehouse.source.reference_schema import ReferenceColumn, ReferenceTable, reference

# Tables this small are parameters (families, countries, payment modes): they do not shrink with the company.
ALWAYS_WHOLE = 300

_WORDS = re.compile(r"[A-Z][a-z0-9]*|[a-z0-9]+")
_CURRENCIES = ("EUR", "USD", "GBP", "CHF", "CAD", "MAD")
# References whose target the name alone does not tell, or that a filler must leave empty.
_ALIASES = {"EventType": "ScheduleEventType", "UserId": "EbpSysUser", "GroupId": "EbpSysUserGroup"}
_LEFT_EMPTY = re.compile(
    r"^(RangeItem|Parent|TopParent|PaymentThird|InvoicingThird|OrderThird|Associated|Transfered|Origin|Previous|Next|Last|Invoice)"
    r"|^sys|OneDrive|Hash"
)
# The company's own columns speak; only what contradicts nothing is added to its rows.
_HARMLESS = re.compile(r"^(sys(Created|Modified)(Date|User)|sysEditCounter|Notes|NotesClear)$|^xx_")


def planned_rows(scale: float, made_elsewhere: Collection[str] = ()) -> dict[str, int]:
    """Rows to make per table: round(reference * scale), at least 1; small tables whole.

    Tables that are empty in the reference, and those made elsewhere, are absent.
    """
    return {
        table.name: table.rows if table.rows <= ALWAYS_WHOLE else max(1, round(table.rows * scale))
        for table in reference().values()
        if table.rows > 0 and table.name not in made_elsewhere
    }


class Fillers:
    """Makes the frames of the tables nobody else makes. `company` holds the frames of the tables that somebody did."""

    def __init__(self, scale: float, seed: int, as_of: date, company: dict[str, pl.DataFrame]) -> None:
        self._seed, self._as_of = seed, as_of
        self.rows = planned_rows(scale, company)
        self._ids: dict[str, pl.Series] = {}
        for name, frame in company.items():
            key = reference()[name].key
            if len(key) == 1 and key[0] in frame.columns and not frame.is_empty():
                self._ids[name] = frame[key[0]]

    def frame(self, name: str) -> pl.DataFrame:
        """The rows of one table, holding only the columns that are not NULL or zero throughout."""
        table = reference()[name]
        keys, rows = self._keys(table, self.rows[name])
        values = PlausibleRows(table, rows, self._seed, self._as_of)
        columns = []
        for column in table.columns:
            if column.name in keys:
                made: pl.Series | None = keys[column.name]
            elif column.name in table.key:
                made = None
            else:
                made = self._reference(table, column, values)
                if made is None and not self._is_reference(table, column):
                    made = values.column(column)
            if made is not None:
                columns.append(_without_nulls(column, made).alias(column.name))
        if not columns:  # nothing to say about this table: its first column says how many rows there are
            columns.append(key_values(table, table.columns[0], rows).alias(table.columns[0].name))
        return pl.DataFrame(columns)

    def frames(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Every filler table, the largest first."""
        tables = reference()
        for name in sorted(self.rows, key=lambda name: (-self.rows[name] * len(tables[name].columns), name)):
            yield name, self.frame(name)

    def enriched(self, name: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The company's frame with audit columns, notes and custom fields where it has none; no amount."""
        table = reference()[name]
        missing = [
            column for column in table.columns if column.name not in frame.columns and _HARMLESS.search(column.name)
        ]
        if frame.is_empty() or not missing:
            return frame
        dated = next((c for c in ("sysCreatedDate", "DocumentDate", "StartDateTime") if c in frame.columns), None)
        moments = None
        if dated is not None and frame[dated].null_count() == 0:
            moments = frame[dated].cast(pl.Datetime("us")).to_numpy().astype("datetime64[s]")
        values = PlausibleRows(table, frame.height, self._seed, self._as_of, moments)
        wanted = [
            c
            for c in missing
            if c.type == "text" or c.width is not None or c.name.startswith("sys") or c.type == "boolean"
        ]
        return frame.with_columns(_without_nulls(c, made) for c in wanted if (made := values.column(c)) is not None)

    # keys

    def _keys(self, table: ReferenceTable, rows: int) -> tuple[dict[str, pl.Series], int]:
        """Distinct key values, and how many rows that allows. Key columns left out are numbered by the loading."""
        if len(table.key) == 1:
            return {table.key[0]: self.ids(table.name)}, self.rows[table.name]
        references = {}
        for name in table.key:
            target = _target(table, _column(table, name))
            if target is not None and self._has_rows(target):
                references[name] = self.ids(target)
        columns = {
            name: pl.repeat(value=False, n=rows, eager=True)
            for name in table.key
            if _column(table, name).type == "boolean"
        }
        if references and set(references) == set(table.key):
            rows = min(rows, int(np.prod([len(ids) for ids in references.values()])))
        # Counting in mixed radix gives each combination once.
        position = np.arange(rows)
        for name, ids in references.items():
            columns[name] = ids.gather(position % len(ids))
            position = position // len(ids)
        return columns, rows

    def ids(self, name: str) -> pl.Series:
        """The single-column key values of a table, made once."""
        if name not in self._ids:
            table = reference()[name]
            parent = name.removesuffix("Ex")
            if parent != name and parent in reference() and reference()[parent].key == table.key:
                parent_ids = self.ids(parent)  # an extension row belongs to one document
                self.rows[name] = min(self.rows[name], len(parent_ids))
                self._ids[name] = parent_ids.head(self.rows[name])
            else:
                self._ids[name] = _new_ids(table, self.rows[name], self._seed)
        return self._ids[name]

    # references

    def _has_rows(self, name: str) -> bool:
        return len(reference()[name].key) == 1 and (name in self._ids or name in self.rows)

    def _is_reference(self, table: ReferenceTable, column: ReferenceColumn) -> bool:
        """Whether the column names another table: then it holds that table's keys or nothing, never made-up codes."""
        return column.nullable and (column.name.endswith("Id") or _target(table, column) is not None)

    def _reference(self, table: ReferenceTable, column: ReferenceColumn, values: PlausibleRows) -> pl.Series | None:
        if column.nullable and _LEFT_EMPTY.search(column.name):
            return None
        target = _target(table, column)
        if target is None or not self._has_rows(target):
            return None
        ids = self.ids(target)
        # A few customers, items and colleagues carry most rows; nearly everything is in euros, the first currency.
        skew = 12 if target == "CurrencyTable" else 2
        picked = ids.gather((values.random(column.name) ** skew * len(ids)).astype(np.int64))
        rare = target in ("Deal", "ConstructionSite", "MaintenanceContract", "CustomerProduct", "ScheduleEvent")
        return values.thinned(column, picked, 0.15 if rare else 0.4 + 0.6 * share(table.name, column.name))


def _target(table: ReferenceTable, column: ReferenceColumn) -> str | None:
    """The table whose key the column holds, guessed from its name and confirmed by its type."""
    name = column.name.rpartition("_")[2]
    target = _ALIASES.get(name)
    if target is None and name.endswith("Id") and name != "Id":
        target = _by_words(table, _WORDS.findall(name[:-2]))
    if target is None or target == table.name:
        return None
    key = reference()[target].key
    if len(key) != 1:
        return None
    mine, theirs = column, _column(reference()[target], key[0])
    fits = mine.type == theirs.type or (
        mine.width is not None and theirs.width is not None and mine.width >= theirs.width
    )
    return target if fits else None


def _by_words(table: ReferenceTable, words: list[str]) -> str | None:
    """The longest ending that is a table: CreatorColleague -> Colleague; Third and Document depend on the table."""
    side = next((side for side in ("Purchase", "Stock") if side in table.name), "Sale")
    local = {
        "Third": "Supplier" if side == "Purchase" or "Supplier" in table.name else "Customer",
        "Document": f"{side}Document",
        "DocumentLine": f"{side}DocumentLine",
        "Commitment": f"{side}Commitment",
        "Settlement": f"{side}Settlement",
        "Parent": table.name.removesuffix("AssociatedFiles"),
        "Currency": "CurrencyTable",
    }
    for start in range(len(words)):
        ending = "".join(words[start:])
        found = local.get(ending, ending)
        if found in reference():
            return found
    return None


def _new_ids(table: ReferenceTable, rows: int, seed: int) -> pl.Series:
    column = _column(table, table.key[0])
    if column.type == "uuid":
        return uuids(generator(seed, table.name, column.name), rows)
    if column.type in ("integer", "smallint", "numeric"):
        return pl.Series(np.arange(1, rows + 1))
    if table.name == "CurrencyTable":
        return pl.Series(_CURRENCIES).head(rows)
    width = column.width or 8
    digits = max(len(str(rows)), min(6, width - 2))
    prefix = re.sub(r"[^A-Z]", "", table.name.removeprefix("EbpSys"))[: max(0, min(2, width - digits))]
    return prefix + pl.Series(np.arange(1, rows + 1)).cast(pl.String).str.zfill(digits)


def _without_nulls(column: ReferenceColumn, values: pl.Series) -> pl.Series:
    """What EBP stores where nothing was entered and NULL is not allowed."""
    if column.nullable or not values.null_count():
        return values
    if values.dtype == pl.String:
        return values.fill_null("")
    return values.fill_null(value=False) if values.dtype == pl.Boolean else values.fill_null(0)


def _column(table: ReferenceTable, name: str) -> ReferenceColumn:
    column = table.column(name)
    assert column is not None, f"reference/keys.csv names {table.name}.{name}, which is no column"  # noqa: S101
    return column
