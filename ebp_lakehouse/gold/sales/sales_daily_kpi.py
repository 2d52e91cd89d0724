"""Contract of ``gold.sales_daily_kpi``: the formulas of its columns; sales_daily_kpi.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class SalesDailyKpi(pa.DataFrameModel):
    """One row per calendar day, from the first sale document to the partition's day."""

    date_id: Series[pl.Int32] = described("Document date, as YYYYMMDD.", "Date", "YYYYMMDD", unique=True, ge=19000101)
    total_orders_count: Series[pl.Int64] = described(
        "Number of distinct invoices dated that day (an order is an invoiced sale; credit notes are not counted).",
        "Nombre de factures",
        "n",
        ge=0,
        kpi=Kpi(
            12,
            "Invoices",
            "Nombre de factures",
            (
                "fact_sales.document_id",
                "fact_sales.document_type",
            ),
        ),
    )
    total_revenue_excl_tax: Series[Money] = described(
        "Net revenue: sum of net amounts excl. tax of invoices minus credit notes, before financial discount.",
        "Chiffre d'affaires HT",
        "EUR",
        kpi=Kpi(1, "Net revenue", "Chiffre d'affaires HT", ("fact_sales.net_amount_excl_tax",)),
    )
    total_revenue_incl_tax: Series[Money] = described(
        "Sum of amounts incl. tax of the same invoices and credit notes.",
        "Chiffre d'affaires TTC",
        "EUR",
        kpi=Kpi(2, "Revenue incl. VAT", "Chiffre d'affaires TTC", ("fact_sales.net_amount_incl_tax",)),
    )
    total_cost: Series[Money] = described(
        "Sum of cost (cost price stored on the line x quantity) of the same rows.", "Coût des ventes", "EUR"
    )
    total_margin: Series[Money] = described(
        "total_revenue_excl_tax - total_cost.",
        "Marge brute commerciale",
        "EUR",
        kpi=Kpi(
            8,
            "Gross margin",
            "Marge brute commerciale",
            (
                "fact_sales.net_amount_excl_tax",
                "fact_sales.cost_amount",
            ),
        ),
    )
    margin_percent: Series[float] = optional(
        "total_margin / total_revenue_excl_tax x 100 (taux de marque); NULL without positive revenue.",
        "Taux de marque",
        "%",
        kpi=Kpi(
            9,
            "Margin rate on sales",
            "Taux de marque",
            (
                "fact_sales.net_amount_excl_tax",
                "fact_sales.cost_amount",
            ),
        ),
    )
    average_order_value: Series[Money] = optional(
        "total_revenue_excl_tax / total_orders_count; NULL without invoice.",
        "Panier moyen",
        "EUR",
        kpi=Kpi(
            13,
            "Average order value",
            "Panier moyen",
            (
                "fact_sales.net_amount_excl_tax",
                "fact_sales.document_id",
            ),
        ),
    )
    new_customers_count: Series[pl.Int64] = described(
        "Customers whose first invoice ever is dated that day.", "Nouveaux clients", "n", ge=0
    )
    returning_customers_count: Series[pl.Int64] = described(
        "Customers invoiced that day who had an earlier invoice.", "Clients fidèles", "n", ge=0
    )
    products_sold_count: Series[pl.Int64] = described(
        "Distinct commercial products on the day's invoices.", "Articles distincts vendus", "n", ge=0
    )
    avg_items_per_order: Series[float] = optional(
        "Counted invoice lines (header rows excluded) / invoices; NULL without invoice.",
        "Lignes par facture",
        "n",
        ge=0,
        kpi=Kpi(
            14,
            "Lines per invoice",
            "Lignes par facture",
            (
                "fact_sales.line_id",
                "fact_sales.document_id",
            ),
        ),
    )
    conversion_rate: Series[float] = optional(
        "Quotes dated that day that reached an order, a delivery or an invoice (or were accepted or signed) by the "
        "partition's day / quotes dated that day; revisions of one quote count once; NULL without quote.",
        "Taux de transformation des devis",
        "0-1",
        ge=0,
        le=1,
    )
    gross_invoiced: Series[Money] = described(
        "Invoices only, excl. tax.",
        "CA facturé brut",
        "EUR",
        kpi=Kpi(3, "Gross invoiced", "CA facturé brut", ("fact_sales.net_amount_excl_tax",)),
    )
    credit_notes_amount: Series[Money] = described(
        "Credit notes of the day, excl. tax (negative).",
        "Montant des avoirs",
        "EUR",
        kpi=Kpi(4, "Credit notes", "Montant des avoirs", ("fact_sales.net_amount_excl_tax",)),
    )
    ancillary_revenue: Series[Money] = described(
        "Part of the revenue carried by the documents' headers: shipping, charges, ecotax, adjustments.",
        "Produits annexes (port, frais, écotaxe)",
        "EUR",
    )
    order_intake_count: Series[pl.Int64] = described("Customer orders dated that day.", "Commandes prises", "n", ge=0)
    order_intake_excl_tax: Series[Money] = described(
        "Net amount excl. tax of those orders.",
        "Prise de commandes",
        "EUR",
        kpi=Kpi(15, "Order intake", "Prise de commandes", ("fact_sales.net_amount_excl_tax",)),
    )
    quotes_count: Series[pl.Int64] = described(
        "Quotes dated that day, one per chain of revisions.",
        "Devis émis",
        "n",
        ge=0,
        kpi=Kpi(19, "Quotes issued", "Devis émis (nombre)", ("fact_sales.quote_id",)),
    )
    quotes_amount: Series[Money] = described(
        "Net amount excl. tax of those quotes.",
        "Montant des devis",
        "EUR",
        kpi=Kpi(
            19,
            "Quotes issued, amount",
            "Devis émis (montant)",
            (
                "fact_sales.net_amount_excl_tax",
                "fact_sales.is_last_revision",
            ),
        ),
    )
    deposits_invoiced: Series[Money] = described(
        "Deposit invoices minus deposit credit notes, incl. tax; never part of revenue.", "Acomptes facturés", "EUR"
    )
    financial_discount: Series[Money] = described(
        "Financial discount (escompte) on the day's invoices and credit notes; does not lower revenue.",
        "Escompte accordé",
        "EUR",
        kpi=Kpi(25, "Financial discount granted", "Escompte accordé", ("fact_sales.financial_discount_amount",)),
    )
    revenue_without_cost_percent: Series[float] = optional(
        "Revenue of rows whose cost is missing / total_revenue_excl_tax x 100; NULL without positive revenue.",
        "CA sans coût connu",
        "%",
        kpi=Kpi(
            11,
            "Revenue without cost",
            "CA sans coût connu",
            (
                "fact_sales.is_cost_missing",
                "fact_sales.net_amount_excl_tax",
            ),
        ),
    )


SALES_DAILY_KPI = GoldTable(
    name="sales_daily_kpi",
    description="Sales of each day: revenue, margin, invoices, customers, quotes and their conversion.",
    key=("date_id",),
    model=SalesDailyKpi,
    silver=("dim_date", "dim_product", "fact_sales"),
    owners=("team:direction-commerciale",),
)
