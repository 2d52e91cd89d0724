"""``Activity``: what EBP wrote by itself (document sent, reminder, appointment) and what people typed (calls, e-mails).

Most rows are automatic, as in the reference installation: counting them as human contacts is the mistake to make.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.field.columns import shown
from ebp_lakehouse.demo.company.field.kinds import (
    ACTIVITY_CALL,
    ACTIVITY_LETTER,
    ACTIVITY_MAIL,
    ACTIVITY_MEETING,
    ACTIVITY_OTHER,
    CALL,
    SALES,
)
from ebp_lakehouse.demo.company.masters import audited
from ebp_lakehouse.demo.company.primitives import DAY_US, Int, day_number, generator, office_time, stamps, take, uuids
from ebp_lakehouse.demo.company.truth import GroundTruth

ACTIVITIES, LETTERS = 44_145, 50  # reference installation
DOCUMENT_SHARE = 0.95  # of the sale documents were sent from EBP
HAND_WRITTEN_LEAST = 0.18  # of all rows are typed by people
WITHOUT_CUSTOMER_SHARE, BLANK_CUSTOMER_SHARE = 0.03, 0.003
KIND_NAMES = {1: "Devis", 2: "Facture", 3: "Avoir", 6: "Bon de livraison", 7: "Bon de retour", 8: "Commande"}
CALLS = ("Appel du client", "Relance téléphonique", "Demande de rendez-vous", "Réclamation", "Demande de prix")
MAILS = ("E-mail reçu", "E-mail envoyé", "Demande de documentation")
MINUTE_US = 60_000_000
FACTS = "silver.fact_customer_activity"


def letters(seed: int) -> pl.DataFrame:
    """``ReminderLetter``: the letters that reminders refer to."""
    return audited(pl.DataFrame({"Id": uuids(generator(seed, "letters"), LETTERS)}))


def frame(
    seed: int,
    scale: float,
    as_of: int,
    customers: pl.DataFrame,
    colleagues: pl.Series,
    documents: pl.DataFrame,
    reminders: pl.DataFrame,
    events: pl.DataFrame,
    letter_ids: pl.Series,
    type_ids: pl.Series,
    truth: GroundTruth,
) -> pl.DataFrame:
    """Exactly the reference's number of rows at ``scale``.

    ``documents``: Id, DocumentType, DocumentNumber, CustomerId, ColleagueId, sysCreatedDate; ``reminders``: CustomerId,
    moment; ``events``: Id, CustomerId, ColleagueId, EndDateTime, EventType of done appointments.
    """
    rng = generator(seed, "activities")
    size = max(120, round(ACTIVITIES * scale))
    room = round(size * (1 - HAND_WRITTEN_LEAST))
    sent = documents.filter(pl.Series(rng.random(documents.height) < DOCUMENT_SHARE))
    parts = [_reminders(rng, reminders, letter_ids), _sent(rng, sent), _done(rng, events)]
    automatic = pl.concat(parts, how="diagonal_relaxed").head(room)
    by_hand = _by_hand(rng, size - automatic.height, as_of, customers, colleagues, events, type_ids)
    everything = pl.concat([automatic, by_hand], how="diagonal_relaxed")
    names = customers.select(
        pl.col("Id").alias("code"), pl.col("Name").str.strip_chars().str.slice(0, 60).alias("CustomerName")
    )
    moment = pl.col("StartDateTime")
    limit = pl.lit((as_of + 1) * DAY_US - 1).cast(pl.Datetime("us"))
    everything = everything.with_columns(
        pl.col("CustomerId").str.strip_chars().str.to_uppercase().alias("code"),
        Id=uuids(rng, size),
        sysCreatedDate=pl.min_horizontal(moment, limit),
        sysCreatedUser=take(("LMA", "CBE", "SRO", "JPE", "compta"), rng.integers(0, 5, size)),
    ).join(names, on="code", how="left", maintain_order="left")
    everything = everything.drop("code").with_columns(
        sysModifiedDate=pl.col("sysCreatedDate"), sysModifiedUser=pl.col("sysCreatedUser")
    )
    return _planted(everything, as_of, truth)


def _sent(rng: np.random.Generator, documents: pl.DataFrame) -> pl.DataFrame:
    """A document was printed or e-mailed: EBP notes it, with no duration."""
    kind = pl.col("DocumentType").replace_strict(KIND_NAMES, default="Pièce", return_dtype=pl.String)
    return documents.select(
        pl.col("sysCreatedDate").alias("StartDateTime"), pl.col("sysCreatedDate").alias("EndDateTime"),
        ("Envoi " + kind + " " + pl.col("DocumentNumber")).alias("Caption"),
        "CustomerId", "ColleagueId", "DocumentType", pl.col("Id").alias("SaleDocumentId"),
        pl.lit(1).alias("AutomaticCreation"),
        pl.Series("ActivityCategory", np.where(rng.random(documents.height) < 0.6, ACTIVITY_MAIL, ACTIVITY_OTHER)),
    )  # fmt: skip


def _reminders(rng: np.random.Generator, reminders: pl.DataFrame, letter_ids: pl.Series) -> pl.DataFrame:
    letter = take(letter_ids, rng.integers(0, len(letter_ids), reminders.height))
    return reminders.select(
        pl.col("moment").alias("StartDateTime"), pl.col("moment").alias("EndDateTime"),
        pl.lit("Lettre de relance").alias("Caption"), "CustomerId", letter.alias("ReminderLetterId"),
        pl.lit(1).alias("AutomaticCreation"), pl.lit(ACTIVITY_LETTER).alias("ActivityCategory"),
    )  # fmt: skip


def _done(rng: np.random.Generator, events: pl.DataFrame) -> pl.DataFrame:
    """An appointment was closed: EBP notes it; the newest ones first, since the table's size is given."""
    moment = pl.col("EndDateTime") + pl.duration(minutes=pl.lit(pl.Series(rng.integers(5, 240, events.height))))
    return events.sort("EndDateTime", "Id", descending=True).select(
        moment.alias("StartDateTime"), moment.alias("EndDateTime"), pl.lit("Intervention clôturée").alias("Caption"),
        "CustomerId", "ColleagueId", "EventType", pl.col("Id").alias("ScheduleEventId"),
        pl.lit(1).alias("AutomaticCreation"), pl.lit(ACTIVITY_OTHER).alias("ActivityCategory"),
    )  # fmt: skip


