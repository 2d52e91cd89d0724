"""gold.quote_funnel: revisions, conversion, expiry and the weighted pipeline; figures worked out in comments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from ebp_lakehouse.gold.sales.quote_funnel import QUOTE_FUNNEL
from ebp_lakehouse_tests.unit.gold.sales_facts import Sale, by, company, compute, judge

D = date(2026, 3, 31)
JANUARY, FEBRUARY, MARCH = date(2026, 1, 10), date(2026, 2, 10), date(2026, 3, 10)

# document, its day, amount, chain of revisions, last revision, valid until, converted on, into, part
QUOTES: list[tuple[Any, ...]] = [
    ("D1", JANUARY, "300", "D1", True, None, date(2026, 2, 9), "Order", 0.36),
    ("D2", JANUARY, "100", "D2", True, date(2026, 3, 30), None, None, None),  # expired yesterday
    ("D3", MARCH, "200", "D3", True, date(2026, 3, 31), None, None, None),  # still valid today
    ("D4", MARCH, "40", "D4", True, None, date(2026, 4, 2), "Invoice", 1.0),  # converted after the day
    ("R1", FEBRUARY, "900", "R", False, date(2026, 3, 1), None, None, None),
    ("R2", MARCH, "500", "R", True, None, date(2026, 3, 20), "Delivery", 1.0),
    ("N1", date(2026, 4, 1), "7", "N1", True, None, None, None, None),  # dated after the day
]


def quoted(quotes: Sequence[tuple[Any, ...]]) -> duckdb.DuckDBPyConnection:
    connection = company([Sale(q[0], q[1], "A", "P", q[2], document_type="Quote") for q in quotes])
    columns = ["document_id", "day", "net", "quote_id", "is_last_revision", "valid_until_date", "converted_date"]
    frame = pl.DataFrame(
        quotes, schema=[*columns, "converted_kind", "converted_share"], orient="row", infer_schema_length=None
    )
    connection.register("quotes_given", frame)
    connection.execute(
        """CREATE TABLE silver.fact_quotes AS SELECT document_id, quote_id, 'N°' || document_id AS document_number,
        strftime(day, '%Y%m%d')::INTEGER AS date_key, is_last_revision, document_id = 'R1' AS is_mailed, valid_until_date,
        converted_date, converted_kind, converted_share FROM quotes_given;
        ALTER TABLE silver.fact_sales ADD COLUMN quote_id VARCHAR;
        ALTER TABLE silver.fact_sales ADD COLUMN line_number INTEGER DEFAULT 1;
        UPDATE silver.fact_sales s SET quote_id = q.quote_id FROM silver.fact_quotes q WHERE s.document_id = q.document_id"""
    )
    return connection


def funnel(as_of: date = D) -> dict[str, dict[str, Any]]:
    frame, found = compute(quoted(QUOTES), QUOTE_FUNNEL, as_of)
    assert not found
    return by(frame, "quote_id")


def test_open_expired_and_converted() -> None:
    rows = funnel()
    assert {name: row["status"] for name, row in rows.items()} == {
        "D1": "converted", "D2": "expired", "D3": "open", "D4": "open", "R": "converted",
    }  # fmt: skip
    assert (rows["D2"]["is_expired"], rows["D3"]["is_expired"]) == (True, False)
    assert (rows["D1"]["converted_amount"], rows["D1"]["days_to_conversion"]) == (Decimal(108), 30)  # 300 x 0.36
    assert (rows["D4"]["converted_date"], rows["D4"]["converted_kind"]) == (None, None)
    assert rows["D4"]["days_to_conversion"] is None
    assert rows["D4"]["converted_amount"] == Decimal(0)


def test_revisions_are_one_quote_with_the_last_ones_figures() -> None:
    row = funnel()["R"]
    assert (row["document_number"], row["quote_date"], row["amount_excl_tax"]) == ("N°R2", MARCH, Decimal(500))
    assert (row["revisions_count"], row["is_mailed"], row["days_to_conversion"]) == (2, True, 10)


def test_of_two_converted_revisions_the_one_that_went_furthest_tells_how_far() -> None:
    quotes = [
        ("R1", FEBRUARY, "400", "R", False, None, date(2026, 3, 20), "Order", 0.25),
        ("R2", MARCH, "400", "R", True, date(2026, 4, 30), date(2026, 3, 25), "Order", 0.75),
    ]
    row = by(compute(quoted(quotes), QUOTE_FUNNEL, D)[0], "quote_id")["R"]
    assert (row["converted_amount"], row["converted_date"]) == (Decimal(300), date(2026, 3, 20))  # 400 x 0.75


def test_the_delay_is_that_of_the_revision_that_was_converted() -> None:
    """R: converted on 20 February, ten days after R1, though R2 is of March; S: both led to it, S2 was the last to do so.

    T: the quote was typed two days after its order.
    """
    quotes = [
        ("R1", FEBRUARY, "400", "R", False, None, date(2026, 2, 20), "Order", 1.0),
        ("R2", MARCH, "400", "R", True, None, date(2026, 3, 25), "Order", 1.0),
        ("S1", JANUARY, "70", "S", False, None, date(2026, 3, 1), "Order", 1.0),
        ("S2", FEBRUARY, "80", "S", True, None, date(2026, 3, 1), "Order", 1.0),
        ("T1", MARCH, "10", "T", True, date(2026, 4, 9), date(2026, 3, 8), "Order", 1.0),
    ]
    frame, found = compute(quoted(quotes), QUOTE_FUNNEL, D)
    assert not found
    assert dict(frame.select("quote_id", "days_to_conversion").iter_rows()) == {"R": 10, "S": 19, "T": 0}


def test_before_the_last_revision_the_one_before_stood_for_the_quote() -> None:
    row = funnel(date(2026, 3, 5))["R"]
    assert (row["document_number"], row["amount_excl_tax"], row["status"]) == ("N°R1", Decimal(900), "expired")


def test_the_pipeline_is_weighted_by_what_mature_quotes_became() -> None:
    """D1 and D2 are older than 60 days: 108 of 400 converted, 27 %. Open are D3 and D4: 54 of 200 and 10.80 of 40."""
    rows = funnel()
    assert {name for name, row in rows.items() if row["is_mature"]} == {"D1", "D2"}
    assert {name: (row["open_amount"], row["weighted_amount"]) for name, row in rows.items()} == {
        "D1": (0, 0), "D2": (0, 0), "R": (0, 0), "D3": (200, 54), "D4": (40, Decimal("10.80")),
    }  # fmt: skip


def test_without_mature_quotes_there_are_no_odds() -> None:
    frame, _ = compute(quoted([q for q in QUOTES if q[1] == MARCH]), QUOTE_FUNNEL, D)
    assert frame["weighted_amount"].to_list() == [None, None, None]


def test_a_lost_quote_and_an_excessive_one_are_told() -> None:
    connection = quoted(QUOTES)
    compute(connection, QUOTE_FUNNEL, D)
    connection.execute("DELETE FROM computed.quote_funnel WHERE quote_id = 'D2'")
    connection.execute("UPDATE computed.quote_funnel SET converted_amount = 301 WHERE quote_id = 'D1'")
    assert judge(connection, QUOTE_FUNNEL, D) == [
        "quotes are 4 here, 5 in the facts up to 2026-03-31",
        "1 quotes are converted or open for more than their amount",
    ]
