"""The field half of the simulated days: appointments and activities, as EBP and its users change them.

Lives here: what may happen on a day and the rows it writes. Does not live here: contracts, equipment and incidents
(parkdays.py), sales, the order of events of a day and its transactions (simulate.py), net counts (company/ledger.py).
"""

# ruff: noqa: PLR2004 - chances and hours stand where they are used, codes are the demo's own (company/field/kinds.py)

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg

from ebp_lakehouse.demo.company import calendar as days
from ebp_lakehouse.demo.company.field.activities import CALLS, KIND_NAMES
from ebp_lakehouse.demo.company.field.kinds import (
    ABSENCE,
    ACTIVITY_CALL,
    ACTIVITY_MAIL,
    CANCELLED,
    DONE,
    KINDS,
    PLANNED,
    REPAIR,
)
from ebp_lakehouse.demo.company.field.outcome import HOUR_CENTS, TRAVEL_CENTS
from ebp_lakehouse.demo.fieldsource import APPOINTMENT, Event, FieldSource, Row
from ebp_lakehouse.demo.parkdays import ParkDays

ADDRESS = ("Address1", "ZipCode", "City", "CountryIsoCode", "CodeINSEE", "Latitude", "Longitude")
COPIED = (
    "CustomerId", "ColleagueId", "EventType", "Maintenance_CustomerProductId", "Maintenance_ContractId", "ItemId",
    "ExpectedDuration_DurationInHours", "HourlyCostPrice", *(f"Address_{name}" for name in ADDRESS),
)  # fmt: skip
CHANCES = {
    "appointment moved": 0.6, "appointment cancelled": 0.3, "appointment deleted": 0.25, "absence entered": 0.15,
}  # fmt: skip


