"""Contract of ``gold.reconciliation``: the formulas of its columns; reconciliation.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described
from ebp_lakehouse.gold.contract import GoldTable


class Reconciliation(pa.DataFrameModel):
    """One row per trade, kind of document and year; credit notes and returns are negative on both sides."""

    side: Series[str] = described("customer: sales. supplier: purchases.", "Côté", "", isin=["customer", "supplier"])
    document_type: Series[str] = described("Kind of document, as in the facts.", "Type de document", "")
    document_year: Series[pl.Int32] = described(
        "Year of the document's date; 0 without a date, or with one that no calendar holds.", "Année", "YYYY", ge=0
    )
    documents_count: Series[pl.Int64] = described("Documents in EBP.", "Pièces", "n", ge=0)
    source_excl_tax: Series[Money] = described(
        "Amount excl. tax that EBP wrote into the documents' headers.", "Montant HT dans EBP", "EUR"
    )
    warehouse_excl_tax: Series[Money] = described(
        "Net amount excl. tax of the documents' rows in the warehouse.", "Montant HT dans l'entrepôt", "EUR"
    )
    reconciliation_gap: Series[Money] = described(
        "Warehouse - EBP; must be 0. Anything else is documents whose lines have an amount that their header lacks.",
        "Écart entrepôt - EBP",
        "EUR",
        kpi=Kpi(
            91,
            "Reconciliation gap",
            "Écart entrepôt - EBP",
            (
                "source_totals.amount_excl_tax",
                "fact_sales.net_amount_excl_tax",
                "fact_purchases.net_amount_excl_tax",
            ),
        ),
    )
    source_vat: Series[Money] = described("VAT of the headers.", "TVA dans EBP", "EUR")
    warehouse_vat: Series[Money] = described("VAT of the rows.", "TVA dans l'entrepôt", "EUR")
    vat_gap: Series[Money] = described("Warehouse - EBP; must be 0.", "Écart de TVA", "EUR")


RECONCILIATION = GoldTable(
    name="reconciliation",
    description="Does the warehouse hold what EBP holds? Sums of documents in both, by kind and year.",
    key=("side", "document_type", "document_year"),
    model=Reconciliation,
    silver=("fact_purchases", "fact_sales", "source_totals"),
    owners=("team:data",),
    kind="state",
)
