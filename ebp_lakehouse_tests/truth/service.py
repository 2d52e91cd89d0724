"""What customers were promised and how they liked it: targets of sla.csv, answers of satisfaction.csv (semantics §1.7, §3, §5).

The user's files stand among EBP's tables, by their names. Of a company that has none nothing is said.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth import clock
from ebp_lakehouse_tests.truth.field import appointments
from ebp_lakehouse_tests.truth.incidents import first_answers
from ebp_lakehouse_tests.truth.values import Bronze, code, day

FILES = {
    "sla.csv": {
        "contract_family": pl.String, "priority": pl.Int64, "first_response_hours": pl.Float64,
        "resolution_hours": pl.Float64, "clock": pl.String,
    },
    "satisfaction.csv": {
        "event_number": pl.String, "document_number": pl.String, "date": pl.Date, "score": pl.Int64,
    },
    "incident_extra.csv": {"incident_id": pl.String, "priority": pl.Int64},
}  # fmt: skip
URGENT, NORMAL = 1, 3
ALL_FAMILIES = "*"


def promptness(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """One row per day of repairs that can be judged: the share that was started in time."""
    return _judged(bronze, as_of, known_on).group_by("day").agg(sla_compliance_rate=pl.col("met").mean())


def promptness_of_months(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """The same of a month, in percent."""
    months = _judged(bronze, as_of, known_on).group_by(period=pl.col("day").dt.strftime("%Y-%m"))
    return months.agg(sla_compliance_percent=100 * pl.col("met").mean())


def _judged(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """Repairs that can be judged: their day, and whether they were started in time.

    Assumed: a repair under way was started. Of an incident the first appointment that was not cancelled is the answer, be it
    no repair: then none of its repairs is judged. The family is that of its contract, else of the incident's.
    """
    visits = appointments(bronze, known_on).filter(pl.col("state") != "Cancelled")
    events = bronze["ScheduleEvent"].select(
        "sysCreatedDate", id="Id", incident=code("Maintenance_IncidentId"), contract=code("Maintenance_ContractId"),
        priority=pl.when(pl.col("xx_URGENT").fill_null(value=False)).then(URGENT).otherwise(NORMAL),
    )  # fmt: skip
    of_incident = _incidents(bronze).select("incident", "opened", of_priority="priority", of_family="family")
    frame = (
        visits.join(events, on="id")
        .join(_families(bronze), on="contract", how="left")
        .join(of_incident, on="incident", how="left")
        .sort("start", "id")
        .filter(pl.col("incident").is_null() | pl.col("incident").is_first_distinct())
        .filter(pl.col("type") == "Repair")
        .with_columns(
            family=pl.coalesce("family", "of_family"), priority=pl.coalesce("of_priority", "priority"),
            requested=pl.coalesce("opened", "sysCreatedDate"),
        )
    )  # fmt: skip
    judged = _with_targets(bronze, frame).filter(pl.col("first_response_hours") > 0)
    judged = clock.with_deadline(judged, "until", "requested", "first_response_hours")
    is_late = pl.col("is_overdue") & (pl.col("until") < _end(known_on))
    is_started = pl.col("state").is_in(["Done", "InProgress"])
    met = pl.when(is_started).then(pl.col("start") <= pl.col("until")).when(is_late).then(pl.lit(value=False))
    return judged.with_columns(met=met).drop_nulls("met").filter(pl.col("day") <= as_of)


def kept(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """One row per day on which incidents were resolved in time, or a target of some passed: how many of each.

    Assumed: who has only a target for the answer is judged when resolved, by the answer alone; an incident that was
    resolved before anybody came was answered then.
    """
    end = _end(known_on)
    frame = _with_targets(bronze, _incidents(bronze)).with_columns(
        resolved=pl.when(pl.col("resolved") < end).then(pl.max_horizontal("resolved", "opened")),
        answered=pl.when(pl.col("answered") < end).then(pl.max_horizontal("answered", "opened")),
    )
    frame = frame.with_columns(answered=pl.min_horizontal("answered", "resolved"))
    missed = []
    for done, hours in (("answered", "first_response_hours"), ("resolved", "resolution_hours")):
        until = pl.col(f"{done}_until")
        frame = clock.with_deadline(frame, f"{done}_until", "opened", hours)
        is_missed = (until < end) & (pl.col(done).is_null() | (pl.col(done) > until))
        missed.append(pl.when((pl.col(hours) > 0) & is_missed).then(until))
    has_target = (pl.col("first_response_hours") > 0) | (pl.col("resolution_hours") > 0)
    frame = frame.filter(has_target.fill_null(value=False)).with_columns(missed=pl.min_horizontal(missed))
    met = frame.filter(pl.col("missed").is_null() & (day("resolved") <= as_of)).group_by(day=day("resolved"))
    late = frame.filter(day("missed") <= as_of).group_by(day=day("missed"))
    both = met.agg(sla_met_count=pl.len()).join(
        late.agg(sla_missed_count=pl.len()), on="day", how="full", coalesce=True
    )
    return both.with_columns(pl.col("sla_met_count", "sla_missed_count").fill_null(0))


def liked(bronze: Bronze, as_of: date, known_on: date, by: str = "day") -> pl.DataFrame:
    """One row per day (or period, the month) with appointments that customers gave a score: the mean."""
    scored = _scored(bronze, as_of, known_on)
    return (
        scored.with_columns(period=pl.col("day").dt.strftime("%Y-%m"))
        .group_by(by)
        .agg(avg_customer_satisfaction=pl.col("score").mean())
    )


def liked_colleagues(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """One row per colleague and month with a score: the mean of the appointments in which he took part."""
    events = bronze["ScheduleEvent"]
    team = pl.concat([
        events.select(id="Id", colleague=code("ColleagueId")),
        events.select(id="ParentEventId", colleague=code("ColleagueId")),
    ])  # fmt: skip
    scored = _scored(bronze, as_of, known_on).join(team.drop_nulls().unique(), on="id")
    months = scored.group_by("colleague", period_start=pl.col("day").dt.month_start())
    return months.agg(avg_customer_satisfaction=pl.col("score").mean())


def _scored(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """Appointments by ``as_of`` with a score: the newest answer about them, else about the invoice that they are on.

    Assumed: an answer without a date is older than any other, and was there on every day; of two of one day the better
    counts; where the newest came after ``as_of`` the older ones are not known any more.
    """
    answers = _file(bronze, "satisfaction.csv").sort("date", "score", nulls_last=False)
    of_event = (
        answers.group_by(number=code("event_number"))
        .agg(of_event=pl.col("score").last(), event_on=pl.col("date").last())
        .drop_nulls("number")
    )
    about_invoices = answers.filter(code("event_number").is_null())
    of_invoice = about_invoices.group_by(invoice=code("document_number")).agg(
        of_invoice=pl.col("score").last(), invoice_on=pl.col("date").last()
    )
    invoices = bronze["SaleDocument"].select(InvoiceId="Id", invoice=code("DocumentNumber"))
    numbers = bronze["ScheduleEvent"].join(invoices, on="InvoiceId", how="left").select(
        "invoice", id="Id", number=code("ScheduleEventNumber")
    )  # fmt: skip
    return (
        appointments(bronze, known_on)
        .join(numbers, on="id")
        .join(of_event, on="number", how="left")
        .join(of_invoice, on="invoice", how="left")
        .with_columns(
            score=pl.coalesce("of_event", "of_invoice"),
            answered=pl.when(pl.col("of_event").is_not_null()).then("event_on").otherwise("invoice_on"),
        )
        .drop_nulls("score")
        .filter((pl.col("day") <= as_of) & (pl.col("answered") <= as_of).fill_null(value=True))
    )


def _incidents(bronze: Bronze) -> pl.DataFrame:
    """incident, when it was opened, answered and resolved, its contract's family, and its priority."""
    visits = bronze["ScheduleEvent"].filter(~pl.col("IsScheduleException").fill_null(value=False))
    urgent = visits.group_by(incident=code("Maintenance_IncidentId")).agg(is_urgent=pl.col("xx_URGENT").any())
    told = _file(bronze, "incident_extra.csv").select("priority", incident=code("incident_id"))
    return (
        bronze["Incident"]
        .select(incident=code("Id"), contract=code("ContractId"), opened="StartDate", resolved="EndDate")
        .join(_families(bronze), on="contract", how="left")
        .join(first_answers(bronze), on="incident", how="left")
        .join(urgent, on="incident", how="left")
        .join(told, on="incident", how="left")
        .with_columns(priority=pl.coalesce("priority", pl.when("is_urgent").then(URGENT).otherwise(NORMAL)))
    )