class FieldDays:
    """What happens in the field on each simulated day; its own stream of chance, so that sales do not shift it."""

    def __init__(self, source: FieldSource) -> None:
        self.source, self.park = source, ParkDays(source, self)
        self._types = {
            row["Caption"]: row["Id"] for row in self.source.rows('SELECT "Caption", "Id" FROM "ScheduleEventType"')
        }
        self._number = int(self.source.value("""SELECT coalesce(max(substr("ScheduleEventNumber", 3)::bigint), 0)
            FROM "ScheduleEvent" WHERE "ScheduleEventNumber" ~ '^EV[0-9]{8}$'"""))  # fmt: skip
        self._a_day = float(
            self.source.value(f"""SELECT count(*) / 250.0 FROM "ScheduleEvent" WHERE {APPOINTMENT} AND "StartDateTime" >
            (SELECT max("sysModifiedDate") FROM "ScheduleEvent") - interval '1 year' """)
        )
        self._seen: datetime | None = None

    def events(self) -> Iterator[Event]:
        """(name, what to do at its moment) in the order of the day; each belongs in a transaction of its own."""
        if not self._a_day:  # the variant without appointments
            return
        for _ in range(max(1, int(self.source.rng.poisson(self._a_day)))):
            yield "appointment made", self.make
        doing: dict[str, Callable[[datetime], Any]] = {
            "appointment moved": self._move, "appointment cancelled": self._cancel, "appointment deleted": self._delete,
            "absence entered": self._absence,
        }  # fmt: skip
        for name, event in doing.items():
            if self.source.chance(CHANCES[name]):
                yield name, event
        yield from self.park.events()
        yield "call noted", self._call
        yield "appointments closed", self._close
        yield "activities written by EBP", self._automatic

    # appointments

    def make(self, moment: datetime, connection: psycopg.Connection[Any] | None = None) -> bool:
        """A new appointment like one of the last year, on a free hour of the same technician; some are for today."""
        columns = ", ".join(f'"{name}"' for name in COPIED)
        like = self.source.pick(
            f'SELECT {columns} FROM "ScheduleEvent" WHERE {APPOINTMENT} AND "StartDateTime" BETWEEN %s AND %s'
            ' AND "ColleagueId" IS NOT NULL ORDER BY "Id"',
            moment - timedelta(days=365), moment,
        )  # fmt: skip
        if like is None:
            return False
        urgent = bool(like["EventType"] == self.type_of(REPAIR) and self.source.rng.random() < 0.5)
        hours = like["ExpectedDuration_DurationInHours"] or Decimal(1)
        start = self.free_hour(like["ColleagueId"], moment, hours, today=urgent)
        values = like | {"StartDateTime": start, "EndDateTime": start + timedelta(hours=float(hours))}
        self.book(values, moment, connection, urgent=urgent)
        return True

    def free_hour(self, technician: str, moment: datetime, hours: Decimal, *, today: bool) -> datetime:
        """An hour at which the technician has nothing; the last one tried when he is busy."""
        start = moment
        for _ in range(8):
            ahead = 0 if today else int(self.source.rng.integers(1, 40))
            day = days.business_days(moment.date() + timedelta(days=ahead), moment.date() + timedelta(days=ahead + 20))[
                0
            ]
            slot = 16 if today else int(self.source.rng.integers(8, 16))
            start = datetime.combine(day, time(slot, int(self.source.rng.integers(0, 4)) * 15))
            busy = self.source.value(
                'SELECT count(*) FROM "ScheduleEvent" WHERE "ColleagueId" = %s AND "StartDateTime" < %s AND "EndDateTime" > %s',
                technician, start + timedelta(hours=float(hours)), start,
            )  # fmt: skip
            if not busy:
                break
            today = False
        return start

    def book(
        self, values: Row, moment: datetime, connection: psycopg.Connection[Any] | None = None, *, urgent: bool = False
    ) -> None:
        """Insert an event with the next number; ``values`` are its own columns."""
        self._number += 1
        captions = {type_id: caption for caption, type_id in self._types.items()}
        row = {
            "Id": self.source.key(), "ScheduleEventNumber": f"EV{self._number:08d}", "EventState": PLANNED, "LineType": 0,
            "IsScheduleException": False, "xx_URGENT": urgent,
            "Caption": captions.get(values.get("EventType"), "Rendez-vous"), **values,
        }  # fmt: skip
        self.source.insert("ScheduleEvent", row, moment, connection)

    def type_of(self, kind: int) -> Any:
        """Id of the event type of a kind; None where the type is gone."""
        return self._types.get(KINDS[kind].caption)

    def _close(self, moment: datetime) -> int:
        """Appointments of the last days: most are done, some cancelled, some forgotten until later."""
        rows = self.source.rows(
            'SELECT "Id"::text, "ExpectedDuration_DurationInHours" AS hours, "HourlyCostPrice" AS cost,'
            ' "Maintenance_ContractId" AS contract FROM "ScheduleEvent"'
            f' WHERE {APPOINTMENT} AND "EventState" = %s AND "EndDateTime" BETWEEN %s AND %s ORDER BY "Id"',
            PLANNED, moment - timedelta(days=4), datetime.combine(moment.date(), time(23, 59)),
        )  # fmt: skip
        for row in rows:
            draw = self.source.rng.random()
            if draw > 0.94:
                continue
            if draw > 0.89:
                self.source.update("ScheduleEvent", row["Id"], {"EventState": CANCELLED}, moment)
                continue
            quarters = max(1, round(float(row["hours"] or 1) * 4 * float(np.exp(self.source.rng.normal(0.05, 0.2)))))
            hours = Decimal(quarters) / 4
            billed = row["contract"] is None
            values: Row = {
                "EventState": DONE, "GlobalPercentComplete": 100,
                "AchievedDuration_DurationInHours": Decimal(0) if draw < 0.04 else hours,
                "Maintenance_InterventionReportClear": "Intervention faite, essais concluants.",
                "CostAmount": (hours * (row["cost"] or 0)).quantize(Decimal("0.01")), "ToInvoice": billed,
                "NetAmountVatExcluded": (hours * HOUR_CENTS + TRAVEL_CENTS) / 100 if billed else Decimal(0),
            }  # fmt: skip
            self.source.update("ScheduleEvent", row["Id"], values, moment)
        return len(rows)

    def _ahead(self, moment: datetime) -> Row | None:
        """One of the appointments still to come."""
        return self.source.pick(
            f'SELECT "Id"::text, "StartDateTime", "EndDateTime" FROM "ScheduleEvent" WHERE {APPOINTMENT} AND'
            ' "EventState" = %s AND "StartDateTime" BETWEEN %s AND %s ORDER BY "Id"',
            PLANNED, datetime.combine(moment.date() + timedelta(days=1), time()), moment + timedelta(days=90),
        )  # fmt: skip

    def _move(self, moment: datetime) -> bool:
        found = self._ahead(moment)
        if found is None:
            return False
        start, end = found["StartDateTime"], found["EndDateTime"]
        later = start.date() + timedelta(days=int(self.source.rng.integers(1, 12)))
        shift = days.business_days(later, later + timedelta(days=20))[0] - start.date()
        self.source.update(
            "ScheduleEvent", found["Id"], {"StartDateTime": start + shift, "EndDateTime": end + shift}, moment
        )
        return True

    def _cancel(self, moment: datetime) -> bool:
        found = self._ahead(moment)
        if found is not None:
            self.source.update("ScheduleEvent", found["Id"], {"EventState": CANCELLED}, moment)
        return found is not None

    def _delete(self, moment: datetime) -> bool:
        """The appointment is removed for good, its team's rows with it."""
        found = self._ahead(moment)
        if found is not None:
            for column in ("ParentEventId", "Id"):
                self.source.delete("ScheduleEvent", column, found["Id"])
        return found is not None

    def _absence(self, moment: datetime) -> bool:
        who = self.source.pick(
            f'SELECT DISTINCT "ColleagueId" FROM "ScheduleEvent" WHERE {APPOINTMENT} AND "ColleagueId" IS NOT NULL ORDER BY 1'
        )
        if who is None:
            return False
        first = moment.date() + timedelta(days=int(self.source.rng.integers(1, 30)))
        start = datetime.combine(first, time())
        values: Row = {
            "StartDateTime": start, "EndDateTime": start + timedelta(days=int(self.source.rng.integers(1, 4))),
            "ColleagueId": who["ColleagueId"], "EventType": self.type_of(ABSENCE), "AbsenceRange": 0,
            "IsScheduleException": True, "Caption": "Congés payés",
        }  # fmt: skip
        self.book(values, moment)
        return True

    # activities

    def _automatic(self, moment: datetime) -> int:
        """EBP notes every document typed and every appointment closed since it last did."""
        since = self._seen or datetime.combine(moment.date(), time())
        self._seen = moment
        documents = self.source.rows(
            'SELECT "Id"::text, "DocumentType" AS kind, "DocumentNumber" AS number, "CustomerId", "ColleagueId"'
            ' FROM "SaleDocument" WHERE "sysCreatedDate" > %s AND "sysCreatedDate" <= %s ORDER BY "Id"', since, moment,
        )  # fmt: skip
        closed = self.source.rows(
            f'SELECT "Id"::text, "CustomerId", "ColleagueId", "EventType"::text FROM "ScheduleEvent" WHERE {APPOINTMENT}'
            ' AND "EventState" = %s AND "sysModifiedDate" > %s AND "sysModifiedDate" <= %s ORDER BY "Id"',
            DONE, since, moment,
        )  # fmt: skip
        for row in documents:
            caption = f"Envoi {KIND_NAMES.get(row['kind'], 'Pièce')} {row['number']}"
            self._note(
                moment, moment, caption, row, AutomaticCreation=1, ActivityCategory=ACTIVITY_MAIL,
                SaleDocumentId=row["Id"], DocumentType=row["kind"],
            )  # fmt: skip
        for row in closed:
            self._note(
                moment, moment, "Intervention clôturée", row, AutomaticCreation=1, ActivityCategory=0,
                ScheduleEventId=row["Id"], EventType=row["EventType"],
            )  # fmt: skip
        return len(documents) + len(closed)

    def _call(self, moment: datetime) -> bool:
        found = self.source.pick(
            'SELECT "Id" AS "CustomerId", "ColleagueId" FROM "Customer" WHERE "ActiveState" = 0 ORDER BY "Id"'
        )
        if found is None:
            return False
        end = moment + timedelta(minutes=int(self.source.rng.integers(2, 25)))
        caption = self.source.one_of(CALLS)
        self._note(moment, end, caption, found, AutomaticCreation=0, ActivityCategory=ACTIVITY_CALL)
        return True

    def _note(self, start: datetime, end: datetime, caption: str, who: Row, **columns: Any) -> None:
        row = {
            "Id": self.source.key(), "StartDateTime": start, "EndDateTime": end, "Caption": caption,
            "CustomerId": who["CustomerId"], "ColleagueId": who["ColleagueId"], **columns,
        }  # fmt: skip
        self.source.insert("Activity", row, start)
