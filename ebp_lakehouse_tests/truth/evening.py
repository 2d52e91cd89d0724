"""More of the company's position on an evening (semantics §9): what is owed, ordered, stored and depended on."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth import contracts, orders, purchases, quotes, receivables, sales, stock
from ebp_lakehouse_tests.truth.invoiced import with_first_invoice
from ebp_lakehouse_tests.truth.saledocuments import REVENUE, counted_lines, documents
from ebp_lakehouse_tests.truth.values import AMOUNT, NOTHING, Bronze, amount, cents, code, day, total

DAYS = 365
LARGEST_SUPPLIERS = 5
HIGHEST_LEVEL = 3  # of reminders: what lies above is counted with it


def owed(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row: receivables, what is overdue, in days of sales both ways, limits passed, reminders that are out."""
    debtors = receivables.ageing(bronze, as_of)
    whole, overdue = (round(float(debtors[name].sum()), 2) for name in ("receivables", "overdue"))
    sold = documents(bronze).filter(pl.col("kind").is_in(REVENUE) & (pl.col("day") <= as_of))
    year = float(sold.filter(pl.col("day") > _year_before(as_of)).select(total(pl.col("total"))).item())
    limits = bronze["Customer"].select(debtor=code("Id"), limit=amount("AllowedAmount").cast(pl.Float64))
    above = debtors.join(limits, on="debtor").filter((pl.col("limit") > 0) & (pl.col("receivables") > pl.col("limit")))
    reminded = open_instalments(bronze, as_of).filter((pl.col("open") > 0) & (pl.col("reminders") > 0))
    return pl.DataFrame(
        {
            "date_id": int(f"{as_of:%Y%m%d}"),
            "receivables": whole,
            "receivables_overdue": overdue,
            "receivables_overdue_percent": 100 * overdue / whole if whole > 0 else None,
            "dso_days": whole / year * DAYS if year > 0 else None,
            "dso_count_back_days": _days_that_absorb(sold, whole, as_of),
            "over_credit_limit_count": above.height,
            "over_credit_limit_amount": round(float((above["receivables"] - above["limit"]).sum()), 2),
            "reminders_count": reminded.height,
            "reminders_amount": float(reminded.select(cents(total(pl.col("open")))).item()),
            **{
                f"reminders_level_{level}_{name}": reminded.filter(pl.col("level") == level).select(of).item()
                for level in range(1, HIGHEST_LEVEL + 1)
                for name, of in (("count", pl.len()), ("amount", cents(total(pl.col("open")))))
            },
        },
        schema_overrides={"receivables_overdue_percent": pl.Float64, "dso_days": pl.Float64},
    )


def _year_before(as_of: date) -> date:
    start: date = pl.Series([as_of]).dt.offset_by("-12mo").item()
    return start


def _days_that_absorb(sold: pl.DataFrame, receivables: float, as_of: date) -> int | None:
    """Going back from the evening, the days whose sales reach the receivables."""
    if receivables <= 0:
        return None
    by_day: dict[date, float] = {
        on: float(of_day) for on, of_day in sold.group_by("day").agg(pl.col("total").sum()).rows()
    }
    reached = 0.0
    for on in sorted(by_day, reverse=True):
        reached = round(reached + by_day[on], 2)
        if reached >= receivables:
            return (as_of - on).days + 1
    return None


