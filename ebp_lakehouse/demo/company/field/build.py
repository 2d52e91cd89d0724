"""The field half of the company, in two calls: what sales depend on, then what depends on finished documents.

``prepare`` chooses equipment and contracts and writes the invoices of contracts into the skeleton, before anything is
priced; ``add`` reads and extends the generator's frames and makes no amount of a sale. Deterministic like the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.customers import Customers
from ebp_lakehouse.demo.company.field import (
    activities,
    agenda,
    contractinvoices,
    contracts,
    crew,
    dealcosts,
    dealpurchases,
    deals,
    equipment,
    events,
    incidents,
    outcome,
    places,
    planted,
    routing,
)
from ebp_lakehouse.demo.company.field.kinds import DONE, INSTALL, KINDS, REPAIR, TEAM_ROW, VISIT
from ebp_lakehouse.demo.company.items import Items
from ebp_lakehouse.demo.company.masters import Masters, audited
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.company.primitives import Int, generator, uuids
from ebp_lakehouse.demo.company.skeleton import Skeleton, Table
from ebp_lakehouse.demo.company.truth import GroundTruth

EVENTS, FEWEST_EVENTS, RESOURCES = 11_935, 220, 5097  # reference installation; room for the planted cases
ABSENCE_SHARE, MEETING_SHARE, TEAM_SHARE = 0.08, 0.09, 0.03  # of all rows; a team adds two
COUNTED = (2, 3, 10, 11, 12)
Frames = dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Sales:
    """Sale documents as the field sees them: place in the table, customer (-1 unknown), day, kind."""

    documents: pl.DataFrame
    counted: Int


@dataclass(frozen=True)
class Ground:
    """What the field rests on: crew, places, equipment, contracts; ``named`` is the contract of each sale document."""

    team: crew.Crew
    where: places.Places
    park: equipment.Park
    plans: contracts.Contracts
    named: Int


def prepare(
    seed: int, scale: float, calendar: BusinessCalendar, small: Masters, people: Customers, goods: Items, sk: Skeleton
) -> Ground:
    """Choose who has equipment and contracts, by what ``sk`` sells, and invoice the contracts in ``sk``."""
    team = crew.build(seed, small.frames["Colleague"], small.frames["Storehouse"], calendar.first_day, calendar.as_of)
    where = places.of_customers(people.frame)
    reachable = equipment.serviceable(where, (team.latitude, team.longitude), people.frame)
    reachable = reachable[~people.prospect[reachable]]  # they have bought nothing yet
    park = equipment.choose(seed, scale, calendar, reachable, goods.frame, _sold_lines(sk))
    since = people.frame["sysCreatedDate"].dt.epoch("d").cast(pl.Int64).to_numpy()
    plans = contracts.build(seed, scale, calendar, park, reachable, since)
    contractinvoices.write(seed, plans, park, calendar, people, goods, sk)
    return Ground(team, where, park, plans, sk.documents["contract"])


def add(
    frames: Frames,
    seed: int,
    scale: float,
    calendar: BusinessCalendar,
    options: CompanyOptions,
    ground: Ground,
    truth: GroundTruth,
) -> Frames:
    """The frames with equipment, contracts, appointments, activities, deals, sites and, if asked, incidents."""
    as_of = calendar.as_of
    customers, items = frames["Customer"], frames["Item"]
    sales = _sales(frames)
    team, where, park, plans = ground.team, ground.where, ground.park, ground.plans
    crew.describe(team, truth)
    reachable = equipment.serviceable(where, (team.latitude, team.longitude), customers)
    business = deals.choose(seed, scale, sales.documents, frames["DocumentLineAssociation"], sales.counted)
    sites = dealcosts.site_codes(seed, scale, business)

    book, away, planter = _agenda(seed, scale, calendar, team, where, park, plans, reachable, items, truth)
    rng = generator(seed, "outcomes")
    outcome.settle_states(rng, book, as_of)
    outcome.settle_hours(rng, book, team)
    dealcosts.attach(book, scale, business)
    invoices = sales.documents.filter(pl.col("kind") == 2).select("customer", "day", row="place")  # noqa: PLR2004
    result = outcome.settle_money(rng, book, team, park, invoices.filter(pl.col("customer") >= 0))

    context = events.Context(
        customers, items, frames["SaleDocument"]["Id"], business.codes, sites,
        frames["Colleague"].filter(pl.col("ActiveState") == 0)["Id"], calendar.first_day, as_of,
    )  # fmt: skip
    rng = generator(seed, "events")
    type_ids = uuids(rng, len(KINDS))
    appointments = events.appointments(rng, book, result, team, park, plans, where, context, type_ids, truth)
    made: Frames = {"ScheduleEventType": audited(events.type_frame(type_ids))}
    if options.with_incidents:
        appointments, extra = incidents.build(
            seed, scale, book, appointments, park, plans, where, customers, items, as_of, truth
        )
        made |= extra | crew.competences(seed, team)
    back = np.flatnonzero(book["return_of"] >= 0)
    came_back = {
        "event_id": appointments["Id"].gather(book["return_of"][back]),
        "return_id": appointments["Id"].gather(back),
    }
    truth.describe("repair that did not hold", pl.DataFrame(came_back))
    for case, key in events.keys_of_cases(appointments, book):
        truth.plant(planter.names[case], "ScheduleEvent", [key], planter.moves[case])
    saturday = as_of - 30 - (as_of - 30 + 5) % 7
    schedule = events.numbered(
        pl.concat(
            [
                appointments,
                events.team_rows(rng, appointments, team),
                events.absence_rows(rng, away, team, context, type_ids, saturday),
            ],
            how="diagonal_relaxed",
        )
    )
    made["ScheduleEvent"] = schedule
    made["ScheduleEventExpectedResource"] = events.expected_resources(rng, schedule, max(1, round(RESOURCES * scale)))
    made |= equipment.frames(seed, park, where, calendar, customers, items, frames["SaleDocumentLine"]["Id"], truth)
    made |= _contract_frames(seed, frames, book, ground, calendar, result, truth)
    made |= _deal_frames(seed, scale, frames | made, business, sites, where, as_of, truth)
    made["ReminderLetter"] = activities.letters(seed)
    made["Activity"] = _activities(seed, scale, as_of, frames | made, type_ids, truth)
    made["Colleague"] = crew.with_schedules(team, frames["Colleague"], frames["Storehouse"])
    made["ColleagueFamily"] = crew.family_week(frames["ColleagueFamily"])
    return frames | made


def _sales(frames: Frames) -> Sales:
    customers = frames["Customer"].select(pl.col("Id").alias("code"), customer=pl.int_range(pl.len()))
    documents = (
        frames["SaleDocument"]
        .select(
            "Id", pl.col("CustomerId").str.strip_chars().str.to_uppercase().alias("code"),
            place=pl.int_range(pl.len()), day=pl.col("DocumentDate").dt.epoch("d").cast(pl.Int64), kind="DocumentType",
        )
        .join(customers, on="code", how="left", maintain_order="left")
        .with_columns(pl.col("customer").fill_null(-1))
        .drop("code")
    )  # fmt: skip
    lines = frames["SaleDocumentLine"]
    counted = lines.filter(pl.col("LineType").is_in(COUNTED) & (pl.col("NomenclatureLevel") == 0))
    count = documents.join(
        counted.group_by(pl.col("DocumentId").alias("Id")).agg(lines=pl.len()),
        on="Id",
        how="left",
        maintain_order="left",
    )["lines"].fill_null(0)
    return Sales(documents, count.cast(pl.Int64).to_numpy())


def _sold_lines(sk: Skeleton) -> pl.DataFrame:
    """Row in SaleDocumentLine, customer, item and day of every good delivered or invoiced."""
    lines, document = sk.lines, sk.lines["document"]
    goods = (lines["line_type"] == 2) & (lines["level"] == 0) & (lines["item"] >= 0) & (lines["quantity"] > 0)  # noqa: PLR2004
    row = np.flatnonzero(goods & np.isin(sk.documents["kind"][document], (2, 6)))
    return pl.DataFrame(
        {
            "row": row,
            "customer": sk.documents["customer"][document[row]],
            "item": lines["item"][row],
            "day": sk.documents["day"][document[row]],
        }
    )


def _agenda(
    seed: int,
    scale: float,
    calendar: BusinessCalendar,
    team: crew.Crew,
    where: places.Places,
    park: equipment.Park,
    plans: contracts.Contracts,
    reachable: Int,
    items: pl.DataFrame,
    truth: GroundTruth,
) -> tuple[Table, routing.Absences, planted.Planter]:
    """All appointments with day, hours and technician; together with teams and absences they are as many as wanted."""
    size = max(FEWEST_EVENTS, round(EVENTS * scale))
    rng = generator(seed, "agenda")
    away = routing.absences(rng, round(size * ABSENCE_SHARE) - 1, calendar, team)
    teams = max(1, round(size * TEAM_SHARE))
    rest = size - len(away.tech) - 1 - 2 * (teams + planted.TEAMS) - planted.rows(park)
    book = Table(agenda.COLUMNS)
    agenda.visits(rng, book, plans, park, calendar)
    maintained = (book["kind"] == VISIT) & (book["piece"] >= 0) & (book["state"] < 0)
    failures = equipment.live(seed, park, calendar, book["piece"][maintained], book["wish"][maintained])
    equipment.describe(park, failures, truth)
    agenda.repairs(rng, book, failures, plans, park, team, where)
    agenda.meetings(rng, book, round(size * MEETING_SHARE), calendar, team)
    goods = np.flatnonzero(items["Id"].str.starts_with("ART").to_numpy())
    agenda.other_work(rng, book, max(rest // 4, rest - book.size), calendar, reachable, where, goods)
    book = agenda.trim(book, rest)
    agenda.assign_technicians(rng, book, team, where)
    installs = np.flatnonzero((book["kind"] == INSTALL) & (book["wish"] <= calendar.as_of))
    others = np.flatnonzero((book["kind"] == REPAIR) & (book["piece"] < 0) & (book["wish"] <= calendar.as_of))
    any_visit = np.flatnonzero((book["kind"] == VISIT) & (book["wish"] <= calendar.as_of))
    together = np.r_[rng.permutation(installs), rng.permutation(others), any_visit][:teams]
    book["team"][together], book["state"][together] = 2, DONE
    work = routing.work_days(calendar, team, away)
    agenda.returns_after_first(book, work.roll(book["tech"], book["wish"]))
    routing.plan(book, np.arange(book.size), work, team, where)
    while agenda.returns_after_first(book, book["day"]):
        routing.plan(book, np.arange(book.size), work, team, where)
    planter = planted.plant(book, team, work, park, plans, reachable, calendar.as_of)
    return book, away, planter


def _contract_frames(
    seed: int,
    frames: Frames,
    book: Table,
    ground: Ground,
    calendar: BusinessCalendar,
    result: outcome.Outcome,
    truth: GroundTruth,
) -> Frames:
    """Contract tables, and the sale documents that name the contract they invoice."""
    plans, named, documents = ground.plans, ground.named, frames["SaleDocument"]
    visited = (book["contract"] >= 0) & (book["kind"] == VISIT) & result.done
    visits = np.bincount(book["contract"][visited], minlength=plans.size)
    amount = dealcosts.cents(documents["AmountVatExcludedWithDiscountAndShipping"])
    invoiced = np.bincount(named + 1, weights=amount, minlength=plans.size + 1)[1:].astype(np.int64)
    sellers = frames["Colleague"].filter("IsSalesperson")["Id"]
    tables = contracts.frames(
        seed, plans, ground.park, ground.where, calendar, frames["Customer"], frames["Item"], sellers, visits, invoiced,
        truth,
    )  # fmt: skip
    contractinvoices.describe(plans, named, documents, truth)
    return tables | {"SaleDocument": documents.with_columns(MaintenanceContractId=contracts.codes_of(plans, named))}


def _deal_frames(
    seed: int,
    scale: float,
    frames: Frames,
    business: deals.Deals,
    sites: pl.Series,
    where: places.Places,
    as_of: int,
    truth: GroundTruth,
) -> Frames:
    documents, lines = deals.with_deals(frames["SaleDocument"], frames["SaleDocumentLine"], business, sites)
    made = deals.document_frames(seed, scale, business, documents, lines, sites)
    made["DealSaleSettlement"] = deals.settlement_frame(
        seed,
        scale,
        business,
        frames["SaleCommitment"],
        frames["SaleSettlementCommitmentAssociation"],
        frames["SaleSettlement"],
    )
    made["DealResourcesCost"] = dealcosts.resource_frame(seed, frames["ScheduleEvent"], scale)
    made |= dealpurchases.build(seed, scale, business, frames, truth)
    bought = dealcosts.amounts_put_on_deals(made)
    made |= dealcosts.deal_frames(
        seed, scale, business, sites, where, frames["Customer"], frames["Colleague"], made["DealSaleDocument"],
        made["DealResourcesCost"], bought, as_of, truth,
    )  # fmt: skip
    return made | {"SaleDocument": documents, "SaleDocumentLine": lines}


def _activities(
    seed: int, scale: float, as_of: int, frames: Frames, type_ids: pl.Series, truth: GroundTruth
) -> pl.DataFrame:
    done = frames["ScheduleEvent"].filter(
        (pl.col("EventState") == DONE) & (pl.col("LineType") != TEAM_ROW) & pl.col("CustomerId").is_not_null()
        & pl.col("EndDateTime").dt.epoch("d").is_between(0, as_of - 1)
    )  # fmt: skip
    colleagues = frames["Colleague"].filter(pl.col("ActiveState") == 0)["Id"]
    return activities.frame(
        seed, scale, as_of, frames["Customer"], colleagues, frames["SaleDocument"],
        activities.reminders_of(frames["SaleCommitment"], as_of),
        done.select("Id", "CustomerId", "ColleagueId", "EndDateTime", "EventType"), frames["ReminderLetter"]["Id"],
        type_ids, truth,
    )  # fmt: skip
