"""Equipment, contracts, appointments, deals, activities and incidents of the demo company obey the semantics.

Distances, working days, absences, totals and durations are recomputed here from the frames; nothing is imported from the
generator's rules but the company itself and its ground truth.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import polars as pl
import pytest

from ebp_lakehouse.demo.company import calendar as days
from ebp_lakehouse.demo.company.field import equipment
from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.company.truth import GroundTruth
from ebp_lakehouse.source.reference_schema import reference

AS_OF = date(2025, 10, 23)
SCALE = 0.02
SEEDS = (1, 7, 42)
DONE, CANCELLED, TEAM_ROW = 2, 3, 1
Frames = dict[str, pl.DataFrame]
Company = tuple[Frames, dict[str, Any]]
c = pl.col


@cache
def company(seed: int, incidents: bool = False) -> Company:
    truth = GroundTruth()
    frames = generate(SCALE, seed, AS_OF, CompanyOptions(with_incidents=incidents), truth)
    return frames, truth.as_dict()


@pytest.fixture(params=SEEDS, ids=str)
def made(request: pytest.FixtureRequest) -> Company:
    return company(request.param)


def planted(made: Company, table: str = "ScheduleEvent") -> dict[str, list[str]]:
    return {case["case"]: case["keys"] for case in made[1]["cases"] if case["table"] == table}


def none(frame: pl.DataFrame) -> None:
    assert frame.is_empty(), frame.head(5).to_dicts()


def usual_appointments(made: Company) -> pl.DataFrame:
    """Appointments and meetings led by a technician that were not made on purpose."""
    keys = [key for keys in planted(made).values() for key in keys]
    return made[0]["ScheduleEvent"].filter(
        ~c("IsScheduleException") & (c("LineType") != TEAM_ROW) & ~c("Id").is_in(keys) & c("ColleagueId").is_not_null()
    )


def code(column: str) -> pl.Expr:
    return c(column).str.strip_chars().str.to_uppercase()


# schedules and technicians


def week_of(frames: Frames, technician: str) -> list[float]:
    """Hours from Monday to Sunday: the colleague's own day where it is customized, else his family's."""
    own = frames["Colleague"].filter(c("Id") == technician).to_dicts()[0]
    family = frames["ColleagueFamily"].filter(c("Id") == own["ColleagueFamilyId"]).to_dicts()[0]
    source = [own if own[f"DaySchedule{day}_Customize"] else family for day in range(7)]
    return [row[f"DaySchedule{d}_Duration"] if row[f"DaySchedule{d}_Active"] else 0.0 for d, row in enumerate(source)]


def test_schedules_are_customized_or_the_familys_and_add_up(made: Company) -> None:
    frames, truth = made
    weeks = {code: week_of(frames, code) for code in truth["parameters"]["technician"]}
    for technician, known in truth["parameters"]["technician"].items():
        assert round(sum(weeks[technician]) * 60) == known["weekly_minutes"]
    assert {sum(week) for week in weeks.values()} == {35.0, 39.0, 28.0, 36.0}
    assert any(week[2] == 0 for week in weeks.values())  # part time: no Wednesday
    frame = frames["Colleague"].filter(c("Id").is_in(list(weeks)))
    for day in range(7):
        name = f"DaySchedule{day}_"
        worked = (c(f"{name}EndTime") - c(f"{name}StartTime")).dt.total_minutes() - (
            c(f"{name}LunchEndTime") - c(f"{name}LunchStartTime")
        ).dt.total_minutes().fill_null(0)
        none(frame.filter(c(f"{name}Active") & (worked != c(f"{name}Duration") * 60)))
    not_customized = frame.filter(~c("DaySchedule0_Customize"))
    assert not_customized.height > 0
    assert not_customized["DaySchedule0_Duration"].sum() == 0  # a trap: only the family's hours count


# appointments


def test_appointments_fit_working_days_and_absences(made: Company) -> None:
    frames, _ = made
    closed = holidays.country_holidays("FR", years=range(2014, 2028))
    away = frames["ScheduleEvent"].filter(c("IsScheduleException") & ~c("ExceptionWorked").fill_null(False))
    spans: dict[str, list[tuple[date, date]]] = {}
    for row in away.iter_rows(named=True):
        last = (row["EndDateTime"] - timedelta(minutes=1)).date()
        spans.setdefault(row["ColleagueId"], []).append((row["StartDateTime"].date(), last))
    weeks = {technician: week_of(frames, technician) for technician in usual_appointments(made)["ColleagueId"].unique()}
    for row in usual_appointments(made).iter_rows(named=True):
        day = row["StartDateTime"].date()
        assert row["EndDateTime"].date() == day, row["ScheduleEventNumber"]
        assert weeks[row["ColleagueId"]][day.weekday()] > 0, (row["ScheduleEventNumber"], day)
        assert day not in closed
        assert day.isocalendar().week != 33
        assert not any(a <= day <= b for a, b in spans.get(row["ColleagueId"], [])), (row["ScheduleEventNumber"], day)


def kilometres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Spherical law of cosines, another formula than the generator's."""
    (la, oa), (lb, ob) = ((math.radians(x), math.radians(y)) for x, y in (a, b))
    cosine = math.sin(la) * math.sin(lb) + math.cos(la) * math.cos(lb) * math.cos(ob - oa)
    return 6371.0 * math.acos(max(-1.0, min(1.0, cosine)))


