"""What each debtor owes on an evening, by age (semantics §1.5, §7), and money received per month."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth import purchases
from ebp_lakehouse_tests.truth.saledocuments import REVENUE, documents
from ebp_lakehouse_tests.truth.values import AMOUNT, NOTHING, Bronze, amount, cents, code, day, total

BUCKETS = {
    "not_due": (None, 0),
    "days_1_30": (1, 30),
    "days_31_60": (31, 60),
    "days_61_90": (61, 90),
    "days_over_90": (91, None),
}
LONG_OVERDUE = 60  # days


def instalments(bronze: Bronze) -> pl.DataFrame:
    """One row per instalment: debtor, document, due day, the document's day, sign, today's balance (signed)."""
    headers = documents(bronze)
    held = bronze["SaleDocument"].join(headers, left_on="Id", right_on="id", how="anti").select("Id")
    of = headers.select("id", document_day="day", document_sign="sign")
    frame = bronze["SaleCommitment"].join(held, left_on="DocumentId", right_on="Id", how="anti").join(
        of, left_on="DocumentId", right_on="id", how="left"
    )  # fmt: skip
    sign = pl.col("document_sign").fill_null(pl.lit(1).cast(pl.Decimal(38, 8)))
    return frame.select(
        id="Id",
        document="DocumentId",
        debtor=code("ThirdId").fill_null("(unknown)"),
        due=day("DueDate"),
        document_day="document_day",
        sign=sign,
        balance=amount("BalanceDue") * sign,
        amount=amount("Amount") * sign,
    )


def payments(bronze: Bronze) -> pl.DataFrame:
    """One row per instalment and what settled it: day (of a set-off the later document's), amount signed, rejected."""
    owed = instalments(bronze)
    settlements = bronze["SaleSettlement"].select(
        "Id", paid=day("SettlementDate"), rejected="IsUnpaid", is_deposit=pl.col("IsDeposit").fill_null(value=False)
    )
    links = bronze["SaleSettlementCommitmentAssociation"]
    cash = (
        links.drop_nulls("SettlementId")
        .join(owed.select("id", "sign", "debtor", "document", "document_day", "due"), left_on="CommitmentId", right_on="id")
        .join(settlements, left_on="SettlementId", right_on="Id", how="left")
        .select(
            "debtor", "document", "document_day", "due", "paid", id="CommitmentId",
            assigned=(amount("AssignedAmount") + amount("FinancialDiscount")) * pl.col("sign"),
            rejected=pl.col("rejected").fill_null(value=False), is_cash=pl.lit(value=True),
            is_deposit=pl.col("is_deposit").fill_null(value=False),
        )
    )  # fmt: skip
    pairs = links.filter(pl.col("SettlementId").is_null() & pl.col("LinkedCommitmentId").is_not_null()).select(
        id="CommitmentId", other="LinkedCommitmentId", assigned=amount("AssignedAmount").abs()
    )
    mirrored = pairs.select(id="other", other="id", assigned="assigned")
    pairs = pl.concat([pairs, mirrored.join(pairs, on=["id", "other"], how="anti")])
    moment = owed.select("id", moment=pl.coalesce("document_day", "due"))
    set_off = (
        pairs.join(owed, on="id")
        .join(moment, on="id")
        .join(moment, left_on="other", right_on="id", suffix="_other")
        .select(
            "debtor", "document", "document_day", "due", "id", paid=pl.max_horizontal("moment", "moment_other"),
            assigned=pl.when(pl.col("amount") < 0).then(-pl.col("assigned")).otherwise("assigned"),
            rejected=pl.lit(value=False), is_cash=pl.lit(value=False), is_deposit=pl.lit(value=False),
        )
    )  # fmt: skip
    return pl.concat([cash, set_off.select(cash.columns)])


def ageing(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per debtor who owes or is owed: the buckets, credit notes, unallocated cash, overdue, receivables."""
    settled = payments(bronze).filter(~pl.col("rejected"))
    later = settled.filter(pl.col("paid") > as_of).group_by("id").agg(later=total(pl.col("assigned")))
    owed = (
        instalments(bronze)
        .filter(pl.col("document_day").is_null() | (pl.col("document_day") <= as_of))
        .join(later, on="id", how="left")
        .with_columns(open=pl.col("balance") + pl.col("later").fill_null(NOTHING))
        .with_columns(age=(pl.lit(as_of) - pl.col("due")).dt.total_days().fill_null(0))
    )
    positive = pl.col("open") > 0
    sums = {name: total(pl.col("open").filter(positive & _between(low, high))) for name, (low, high) in BUCKETS.items()}
    aged = owed.group_by("debtor").agg(
        **sums,
        credit_notes=total(pl.col("open").filter(pl.col("open") < 0)),
        oldest_overdue_days=pl.col("age").filter(positive & (pl.col("age") > 0)).max(),
    )
    free = bronze["SaleSettlement"].filter((day("SettlementDate") <= as_of) & ~pl.col("IsUnpaid")).select(
        debtor=code("ThirdId").fill_null("(unknown)"), cash=-amount("RemainingAmount")
    )  # fmt: skip
    early = settled.filter((pl.col("document_day") > as_of) & (pl.col("paid") <= as_of) & pl.col("is_cash")).select(
        "debtor", cash=-pl.col("assigned")
    )
    cash = pl.concat([free, early]).group_by("debtor").agg(unallocated_cash=total(pl.col("cash")))
    money = [*BUCKETS, "credit_notes", "unallocated_cash"]
    frame = aged.join(cash, on="debtor", how="full", coalesce=True).with_columns(pl.col(money).fill_null(NOTHING))
    overdue = pl.sum_horizontal([name for name in BUCKETS if name != "not_due"])
    frame = frame.filter(pl.any_horizontal(pl.col(money) != 0)).with_columns(
        overdue=overdue, receivables=pl.sum_horizontal(money)
    )
    return frame.with_columns(cents(pl.col(name)) for name in [*money, "overdue", "receivables"])


def deposits(bronze: Bronze, as_of: date) -> float:
    """Deposits received by ``as_of``: what settles nothing today, and what settles a document of a later day."""
    received = bronze["SaleSettlement"].filter(
        pl.col("IsDeposit") & ~pl.col("IsUnpaid") & (day("SettlementDate") <= as_of)
    )
    later = payments(bronze).filter(
        pl.col("is_deposit") & ~pl.col("rejected") & (pl.col("paid") <= as_of) & (pl.col("document_day") > as_of)
    )
    free = [received.select(amount("RemainingAmount")), later.select(RemainingAmount="assigned")]
    return float(pl.concat(free).select(cents(total(pl.col("RemainingAmount")))).item())


def _between(low: int | None, high: int | None) -> pl.Expr:
    above = pl.lit(value=True) if low is None else pl.col("age") >= low
    return above if high is None else above & (pl.col("age") <= high)


def payment_delays(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Per debtor the mean delay in days of what was paid in a year, early = negative, and the payment score.

    In the score early is as on time, and what is overdue counts. What has no due day has no delay.
    """
    owed = instalments(bronze).drop_nulls("due")
    due_ones = owed.filter(pl.col("amount") > 0).select("id")
    every = payments(bronze).join(due_ones, on="id", how="semi")
    settled = every.filter(~pl.col("rejected"))
    start = pl.lit(as_of).dt.offset_by("-12mo")
    recent = (pl.col("paid") > start) & (pl.col("paid") <= as_of)
    paid = settled.filter(recent).select(
        "debtor", weight="assigned", late=(pl.col("paid") - pl.col("due")).dt.total_days()
    )
    sent_back = every.filter(pl.col("rejected") & recent).group_by("debtor").agg(sent_back=pl.len())
    open_now = owed.filter((pl.col("amount") > 0) & (pl.col("balance") != 0)).select("debtor", "due", weight="balance")
    later = settled.filter(pl.col("paid") > as_of).select("debtor", "due", weight="assigned")
    overdue = pl.concat([open_now, later]).filter(pl.col("due") < as_of).select(
        "debtor", "weight", late=(pl.lit(as_of) - pl.col("due")).dt.total_days()
    )  # fmt: skip
    both = pl.concat([paid, overdue]).group_by("debtor").agg(delay=_mean(pl.col("late").clip(lower_bound=0)))
    old = overdue.filter(pl.col("late") > LONG_OVERDUE).select("debtor", is_old=pl.lit(value=True)).unique()
    frame = both
    for part in (paid.group_by("debtor").agg(payment_delay_days=_mean(pl.col("late"))), sent_back, old):
        frame = frame.join(part, on="debtor", how="left")
    points = 2 * pl.col("delay") + 10 * pl.col("sent_back").fill_null(0) + 20 * pl.col("is_old").fill_null(value=False)
    return frame.select("debtor", "payment_delay_days", payment_score=(100 - points).clip(lower_bound=0))


def _mean(late: pl.Expr) -> pl.Expr:
    weight = pl.col("weight").cast(pl.Float64)
    return (weight * late).sum() / pl.when(weight.sum() != 0).then(weight.sum())


def collected(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Money received per month, rejected payments left out."""
    good = bronze["SaleSettlement"].filter((day("SettlementDate") <= as_of) & ~pl.col("IsUnpaid"))
    month = day("SettlementDate").dt.strftime("%Y-%m")
    return (
        good.group_by(period=month)
        .agg(cash_collected=total(amount("Amount")))
        .with_columns(cents(pl.col("cash_collected")))
    )


def vat_due(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """S6 per month: VAT on debit by the document's date, VAT on collection by what was settled of it, and what is deductible."""
    on_payment = sum((amount(f"DetailVatAmount{n}_VatAmountOnCollection") for n in range(6)), start=NOTHING)
    stored = bronze["SaleDocument"].select(id="Id", on_payment=on_payment)
    sold = (
        documents(bronze)
        .filter(pl.col("kind").is_in(REVENUE) & (pl.col("day") <= as_of))
        .join(stored, on="id")
        .with_columns(waiting=pl.col("on_payment") * pl.col("sign"))
    )
    owed = instalments(bronze).group_by(id="document").agg(owed=total(pl.col("amount")))
    waiting = sold.filter(pl.col("waiting") != 0).join(owed, on="id", how="left")
    has_owed = pl.col("owed").fill_null(NOTHING) != 0
    share = pl.col("assigned").cast(pl.Float64) / pl.col("owed").cast(pl.Float64)
    paid = payments(bronze).filter(~pl.col("rejected") & (pl.col("paid") <= as_of)).drop("id", "document_day")
    bought = purchases.documents(bronze).filter(pl.col("kind").is_in(REVENUE) & (pl.col("day") <= as_of))
    parts = [
        sold.select("day", part=pl.lit("vat_on_debit"), vat=(pl.col("tax") - pl.col("waiting")).cast(AMOUNT)),
        waiting.filter(has_owed).join(paid, left_on="id", right_on="document").select(
            day="paid", part=pl.lit("vat_on_collection"), vat=(pl.col("waiting").cast(pl.Float64) * share).round(8).cast(AMOUNT)
        ),
        waiting.filter(~has_owed).select("day", part=pl.lit("vat_on_collection"), vat=pl.col("waiting").cast(AMOUNT)),
        bought.select("day", part=pl.lit("vat_deductible"), vat=pl.col("tax").cast(AMOUNT)),
    ]  # fmt: skip
    flows = pl.concat(parts).with_columns(period=pl.col("day").dt.strftime("%Y-%m"))
    names = ["vat_on_debit", "vat_on_collection", "vat_deductible"]
    sums = flows.group_by("period").agg(
        total(pl.col("vat").filter(pl.col("part") == name)).alias(name) for name in names
    )
    due = pl.col("vat_on_debit") + pl.col("vat_on_collection") - pl.col("vat_deductible")
    return sums.with_columns(vat_due_estimate=due).with_columns(
        cents(pl.col(name)) for name in [*names, "vat_due_estimate"]
    )
