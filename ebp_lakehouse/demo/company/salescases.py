"""The cases that the sales chains bring about by themselves, found again in the skeleton and reported to the truth.

Nothing is made here.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.chains import (
    CREDIT_NOTE,
    DELIVERY,
    DEPOSIT,
    DEPOSIT_CREDIT,
    GROUPED,
    INVOICE,
    NAMES,
    ORDER,
    OTHER,
    QUOTE,
    RETURN,
)  # fmt: skip
from ebp_lakehouse.demo.company.derived import ORIGIN_BY_LINES, ORIGIN_BY_TABLE, ORIGIN_BY_TEXT, UNLINKED
from ebp_lakehouse.demo.company.pricing import DocumentAmounts, LineAmounts, LineInputs
from ebp_lakehouse.demo.company.primitives import Int
from ebp_lakehouse.demo.company.skeleton import Skeleton
from ebp_lakehouse.demo.company.truth import GroundTruth


def report(
    sk: Skeleton, amounts: DocumentAmounts, line_amounts: LineAmounts, typed: LineInputs, settled: Int, due: Int,
) -> None:  # fmt: skip
    """Plant what is there: documents first, then lines."""
    docs, lines = sk.documents, sk.lines
    kind, path, link = docs["kind"], docs["path"], docs["origin_link"]
    usual = np.isin(kind, (INVOICE,)) & (docs["template"] != 1)
    fed = np.zeros(docs.size, dtype=bool)
    fed[lines["document"][sk.links["origin"]]] = True
    credited = docs["origin"] * (kind == CREDIT_NOTE)
    month = docs["day"].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    year = month // 12
    source = np.maximum(docs["origin"], 0)

    def on(*names: str) -> np.ndarray:
        return np.isin(path, [NAMES.index(name) for name in names])

    documents = (
        ("invoice grouping the deliveries of a month", usual & on(*GROUPED), "order to invoice chain; one sale, once"),
        ("order delivered in several times, one invoice", (kind == ORDER) & on("SPLIT_ONE", "SPLIT_MERGED"), "backlog"),
        ("order invoiced in several times", (kind == ORDER) & on("SPLIT_TWO", "ORDER_TWO"), "backlog, revenue"),
        ("invoice straight from a quote", usual & on("QUOTE_INVOICE"), "quote conversion"),
        ("invoice without parent", usual & on("DIRECT"), "revenue"),
        ("quote lost or expired", (kind == QUOTE) & on("LOST"), "quote conversion"),
        ("quote in two revisions", (kind == QUOTE) & on("REVISED"), "quote conversion (one deal, not two)"),
        ("order closed by hand", (kind == ORDER) & (settled == 1), "backlog (the rest will never come)"),
        ("open order", (kind == ORDER) & ~fed & (settled == 0), "backlog"),
        ("delivery not yet invoiced", (kind == DELIVERY) & ~fed, "deliveries to invoice (FAE)"),
        ("return note", kind == RETURN, "revenue must not move; stock does"),
        ("credit note linked by SaleCreditMemoOrigin", (kind == CREDIT_NOTE) & (link == ORIGIN_BY_TABLE), "revenue"),
        ("credit note linked by its lines", (kind == CREDIT_NOTE) & (link == ORIGIN_BY_LINES), "revenue"),
        ("credit note linked by text only", (kind == CREDIT_NOTE) & (link == ORIGIN_BY_TEXT), "revenue"),
        ("credit note without link", (kind == CREDIT_NOTE) & (link == UNLINKED), "revenue"),
        ("credit note in a later month", (credited > 0) & (month > month[source]), "revenue by month (its own)"),
        ("credit note in a later year", (credited > 0) & (year > year[source]), "revenue by year (its own)"),
        ("deposit invoice", kind == DEPOSIT, "revenue (never)"),
        ("deposit credit note", kind == DEPOSIT_CREDIT, "revenue (never)"),
        ("final invoice with nothing left to pay", usual & (docs["deposit_amount"] > 0) & (due == 0), "receivables"),
        ("unknown kind with a large amount", kind == OTHER, "revenue (never)"),
        ("template that was never posted", docs["template"] == 1, "revenue (never)"),
        ("posted template", docs["template"] == 2, "revenue"),
        ("document dated after today", docs["post_dated"] == 1, "revenue (left out until then)"),
        ("financial discount", usual & (amounts.financial != 0), "revenue and margin (not lowered)"),
        ("shipping under another VAT rate", usual & (docs["shipping"] != 0) & (docs["shipping_vat"] == 1), "VAT"),
        ("invoicing charges", usual & (docs["charges"] != 0), "revenue by product (row FRAIS)"),
        ("eco-contribution", usual & (amounts.ecotax != 0), "revenue, margin (row ECOTAXE)"),
        ("entered with tax", usual & (docs["ttc"] == 1), "net amounts (never recomputed from TTC)"),
        ("export or intra-EU", usual & amounts.used[:, 5], "VAT"),
        ("VAT of the lines off by a cent or more", usual & (_line_vat(sk, line_amounts, typed) != amounts.vat_amount)
         & (docs["ttc"] == 0) & (docs["shipping"] == 0) & (docs["charges"] == 0) & (amounts.ecotax == 0),
         "VAT by line (rest to the largest)"),
    )  # fmt: skip
    for case, mask, moves in documents:
        sk.plant(case, "documents", mask, moves)
    invoiced = usual[lines["document"]]
    counted = typed.counted & invoiced
    nested = (lines["level"] == 2) & invoiced
    line_cases = (
        ("component under a bundle", (lines["level"] >= 1) & invoiced, "revenue (the bundle counts once)"),
        ("component two levels down", nested, "revenue (the bundle counts once)"),
        ("option not included", (lines["not_included"] == 1) & (lines["level"] == 0), "revenue (left out)"),
        ("free text with a price", counted & (lines["item"] < 0), "revenue by product (NO_ITEM)"),
        ("free goods", counted & (lines["d0"] == 10_000), "margin, quantity"),
        ("quantity zero", counted & (lines["quantity"] == 0), "number of lines"),
        ("line of the other sign on an invoice", counted & (lines["quantity"] < 0), "revenue, discount"),
        ("quantity with three decimals", counted & (lines["quantity"] % 10 != 0), "quantity"),
        ("three discounts in cascade", counted & (lines["d2"] > 0), "discount"),
        ("line exempt from VAT", counted & (lines["vat"] == 4), "VAT"),
        ("goods without a cost", counted & (lines["line_type"] == 2) & (lines["item"] >= 0) & (lines["cost"] == 0), "margin (is_cost_missing)"),
        ("subtotal that repeats an amount", invoiced & (lines["line_type"] == 4), "revenue (left out)"),
    )  # fmt: skip
    for case, mask, moves in line_cases:
        sk.plant(case, "lines", mask, moves)


def _line_vat(sk: Skeleton, amounts: LineAmounts, typed: LineInputs) -> Int:
    per_line = np.where(typed.counted, amounts.net_final_ttc - amounts.net_final, 0)
    return np.rint(np.bincount(sk.lines["document"], weights=per_line, minlength=sk.documents.size)).astype(np.int64)


def report_payments(frames: dict[str, pl.DataFrame], truth: GroundTruth) -> None:
    """Payment cases, from the finished tables."""
    c = pl.col
    commitments, settlements = frames["SaleCommitment"], frames["SaleSettlement"]
    links, customers = frames["SaleSettlementCommitmentAssociation"], frames["Customer"]
    cash = links.filter(c("SettlementId").is_not_null())
    rejected = settlements.filter("IsUnpaid")["Id"].implode()
    paid = cash.filter(~c("SettlementId").is_in(rejected))
    twice = paid.group_by("CommitmentId").len().filter(c("len") > 1)["CommitmentId"]
    several = paid.group_by("SettlementId").len().filter(c("len") >= 5)["SettlementId"]
    partly = commitments.filter((c("BalanceDue") > 0) & (c("BalanceDue") < c("Amount")))["Id"]
    many = commitments.group_by("DocumentId").len().filter((c("len") == 3) & c("DocumentId").is_not_null())
    over = customers.filter((c("AllowedAmount") > 0) & (c("CurrentAmount") > c("AllowedAmount")))["Id"]
    cases = (
        ("instalment paid in part", "SaleCommitment", partly, "receivables"),
        ("instalment paid in two settlements", "SaleCommitment", twice, "payment date (the last one)"),
        ("three instalments", "SaleDocument", many["DocumentId"], "receivables by due date"),
        ("one settlement for five instalments or more", "SaleSettlement", several, "cash collected (once)"),
        ("rejected settlement", "SaleSettlement", settlements.filter("IsUnpaid")["Id"], "cash, rejected payment rate"),
        ("money not allocated", "SaleSettlement", settlements.filter(c("RemainingAmount") > 0)["Id"], "receivables net"),
        ("deposit on an order", "SaleSettlement", settlements.filter("IsDeposit")["Id"], "deposits not yet applied"),
        ("set-off against a credit note", "SaleSettlementCommitmentAssociation",
         links.filter(c("LinkedCommitmentId").is_not_null())["Id"], "cash (none), receivables"),
        ("doubtful", "SaleSettlementCommitmentAssociation", links.filter("IsDoubtfulAssociation")["Id"], "receivables"),
        ("written off", "SaleCommitment", commitments.filter(c("LiquidationType") != 0)["Id"], "paid without money"),
        ("balance without a document", "SaleCommitment", commitments.filter(c("DocumentId").is_null())["Id"],
         "receivables but not sales"),
        ("reminded three times", "SaleCommitment", commitments.filter(c("LastReminderLevel") == 3)["Id"], "reminders"),
        ("payer is not the buyer", "Customer", customers.filter(c("PaymentThirdId").is_not_null())["Id"],
         "receivables by debtor, revenue by buyer"),
        ("credit limit exceeded", "Customer", over, "credit-limit breaches"),
        ("inactive and still owing", "Customer", customers.filter((c("ActiveState") != 0) & (c("CurrentAmount") > 0))["Id"],
         "receivables (inactive customers count)"),
    )  # fmt: skip
    for case, table, keys, moves in cases:
        truth.plant(case, table, keys.sort(), moves)
