"""Rates of each month: sales, quotes, payments, visits, contracts (semantics §9). Not here: customers kept and lost (company.py)."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth import contracts, field, quotes, sales
from ebp_lakehouse_tests.truth.saledocuments import REVENUE, documents, rows
from ebp_lakehouse_tests.truth.values import Bronze, amount, code, day, ratio, total

MATURE_DAYS = 60  # a quote younger than this may still be converted
MONTH = "%Y-%m"


def trade(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Months with a document: mark-up, credit notes, orders to revenue, discounts and the share of contracts."""
    by_day = sales.daily(bronze, as_of)
    by_month = by_day.group_by(period=pl.col("day").dt.strftime(MONTH)).agg(
        pl.col("total_revenue_excl_tax", "total_cost", "gross_invoiced", "credit_notes_amount", "order_intake_excl_tax")
        .sum()
        .round(2)
    )
    sold, cost = pl.col("total_revenue_excl_tax"), pl.col("total_cost")
    return by_month.join(_shares(bronze, as_of), on="period", how="left").select(
        "period",
        markup_percent=ratio((sold - cost).round(2), cost, 100),
        credit_note_rate_percent=ratio(-pl.col("credit_notes_amount"), pl.col("gross_invoiced"), 100),
        book_to_bill=ratio(pl.col("order_intake_excl_tax"), sold),
        revenue_without_cost_percent=ratio(pl.col("without_cost").fill_null(0), sold, 100),
        discount_rate_percent=ratio(pl.col("gross") - pl.col("invoiced_net"), pl.col("gross"), 100),
        recurring_share_percent=ratio(pl.col("recurring").fill_null(0), sold, 100),
    )


def _shares(bronze: Bronze, as_of: date) -> pl.DataFrame:
    of_line = bronze["SaleDocumentLine"].select(line="Id", of_line=code("MaintenanceContractId"))
    of_document = bronze["SaleDocument"].select(id="Id", of_document=code("MaintenanceContractId"))
    lines = (
        rows(bronze)
        .with_columns(stocked=sales.is_stocked(bronze))
        .filter(pl.col("kind").is_in(REVENUE) & (pl.col("day") <= as_of))
        .join(of_line, on="line", how="left")
        .join(of_document, on="id", how="left")
    )
    invoiced = (pl.col("kind") == "Invoice") & (pl.col("origin") == "line")
    return lines.group_by(period=pl.col("day").dt.strftime(MONTH)).agg(
        without_cost=total(pl.col("net").filter(pl.col("stocked") & (pl.col("unit_cost") == 0))),
        recurring=total(pl.col("net").filter(pl.coalesce("of_line", "of_document").is_not_null())),
        gross=total((pl.col("quantity").cast(pl.Float64) * pl.col("price").cast(pl.Float64)).filter(invoiced)),
        invoiced_net=total(pl.col("net").filter(invoiced)).cast(pl.Float64),
    )