def open_instalments(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Instalments of documents by ``as_of``: what was open that evening, and how often they were reminded of."""
    later = receivables.payments(bronze).filter(~pl.col("rejected") & (pl.col("paid") > as_of)).group_by("id").agg(
        later=total(pl.col("assigned"))
    )  # fmt: skip
    reminders = bronze["SaleCommitment"].select(
        id="Id", reminders="TotalReminderNumber", level=pl.col("LastReminderLevel").fill_null(1).clip(1, HIGHEST_LEVEL)
    )
    by_then = pl.col("document_day").is_null() | (pl.col("document_day") <= as_of)
    return (
        receivables.instalments(bronze)
        .filter(by_then)
        .join(later, on="id", how="left")
        .join(reminders, on="id")
        .with_columns(open=pl.col("balance") + pl.col("later").fill_null(NOTHING))
    )


def stored(bronze: Bronze, as_of: date, captured_on: date, *, is_kept: bool) -> pl.DataFrame:
    """One row: value of the stock, what is dead, too much or below nothing of it, A and B items without a piece (today only).

    Of an evening that is not kept, after the first movement of all, nothing is known.
    """
    today = as_of >= captured_on
    pairs = stock.captured(bronze) if today else stock.on_hand(bronze, as_of)
    below = pairs.filter(pl.col("quantity_on_hand") < 0)
    lying = pairs.filter(pl.col("quantity_on_hand") > 0).join(
        stock.dead(bronze, as_of), on=["item", "storehouse"], how="semi"
    )
    whole, dead = (round(float(part["stock_value"].sum()), 2) for part in (pairs, lying))
    figures = {
        "date_id": int(f"{as_of:%Y%m%d}"),
        "stock_value": whole,
        "dead_stock_value": dead,
        "dead_stock_percent": 100 * dead / whole if whole > 0 else None,
        "excess_stock_value": round(float(stock.supply(bronze, as_of, is_captured=today)["excess_value"].sum()), 2),
        "negative_stocks_count": below.height,
        "negative_stocks_value": round(float(below["stock_value"].sum()), 2),
    }
    if today:
        asked = sales.by_product(bronze, as_of).filter(pl.col("abc_classification").is_in(["A", "B"]))
        left = pairs.join(asked, left_on="item", right_on="product", how="semi").group_by("item").agg(
            pl.col("quantity_available").sum()
        )  # fmt: skip
        gone = left.filter(pl.col("quantity_available") <= 0).height
        figures["stock_out_rate_percent"] = 100 * gone / left.height if left.height else None
    if not is_kept and as_of >= stock.movements(bronze)["day"].min():
        figures = {"date_id": figures["date_id"], **{name: None for name in figures if name != "date_id"}}
    return pl.DataFrame([figures], schema_overrides={"dead_stock_percent": pl.Float64})


def supplied(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """One row: the share of the five largest suppliers, items that one supplier alone brought, order lines that are late.

    A line that an order closed short leaves waiting, as is known on ``known_on``, is not late.
    """
    spent = purchases.documents(bronze).filter((pl.col("day") <= as_of) & (pl.col("day") > _year_before(as_of)))
    by_supplier = (
        spent.filter(pl.col("kind").is_in(REVENUE))
        .group_by("supplier")
        .agg(net=total(pl.col("net")))
        .sort(-pl.col("net"))
    )
    whole = float(by_supplier["net"].sum())
    largest = float(by_supplier.head(LARGEST_SUPPLIERS)["net"].sum())
    bought = (
        counted_lines(bronze["PurchaseDocumentLine"]).select(id="DocumentId", item=code("ItemId")).drop_nulls("item")
    )
    sources = (
        bought.join(spent.filter(pl.col("kind") == "Invoice"), on="id")
        .group_by("item")
        .agg(pl.col("supplier").n_unique())
    )
    closed = bronze["PurchaseDocument"].select(
        id="Id", closed=pl.col("CloseOrderToReplenishment").fill_null(value=False)
    )
    came_since = pl.col("all_came").is_not_null() & (pl.col("all_came") <= known_on)
    worth = bronze["PurchaseDocumentLine"].select(
        line="Id", worth=amount("RealNetAmountVatExcludedWithDiscount").cast(pl.Float64)
    )
    late = purchases.order_lines(bronze, as_of).join(closed, on="id").join(worth, on="line").filter(
        (pl.col("day") <= as_of) & (pl.col("quantity") > 0) & (pl.col("promised_day") < as_of)
        & (pl.col("all_came").is_null() | (pl.col("all_came") > as_of)) & (came_since | ~pl.col("closed"))
    )  # fmt: skip
    lacks = 1 - pl.col("received").fill_null(NOTHING).cast(pl.Float64) / pl.col("quantity").cast(pl.Float64)
    lacks = lacks.clip(lower_bound=0)
    return pl.DataFrame(
        {
            "date_id": int(f"{as_of:%Y%m%d}"),
            "late_supplier_lines_count": late.height,
            "late_supplier_lines_amount": round(float(late.select((pl.col("worth") * lacks).sum()).item()), 2),
            "customers_waiting_count": orders.waiting(bronze, as_of, late["item"].drop_nulls()),
            "supplier_dependency_percent": 100 * largest / whole if whole > 0 else None,
            "single_supplier_items_count": sources.filter(pl.col("supplier") == 1).height,
        },
        schema_overrides={"supplier_dependency_percent": pl.Float64},
    )


def promised(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row: orders that no invoice has reached, quotes that are open, and what contracts bring in a month and a year."""
    pipeline = quotes.quotes(bronze, as_of).filter(pl.col("status") == "open")["amount_excl_tax"].sum()
    monthly = sum(
        round(contract.planned * 12 / contract.invoiced_every / 12 + 1e-9, 2)
        for contract in contracts.contracts(bronze)
        if contract.runs(as_of)
    )
    return pl.DataFrame(
        {
            "date_id": int(f"{as_of:%Y%m%d}"),
            "order_backlog": _backlog(bronze, as_of),
            "quotes_pipeline": round(float(pipeline), 2),
            "monthly_recurring_revenue": round(monthly, 2),
            "annual_recurring_revenue": round(monthly * 12, 2),
        }
    )


def _backlog(bronze: Bronze, as_of: date) -> float:
    """Of the orders: the whole line where its first invoice came after the evening, else what EBP says remains to invoice."""
    remains = bronze["SaleDocumentLine"].select(line="Id", remains=amount("RemainingQuantityToInvoice"))
    ordered = (
        with_first_invoice(bronze, "Order", ["Invoice"])
        .filter(pl.col("day") <= as_of)
        .join(remains, on="line", how="left")
    )
    a_piece = pl.when(pl.col("quantity") != 0).then(
        pl.col("net").cast(pl.Float64) / pl.col("quantity").cast(pl.Float64)
    )
    left = pl.when(pl.col("invoiced") > as_of).then(pl.col("net").cast(pl.Float64)).otherwise(
        a_piece * pl.col("remains").cast(pl.Float64).clip(lower_bound=0)
    )  # fmt: skip
    return round(float(ordered.select(left.sum()).item()), 2)


def open_debts(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Instalments of purchases by ``as_of``: when they are due, what was open that evening."""
    headers = purchases.documents(bronze)
    of = headers.select(DocumentId="id", document_day="day", sign="sign")
    owed = bronze["PurchaseCommitment"].join(of, on="DocumentId", how="left").with_columns(
        sign=pl.col("sign").fill_null(pl.lit(1).cast(AMOUNT))
    ).filter(pl.col("document_day").is_null() | (pl.col("document_day") <= as_of))  # fmt: skip
    links = bronze["PurchaseSettlementCommitmentAssociation"]
    paid = bronze["PurchaseSettlement"].select(SettlementId="Id", paid=day("SettlementDate"))
    cash = links.join(paid, on="SettlementId").select(
        "paid", id="CommitmentId", assigned=amount("AssignedAmount") + amount("FinancialDiscount")
    )
    moment = bronze["PurchaseCommitment"].join(of, on="DocumentId", how="left").select(
        id="Id", moment=pl.coalesce("document_day", day("DueDate"))
    )  # fmt: skip
    pairs = links.filter(pl.col("SettlementId").is_null() & pl.col("LinkedCommitmentId").is_not_null()).select(
        id="CommitmentId", other="LinkedCommitmentId", assigned=amount("AssignedAmount").abs()
    )
    mirrored = pairs.select(id="other", other="id", assigned="assigned")
    pairs = pl.concat([pairs, mirrored.join(pairs, on=["id", "other"], how="anti")])
    set_off = (
        pairs.join(moment, on="id")
        .join(moment, left_on="other", right_on="id", suffix="_other")
        .select(paid=pl.max_horizontal("moment", "moment_other"), id="id", set_off="assigned")
    )
    later = cash.filter(pl.col("paid") > as_of).group_by(Id="id").agg(later=total(pl.col("assigned")))
    later_set_off = set_off.filter(pl.col("paid") > as_of).group_by(Id="id").agg(set_off=total(pl.col("set_off")))
    signed = amount("Amount") * pl.col("sign")
    return owed.join(later, on="Id", how="left").join(later_set_off, on="Id", how="left").select(
        due=day("DueDate"),
        open=amount("BalanceDue") * pl.col("sign")
        + pl.col("later").fill_null(NOTHING) * pl.col("sign")
        + pl.when(signed < 0).then(-pl.col("set_off")).otherwise("set_off").fill_null(NOTHING)
    )  # fmt: skip


def owing(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row: what suppliers were owed that evening, and in days of the year's purchases."""
    headers = purchases.documents(bronze)
    payables = float(open_debts(bronze, as_of).select(cents(total(pl.col("open")))).item())
    tax = bronze["PurchaseDocument"].select(id="Id", incl_tax=amount("AmountVatIncluded"))
    year = headers.join(tax, on="id").filter(
        pl.col("kind").is_in(REVENUE) & (pl.col("day") <= as_of) & (pl.col("day") > _year_before(as_of))
    ).select(total(pl.col("incl_tax") * pl.col("sign"))).item()  # fmt: skip
    return pl.DataFrame(
        {
            "date_id": int(f"{as_of:%Y%m%d}"),
            "payables": payables,
            "dpo_days": payables / float(year) * DAYS if year > 0 else None,
        },
        schema_overrides={"dpo_days": pl.Float64},
    )


def coverage(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row: of the equipment that is in use, the share that a running contract covers."""
    running = [contract.code for contract in contracts.contracts(bronze) if contract.runs(as_of)]
    covered = bronze["MaintenanceContractCustomerProduct"].filter(code("ContractId").is_in(running)).select(
        code("CustomerProductId")
    )["CustomerProductId"].implode()  # fmt: skip
    in_use = bronze["CustomerProduct"].filter(pl.col("ActiveState").fill_null(0) == 0)
    share = in_use.select(code("Id").is_in(covered).mean() * 100).item() if in_use.height else None
    return pl.DataFrame({"date_id": int(f"{as_of:%Y%m%d}"), "contract_coverage_percent": share})
