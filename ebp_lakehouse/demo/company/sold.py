"""What is sold: the lines of each opportunity, copied with their quantities through the documents of its chain.

"Roots" are the lines of the opportunity (bundles exploded into their components); each stage copies the roots it needs.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.chains import SPLIT, Chains
from ebp_lakehouse.demo.company.customers import Customers
from ebp_lakehouse.demo.company.items import (
    BUNDLE,
    GOOD,
    LABOUR,
    LINE_TYPES,
    PALLET_PRICE,
    SERVICE,
    TRAVEL,
    Items,
    in_bulk,
    price_on,
    promoted,
    seasonal,
)  # fmt: skip
from ebp_lakehouse.demo.company.primitives import Bool, Int, spread
from ebp_lakehouse.demo.company.skeleton import Skeleton

MEAN_LINES = 3.9
EXPLOSION = 1.15  # lines per root once bundles are exploded and credit notes made, measured
ITEM_LINES_SHARE = 0.93  # the rest of the table is text
FAVOURITES = 8  # each customer comes back to a handful of items
FAVOURITE_SHARE = 0.4
# Line discounts in basis points with their frequency: most sales are at list price, trade discounts are round numbers.
FIRST_DISCOUNTS = ((0, 0.62), (500, 0.12), (1000, 0.13), (1500, 0.06), (250, 0.04), (2000, 0.03))
OPTION_SHARE, TEXT_PRICED_SHARE, FREE_SHARE, ZERO_SHARE = 0.03, 0.015, 0.012, 0.004
PALLET_SHARE = 0.12  # of the lines of items taken in bulk: eight to twenty times the usual quantity
PROMOTION_MONTH, PROMOTION_PRICE, PROMOTION_PULL = 2, 0.85, 0.06  # March (counted from 0); share of its lines
WORK_TEXTS = ("Fourniture et pose selon devis", "Travaux supplémentaires", "Petites fournitures de chantier")

# Copies: (stage, quantity part 0 = all 1 = first 2 = rest, paths, label of the copy, labels it is transferred from).
Copy = tuple[str, int, tuple[str, ...], str, tuple[str, ...]]
COPIES: tuple[Copy, ...] = (
    ("T", 0, ("TEMPLATE",), "T", ()),
    ("X", 0, ("OTHER",), "X", ()),
    ("QA", 0, ("REVISED",), "QA", ()),
    ("Q", 0, ("LOST", "REVISED", "FULL", "QUOTE_INVOICE", "SPLIT_TWO"), "Q", ()),
    ("O", 0, ("FULL", "SPLIT_TWO"), "O", ("Q",)),
    (
        "O",
        0,
        ("ORDER", "SPLIT_ONE", "SPLIT_MERGED", "ORDER_TWO", "REMAINDER", "CANCELLED", "ORDER_GROUPED", "ORDER_INVOICE"),
        "O",
        (),
    ),
    ("D1", 0, ("FULL", "ORDER", "ORDER_GROUPED"), "D1", ("O",)),
    ("D1", 0, ("DELIVERY_GROUPED", "UNBILLED"), "D1", ()),
    ("D1", 1, ("SPLIT_ONE", "SPLIT_MERGED", "SPLIT_TWO", "REMAINDER"), "D1", ("O",)),
    ("D2", 2, ("SPLIT_ONE", "SPLIT_MERGED", "SPLIT_TWO"), "D2", ("O",)),
    ("I1", 0, ("DIRECT",), "I1", ()),
    ("I1", 0, ("FULL", "ORDER", "DELIVERY_GROUPED", "ORDER_GROUPED"), "I1", ("D1",)),
    ("I1", 0, ("QUOTE_INVOICE",), "I1", ("Q",)),
    ("I1", 0, ("ORDER_INVOICE",), "I1", ("O",)),
    ("I1", 0, ("SPLIT_MERGED",), "I1", ("D1", "D2")),
    ("I1", 1, ("SPLIT_ONE", "SPLIT_TWO", "REMAINDER"), "I1", ("D1",)),
    ("I1", 2, ("SPLIT_ONE",), "I1b", ("D2",)),
    ("I1", 1, ("ORDER_TWO",), "I1", ("O",)),
    ("I2", 2, ("SPLIT_TWO",), "I2", ("D2",)),
    ("I2", 2, ("ORDER_TWO",), "I2", ("O",)),
)


@dataclass
class Roots:
    """Lines of the opportunities: base lines first, then the components of their bundles."""

    chain: Int
    rank: Int
    base: Int
    parent: Int
    level: Int
    item: Int
    factor: Int
    quantity: Int
    first_part: Int
    option: Bool
    columns: dict[str, Int]


def build(
    rng: np.random.Generator,
    chains: Chains,
    calendar: BusinessCalendar,
    customers: Customers,
    items: Items,
    sk: Skeleton,
    target: int,
) -> None:
    """Fill ``sk.lines`` and ``sk.links`` for every document of the chains, with fewer than ``target`` lines in all."""
    roots = _roots(rng, chains, calendar, customers, items, target)
    placed: dict[str, Int] = {}
    direct = chains.on("DIRECT", "LOST", "REVISED")[roots.chain]
    part = {0: roots.quantity, 1: roots.first_part, 2: roots.quantity - roots.first_part}
    for stage, which, paths, label, origins in COPIES:
        base_quantity = part[which][roots.base]
        present = chains.on(*paths)[roots.chain] & (chains.documents[stage][roots.chain] >= 0)
        present &= (base_quantity != 0) if which else True
        present &= ~roots.option[roots.base] | direct | (stage == "Q")
        rows = np.flatnonzero(present)
        if not len(rows):
            continue
        real = base_quantity[rows] * roots.factor[rows] // 1000
        made = sk.lines.add(
            len(rows),
            document=chains.documents[stage][roots.chain[rows]],
            level=roots.level[rows],
            item=roots.item[rows],
            quantity=real,
            # Components print the quantity of one bundle; only RealQuantity multiplies it.
            unit_quantity=np.where(roots.level[rows] > 0, roots.factor[rows], real),
            not_included=roots.option[roots.base[rows]].astype(np.int64),
            order=roots.chain[rows] * 100_000 + roots.rank[rows] + (50_000 if label == "I1b" else 0),
            **{name: values[rows] for name, values in roots.columns.items()},
        )
        at = placed.setdefault(label, np.full(len(roots.chain), -1))
        at[rows] = made
        inner = roots.level[rows] > 0
        sk.lines["parent"][made[inner]] = at[roots.parent[rows][inner]]
        sk.lines["top"][made[inner]] = at[roots.base[rows][inner]]
        _link(sk, placed, rows, made, roots, origins)


def _link(sk: Skeleton, placed: dict[str, Int], rows: Int, made: Int, roots: Roots, origins: tuple[str, ...]) -> None:
    for origin in origins:
        if origin not in placed:  # no order was ever written in this company
            continue
        source = placed[origin][rows]
        linked = (source >= 0) & (roots.level[rows] == 0)
        both = np.minimum(np.abs(sk.lines["quantity"][source[linked]]), np.abs(sk.lines["quantity"][made[linked]]))
        sk.links.add(int(linked.sum()), origin=source[linked], target=made[linked], quantity=both)


def _roots(
    rng: np.random.Generator,
    chains: Chains,
    calendar: BusinessCalendar,
    customers: Customers,
    items: Items,
    target: int,
) -> Roots:
    count = np.minimum(rng.geometric(1 / MEAN_LINES, len(chains.path)), 18)
    # Small companies are at the mercy of a few long chains: shorten all lists when they would overflow the table.
    expected = EXPLOSION * float((count * sum((at >= 0).astype(np.int64) for at in chains.documents.values())).sum())
    count = np.maximum(1, (count * min(1.0, ITEM_LINES_SHARE * target / expected)).astype(np.int64))
    count = np.where(chains.on("TEMPLATE"), np.minimum(count, 2), count)
    chain, rank = spread(count)
    size = len(chain)
    item = _pick_items(rng, chains, chain, calendar, customers, items)
    item[chains.on("TEMPLATE")[chain]] = 2 + 2 * rng.integers(0, 2, int(chains.on("TEMPLATE")[chain].sum()))  # services
    item = np.where((rng.random(size) < TEXT_PRICED_SHARE) & ~chains.on("TEMPLATE")[chain], -1, item)
    _plant(item, chains, chain, rank, customers, items)
    text_priced = item < 0
    kind = np.where(text_priced, GOOD, items.kind[item])
    split = chains.on(*SPLIT)[chain] & (rank == 0)
    quantity = _quantities(rng, kind, np.where(text_priced, 0, items.unit[item]))
    pallet = in_bulk(item) & (kind == GOOD) & ~text_priced & (rng.random(size) < PALLET_SHARE)
    pallet &= items.price[np.maximum(item, 0)] < PALLET_PRICE
    quantity = np.where(pallet, quantity * rng.integers(8, 20, size), quantity)
    quantity = np.where(split & (quantity < 2000), 2000 + 1000 * rng.integers(0, 5, size), quantity)
    quantity = np.where((rng.random(size) < ZERO_SHARE) & (rank > 0), 0, quantity)
    # Part of each line goes with the first delivery; the first line is always cut in two so that no document is empty.
    whole = rng.random(size) < 0.5
    half = np.maximum(1000, quantity // 2000 * 1000)
    first_part = np.where(split | ~whole, np.where(quantity >= 2000, half, quantity), quantity)

    day = chains.start[chain]
    listed = np.where(text_priced, rng.integers(2000, 90_000, size), price_on(items.price[item], day, calendar.as_of))
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    offered = promoted(item) & (kind == GOOD) & ~text_priced & (month == PROMOTION_MONTH)
    listed = np.where(offered, np.rint(listed * PROMOTION_PRICE).astype(np.int64), listed)
    haggled = rng.random(size) < 0.1
    price = np.where(haggled, np.rint(listed * rng.uniform(0.88, 1.08, size)).astype(np.int64), listed)
    big = chains.on("OTHER")[chain] & (rank == 0)
    price = np.where(big, 50_000_000, price)  # an unknown document kind with an amount that would be seen in revenue
    rates, odds = zip(*FIRST_DISCOUNTS, strict=True)
    free = (rng.random(size) < FREE_SHARE) & (rank > 0)
    d0 = np.where(free, 10_000, rng.choice(rates, size, p=odds))
    cascade = (d0 > 0) & ~free
    d1 = np.where(cascade & (rng.random(size) < 0.2), 500, 0)
    d2 = np.where((d1 > 0) & (rng.random(size) < 0.3), 200, 0)
    cost = np.where(text_priced, 0, price_on(items.cost[item], day, calendar.as_of))
    vat = np.where(text_priced, 0, items.vat[item])
    vat = np.where(customers.export[chains.customer[chain]], 5, np.where(rng.random(size) < 0.004, 4, vat))
    quantity = np.where(big, 1000, quantity)
    eco = np.where(chains.eco[chain] & ~text_priced & ~customers.export[chains.customer[chain]], items.ecotax[item], 0)
    columns = {
        "line_type": np.where(text_priced, 2, LINE_TYPES[kind]),
        "price": price, "d0": d0, "d1": d1, "d2": d2, "vat": vat, "cost": cost,
        "purchase": np.where(text_priced, 0, price_on(items.purchase[item], day, calendar.as_of)),
        "no_footer": (np.isin(kind, (LABOUR, TRAVEL)) & (chain % 2 == 0)).astype(np.int64),
        "no_financial": (kind == TRAVEL).astype(np.int64),
        "ecotax": eco,
        "text": np.where(text_priced, rng.integers(0, len(WORK_TEXTS), size), -1),
        "seller": np.where(rng.random(size) < 0.03, rng.integers(1, 9, size), -1),
    }  # fmt: skip
    option = (rng.random(size) < OPTION_SHARE) & (rank > 0)
    base = Roots(
        chain=chain,
        rank=rank * 1000,
        base=np.arange(size),
        parent=np.full(size, -1),
        level=np.zeros(size, dtype=np.int64),
        item=item,
        factor=np.full(size, 1000),
        quantity=quantity,
        first_part=first_part,
        option=option,
        columns=columns,
    )
    return _explode(base, kind, items, chains, calendar)


def _pick_items(
    rng: np.random.Generator, chains: Chains, chain: Int, calendar: BusinessCalendar, customers: Customers, items: Items
) -> Int:
    size, odds = len(chain), items.weight / items.weight.sum()
    lasting = items.weight * ((items.first_day <= calendar.first_day) & (items.last_day >= calendar.as_of))
    lasting_odds = lasting / lasting.sum()
    favourites = rng.choice(items.count, (customers.count, FAVOURITES), p=odds)
    item = rng.choice(items.count, size, p=odds)
    liked = favourites[chains.customer[chain], rng.integers(0, FAVOURITES, size)]
    item = np.where(rng.random(size) < FAVOURITE_SHARE, liked, item)
    day = chains.start[chain]
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    offers = np.flatnonzero(promoted(np.arange(items.count)) & (items.kind == GOOD) & (items.weight > 0))
    if len(offers):
        tempted = (month == PROMOTION_MONTH) & (rng.random(size) < PROMOTION_PULL)
        item = np.where(tempted, rng.choice(offers, size), item)
    out_of_season = seasonal(item) & (month >= 3) & (month <= 7) & (rng.random(size) < 0.75)
    off_sale = (day < items.first_day[item]) | (day > items.last_day[item])
    return np.where(off_sale | out_of_season, rng.choice(items.count, size, p=lasting_odds), item)


def _plant(item: Int, chains: Chains, chain: Int, rank: Int, customers: Customers, items: Items) -> None:
    """At every scale: the nested bundle and an item with eco-contribution are sold through a whole chain."""
    usual = chains.on("FULL", "ORDER") & ~chains.ttc & ~customers.export[chains.customer]
    nested, taxed = np.flatnonzero(usual)[:2] if usual.sum() > 1 else (0, 0)
    item[(chain == nested) & (rank == 0)] = items.part_bundle[0]
    item[(chain == taxed) & (rank == 0)] = np.flatnonzero(items.ecotax > 0)[0]
    chains.eco[taxed] = True


def _quantities(rng: np.random.Generator, kind: Int, unit: Int) -> Int:
    size = len(kind)
    pieces = rng.geometric(0.35, size) * 1000
    measured = rng.integers(500, 60_000, size)  # metres, kilograms: three decimals
    hours = rng.integers(1, 33, size) * 250
    return np.select(
        [kind == LABOUR, kind == TRAVEL, kind == SERVICE, kind == BUNDLE, np.isin(unit, (3, 4, 5))],
        [hours, rng.integers(5, 120, size) * 1000, np.full(size, 1000), rng.integers(1, 4, size) * 1000, measured],
        pieces,
    )


def _explode(base: Roots, kind: Int, items: Items, chains: Chains, calendar: BusinessCalendar) -> Roots:
    """Append the components of each bundle line; they carry prices and amounts that must never be counted."""
    parts_per_item = np.bincount(items.part_bundle, minlength=items.count)
    first_part_of = np.searchsorted(items.part_bundle, np.arange(items.count))
    bundles = np.flatnonzero((kind == BUNDLE) & (base.item >= 0))
    owner, position = spread(parts_per_item[base.item[bundles]])
    top = bundles[owner]
    part = first_part_of[base.item[top]] + position
    inner = items.part_parent[part] >= 0
    size = len(base.chain)
    own_index = size + np.arange(len(part))
    parent = np.where(inner, own_index - position + items.part_parent[part], top)
    outer_quantity = np.where(
        inner, items.part_quantity[np.maximum(part - position + items.part_parent[part], 0)], 1000
    )
    item = items.part_item[part]
    day = chains.start[base.chain[top]]
    columns = {
        name: np.concatenate([values, np.zeros(len(part), dtype=np.int64)]) for name, values in base.columns.items()
    }
    columns["line_type"][size:] = 3
    columns["price"][size:] = price_on(items.price[item], day, calendar.as_of)
    columns["cost"][size:] = price_on(items.cost[item], day, calendar.as_of)
    columns["purchase"][size:] = price_on(items.purchase[item], day, calendar.as_of)
    columns["vat"][size:] = base.columns["vat"][top]
    columns["text"][size:] = -1
    columns["seller"][size:] = -1

    def join(old: Int, new: Int) -> Int:
        return np.concatenate([old, new])

    return Roots(
        chain=join(base.chain, base.chain[top]),
        rank=join(base.rank, base.rank[top] + position + 1),
        base=join(base.base, top),
        parent=join(base.parent, parent),
        level=join(base.level, items.part_level[part]),
        item=join(base.item, item),
        factor=join(base.factor, items.part_quantity[part] * outer_quantity // 1000),
        quantity=join(base.quantity, base.quantity[top]),
        first_part=join(base.first_part, base.first_part[top]),
        option=np.concatenate([base.option, np.zeros(len(part), dtype=bool)]),
        columns=columns,
    )
