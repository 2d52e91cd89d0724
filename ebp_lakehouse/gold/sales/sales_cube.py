"""Contract of ``gold.sales_cube``: the formulas of its columns; sales_cube.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, Quantity, described, optional
from ebp_lakehouse.gold.contract import GoldTable

_ALL = "NULL = all (see grouping_id); never NULL for want of a value, which reads Non renseigné."


class SalesCube(pa.DataFrameModel):
    """One row per group of the sales, by month or over all months: the total, each dimension, and each pair of them.

    Take the rows of one grouping_id: rows of two count the same sales twice. Customers and invoices are distinct counts of
    their row, so they do not add up over groups; that is why the totals are rows too.
    """

    cube_key: Series[str] = described(
        "MD5 of grouping_id and the values of the six dimensions.",
        "Clé technique",
        "",
        unique=True,
        str_matches="^[0-9a-f]{32}$",
    )
    grouping_id: Series[pl.Int32] = described(
        "Which dimensions are all: the sum of 32 (month), 16 (product family), 8 (ABC class of the customer), 4 (customer family), 2 "
        "(region) and 1 (salesperson) for each that is. 63 is the grand total; 31 the months, 62 the salespersons.",
        "Niveau de regroupement",
        "",
        ge=0,
        le=63,
    )
    grouping_name: Series[str] = described(
        "The dimensions that are not all, by name, such as year_month, region; total where all are.",
        "Axes du regroupement",
        "",
    )
    year_month: Series[str] = optional(f"Month of the document, as 2026-03. {_ALL}", "Mois", "YYYY-MM")
    product_family: Series[str] = optional(
        f"Family of the product today; Hors articles for what is none. {_ALL}", "Famille d'articles", ""
    )
    customer_abc: Series[str] = optional(
        f"ABC class of the customer as of its last document (dim_customer.segment); not the customer_segment of sales_by_customer. {_ALL}",
        "Classe ABC client",
        "",
    )
    customer_family: Series[str] = optional(f"Family of the customer today. {_ALL}", "Famille de clients", "")
    region: Series[str] = optional(f"Region of the place of delivery. {_ALL}", "Région", "")
    colleague_id: Series[str] = optional(f"Code of the line's salesperson. {_ALL}", "Code commercial", "")
    revenue: Series[Money] = described(
        "Net amounts excl. tax of invoices minus credit notes.",
        "CA HT",
        "EUR",
        kpi=Kpi(
            36,
            "Revenue per salesperson",
            "CA par commercial",
            ("fact_sales.net_amount_excl_tax", "fact_sales.colleague_id"),
        ),
    )
    cost: Series[Money] = described("Cost (cost price stored on the line x quantity) of the same rows.", "Coût", "EUR")
    margin: Series[Money] = described("revenue - cost.", "Marge brute commerciale", "EUR")
    margin_percent: Series[float] = optional(
        "margin / revenue x 100 (taux de marque); NULL without positive revenue.", "Taux de marque", "%"
    )
    gross_amount: Series[Money] = described(
        "Quantity x catalogue price of the same rows, before any discount.", "Montant brut", "EUR"
    )
    discount_percent: Series[float] = optional(
        "(gross_amount - revenue) / gross_amount x 100; NULL without positive gross amount.",
        "Taux de remise moyen",
        "%",
        kpi=Kpi(
            24,
            "Average discount rate",
            "Taux de remise moyen",
            ("fact_sales.discount_amount", "fact_sales.net_amount_excl_tax"),
        ),
    )
    quantity: Series[Quantity] = optional(
        "Quantity of products on invoices minus credit notes, where all are counted in one unit; else NULL: pieces and "
        "hours are not added up.",
        "Quantité",
        "unit",
    )
    unit: Series[str] = optional("That unit; NULL where there are several, or none.", "Unité", "")
    invoices: Series[pl.Int64] = described("Distinct invoices.", "Nombre de factures", "n", ge=0)
    customers: Series[pl.Int64] = described("Distinct customers invoiced.", "Clients", "n", ge=0)


SALES_CUBE = GoldTable(
    name="sales_cube",
    description="Sales by month, product family, ABC class and family of the customer, region and salesperson, one or two at a time, "
    "with their totals.",
    key=("cube_key",),
    model=SalesCube,
    silver=("dim_customer", "dim_date", "dim_location", "dim_product", "fact_sales"),
    owners=("team:direction-commerciale",),
    private=True,
)
