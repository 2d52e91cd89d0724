"""Contract of ``gold.quote_funnel``: the formulas of its columns; quote_funnel.sql computes them.

Not here: quotes and their conversion by day (sales_daily_kpi.py).
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class QuoteFunnel(pa.DataFrameModel):
    """One row per quote; all revisions of one are one row, with the number, date and amount of the last."""

    quote_id: Series[str] = described("Chain of revisions, see fact_quotes.", "Identifiant devis", "", unique=True)
    document_number: Series[str] = optional("Number of the last revision.", "Numéro de devis", "")
    quote_date: Series[pl.Date] = described("Date of the last revision.", "Date du devis", "date")
    customer_key: Series[str] = described("Key of the customer's current version.", "Clé client", "")
    customer_id: Series[str] = described(
        "Durable code; (orphan) for codes that the master lacks, (unknown) for quotes without one.", "Code client", ""
    )
    colleague_key: Series[str] = described("Salesperson of the quote's first row.", "Clé commercial", "")
    revisions_count: Series[pl.Int64] = described("Documents of the chain.", "Révisions", "n", ge=1)
    is_mailed: Series[bool] = described(
        "A revision was sent by e-mail from EBP; other ways of sending leave no trace.", "Envoyé par e-mail", "boolean"
    )
    amount_excl_tax: Series[Money] = described("Net amount excl. tax of the last revision.", "Montant", "EUR")
    status: Series[str] = described(
        "converted; else expired: valid until a day before the partition's; else open.",
        "Statut",
        "",
        isin=["converted", "expired", "open"],
    )
    converted_date: Series[pl.Date] = optional(
        "First order, delivery or invoice reached through the chain, or acceptance or signature if earlier; NULL if none by "
        "the partition's day.",
        "Transformé le",
        "date",
        kpi=Kpi(
            20,
            "Quote conversion rate (number)",
            "Taux de transformation des devis",
            ("fact_quotes.converted_date", "fact_quotes.quote_id"),
        ),
    )
    converted_kind: Series[str] = optional(
        "What it became first: Order, Delivery, Invoice, or Acceptance.",
        "Transformé en",
        "",
        isin=["Order", "Delivery", "Invoice", "Acceptance"],
    )
    converted_amount: Series[Money] = described(
        "amount_excl_tax x part of the lines that went on, by transferred quantity; 0 if not converted.",
        "Montant transformé",
        "EUR",
        kpi=Kpi(
            21,
            "Quote conversion rate (value)",
            "Taux de transformation en valeur",
            ("fact_quotes.converted_share", "fact_sales.net_amount_excl_tax"),
        ),
    )
    days_to_conversion: Series[pl.Int64] = optional(
        "converted_date - date of the revision that was converted; 0 if typed after what it became, NULL if not converted.",
        "Délai de signature",
        "days",
        ge=0,
        kpi=Kpi(
            22, "Quote-to-order delay", "Délai de signature", ("fact_quotes.converted_date", "fact_quotes.date_key")
        ),
    )
    valid_until_date: Series[pl.Date] = optional("End of validity; NULL if EBP has none.", "Valable jusqu'au", "date")
    is_expired: Series[bool] = described(
        "Not converted, and valid until a day before the partition's.", "Expiré", "boolean"
    )
    age_days: Series[pl.Int64] = described("Partition's day - quote_date.", "Âge", "days", ge=0)
    is_mature: Series[bool] = described(
        "Older than quote_maturity_days (60): conversion rates are read from mature quotes only.",
        "Devis mûr",
        "boolean",
    )
    open_amount: Series[Money] = described(
        "amount_excl_tax of an open quote; 0 of a converted or expired one.",
        "Portefeuille de devis en cours",
        "EUR",
        kpi=Kpi(
            23,
            "Open pipeline",
            "Portefeuille de devis en cours",
            ("fact_sales.net_amount_excl_tax", "fact_quotes.valid_until_date"),
        ),
    )
    weighted_amount: Series[Money] = optional(
        "open_amount x converted part, in value, of the mature quotes of the quote_months (12) to the partition's day; NULL "
        "without such quotes.",
        "Portefeuille pondéré",
        "EUR",
    )
    loss_reason: Series[str] = optional("Why it was lost: EBP holds no reason, so always NULL.", "Motif de perte", "")


QUOTE_FUNNEL = GoldTable(
    name="quote_funnel",
    description="Each quote on the day: open, expired or converted, into what, how far and after how long; the pipeline.",
    key=("quote_id",),
    model=QuoteFunnel,
    silver=("dim_customer", "dim_date", "fact_quotes", "fact_sales"),
    owners=("team:direction-commerciale",),
    kind="state",
)
