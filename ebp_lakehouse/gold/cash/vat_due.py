"""Contract of ``gold.vat_due``: the formulas of its columns; vat_due.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described
from ebp_lakehouse.gold.contract import GoldTable


class VatDue(pa.DataFrameModel):
    """One row per month that makes VAT due or deductible, up to D. An estimate: the declaration is the accountant's."""

    period: Series[str] = described("Month.", "Mois", "YYYY-MM", str_matches=r"^\d{4}-\d{2}$")
    vat_on_debit: Series[Money] = described(
        "VAT of the invoices and credit notes dated in the month, less the part that is due on payment.",
        "TVA sur les débits",
        "EUR",
    )
    vat_on_collection: Series[Money] = described(
        "VAT that is due on payment (services): of each invoice and credit note, whatever its date, by the share of its "
        "instalments settled in the month, by payment or set-off; rejected payments are none. An invoice that deposits cover "
        "whole counts on its own date; what is written off never counts.",
        "TVA sur les encaissements",
        "EUR",
    )
    vat_deductible: Series[Money] = described(
        "VAT of the supplier invoices less credit notes dated in the month, as if all were deductible on the invoice.",
        "TVA déductible",
        "EUR",
    )
    vat_due_estimate: Series[Money] = described(
        "vat_on_debit + vat_on_collection - vat_deductible; negative: to be paid back.",
        "TVA exigible estimée",
        "EUR",
        kpi=Kpi(
            50,
            "Estimated VAT due",
            "TVA exigible estimée",
            (
                "fact_sales.tax_amount",
                "fact_sales.tax_on_collection_amount",
                "fact_payments.assigned_amount",
                "fact_payments.settlement_date",
                "fact_purchases.tax_amount",
            ),
        ),
    )


VAT_DUE = GoldTable(
    name="vat_due",
    description="VAT that each month makes due: on debit, on collection, and what is deductible.",
    key=("period",),
    model=VatDue,
    silver=("dim_date", "fact_payments", "fact_purchases", "fact_sales"),
    owners=("team:direction-financiere",),
)
