"""Appointments of each day, and what they did for equipment (semantics §3, §5), from ScheduleEvent."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth.clock import hours
from ebp_lakehouse_tests.truth.saledocuments import documents
from ebp_lakehouse_tests.truth.values import NOTHING, Bronze, amount, cents, code, day, total

STATES = {1: "InProgress", 2: "Done", 3: "Cancelled"}
REPAIR, MAINTENANCE = "panne|sav|reparation|depannage", "entretien|visite|maintenance"
INSTALL = "pose|installation|mise en service"
RETURN_DAYS = 30


def appointments(bronze: Bronze, known_on: date) -> pl.DataFrame:
    """One row per customer appointment: day, type, state, minutes, amounts, and whether a repair solved its problem.

    ``known_on`` is the day whose hindsight is used: what is overdue, and which first visits are old enough to be judged.
    """
    events = bronze["ScheduleEvent"]
    parents = events.select(parent="Id")
    children = events.group_by(parent="ParentEventId").agg(of_rows=total(amount("NetAmountVatExcluded")))
    roots = (
        events.filter(~pl.col("IsScheduleException").fill_null(value=False))
        .filter(pl.col("ParentEventId").is_null() | ~pl.col("ParentEventId").is_in(parents["parent"].implode()))
        .filter(code("CustomerId").is_not_null())
        .join(
            bronze["ScheduleEventType"].select(type_id="Id", caption="Caption"),
            left_on="EventType",
            right_on="type_id",
            how="left",
        )
        .join(children, left_on="Id", right_on="parent", how="left")
        .join(documents(bronze).select(InvoiceId="id", invoice_day="day"), on="InvoiceId", how="left")
    )
    evidence = (pl.col("GlobalPercentComplete") >= 100) | (amount("AchievedDuration_DurationInHours") > 0)
    evidence = evidence.fill_null(value=False) | pl.col("InvoiceId").is_not_null()
    told = pl.col("EventState").replace_strict(STATES, default=None, return_dtype=pl.String)
    state = pl.coalesce(told, pl.when(evidence).then(pl.lit("Done")).otherwise(pl.lit("Scheduled")))
    spent = pl.coalesce(
        *(
            pl.when(pl.col(name) != 0).then(pl.col(name).cast(pl.Float64))
            for name in ("AchievedDuration_DurationInHours", "WorkedHours")
        )
    )
    own = amount("NetAmountVatExcluded")
    billable = pl.when(pl.col("ToInvoice")).then(
        pl.when(own != 0).then(own).otherwise(pl.col("of_rows").fill_null(NOTHING))
    )
    frame = roots.with_columns(state=state).select(
        "state",
        id="Id",
        day=day("StartDateTime"),
        start="StartDateTime",
        type=_type(),
        problem=pl.coalesce(
            pl.format("e{}", code("Maintenance_CustomerProductId")),
            pl.format("c{}|{}", code("CustomerId"), code("ItemId").fill_null("")),
        ),
        minutes=pl.when((pl.col("state") == "Done") & (spent > 0)).then(spent * 60),
        billable=billable.fill_null(NOTHING),
        is_invoiced=pl.col("InvoiceId").is_not_null(),
        invoiced="invoice_day",
        is_overdue=pl.col("state").is_in(["Scheduled", "InProgress"]) & (day("EndDateTime") <= known_on),
    )
    return frame.join(_first_visits(frame, known_on), on="id", how="left")


def _type() -> pl.Expr:
    """The type's caption tells; without one, an incident makes a repair and a contract a maintenance."""
    plain = pl.col("caption").str.to_lowercase().str.replace_all("[éèê]", "e")
    return (
        pl.when(plain.str.contains(REPAIR)).then(pl.lit("Repair"))
        .when(plain.str.contains(MAINTENANCE)).then(pl.lit("Maintenance"))
        .when(plain.str.contains(INSTALL)).then(pl.lit("Install"))
        .when(plain.is_not_null()).then(pl.lit("Other"))
        .when(pl.col("Maintenance_IncidentId").is_not_null()).then(pl.lit("Repair"))
        .when(pl.col("Maintenance_ContractId").is_not_null()).then(pl.lit("Maintenance"))
        .otherwise(pl.lit("Other"))
    )  # fmt: skip


