"""Canonical row text: what is hashed, and how it becomes typed columns without losing a digit.

Canonical text = the line of ``COPY … (FORMAT csv)`` with the columns in the order of the lake's schema (it grows only
at the end; a dropped column keeps an empty slot), trailing commas stripped. So a column added empty changes no hash.
Not here: reading the source (source/extraction.py), deciding what is new (fold.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation, localcontext
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ebp_lakehouse.bronze.instants import UnknownInstantError, instants
from ebp_lakehouse.errors import ExtractionError
from ebp_lakehouse.source.introspection import Column, SourceTable
from ebp_lakehouse.source.naming import METADATA, column_names
from ebp_lakehouse.source.types import common, normalised, spelled, type_name

WHOLE_ROW = ("_bronze_record_hash",)  # the key of a table that has none: see record_digest
SPELLING = b"spelling"  # in a field's metadata
SHOWN_CHARACTERS = 80
INT64_DIGITS = 19  # a decimal of more digits holds every 64-bit integer
DECIMAL_DIGITS = 2000  # more than PostgreSQL prints for any numeric that could fit

# A byte-order mark at the start of the first value would be eaten by the CSV reader; an empty first line, skipped,
# keeps it away from the reader's start.
GUARD = b"\n"
_COLUMN = re.compile(r"In CSV column #(\d+)")


@dataclass(frozen=True)
class Layout:
    """The columns of one table, in the order of its lake schema.

    Attributes:
        table: EBP's name, for messages.
        key: the lake's names of the key columns; the record's hash where the whole row is the key.
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
        return pa.schema(
            [self.schema.field(n) if n in self.schema.names else pa.field(n, pa.string()) for n in self.key]
        )

    @property
    def is_whole_row(self) -> bool:
        return self.key == WHOLE_ROW

    @property
    def key_selected(self) -> list[str | None]:
        """The key columns' names at the source."""
        return [self.selected[self.schema.get_field_index(name)] for name in self.key]


def layout(table: SourceTable, lake_schema: pa.Schema | None) -> Layout:
    """Lay the source's columns out in the lake's order; what is new goes to the end.

    A column whose type changed takes the least type that holds both (``types.common``): the lake's never narrows.

    Raises:
        ExtractionError: the key is not there, or two names cannot be told apart.
    """
    known = {f.name: normalised(f.type) for f in lake_schema or () if not f.name.startswith(METADATA)}
    lost = [name for name in table.key if table.column(name) is None]
    if lost:
        raise ExtractionError(
            f'Table "{table.name}": key column {", ".join(lost)} does not exist at the source. '
            "Correct `key` in source/tables.yaml (or your EBP_TABLES_FILE), or the copy of EBP."
        )
    names = column_names(((column.number, column.name) for column in table.columns), known)
    present = {names[column.name]: column for column in table.columns}
    added = [name for name in present if name not in known]
    folded: dict[str, str] = {}
    for name in (*known, *added):
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise ExtractionError(
                f'Table "{table.name}": columns "{other}" and "{name}" differ only by case, which no reader of the '
                "lake can tell apart. Exclude one of them in source/tables.yaml (or your EBP_TABLES_FILE)."
            )
    fields = [_field(name, known.get(name), present.get(name)) for name in (*known, *added)]
    return Layout(
        table=table.name,
        key=tuple(names[name] for name in table.key) or WHOLE_ROW,
        schema=pa.schema(fields),
        selected=tuple(present[name].name if name in present else None for name in (*known, *added)),
        added=tuple(added),
    )


def _field(name: str, lake: pa.DataType | None, column: Column | None) -> pa.Field:
    """A column as the lake will hold it; its metadata say how its text differs from what COPY sends, if it does."""
    if column is None:
        return pa.field(name, lake)
    kind = column.arrow if lake is None else common(lake, column.arrow)
    spelling = spelled(column.pg_type) if pa.types.is_string(kind) else None
    return pa.field(name, kind, metadata={SPELLING: spelling} if spelling else None)


def canonical_text(line: bytes | bytearray | memoryview) -> bytes:
    """A COPY csv line without its newline and trailing commas. No value is cut: one that ends in either is quoted."""
    return bytes(line).rstrip(b",\n")