def _families(bronze: Bronze) -> pl.DataFrame:
    return bronze["MaintenanceContract"].select(contract=code("Id"), family=code("ContractFamilyId"))


def _with_targets(bronze: Bronze, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with the line of sla.csv for its ``family`` of contracts and its ``priority``.

    Assumed: of several that fit, one of the family before one of all families, then one of the priority before one of any.
    """
    known = frame.with_row_index("row")
    lines = _file(bronze, "sla.csv").rename({"priority": "for_priority"}).with_columns(code("contract_family"))
    is_own, is_for = pl.col("contract_family") == pl.col("family"), pl.col("for_priority") == pl.col("priority")
    fits = (is_own | (pl.col("contract_family") == ALL_FAMILIES)) & (is_for | pl.col("for_priority").is_null())
    found = known.join(lines, how="cross").filter(fits).sort(
        is_own.fill_null(value=False), is_for.fill_null(value=False), descending=True
    ).unique("row", keep="first", maintain_order=True)  # fmt: skip
    target = found.select("row", "first_response_hours", "resolution_hours", is_business=pl.col("clock") == "business")
    targeted = known.join(target, on="row", how="left").drop("row")
    return targeted.with_columns(pl.col("is_business").fill_null(value=False))


def _file(bronze: Bronze, name: str) -> pl.DataFrame:
    return bronze[name] if name in bronze else pl.DataFrame(schema=FILES[name])


def _end(on: date) -> pl.Expr:
    return pl.lit(on).cast(pl.Datetime("us")).dt.offset_by("1d")
