"""The invoices of maintenance contracts: which fees fall due, and the counter sales whose place they take.

Works on the skeleton before anything is priced: VAT, instalments, stock and purchases then follow by themselves. The
company keeps its number of documents and lines, so each contract invoice takes the place of a short sale without
parent, written about the same time, which no other case needs.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.chains import INVOICE, NAMES
from ebp_lakehouse.demo.company.customers import Customers
from ebp_lakehouse.demo.company.field.contracts import Contracts
from ebp_lakehouse.demo.company.field.equipment import Park
from ebp_lakehouse.demo.company.items import LINE_TYPES, SERVICE, Items, price_on
from ebp_lakehouse.demo.company.padding import TEXT, TEXTS
from ebp_lakehouse.demo.company.primitives import Bool, Int, generator, rank_in_group, spread
from ebp_lakehouse.demo.company.skeleton import LINE_COLUMNS, Skeleton
from ebp_lakehouse.demo.company.truth import GroundTruth

YEAR = 365  # a fee is paid a year in advance, whatever the number of visits
LATE_DAYS = 12  # the office invoices a fee within so many days
APART_DAYS = 7  # a planted document and what may be its twin are left alone
LINES, A_LINE_IN_DAYS = 3, 180  # sales that may give way; a longer one only where short ones are so much further away
EXPORT_VAT = 5
CASE = "invoice of a maintenance contract"
MOVES = "gold.contract_profitability.invoiced; recurring share (KPI 34)"


def write(
    seed: int,
    plans: Contracts,
    park: Park,
    calendar: BusinessCalendar,
    customers: Customers,
    items: Items,
    sk: Skeleton,
) -> None:
    """Write the invoices into ``sk``; in a company too small for all of them the oldest fees stay without one."""
    contract, day = _due(seed, plans, calendar)
    document, of = _places(sk, park, day)
    contract, day = contract[of], day[of]
    payer = plans.payer[contract]
    docs, lines = sk.documents, sk.lines
    docs["customer"][document], docs["day"][document] = payer, day
    docs["seller"][document] = customers.salesperson[payer]
    docs["shipping_vat"][document] = np.where(customers.export[payer], EXPORT_VAT, 0)
    docs["contract"][document] = contract

    line = np.flatnonzero(docs["contract"][lines["document"]] >= 0)
    at = lines["document"][line]
    owner = docs["contract"][at]
    first = rank_in_group(at, lines["order"][line]) == 0
    price = price_on(plans.fee_cents[owner], docs["day"][at], calendar.as_of)
    fee = fee_line(plans.fee_cents[owner], price, customers.export[plans.payer[owner]], items)
    words: dict[str, Int | int] = {"line_type": TEXT, "text": -4 - owner % len(TEXTS)}
    for name, default in LINE_COLUMNS.items():
        if name not in ("document", "order"):  # the cost of a contract is in its visits, not on its invoice
            sold, said = (np.asarray(cells.get(name, default)) for cells in (fee, words))
            lines[name][line] = np.where(first, sold, said)


def fee_line(fee_cents: Int, price: Int, export: Bool, items: Items) -> dict[str, Int | int]:
    """The line of each fee: one contract item, that whose catalogue price is nearest to the fee of today.

    Any service where the company sells no contract item.
    """
    contracts = np.array(["Contrat" in caption for caption in items.captions])
    sold = np.flatnonzero(contracts if contracts.any() else items.kind == SERVICE)
    item = sold[np.abs(items.price[sold][None, :] - fee_cents[:, None]).argmin(axis=1)]
    return {
        "line_type": LINE_TYPES[items.kind[item]], "item": item, "quantity": 1000, "unit_quantity": 1000, "price": price,
        "vat": np.where(export, EXPORT_VAT, items.vat[item]),
    }  # fmt: skip


def describe(plans: Contracts, named: Int, documents: pl.DataFrame, truth: GroundTruth) -> None:
    """Report which invoice belongs to which contract, and what it asked for."""
    rows = np.flatnonzero(named >= 0).tolist()
    invoices = documents[rows]
    truth.plant(CASE, "SaleDocument", invoices["Id"], MOVES)
    truth.describe(
        "contract invoice",
        pl.DataFrame(
            {
                "sale_document_id": invoices["Id"],
                "contract_id": plans.codes.gather(named[rows].tolist()),
                "day": invoices["DocumentDate"].dt.date().cast(pl.String),
                "amount": invoices["AmountVatExcludedWithDiscountAndShipping"].cast(pl.Float64),
            }
        ),
    )


def _due(seed: int, plans: Contracts, calendar: BusinessCalendar) -> tuple[Int, Int]:
    """(contract, day of the invoice) of every fee due up to the as-of day, the latest fee of each contract first."""
    rng = generator(seed, "contract invoices")
    until = np.minimum(plans.until, calendar.as_of + 1)
    owner, rank = spread(np.maximum(0, -((plans.start - until) // YEAR)))
    late = rng.integers(0, LATE_DAYS, len(owner))
    day = calendar.roll_invoicing(plans.start[owner] + rank * YEAR + late)
    owner, day = owner[day < until[owner]], day[day < until[owner]]
    order = np.lexsort((owner, rank_in_group(owner, -day)))
    return owner[order], day[order]


def _places(sk: Skeleton, park: Park, day: Int) -> tuple[Int, Int]:
    """(document, which of the fees) of each pair: the shortest free sale nearest to its day, the first fees first."""
    free = np.flatnonzero(_free(sk, park))
    size = np.bincount(sk.lines["document"], minlength=sk.documents.size)[free]
    written, taken = sk.documents["day"][free], np.zeros(len(free), dtype=bool)
    found = np.zeros(min(len(day), len(free)), dtype=np.int64)
    for n in range(len(found)):
        away = np.abs(written - day[n]) + A_LINE_IN_DAYS * (size - 1)
        found[n] = np.argmin(np.where(taken, np.iinfo(np.int64).max, away))
        taken[found[n]] = True
    return free[found], np.arange(len(found))


def _free(sk: Skeleton, park: Park) -> Bool:
    """Plain short counter sales that nothing refers to, neither the first nor the last invoice of a customer."""
    docs, lines = sk.documents, sk.lines
    every = np.arange(docs.size)
    plain = (docs["kind"] == INVOICE) & (docs["path"] == NAMES.index("DIRECT"))
    for name in ("footer_bp", "footer_amount", "financial_bp", "shipping", "charges", "ttc", "foreign", "reverse",
                 "absurd", "post_dated", "template", "deposit_share"):  # fmt: skip
        plain &= docs[name] == 0
    plain &= (docs["origin"] < 0) & (docs["deposit_document"] < 0) & ~np.isin(every, docs["origin"])
    plain &= np.bincount(lines["document"], minlength=docs.size) <= LINES
    plain &= ~np.isin(every, lines["document"][(lines["level"] > 0) | (lines["not_included"] == 1)])
    sold_piece = lines["document"][park.line[park.line >= 0]]
    linked = lines["document"][np.r_[sk.links["origin"], sk.links["target"]]]
    plain &= ~np.isin(every, np.r_[sold_piece, linked])
    for planted in sk.planted:
        rows = planted.rows if planted.of == "documents" else lines["document"][planted.rows]
        for row in np.unique(rows).tolist():
            near = np.abs(docs["day"] - docs["day"][row]) <= APART_DAYS
            plain &= ~(near & (docs["customer"] == docs["customer"][row]))
    invoice = (docs["kind"] == INVOICE) & (docs["template"] != 1)
    sequence = docs["day"] * docs.size + every
    customer = np.where(invoice, docs["customer"], -1)
    return np.asarray(plain & (rank_in_group(customer, sequence) > 0) & (rank_in_group(customer, -sequence) > 0))
