"""Which figures of gold are held against which second computation. Not here: the computations, nor how rows are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import polars as pl

from ebp_lakehouse_tests.truth import (
    bridge,
    cash,
    company,
    evening,
    field,
    hours,
    incidents,
    months,
    ordering,
    orders,
    purchases,
    quotes,
    receivables,
    refused,
    sales,
    service,
    stock,
    travel,
)
from ebp_lakehouse_tests.truth.comparison import differences
from ebp_lakehouse_tests.truth.values import Bronze, code

KEPT_DAYS = 400  # fact_inventory: days kept one by one


@dataclass(frozen=True)
class Moment:
    """The day of the partition, and two days of the lake: whose hindsight silver has, and when EBP was captured."""

    as_of: date
    known_on: date
    captured_on: date


def as_it_is(gold: pl.DataFrame, _: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return gold


@dataclass(frozen=True)
class Figure:
    """One comparison.

    Attributes:
        table: gold table that publishes the figures.
        truth: the second computation.
        key: columns that identify a row in both.
        published: makes the gold table comparable: keys as the truth names them.
        absent: what a column holds in rows that only gold has (it has every day, every item); then such rows are no
            difference. Columns that are not named are empty there.
        some_rows: gold has fewer rows by rule; then rows that only the truth has are no difference.
    """

    name: str
    table: str
    truth: Callable[[Bronze, Moment], pl.DataFrame]
    key: tuple[str, ...]
    published: Callable[[pl.DataFrame, duckdb.DuckDBPyConnection], pl.DataFrame] = as_it_is
    absent: Mapping[str, Any] | None = None
    some_rows: bool = False

    def differences(self, truth: pl.DataFrame, gold: pl.DataFrame, connection: duckdb.DuckDBPyConnection) -> list[str]:
        """What differs between the two computations, in words; ``connection`` holds silver's dimensions."""
        gold, key = self.published(gold, connection), list(self.key)
        if self.some_rows:
            truth = truth.join(gold, on=key, how="semi", nulls_equal=True)
        if self.absent is not None:
            only_gold = gold.join(truth, on=key, how="anti", nulls_equal=True).select(key)
            filled = only_gold.with_columns(pl.lit(value).alias(name) for name, value in self.absent.items())
            truth = pl.concat([truth, filled], how="diagonal_relaxed")
        return differences(truth, gold, key)