def _by_hand(
    rng: np.random.Generator,
    size: int,
    as_of: int,
    customers: pl.DataFrame,
    colleagues: pl.Series,
    events: pl.DataFrame,
    type_ids: pl.Series,
) -> pl.DataFrame:
    """Calls, e-mails and meetings; some belong to an appointment, some state their type instead of a category."""
    what = rng.choice([ACTIVITY_CALL, ACTIVITY_MAIL, ACTIVITY_MEETING], size, p=[0.6, 0.28, 0.12])
    day = as_of - (rng.random(size) ** 1.4 * 3500).astype(np.int64)
    day = day - np.where((day + 3) % 7 >= 5, 2, 0)  # nobody calls at the week-end
    begin = office_time(rng, np.minimum(day, as_of - 1)) // MINUTE_US * MINUTE_US
    minutes = np.where(
        what == ACTIVITY_MEETING,
        rng.choice([30, 45, 60, 90], size),
        np.where(what == ACTIVITY_CALL, rng.integers(1, 25, size), 0),
    )
    draw = rng.random(size)
    # A few customers take most of the time.
    who = (rng.random(size) ** 2.2 * customers.height).astype(np.int64)
    order = rng.permutation(customers.height)
    linked = (what == ACTIVITY_MEETING) & (draw < 0.4) & (events.height > 0)
    event = rng.integers(0, max(1, events.height), size)
    by_type = draw > 0.8
    if events.height:
        begin = np.where(linked, events["EndDateTime"].cast(pl.Int64).to_numpy()[event] - 3600_000_000, begin)
    code = pl.select(
        pl.when(pl.Series(linked))
        .then(events["CustomerId"].gather(event.tolist()) if events.height else pl.lit(None, pl.String))
        .otherwise(take(customers["Id"], order[who]))
    ).to_series()
    nobody, blank = draw < WITHOUT_CUSTOMER_SHARE, (draw > 0.5) & (draw < 0.5 + BLANK_CUSTOMER_SHARE)
    captions = (*CALLS, *MAILS, "Rendez-vous")
    caption = np.select(
        [what == ACTIVITY_CALL, what == ACTIVITY_MAIL],
        [rng.integers(0, len(CALLS), size), len(CALLS) + rng.integers(0, len(MAILS), size)],
        len(captions) - 1,
    )
    return pl.DataFrame(
        {
            "StartDateTime": stamps(begin),
            "EndDateTime": stamps(begin + minutes * MINUTE_US),
            "Caption": take(captions, caption),
            "CustomerId": pl.select(
                pl.when(pl.Series(blank)).then(pl.lit(" ")).when(pl.Series(~nobody)).then(code)
            ).to_series(),
            "ColleagueId": take(colleagues, np.where(draw > 0.93, -1, rng.integers(0, len(colleagues), size))),
            "CreatorColleagueId": take(colleagues, rng.integers(0, len(colleagues), size)),
            "AutomaticCreation": shown(pl.Series(np.zeros(size, dtype=np.int64)), draw < 0.7),
            "ActivityCategory": np.where(by_type, ACTIVITY_OTHER, what),
            "EventType": take(type_ids, np.where(by_type, np.where(what == ACTIVITY_CALL, CALL, SALES), -1)),
            "ScheduleEventId": take(events["Id"], np.where(linked, event, -1)),
            "EventState": shown(pl.Series(np.where(draw < 0.5, 2, 0)), draw < 0.6),
        }
    )


