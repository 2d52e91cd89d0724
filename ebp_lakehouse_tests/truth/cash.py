"""Cash of the weeks ahead, flow by flow (semantics §7). Not here: what contracts will invoice (contracts.py)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import polars as pl

from ebp_lakehouse_tests.truth import contracts, evening, receivables
from ebp_lakehouse_tests.truth.saledocuments import rows
from ebp_lakehouse_tests.truth.values import Bronze, amount, day, total

TO_INVOICE, TO_PAY, VAT_DAY = 30, 30, 24
FLOWS = (
    "customer_instalments", "customer_overdue", "orders_to_invoice", "supplier_instalments", "supplier_overdue", "vat",
)  # fmt: skip
Flow = tuple[str, date, float]


def forecast(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per week and flow: what comes (goes: negative), and the balance of all weeks to its end, beginning with nothing."""
    coming = contracts.coming_invoices(bronze, as_of)
    mondays = coming["week_start"].to_list()
    sums: dict[tuple[date, str], float] = defaultdict(float)
    for flow, on, value in (
        *_customers(bronze, as_of), *_suppliers(bronze, as_of), *_orders(bronze, as_of), *_vat(bronze, as_of),
    ):  # fmt: skip
        sums[on - timedelta(days=on.weekday()), flow] += value
    found = [(monday, flow, round(sums[monday, flow] + 0.0, 2)) for monday in mondays for flow in FLOWS]
    both = pl.concat([coming, pl.DataFrame(found, schema=coming.columns, orient="row")])
    weeks = both.group_by("week_start").agg(pl.col("amount").sum()).sort("week_start")
    balances = weeks.select("week_start", cumulated_balance=pl.col("amount").cum_sum().round(2))
    return both.join(balances, on="week_start")


def _expected(due: date | None, late: int, as_of: date) -> date:
    tomorrow = as_of + timedelta(days=1)
    return tomorrow if due is None else max(due + timedelta(days=late), tomorrow)


def _customers(bronze: Bronze, as_of: date) -> list[Flow]:
    """Instalments when their payer, as late as in the last year, will pay; what was paid for nothing yet is taken off."""
    year = pl.Series([as_of]).dt.offset_by("-12mo").item()
    weight, late = pl.col("assigned").abs().cast(pl.Float64), (pl.col("paid") - pl.col("due")).dt.total_days()
    paid = receivables.payments(bronze).filter(
        pl.col("is_cash") & ~pl.col("rejected") & (pl.col("assigned") != 0) & late.is_not_null()
        & (pl.col("paid") > year) & (pl.col("paid") <= as_of)
    )  # fmt: skip
    habits = dict(paid.group_by("debtor").agg((weight * late).sum() / weight.sum()).rows())
    doubtful = set(
        bronze["SaleSettlementCommitmentAssociation"].filter(pl.col("IsDoubtfulAssociation"))["CommitmentId"].to_list()
    )
    flows: list[Flow] = []
    for id_, debtor, due, owed in evening.open_instalments(bronze, as_of).select("id", "debtor", "due", "open").rows():
        if id_ not in doubtful and round(owed, 2) != 0:
            overdue = due is not None and due < as_of
            days = round(max(0, habits.get(debtor, 0)))
            flows.append(
                ("customer_overdue" if overdue else "customer_instalments", _expected(due, days, as_of), float(owed))
            )
    free = bronze["SaleSettlement"].filter((day("SettlementDate") <= as_of) & ~pl.col("IsUnpaid"))
    flows.append(
        ("customer_overdue", as_of + timedelta(days=1), -float(free.select(total(amount("RemainingAmount"))).item()))
    )
    return flows


def _suppliers(bronze: Bronze, as_of: date) -> list[Flow]:
    owed = evening.open_debts(bronze, as_of).select("due", "open").rows()
    return [
        (
            "supplier_overdue" if due is not None and due < as_of else "supplier_instalments",
            _expected(due, 0, as_of),
            -float(open_),
        )
        for due, open_ in owed
        if round(open_, 2) != 0
    ]


def _orders(bronze: Bronze, as_of: date) -> list[Flow]:
    """What orders leave to invoice, with its VAT, as if all of it were invoiced in a month and paid in another."""
    rates = bronze["Vat"].select(VatId="Id", rate=pl.col("Rate").cast(pl.Float64))
    left = bronze["SaleDocumentLine"].join(rates, on="VatId", how="left").select(
        line="Id", rate=pl.col("rate").fill_null(0), left=amount("RemainingQuantityToInvoice").cast(pl.Float64)
    )  # fmt: skip
    ordered = rows(bronze).filter((pl.col("kind") == "Order") & (pl.col("day") <= as_of)).join(left, on="line")
    a_piece = pl.col("net").cast(pl.Float64) / pl.col("quantity").cast(pl.Float64)
    value = ordered.filter((pl.col("left") > 0) & (pl.col("quantity") != 0)).select(
        (a_piece * pl.col("left") * (1 + pl.col("rate") / 100)).sum()
    )
    return [("orders_to_invoice", as_of + timedelta(days=TO_INVOICE + TO_PAY), float(value.item()))]


def _vat(bronze: Bronze, as_of: date) -> list[Flow]:
    """The VAT of each month, paid on the 24th of the next."""
    flows: list[Flow] = []
    for period, due in receivables.vat_due(bronze, as_of).select("period", "vat_due_estimate").rows():
        if period is not None:
            first = date.fromisoformat(f"{period}-01")
            paid_on = pl.Series([first]).dt.offset_by("1mo").item() + timedelta(days=VAT_DAY - 1)
            if paid_on > as_of:
                flows.append(("vat", paid_on, -due))
    return flows
