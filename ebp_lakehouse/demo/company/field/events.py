"""``ScheduleEvent`` and its satellites rendered from the agenda: appointments, rows of teams, absences, types.

Text, codes and dirt live here; what happens when and to whom is decided in ``agenda``, ``planted`` and ``outcome``.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.field import places
from ebp_lakehouse.demo.company.field.columns import coordinate, shown
from ebp_lakehouse.demo.company.field.contracts import Contracts
from ebp_lakehouse.demo.company.field.crew import LUNCH, Crew
from ebp_lakehouse.demo.company.field.equipment import Park
from ebp_lakehouse.demo.company.field.kinds import (
    ABSENCE,
    ACHIEVED,
    BLANK,
    DONE,
    DRAWN,
    EMPTY,
    EXPECTED,
    KINDS,
    LOWER_CASE,
    MORNING_ONLY,
    NO_ADDRESS,
    NO_POINT,
    ON_ROWS,
    ORPHAN_CUSTOMER,
    ORPHAN_PIECE,
    PLANNED,
    POINT,
    TEAM_ROW,
    TRAILING_SPACE,
    WHOLE_DAY,
    ZERO_POINT,
)
from ebp_lakehouse.demo.company.field.outcome import HOUR_CENTS, Outcome
from ebp_lakehouse.demo.company.field.places import Places
from ebp_lakehouse.demo.company.field.routing import Absences
from ebp_lakehouse.demo.company.primitives import DAY_US, Bool, Int, decimals, stamps, take, users, uuids
from ebp_lakehouse.demo.company.skeleton import Table
from ebp_lakehouse.demo.company.truth import GroundTruth

MINUTE_US = 60_000_000
NO_POINT_SHARE, ZERO_POINT_SHARE, DIRTY_CODE_SHARE = 0.12, 0.015, 0.006
REPORTS = (
    "Entretien réalisé, combustion correcte, RAS.", "Remplacement du joint, essais concluants.",
    "Pièce à commander, second passage à prévoir.", "Nettoyage du corps de chauffe, pression remise à 1,5 bar.",
    "Client absent au premier passage, intervention faite l'après-midi.", "Mise en service et explication au client.",
)  # fmt: skip
LEAVE = ("Congés payés", "Maladie", "RTT", "Formation")


@dataclass(frozen=True)
class Context:
    """What events refer to: customers and items as in EBP, codes by position."""

    customers: pl.DataFrame
    items: pl.DataFrame
    invoice_ids: pl.Series
    deal_codes: pl.Series
    site_codes: pl.Series
    creators: pl.Series
    first_day: int
    as_of: int


def type_frame(type_ids: pl.Series) -> pl.DataFrame:
    """``ScheduleEventType``: the eight kinds, under the ids that events refer to."""
    return pl.DataFrame(
        {"Id": type_ids, "Caption": [k.caption for k in KINDS], "Color": [n * 4096 for n in range(len(KINDS))]}
    )


def appointments(
    rng: np.random.Generator,
    agenda: Table,
    outcome: Outcome,
    crew: Crew,
    park: Park,
    contracts: Contracts,
    where: Places,
    context: Context,
    type_ids: pl.Series,
    truth: GroundTruth,
) -> pl.DataFrame:
    """One row of ``ScheduleEvent`` per row of the agenda, in its order; ``team`` and ``billing`` serve ``team_rows``."""
    size, customer = agenda.size, agenda["customer"]
    planned, achieved, state = agenda["planned"], agenda["achieved"], agenda["state"]
    expected = agenda["expected"] != EMPTY
    elsewhere = agenda["hours_elsewhere"]
    begin = agenda["day"] * DAY_US + agenda["start"] * MINUTE_US
    asked = agenda["asked"] * DAY_US + rng.integers(8 * 60, 18 * 60, size) * MINUTE_US
    latest = context.as_of * DAY_US + 18 * 3600 * 1_000_000
    created = np.clip(np.minimum(asked, begin - 20 * MINUTE_US), context.first_day * DAY_US, latest)
    finished = agenda["end_day"] * DAY_US + (agenda["end"] + 45) * MINUTE_US
    modified = np.clip(np.where(state == PLANNED, created + 3600_000_000, finished), created, latest)
    point = _points(rng, agenda, where, truth)
    no_address = agenda["gps"] == NO_ADDRESS
    safe_piece = np.maximum(agenda["piece"], 0)
    item = np.where(agenda["piece"] >= 0, park.item[safe_piece], agenda["item"])
    person = np.where(customer >= 0, customer, -1)
    hours = achieved * 100 // 60
    travel = places.drive_minutes(agenda["leg_metres"] / 1000.0)
    has_time = (achieved >= 0) & (elsewhere != ACHIEVED)
    names = take(context.customers["Name"], person).str.strip_chars()
    caption = take([k.caption for k in KINDS], agenda["kind"]) + (pl.lit(" - ") + names).pipe(_text)
    frame = pl.DataFrame(
        {
            "Id": uuids(rng, size),
            "StartDateTime": stamps(begin),
            "EndDateTime": stamps(agenda["end_day"] * DAY_US + agenda["end"] * MINUTE_US),
            "EventState": state,
            "EventType": take(type_ids, np.where(agenda["typeless"] == 1, -1, agenda["kind"])),
            "LineType": agenda["line_type"],
            "LineOrder": np.zeros(size, dtype=np.int64),
            "DisplayType": np.zeros(size, dtype=np.int64),
            "IsScheduleException": np.zeros(size, dtype=bool),
            "Caption": caption.fill_null("Événement interne").str.slice(0, 80),
            "CustomerId": _customer_codes(rng, agenda, context, truth),
            "ColleagueId": take(crew.codes, agenda["tech"]),
            "CreatorColleagueId": take(context.creators, np.arange(size) % len(context.creators)),
            "SubContractorId": take(("FOU00012",), np.where(agenda["outside"] == 1, 0, -1)),
            "ItemId": take(context.items["Id"], item),
            "Maintenance_CustomerProductId": _text(
                pl.when(pl.Series(agenda["orphan"] == ORPHAN_PIECE))
                .then(pl.lit("EQ999999"))
                .otherwise(take(park.codes, agenda["piece"]))
            ),
            "Maintenance_ContractId": take(contracts.codes, agenda["contract"]),
            "DealId": take(context.deal_codes, agenda["deal"]),
            "ConstructionSiteId": take(context.site_codes, agenda["deal"]),
            "ExpectedDuration_DurationInHours": shown(
                decimals(planned * 100 // 60), expected & (elsewhere != EXPECTED)
            ),
            "PlannedHours": decimals(np.where(elsewhere == EXPECTED, planned * 100 // 60, 0)),
            "AchievedDuration_DurationInHours": shown(decimals(hours), has_time),
            "AchievedDuration_EditedDuration": shown(_clock(achieved), has_time & (achieved > 0)),
            "WorkedHours": decimals(np.where(elsewhere == ACHIEVED, hours, 0)),
            "GlobalPercentComplete": np.where(state == DONE, 100, 0),
            "Maintenance_TravelDuration": shown(decimals(travel * 100 // 60), agenda["leg_metres"] > 0),
            "Maintenance_InterventionReportClear": take(
                REPORTS, np.where(outcome.done & (rng.random(size) < 0.8), rng.integers(0, len(REPORTS), size), -1)
            ),
            "ToInvoice": outcome.to_invoice,
            "NetAmountVatExcluded": decimals(outcome.amount),
            "SalePriceVatExcluded": decimals(np.where(outcome.amount > 0, HOUR_CENTS, 0)),
            "HourlyCostPrice": decimals(
                np.where(agenda["tech"] >= 0, crew.hourly_cents[np.maximum(agenda["tech"], 0)], 0)
            ),
            "CostAmount": decimals(outcome.cost),
            "PredictedCostAmount": decimals(planned * 3300 // 60),
            "InvoiceId": take(context.invoice_ids, outcome.invoice),
            "xx_URGENT": agenda["urgent"] == 1,
            **{n: shown(s, ~no_address) for n, s in places.addresses(where, person, "Address_").items()},
            "Address_Latitude": point[0],
            "Address_Longitude": point[1],
            "Contact_Name": take(context.customers["MainDeliveryContact_Name"], person),
            "Contact_Phone": take(context.customers["MainInvoicingContact_Phone"], person),
            "sysCreatedDate": stamps(created),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(modified),
            "sysModifiedUser": users(rng, size),
            "team": agenda["team"],
            "billing": agenda["billing"],
            "achieved": achieved,
        }
    )
    gone = uuids(rng, 1)[0]  # the parent of a row that lost it
    parent = pl.when(pl.Series(agenda["parent"] == EMPTY)).then(pl.lit(gone))
    return frame.with_columns(ParentEventId=parent)


def team_rows(rng: np.random.Generator, events: pl.DataFrame, crew: Crew) -> pl.DataFrame:
    """Two sub-rows per team: the technician and a helper, each with his own minutes; they repeat the customer."""
    parents = events.with_row_index("place").filter(pl.col("team") > 0)
    if parents.is_empty():
        return events.clear()
    size = parents.height
    lead = pl.col("ColleagueId").fill_null(crew.codes[0])
    helpers = np.flatnonzero(crew.helper)
    helpers = helpers if len(helpers) else np.array([crew.leads - 1])
    minutes = np.maximum(parents["achieved"].to_numpy(), 0)
    second = np.maximum(0, minutes - 15 * rng.integers(0, 3, size))
    price = np.maximum(minutes, 60) * HOUR_CENTS // 60
    on_rows = parents["billing"].to_numpy() == ON_ROWS
    rows = []
    for order, who, worked in (
        (1, lead, minutes), (2, pl.lit(take(crew.codes, helpers[np.arange(size) % len(helpers)])), second),
    ):  # fmt: skip
        rows.append(
            parents.with_columns(
                Id=uuids(rng, size),
                ParentEventId=pl.col("Id"),
                ColleagueId=who,
                LineType=pl.lit(TEAM_ROW, pl.Int64),
                LineOrder=pl.lit(order, pl.Int64),
                AchievedDuration_DurationInHours=shown(decimals(worked * 100 // 60), worked > 0),
                NetAmountVatExcluded=decimals(np.where(on_rows, price // 2, 0)),
                CostAmount=decimals(worked * 3150 // 60),
            )
        )
    return pl.concat(rows).sort("place", "LineOrder").drop("place")


def absence_rows(
    rng: np.random.Generator, away: Absences, crew: Crew, context: Context, type_ids: pl.Series, extra_day: int
) -> pl.DataFrame:
    """Absences (``IsScheduleException``): whole days run from midnight to midnight, halves stop or start at noon.

    The last row is the opposite: a Saturday worked by exception.
    """
    worked = np.r_[np.zeros(len(away.tech), dtype=bool), True]
    tech = np.r_[away.tech, 0]
    first, last = np.r_[away.first, extra_day], np.r_[away.last, extra_day]
    half = np.r_[away.half, WHOLE_DAY]
    whole, size = half == WHOLE_DAY, len(half)
    start = np.where(worked, 8 * 60, np.where(whole, 0, np.where(half == MORNING_ONLY, 8 * 60, LUNCH + 90)))
    end = np.where(worked | (half == MORNING_ONLY), LUNCH, np.where(whole, 24 * 60, 17 * 60))
    asked = np.clip((first - 20) * DAY_US, context.first_day * DAY_US, context.as_of * DAY_US) + 9 * 3600_000_000
    days = np.where(worked, 0.5, np.where(whole, last - first + 1, 0.5))
    return pl.DataFrame(
        {
            "Id": uuids(rng, size),
            "StartDateTime": stamps(first * DAY_US + start * MINUTE_US),
            "EndDateTime": stamps(last * DAY_US + end * MINUTE_US),
            "EventState": np.zeros(size, dtype=np.int64),
            "EventType": take(type_ids, np.full(size, ABSENCE)),
            "LineType": np.zeros(size, dtype=np.int64),
            "LineOrder": np.zeros(size, dtype=np.int64),
            "DisplayType": np.zeros(size, dtype=np.int64),
            "IsScheduleException": np.ones(size, dtype=bool),
            "ExceptionWorked": worked,
            "AbsenceRange": shown(pl.Series(half), ~worked),
            "Caption": np.where(worked, "Samedi travaillé", np.array(LEAVE)[np.where(days == 5, 0, 1 + first % 3)]),
            "ColleagueId": take(crew.codes, tech),
            "CreatorColleagueId": take(context.creators, np.zeros(size, dtype=np.int64)),
            "PlannedHours": decimals(np.rint(days * 700).astype(np.int64)),
            "sysCreatedDate": stamps(asked),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(asked + 600_000_000),
            "sysModifiedUser": users(rng, size),
        }
    )


def numbered(events: pl.DataFrame) -> pl.DataFrame:
    """All rows with their business number, in the order they were typed; helper columns dropped."""
    order = events["sysCreatedDate"].arg_sort(descending=False).to_numpy()
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(1, len(order) + 1)
    filled = [c for c in ("ToInvoice", "xx_URGENT", "ExceptionWorked") if c in events.columns]
    zero = [
        "NetAmountVatExcluded", "SalePriceVatExcluded", "HourlyCostPrice", "CostAmount", "PredictedCostAmount",
        "WorkedHours", "PlannedHours", "GlobalPercentComplete",
    ]  # fmt: skip
    return events.drop("team", "billing", "achieved").with_columns(
        pl.col(filled).fill_null(value=False),
        pl.col(zero).fill_null(0),
        ScheduleEventNumber="EV" + pl.Series(number).cast(pl.String).str.zfill(8),
    )


def expected_resources(rng: np.random.Generator, events: pl.DataFrame, rows: int) -> pl.DataFrame:
    """``ScheduleEventExpectedResource``: one technician expected on each of the first appointments."""
    parents = events.filter(pl.col("CustomerId").is_not_null() & (pl.col("LineType") != TEAM_ROW))
    source = parents[(np.arange(rows) % parents.height).tolist()]
    hours = source["ExpectedDuration_DurationInHours"]
    return pl.DataFrame(
        {
            "Id": uuids(rng, rows),
            "ParentId": source["Id"],
            "QuantityToSchedule": np.ones(rows, dtype=np.int64),
            "ScheduledQuantity": np.ones(rows, dtype=np.int64),
            "ExpectedDuration_DurationInHours": hours,
            "ScheduledDuration_DurationInHours": hours,
            "CreatedBySoftware": np.zeros(rows, dtype=bool),
            **{
                name: source[name]
                for name in ("sysCreatedDate", "sysCreatedUser", "sysModifiedDate", "sysModifiedUser")
            },
        }
    )


def _customer_codes(rng: np.random.Generator, agenda: Table, context: Context, truth: GroundTruth) -> pl.Series:
    """Customer codes as typed: some with a trailing space or in lower case, planted blanks and orphans."""
    codes = take(context.customers["Id"], agenda["customer"])
    natural = agenda["case"] < 0
    draw = rng.random(agenda.size)
    space = (agenda["code_dirt"] == TRAILING_SPACE) | (natural & (draw < DIRTY_CODE_SHARE))
    lower = (agenda["code_dirt"] == LOWER_CASE) | (natural & (draw > 1 - DIRTY_CODE_SHARE))
    truth.soil("trailing space", "ScheduleEvent", "CustomerId", DIRTY_CODE_SHARE, int(space.sum()), agenda.size)
    truth.soil("lower case", "ScheduleEvent", "CustomerId", DIRTY_CODE_SHARE, int(lower.sum()), agenda.size)
    return _text(
        pl.when(pl.Series(agenda["orphan"] == ORPHAN_CUSTOMER))
        .then(pl.lit("CLI99999"))
        .when(pl.Series(agenda["code_dirt"] == BLANK))
        .then(pl.lit(" "))
        .when(pl.Series(space))
        .then(codes + " ")
        .when(pl.Series(lower))
        .then(codes.str.to_lowercase())
        .otherwise(codes)
    )


def _points(rng: np.random.Generator, agenda: Table, where: Places, truth: GroundTruth) -> list[pl.Series]:
    """Coordinates of the appointments: missing for 12 %, 0/0 for 1.5 %, the commune's for the others."""
    customer = np.maximum(agenda["customer"], 0)
    draw, gps = rng.random(agenda.size), agenda["gps"]
    outside = agenda["customer"] >= 0
    zero = outside & ((gps == ZERO_POINT) | ((gps == DRAWN) & (draw < ZERO_POINT_SHARE)))
    missing = (gps == NO_POINT) | (gps == NO_ADDRESS) | ((gps == DRAWN) & (draw > 1 - NO_POINT_SHARE))
    kept: Bool = outside & ~missing & (where.known[customer] | (gps == POINT))
    among = int(outside.sum())
    truth.soil("GPS 0/0", "ScheduleEvent", "Address_Latitude", ZERO_POINT_SHARE, int(zero.sum()), among)
    truth.soil(
        "GPS missing", "ScheduleEvent", "Address_Latitude", NO_POINT_SHARE, int((outside & ~kept & ~zero).sum()), among
    )
    return [coordinate(values[customer], kept, zero) for values in (where.latitude, where.longitude)]


def _clock(minutes: Int) -> pl.Series:
    """Durations as people type them: ``1:30`` or ``1h30``; never to be parsed."""
    hours = pl.Series(minutes // 60).cast(pl.String)
    rest = pl.Series(minutes % 60).cast(pl.String).str.zfill(2)
    return pl.select(
        pl.when(pl.Series(np.arange(len(minutes)) % 3 == 0)).then(hours + "h" + rest).otherwise(hours + ":" + rest)
    ).to_series()


def _text(expression: pl.Expr) -> pl.Series:
    return pl.select(expression).to_series()


def keys_of_cases(events: pl.DataFrame, agenda: Table) -> list[tuple[int, str]]:
    """(case, event id) of every planted appointment."""
    planted = np.flatnonzero(agenda["case"] >= 0)
    return list(zip(agenda["case"][planted].tolist(), take(events["Id"], planted).to_list(), strict=True))
