"""Figures of the company as a whole: months with their customers, and the position of an evening (semantics §9)."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth import purchases
from ebp_lakehouse_tests.truth.contracts import overdue_visits
from ebp_lakehouse_tests.truth.invoiced import with_first_invoice
from ebp_lakehouse_tests.truth.receivables import deposits
from ebp_lakehouse_tests.truth.saledocuments import REVENUE, documents
from ebp_lakehouse_tests.truth.values import Bronze, amount, cents, code, day, total

YEAR = 12
LARGEST = 10
CALENDAR = (1900, 2100)  # years: that of 9999, a typing error, is in no calendar


def _revenue(bronze: Bronze, as_of: date) -> pl.DataFrame:
    frame = documents(bronze).filter(pl.col("kind").is_in(REVENUE) & (pl.col("day") <= as_of))
    return frame.with_columns(invoiced=pl.col("kind") == "Invoice")


def monthly(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Months of the last five years: customers kept and lost, and revenue, of the twelve months to each month's last day."""
    sold = _revenue(bronze, as_of)
    today = as_of.year * YEAR + as_of.month
    figures = []
    for month in range(today - 5 * YEAR, today + 1):
        first = date((month - 1) // YEAR, (month - 1) % YEAR + 1, 1)
        end = min(as_of, pl.Series([first]).dt.month_end().item())
        year_before, two_years_before = (pl.Series([end]).dt.offset_by(f"-{n}mo").item() for n in (YEAR, 2 * YEAR))
        named = sold.filter(pl.col("customer").is_not_null())
        recent = named.filter((pl.col("day") > year_before) & (pl.col("day") <= end))
        before = named.filter((pl.col("day") > two_years_before) & (pl.col("day") <= year_before))
        now, then = (set(part.filter("invoiced")["customer"]) for part in (recent, before))
        of_them = before.filter(pl.col("customer").is_in(list(then)))
        lost = of_them.filter(~pl.col("customer").is_in(list(now)))
        whole = float(of_them["net"].sum())
        rolling = sold.filter((pl.col("day") > year_before) & (pl.col("day") <= end))["net"].sum()
        figures.append(
            {
                "period": f"{first:%Y-%m}",
                "active_customers_count": len(now),
                "retention_rate_percent": 100 * len(now & then) / len(then) if then else None,
                "churn_rate_percent": 100 * len(then - now) / len(then) if then else None,
                "lost_revenue_percent": 100 * float(lost["net"].sum()) / whole if whole > 0 else None,
                "revenue_12_months": round(float(rolling), 2),
            }
        )
    return pl.DataFrame(figures)


def delivered_not_invoiced(bronze: Bronze, as_of: date) -> float:
    """What deliveries brought that no invoice had reached, less what came back and no credit note (or invoice) had reached."""
    net = 0.0
    for kind, ends in (("Delivery", ["Invoice"]), ("Return", ["Invoice", "CreditNote"])):
        moved = with_first_invoice(bronze, kind, ends).filter(pl.col("day") <= as_of)
        net += float(moved.filter(pl.col("invoiced").is_null() | (pl.col("invoiced") > as_of))["net"].sum())
    return round(net, 2)


def position(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """One row: revenue and customers of twelve months, the ten largest, money of the day, deposits, what waits to be done."""
    start = pl.Series([as_of]).dt.offset_by("-12mo").item()
    sold = _revenue(bronze, as_of).filter(pl.col("day") > start)
    by_customer = sold.group_by("customer").agg(net=total(pl.col("net")), invoices=pl.col("invoiced").sum())
    masters = bronze["Customer"].select(code("Id"))["Id"].implode()
    largest = by_customer.filter(pl.col("customer").is_in(masters)).sort(pl.col("net"), descending=True).head(LARGEST)
    money = bronze["SaleSettlement"].filter((day("SettlementDate") <= as_of) & ~pl.col("IsUnpaid"))
    revenue = float(by_customer["net"].sum())
    return money.select(
        date_id=pl.lit(int(f"{as_of:%Y%m%d}")),
        revenue_12_months=pl.lit(round(revenue, 2)),
        active_customers_count=pl.lit(
            by_customer.filter((pl.col("invoices") > 0) & pl.col("customer").is_not_null()).height
        ),
        customer_concentration_percent=pl.lit(100 * float(largest["net"].sum()) / revenue if revenue > 0 else None),
        cash_collected=cents(total(amount("Amount").filter(day("SettlementDate") == as_of))),
        delivered_not_invoiced=pl.lit(delivered_not_invoiced(bronze, as_of)),
        visits_overdue_count=pl.lit(overdue_visits(bronze, as_of, known_on)),
        deposits_not_applied=pl.lit(deposits(bronze, as_of)),
    )


def header_totals(bronze: Bronze) -> pl.DataFrame:
    """What EBP's headers add up to per trade, kind and year; the warehouse has to hold the same."""
    both = [
        trade.select(pl.lit(side).alias("side"), "kind", "day", "net", "tax")
        for side, trade in (("customer", documents(bronze)), ("supplier", purchases.documents(bronze)))
    ]
    year = (
        pl.when(pl.col("day").dt.year().is_between(*CALENDAR)).then(pl.col("day").dt.year()).otherwise(0).cast(pl.Int32)
    )
    sums = pl.concat(both).group_by("side", document_type="kind", document_year=year).agg(
        documents_count=pl.len(), source_excl_tax=total(pl.col("net")), source_vat=total(pl.col("tax"))
    )  # fmt: skip
    sums = sums.with_columns(cents(pl.col(name)) for name in ("source_excl_tax", "source_vat"))
    return sums.with_columns(
        warehouse_excl_tax="source_excl_tax",
        warehouse_vat="source_vat",
        reconciliation_gap=pl.lit(0.0),
        vat_gap=pl.lit(0.0),
    )
