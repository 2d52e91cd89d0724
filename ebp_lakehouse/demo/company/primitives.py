"""Small vectorised building blocks of the demo company: seeded generators, uuids, ranks, decimal and time columns.

No business rule lives here: prices are in ``pricing``, rhythms in ``calendar``.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

MONEY = pl.Decimal(28, 8)  # EBP stores every amount, price and quantity as decimal(28,8)
DAY_US = 86_400_000_000

# The people whose logins appear in sysCreatedUser and sysModifiedUser.
USERS = ("ADM", "LMA", "CBE", "SRO", "JPE", "compta")


def generator(seed: int, topic: str) -> np.random.Generator:
    """One independent stream per topic, so that a change in one module does not reshuffle the others."""
    return np.random.default_rng([seed, *topic.encode()])


def uuids(rng: np.random.Generator, count: int) -> pl.Series:
    """``count`` random (version 4) uuids in canonical text form."""
    raw = rng.integers(0, 256, size=(count, 16), dtype=np.uint8)
    raw[:, 6] = (raw[:, 6] & 0x0F) | 0x40
    raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    text = np.full((count, 36), ord("-"), dtype=np.uint8)
    hexa = np.empty((count, 32), dtype=np.uint8)
    hexa[:, 0::2] = digits[raw >> 4]
    hexa[:, 1::2] = digits[raw & 0x0F]
    start = 0
    for position, length in ((0, 8), (9, 4), (14, 4), (19, 4), (24, 12)):
        text[:, position : position + length] = hexa[:, start : start + length]
        start += length
    offsets = np.arange(0, 36 * (count + 1), 36, dtype=np.int64)
    array = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets.tobytes()), pa.py_buffer(text.tobytes()))
    return pl.Series(array)


def decimals(values: Int, digits: int = 2) -> pl.Series:
    """Exact decimal(28,8) column from integers counted in units of 10**-digits (2 = cents, 3 = thousandths)."""
    low = np.ascontiguousarray(values, dtype=np.int64) * np.int64(10 ** (8 - digits))
    words = np.empty((len(low), 2), dtype=np.int64)
    words[:, 0] = low
    words[:, 1] = low >> 63
    buffers = [None, pa.py_buffer(words.tobytes())]
    return pl.Series(pa.Array.from_buffers(pa.decimal128(28, 8), len(low), buffers))


def stamps(microseconds: Int) -> pl.Series:
    """Wall-clock timestamp column from microseconds since 1970-01-01 (no zone)."""
    return pl.Series(microseconds).cast(pl.Datetime("us"))


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def office_time(rng: np.random.Generator, days: Int) -> Int:
    """Microseconds of a moment within office hours (08:00-18:30) of each day."""
    return (
        days * DAY_US
        + rng.integers(8 * 3600, 18 * 3600 + 1800, len(days)) * 1_000_000
        + rng.integers(0, 1000, len(days)) * 1000
    )


def users(rng: np.random.Generator, count: int) -> pl.Series:
    """A login for each row."""
    return take(USERS, rng.choice(len(USERS), count, p=(0.05, 0.3, 0.25, 0.2, 0.12, 0.08)))


def take(labels: tuple[str | None, ...] | list[str | None] | list[str] | pl.Series, index: Int) -> pl.Series:
    """``labels[index]`` as a text column; a negative index gives NULL."""
    source = labels if isinstance(labels, pl.Series) else pl.Series(list(labels), dtype=pl.String)
    if not len(index):
        return pl.Series([], dtype=pl.String)
    found = source.gather(np.maximum(index, 0))
    return pl.select(pl.when(pl.Series(index >= 0)).then(found)).to_series()


def rank_in_group(group: Int, order: Float | Int | None = None) -> Int:
    """0-based rank of each row within its group, by ``order`` then by position."""
    count = len(group)
    index = np.arange(count)
    by = np.lexsort((index, group)) if order is None else np.lexsort((index, order, group))
    sorted_group = group[by]
    first = np.r_[True, sorted_group[1:] != sorted_group[:-1]] if count else np.zeros(0, dtype=bool)
    starts = np.maximum.accumulate(np.where(first, index, 0))
    rank = np.empty(count, dtype=np.int64)
    rank[by] = index - starts
    return rank


def spread(counts: Int) -> tuple[Int, Int]:
    """Rows of a one-to-many expansion: (owner of each row, position within its owner)."""
    owner = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - np.repeat(starts, counts)


def exactly(rng: np.random.Generator, candidates: Bool, count: int) -> Bool:
    """A mask with ``count`` of the candidates (or all of them when there are fewer), picked at random."""
    where = np.flatnonzero(candidates)
    mask = np.zeros(len(candidates), dtype=bool)
    mask[rng.permutation(where)[: max(0, count)]] = True
    return mask


def at_least_one(share_of_full: float, scale: float) -> int:
    """Planted cases exist at every scale: ``round(n * scale)`` but never 0."""
    return max(1, round(share_of_full * scale))
