"""In the field: a deal, contracts, equipment, appointments with their team, activities and incidents."""

from __future__ import annotations

from typing import Any

from ebp_lakehouse_tests.mini_company.rows import DELETED, Row, captured

REPAIR, SERVICE, INTERNAL = "Dépannage", "Entretien", "Réunion"
DONE = {"GlobalPercentComplete": 100}


def event(
    name: str,
    start: str,
    end: str,
    technician: str,
    customer: str | None,
    kind: str,
    north: float | None = None,
    **others: Any,
) -> Row:
    """An appointment; `north` is the latitude of its point, which lies on the depot's own meridian (5° east)."""
    point = {} if north is None else {"Address_Latitude": north, "Address_Longitude": 5}
    return {
        "Id": name, "ScheduleEventNumber": name, "Caption": kind, "StartDateTime": start, "EndDateTime": end, "ColleagueId": technician,
        "CustomerId": customer, "EventType": kind, "xx_URGENT": False, **point, **others,
    }  # fmt: skip


def activity(name: str, start: str, end: str, customer: str | None, caption: str, **others: Any) -> Row:
    return {
        "Id": name,
        "StartDateTime": start,
        "EndDateTime": end,
        "CustomerId": customer,
        "Caption": caption,
        "ColleagueId": "JD",
        **others,
    }


# fmt: off
APPOINTMENT_DELETED = event("e08", "2026-03-25 10:00:00", "2026-03-25 11:00:00", "T1", "C002", REPAIR, 46.2)

