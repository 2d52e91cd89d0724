"""The dirt of the demo company: at which rates, and in which shapes, things are typed wrongly. The rates are only here.

Lives here: rates, the six ways to write a telephone number, broken e-mails, codes typed with a space or in other case.
Does not live here: planted business cases (their modules), what is really true (truth.py, to which dirt is reported).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.primitives import Bool, Int
from ebp_lakehouse.demo.company.truth import GroundTruth


@dataclass(frozen=True)
class CodeDirt:
    """Shares of the codes typed on documents: with a trailing space, in lower case, of a thing deleted since."""

    trailing_space: float
    other_case: float
    orphan: float


CUSTOMER_CODES = CodeDirt(trailing_space=0.004, other_case=0.004, orphan=0.0004)
SUPPLIER_CODES = CodeDirt(trailing_space=0.004, other_case=0.004, orphan=0.0004)
ITEM_CODES = CodeDirt(trailing_space=0.002, other_case=0.002, orphan=0.001)
DUPLICATE_CUSTOMERS = 4 / 1338  # the same company typed twice
WRONG_POSTCODES = 0.012  # a digit lost or two exchanged
GPS_ZERO = 0.02  # latitude and longitude 0, a point in the Atlantic
EMPTY_FOR_NULL, SPACE_FOR_NULL = 0.25, 0.02  # second address line
LEADING_SPACE_NAMES = 1 / 97
ABSURD_DATES = 0.0015  # delivery dates of 1900 and 9999 on documents
FAR_DUE_DATES = 0.0005  # a due date ten years ahead: the year typed wrong
NO_PHONE, SHORT_PHONE = 0.11, 0.11  # the others come in seven shapes of six formats
NO_EMAIL = BROKEN_EMAIL = TWO_EMAILS = SPACED_EMAIL = 0.07

ABSURD_DAYS: Int = np.array(["1900-01-01", "9999-12-31"], dtype="datetime64[D]").astype(np.int64)


def phones(rng: np.random.Generator, count: int) -> list[str | None]:
    """The same ten digits as people really type them; a few missing or too short."""
    numbers = [
        f"{prefix}{body:08d}"
        for prefix, body in zip(
            rng.choice(["02", "01", "06", "09"], count), rng.integers(10**7, 10**8, count), strict=True
        )
    ]
    shapes = rng.integers(0, 7, count)
    draw = rng.random(count)
    shapes = np.where(draw < NO_PHONE, 7, np.where(draw < NO_PHONE + SHORT_PHONE, 8, shapes))
    out: list[str | None] = []
    for number, shape in zip(numbers, shapes.tolist(), strict=True):
        pairs = [number[i : i + 2] for i in range(0, 10, 2)]
        forms = (
            " ".join(pairs), ".".join(pairs), number, f"+33{number[1:]}", f"+33 {number[1]} " + " ".join(pairs[1:]),
            "-".join(pairs), f"0033{number[1:]}", None, number[:6],
        )  # fmt: skip
        out.append(forms[shape])
    return out


def emails(rng: np.random.Generator, local: list[str], domain: str) -> list[str | None]:
    """Addresses ``local``@``domain``: some missing, doubled with another one, without an at sign, or with spaces."""
    plain = str.maketrans("éèêëïîôöçàÉ' ", "eeeeiioocaE--")
    draw = np.searchsorted(np.cumsum([NO_EMAIL, TWO_EMAILS, BROKEN_EMAIL, SPACED_EMAIL]), rng.random(len(local)))
    out: list[str | None] = []
    for n, shape in enumerate(draw.tolist()):
        address = f"{local[n]}@{domain}".translate(plain)
        known: dict[int, str | None] = {
            0: None,
            1: f"{address}; compta{n}@{domain}",
            2: address.replace("@", " at "),
            3: f" {address} ",
        }
        out.append(known.get(shape, address.lower() if n % 3 else address))
    return out


def codes_as_typed(
    rng: np.random.Generator,
    codes: pl.Series,
    rates: CodeDirt,
    orphan_prefix: str,
    orphan: Bool,
    truth: GroundTruth,
    where: tuple[str, str],
) -> pl.Series:
    """Codes as people type them on documents; those of ``orphan`` belong to something deleted since.

    ``where`` is (table, column), for the ground truth. NULL codes stay NULL.
    """
    dirt = rng.random(len(codes))
    present = codes.is_not_null().to_numpy()
    spaced = present & ~orphan & (dirt < rates.trailing_space)
    lowered = present & ~orphan & ~spaced & (dirt < rates.trailing_space + rates.other_case)
    typed = pl.select(
        pl.when(pl.Series(orphan & present))
        .then(pl.lit(orphan_prefix) + codes.str.tail(4))
        .when(pl.Series(spaced))
        .then(codes + " ")
        .when(pl.Series(lowered))
        .then(codes.str.to_lowercase())
        .otherwise(codes)
    ).to_series()
    among = int(present.sum())
    for what, rate, mask in (
        ("trailing space", rates.trailing_space, spaced),
        ("other case", rates.other_case, lowered),
        ("code of nothing that exists", rates.orphan, orphan & present),
    ):
        truth.soil(what, *where, rate, int(mask.sum()), among)
    return typed.rename(where[1])


def wrong_postcodes(rng: np.random.Generator, codes: list[str | None], spare: int) -> tuple[list[str | None], Bool]:
    """Some postcodes with a digit lost or two exchanged, none among the first ``spare``: (codes, which)."""
    wrong = (rng.random(len(codes)) < WRONG_POSTCODES) & (np.arange(len(codes)) >= spare)
    out = list(codes)
    for n in np.flatnonzero(wrong).tolist():
        code = codes[n] or "49000"
        out[n] = code[:-1] if n % 2 else code[:1] + code[2] + code[1] + code[3:]
    return out, wrong