def test_routes_leave_time_for_the_road_and_never_overlap(made: Company) -> None:
    frames, truth = made
    depots = {t: (p["depot_latitude"], p["depot_longitude"]) for t, p in truth["parameters"]["technician"].items()}
    legs = 0
    for technician, rows in (
        usual_appointments(made).sort("StartDateTime").partition_by("ColleagueId", as_dict=True).items()
    ):
        previous_end, previous_day, here = datetime(1900, 1, 1), None, None  # noqa: DTZ001
        for row in rows.iter_rows(named=True):
            start = row["StartDateTime"]
            assert start >= previous_end, row["ScheduleEventNumber"]
            assert start.minute % 15 == 0
            if start.date() != previous_day:
                here = depots[technician[0]]
            known = row["Address_Latitude"] not in (None, Decimal(0))
            there = (float(row["Address_Latitude"]), float(row["Address_Longitude"])) if known else None
            if here and there and (row["CustomerId"] or "").strip():
                road = kilometres(here, there) * 1.3 / 50 * 60
                if start.date() == previous_day:
                    assert (start - previous_end).total_seconds() / 60 >= road - 1, row["ScheduleEventNumber"]
                expected = row["Maintenance_TravelDuration"]
                if expected is not None and kilometres(here, there) > 0.1:
                    assert abs(float(expected) * 60 - road) <= 7, row["ScheduleEventNumber"]  # parking and rounding
                    legs += 1
            here = there if (row["CustomerId"] or "").strip() else here
            previous_end, previous_day = row["EndDateTime"], start.date()
    assert legs > 30
    assert frames["ScheduleEvent"]["ScheduleEventNumber"].is_unique().all()


def test_team_rows_repeat_their_parent_and_give_each_his_minutes(made: Company) -> None:
    events = made[0]["ScheduleEvent"]
    orphan = planted(made)["sub-row whose parent is gone"]
    team = events.filter((c("LineType") == TEAM_ROW) & ~c("Id").is_in(orphan))
    parents = events.select(
        c("Id").alias("ParentEventId"), c("CustomerId").alias("whose"), c("StartDateTime").alias("when")
    )
    joined = team.join(parents, on="ParentEventId", how="left")
    none(joined.filter(c("whose").is_null() | (c("whose") != c("CustomerId")) | (c("when") != c("StartDateTime"))))
    assert set(team.group_by("ParentEventId").agg(n=pl.len(), people=c("ColleagueId").n_unique())["people"]) == {2}
    alone = events.filter(c("Id").is_in(team["ParentEventId"].implode()) & c("ColleagueId").is_null())
    assert alone.height == 1  # the technician is only on the rows
    on_rows = events.filter(
        c("Id").is_in(team["ParentEventId"].implode()) & c("ToInvoice") & (c("NetAmountVatExcluded") == 0)
    )
    assert on_rows.height >= 1
    assert (team.filter(c("ParentEventId").is_in(on_rows["Id"].implode()))["NetAmountVatExcluded"] > 0).all()
    parent = events.filter(c("Id").is_in(orphan))["ParentEventId"][0]
    assert parent is not None
    assert parent not in events["Id"]