def record_digest(text: bytes, occurrence: int = 1) -> bytes:
    """MD5 of a canonical text, 16 bytes; ``_bronze_record_hash`` is its hexadecimal form.

    A table without a key may hold a row several times. The copies are told apart by ``occurrence``, from 2 on hashed
    behind a newline, where no canonical text has anything but a quoted value.
    """
    if occurrence > 1:
        text += b"\n%d" % occurrence
    return hashlib.md5(text, usedforsecurity=False).digest()


def parse(lines: Sequence[bytes], schema: pa.Schema, *, table: str, key: Sequence[str]) -> pa.Table:
    """COPY csv lines → typed columns, exactly. ``""`` is the empty string, an empty slot is NULL.

    Raises:
        ExtractionError: a value does not fit its type; names table, column, key and value.
    """
    return parse_text(GUARD + b"".join(lines), len(lines), schema, table=table, key=key)


def parse_text(data: bytes | bytearray, rows: int, schema: pa.Schema, *, table: str, key: Sequence[str]) -> pa.Table:
    """``parse`` of lines that stand one after the other already, behind ``GUARD``."""
    parsed = _converted(data, schema, table, key)
    if parsed.num_rows != rows:
        raise ExtractionError(f'Table "{table}": {rows} rows were read as {parsed.num_rows}. Report this.')
    return parsed


def _convert(data: bytes | bytearray, schema: pa.Schema, names: Sequence[str]) -> pa.Table:
    """Columns ``names`` of CSV ``data``. Raises pa.ArrowInvalid where a value does not fit."""
    kinds = {name: schema.field(name).type for name in names}
    parsed = _read(data, schema, {n: pa.string() if pa.types.is_binary(kind) else kind for n, kind in kinds.items()})
    for index, field in enumerate(schema.field(name) for name in names):
        if pa.types.is_binary(field.type):
            parsed = parsed.set_column(
                index, field, pa.array(map(_unhex, parsed.column(index).to_pylist()), pa.binary())
            )
        elif pa.types.is_decimal(field.type):
            _check_precision(parsed.column(index), field, schema)
        elif field.metadata and SPELLING in field.metadata:
            spelling = field.metadata[SPELLING].decode()
            parsed = parsed.set_column(index, field, _as_shown(parsed.column(index), spelling))
    return parsed


def _read(data: bytes | bytearray, schema: pa.Schema, types: dict[str, pa.DataType]) -> pa.Table:
    """The columns that ``types`` names, of CSV ``data`` that holds those of ``schema``."""
    return pa_csv.read_csv(
        pa.py_buffer(data),
        # one block: the reader would otherwise search block boundaries inside quoted values, one thread after another
        read_options=pa_csv.ReadOptions(column_names=schema.names, block_size=len(data) + 1, skip_rows=1),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pa_csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )


def _as_shown(texts: pa.ChunkedArray, spelling: str) -> pa.ChunkedArray:
    """What ``::text`` shows, from what COPY sends: see ``types.spelled``."""
    match spelling:
        case "padded":
            return pc.utf8_rtrim(texts, characters=" ")
        case "boolean":
            return pc.if_else(pc.equal(texts, "t"), "true", "false")
        case "inet":
            mask = pc.if_else(pc.match_substring(texts, ":"), "/128", "/32")
            return pc.if_else(pc.match_substring(texts, "/"), texts, pc.binary_join_element_wise(texts, mask, ""))
    raise ValueError(spelling)


def _check_precision(column: pa.ChunkedArray, field: pa.Field, schema: pa.Schema) -> None:
    """The CSV reader checks the scale but lets too many digits through; Parquet would then cut the high bytes off."""
    if field.type.precision > INT64_DIGITS and all(map(_fits_int64, column.chunks)):
        return
    bound = 10 ** (field.type.precision - field.type.scale)
    extremes = pc.min_max(column).as_py()
    if any(value is not None and abs(value) >= bound for value in extremes.values()):
        number = schema.get_field_index(field.name)
        raise pa.ArrowInvalid(f"In CSV column #{number}: a value has more than {field.type.precision} digits")


def _fits_int64(values: pa.Array) -> bool:
    """Whether every unscaled value fits 64 bits, seen from the upper half of each; ten times faster than the extremes.

    What stands behind a NULL is looked at too: it can only make the answer a needless no.
    """
    if values.null_count == len(values):
        return True
    if not pa.types.is_decimal128(values.type):
        return False
    words = np.frombuffer(values.buffers()[1], np.int64)
    upper = words[2 * values.offset + 1 : 2 * (values.offset + len(values)) : 2]
    return bool(upper.min() >= -1 and upper.max() <= 0)


