"""PostgreSQL types → Arrow types, the only place where the mapping is declared.

Exactness first: ``numeric`` is never a float, ``timestamp`` keeps its wall clock, and a type that has no exact
counterpart in Delta travels as PostgreSQL's own text. Not here: parsing (bronze/canonical.py).
"""

from __future__ import annotations

import re

import pyarrow as pa

DECIMAL = pa.decimal128(28, 8)  # EBP's decimal(28,8); PostgreSQL copies of it declare plain numeric
MAX_PRECISION = 38

_EXACT: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "numeric": DECIMAL,
    "date": pa.date32(),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
    "bytea": pa.binary(),
}
_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")


def arrow_type(pg_type: str) -> pa.DataType:
    """The Arrow type of ``format_type(...)``'s text, e.g. ``numeric(12,2)``; text for every type without a counterpart.

    A precision above 38, or a negative scale, has no decimal128: PostgreSQL's text keeps every digit.
    A column ``timestamp(3)`` holds what a ``timestamp`` holds.
    """
    match = _NUMERIC.fullmatch(pg_type)
    if match:
        precision, scale = int(match[1]), int(match[2])
        return pa.decimal128(precision, scale) if 0 <= scale <= precision <= MAX_PRECISION else pa.string()
    return _EXACT.get(re.sub(r"(timestamp)\(\d\)", r"\1", pg_type), pa.string())


_INTEGERS = {"smallint": 5, "integer": 10, "bigint": 19}  # digits
_TEXTS = re.compile(r"(?:character varying|character|text|citext)(?:\((\d+)\))?")


def widens(before: str, now: str) -> bool:
    """Whether every value of ``before`` is a value of ``now``, both as ``format_type(...)`` writes them.

    ``numeric`` without precision holds any numeric; texts widen by length, and into each other.
    """
    if before == now:
        return True
    one, other = _whole_and_scale(before), _whole_and_scale(now)
    if one and other:
        return one[0] <= other[0] and one[1] <= other[1]
    text, longer = _TEXTS.fullmatch(before), _TEXTS.fullmatch(now)
    if text and longer:
        return longer[1] is None or (text[1] is not None and int(text[1]) <= int(longer[1]))
    moment, finer = _TIME.fullmatch(before), _TIME.fullmatch(now)
    if moment and finer:
        return moment[1] + moment[3] == finer[1] + finer[3] and int(moment[2] or 6) <= int(finer[2] or 6)
    return (before, now) in {
        ("real", "double precision"),
        ("smallint", "real"),
        ("smallint", "double precision"),
        ("integer", "double precision"),
        ("date", "timestamp without time zone"),
    }


_TIME = re.compile(r"(timestamp|time|interval)(?:\((\d)\))?(.*)")
_UNBOUNDED = 10**6


def _whole_and_scale(pg_type: str) -> tuple[int, int] | None:
    """Digits before and after the point that a number type holds; None for other types."""
    if pg_type in _INTEGERS:
        return _INTEGERS[pg_type], 0
    match = _NUMERIC.fullmatch(pg_type)
    if match:
        return int(match[1]) - int(match[2]), int(match[2])
    return (_UNBOUNDED, _UNBOUNDED) if pg_type == "numeric" else None


def type_name(arrow: pa.DataType) -> str:
    """An Arrow type in PostgreSQL's words, for messages."""
    if pa.types.is_decimal(arrow):
        return f"numeric({arrow.precision},{arrow.scale})"
    return next((name for name, known in _EXACT.items() if known.equals(arrow)), "text")


def normalised(arrow: pa.DataType) -> pa.DataType:
    """The same type without storage variants (Delta hands strings back as views or large strings)."""
    if pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow):
        return pa.string()
    if pa.types.is_large_binary(arrow) or pa.types.is_binary_view(arrow):
        return pa.binary()
    return arrow