def _dated(gold: pl.DataFrame, _: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return gold.with_columns(day=pl.col("date_id").cast(pl.String).str.to_date("%Y%m%d"))


def _coded(column: str, name: str) -> Callable[[pl.DataFrame, duckdb.DuckDBPyConnection], pl.DataFrame]:
    """The durable id without case, as the truth has codes; members stay as they are."""
    is_member = pl.col(column).str.starts_with("(")
    return lambda gold, _: gold.with_columns(pl.when(is_member).then(column).otherwise(code(column)).alias(name))


def _by_postcode(gold: pl.DataFrame, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    places = connection.execute("select location_key, coalesce(zipcode, '') as zipcode from silver.dim_location").pl()
    figures = pl.col("total_orders", "total_revenue", "total_margin").sum()
    return gold.join(places, on="location_key").group_by("period", "zipcode").agg(figures)


def _by_pair(gold: pl.DataFrame, _: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return gold.with_columns(item=code("product_id"), storehouse="warehouse_id")


def _stock_of(bronze: Bronze, moment: Moment) -> pl.DataFrame:
    """Of a day older than the daily ones that are kept, which ends no month, nothing is published."""
    if moment.as_of >= moment.captured_on:
        return stock.captured(bronze)
    frame = stock.on_hand(bronze, moment.as_of)
    return frame if _is_kept(moment) else frame.clear()


def _is_kept(moment: Moment) -> bool:
    tomorrow = moment.as_of + timedelta(days=1)
    return moment.captured_on - moment.as_of < timedelta(days=KEPT_DAYS) or tomorrow.day == 1


def _rolling(gold: pl.DataFrame, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The twelve months; the spread to four digits, which sums of squares keep where lead times hardly vary."""
    rolling = gold.filter(pl.col("period_type") == "rolling").with_columns(
        pl.col("lead_time_std_days", "supplier_score").round(4)
    )
    return _coded("supplier_id", "supplier_row")(rolling, connection)


def _with_risk(gold: pl.DataFrame, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return _by_pair(gold, connection).with_columns(is_risk_told=pl.col("stock_out_risk_level").is_not_null())


def _last_five_years(gold: pl.DataFrame, _: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return gold.sort("period").tail(5 * 12 + 1)


def _since_2000(gold: pl.DataFrame, _: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return gold.filter(pl.col("period") >= "2000-01")


def _told_years(gold: pl.DataFrame, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Months that a year of EBP's own table covers."""
    told = "select starts_on, ends_on from staging.stg_accounting_year"
    years = connection.execute(told).pl()
    last_day = pl.col("last_day").cast(pl.Date)
    return gold.join_where(years, last_day >= pl.col("starts_on"), last_day <= pl.col("ends_on")).unique("period")


def _in_families(gold: pl.DataFrame, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    named = pl.col("is_active") & pl.col("family_id").is_not_null()
    return _coded("customer_product_id", "equipment")(gold.filter(named), connection)


def _between_months(gold: pl.DataFrame, _: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return gold.filter(pl.col("comparison") != "fiscal_year_to_date")


NO_APPOINTMENT = dict.fromkeys(
    (
        "total_interventions_count", "interventions_completed_count", "interventions_cancelled_count",
        "interventions_overdue_count", "total_billable_amount", "not_invoiced_count", "not_invoiced_amount",
    ), 0,
)  # fmt: skip
NOTHING_SOLD = {
    "total_quantity_sold": 0.0, "total_revenue": 0.0, "total_margin": 0.0, "abc_classification": "C", "abc_margin": "C",
}  # fmt: skip

FIGURES = (
    Figure("sales per day", "sales_daily_kpi", lambda b, m: sales.daily(b, m.as_of), ("day",), _dated),
    Figure(
        "quotes per day", "sales_daily_kpi", lambda b, m: quotes.daily_quotes(b, m.as_of), ("day",), _dated,
        absent={"quotes_count": 0, "quotes_amount": 0.0},
    ),
    Figure(
        "sales per customer", "sales_by_customer", lambda b, m: sales.by_customer(b, m.as_of), ("customer",),
        _coded("customer_id", "customer"),
    ),
    Figure(
        "sales per product", "sales_by_product", lambda b, m: sales.by_product(b, m.as_of), ("product",),
        _coded("product_id", "product"), absent=NOTHING_SOLD,
    ),
    Figure(
        "sales per postcode", "sales_by_region", lambda b, m: sales.by_postcode(b, m.as_of), ("period", "zipcode"),
        _by_postcode, absent={"total_orders": 0, "total_revenue": 0.0, "total_margin": 0.0},
    ),
    Figure("quotes", "quote_funnel", lambda b, m: quotes.quotes(b, m.as_of), ("document_number",)),
    Figure(
        "receivables", "receivables_ageing", lambda b, m: receivables.ageing(b, m.as_of), ("debtor",),
        _coded("debtor_id", "debtor"),
    ),
    Figure(
        "payment delays", "customer_health_score", lambda b, m: receivables.payment_delays(b, m.as_of), ("debtor",),
        _coded("customer_id", "debtor"), absent={}, some_rows=True,
    ),
    Figure("customers per month", "monthly_kpi", lambda b, m: company.monthly(b, m.as_of), ("period",), _last_five_years),
    Figure(
        "order lines served", "monthly_kpi", lambda b, m: orders.service(b, m.as_of), ("period",), _last_five_years,
        absent={"order_lines_due_count": 0}, some_rows=True,
    ),
    Figure(
        "headers", "reconciliation", lambda b, _: company.header_totals(b), ("side", "document_type", "document_year")
    ),
    Figure("trade per month", "monthly_kpi", lambda b, m: months.trade(b, m.as_of), ("period",)),
    Figure(
        "revenue bridge", "revenue_bridge", lambda b, m: bridge.revenue(b, m.as_of), ("comparison", "family_name"),
        _between_months,
    ),
    Figure("growth", "monthly_kpi", lambda b, m: months.growth(b, m.as_of), ("period",), _told_years, some_rows=True),
    Figure("quotes per month", "monthly_kpi", lambda b, m: months.conversions(b, m.as_of), ("period",), absent={}),
    Figure("rejected payments", "monthly_kpi", lambda b, m: months.rejections(b, m.as_of), ("period",), absent={}),
    Figure(
        "surveys per month", "monthly_kpi", lambda b, m: months.surveys(b, m.as_of), ("period",),
        absent={"surveys_sent_count": 0},
    ),
    Figure(
        "visits per month", "monthly_kpi", lambda b, m: months.visits(b, m.as_of, m.known_on), ("period",), absent={},
        some_rows=True,
    ),
    Figure(
        "contracts per month", "monthly_kpi", lambda b, m: months.running_contracts(b, m.as_of), ("period",), _since_2000,
        some_rows=True,
    ),
    Figure("what is owed", "company_position", lambda b, m: evening.owed(b, m.as_of), ("date_id",)),
    Figure("what is promised", "company_position", lambda b, m: evening.promised(b, m.as_of), ("date_id",)),
    Figure("what is owing", "company_position", lambda b, m: evening.owing(b, m.as_of), ("date_id",)),
    Figure("what is covered", "company_position", lambda b, m: evening.coverage(b, m.as_of), ("date_id",)),
    Figure("what is stored", "company_position", lambda b, m: evening.stored(b, m.as_of, m.captured_on, is_kept=_is_kept(m)), ("date_id",)),
    Figure("what is supplied", "company_position", lambda b, m: evening.supplied(b, m.as_of, m.known_on), ("date_id",)),
    Figure("position", "company_position", lambda b, m: company.position(b, m.as_of, m.known_on), ("date_id",)),
    Figure("cash ahead", "cash_forecast", lambda b, m: cash.forecast(b, m.as_of), ("week_start", "flow")),
    Figure(
        "cash per month", "monthly_kpi", lambda b, m: receivables.collected(b, m.as_of), ("period",),
        absent={"cash_collected": 0.0},
    ),
    Figure("VAT per month", "vat_due", lambda b, m: receivables.vat_due(b, m.as_of), ("period",)),
    Figure(
        "VAT of the months", "monthly_kpi",
        lambda b, m: receivables.vat_due(b, m.as_of).select("period", "vat_due_estimate"), ("period",),
        absent={"vat_due_estimate": 0.0},
    ),
    Figure(
        "purchases per month", "monthly_kpi", lambda b, m: purchases.monthly(b, m.as_of), ("period",),
        absent={"purchases_excl_tax": 0.0},
    ),
    Figure("prices", "monthly_kpi", lambda b, m: purchases.price_index(b, m.as_of), ("period",), absent={}),
    Figure("suppliers", "supplier_performance", lambda b, m: purchases.suppliers(b, m.as_of), ("supplier_row",), _rolling),
    Figure("stock", "inventory_snapshot_daily", _stock_of, ("item", "storehouse"), _by_pair),
    Figure(
        "demand", "inventory_snapshot_daily",
        lambda b, m: stock.demanded(b, m.as_of, has_thresholds=m.as_of >= m.captured_on), ("item", "storehouse"), _with_risk,
        some_rows=True,
    ),
    Figure(
        "supply", "inventory_snapshot_daily",
        lambda b, m: stock.supply(b, m.as_of, is_captured=m.as_of >= m.captured_on), ("item", "storehouse"), _by_pair,
        some_rows=True,
    ),
    Figure(
        "ordering", "inventory_snapshot_daily",
        lambda b, m: ordering.recommended(b, m.as_of, is_captured=m.as_of >= m.captured_on), ("item", "storehouse"), _by_pair,
        some_rows=True,
    ),
    Figure(
        "what is to be ordered", "company_position",
        lambda b, m: ordering.to_order(b, m.as_of, is_captured=m.as_of >= m.captured_on), ("date_id",),
    ),
    Figure(
        "turnover of stock", "sales_by_product", lambda b, m: stock.turnover(b, m.as_of, m.captured_on, KEPT_DAYS),
        ("product",), _coded("product_id", "product"), absent={}, some_rows=True,
    ),
    Figure(
        "evenings without stock", "inventory_snapshot_daily",
        lambda b, m: stock.outs(b, m.as_of, m.captured_on, KEPT_DAYS), ("item", "storehouse"), _by_pair, some_rows=True,
    ),
    Figure(
        "inventories per month", "monthly_kpi", lambda b, m: stock.adjustments(b, m.as_of), ("period",), _last_five_years,
        some_rows=True,
    ),
    Figure(
        "appointments per day", "interventions_daily_kpi", lambda b, m: field.daily(b, m.as_of, m.known_on),
        ("day",), _dated, absent=NO_APPOINTMENT,
    ),
    Figure(
        "hours per day", "interventions_daily_kpi", lambda b, m: hours.utilization(b, m.as_of, m.known_on), ("day",), _dated,
        absent={}, some_rows=True,
    ),
    Figure(
        "waiting per day", "interventions_daily_kpi", lambda b, m: field.waiting(b, m.as_of, m.known_on), ("day",), _dated,
        absent={},
    ),
    Figure(
        "waiting per month", "monthly_kpi", lambda b, m: field.waiting(b, m.as_of, m.known_on, "period"), ("period",),
        absent={}, some_rows=True,
    ),
    Figure("what is not billed", "company_position", lambda b, m: field.unbilled(b, m.as_of, m.known_on), ("date_id",)),
    Figure(
        "hours that were led", "colleague_performance", lambda b, m: field.led(b, m.as_of, m.known_on),
        ("colleague", "period_start"), _coded("colleague_id", "colleague"), absent={},
    ),
    Figure(
        "kilometres of colleagues", "colleague_performance", lambda b, m: travel.monthly(b, m.as_of, m.known_on),
        ("colleague", "period_start"), _coded("colleague_id", "colleague"), absent={},
    ),
    Figure(
        "kilometres per day", "interventions_daily_kpi", lambda b, m: travel.daily(b, m.as_of, m.known_on), ("day",),
        _dated, absent={},
    ),
    Figure(
        "failures of families", "equipment_park", lambda b, m: field.family_mtbf(b, m.as_of), ("equipment",),
        _in_families,
    ),
    Figure(
        "repairs in time", "interventions_daily_kpi", lambda b, m: service.promptness(b, m.as_of, m.known_on), ("day",),
        _dated, absent={},
    ),
    Figure(
        "repairs in time per month", "monthly_kpi", lambda b, m: service.promptness_of_months(b, m.as_of, m.known_on),
        ("period",), absent={}, some_rows=True,
    ),
    Figure(
        "answers per month", "monthly_kpi", lambda b, m: service.liked(b, m.as_of, m.known_on, "period"), ("period",),
        absent={}, some_rows=True,
    ),
    Figure(
        "incidents in time", "incidents_funnel", lambda b, m: service.kept(b, m.as_of, m.known_on), ("day",), _dated,
        absent={"sla_met_count": 0, "sla_missed_count": 0},
    ),
    Figure(
        "answers per day", "interventions_daily_kpi", lambda b, m: service.liked(b, m.as_of, m.known_on), ("day",),
        _dated, absent={},
    ),
    Figure(
        "answers about colleagues", "colleague_performance",
        lambda b, m: service.liked_colleagues(b, m.as_of, m.known_on), ("colleague", "period_start"),
        _coded("colleague_id", "colleague"), absent={},
    ),
    Figure(
        "refused values", "data_quality", lambda b, m: refused.shares(b, m.known_on),
        ("source_table", "source_column", "rule"),
    ),
    Figure(
        "incidents per day", "incidents_funnel", lambda b, m: incidents.daily(b, m.as_of), ("day",), _dated,
    ),
)  # fmt: skip
