"""Contract of ``gold.cash_forecast``: the formulas of its columns; cash_forecast.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.cash.open_instalments import OPEN_INSTALMENTS
from ebp_lakehouse.gold.cash.vat_due import VAT_DUE
from ebp_lakehouse.gold.columns import Kpi, Money, described
from ebp_lakehouse.gold.contract import GoldTable

FLOWS = [
    "contracts_to_invoice",
    "customer_instalments",
    "customer_overdue",
    "orders_to_invoice",
    "supplier_instalments",
    "supplier_overdue",
    "vat",
]


class CashForecast(pa.DataFrameModel):
    """One row per week ahead and flow; amounts incl. tax, what goes out negative. An estimate, not a commitment."""

    week_start: Series[pl.Date] = described("Monday of the week; the first is the running week.", "Semaine", "date")
    flow: Series[str] = described(
        "customer_instalments: open instalments not yet past due, credit notes negative, on their due date shifted by the "
        "payer's own mean delay (who pays early on the mean: on the due date), doubtful ones left out. customer_overdue: the "
        "same of what is past due, at the earliest tomorrow, and less cash that is not allocated: most of it falls into the "
        "first week, although nobody knows when it will be paid. supplier_instalments: ours, on their due date. "
        "supplier_overdue: ours past due, tomorrow. "
        "orders_to_invoice: ordered and not invoiced, incl. VAT, after the parameters invoicing_delay_days + "
        "payment_delay_days. contracts_to_invoice: planned amount of running contracts at each of their coming invoices, while "
        "they run, after payment_delay_days; incl. VAT at the rate of what was invoiced under the contract, else under all "
        "contracts (where nothing was, without: EBP holds no rate of a contract). vat: what gold.vat_due estimates for a month, paid on parameter vat_payment_day of the next month.",
        "Flux",
        "",
        isin=FLOWS,
    )
    amount: Series[Money] = described("Expected in that week by that flow.", "Montant attendu", "EUR")
    week_amount: Series[Money] = described("All flows of the week.", "Total de la semaine", "EUR")
    cumulated_balance: Series[Money] = described(
        "Parameter opening_bank_balance (EBP does not hold it) + all flows up to the end of that week.",
        "Solde prévisionnel",
        "EUR",
        kpi=Kpi(
            49,
            "Forecast cash",
            "Solde prévisionnel",
            ("open_instalments.balance", "open_instalments.due_date", "fact_sales.remaining_quantity_to_invoice"),
        ),
    )


CASH_FORECAST = GoldTable(
    name="cash_forecast",
    description="Cash expected in and out per week ahead, by flow, and the balance it leads to.",
    key=("week_start", "flow"),
    model=CashForecast,
    silver=("dim_contract", "dim_date", "fact_payments", "fact_sales", "fact_settlements"),
    owners=("team:direction-financiere",),
    kind="state",
    uses=(OPEN_INSTALMENTS, VAT_DUE),
)