def test_references_resolve_but_for_the_planted_orphans(made: Company) -> None:
    frames, _ = made
    orphans = [key for case, keys in planted(made).items() if "unknown to the master" in case for key in keys]
    events = frames["ScheduleEvent"].filter(~c("Id").is_in(orphans))
    for column, table in (
        ("EventType", "ScheduleEventType"), ("Maintenance_ContractId", "MaintenanceContract"), ("DealId", "Deal"),
        ("Maintenance_CustomerProductId", "CustomerProduct"), ("ConstructionSiteId", "ConstructionSite"),
        ("InvoiceId", "SaleDocument"), ("ColleagueId", "Colleague"), ("ItemId", "Item"),
    ):  # fmt: skip
        used = events[column].drop_nulls()
        assert len(used) > 0 or column == "ConstructionSiteId", column
        assert used.is_in(frames[table]["Id"].implode()).all(), column
    known = frames["Customer"]["Id"].implode()
    none(events.filter((code("CustomerId") != "") & ~code("CustomerId").is_in(known)))
    invoices = frames["SaleDocument"].select(
        c("Id").alias("InvoiceId"), "DocumentType", "DocumentDate", buyer=code("CustomerId")
    )
    billed = events.filter(c("LineType") != TEAM_ROW).join(invoices, on="InvoiceId")
    none(billed.filter((c("DocumentType") != 2) | (c("DocumentDate").dt.date() < c("StartDateTime").dt.date())))
    none(billed.filter((c("buyer") != code("CustomerId")) & (code("CustomerId") != "")))
    pieces = frames["CustomerProduct"]
    lines = frames["SaleDocumentLine"].select(c("Id").alias("SaleDocumentLineId"), "DocumentId", sold=code("ItemId"))
    sold = pieces.join(lines, on="SaleDocumentLineId").join(
        frames["SaleDocument"].select(c("Id").alias("DocumentId"), buyer=code("CustomerId")), on="DocumentId"
    )
    assert sold.height == pieces["SaleDocumentLineId"].drop_nulls().len() > 0
    moved = planted(made, "CustomerProduct")["equipment moved to another customer"]
    none(sold.filter((c("sold") != c("ItemId")) | ((c("buyer") != c("CustomerId")) & ~c("Id").is_in(moved))))


def test_repeated_repairs_are_exactly_so_many_days_apart(made: Company) -> None:
    events = made[0]["ScheduleEvent"]
    for gap in (5, 29, 30, 31):
        keys = planted(made)[f"repair repeated after {gap} days"]
        rows = events.filter(c("Id").is_in(keys)).sort("StartDateTime")
        assert rows["Maintenance_CustomerProductId"].n_unique() == 1
        first, second = rows["StartDateTime"].dt.date().to_list()
        assert (second - first).days == gap
        piece = rows["Maintenance_CustomerProductId"][0]
        assert events.filter(c("Maintenance_CustomerProductId") == piece).height == 2  # nothing else blurs the case
        assert second <= AS_OF - timedelta(days=31)  # hindsight is complete


def test_events_across_a_clock_change_last_three_and_five_hours(made: Company) -> None:
    events, zone = made[0]["ScheduleEvent"], ZoneInfo("Europe/Paris")
    for month, hours in ((3, 3), (10, 5)):
        (key,) = planted(made)[f"across the clock change of month {month}"]
        row = events.filter(c("Id") == key).to_dicts()[0]
        begin, end = (row[name].replace(tzinfo=zone).timestamp() for name in ("StartDateTime", "EndDateTime"))
        assert (end - begin) / 3600 == hours
        assert row["ExpectedDuration_DurationInHours"] is None