def _unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text.removeprefix("\\x"))


def _converted(data: bytes | bytearray, schema: pa.Schema, table: str, key: Sequence[str]) -> pa.Table:
    """All columns; those that the fast reader refuses are read as text, then value by value."""
    careful: dict[str, pa.ChunkedArray] = {}
    while True:
        quick = pa.schema([f if f.name not in careful else pa.field(f.name, pa.string()) for f in schema])
        try:
            parsed = _convert(data, quick, schema.names)
        except pa.ArrowInvalid as error:
            column = _COLUMN.search(str(error))
            if column is None or schema.names[int(column[1])] in careful:
                raise ExtractionError(
                    f'Table "{table}": its rows cannot be read ({error}). Nothing of this table was written. Report this.'
                ) from error
            name = schema.names[int(column[1])]
            texts = _decoded(data, schema, table, key, schema.field(name))
            careful[name] = _carefully(texts, schema.field(name), data, schema, table, key)
        else:
            break
    for index, name in enumerate(schema.names):
        if name in careful:
            parsed = parsed.set_column(index, schema.field(name), careful[name])
    return parsed.cast(schema)


def _decoded(
    data: bytes | bytearray, schema: pa.Schema, table: str, key: Sequence[str], field: pa.Field
) -> pa.StringArray:
    """One column as text. A database with the encoding SQL_ASCII checks no byte, so some may be of another encoding."""
    column = _read(data, schema, {field.name: pa.binary()}).column(0).combine_chunks()
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        row, value = next((n, v) for n, v in enumerate(column.to_pylist()) if v is not None and not _is_utf8(v))
        where = _where(data, schema, table, key, field, row)
        raise ExtractionError(
            f"{where}: the value {_shorter(_as_text(value))!r} is not UTF-8. Nothing of this table was written. Correct the "
            "row in EBP, or exclude the column (`exclude` in source/tables.yaml or your EBP_TABLES_FILE)."
        ) from None


def _carefully(
    texts: pa.StringArray, field: pa.Field, data: bytes | bytearray, schema: pa.Schema, table: str, key: Sequence[str]
) -> pa.ChunkedArray:
    """One column that the fast reader refused: instants it does not know, decimals with needless zeros; or refused."""
    if pa.types.is_temporal(field.type):
        try:
            return pa.chunked_array([instants(texts, field.type)])
        except UnknownInstantError as error:
            row = pc.index(texts, error.args[0]).as_py()
            raise _refused(data, schema, table, key, field, row, error.args[0]) from None
    values = []
    for row, text in enumerate(texts.to_pylist()):
        try:
            values.append(_one_value(text, field))
        except (ValueError, ArithmeticError, pa.ArrowInvalid):
            raise _refused(data, schema, table, key, field, row, str(text)) from None
    return pa.chunked_array([pa.array(values, field.type)])


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
    return _convert(GUARD + line, pa.schema([field]), [field.name]).column(0)[0].as_py()


def _refused(
    data: bytes | bytearray, schema: pa.Schema, table: str, key: Sequence[str], field: pa.Field, row: int, text: str
) -> ExtractionError:
    return ExtractionError(
        f"{_where(data, schema, table, key, field, row)}: the value {_shorter(text)!r} does not fit "
        f"{type_name(field.type)}. Nothing of this table was written. Correct the row in EBP, or exclude the column, "
        "or keep it as text (`exclude`, `text` in source/tables.yaml or your EBP_TABLES_FILE)."
    )


def _where(
    data: bytes | bytearray, schema: pa.Schema, table: str, key: Sequence[str], field: pa.Field, row: int
) -> str:
    """Table, column and row of a value, for a message; a row without a key has no name."""
    names = [name for name in key if name in schema.names]
    place = f'Table "{table}", column "{field.name}"'
    if not names:
        return place
    keys = _read(data, schema, dict.fromkeys(names, pa.binary())).slice(row, 1).to_pylist()[0]
    return f"{place}, row {describe_key({n: None if v is None else _as_text(v) for n, v in keys.items()})}"


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


def _shorter(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def describe_key(key: dict[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in key.items())


def hex_digests(digests: Iterable[bytes]) -> pa.Array:
    """``_bronze_record_hash`` of 16-byte digests."""
    return pa.array([digest.hex() for digest in digests], pa.string())
