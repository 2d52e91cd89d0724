"""sales_daily_kpi and sales_by_customer from silver's Parquet in pandas or in Spark: what gold_tables.py compares with.

    python gold_peers.py pandas|pyspark|duckdb < work.json     # in an environment that holds that engine only

``work.json``: Parquet files by table, the day, the parameters, and the SQL in the engine's dialect. pandas reads
amounts as doubles, which is quicker than the exact decimals of the others. The last line printed is a JSON object:
seconds to start, seconds of each round (read, compute, hand over), and figures of the results to compare.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from typing import Any

ROUNDS = 3


def main() -> None:
    work = json.load(sys.stdin)
    started = time.perf_counter()
    engine = {"pandas": Pandas, "pyspark": Spark, "duckdb": DuckDB}[sys.argv[1]](work)
    start, seconds, figures = time.perf_counter() - started, [], {}
    for _ in range(ROUNDS):
        started = time.perf_counter()
        daily, customers = engine.daily(), engine.customers()
        seconds.append(time.perf_counter() - started)
        figures = {
            "days": len(daily),
            "revenue": float(sum(daily["total_revenue_excl_tax"])),
            "new customers": float(sum(daily["new_customers_count"])),
            "quotes": float(sum(daily["quotes_count"])),
            "customers": len(customers),
            "revenue of 12 months": float(sum(customers["total_revenue"])),
            "class A": sum(value == "A" for value in customers["abc_classification"]),
            "lost": sum(value == "Lost" for value in customers["customer_segment"]),
            "VIP": sum(value == "VIP" for value in customers["customer_segment"]),
        }
    print(json.dumps({"start": start, "seconds": seconds, "figures": figures}))


class DuckDB:
    """Our own SQL on the same files; the house's version and limits."""

    def __init__(self, work: dict[str, Any]) -> None:
        import duckdb  # noqa: PLC0415

        self.work, self.connection = work, duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})
        self.connection.execute("CREATE SCHEMA silver")
        for table, files in work["files"].items():
            self.connection.execute(f"CREATE VIEW silver.{table} AS FROM read_parquet({files})")

    def _run(self, name: str) -> Any:
        sql = self.work["sql"][name]
        (statement,) = self.connection.extract_statements(sql)
        values = self.work["parameters"] | {"as_of": date.fromisoformat(self.work["as_of"])}
        return self.connection.execute(sql, {p: values[p] for p in statement.named_parameters}).pl()

    def daily(self) -> Any:
        return self._run("sales_daily_kpi")

    def customers(self) -> Any:
        return self._run("sales_by_customer")


class Spark:
    """The same SQL in Spark's dialect, local mode on two cores."""

    def __init__(self, work: dict[str, Any]) -> None:
        from pyspark.sql import SparkSession  # noqa: PLC0415

        self.work = work
        builder = SparkSession.builder.master("local[2]").appName("gold_peers")
        settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.driver.memory": "2g"}
        settings["spark.ui.showConsoleProgress"] = "false"
        for name, value in settings.items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")
        for table, files in work["files"].items():
            self.session.read.parquet(*files).createOrReplaceTempView(table)

    def _run(self, name: str) -> dict[str, list[Any]]:
        values = self.work["parameters"] | {"as_of": date.fromisoformat(self.work["as_of"])}
        sql = self.work["sql"][name]
        rows = self.session.sql(sql, {n: v for n, v in values.items() if f":{n}" in sql}).collect()
        return Columns({column: [row[column] for row in rows] for column in (rows[0].asDict() if rows else {})})

    def daily(self) -> Any:
        return self._run("sales_daily_kpi")

    def customers(self) -> Any:
        return self._run("sales_by_customer")


class Columns(dict):  # type: ignore[type-arg]
    """Columns by name; its length is that of a column, as of a data frame."""

    def __len__(self) -> int:
        return len(next(iter(self.values()), []))