def test_planted_appointments_are_what_they_say(made: Company) -> None:
    events = made[0]["ScheduleEvent"]
    hours = c("AchievedDuration_DurationInHours")
    elapsed = (c("EndDateTime") - c("StartDateTime")).dt.total_minutes()
    says: dict[str, pl.Expr] = {
        "across midnight": c("EndDateTime").dt.date() == c("StartDateTime").dt.date() + pl.duration(days=1),
        "over three days": c("EndDateTime").dt.date() == c("StartDateTime").dt.date() + pl.duration(days=2),
        "all day": (elapsed == 1440) & (c("StartDateTime").dt.hour() == 0),
        "achieved 0": hours == 0,
        "achieved missing": hours.is_null() & (c("EventState") == DONE),
        "achieved greater than elapsed": hours * 60 > elapsed,
        "worked hours instead of achieved": hours.is_null() & (c("WorkedHours") == Decimal("1.5")),
        "planned hours instead of expected": c("ExpectedDuration_DurationInHours").is_null() & (c("PlannedHours") == 2),
        "end before start": c("EndDateTime") < c("StartDateTime"),
        "longer than 14 days": elapsed > 14 * 1440,
        "cancelled by state": c("EventState") == CANCELLED,
        "past and never closed": (c("EventState") == 0) & (c("GlobalPercentComplete") == 0) & hours.is_null(),
        "urgent": c("xx_URGENT"),
        "without technician": c("ColleagueId").is_null() & c("SubContractorId").is_null(),
        "without customer": c("CustomerId").is_null(),
        "customer code blank": c("CustomerId") == " ",
        "customer code with a trailing space": c("CustomerId").str.ends_with(" "),
        "customer code in lower case": c("CustomerId").str.starts_with("cli"),
        "without coordinates": c("Address_Latitude").is_null() & c("Address_City").is_not_null(),
        "without any address": c("Address_ZipCode").is_null() & c("Address_City").is_null(),
        "GPS 0/0": (c("Address_Latitude") == 0) & (c("Address_Longitude") == 0),
        "sub-contracted": c("SubContractorId").is_not_null() & c("ColleagueId").is_null(),
        "no type, but a contract": c("EventType").is_null() & c("Maintenance_ContractId").is_not_null(),
        "under contract, with an amount": ~c("ToInvoice") & (c("NetAmountVatExcluded") > 0),
        "under warranty": ~c("ToInvoice") & c("Maintenance_CustomerProductId").is_not_null(),
        "billed": c("ToInvoice"),
        "to be billed late": c("ToInvoice") & c("InvoiceId").is_null(),
        "in 1900": c("StartDateTime").dt.year() == 1900,
        "in 9999": c("StartDateTime").dt.year() == 9999,
        "in the far future": c("StartDateTime").dt.date() > AS_OF + timedelta(days=800),
        "state not in the seed, achieved": (c("EventState") == 9) & (hours > 0),
        "state not in the seed, nothing done": (c("EventState") == 9) & hours.is_null(),
        "answered late": c("StartDateTime") - c("sysCreatedDate") > timedelta(days=50),
    }
    for case, expression in says.items():
        rows = events.filter(c("Id").is_in(planted(made)[case]))
        assert rows.height >= 1, case
        assert rows.select(expression.all()).item(), (case, rows.to_dicts()[0])
    one, two = events.filter(c("Id").is_in(planted(made)["overlapping appointments"])).sort("StartDateTime").to_dicts()
    assert one["ColleagueId"] == two["ColleagueId"]
    assert two["StartDateTime"] < one["EndDateTime"]
    piece = events.filter(c("Id").is_in(planted(made)["under warranty"])).to_dicts()[0]
    guarantee = made[0]["CustomerProduct"].filter(c("Id") == piece["Maintenance_CustomerProductId"])["LabourEndDate"][0]
    assert guarantee > piece["StartDateTime"]


