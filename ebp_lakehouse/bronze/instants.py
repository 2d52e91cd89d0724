"""Dates and timestamps that the CSV reader does not know: infinity, years before 1 and beyond 9999. Pure.

PostgreSQL's calendar is the proleptic Gregorian one, as Arrow's and DuckDB's are; only the writing differs. Infinity is
DuckDB's: plus or minus the greatest integer of the type.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

_BEYOND = r"infinity|BC$|^\d{5,}"
_INSTANT = re.compile(
    r"(\d+)-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00)?)?( BC)?",
)
MICROSECONDS_A_DAY = 86_400 * 10**6
GREATEST = {32: 2**31 - 1, 64: 2**63 - 1}


class UnknownInstantError(ValueError):
    """A text that is no date or timestamp of the type; its only argument is the text."""


def instants(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """PostgreSQL's texts (ISO, UTC) of dates or timestamps → ``kind``, which is a date32 or a timestamp in µs.

    Raises:
        UnknownInstantError: names the first text that is none, or lies beyond what the type holds.
    """
    beyond = pc.fill_null(pc.match_substring_regex(texts, _BEYOND), fill_value=False)
    usual = pc.if_else(beyond, None, texts)
    try:
        plain = usual.cast(kind)
    except pa.ArrowInvalid:
        for text in pc.drop_null(usual):
            try:
                pa.array([text.as_py()]).cast(kind)
            except pa.ArrowInvalid:
                raise UnknownInstantError(text.as_py()) from None
        raise
    distinct = pc.unique(texts.filter(beyond))
    integer = pa.int32() if pa.types.is_date(kind) else pa.int64()
    known = pa.array([_number(text, integer.bit_width) for text in distinct.to_pylist()], integer).cast(kind)
    return pc.if_else(beyond, known.take(pc.index_in(texts, distinct)), plain)


def _number(text: str, bits: int) -> int:
    """Days (32 bits) or microseconds (64 bits) since 1970-01-01."""
    greatest = GREATEST[bits]
    if text in ("infinity", "-infinity"):
        return greatest if text == "infinity" else -greatest
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise UnknownInstantError(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    days = _days(1 - year if match[8] else year, month, day)
    if bits == GREATEST_DATE_BITS:
        number = days
    else:
        micros = int((match[7] or "").ljust(6, "0"))
        number = days * MICROSECONDS_A_DAY + ((hour * 60 + minute) * 60 + second) * 10**6 + micros
    if not -greatest < number < greatest:
        raise UnknownInstantError(text)
    return number


GREATEST_DATE_BITS = 32


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a day of the proleptic Gregorian calendar; year 0 is 1 BC."""
    year -= month <= 2  # noqa: PLR2004  a year here begins in March, so that the leap day is its last
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * ((month - 3) % 12) + 2) // 5 + day - 1
    return days - 719_468