def _first_visits(frame: pl.DataFrame, known_on: date) -> pl.DataFrame:
    """id, solved: of first visits of a problem that are old enough; a return visit says nothing itself."""
    repairs = frame.filter((pl.col("type") == "Repair") & (pl.col("state") == "Done")).sort("problem", "start", "id")
    since = (pl.col("day") - pl.col("day").shift(1).over("problem")).dt.total_days()
    until = (pl.col("day").shift(-1).over("problem") - pl.col("day")).dt.total_days()
    first = (since > RETURN_DAYS).fill_null(value=True)
    old = pl.col("day").dt.offset_by(f"{RETURN_DAYS}d") <= known_on
    solved = pl.when(first & old).then((until > RETURN_DAYS).fill_null(value=True))
    return repairs.select("id", solved=solved)


def daily(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """One row per day with an appointment up to ``as_of``."""
    done = pl.col("state") == "Done"
    frame = appointments(bronze, known_on).filter(pl.col("day") <= as_of)
    cancelled = pl.col("state") == "Cancelled"
    expected = (done | cancelled | pl.col("is_overdue")).sum()
    return frame.group_by("day").agg(
        total_interventions_count=pl.len(),
        interventions_completed_count=done.sum(),
        interventions_cancelled_count=cancelled.sum(),
        schedule_completion_rate=pl.when(expected > 0).then(done.sum() / expected),
        cancellation_rate=cancelled.mean(),
        interventions_overdue_count=pl.col("is_overdue").sum(),
        avg_duration_minutes=pl.col("minutes").mean(),
        first_call_resolution_rate=pl.col("solved").mean(),
        total_billable_amount=cents(total(pl.col("billable").filter(done))),
        not_invoiced_count=_is_unbilled(as_of).sum(),
        not_invoiced_amount=cents(total(pl.col("billable").filter(_is_unbilled(as_of)))),
    )


def _is_unbilled(as_of: date) -> pl.Expr:
    """Done, worth something, and on no invoice dated by ``as_of``; one whose document is nowhere is on an invoice."""
    is_later = (pl.col("invoiced") > as_of).fill_null(value=False)
    return (pl.col("state") == "Done") & (pl.col("billable") > 0) & (~pl.col("is_invoiced") | is_later)


def unbilled(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """One row: appointments done by ``as_of`` that have an amount and no invoice, that amount, and their mean age in days."""
    left = appointments(bronze, known_on).filter((pl.col("day") <= as_of) & _is_unbilled(as_of))
    return left.select(
        date_id=pl.lit(int(f"{as_of:%Y%m%d}")),
        done_not_invoiced_count=pl.len(),
        done_not_invoiced_amount=cents(total(pl.col("billable"))),
        done_not_invoiced_age_days=(pl.lit(as_of) - pl.col("day")).dt.total_days().mean(),
    )


def led(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """One row per colleague and month with an appointment that he led and that took time: what its hours brought."""
    billed = appointments(bronze, known_on).join(leaders(bronze), on="id").filter(
        (pl.col("day") <= as_of) & (pl.col("state") == "Done")
    )  # fmt: skip
    sums = billed.group_by("colleague", period_start=pl.col("day").dt.month_start()).agg(
        billable=cents(total(pl.col("billable"))), minutes=pl.col("minutes").sum()
    )
    return sums.filter(pl.col("minutes") > 0).select(
        "colleague", "period_start", field_revenue_per_hour=cents(pl.col("billable") / (pl.col("minutes") / 60))
    )


def leaders(bronze: Bronze) -> pl.DataFrame:
    """id, colleague: whom the appointment names, else the first of its rows."""
    events = bronze["ScheduleEvent"].select(
        "Id", "ParentEventId", order="LineOrder" if "LineOrder" in bronze["ScheduleEvent"].columns else pl.lit(0),
        colleague=code("ColleagueId"),
    )  # fmt: skip
    rows = events.drop_nulls(["ParentEventId", "colleague"]).sort("order", "Id").group_by("ParentEventId").agg(
        of_rows=pl.col("colleague").first()
    )  # fmt: skip
    return (
        events.join(rows, left_on="Id", right_on="ParentEventId", how="left")
        .select(id="Id", colleague=pl.coalesce("colleague", "of_rows"))
        .drop_nulls("colleague")
    )


def waiting(bronze: Bronze, as_of: date, known_on: date, by: str = "day") -> pl.DataFrame:
    """One row per day (or period, the month) with an appointment that was not cancelled: hours from the request, median and 90th centile.

    Requested is when the incident was opened, else when the appointment was typed.
    """
    opened = bronze["Incident"].select(incident=code("Id"), opened="StartDate")
    typed = bronze["ScheduleEvent"].select("sysCreatedDate", id="Id", incident=code("Maintenance_IncidentId"))
    frame = (
        appointments(bronze, known_on)
        .filter((pl.col("day") <= as_of) & (pl.col("state") != "Cancelled"))
        .join(typed, on="id")
        .join(opened, on="incident", how="left")
        .with_columns(
            pl.coalesce("opened", "sysCreatedDate").alias("requested"), period=pl.col("day").dt.strftime("%Y-%m")
        )
    )
    waited = hours("requested", "start").clip(lower_bound=0)
    return frame.group_by(by).agg(
        median_time_to_intervention_hours=waited.median(),
        p90_time_to_intervention_hours=waited.quantile(0.9, interpolation="linear"),
    )


def family_mtbf(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per piece of equipment in use that has a family: days in use in a year / repairs done in it, over the family."""
    since = pl.Series([as_of]).dt.offset_by("-12mo").dt.offset_by("1d").item()
    sold = documents(bronze).filter(pl.col("kind").is_in(["Delivery", "Invoice"])).select("day", DocumentId="id")
    sale = bronze["SaleDocumentLine"].join(sold, on="DocumentId").select(SaleDocumentLineId="Id", sold_on="day")
    in_use = (
        bronze["CustomerProduct"]
        .filter((pl.col("ActiveState").fill_null(0) == 0) & code("CustomerProductFamilyId").is_not_null())
        .join(sale, on="SaleDocumentLineId", how="left")
        .select(
            equipment=code("Id"), family=code("CustomerProductFamilyId"),
            since=pl.max_horizontal(
                pl.coalesce("sold_on", day("PartsStartDate"), day("LabourStartDate"), day("sysCreatedDate")), pl.lit(since)
            ),
        )
    )  # fmt: skip
    events = bronze["ScheduleEvent"].select(id="Id", equipment=code("Maintenance_CustomerProductId"))
    seen = bronze["ScheduleEventCustomerProduct"].select(id="ScheduleEventId", equipment=code("CustomerProductId"))
    repairs = appointments(bronze, as_of).filter(
        (pl.col("type") == "Repair") & (pl.col("state") == "Done") & pl.col("day").is_between(since, as_of)
    ).select("id")  # fmt: skip
    failures = (
        pl.concat([events, seen])
        .drop_nulls()
        .unique()
        .join(repairs, on="id")
        .group_by("equipment")
        .agg(failures=pl.len())
    )
    days = (pl.lit(as_of) - pl.col("since")).dt.total_days() + 1
    whole = in_use.join(failures, on="equipment", how="left").with_columns(days=days.clip(lower_bound=0))
    failed = pl.col("failures").sum().over("family")
    return whole.select(
        "equipment", family_mtbf_days=pl.when(failed > 0).then(pl.col("days").sum().over("family") / failed)
    )
