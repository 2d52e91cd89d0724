"""Contract of ``gold.receivables_ageing``: the formulas of its columns; receivables_ageing.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.cash.open_instalments import OPEN_INSTALMENTS
from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable

_OPEN = ("open_instalments.balance", "open_instalments.days_overdue")


def _bucket(days: str, label_fr: str) -> Money:
    return described(f"Open balances of instalments {days}.", label_fr, "EUR", ge=0)  # type: ignore[no-any-return]


class ReceivablesAgeing(pa.DataFrameModel):
    """One row per debtor (who pays, not who buys) that owes something or is owed something on D; amounts incl. tax."""

    debtor_key: Series[str] = described("Current version of the debtor; orphan without a master.", "Débiteur (clé)", "")
    debtor_id: Series[str] = described("Durable id of the debtor.", "Débiteur", "")
    not_due: Series[Money] = described(
        "Open balances of instalments due on the partition's day or later, or without due date.",
        "Non échu",
        "EUR",
        ge=0,
    )
    days_1_30: Series[Money] = _bucket("1 to 30 days past due", "Échu 1-30 jours")
    days_31_60: Series[Money] = _bucket("31 to 60 days past due", "Échu 31-60 jours")
    days_61_90: Series[Money] = _bucket("61 to 90 days past due", "Échu 61-90 jours")
    days_over_90: Series[Money] = _bucket("more than 90 days past due", "Échu plus de 90 jours")
    credit_notes: Series[Money] = described(
        "Open balances of credit notes: negative, never netted inside an age.", "Avoirs non imputés", "EUR", le=0
    )
    unallocated_cash: Series[Money] = described(
        "Payments that settle nothing yet: negative.", "Règlements non pointés", "EUR"
    )
    doubtful: Series[Money] = described("Part of the ages that EBP marks as doubtful.", "Dont douteux", "EUR", ge=0)
    overdue: Series[Money] = described("Sum of the four ages past due.", "Encours échu", "EUR", ge=0)
    receivables: Series[Money] = described(
        "not_due + overdue + credit_notes + unallocated_cash.", "Encours client", "EUR"
    )
    oldest_overdue_days: Series[pl.Int32] = optional(
        "Age of the oldest open instalment past due.", "Plus ancien retard", "days", ge=1
    )
    revenue_incl_tax_12_months: Series[Money] = described(
        "Invoices minus credit notes incl. tax of the 12 months up to the day, of whom this debtor pays.",
        "CA TTC 12 mois",
        "EUR",
    )
    dso_days: Series[float] = optional(
        "receivables / revenue incl. tax of 12 months x 365; NULL without positive revenue.", "DSO", "days"
    )
    dso_count_back_days: Series[pl.Int32] = optional(
        "Days counted back from the partition's day until the revenue incl. tax since then absorbs the receivables; NULL "
        "when nothing is owed, or all revenue is less.",
        "DSO par épuisement",
        "days",
        ge=1,
    )
    credit_limit: Series[Money] = optional("Authorised outstanding of the customer.", "Encours autorisé", "EUR")
    credit_limit_use: Series[float] = optional(
        "receivables / credit limit, above 1 = exceeded; NULL without a limit.",
        "Utilisation de l'encours autorisé",
        "ratio",
        kpi=Kpi(46, "Credit-limit use", "Dépassements d'encours autorisé", (*_OPEN, "dim_customer.credit_limit")),
    )


RECEIVABLES_AGEING = GoldTable(
    name="receivables_ageing",
    description="Aged balance: what each debtor owes on the day, by age, with DSO and use of the credit limit.",
    key=("debtor_id",),
    model=ReceivablesAgeing,
    silver=("dim_customer", "dim_date", "fact_payments", "fact_sales", "fact_settlements"),
    owners=("team:direction-financiere",),
    kind="state",
    uses=(OPEN_INSTALMENTS,),
)