def test_dirt_is_what_the_ground_truth_says(made: Company) -> None:
    frames, truth = made
    for dirt in truth["dirt"]:
        if dirt["table"] == "ScheduleEvent" and dirt["what"] == "GPS 0/0":
            found = frames["ScheduleEvent"].filter((c("LineType") != TEAM_ROW) & (c("Address_Latitude") == 0)).height
            assert found == dirt["rows"]
            assert dirt["rows"] <= 1 + 3 * max(1.0, dirt["rate"] * dirt["among"])
    zero = frames["CustomerProduct"].filter(c("DeliveryAddress_Latitude") == 0)
    assert sorted(zero["Id"]) == planted(made, "CustomerProduct")["GPS 0/0"]


# equipment


def test_failures_follow_the_stated_law() -> None:
    """4 000 boilers of one age, half of them visited every year: counts within four standard deviations of the law."""
    calendar = days.build(date(2020, 1, 6))
    size, first = 4000, calendar.first_day
    zeros = np.zeros(size, dtype=np.int64)
    park = equipment.Park(
        codes=pl.Series([str(n) for n in range(size)]), owner=zeros, owner_now=zeros, item=zeros, kind=zeros,
        installed=np.full(size, first - 1), removed=np.full(size, 2**40), line=zeros - 1, frailty=np.ones(size),
        repeat=zeros, guaranteed=zeros > 0,
    )  # fmt: skip
    visited = np.arange(size // 2)
    piece, day = np.tile(visited, 2), np.repeat([first + 1, first + 300], size // 2)
    failures = equipment.live(3, park, calendar, piece, day)
    horizon = first + 500
    survivors, factor = {False: 1.0, True: 1.0}, {False: 1.0, True: 0.45}
    for now in range(first, horizon):  # first failures only: the clock starts at the installation
        age = now - (first - 1)
        month = (date(1970, 1, 1) + timedelta(days=now)).month
        hazard = (
            1.6
            / 900
            * (max(age, 1) / 900) ** 0.6
            * math.exp(0.06 * age / 365.25)
            * (1.4 if month in (11, 12, 1, 2) else 1)
        )
        for is_visited in survivors:
            reduced = factor[is_visited] if now > first else 1.0
            survivors[is_visited] *= math.exp(-hazard * reduced)
    early = failures.day < horizon
    for is_visited, of in ((True, failures.piece < size // 2), (False, failures.piece >= size // 2)):
        failed = len(np.unique(failures.piece[early & of]))
        expected = (1 - survivors[is_visited]) * size / 2
        spread = math.sqrt(expected * survivors[is_visited])
        assert abs(failed - expected) < 4 * spread, (is_visited, failed, expected)
    assert (np.diff(failures.day) >= 0).all()


def test_every_failure_of_the_period_is_repaired_within_days(made: Company) -> None:
    frames, truth = made
    repairs = (
        frames["ScheduleEvent"]
        .join(
            frames["ScheduleEventType"].select(c("Id").alias("EventType"), c("Caption").alias("kind")), on="EventType"
        )
        .filter(
            (c("kind") == "Dépannage") & c("Maintenance_CustomerProductId").is_not_null() & (c("LineType") != TEAM_ROW)
        )
    )
    counts = repairs.group_by("Maintenance_CustomerProductId").len()
    true = {key: p["failures"] for key, p in truth["parameters"]["equipment"].items()}
    special = {key for keys in planted(made).values() for key in keys}
    for piece, count in counts.iter_rows():
        on_purpose = repairs.filter((c("Maintenance_CustomerProductId") == piece) & c("Id").is_in(list(special))).height
        if piece in true:
            assert (count > on_purpose) <= (true[piece] > 0), piece
    usual = repairs.filter(~c("Id").is_in(list(special)) & (c("StartDateTime").dt.date() <= AS_OF))
    assert (usual["EventState"] == DONE).all()
    assert ((usual["StartDateTime"] - usual["sysCreatedDate"]).dt.total_days() <= 60).all()
    assert set(frames["CustomerProduct"]["Id"]) == set(true)


# contracts


def active_on(row: dict[str, Any], day: date) -> bool:
    """Semantics §2: started, not over unless tacitly renewed, not cancelled before that day."""
    cancelled = row["CancellationDate"] is not None and row["CancellationDate"].date() < day
    over = row["EndDate"].date() < day and not row["TacitRenewal"]
    return row["StartDate"].date() <= day and not over and not cancelled


def test_planted_contracts_have_the_fate_they_say(made: Company) -> None:
    frames, _ = made
    cases = {case.removeprefix("contract: "): keys[0] for case, keys in planted(made, "MaintenanceContract").items()}
    rows = {row["Id"]: row for row in frames["MaintenanceContract"].to_dicts()}
    alive = {case: active_on(rows[key], AS_OF) for case, key in cases.items()}
    wanted = {
        "active": True, "ended": False, "cancelled": False, "tacit renewal past its end": True, "counter used up": True,
        "starts in the future": False, "cancelled in the future": True,
    }  # fmt: skip
    assert {case: alive[case] for case in wanted} == wanted
    assert rows[cases["tacit renewal past its end"]]["EndDate"].date() < AS_OF
    assert rows[cases["cancelled"]]["EndDate"].date() > AS_OF
    assert rows[cases["counter used up"]]["RemainingCounterNumber"] == 0
    assert rows[cases["paid by somebody else"]]["InvoicingCustomerId"] not in (
        None,
        rows[cases["paid by somebody else"]]["CustomerId"],
    )
    visit = frames["ScheduleEventType"].filter(c("Caption") == "Visite d'entretien")["Id"][0]
    none(
        frames["ScheduleEvent"].filter(
            (c("Maintenance_ContractId") == cases["visits missed"]) & (c("EventType") == visit)
        )
    )
    links = frames["MaintenanceContractCustomerProduct"]
    assert cases["no equipment"] not in links["ContractId"]
    assert links.height == 20
    assert links["ContractId"].value_counts()["count"].max() > 1  # type: ignore[operator]
    assert links["CustomerProductId"].is_in(frames["CustomerProduct"]["Id"].implode()).all()


def test_counters_and_visits_agree(made: Company) -> None:
    frames, _ = made
    visit = frames["ScheduleEventType"].filter(c("Caption") == "Visite d'entretien")["Id"][0]
    done = frames["ScheduleEvent"].filter(
        (c("EventType") == visit) & ((c("EventState") == DONE) | ((c("EventState") == 9) & (c("AchievedDuration_DurationInHours") > 0)))
        & (c("LineType") != TEAM_ROW)
    ).group_by(c("Maintenance_ContractId").alias("Id")).agg(done=pl.len())  # fmt: skip
    counted = frames["MaintenanceContract"].filter(c("CounterType") == 1).join(done, on="Id", how="left")
    assert counted.height > 0
    none(counted.filter(c("InitialCounterNumber") - c("RemainingCounterNumber") != c("done").fill_null(0)))
    invoices = (
        frames["SaleDocument"].filter(c("MaintenanceContractId").is_not_null())
        .group_by(c("MaintenanceContractId").alias("Id"))
        .agg(c("AmountVatExcludedWithDiscountAndShipping").sum().alias("invoiced"))
    )  # fmt: skip
    totals = frames["MaintenanceContract"].join(invoices, on="Id", how="left")
    none(totals.filter(c("TotalInvoiceAmountVatExcluded") != c("invoiced").fill_null(0)))


# deals


def test_deals_are_the_sum_of_their_rows(made: Company) -> None:
    frames, _ = made
    amount, kind = c("NetAmountVatExcludedWithDiscount"), c("DocumentType")
    sales = (
        frames["DealSaleDocument"]
        .group_by("DealId")
        .agg(sales=amount.filter(kind == 2).sum() - amount.filter(kind == 3).abs().sum())
    )
    costs = pl.concat(
        [
            frames["DealResourcesCost"].select("DealId", cost=c("CostAmount").cast(pl.Decimal(38, 8))),
            frames["DealPurchaseDocumentLine"].filter("IncludeAmountInCost").select("DealId", cost=c("IncludedAmount").cast(pl.Decimal(38, 8))),
            frames["DealStockDocumentLine"].filter("IncludeAmountInCost").select("DealId", cost=c("IncludedAmount").cast(pl.Decimal(38, 8))),
        ]
    ).group_by("DealId").agg(c("cost").sum())  # fmt: skip
    deals = (
        frames["Deal"].join(sales, left_on="Id", right_on="DealId", how="left").join(costs, left_on="Id", right_on="DealId", how="left")
        .with_columns(c("sales", "cost").fill_null(0))
    )  # fmt: skip
    none(deals.filter(c("AccomplishedSales") != c("sales")).select("Id", "AccomplishedSales", "sales"))
    none(deals.filter(c("AccomplishedCosts") != c("cost")).select("Id", "AccomplishedCosts", "cost"))
    none(deals.filter(c("AccomplishedGrossMargin") != c("AccomplishedSales") - c("AccomplishedCosts")))
    assert deals["AccomplishedCosts"].sum() > 0
    hours = (
        frames["ScheduleEvent"]
        .filter(c("DealId").is_not_null())
        .group_by("DealId", "ColleagueId")
        .agg(c("AchievedDuration_DurationInHours").sum().alias("hours"), c("CostAmount").sum().alias("cost"))
    )
    resources = frames["DealResourcesCost"].join(hours, on=["DealId", "ColleagueId"], how="full")
    none(
        resources.filter(
            (c("AccomplishedDuration") != c("hours"))
            | (c("CostAmount") != c("cost"))
            | c("hours").is_null()
            | c("Id").is_null()
        )
    )


def test_deal_documents_are_those_of_one_customer_and_say_their_deal(made: Company) -> None:
    frames, _ = made
    documents = frames["SaleDocument"].select(
        c("Id").alias("DocumentId"),
        c("DealId").alias("said"),
        c("AmountVatExcludedWithDiscount").alias("net"),
        buyer=code("CustomerId"),
    )
    joined = frames["DealSaleDocument"].join(documents, on="DocumentId", how="left")
    none(
        joined.filter(
            c("said").is_null() | (c("said") != c("DealId")) | (c("net") != c("NetAmountVatExcludedWithDiscount"))
        )
    )
    assert joined.group_by("DealId").agg(c("buyer").n_unique())["buyer"].max() == 1
    assert joined["DocumentId"].is_unique().all()
    first = frames["DealCustomer"].filter(c("Type") == 0).select("DealId", "ThirdId")
    none(joined.join(first, on="DealId", how="left").filter(c("buyer") != c("ThirdId")))
    chain = (
        frames["DocumentLineAssociation"]
        .filter(~c("IsCountermark"))
        .select("OriginDocumentId", "TransferedDocumentId")
        .unique()
    )
    of = frames["SaleDocument"].select("Id", "DealId")
    both = chain.join(of, left_on="OriginDocumentId", right_on="Id").join(
        of, left_on="TransferedDocumentId", right_on="Id", suffix="_to"
    )
    none(both.filter(c("DealId").fill_null("-") != c("DealId_to").fill_null("-")))  # a chain is never torn
    lines = frames["DealSaleDocumentLine"].join(
        frames["SaleDocumentLine"].select(c("Id").alias("DocumentLineId"), c("DocumentId").alias("of"), c("DealId").alias("said")),
        on="DocumentLineId", how="left",
    )  # fmt: skip
    none(lines.filter(c("of") != c("DocumentId")))
    assert 0 < lines["said"].null_count() < lines.height  # some deals are on the header only
    sites = frames["ConstructionSite"]
    assert sites["DealId"].is_in(frames["Deal"]["Id"].implode()).all()
    orders = frames["SaleDocument"].filter(c("DocumentType") == 8)["Id"]
    assert sites["ReferenceDocumentId"].drop_nulls().is_in(orders.implode()).all()


# activities


def test_activities_are_mostly_automatic_and_point_to_what_they_tell(made: Company) -> None:
    frames, _ = made
    activities = frames["Activity"]
    assert activities.height == round(44_145 * SCALE)
    automatic = activities.filter(c("AutomaticCreation").fill_null(0) != 0)
    assert 0.6 < automatic.height / activities.height < 0.9
    assert (automatic["EndDateTime"] == automatic["StartDateTime"]).all()
    for column, table in (
        ("SaleDocumentId", "SaleDocument"),
        ("ScheduleEventId", "ScheduleEvent"),
        ("ReminderLetterId", "ReminderLetter"),
    ):
        used = activities[column].drop_nulls()
        assert used.is_in(frames[table]["Id"].implode()).all(), column
    assert activities["SaleDocumentId"].is_not_null().sum() > 0
    cases = {
        case: activities.filter(c("Id").is_in(keys)).to_dicts()[0] for case, keys in planted(made, "Activity").items()
    }
    assert cases["activity of 0 minutes"]["EndDateTime"] == cases["activity of 0 minutes"]["StartDateTime"]
    assert cases["activity of 30 hours"]["EndDateTime"] - cases["activity of 30 hours"]["StartDateTime"] == timedelta(
        hours=30
    )
    assert cases["activity without customer"]["CustomerId"] is None
    assert cases["activity in the future"]["StartDateTime"].date() > AS_OF
    assert not any(case["AutomaticCreation"] for case in cases.values())


# incidents


def test_incidents_exist_only_where_they_are_asked_for() -> None:
    usual, with_incidents = company(1)[0], company(1, incidents=True)
    only = {
        "Incident",
        "IncidentTemplate",
        "IncidentCustomerProduct",
        "ScheduleEventCustomerProduct",
        "Competence",
        "ColleagueCompetence",
    }
    assert set(with_incidents[0]) - set(usual) == only
    frames = with_incidents[0]
    assert (
        usual["ScheduleEvent"]
        .drop("ColleagueId")
        .equals(frames["ScheduleEvent"].drop("Maintenance_IncidentId", "ColleagueId"))
    )
    incidents = {row["Id"]: row for row in frames["Incident"].to_dicts()}
    cases = {case.removeprefix("incident: "): keys[0] for case, keys in planted(with_incidents, "Incident").items()}
    visits = frames["ScheduleEvent"].filter(c("Maintenance_IncidentId").is_not_null())
    first = dict(visits.group_by("Maintenance_IncidentId").agg(c("StartDateTime").min()).iter_rows())
    assert set(first) <= set(incidents)

    def hours(case: str) -> float:
        row = incidents[cases[case]]
        return (row["EndDate"] - row["StartDate"]).total_seconds() / 3600

    assert cases["opened, not answered"] not in first
    assert incidents[cases["opened, not answered"]]["EndDate"] is None
    assert incidents[cases["open late"]]["EndDate"] is None
    assert hours("resolved within target") <= 48 < hours("resolved out of target")
    assert first[cases["response before creation"]] < incidents[cases["response before creation"]]["StartDate"]
    two = visits.filter(c("Maintenance_IncidentId") == cases["two technicians"])
    assert two["ColleagueId"].n_unique() == 2
    products = frames["IncidentCustomerProduct"]
    assert products.filter(c("StandardExchange"))["IncidentId"].to_list() == [cases["standard exchange"]]
    assert set(products["IncidentId"]) == set(incidents)


# sizes


@cache
def full_company() -> Company:
    truth = GroundTruth()
    return generate(1.0, 3, AS_OF, truth=truth), truth.as_dict()


def test_every_table_has_the_references_rows_at_full_scale() -> None:
    frames = full_company()[0]
    wrong = {
        name: (frame.height, reference()[name].rows)
        for name, frame in frames.items()
        if frame.height != reference()[name].rows
    }
    assert wrong == {}


def test_customers_are_near_a_depot_and_technicians_mostly_too() -> None:
    made = full_company()
    _, truth = made
    depots = {t: (p["depot_latitude"], p["depot_longitude"]) for t, p in truth["parameters"]["technician"].items()}
    points = usual_appointments(made).filter((c("Address_Latitude") > 0) & c("CustomerId").is_not_null())
    near = []
    for row in points.iter_rows(named=True):
        here = (float(row["Address_Latitude"]), float(row["Address_Longitude"]))
        assert min(kilometres(here, depot) for depot in depots.values()) <= 111
        near.append(kilometres(here, depots[row["ColleagueId"]]))
    assert np.median(near) < 75
