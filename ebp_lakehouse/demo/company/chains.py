"""Sales opportunities and the documents they become: quote -> order -> deliveries -> invoices, with dates.

A chain is one opportunity of one customer; its path says which documents it may become. Documents dated after the
as-of day do not exist yet, which is what makes open orders and deliveries not yet invoiced. Lines are in ``sold``.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.customers import TAX_INCLUDED_CUSTOMER, Customers
from ebp_lakehouse.demo.company.primitives import Bool, Int, at_least_one, rank_in_group
from ebp_lakehouse.demo.company.skeleton import Skeleton

QUOTE, INVOICE, CREDIT_NOTE, DEPOSIT, DEPOSIT_CREDIT, DELIVERY, RETURN, ORDER, OTHER = 1, 2, 3, 4, 5, 6, 7, 8, 12
KIND_OF_STAGE = {
    "QA": QUOTE,
    "Q": QUOTE,
    "O": ORDER,
    "D1": DELIVERY,
    "D2": DELIVERY,
    "I1": INVOICE,
    "I2": INVOICE,
    "X": OTHER,
    "T": INVOICE,
}
PAUSE_DAYS = 400

# name: (chains at full scale, stages). Shares follow a heating and plumbing dealer: half of the quotes are lost, most
# business is ordered then delivered, a quarter is invoiced over the counter (DIRECT fills up to the document count).
PATHS: dict[str, tuple[int, tuple[str, ...]]] = {
    "LOST": (1500, ("Q",)),
    "REVISED": (130, ("QA", "Q")),
    "FULL": (620, ("Q", "O", "D1", "I1")),
    "QUOTE_INVOICE": (280, ("Q", "I1")),
    "ORDER": (1050, ("O", "D1", "I1")),
    "SPLIT_ONE": (280, ("O", "D1", "D2", "I1")),
    "SPLIT_MERGED": (90, ("O", "D1", "D2", "I1")),
    "SPLIT_TWO": (100, ("Q", "O", "D1", "D2", "I1", "I2")),
    "ORDER_TWO": (100, ("O", "I1", "I2")),
    "REMAINDER": (100, ("O", "D1", "I1")),
    "CANCELLED": (60, ("O",)),
    "DELIVERY_GROUPED": (1000, ("D1", "I1")),
    "ORDER_GROUPED": (400, ("O", "D1", "I1")),
    "ORDER_INVOICE": (280, ("O", "I1")),
    "UNBILLED": (30, ("D1",)),
    "OTHER": (3, ("X",)),
    "TEMPLATE": (690, ("T",)),
    "DIRECT": (0, ("I1",)),
}
NAMES = tuple(PATHS)
GROUPED = ("DELIVERY_GROUPED", "ORDER_GROUPED")
SPLIT = ("SPLIT_ONE", "SPLIT_MERGED", "SPLIT_TWO", "ORDER_TWO", "REMAINDER")
# Days from the previous stage: (minimum, mean of the exponential part).
LAGS = {"Q": (6, 10.0), "O": (2, 14.0), "D1": (1, 9.0), "D2": (6, 14.0), "I1": (0, 4.0), "I2": (10, 20.0)}


@dataclass
class Chains:
    """One row per opportunity; ``documents[stage]`` is the document index of each chain, -1 when there is none."""

    path: Int
    customer: Int
    start: Int
    footer_bp: Int
    financial_bp: Int
    shipping: Int
    shipping_vat: Int
    charges: Int
    eco: Bool
    ttc: Bool
    documents: dict[str, Int]

    def on(self, *names: str) -> Bool:
        """Mask of the chains on one of these paths."""
        return np.isin(self.path, [NAMES.index(n) for n in names])


def build(
    rng: np.random.Generator,
    scale: float,
    target: int,
    calendar: BusinessCalendar,
    customers: Customers,
    sk: Skeleton,
    later: int,
    *,
    orders: bool,
) -> Chains:
    """Draw the chains and add their documents to ``sk``, leaving room for ``later`` documents below ``target``.

    Without ``orders`` the other documents of each chain follow each other directly.
    """
    counts = {name: (at_least_one(n, scale) if n else 0) for name, (n, _) in PATHS.items()}
    first = _draw(rng, counts, calendar, customers)
    days = _dates(rng, first, calendar, orders=orders)
    made = sum(int((d >= 0).sum()) for d in days.values()) - _saved_by_grouping(first, days)
    direct = _draw(rng, {"DIRECT": max(1, target - later - made)}, calendar, customers)
    direct_days = _dates(rng, direct, calendar, orders=orders)
    chains = Chains(
        **{
            name: np.concatenate([getattr(first, name), getattr(direct, name)])
            for name in (
                "path",
                "customer",
                "start",
                "footer_bp",
                "financial_bp",
                "shipping",
                "shipping_vat",
                "charges",
                "eco",
                "ttc",
            )
        },
        documents={},
    )
    for stage in KIND_OF_STAGE:
        joined = np.concatenate([days[stage], direct_days[stage]])
        chains.documents[stage] = _add_documents(stage, joined, chains, customers, sk)
    return chains


def _draw(rng: np.random.Generator, counts: dict[str, int], calendar: BusinessCalendar, customers: Customers) -> Chains:
    path = np.repeat([NAMES.index(n) for n in counts], list(counts.values()))
    share = np.interp(np.stack([customers.first_day, customers.last_day]), calendar.days, calendar.cumulated)
    mass = customers.weight * np.maximum(share[1] - share[0], 1e-4)
    customer = np.zeros(len(path), dtype=np.int64)
    for name in counts:
        here = path == NAMES.index(name)
        if name in ("LOST", "REVISED"):
            weight = mass * np.where(customers.prospect, 3.0, 1.0)
        else:
            weight = mass * ~customers.prospect
            if name in GROUPED and (weight * customers.grouped).any():
                weight = weight * customers.grouped
        customer[here] = rng.choice(customers.count, int(here.sum()), p=weight / weight.sum())
        if name == "DIRECT" and here.any():
            customer[np.flatnonzero(here)[0]] = TAX_INCLUDED_CUSTOMER
    start = _start_days(rng, customer, share, calendar, customers)
    size = len(path)
    grouped = np.isin(path, [NAMES.index(n) for n in GROUPED])
    ttc = customers.price_with_tax[customer] & ~grouped & (path != NAMES.index("TEMPLATE"))
    plain = grouped | ttc | (path == NAMES.index("TEMPLATE")) | (path == NAMES.index("OTHER"))
    export = customers.export[customer]
    footer = np.where(rng.random(size) < 0.08, rng.choice([200, 300, 500, 750], size), 0)
    financial = np.where((rng.random(size) < 0.03) & ~customers.individual[customer], rng.choice([100, 200], size), 0)
    shipping = np.where(rng.random(size) < 0.18, rng.integers(6, 45, size) * 100 + 90, 0)
    charges = np.where((rng.random(size) < 0.04) & (shipping == 0), 500, 0)
    other_rate = rng.random(size) < 0.05
    return Chains(
        path=path,
        customer=customer,
        start=start,
        footer_bp=np.where(plain, 0, footer),
        financial_bp=np.where(plain, 0, financial),
        shipping=np.where(plain, 0, shipping),
        shipping_vat=np.where(export, 5, np.where(other_rate, 1, 0)),
        charges=np.where(plain, 0, charges),
        eco=(rng.random(size) < 0.35) & ~ttc,
        ttc=ttc & ~export,
        documents={},
    )


def _start_days(
    rng: np.random.Generator, customer: Int, share: np.ndarray, calendar: BusinessCalendar, customers: Customers
) -> Int:
    """Days at the rhythm of each customer: regular ones evenly spaced, growing ones later, none during their pause."""
    size = len(customer)
    times = np.bincount(customer, minlength=customers.count)[customer]
    even = (rank_in_group(customer, rng.random(size)) + rng.uniform(0.2, 0.8, size)) / np.maximum(times, 1)
    position = np.where(customers.regular[customer], even, rng.random(size)) ** customers.trend[customer]
    low, high = share[0][customer], share[1][customer]
    index = np.searchsorted(calendar.cumulated, low + (high - low) * position)
    day = calendar.days[np.minimum(index, len(calendar.days) - 1)]
    pause = customers.pause_start[customer]
    paused = (pause >= 0) & (day >= pause) & (day < pause + PAUSE_DAYS)
    after, before = day + PAUSE_DAYS, np.maximum(customers.first_day[customer], day - PAUSE_DAYS)
    return calendar.roll(
        np.where(paused, np.where(after <= customers.last_day[customer], after, np.minimum(before, pause - 1)), day)
    )


def _month_end(day: Int, calendar: BusinessCalendar) -> Int:
    """Last business day of the month of each day; a day past the as-of when that month is not over."""
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    end = (month + 1).astype("datetime64[D]").astype(np.int64) - 1
    back = calendar.days[np.maximum(np.searchsorted(calendar.days, end, side="right") - 1, 0)]
    return np.where(end > calendar.as_of, end, np.maximum(back, day))


def _dates(rng: np.random.Generator, chains: Chains, calendar: BusinessCalendar, *, orders: bool) -> dict[str, Int]:
    """Day of each stage of each chain, -1 where the path has no such stage or the day has not come yet."""
    days: dict[str, Int] = {}
    previous = np.full(len(chains.path), -1)
    alive = np.ones(len(chains.path), dtype=bool)
    for stage, kind in KIND_OF_STAGE.items():
        has = np.isin(chains.path, [n for n, name in enumerate(NAMES) if stage in PATHS[name][1]])
        has &= orders or kind != ORDER
        low, mean = LAGS.get(stage, (0, 0.0))
        lag = low + rng.exponential(mean, len(has)).astype(np.int64) if mean else np.zeros(len(has), dtype=np.int64)
        day = np.where(previous < 0, chains.start, previous + lag)
        if stage == "I1":
            day = np.where(chains.on(*GROUPED), _month_end(day - lag, calendar), day)
        rolled = calendar.roll_invoicing(day) if kind == INVOICE else calendar.roll(day)
        alive &= ~has | (rolled <= calendar.as_of)
        days[stage] = np.where(has & alive, rolled, -1)
        previous = np.where(has & alive, rolled, previous)
    return days


def _grouping_key(chains: Chains, day: Int) -> Int:
    return chains.customer * 100_000 + day


def _saved_by_grouping(chains: Chains, days: dict[str, Int]) -> int:
    mask = chains.on(*GROUPED) & (days["I1"] >= 0)
    return int(mask.sum()) - len(np.unique(_grouping_key(chains, days["I1"])[mask]))


def _add_documents(stage: str, day: Int, chains: Chains, customers: Customers, sk: Skeleton) -> Int:
    """Documents of one stage; chains grouped on the same invoice share its index."""
    index = np.full(len(day), -1)
    exists = day >= 0
    grouped = exists & chains.on(*GROUPED) if stage == "I1" else np.zeros(len(day), dtype=bool)
    for mask, together in ((exists & ~grouped, False), (grouped, True)):
        where = np.flatnonzero(mask)
        if together:
            _, lead, member = np.unique(_grouping_key(chains, day)[where], return_index=True, return_inverse=True)
        else:
            lead = member = np.arange(len(where))
        head = where[lead]
        rows = sk.documents.add(
            len(head),
            kind=KIND_OF_STAGE[stage],
            customer=chains.customer[head],
            day=day[head],
            seller=customers.salesperson[chains.customer[head]],
            footer_bp=chains.footer_bp[head],
            financial_bp=chains.financial_bp[head],
            shipping=chains.shipping[head],
            shipping_vat=chains.shipping_vat[head],
            shipping_no_financial=(head % 2).astype(np.int64),
            charges=chains.charges[head],
            ttc=chains.ttc[head].astype(np.int64),
            path=chains.path[head],
            revision={"QA": 1}.get(
                stage, np.where(chains.path[head] == NAMES.index("REVISED"), 2, 0) if stage == "Q" else 0
            ),
            template=int(stage == "T"),
            dead=np.isin(chains.path[head], [NAMES.index("CANCELLED"), NAMES.index("LOST")]).astype(np.int64),
        )
        index[where] = rows[member] if len(where) else index[where]
    return index
