"""Items: goods, services, labour, travel and bundles, with suppliers' references, components and demand profile.

``Items`` keeps the arrays the line generator needs. Catalogue prices are those of today; ``price_on`` gives past ones.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import masters as small
from ebp_lakehouse.demo.company import suppliers as buying
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.masters import Masters
from ebp_lakehouse.demo.company.primitives import (
    Bool,
    Float,
    Int,
    decimals,
    generator,
    office_time,
    rank_in_group,
    spread,
    stamps,
    take,
    users,
    uuids,
)
from ebp_lakehouse.demo.company.suppliers import Suppliers
from ebp_lakehouse.demo.company.truth import GroundTruth

GOOD, SERVICE, LABOUR, TRAVEL, BUNDLE = range(5)
LINE_TYPES: Int = np.array([2, 10, 11, 12, 3], dtype=np.int64)
YEARLY_PRICE_RISE = 1.027  # catalogue prices follow inflation each January
NEVER_SOLD_SHARE = 0.15
BUNDLE_PRICE = 0.93  # of the sum of the components' prices
BUNDLES = 14  # with 54 components in the reference installation
COMPONENTS = 54
# Shares of the lines: a dealer who also installs.
KIND_SHARES = {GOOD: 0.74, SERVICE: 0.10, LABOUR: 0.08, TRAVEL: 0.05, BUNDLE: 0.03}
PALLET_PRICE = 6_000  # cents: dearer goods are never taken by the pallet
FAST = 0.8  # quantile of the weights above which an item sells every month or so
ZIPF = 0.85  # fast movers: the top tenth of the items makes most of the lines

NOUNS = {
    GOOD: (
        "Radiateur acier",
        "Robinet thermostatique",
        "Tube cuivre",
        "Vanne 3 voies",
        "Circulateur",
        "Câble souple",
        "Filtre",
        "Raccord laiton",
        "Chaudière murale",
        "Sonde extérieure",
    ),
    # The fifth item is a service in every company, so that one sells contracts.
    SERVICE: ("Extension de garantie", "Mise en service", "Ramonage", "Étude thermique", "Contrat d'entretien"),
    LABOUR: ("Main d'œuvre technicien", "Main d'œuvre chef d'équipe", "Heure d'atelier"),
    TRAVEL: ("Forfait déplacement zone", "Indemnité kilométrique"),
    BUNDLE: ("Pack chaudière posée", "Kit radiateur complet", "Ensemble salle de bains"),
}
PREFIX = {GOOD: "ART", SERVICE: "SRV", LABOUR: "MO", TRAVEL: "DEP", BUNDLE: "PACK"}


@dataclass(frozen=True)
class Items:
    """Master tables and the arrays that price and quantify lines (cents; dates as day numbers)."""

    frame: pl.DataFrame
    components: pl.DataFrame
    supplier_items: pl.DataFrame
    references: pl.DataFrame
    codes: list[str]
    captions: list[str]
    kind: Int
    price: Int
    cost: Int
    purchase: Int
    vat: Int
    unit: Int
    manage_stock: Bool
    weight: Float
    first_day: Int
    last_day: Int
    ecotax: Int
    supplier: Int
    part_bundle: Int
    part_item: Int
    part_level: Int
    part_parent: Int
    part_quantity: Int

    @property
    def count(self) -> int:
        """Number of items."""
        return len(self.codes)


def price_on(today: Int, day: Int, as_of: int) -> Int:
    """Catalogue price in cents as it was in the year of ``day``."""
    years = np.maximum(0, (as_of - day) // 365)
    return np.maximum(np.rint(today / YEARLY_PRICE_RISE**years), np.sign(today)).astype(np.int64)


def build(
    seed: int, scale: float, calendar: BusinessCalendar, masters: Masters, suppliers: Suppliers, truth: GroundTruth
) -> Items:
    """About ``3837 * scale`` items; bundles, labour and travel exist at every scale."""
    rng = generator(seed, "items")
    count = max(60, round(3837 * scale))
    bundles = min(BUNDLES, max(3, round(BUNDLES * scale)))
    kind = rng.choice([GOOD, SERVICE, LABOUR, TRAVEL], count, p=[0.90, 0.07, 0.02, 0.01])
    kind[:6] = [LABOUR, TRAVEL, SERVICE, GOOD, SERVICE, LABOUR]
    kind[count - bundles :] = BUNDLE
    price = np.rint(np.exp(rng.normal(4.0, 1.15, count)) * 100).astype(np.int64) + 50
    price = np.where(
        kind == LABOUR, rng.integers(4500, 7500, count), np.where(kind == TRAVEL, rng.integers(50, 6000, count), price)
    )
    cost = np.rint(price * rng.uniform(0.45, 0.82, count)).astype(np.int64)
    no_cost = (kind == GOOD) & (rng.random(count) < 0.03)
    no_cost[3] = True  # a stocked item without cost exists at every scale
    cost = np.where(no_cost | (kind == TRAVEL), 0, cost)
    parts = _components(rng, kind, bundles)
    # A bundle costs its components and is sold a little below their sum; the last one at exactly their sum.
    top = parts["level"] == 1
    of_parts = np.full(bundles, BUNDLE_PRICE)
    of_parts[-1] = 1.0
    for target, values in ((price, price), (cost, cost)):
        sums = np.bincount(
            parts["bundle"][top], weights=(values[parts["item"]] * parts["quantity"] // 1000)[top], minlength=count
        )
        target[count - bundles :] = np.rint(sums[count - bundles :] * (of_parts if target is price else 1)).astype(
            np.int64
        )
    vat = np.where(rng.random(count) < 0.14, 1, np.where(rng.random(count) < 0.06, 2, 0))
    vat = np.where(rng.random(count) < 0.004, 3, vat)
    unit = np.select(
        [kind == LABOUR, kind == TRAVEL, kind == SERVICE, kind == BUNDLE],
        [1, 9, 10, 0],
        rng.choice([0, 3, 4, 5, 7], count, p=[0.8, 0.1, 0.03, 0.04, 0.03]),
    )
    stock = (kind == GOOD) & (rng.random(count) < 0.92)
    span = calendar.as_of - calendar.first_day
    first_day = calendar.first_day + np.where(rng.random(count) < 0.5, 0, rng.integers(0, span - 60, count))
    ends = (rng.random(count) < 0.2) & (kind == GOOD)
    last_day = np.where(ends, np.minimum(first_day + rng.integers(400, 2500, count), calendar.as_of), calendar.as_of)
    weight = 1.0 / (1 + rng.permutation(count)) ** ZIPF
    sellable = rng.random(count) >= NEVER_SOLD_SHARE
    sellable[: max(10, count // 50)] = True
    weight = np.where(sellable | (kind == BUNDLE), weight, 0.0)
    for of_kind, share in KIND_SHARES.items():  # the same mix of lines whatever the number of items
        weight[kind == of_kind] *= share / weight[kind == of_kind].sum()
    ecotax = np.where((kind == GOOD) & (rng.random(count) < 0.04), rng.choice([5, 25, 110, 800], count), 0)
    ecotax[3] = 110
    arrays = {
        "kind": kind, "price": price, "cost": cost, "vat": vat, "unit": unit, "manage_stock": stock, "weight": weight,
        "first_day": first_day, "last_day": last_day, "ecotax": ecotax, "supplier": buying.main_supplier(rng, count),
        "purchase": np.rint(cost * 0.93).astype(np.int64),
    }  # fmt: skip
    codes = [f"{PREFIX[int(k)]}{n + 1:05d}" for n, k in enumerate(kind)]
    captions = [f"{NOUNS[int(k)][n % len(NOUNS[int(k)])]} {n % 37 + 10}" for n, k in enumerate(kind)]
    supplier_items, references = buying.price_lines(
        rng, scale, suppliers, codes, arrays["supplier"], arrays["purchase"], kind == GOOD
    )
    _describe(codes, arrays, truth)
    truth.plant(
        "bundle priced exactly by its components", "Item", codes[-1:], "revenue (twice, where components count too)"
    )
    return Items(
        frame=_frame(rng, codes, captions, arrays, calendar, masters),
        components=_component_frame(rng, parts, codes, price, cost),
        supplier_items=supplier_items,
        references=references,
        codes=codes,
        captions=captions,
        part_bundle=parts["bundle"],
        part_item=parts["item"],
        part_level=parts["level"],
        part_parent=parts["parent"],
        part_quantity=parts["quantity"],
        **arrays,
    )


def _describe(codes: list[str], a: dict[str, np.ndarray], truth: GroundTruth) -> None:
    """Report how each good is asked for; the classes are those of Syntetos and Boylan, by construction."""
    goods = np.flatnonzero(a["kind"] == GOOD)
    fast = a["weight"][goods] > np.quantile(a["weight"][goods], FAST)
    bulk = in_bulk(goods) & (a["price"][goods] < PALLET_PRICE)
    names = np.array(["intermittent", "smooth", "lumpy", "erratic"])[2 * bulk + fast]
    never = a["weight"][goods] == 0
    day = "datetime64[D]"
    truth.describe(
        "item",
        pl.DataFrame(
            {
                "item": [codes[n] for n in goods],
                "demand": np.where(never, "never sold", names),
                "share_of_goods": (a["weight"] / a["weight"].sum())[goods].round(8),
                "heating_season": seasonal(goods),
                "promoted_in_march": promoted(goods),
                "sold_from": a["first_day"][goods].astype(day).astype(str),
                "sold_until": a["last_day"][goods].astype(day).astype(str),
            }
        ),
    )


def seasonal(item: Int) -> Bool:
    """One item in nine is a heating item: three quarters of its sales do not happen from April to August."""
    return np.asarray(item % 9 == 0)


def promoted(item: Int) -> Bool:
    """One item in twenty-five is sold cheaper in March, and then more of it."""
    return np.asarray(item % 25 == 6)


def in_bulk(item: Int) -> Bool:
    """One item in four is now and then taken by the pallet: its quantities vary widely."""
    return np.asarray(item % 4 == 1)


def _components(rng: np.random.Generator, kind: Int, bundles: int) -> dict[str, Int]:
    """Explosion of every bundle: rows ordered by bundle then tree order; ``parent`` = position in the bundle or -1.

    The first bundle contains the second one, so its explosion has two levels.
    """
    count = len(kind)
    goods = np.flatnonzero(kind == GOOD)
    sizes = np.full(bundles, 4)
    sizes[:: max(1, bundles // 2)] = 3
    owner, position = spread(sizes)
    item = rng.choice(goods, len(owner))
    item = np.where(position == sizes[owner] - 1, 0, item)  # every bundle ends with an hour of labour (item 0)
    quantity = np.where(item == 0, 1500, rng.integers(1, 4, len(owner)) * 1000)
    inner = owner == 1
    item[0] = count - bundles + 1  # nested bundle
    quantity[0] = 1000
    bundle = np.r_[owner[:1], owner[:1].repeat(inner.sum()), owner[1:]] + count - bundles
    return {
        "bundle": bundle,
        "item": np.r_[item[:1], item[inner], item[1:]],
        "level": np.r_[1, np.full(inner.sum(), 2), np.ones(len(owner) - 1, dtype=np.int64)],
        "parent": np.r_[-1, np.zeros(inner.sum(), dtype=np.int64), np.full(len(owner) - 1, -1)],
        "quantity": np.r_[quantity[:1], quantity[inner], quantity[1:]],
    }


def _frame(
    rng: np.random.Generator,
    codes: list[str],
    captions: list[str],
    a: dict[str, np.ndarray],
    calendar: BusinessCalendar,
    masters: Masters,
) -> pl.DataFrame:
    count = len(codes)
    family = rng.integers(0, small.ITEM_FAMILIES, count)
    created = office_time(rng, a["first_day"] - 2)
    rate = np.array([r for r, _, _ in small.SALE_VATS])[a["vat"]]
    ended = a["last_day"] < calendar.as_of
    return pl.DataFrame(
        {
            "Id": codes,
            "UniqueId": uuids(rng, count),
            "Caption": captions,
            "ItemType": np.where(np.isin(a["kind"], (GOOD, BUNDLE)), 0, 1),
            "FamilyId": take([f"FA{n:02d}" for n in range(small.ITEM_FAMILIES)], family),
            "SubFamilyId": take(
                [f"SF{n:03d}" for n in range(small.ITEM_SUBFAMILIES)],
                np.where(rng.random(count) < 0.6, family + small.ITEM_FAMILIES * (rng.random(count) < 0.5), -1),
            ),
            "Group1": take(masters.group_ids, np.where(rng.random(count) < 0.2, rng.integers(0, 3, count), -1)),
            "ServiceType": take(("SRV",), np.where(np.isin(a["kind"], (SERVICE, LABOUR)), 0, -1)),
            "IsMaintenanceContract": np.array(["Contrat" in c for c in captions]),
            "BarCode": take(
                [f"37601{n:08d}" for n in range(count)], np.where(rng.random(count) < 0.7, np.arange(count), -1)
            ),
            "UnitId": take([u[0] for u in small.UNITS], a["unit"]),
            "VatId": take(masters.vat_ids, a["vat"]),
            "SupplierId": take([f"FOU{n:05d}" for n in range(1, 269)], np.where(a["kind"] == GOOD, a["supplier"], -1)),
            "PurchasePrice": decimals(a["purchase"]),
            "CostPrice": decimals(a["cost"]),
            "Pump": decimals(np.rint(a["cost"] * rng.uniform(0.9, 1.05, count)).astype(np.int64)),
            "SalePriceVatExcluded": decimals(a["price"]),
            "SalePriceVatIncluded": decimals(np.rint(a["price"] * (1 + rate / 10_000)).astype(np.int64)),
            "BrandRate": decimals(
                np.rint((a["price"] - a["cost"]) * 10_000 / np.maximum(a["price"], 1)).astype(np.int64)
            ),
            "ManageStock": a["manage_stock"],
            "TrackingMode": np.where((a["kind"] == GOOD) & (rng.random(count) < 0.02), 1, 0),
            "ReplacementItem": take(
                codes, np.where(ended & (rng.random(count) < 0.4), rng.integers(0, count, count), -1)
            ),
            "ActiveState": np.where(ended & (rng.random(count) < 0.8), 1, 0),
            "xx_Ref_Fabricant": take(
                [f"MFR-{n:06d}" for n in range(count)], np.where(rng.random(count) < 0.3, np.arange(count), -1)
            ),
            "sysCreatedDate": stamps(created),
            "sysCreatedUser": users(rng, count),
            "sysModifiedDate": stamps(
                np.minimum(created + rng.integers(0, 1500, count) * 86_400_000_000, calendar.as_of * 86_400_000_000)
            ),
            "sysModifiedUser": users(rng, count),
        }
    )


def _component_frame(
    rng: np.random.Generator, parts: dict[str, Int], codes: list[str], price: Int, cost: Int
) -> pl.DataFrame:
    own = parts["level"] == 1  # the inner bundle's own components are rows of the inner bundle
    bundle, item = parts["bundle"][own], parts["item"][own]
    frame = pl.DataFrame(
        {
            "Id": uuids(rng, int(own.sum())),
            "ParentItemId": take(codes, bundle),
            "ItemId": take(codes, item),
            "ComponentOrder": rank_in_group(bundle) + 1,
            "Quantity": decimals(parts["quantity"][own], 3),
            "DispatchedSalePriceVatExcluded": decimals(price[item]),
            "DispatchedCostPrice": decimals(cost[item]),
        }
    )
    return small.audited(frame.head(COMPONENTS))
