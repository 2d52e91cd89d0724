"""Equipment, contracts, deals, activities and incidents of the demo company obey the semantics.

Distances, working days, absences, totals and durations are recomputed here from the frames; nothing is imported from the
generator's rules but the company itself and its ground truth.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from ebp_lakehouse.demo.company import calendar as days
from ebp_lakehouse.demo.company.field import equipment
from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.truth import GroundTruth
from ebp_lakehouse.source.reference_schema import reference
from ebp_lakehouse_tests.unit.demo.company.field_company import (
    AS_OF,
    DONE,
    SCALE,
    SEEDS,
    TEAM_ROW,
    Company,
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


def test_repairs_that_did_not_hold_are_followed_within_weeks(made: Company) -> None:
    frames, truth = made
    events = frames["ScheduleEvent"].select("Id", "StartDateTime", "Maintenance_CustomerProductId", "ColleagueId")
    pairs = pl.DataFrame(
        [
            {"first": key, "Id": value["return_id"]}
            for key, value in truth["parameters"]["repair that did not hold"].items()
        ]
    )
    joined = pairs.join(events, on="Id").join(events, left_on="first", right_on="Id", suffix="_first")
    assert joined.height == pairs.height > 0
    gap = (c("StartDateTime").dt.date() - c("StartDateTime_first").dt.date()).dt.total_days()
    none(
        joined.filter(
            (gap < 2) | (gap > 40) | (c("Maintenance_CustomerProductId") != c("Maintenance_CustomerProductId_first"))
        )
    )


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
