"""Canonical row text: what is hashed, and how it becomes typed columns without losing a digit.

Canonical text = the line of ``COPY … (FORMAT csv)`` with the columns in the order of the lake's schema (it grows only
at the end; a dropped column keeps an empty slot), trailing commas stripped. So a column added empty changes no hash.
Not here: reading the source (source/extraction.py), deciding what is new (fold.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation, localcontext
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ebp_lakehouse.errors import ExtractionError
from ebp_lakehouse.source.introspection import SourceTable
from ebp_lakehouse.source.types import normalised, type_name

METADATA = "_bronze_"
SHOWN_CHARACTERS = 80
DECIMAL_DIGITS = 2000  # more than PostgreSQL prints for any numeric that could fit

# A byte-order mark at the start of the first value would be eaten by the CSV reader; an empty first line, skipped,
# keeps it away from the reader's start.
_GUARD = b"\n"


@dataclass(frozen=True)
class Layout:
    """The columns of one table, in the order of its lake schema.

    Attributes:
        table: EBP's name, for messages.
        schema: names and types of the source columns as the lake holds (or will hold) them.
        selected: per column of ``schema`` its name at the source, or None where the source dropped it.
        added: columns that the lake does not have yet.
    """

    table: str
    key: tuple[str, ...]
    schema: pa.Schema
    selected: tuple[str | None, ...]
    added: tuple[str, ...] = ()

    @cached_property
    def key_schema(self) -> pa.Schema:
        return pa.schema([self.schema.field(name) for name in self.key])


def layout(table: SourceTable, lake_schema: pa.Schema | None) -> Layout:
    """Lay the source's columns out in the lake's order; what is new goes to the end.

    Raises:
        ExtractionError: a column changed its type, two names differ only by case, or the key is not there.
    """
    known = {f.name: normalised(f.type) for f in lake_schema or () if not f.name.startswith(METADATA)}
    lost = [name for name in table.key if table.column(name) is None]
    if lost:
        raise ExtractionError(
            f'Table "{table.name}": key column {", ".join(lost)} does not exist at the source. '
            "Correct `key` in source/tables.yaml, or the copy of EBP."
        )
    reserved = [c.name for c in table.columns if c.name.startswith(METADATA)]
    if reserved:
        raise ExtractionError(
            f'Table "{table.name}": column {reserved[0]} has a name reserved for the lake. Rename it.'
        )
    for column in table.columns:
        if column.name in known and not known[column.name].equals(column.arrow):
            raise ExtractionError(
                f'Table "{table.name}", column "{column.name}": its type changed from '
                f"{type_name(known[column.name])} to {column.pg_type}. The lake keeps the old type and is unchanged. "
                "Restore the type at the source, or take the column out (`exclude` in source/tables.yaml)."
            )
    present = {column.name for column in table.columns}
    added = [column for column in table.columns if column.name not in known]
    folded: dict[str, str] = {}
    for name in (*known, *(column.name for column in added)):
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise ExtractionError(
                f'Table "{table.name}": columns "{other}" and "{name}" differ only by case, which no reader of the '
                "lake can tell apart. Exclude one of them in source/tables.yaml."
            )
    return Layout(
        table=table.name,
        key=table.key,
        schema=pa.schema([*known.items(), *((column.name, column.arrow) for column in added)]),
        selected=tuple([name if name in present else None for name in known] + [column.name for column in added]),
        added=tuple(column.name for column in added),
    )


def canonical_text(line: bytes | bytearray | memoryview) -> bytes:
    """A COPY csv line without its newline and trailing commas. No value is cut: one that ends in either is quoted."""
    return bytes(line).rstrip(b",\n")


def record_digest(text: bytes) -> bytes:
    """MD5 of a canonical text, 16 bytes; ``_bronze_record_hash`` is its hexadecimal form."""
    return hashlib.md5(text, usedforsecurity=False).digest()


def parse(lines: Sequence[bytes], schema: pa.Schema, *, table: str, key: Sequence[str]) -> pa.Table:
    """COPY csv lines → typed columns, exactly. ``""`` is the empty string, an empty slot is NULL.

    Raises:
        ExtractionError: a value does not fit its type; names table, column, key and value.
    """
    data = _GUARD + b"".join(lines)
    try:
        parsed = _convert(data, schema, schema.names)
    except pa.ArrowInvalid as error:
        parsed = _parse_carefully(data, schema, table, key, error)
    if parsed.num_rows != len(lines):
        raise ExtractionError(f'Table "{table}": {len(lines)} rows were read as {parsed.num_rows}. Report this.')
    return parsed


def _convert(data: bytes, schema: pa.Schema, names: Sequence[str], *, as_text: bool = False) -> pa.Table:
    """Columns ``names`` of CSV ``data``. Raises pa.ArrowInvalid where a value does not fit."""
    types = {
        name: pa.string() if as_text or pa.types.is_binary(schema.field(name).type) else schema.field(name).type
        for name in names
    }
    parsed = pa_csv.read_csv(
        pa.py_buffer(data),
        # one block: the reader would otherwise search block boundaries inside quoted values, one thread after another
        read_options=pa_csv.ReadOptions(column_names=schema.names, block_size=len(data) + 1, skip_rows=1),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pa_csv.ConvertOptions(
            column_types=types,
            include_columns=list(names),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    if as_text:
        return parsed
    for index, field in enumerate(schema.field(name) for name in names):
        if pa.types.is_binary(field.type):
            parsed = parsed.set_column(
                index, field, pa.array(map(_unhex, parsed.column(index).to_pylist()), pa.binary())
            )
        elif pa.types.is_decimal(field.type):
            _check_precision(parsed.column(index), field)
    return parsed


def _check_precision(column: pa.ChunkedArray, field: pa.Field) -> None:
    """The CSV reader checks the scale but lets too many digits through; Parquet would then cut the high bytes off."""
    bound = 10 ** (field.type.precision - field.type.scale)
    extremes = pc.min_max(column).as_py()
    if any(value is not None and abs(value) >= bound for value in extremes.values()):
        raise pa.ArrowInvalid(f"a value of {field.name} has more than {field.type.precision} digits")


def _unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text.removeprefix("\\x"))


def _parse_carefully(
    data: bytes, schema: pa.Schema, table: str, key: Sequence[str], error: pa.ArrowInvalid
) -> pa.Table:
    """Column by column, to name the value that does not fit, or to accept what only the fast reader refuses."""
    columns = []
    for field in schema:
        try:
            columns.append(_convert(data, schema, [field.name]).column(0))
        except pa.ArrowInvalid:
            texts = _convert(data, schema, [field.name], as_text=True).column(0).to_pylist()
            values = []
            for row, text in enumerate(texts):
                try:
                    values.append(_one_value(text, field))
                except (ValueError, ArithmeticError, pa.ArrowInvalid):
                    raise _refused(data, schema, table, key, field, row, str(text)) from error
            columns.append(pa.chunked_array([pa.array(values, field.type)]))
    return pa.Table.from_arrays(columns, schema=schema)


def _one_value(text: str | None, field: pa.Field) -> object:
    """One value of a column the fast reader refused: a decimal with needless zeros beyond the scale, or refused too."""
    if text is None:
        return None
    if pa.types.is_decimal(field.type):
        with localcontext(prec=DECIMAL_DIGITS):
            exact = Decimal(text)
            fitted = exact.quantize(Decimal(1).scaleb(-field.type.scale))  # NaN passes, infinity raises
            if not fitted == exact:
                raise InvalidOperation
        return pa.scalar(fitted, field.type).as_py()
    line = b'"' + text.replace('"', '""').encode() + b'"\n'
    return _convert(_GUARD + line, pa.schema([field]), [field.name]).column(0)[0].as_py()


def _refused(
    data: bytes, schema: pa.Schema, table: str, key: Sequence[str], field: pa.Field, row: int, text: str
) -> ExtractionError:
    keys = _convert(data, schema, list(key), as_text=True).slice(row, 1).to_pylist()[0]
    shown = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
    return ExtractionError(
        f'Table "{table}", column "{field.name}", row {describe_key(keys)}: the value {shown!r} does not fit '
        f"{type_name(field.type)}. Nothing of this table was written. Correct the row in EBP, or exclude the column "
        "(`exclude` in source/tables.yaml)."
    )


def describe_key(key: dict[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in key.items())


def hex_digests(digests: Iterable[bytes]) -> pa.Array:
    """``_bronze_record_hash`` of 16-byte digests."""
    return pa.array([digest.hex() for digest in digests], pa.string())