def conversions(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Months with a quote: of those older than 60 days the share converted, and the days that it took (of all)."""
    old = (pl.lit(as_of) - pl.col("quote_date")).dt.total_days() > MATURE_DAYS
    won = pl.col("converted_date").is_not_null()
    return quotes.quotes(bronze, as_of).group_by(period=pl.col("quote_date").dt.strftime(MONTH)).agg(
        quote_conversion_percent=pl.when(old.any()).then(100 * (old & won).sum() / old.sum()),
        quote_conversion_value_percent=ratio(
            pl.col("converted_amount").filter(old).sum(), pl.col("amount_excl_tax").filter(old).sum(), 100
        ),
        median_days_to_conversion=pl.col("days_to_conversion").median(),
    )  # fmt: skip


def surveys(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Months in which surveys were sent: how many, and the share that is back by ``as_of``.

    Assumed: what a customer is sent on one day is one survey, of however many documents.
    """
    dates = bronze["SaleDocument"].select(id="Id", sent=day("xx_Satisf_Dte_Envoi"), back=day("xx_Satisf_Dte_Retour"))
    asked = dates.join(documents(bronze), on="id").filter((pl.col("sent") <= as_of) & (pl.col("day") <= as_of))
    asked = asked.group_by("sent", pl.coalesce("customer", "id")).agg(pl.col("back").min())
    return asked.group_by(period=pl.col("sent").dt.strftime(MONTH)).agg(
        surveys_sent_count=pl.len(),
        survey_return_percent=100 * (pl.col("back") <= as_of).fill_null(value=False).mean(),
    )


def growth(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Months of the years that EBP's own table tells: revenue of the fiscal year to date, and of the same dates a year before."""
    sold = documents(bronze).filter(pl.col("kind").is_in(REVENUE) & (pl.col("day") <= as_of))
    first_day = documents(bronze).select(pl.col("day").min()).item()
    years = bronze["AccountingYear"].select(start=day("StartingDate"), end=day("EndingDate")).sort("start").rows()

    def between(start: date, end: date) -> float:
        return round(float(sold.filter(pl.col("day").is_between(start, end)).select(total(pl.col("net"))).item()), 2)

    figures = []
    for first in pl.date_range(date(2000, 1, 1), as_of, "1mo", eager=True):
        last = min(as_of, pl.Series([first]).dt.month_end().item())
        begun = [start for start, end in years if start <= last <= end]
        if not begun:
            continue
        start_before, last_before = pl.Series([begun[-1], last]).dt.offset_by("-1y")
        now = between(begun[-1], last)
        before = between(start_before, last_before) if last_before >= first_day else None
        figures.append(
            {
                "period": f"{first:{MONTH}}",
                "revenue_fiscal_ytd": now,
                "revenue_fiscal_ytd_before": before,
                "growth_percent": (now / before - 1) * 100 if before and before > 0 else None,
            }
        )
    columns = ["revenue_fiscal_ytd", "revenue_fiscal_ytd_before", "growth_percent"]
    return pl.DataFrame(figures, schema={"period": pl.String} | dict.fromkeys(columns, pl.Float64))


def rejections(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Months with a payment: the share, by amount, of those that came back."""
    made = bronze["SaleSettlement"].filter(day("SettlementDate") <= as_of)
    sums = made.group_by(period=day("SettlementDate").dt.strftime(MONTH)).agg(
        back=total(amount("Amount").filter(pl.col("IsUnpaid"))), made=total(amount("Amount"))
    )
    return sums.select("period", rejected_payment_rate_percent=ratio(pl.col("back"), pl.col("made"), 100))


def visits(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """Months with an appointment: done of those that should be, and cancelled of all."""
    by_month = field.daily(bronze, as_of, known_on).group_by(period=pl.col("day").dt.strftime(MONTH)).agg(
        pl.col("^.*_count$").sum()
    )  # fmt: skip
    done, cancelled = pl.col("interventions_completed_count"), pl.col("interventions_cancelled_count")
    return by_month.select(
        "period",
        schedule_completion_percent=ratio(done, done + cancelled + pl.col("interventions_overdue_count"), 100),
        cancellation_rate_percent=ratio(cancelled, pl.col("total_interventions_count"), 100),
    )


def running_contracts(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Months since 2000: contracts that run on the month's last day, and of the terms that ended in it those renewed.

    EBP moves the end of a contract that is renewed and keeps the day of its last renewal, which is the end of a term, too.
    """
    known = contracts.contracts(bronze)
    terms = bronze["MaintenanceContract"].filter(pl.col("StartDate").is_not_null()).select(
        renewed_on=day("LastRenewalDate"), end=day("EndDate"), tacit=pl.col("TacitRenewal").fill_null(value=False),
        cancelled=day("CancellationDate"),
    ).rows()  # fmt: skip
    figures = []
    for first in pl.date_range(date(2000, 1, 1), as_of, "1mo", eager=True):
        last = min(as_of, pl.Series([first]).dt.month_end().item())
        ended = [
            (renewed, cancelled)
            for on, renewed, cancelled in (
                *((renewed_on, True, None) for renewed_on, *_ in terms),
                *((end, tacit, cancelled) for renewed_on, end, tacit, cancelled in terms if end != renewed_on),
            )
            if on is not None and first <= on <= last
        ]
        kept = sum(renewed and (cancelled is None or cancelled > last) for renewed, cancelled in ended)
        figures.append(
            {
                "period": f"{first:{MONTH}}",
                "active_contracts_count": sum(contract.runs(last) for contract in known),
                "renewal_rate_percent": 100 * kept / len(ended) if ended else None,
            }
        )
    return pl.DataFrame(figures, schema_overrides={"renewal_rate_percent": pl.Float64})
