"""PostgreSQL types → Arrow types, the only place where the mapping is declared, and how types relate.

The rule: **what a reader of the lake gets equals PostgreSQL's value**; where Delta has no exact counterpart, it is the
text that ``::text`` shows at the source. What neither holds is refused with table, column, row and value. So:

| PostgreSQL | in the lake |
| --- | --- |
| smallint, integer, bigint, boolean, real, double precision (NaN, ±Infinity, -0 too), bytea | the same |
| numeric(p,s), p ≤ 38 | decimal(p,s). NaN, which numeric may hold, is refused: no decimal holds it |
| numeric without precision | decimal(28,8), EBP's own (copies of EBP declare plain numeric, and sums must be sums). More digits, more decimals, NaN, ±Infinity are refused; a table of another schema lists such a column under ``text`` in the registry (``discover`` looks for them) and gets every digit as text |
| numeric(p,s), p > 38 or s < 0 or s > p | text |
| date, timestamp, timestamptz | the same, UTC; all of PostgreSQL's calendar but its last years (beyond 294246-12-31), BC included. ±infinity is DuckDB's own infinity, that is ± the greatest integer of the type: ``valid_to = 'infinity'`` is a common idiom, and it must neither be lost nor turn dates into text. Python clients cannot show it or years beyond 9999: cast to VARCHAR |
| a domain | as its base type |
| everything else (uuid, text, varchar, char(n), name, json, xml, enum, array, range, composite, interval, time, money, inet, bit, geometric, tsvector, oid, …) | text |

``::text`` differs from what COPY sends for three types, and the lake has ``::text``'s: char(n) without padding, inet
with its mask, and a boolean among texts as true or false (``spelled``).

A column of the lake that exists keeps holding what it held: when the source's type changes, the lake's becomes the
least type that holds both exactly (``common``), text if there is none. It never narrows.

Not here: parsing (bronze/canonical.py), rewriting a column that widened (bronze/widening.py).
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


def spelled(pg_type: str) -> str | None:
    """How ``::text`` of a type differs from what COPY sends: ``padded``, ``boolean``, ``inet``; None for all others."""
    if pg_type.split("(", maxsplit=1)[0] in ("character", "bpchar"):
        return "padded"
    return pg_type if pg_type in ("boolean", "inet") else None


def common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The least type that holds every value of both exactly; text where no other does. Symmetric, and associative."""
    if one.equals(other):
        return one
    for low, high in ((one, other), (other, one)):
        if any(low.equals(a) and high.equals(b) for a, b in _HELD):
            return high
    digits = [_digits(kind) for kind in (one, other)]
    if digits[0] and digits[1]:
        whole, scale = (max(pair) for pair in zip(*digits, strict=True))
        if whole + scale <= MAX_PRECISION:
            return pa.decimal128(whole + scale, scale)
    return pa.string()


_HELD = [  # (type, type that holds its every value)
    (pa.int16(), pa.int32()),
    (pa.int16(), pa.int64()),
    (pa.int32(), pa.int64()),
    (pa.float32(), pa.float64()),
    (pa.date32(), pa.timestamp("us")),
]


def _digits(arrow: pa.DataType) -> tuple[int, int] | None:
    if pa.types.is_decimal(arrow):
        return arrow.precision - arrow.scale, arrow.scale
    return {pa.int16(): (5, 0), pa.int32(): (10, 0), pa.int64(): (19, 0)}.get(arrow)


def is_number(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_integer(arrow) or pa.types.is_decimal(arrow) or pa.types.is_floating(arrow))


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