TABLES: dict[str, list[Row]] = {
    "Deal": [{"Id": "D1", "Caption": "Chaufferie du Lac", "DealDate": "2026-02-02", "PredictedSales": 1000, "PredictedCosts": 700}],
    "DealCustomer": [{"Id": "D1 C004", "DealId": "D1", "ThirdId": "C004", "Name": "Hôtel du Lac"}],
    "DealPurchaseDocumentLine": [
        {"Id": "D1 PF260003-1", "DealId": "D1", "DocumentId": "PF260003", "DocumentLineId": "PF260003-1", "ItemId": "E1", "Quantity": 1,
         "IncludedAmount": 690, "IncludeAmountInCost": True},
    ],
    "DealResourcesCost": [{"Id": "D1 T1", "DealId": "D1", "ColleagueId": "T1", "CostAmount": 75, "AccomplishedDuration": 3}],
    "ConstructionSite": [{"Id": "CH1", "Caption": "Chaufferie", "CustomerId": "C004", "DealId": "D1", "StartDate": "2026-02-09"}],
    "MaintenanceContract": [
        {"Id": "K1", "Caption": "Entretien chaudière", "CustomerId": "C004", "InvoicingCustomerId": "C005", "StartDate": "2025-09-01", "EndDate": "2026-08-31"},
        {"Id": "K2", "Caption": "Entretien", "CustomerId": "C001", "StartDate": "2025-01-01", "EndDate": "2025-12-31", "TacitRenewal": True,
         "PeriodicInvoicingId": "P2", "PredictedPeriodicInvoicingAmount": 60,
         "InterventionPeriodicity_Type": 3, "InterventionPeriodicity_UserIncrement": 6},
        {"Id": "K3", "Caption": "Entretien", "CustomerId": "C002", "StartDate": "2025-06-01", "EndDate": "2026-05-31", "CancellationDate": "2026-01-15"},
    ],
    "MaintenanceContractCustomerProduct": [
        {"Id": "K1 Q1", "ContractId": "K1", "CustomerProductId": "Q1", "Caption": "Chaudière", "ItemId": "E1"},
        {"Id": "K2 Q2", "ContractId": "K2", "CustomerProductId": "Q2", "Caption": "Chaudière", "ItemId": "E1"},
    ],
    "CustomerProduct": [
        {"Id": "Q1", "Caption": "Chaudière", "CustomerId": "C004", "ItemId": "E1", "SaleDocumentLineId": "FA260004-1", "PartsEndDate": "2028-02-20"},
        {"Id": "Q2", "Caption": "Chaudière", "CustomerId": "C001", "ItemId": "E1", "PartsStartDate": "2020-03-01", "PartsEndDate": "2022-03-01"},
        {"Id": "Q3", "Caption": "Vieille chaudière", "CustomerId": "C001", "LabourStartDate": "2005-01-01", "ActiveState": 1},
    ],
    "ScheduleEventType": [{"Id": REPAIR, "Caption": REPAIR}, {"Id": SERVICE, "Caption": SERVICE}, {"Id": INTERNAL, "Caption": INTERNAL},
                          {"Id": "Appel", "Caption": "Appel"}, {"Id": "Rendez-vous", "Caption": "Rendez-vous"}],
    "ScheduleEvent": [
        # Monday 19 January: a repair billed 80, then a visit under contract further north.
        event("e01", "2026-01-19 08:00:00", "2026-01-19 10:00:00", "T1", "C001", REPAIR, 46.1, Maintenance_CustomerProductId="Q2",
              ExpectedDuration_DurationInHours=2, AchievedDuration_DurationInHours=1.5, NetAmountVatExcluded=80, ToInvoice=True,
              Maintenance_IncidentId="I1", **DONE),
        event("e02", "2026-01-19 10:30:00", "2026-01-19 12:00:00", "T1", "C004", SERVICE, 46.3, ItemId="E1",
              Maintenance_ContractId="K1", AchievedDuration_DurationInHours=1.5, NetAmountVatExcluded=90, **DONE),
        # Friday 23 January: the same boiler again, a team of two.
        event("e03", "2026-01-23 14:00:00", "2026-01-23 16:00:00", "T2", "C001", REPAIR, 46.1, Maintenance_CustomerProductId="Q2",
              AchievedDuration_DurationInHours=2, NetAmountVatExcluded=120, ToInvoice=True, Maintenance_IncidentId="I1", **DONE),
        event("e03b", "2026-01-23 14:00:00", "2026-01-23 15:00:00", "T1", "C001", REPAIR, 46.1, ParentEventId="e03", LineOrder=1,
              AchievedDuration_DurationInHours=1, **DONE),
        event("e04", "2026-02-10 09:00:00", "2026-02-10 10:00:00", "T2", "C002", REPAIR, 46.2, AchievedDuration_DurationInHours=1,
              NetAmountVatExcluded=60, ToInvoice=True, **DONE),
        # Urgent, across midnight, nobody typed the time in; invoiced.
        event("e05", "2026-03-17 23:00:00", "2026-03-18 01:30:00", "T1", "C002", REPAIR, 46.4, NetAmountVatExcluded=200, ToInvoice=True,
              InvoiceId="FA260008", xx_URGENT=True, Maintenance_IncidentId="I3"),
        # Overdue: nothing says that it took place.
        event("e07", "2026-03-24 08:00:00", "2026-03-24 09:00:00", "T1", "C001", SERVICE, 46.1),
        # Deleted before its day: a cancelled appointment.
        *captured("2026-03-15 06:00:00", APPOINTMENT_DELETED),
        *captured("2026-03-20 06:00:00", {**APPOINTMENT_DELETED, DELETED: True}),
        event("e09", "2026-04-02 08:00:00", "2026-04-02 09:30:00", "T2", "C004", SERVICE, 46.3),
        # No customer: an absence of half a day, and an internal meeting.
        event("x01", "2026-01-20 08:00:00", "2026-01-20 12:00:00", "T1", None, INTERNAL, IsScheduleException=True),
        event("x02", "2026-01-21 08:00:00", "2026-01-21 09:00:00", "T1", None, INTERNAL),
    ],
    "Activity": [
        activity("a1", "2026-01-08 10:00:00", "2026-01-08 10:15:00", "C001", "Appel : relance devis", EventType="Appel", NotesClear="Rappeler au 06 00 00 00 02"),
        activity("a2", "2026-01-05 09:00:00", "2026-01-05 09:05:00", "C001", "Envoi du devis", AutomaticCreation=1, SaleDocumentId="DE260001"),
        activity("a3", "2026-01-06 09:00:00", "2026-01-06 09:00:00", "P001", "Envoi du devis", AutomaticCreation=1, SaleDocumentId="DE260002"),
        activity("a4", "2026-03-20 09:00:00", "2026-03-20 09:00:00", "C002", "Relance", AutomaticCreation=1, ReminderLetterId="R1"),
        activity("a5", "2026-01-19 08:00:00", "2026-01-20 14:00:00", "C001", "Visite", ScheduleEventId="e01"),
        activity("a6", "2026-01-12 09:00:00", "2026-01-12 09:10:00", None, "Appel", EventType="Appel"),
        activity("a7", "2026-04-15 09:00:00", "2026-04-15 09:30:00", "C004", "Rendez-vous", EventType="Rendez-vous"),
    ],
    "Incident": [
        {"Id": "I1", "Caption": "Plus de chauffage", "CustomerId": "C001", "StartDate": "2026-01-18 09:00:00", "EndDate": "2026-01-23 16:00:00"},
        {"Id": "I2", "Caption": "Bruit", "CustomerId": "C004", "StartDate": "2026-03-29 10:00:00", "CreatorColleagueId": "JD"},
        {"Id": "I3", "Caption": "Fuite", "CustomerId": "C002", "StartDate": "2026-03-16 20:00:00"},
    ],
    "IncidentCustomerProduct": [{"Id": "I1 Q2", "IncidentId": "I1", "CustomerProductId": "Q2", "ItemId": "E1", "Caption": "Chaudière"}],
}
# fmt: on