def _planted(activities: pl.DataFrame, as_of: int, truth: GroundTruth) -> pl.DataFrame:
    """Hand-written rows turned into cases: no duration, 30 hours, no customer, the future, an absurd year."""
    at = np.arange(activities.height - 6, activities.height)  # the last rows are written by hand
    start = activities["StartDateTime"].cast(pl.Int64).to_numpy().copy()
    length = activities["EndDateTime"].cast(pl.Int64).to_numpy() - start
    length[at[0]], length[at[1]] = 0, 30 * 60 * MINUTE_US
    start[at[3]] = (as_of + 12) * DAY_US + 10 * 3600_000_000
    start[at[4]] = day_number(date(2099, 1, 1)) * DAY_US
    row = pl.int_range(pl.len())
    cases: tuple[tuple[str, int, str], ...] = (
        ("activity of 0 minutes", 0, f"{FACTS}.duration_minutes = 0"),
        ("activity of 30 hours", 1, f"{FACTS}.duration_minutes is NULL and a reject"),
        ("activity without customer", 2, f"not in {FACTS}"),
        ("activity in the future", 3, f"{FACTS}.outcome = Pending"),
        ("activity in 2099", 4, f"{FACTS}.date_key = -3"),
        ("activity of an unknown customer", 5, f"{FACTS}.customer_key = orphan"),
    )
    code = (
        pl.when(row == int(at[2])).then(pl.lit(None, pl.String)).when(row == int(at[5])).then(pl.lit("CLI99998"))
        .when(row.is_in(at.tolist())).then(pl.lit("CLI00001")).otherwise(pl.col("CustomerId"))
    )  # fmt: skip
    planted = activities.with_columns(
        StartDateTime=stamps(start), EndDateTime=stamps(start + length), CustomerId=code,
        AutomaticCreation=pl.when(row.is_in(at.tolist())).then(0).otherwise(pl.col("AutomaticCreation")),
        EventState=pl.when(row.is_in(at.tolist())).then(None).otherwise(pl.col("EventState")),
        ScheduleEventId=pl.when(row.is_in(at.tolist())).then(None).otherwise(pl.col("ScheduleEventId")),
        CustomerName=pl.when(row == int(at[2])).then(None).otherwise(pl.col("CustomerName")),
        sysCreatedDate=pl.when(row.is_in(at.tolist())).then(pl.lit((as_of - 3) * DAY_US + 36_000_000_000).cast(pl.Datetime("us"))).otherwise(pl.col("sysCreatedDate")),
    ).with_columns(sysModifiedDate=pl.col("sysCreatedDate"))  # fmt: skip
    for case, place, moves in cases:
        truth.plant(case, "Activity", [planted["Id"][int(at[place])]], moves)
    return planted


def reminders_of(commitments: pl.DataFrame, as_of: int) -> pl.DataFrame:
    """CustomerId and moment of every reminder sent: one per level, a fortnight apart, the last on its stored day."""
    rows = commitments.filter((pl.col("TotalReminderNumber") > 0) & pl.col("LastReminderDate").is_not_null())
    count: Int = rows["TotalReminderNumber"].to_numpy().astype(np.int64)
    owner = np.repeat(np.arange(rows.height), count)
    back = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    source = rows[owner.tolist()]
    moment = source["LastReminderDate"] - pl.Series(back * 15 * DAY_US).cast(pl.Duration("us"))
    latest = pl.lit(as_of * DAY_US).cast(pl.Datetime("us"))
    return pl.DataFrame({"CustomerId": source["ThirdId"], "moment": moment}).with_columns(
        moment=pl.min_horizontal("moment", latest) + pl.duration(hours=11)
    )
