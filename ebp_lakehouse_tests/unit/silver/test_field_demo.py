"""The field service of a small demo company with incidents, against its ground truth: every planted case moves its figure.

Times to the first fix are counted apart, from the frames of the generator.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.company.truth import GroundTruth
from ebp_lakehouse.source.registry import Registry
from ebp_lakehouse_tests.unit.silver.mock_bronze import write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import SilverRun, run_silver

AS_OF = date(2026, 3, 1)
SLA = "contract_family,priority,first_response_hours,resolution_hours,clock\n*,,,48,calendar\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[SilverRun, dict[str, pl.DataFrame], dict[str, Any]]:
    folder, truth = tmp_path_factory.mktemp("field"), GroundTruth()
    frames = generate(0.02, 11, AS_OF, CompanyOptions(with_incidents=True), truth)
    tables = {spec.asset: frames[spec.name] for spec in Registry.load() if spec.name in frames}
    (folder / "sla.csv").write_text(SLA)
    catalog = write_catalog(folder / "catalog.duckdb", frames=tables)
    run = run_silver(folder / "run", catalog, user_files=folder)
    assert run.failures() == {}
    return run, frames, truth.as_dict()


# Working days of a planted appointment; a technician's day has 400 to 480 minutes.
WORK_DAYS = "len(list_filter(generate_series(cast(start_at as date), cast(end_at as date), interval 1 day), lambda d: isodow(d) < 6))"
# What each planted appointment must show: an SQL condition that all its rows meet.
APPOINTMENTS = {
    "across midnight": "scheduled_duration_minutes = 240",
    "over three days": f"scheduled_duration_minutes between 400 * {WORK_DAYS} and 480 * {WORK_DAYS}",
    "all day": "start_time_key = -1 and end_time_key = -1 and scheduled_duration_minutes = 420",
    "achieved 0": "actual_duration_minutes is null and state = 'Done'",
    "achieved missing": "actual_duration_minutes is null and state = 'Done'",
    "achieved greater than elapsed": "actual_duration_minutes = 240",
    "worked hours instead of achieved": "actual_duration_minutes = 90",
    "planned hours instead of expected": "scheduled_duration_minutes = 120",
    "end before start": "scheduled_duration_minutes is null",
    "longer than 14 days": "scheduled_duration_minutes is null",
    "cancelled by state": "state = 'Cancelled' and distance_km is null",
    "past and never closed": "state = 'Scheduled' and is_overdue",
    "state not in the seed, achieved": "state = 'Done'",
    "state not in the seed, nothing done": "state = 'Scheduled' and is_overdue",
    "urgent": "priority = 1",
    "without technician": "colleague_key = md5('unknown') and technician_count = 0",
    "customer code with a trailing space": "customer_key <> md5('orphan')",
    "customer code in lower case": "customer_key <> md5('orphan')",
    "customer unknown to the master": "customer_key = md5('orphan')",
    "equipment unknown to the master": "customer_product_key = md5('orphan')",
    "without coordinates": "latitude is not null and distance_km is not null",
    "without any address": "location_key <> md5('unknown')",
    "GPS 0/0": "latitude > 40 and distance_km < 200",
    "sub-contracted": "is_subcontracted and colleague_key = md5('unknown')",
    "no type, nothing linked": "intervention_type = 'Other'",
    "no type, but a contract": "intervention_type = 'Maintenance'",
    "type without keyword": "intervention_type = 'Other'",
    "billed": "billable_amount > 0",
    "to be billed late": "billable_amount > 0 and not is_invoiced and state = 'Done'",
    "under contract, with an amount": "billable_amount = 0 and is_under_contract",
    "under warranty": "is_under_warranty and billable_amount = 0",
    "across the clock change of month 3": "scheduled_duration_minutes = 180",
    "across the clock change of month 10": "scheduled_duration_minutes = 300",
    "in 9999": "schedule_date_key = -3",
    "in the far future": "is_future_dated and state = 'Scheduled'",
    "team of two": "technician_count = 2 and billable_amount > 0",
    "sub-row whose parent is gone": "technician_count = 1",
}
INCIDENTS = {
    "opened, not answered": "state = 'Open' and resolution_date_key = -2",
    "open late": "sla_met_flag = false and state = 'InProgress'",
    "resolved within target": "sla_met_flag and state = 'Closed'",
    "resolved out of target": "sla_met_flag = false and state = 'Closed'",
    "standard exchange": "resolution_category = 'Échange'",
    "response before creation": "time_to_first_response_hours = 0",
}
ACTIVITIES = {
    "activity of 0 minutes": "duration_minutes = 0 and not is_automatic",
    "activity of 30 hours": "duration_minutes is null",
    "activity in the future": "outcome = 'Pending' and is_future_dated",
    "activity in 2099": "date_key = -3",
    "activity of an unknown customer": "customer_key = md5('orphan')",
}
CONTRACTS = {
    "active": "is_active and not in_tacit_renewal",
    "ended": "not is_active",
    "cancelled": "not is_active",
    "tacit renewal past its end": "is_active and in_tacit_renewal",
    "counter used up": "remaining_counter = 0",
    "starts in the future": "not is_active",
    "paid by somebody else": "payer_id <> customer_id",
    "cancelled in the future": "is_active",
}
PLANTED = (
    ("ScheduleEvent", "fact_interventions", "event_id", "", APPOINTMENTS),
    ("Incident", "fact_incidents", "incident_id", "incident: ", INCIDENTS),
    ("Activity", "fact_customer_activity", "activity_key", "", ACTIVITIES),
    ("MaintenanceContract", "dim_contract", "contract_id", "contract: ", CONTRACTS),
)


@pytest.mark.parametrize(("source", "table", "key", "prefix", "says"), PLANTED, ids=[row[1] for row in PLANTED])
def test_planted_cases_move_their_figure(
    made: tuple[SilverRun, Any, dict[str, Any]], source: str, table: str, key: str, prefix: str, says: dict[str, str]
) -> None:
    run, _, truth = made
    keys = {case["case"]: case["keys"] for case in truth["cases"] if case["table"] == source}
    wrong = {}
    for case, condition in says.items():
        wanted = ", ".join(f"md5('{k}')" if key == "activity_key" else f"'{k}'" for k in keys[prefix + case])
        found = run.query(
            f"select count(*), count(*) filter (where {condition}) from silver.{table} where {key} in ({wanted})"
        )
        if found != [(len(keys[prefix + case]), len(keys[prefix + case]))]:
            wrong[case] = found
    assert wrong == {}


def test_internal_events_and_blank_customers_are_no_interventions(made: tuple[SilverRun, Any, dict[str, Any]]) -> None:
    run, _, truth = made
    out = ("without customer", "customer code blank", "internal, all day")
    keys = [
        k for case in truth["cases"] if case["table"] == "ScheduleEvent" and case["case"] in out for k in case["keys"]
    ]
    assert len(keys) >= len(out)
    listed = ", ".join(f"'{key}'" for key in keys)
    assert run.query(f"select count(*) from silver.fact_interventions where event_id in ({listed})") == [(0,)]


@pytest.mark.parametrize(("gap", "solved"), [(5, False), (29, False), (30, False), (31, True)])
def test_repairs_that_come_back_within_thirty_days_were_not_solved(
    made: tuple[SilverRun, Any, dict[str, Any]], gap: int, solved: bool
) -> None:
    run, _, truth = made
    (keys,) = [case["keys"] for case in truth["cases"] if case["case"] == f"repair repeated after {gap} days"]
    listed = ", ".join(f"'{key}'" for key in keys)
    rows = run.query(
        f"select is_first_call_resolution, is_return_visit from silver.fact_interventions where event_id in ({listed}) order by start_at"
    )
    assert rows[0] == (solved, False)
    assert rows[1][1] is not solved


def test_first_time_fixes_are_those_counted_apart(
    made: tuple[SilverRun, dict[str, pl.DataFrame], dict[str, Any]],
) -> None:
    """Repairs of one piece, walked through one by one; without a piece the customer stands in."""
    run, frames, _ = made
    as_of = run.query("select as_of from intermediate.int_as_of")[0][0]
    kinds = frames["ScheduleEventType"].filter(pl.col("Caption") == "Dépannage")["Id"]
    repairs = frames["ScheduleEvent"].filter(
        pl.col("EventType").is_in(kinds.implode())
        & (pl.col("CustomerId").str.strip_chars() != "")
        & ((pl.col("LineType") == 0) | ~pl.col("ParentEventId").is_in(frames["ScheduleEvent"]["Id"].implode()))
        & ((pl.col("EventState") == 2) | ((pl.col("EventState") == 9) & (pl.col("AchievedDuration_DurationInHours") > 0)))
    ).sort("StartDateTime", "Id")  # fmt: skip
    visits: dict[str, list[date]] = {}
    for row in repairs.iter_rows(named=True):
        whose = (row["CustomerId"].strip().upper(), row["ItemId"])
        visits.setdefault(str(row["Maintenance_CustomerProductId"] or whose), []).append(row["StartDateTime"].date())
    counted = {True: 0, False: 0}
    for days in visits.values():
        for place, day in enumerate(days):
            is_return = place > 0 and (day - days[place - 1]).days <= 30
            if not is_return and (as_of - day).days >= 30:
                counted[place + 1 == len(days) or (days[place + 1] - day).days > 30] += 1
    found = dict(
        run.query(
            "select is_first_call_resolution, count(*) from silver.fact_interventions where is_first_call_resolution is not null group by 1"
        )
    )
    assert found == counted
    assert min(counted.values()) > 0


def test_minutes_of_technicians_add_up(made: tuple[SilverRun, Any, Any]) -> None:
    run = made[0]
    gaps = """
        select abs(sum(b.minutes) - (select sum(intervention_minutes) from silver.fact_technician_time))
        from silver.fact_intervention_technicians b
        where exists (select 1 from silver.fact_technician_time t where t.colleague_key = b.colleague_key and t.date_key = b.schedule_date_key)
    """
    assert run.query(gaps)[0][0] < 1
    assert run.query("select count(*) from silver.fact_technician_time where absent_minutes > 0")[0][0] > 0
