"""Contracts, equipment and incidents on the simulated days: renewed, cancelled, moved, installed, opened, reopened.

The visits that follow are booked by ``fielddays``; incidents happen only in a company that records them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol

from ebp_lakehouse.demo.company.field.contracts import CANCELLED as CONTRACT_CANCELLED
from ebp_lakehouse.demo.company.field.incidents import ANSWERED, OPEN, RESOLVED
from ebp_lakehouse.demo.company.field.kinds import REPAIR
from ebp_lakehouse.demo.fieldsource import APPOINTMENT, Event, FieldSource, Row

CHANCES = {
    "contract cancelled": 0.02, "equipment moved": 0.05, "equipment installed": 0.1, "incident opened": 0.4,
    "incident resolved": 0.4, "incident reopened": 0.12,
}  # fmt: skip


class Visits(Protocol):
    """What is needed of the appointments: a free hour, a booking, the type of a kind."""

    def free_hour(self, technician: str, moment: datetime, hours: Decimal, *, today: bool) -> datetime:
        """An hour at which the technician has nothing."""

    def book(self, values: Row, moment: datetime) -> None:
        """Insert an event."""

    def type_of(self, kind: int) -> Any:
        """Id of the event type of a kind."""


class ParkDays:
    """Events of contracts, equipment and incidents."""

    def __init__(self, source: FieldSource, visits: Visits) -> None:
        self.source, self.visits = source, visits
        self._has_incidents = bool(source.value('SELECT count(*) FROM "Incident"'))

    def events(self) -> Iterator[Event]:
        """(name, what to do at its moment), each in a transaction of its own."""
        doing: dict[str, Callable[[datetime], Any]] = {
            "contract cancelled": self._cancel_contract, "equipment moved": self._move_equipment,
            "equipment installed": self._install,
        }  # fmt: skip
        if self._has_incidents:
            doing |= {
                "incident opened": self._open_incident, "incident resolved": self._resolve_incident,
                "incident reopened": self._reopen_incident,
            }  # fmt: skip
        for name, event in doing.items():
            if self.source.chance(CHANCES[name]):
                yield name, event
        yield "contract renewed", self._renew

    # contracts and equipment

    def _renew(self, moment: datetime) -> bool:
        """A contract that ended in silence is renewed for a year; EBP moves its end."""
        found = self.source.pick(
            'SELECT "Id", "EndDate" FROM "MaintenanceContract" WHERE "TacitRenewal" AND "CancellationDate" IS NULL'
            ' AND "EndDate" BETWEEN %s AND %s ORDER BY "Id"', moment - timedelta(days=30), moment,
        )  # fmt: skip
        if found is None:
            return False
        end = found["EndDate"]
        self.source.update(
            "MaintenanceContract", found["Id"], {"LastRenewalDate": end, "EndDate": end + timedelta(days=365)}, moment
        )
        return True

    def _cancel_contract(self, moment: datetime) -> bool:
        found = self.source.pick(
            'SELECT "Id" FROM "MaintenanceContract" WHERE "CancellationDate" IS NULL AND "StartDate" <= %s AND "EndDate" > %s'
            ' ORDER BY "Id"', moment, moment,
        )  # fmt: skip
        if found is not None:
            last = datetime.combine(moment.date() + timedelta(days=30), time())
            values: Row = {"CancellationDate": last, "CancellationReason": 1, "Status": CONTRACT_CANCELLED}
            self.source.update("MaintenanceContract", found["Id"], values, moment)
        return found is not None

    def _move_equipment(self, moment: datetime) -> bool:
        """The house was sold: the boiler stays, its customer changes. Its past appointments keep the old one."""
        piece = self.source.pick(
            'SELECT "Id", "CustomerId" FROM "CustomerProduct" WHERE "ActiveState" = 0 ORDER BY "Id"'
        )
        buyer = self.source.pick(
            'SELECT "Id", "Name" FROM "Customer" WHERE "ActiveState" = 0 AND "NaturalPerson" ORDER BY "Id"'
        )
        if piece is None or buyer is None or piece["CustomerId"] == buyer["Id"]:
            return False
        name = (buyer["Name"] or "").strip()[:60]
        self.source.update("CustomerProduct", piece["Id"], {"CustomerId": buyer["Id"], "CustomerName": name}, moment)
        return True

    def _install(self, moment: datetime) -> bool:
        """A piece like one that exists, at a customer's of today, under guarantee for two years."""
        like = self.source.pick(
            'SELECT "Caption", "ItemId", "CustomerProductFamilyId" FROM "CustomerProduct" ORDER BY "Id"'
        )
        who = self.source.pick('SELECT "Id", "Name" FROM "Customer" WHERE "ActiveState" = 0 ORDER BY "Id"')
        if like is None or who is None:
            return False
        number = int(
            self.source.value(
                """SELECT max(substr("Id", 3)::int) FROM "CustomerProduct" WHERE "Id" ~ '^EQ[0-9]{6}$' """
            )
        )
        begin = datetime.combine(moment.date(), time())
        covers = {
            f"{what}{edge}Date": begin + timedelta(days=730 * (edge == "End"))
            for what in ("Parts", "Labour", "Travel")
            for edge in ("Start", "End")
        }
        row = like | {
            "Id": f"EQ{number + 1:06d}", "ActiveState": 0, "CustomerId": who["Id"], **covers,
            "CustomerName": (who["Name"] or "").strip()[:60],
        }  # fmt: skip
        self.source.insert("CustomerProduct", row, moment)
        return True

    # incidents

    def _open_incident(self, moment: datetime) -> bool:
        """A customer calls about a piece; somebody is sent within days."""
        piece = self.source.pick(
            'SELECT "Id", "CustomerId", "CustomerName", "ItemId", "Caption" FROM "CustomerProduct" WHERE "ActiveState" = 0 ORDER BY "Id"'
        )
        who = self.source.pick(
            f'SELECT DISTINCT "ColleagueId" FROM "ScheduleEvent" WHERE {APPOINTMENT} AND "ColleagueId" IS NOT NULL ORDER BY 1'
        )
        if piece is None or who is None:
            return False
        number = (
            int(
                self.source.value(
                    """SELECT coalesce(max(substr("Id", 3)::int), 0) FROM "Incident" WHERE "Id" ~ '^IN[0-9]{6}$' """
                )
            )
            + 1
        )
        code = f"IN{number:06d}"
        template = self.source.pick('SELECT "Id" FROM "IncidentTemplate" ORDER BY "Id"')
        incident = {
            "Id": code, "Caption": "Panne totale", "CustomerId": piece["CustomerId"], "CustomerName": piece["CustomerName"],
            "StartDate": moment, "Status": OPEN, "IncidentTemplateId": template["Id"] if template else None,

        }  # fmt: skip
        self.source.insert("Incident", incident, moment)
        product = {
            "Id": self.source.key(), "IncidentId": code, "CustomerProductId": piece["Id"], "ItemId": piece["ItemId"],
            "Caption": piece["Caption"],
        }  # fmt: skip
        self.source.insert("IncidentCustomerProduct", product, moment)
        start = self.visits.free_hour(who["ColleagueId"], moment, Decimal(1), today=self.source.chance(0.5))
        visit: Row = {
            "CustomerId": piece["CustomerId"], "ColleagueId": who["ColleagueId"], "Maintenance_IncidentId": code,
            "Maintenance_CustomerProductId": piece["Id"], "ItemId": piece["ItemId"], "StartDateTime": start,
            "EndDateTime": start + timedelta(hours=1), "ExpectedDuration_DurationInHours": Decimal(1),
            "EventType": self.visits.type_of(REPAIR),
        }  # fmt: skip
        self.visits.book(visit, moment)
        return True

    def _resolve_incident(self, moment: datetime) -> bool:
        found = self.source.pick(
            'SELECT "Id" FROM "Incident" WHERE "EndDate" IS NULL AND "StartDate" < %s ORDER BY "Id"',
            moment - timedelta(hours=4),
        )
        if found is not None:
            self.source.update("Incident", found["Id"], {"EndDate": moment, "Status": RESOLVED}, moment)
        return found is not None

    def _reopen_incident(self, moment: datetime) -> bool:
        """It failed again: EBP forgets the end, only the history of the lake remembers it."""
        found = self.source.pick(
            'SELECT "Id" FROM "Incident" WHERE "EndDate" BETWEEN %s AND %s ORDER BY "Id"',
            moment - timedelta(days=40),
            moment,
        )
        if found is not None:
            self.source.update("Incident", found["Id"], {"EndDate": None, "Status": ANSWERED}, moment)
        return found is not None
