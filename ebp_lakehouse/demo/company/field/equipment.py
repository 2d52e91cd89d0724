"""Equipment at customers' (``CustomerProduct``): what was sold or found there, its guarantee, and when it really fails.

Failures follow a proportional-hazards law, day by day for all pieces at once; the parameters go to the ground truth.
Does not live here: the visits and repairs that follow (``agenda``).
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.field import kinds, places
from ebp_lakehouse.demo.company.field.columns import coordinate, dates, shown
from ebp_lakehouse.demo.company.field.kinds import EQUIPMENT
from ebp_lakehouse.demo.company.field.places import Places
from ebp_lakehouse.demo.company.masters import audited
from ebp_lakehouse.demo.company.primitives import (
    DAY_US,
    Bool,
    Float,
    Int,
    generator,
    stamps,
    take,
    users,
)
from ebp_lakehouse.demo.company.truth import GroundTruth

PIECES, FEWEST = 405, 32  # reference installation; enough for the planted cases in the smallest company
SOLD_SHARE = 0.78  # the others were there before, or were installed by somebody else
GUARANTEE_DAYS = 730
MANY = (4, 3, 3, 2, 2)  # pieces of the first customers, so that contracts cover several
REPEATS = (5, 29, 30, 31)  # days between the two planted repairs of pieces that never fail by themselves
FAMILY_CODE = "CHAUF"


@dataclass(frozen=True)
class Park:
    """One row per piece: customer at first (``owner``) and now (``owner_now``), item, kind, days of its life.

    ``line`` is the row of the sold line, -1 when there is none; ``repeat`` the planted gap of a piece that is left
    alone by the failure law, 0 for the others.
    """

    codes: pl.Series
    owner: Int
    owner_now: Int
    item: Int
    kind: Int
    installed: Int
    removed: Int
    line: Int
    frailty: Float
    repeat: Int
    guaranteed: Bool

    @property
    def youngest(self) -> int:
        """The piece installed last, which is under warranty for sure."""
        return int(np.argmax(np.where(self.repeat == 0, self.installed, -(10**6))))

    @property
    def size(self) -> int:
        """Number of pieces."""
        return len(self.owner)


@dataclass(frozen=True)
class Failures:
    """True failures: piece and day of each, in the order of days."""

    piece: Int
    day: Int


def serviceable(where: Places, depots: tuple[Float, Float], customers: pl.DataFrame) -> Int:
    """Customers whom technicians can reach: within 110 km of a depot, else the nearest ones."""
    km = np.nanmin(
        places.kilometres(where.latitude[:, None], where.longitude[:, None], depots[0][None, :], depots[1][None, :]),
        axis=1,
        initial=np.inf,
        where=np.isfinite(where.latitude)[:, None],
    )
    there = customers["ActiveState"].to_numpy() == 0
    near = np.flatnonzero((km <= 110) & there)
    return near if len(near) >= 8 else np.sort(np.argsort(np.where(there, km, np.inf), kind="stable")[:8])


def choose(
    seed: int,
    scale: float,
    calendar: BusinessCalendar,
    reachable: Int,
    items: pl.DataFrame,
    sold: pl.DataFrame,
) -> Park:
    """Pieces sold to reachable customers (``sold``: row, customer, item, day), completed by others found there."""
    rng = generator(seed, "equipment")
    size = max(FEWEST, round(PIECES * scale))
    captions = items["Caption"].to_list()
    kind_of_item = np.array([next((k for k, e in enumerate(EQUIPMENT) if c.startswith(e.noun)), -1) for c in captions])
    pool = sold.filter(
        pl.Series(np.isin(sold["customer"], reachable) & (kind_of_item[sold["item"].to_numpy()] >= 0))
        & (sold["day"] < calendar.as_of - 30)
    )
    pieces_sold = min(round(size * SOLD_SHARE), pool.height, size - sum(MANY) - len(REPEATS) - 2)
    picked = np.sort(rng.permutation(pool.height)[:pieces_sold])
    found = size - pieces_sold
    of_kind = [np.flatnonzero(kind_of_item == k) for k in range(len(EQUIPMENT))]
    usable = [k for k in range(len(EQUIPMENT)) if len(of_kind[k])]
    weights = np.array([EQUIPMENT[k].share for k in usable])
    found_kind = rng.choice(usable, found, p=weights / weights.sum())
    found_item = np.array(
        [of_kind[k][int(n * len(of_kind[k]))] for k, n in zip(found_kind, rng.random(found), strict=True)]
    )
    crowd = np.repeat(np.arange(len(MANY)), MANY)[:found]
    owners = reachable[np.r_[crowd, rng.integers(0, len(reachable), found - len(crowd))] % len(reachable)]
    span = calendar.as_of - calendar.first_day
    item = np.r_[pool["item"].to_numpy()[picked], found_item.astype(np.int64)]
    owner = np.r_[pool["customer"].to_numpy()[picked], owners]
    installed = np.r_[
        pool["day"].to_numpy()[picked] + rng.integers(1, 15, pieces_sold),
        calendar.first_day + rng.integers(-1500, max(1, span - 400), found),
    ]
    life = rng.integers(900, 7000, size)
    removed = np.where(rng.random(size) < 0.25, np.minimum(installed + life, calendar.as_of + 1), calendar.as_of + 1)
    repeat = np.zeros(size, dtype=np.int64)
    repeat[size - len(REPEATS) :] = REPEATS
    planted = repeat > 0
    installed[planted] = calendar.as_of - 1400
    moved = np.zeros(size, dtype=bool)
    moved[size - len(REPEATS) - 2 : size - len(REPEATS)] = True  # two pieces changed hands with the house
    other = reachable[(np.searchsorted(reachable, owner) + 1) % len(reachable)]
    removed[planted | moved] = calendar.as_of + 1
    guaranteed = rng.random(size) < 0.8
    guaranteed[int(np.argmax(np.where(planted, -(10**6), installed)))] = True
    return Park(
        codes=pl.Series([f"EQ{n + 1:06d}" for n in range(size)]),
        owner=owner,
        owner_now=np.where(moved, other, owner),
        item=item,
        kind=kind_of_item[item],
        installed=installed,
        removed=removed,
        line=np.r_[pool["row"].to_numpy()[picked], np.full(found, -1)],
        frailty=np.exp(rng.normal(0, kinds.FRAILTY_SIGMA, size)).round(4),
        repeat=repeat,
        guaranteed=guaranteed & ~planted,
    )


def live(seed: int, park: Park, calendar: BusinessCalendar, piece: Int, visited: Int) -> Failures:
    """Draw the failures of the whole park, given the days on which preventive visits take place.

    Hazard per day of a piece that last failed (or was installed) ``t`` days ago: Weibull hazard of its kind at ``t`` times
    its frailty, exp(0.06 per year of age), 0.45 within a year of a visit and 1.4 from November to February.
    """
    rng = generator(seed, "failures")
    shape = np.array([k.shape for k in EQUIPMENT])[park.kind]
    scale = np.array([k.scale_days for k in EQUIPMENT])[park.kind]
    days = np.arange(calendar.first_day, calendar.as_of)
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    winter = np.where(np.isin(month, kinds.WINTER_MONTHS), kinds.WINTER_FACTOR, 1.0)
    by_day = np.argsort(visited, kind="stable")
    first = np.searchsorted(visited[by_day], days)
    last = np.searchsorted(visited[by_day], days, side="right")
    since, maintained = park.installed.astype(np.float64), np.full(park.size, -(10**6), dtype=np.int64)
    failed: list[tuple[Int, int]] = []
    draws = rng.random((len(days), park.size), dtype=np.float32)
    for n, day in enumerate(days.tolist()):
        maintained[piece[by_day[first[n] : last[n]]]] = day
        spell = np.maximum(day - since, 1.0)
        hazard = (
            shape / scale * (spell / scale) ** (shape - 1) * park.frailty
            * np.exp(kinds.AGE_EFFECT * (day - park.installed) / 365.25) * winter[n]
            * np.where(day - maintained <= kinds.MAINTAINED_DAYS, kinds.MAINTAINED_FACTOR, 1.0)
        )  # fmt: skip
        alive = (day > park.installed) & (day < park.removed) & (park.repeat == 0)
        broken = np.flatnonzero(alive & (draws[n] < 1 - np.exp(-hazard)))
        if len(broken):
            since[broken] = day
            failed.append((broken, day))
    return Failures(
        np.concatenate([p for p, _ in failed] or [np.zeros(0, dtype=np.int64)]),
        np.concatenate([np.full(len(p), day) for p, day in failed] or [np.zeros(0, dtype=np.int64)]),
    )


def describe(park: Park, failures: Failures, truth: GroundTruth) -> None:
    """The law of each kind, the frailty and the number of true failures of each piece."""
    truth.describe(
        "equipment_kind",
        pl.DataFrame(
            [{"kind": k.noun, "weibull_shape": k.shape, "weibull_scale_days": k.scale_days} for k in EQUIPMENT]
        ),
    )
    truth.describe(
        "equipment_law",
        pl.DataFrame(
            {
                "effect": ["age_per_year", "maintained_within_365_days", "winter"],
                "log_hazard": [
                    kinds.AGE_EFFECT,
                    float(np.log(kinds.MAINTAINED_FACTOR)),
                    float(np.log(kinds.WINTER_FACTOR)),
                ],
            }
        ),
    )
    truth.describe(
        "equipment",
        pl.DataFrame(
            {
                "customer_product_id": park.codes,
                "kind": take([k.noun for k in EQUIPMENT], park.kind),
                "frailty": park.frailty,
                "installed": dates(park.installed),
                "failures": np.bincount(failures.piece, minlength=park.size),
            }
        ),
    )


def frames(
    seed: int,
    park: Park,
    where: Places,
    calendar: BusinessCalendar,
    customers: pl.DataFrame,
    items: pl.DataFrame,
    line_ids: pl.Series,
    truth: GroundTruth,
) -> dict[str, pl.DataFrame]:
    """``CustomerProduct`` and its one family; guarantees start at the installation, some are not filled in."""
    rng = generator(seed, "equipment rows")
    size = park.size
    now = park.owner_now
    guaranteed = park.guaranteed
    labour_only = ~guaranteed & (rng.random(size) < 0.5)  # the installation is then read from the labour's start
    dated = guaranteed | labour_only
    in_use = park.removed > calendar.as_of
    typed = np.clip(park.installed + rng.integers(0, 40, size), calendar.first_day, calendar.as_of)
    point = _dirty_points(rng, where, now, park.codes, truth)
    serial = [None if n % 9 == 4 else f"SN{2000 + n}-{int(d) % 100_000:05d}" for n, d in enumerate(park.installed)]
    end = stamps((park.installed + GUARANTEE_DAYS) * DAY_US)
    start = stamps(park.installed * DAY_US)
    pieces = pl.DataFrame(
        {
            "Id": park.codes,
            "Caption": take(items["Caption"], park.item),
            "ActiveState": np.where(in_use, 0, 1),
            "CustomerId": take(customers["Id"], now),
            "CustomerName": take(customers["Name"], now).str.strip_chars().str.slice(0, 60),
            "CustomerProductFamilyId": take((FAMILY_CODE,), np.where(rng.random(size) < 0.85, 0, -1)),
            "ItemId": take(items["Id"], park.item),
            "TrackingNumber": serial,
            "SaleDocumentLineId": take(line_ids, park.line),
            **places.addresses(where, now, "DeliveryAddress_"),
            "DeliveryAddress_Latitude": point[0],
            "DeliveryAddress_Longitude": point[1],
            **{f"{what}StartDate": shown(start, mask) for what, mask in _covers(guaranteed, dated)},
            **{f"{what}EndDate": shown(end, mask) for what, mask in _covers(guaranteed, dated)},
            "sysCreatedDate": stamps(typed * DAY_US + 36_000_000_000),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(np.where(in_use, typed, park.removed - 1).clip(typed) * DAY_US + 39_600_000_000),
            "sysModifiedUser": users(rng, size),
        }
    )
    moved = park.owner != park.owner_now
    truth.plant(
        "equipment moved to another customer", "CustomerProduct", take(park.codes, np.flatnonzero(moved)),
        "past visits stay with the customer of their day: silver.fact_interventions.customer_key",
    )  # fmt: skip
    truth.plant(
        "equipment without sale line", "CustomerProduct", take(park.codes, np.flatnonzero(park.line < 0)),
        "silver.dim_equipment.install_date falls back on guarantees, then on sysCreatedDate",
    )  # fmt: skip
    family = pl.DataFrame({"Id": [FAMILY_CODE], "Caption": ["Équipements de chauffage"]})
    return {"CustomerProduct": pieces, "CustomerProductFamily": audited(family)}


def _covers(guaranteed: Bool, dated: Bool) -> list[tuple[str, Bool]]:
    return [("Parts", guaranteed), ("Labour", dated), ("Travel", guaranteed)]


def _dirty_points(
    rng: np.random.Generator, where: Places, customer: Int, codes: pl.Series, truth: GroundTruth
) -> list[pl.Series]:
    """Coordinates as EBP has them: missing for four in ten, 0/0 for two in a hundred."""
    size = len(customer)
    zero = rng.random(size) < 0.02
    zero[size // 2] = True
    kept = (rng.random(size) < 0.6) & where.known[customer] | zero
    truth.soil("GPS 0/0", "CustomerProduct", "DeliveryAddress_Latitude", 0.02, int(zero.sum()), size)
    truth.plant(
        "GPS 0/0", "CustomerProduct", take(codes, np.flatnonzero(zero)), "silver.dim_equipment.latitude is NULL"
    )
    return [coordinate(values[customer], kept, zero) for values in (where.latitude, where.longitude)]
