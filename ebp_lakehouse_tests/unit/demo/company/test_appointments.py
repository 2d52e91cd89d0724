"""Schedules, technicians and appointments of the demo company obey the semantics.

Distances, working days, absences, totals and durations are recomputed here from the frames; nothing is imported from the
generator's rules but the company itself and its ground truth.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import holidays
import polars as pl
import pytest

from ebp_lakehouse_tests.unit.demo.company.field_company import (
    AS_OF,
    CANCELLED,
    DONE,
    SEEDS,
    TEAM_ROW,
    Company,
    Frames,
    c,
    code,
    company,
    kilometres,
    none,
    planted,
    usual_appointments,
)


@pytest.fixture(params=SEEDS, ids=str)
def made(request: pytest.FixtureRequest) -> Company:
    return company(request.param)


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
                road = min(kilometres(here, there) * 1.3 / 50 * 60, 240)  # further away one leaves the evening before
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
