"""What the user's files say, and contracts, incidents and visits for which it matters. Not here: who kept it (service.py)."""

from __future__ import annotations

import polars as pl

from ebp_lakehouse_tests.truth.variety import Frames, in_turn

INCIDENTS = 4  # times as many as generated
UNDER_WAY = pl.lit(1, pl.Int16)
FAMILIES = ("OR", "Argent", None)
TARGET = ("contract_family", "priority", "first_response_hours", "resolution_hours", "clock")
TARGETS = (
    ("*", None, 40.0, 60.0, "business"),
    ("*", 1, 4.0, 24.0, "calendar"),
    ("*", 2, 6.5, None, "business"),
    ("or", None, 16.0, 30.0, "business"),
    ("Or", 1, 2.0, 8.0, None),
    ("ARGENT", 3, None, 100.0, "calendar"),
)


def no_files(_: Frames) -> Frames:
    return {}


def promised(frames: Frames) -> Frames:
    """Contracts in families, incidents at all hours with several visits and calls, visits under way."""
    generated = frames["Incident"]
    incidents = pl.concat([generated, *(_another(generated, number) for number in range(1, INCIDENTS))])
    opened = incidents.select(Maintenance_IncidentId="Id", StartDateTime="StartDate").sort("StartDateTime")
    events = frames["ScheduleEvent"].sort("StartDateTime").join_asof(
        opened, on="StartDateTime", strategy="backward", tolerance="6d", suffix="_near"
    )  # fmt: skip
    position = pl.int_range(pl.len())
    near = pl.when(position % 2 == 0).then("Maintenance_IncidentId_near")
    activities = (
        frames["Activity"]
        .sort("StartDateTime")
        .join_asof(opened, on="StartDateTime", strategy="backward", tolerance="2d")
    )
    return {
        **frames,
        "Incident": incidents,
        "ScheduleEvent": events.with_columns(
            Maintenance_IncidentId=pl.coalesce("Maintenance_IncidentId", near),
            EventState=pl.when(position % 19 == 0).then(UNDER_WAY).otherwise("EventState"),
        ).drop("Maintenance_IncidentId_near"),
        "Activity": activities.with_columns(IncidentId="Maintenance_IncidentId").drop("Maintenance_IncidentId"),
        "MaintenanceContract": frames["MaintenanceContract"].with_columns(
            ContractFamilyId=in_turn(FAMILIES, pl.String)
        ),
    }


def _another(incidents: pl.DataFrame, number: int) -> pl.DataFrame:
    """The same incidents again, some days and hours before, and longer or shorter."""
    earlier = pl.duration(days=11 * number, hours=5 * number)
    length = pl.duration(hours=pl.int_range(pl.len()) * 3 + number)
    ended = pl.when(pl.col("EndDate").is_not_null()).then(pl.col("StartDate") - earlier + length)
    return incidents.with_columns(
        Id=pl.format("I{}{}", pl.lit(number), pl.col("Id").str.slice(-6)),
        StartDate=pl.col("StartDate") - earlier,
        EndDate=ended,
    )


def files(frames: Frames) -> Frames:
    """Targets by family and priority on both clocks; answers about appointments, some twice, and about their invoices."""
    events = frames["ScheduleEvent"]
    about = events.with_row_index("n").select(
        "n", "InvoiceId", event_number="ScheduleEventNumber", on=pl.col("StartDateTime").cast(pl.Date)
    )
    valid = about.filter(pl.col("on").dt.year().is_between(2000, 2030))
    score = pl.col("n") % 5 + 1
    first = valid.filter(pl.col("n") % 3 == 0).select(
        "event_number", document_number=pl.lit(None, pl.String), date=pl.col("on").dt.offset_by("7d"), score=score
    )
    second = valid.filter(pl.col("n") % 6 == 0).select(
        event_number=pl.format(" {} ", pl.col("event_number").str.to_lowercase()),
        document_number=pl.lit(None, pl.String),
        date=pl.when(pl.col("n") % 4 == 0).then(pl.col("on")),
        score=6 - score,
    )
    invoices = frames["SaleDocument"].select(InvoiceId="Id", document_number="DocumentNumber")
    invoiced = valid.join(invoices, on="InvoiceId")
    about_invoices = invoiced.filter(pl.col("n") % 2 == 0).select(
        event_number=pl.lit(None, pl.String),
        document_number=pl.col("document_number").str.to_lowercase(),
        date=pl.lit(None, pl.Date),
        score=score,
    )
    of_both = invoiced.filter(pl.col("n") % 7 == 0).select("event_number", "document_number", date="on", score=score)
    extra = (
        frames["Incident"]
        .with_row_index("n")
        .filter(pl.col("n") % 4 == 0)
        .select(incident_id=pl.col("Id").str.to_lowercase(), priority=pl.col("n") % 5 + 1)
    )
    return {
        "satisfaction.csv": pl.concat([first, second, about_invoices, of_both]),
        "sla.csv": pl.DataFrame(TARGETS, schema=list(TARGET), orient="row"),
        "incident_extra.csv": extra,
    }
