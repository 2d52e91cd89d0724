"""What is true and what is planted about customers: their rhythm, removals, duplicates, hard addresses, dirt.

The customers themselves are made in ``customers``.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import dirt, geography
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.primitives import Bool, Int, at_least_one, exactly
from ebp_lakehouse.demo.company.truth import GroundTruth

MOVED = 15  # customers whose older documents have another address
ADDRESS_COLUMNS = [
    f"Main{role}Address_{field}"
    for role in ("Invoicing", "Delivery")
    for field in ("Address1", "ZipCode", "City", "CountryIsoCode", "CodeINSEE")
]


def removals(
    rng: np.random.Generator, frame: pl.DataFrame, calendar: BusinessCalendar, truth: GroundTruth
) -> tuple[pl.DataFrame, Int]:
    """Some customers moved house: documents keep the address of their day, the master has only the new one."""
    count = frame.height
    former = frame.select(ADDRESS_COLUMNS)
    moves = exactly(rng, np.arange(count) >= 3 + len(geography.PLANTED), at_least_one(MOVED, count / 1338))
    rows = np.flatnonzero(moves)
    place = geography.communes()[geography.draw(rng, len(rows)).tolist()]
    columns = {}
    for column in ADDRESS_COLUMNS:
        values = former[column].to_list()
        new = {"ZipCode": place["postcode"], "City": place["name"].str.slice(0, 35), "CodeINSEE": place["insee_code"]}
        for row, value in zip(rows.tolist(), new.get(column.rpartition("_")[2], pl.Series([])).to_list(), strict=False):
            values[row] = value
        columns[column] = pl.Series(values, dtype=pl.String)
    moved_on = np.where(moves, calendar.as_of - rng.integers(200, 1500, count), 0)
    truth.plant(
        "moved house between two invoices", "Customer", frame["Id"].filter(pl.Series(moves)), "revenue by region"
    )
    return pl.DataFrame(columns), moved_on


def describe(arrays: dict[str, Any], truth: GroundTruth) -> None:
    """Report the true rhythm: first and last day of business, pause, rate of purchases, growth, regularity."""
    day = "datetime64[D]"
    pause = arrays["pause_start"]
    truth.describe(
        "customer",
        pl.DataFrame(
            {
                "customer": arrays["frame"]["Id"],
                "rate": arrays["weight"].round(6),
                "growth_exponent": (1 / arrays["trend"]).round(6),
                "regular": arrays["regular"],
                "prospect": arrays["prospect"],
                "first_day": arrays["first_day"].astype(day).astype(str),
                "last_day": arrays["last_day"].astype(day).astype(str),
                "pause_from": [str(np.datetime64(int(p), "D")) if p >= 0 else None for p in pause],
            }
        ),
    )


def report(
    codes: list[str],
    duplicates: int,
    misspelt: Bool,
    null_island: Bool,
    emails: list[str | None],
    phones: list[str | None],
    truth: GroundTruth,
) -> None:
    """Report hard addresses, duplicates and the dirt of names, postcodes, coordinates, e-mails and telephones."""
    count = len(codes)
    twins = [(codes[count - 1 - n], codes[2 * n + 20 if count > 60 else n]) for n in range(duplicates)]
    truth.plant("the same company typed twice", "Customer", twins, "number of customers (never merged)")
    hard = codes[3 : 3 + len(geography.PLANTED)]
    truth.plant("hard address: Corsica, overseas, Monaco, CEDEX …", "Customer", hard, "revenue by region")
    broken = sum(" at " in (email or "") for email in emails)
    short = sum(len(phone or "0123456789") < 10 for phone in phones)
    for what, column, rate, rows in (
        ("duplicate", "Siren", dirt.DUPLICATE_CUSTOMERS, duplicates),
        ("wrong postcode", "MainInvoicingAddress_ZipCode", dirt.WRONG_POSTCODES, int(misspelt.sum())),
        ("latitude and longitude 0", "MainDeliveryAddress_Latitude", dirt.GPS_ZERO, int(null_island.sum())),
        ("broken e-mail", "MainInvoicingContact_Email", dirt.BROKEN_EMAIL, broken),
        ("telephone number too short", "MainInvoicingContact_Phone", dirt.SHORT_PHONE, short),
    ):
        truth.soil(what, "Customer", column, rate, rows, count)