class Pandas:
    """The same rules by hand."""

    def __init__(self, work: dict[str, Any]) -> None:
        import numpy as np  # noqa: PLC0415
        import pandas as pd  # noqa: PLC0415
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        self.pd, self.np, self.pa, self.pq, self.work = pd, np, pa, pq, work
        self.as_of, self.p = pd.Timestamp(work["as_of"]), work["parameters"]

    def _read(self, table: str, *columns: str) -> Any:
        read = self.pa.concat_tables([self.pq.read_table(f, columns=list(columns)) for f in self.work["files"][table]])
        fields = [f.with_type(self.pa.float64()) if self.pa.types.is_decimal(f.type) else f for f in read.schema]
        frame = read.cast(self.pa.schema(fields)).to_pandas()
        for name in frame.columns:
            if name.endswith("_date") or name == "date_value":
                frame[name] = self.pd.to_datetime(frame[name], errors="coerce")
        return frame

    def _sales(self, *columns: str) -> Any:
        dates = self._read("dim_date", "date_id", "date_value").rename(columns={"date_id": "date_key"})
        sales = self._read("fact_sales", "date_key", "document_id", "document_type", "net_amount_excl_tax", *columns)
        sales = sales.merge(dates, on="date_key")
        return sales[sales["date_value"] <= self.as_of]

    def daily(self) -> Any:
        pd = self.pd
        s = self._sales(
            "net_amount_incl_tax", "cost_amount", "row_origin", "financial_discount_amount", "is_cost_missing",
            "product_key", "product_id", "customer_id", "quote_id", "is_last_revision", "converted_date",
        )  # fmt: skip
        s = s.merge(self._read("dim_product", "product_key", "is_commercial_product"), on="product_key")
        r = s[s["document_type"].isin(["Invoice", "CreditNote"])]
        invoices, credits_ = r[r["document_type"] == "Invoice"], r[r["document_type"] == "CreditNote"]
        others = s[~s["document_type"].isin(["Invoice", "CreditNote", "Quote"])]
        orders = others[others["document_type"] == "Order"]
        deposits = others[others["document_type"].isin(["DepositInvoice", "DepositCreditNote"])]
        first = invoices.dropna(subset=["customer_id"])[["customer_id", "date_key"]].drop_duplicates()
        first["first"] = first.groupby("customer_id")["date_key"].transform("min")
        quotes = s[s["document_type"] == "Quote"]
        quotes = quotes.assign(last=quotes["net_amount_excl_tax"].where(quotes["is_last_revision"])).groupby("quote_id")
        quotes = quotes.agg(date_key=("date_key", "max"), amount=("last", "sum"), converted=("converted_date", "min"))
        quotes["converted"] = quotes["converted"] <= self.as_of

        def total(frame: Any, column: str = "net_amount_excl_tax") -> Any:
            return frame.groupby("date_key")[column].sum().round(2)

        goods = invoices[invoices["is_commercial_product"]]
        columns = {
            "total_orders_count": invoices.groupby("date_key")["document_id"].nunique(),
            "total_revenue_excl_tax": total(r),
            "total_revenue_incl_tax": total(r, "net_amount_incl_tax"),
            "total_cost": total(r, "cost_amount"),
            "gross_invoiced": total(invoices),
            "credit_notes_amount": total(credits_),
            "ancillary_revenue": total(r[r["row_origin"] == "header"]),
            "financial_discount": total(r, "financial_discount_amount"),
            "revenue_without_cost": total(r[r["is_cost_missing"]]),
            "products_sold_count": goods.groupby("date_key")["product_id"].nunique(),
            "invoice_lines": invoices[invoices["row_origin"] == "line"].groupby("date_key").size(),
            "new_customers_count": first[first["date_key"] == first["first"]].groupby("date_key").size(),
            "returning_customers_count": first[first["date_key"] > first["first"]].groupby("date_key").size(),
            "quotes_count": quotes.groupby("date_key").size(),
            "quotes_amount": quotes.groupby("date_key")["amount"].sum().round(2),
            "converted": quotes.groupby("date_key")["converted"].sum(),
            "order_intake_count": orders.groupby("date_key")["document_id"].nunique(),
            "order_intake_excl_tax": total(orders),
            "deposits_invoiced": total(deposits, "net_amount_incl_tax"),
        }
        days = self._read("dim_date", "date_id", "date_value").set_index("date_id")
        days = days[(days["date_value"] >= s["date_value"].min()) & (days["date_value"] <= self.as_of)].sort_index()
        d = pd.DataFrame(columns).reindex(days.index).fillna(0)
        d["total_margin"] = d["total_revenue_excl_tax"] - d["total_cost"]
        positive = d["total_revenue_excl_tax"].where(d["total_revenue_excl_tax"] > 0)
        d["margin_percent"] = d["total_margin"] / positive * 100
        d["revenue_without_cost_percent"] = d["revenue_without_cost"] / positive * 100
        invoiced = d["total_orders_count"].where(d["total_orders_count"] > 0)
        d["average_order_value"] = (d["total_revenue_excl_tax"] / invoiced).round(2)
        d["avg_items_per_order"] = d["invoice_lines"] / invoiced
        d["conversion_rate"] = d["converted"] / d["quotes_count"].where(d["quotes_count"] > 0)
        return d

    def customers(self) -> Any:
        p, offset = self.p, self.pd.DateOffset
        day = self.pd.Timedelta(days=1)
        start, before = (self.as_of - offset(months=n * p["sales_months"]) + day for n in (1, 2))
        rfm = self.as_of - offset(months=p["rfm_months"]) + day
        master = self._read("dim_customer", "customer_key", "customer_id", "family_name", "is_current")
        s = self._sales("customer_key", "cost_amount")
        s = s[s["document_type"].isin(["Invoice", "CreditNote"])].merge(
            master[["customer_key", "customer_id"]], on="customer_key"
        )
        invoices, when = s[s["document_type"] == "Invoice"], s["date_value"]

        def by(frame: Any, column: str, how: str) -> Any:
            return getattr(frame.groupby("customer_id")[column], how)()

        inside = invoices["date_value"]
        c = self.pd.DataFrame(
            {
                "lifetime_value": by(s, "net_amount_excl_tax", "sum").round(2),
                "lifetime_cost": by(s, "cost_amount", "sum").round(2),
                "total_orders": by(invoices[inside >= start], "document_id", "nunique"),
                "total_revenue": by(s[when >= start], "net_amount_excl_tax", "sum").round(2),
                "total_cost": by(s[when >= start], "cost_amount", "sum").round(2),
                "previous_orders": by(invoices[(inside >= before) & (inside < start)], "document_id", "nunique"),
                "previous_revenue": by(s[(when >= before) & (when < start)], "net_amount_excl_tax", "sum").round(2),
                "rfm_orders": by(invoices[inside >= rfm], "document_id", "nunique"),
                "rfm_revenue": by(s[when >= rfm], "net_amount_excl_tax", "sum"),
            }
        ).fillna(0)
        c["first_order_date"], c["last_order_date"] = (by(invoices, "date_value", how) for how in ("min", "max"))
        family = master[master["is_current"]].set_index("customer_id")["family_name"].reindex(c.index)
        member = c.index.isin(["(unknown)", "(orphan)"])
        days = invoices[["customer_id", "date_value"]].drop_duplicates().sort_values(["customer_id", "date_value"])
        days["gap"] = days.groupby("customer_id")["date_value"].diff().dt.days
        own = by(days, "gap", "median").where(by(days, "date_value", "count") >= p["gap_minimum_invoices"])
        own = own.reindex(c.index)
        c["median_gap_days"] = own.fillna(family.map(own[~member].groupby(family[~member]).median()))
        ranked = c[(c["rfm_orders"] > 0) & ~member]
        names = {"recency": "last_order_date", "frequency": "rfm_orders", "monetary": "rfm_revenue"}
        for score, column in names.items():
            rank = ranked[column].rank(method="min") - 1
            c[score] = (1 + 5 * rank // max(len(ranked) - 1, 1)).clip(upper=5).reindex(c.index).fillna(1)
        c = c.assign(code=c.index).sort_values(["total_revenue", "code"], ascending=[False, True])
        nobody = c.index.isin(["(unknown)", "(orphan)"])
        positive = c["total_revenue"].clip(lower=0).where(~nobody, 0)
        earlier, cuts = positive.cumsum() - positive, [p[f"segment_cut_{cut}"] * positive.sum() for cut in "ab"]
        a, b = ((c["total_revenue"] > 0) & (earlier < cut) for cut in cuts)
        c["abc_classification"] = self.np.select([nobody, a, b], ["", "A", "B"], "C")
        c["revenue_share_percent"] = c["total_revenue"] / c["total_revenue"].sum() * 100
        c["cumulated_share_percent"] = c["revenue_share_percent"].where(~nobody, 0).cumsum().where(~nobody)
        c["total_margin"] = c["total_revenue"] - c["total_cost"]
        since = (self.as_of - c["last_order_date"]).dt.days

        def beyond(what: str) -> Any:
            gap = c["median_gap_days"].fillna(0) * p[f"{what}_gaps"]
            return since > self.np.maximum(gap, p[f"{what}_days"])

        high = self.np.maximum(c["frequency"], c["monetary"]) >= p["at_risk_score"]
        dormant = (c["recency"] <= p["dormant_recency"]) & (c["monetary"] >= p["vip_score"])
        vip = c[["recency", "frequency", "monetary"]].min(axis=1) >= p["vip_score"]
        cases = [since.isna(), beyond("lost"), (beyond("at_risk") & high) | dormant, vip]
        c["customer_segment"] = self.np.select(cases, ["", "Lost", "At Risk", "VIP"], "Regular")
        return c.sort_index()


if __name__ == "__main__":
    main()
