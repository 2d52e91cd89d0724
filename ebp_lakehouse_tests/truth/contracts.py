"""Maintenance contracts: visits that were due and not made, and what their coming invoices bring (semantics §7, KPI 84).

Each contract is gone through period by period from its first day. Not here: the margin of contracts.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from ebp_lakehouse_tests.truth.field import appointments
from ebp_lakehouse_tests.truth.saledocuments import REVENUE, documents
from ebp_lakehouse_tests.truth.values import Bronze, code, day

MONTHS = 3  # the code of periods that are counted in months
DAYS_TO_PAY = 30
WEEKS = 13
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Contract:
    code: str
    start: date
    last: date | None
    planned: float
    invoiced_every: int
    visited_every: int | None

    def runs(self, on: date) -> bool:
        return self.start <= on and (self.last is None or self.last >= on)


def contracts(bronze: Bronze) -> list[Contract]:
    """Those that have a first day; the last is NULL where nothing says when it ends."""
    periodic = bronze["PeriodicInvoicing"].filter(pl.col("Periodicity_Type") == MONTHS).select(
        invoicing=code("Id"), every="Periodicity_UserIncrement"
    )  # fmt: skip
    end = pl.when(~pl.col("TacitRenewal").fill_null(value=False)).then(day("EndDate"))
    rows = (
        bronze["MaintenanceContract"]
        .with_columns(invoicing=code("PeriodicInvoicingId"))
        .join(periodic, on="invoicing", how="left")
        .select(
            code("Id"),
            start=day("StartDate"),
            last=pl.min_horizontal(end, day("CancellationDate")),
            planned=pl.col("PredictedPeriodicInvoicingAmount").cast(pl.Float64).fill_null(0),
            invoiced_every=pl.when(pl.col("every") > 0).then("every").otherwise(12),
            visited_every=pl.when(
                (pl.col("InterventionPeriodicity_Type") == MONTHS)
                & (pl.col("InterventionPeriodicity_UserIncrement") > 0)
            ).then("InterventionPeriodicity_UserIncrement"),
        )
    )
    return [Contract(*row) for row in rows.filter(pl.col("start").is_not_null() & pl.col("Id").is_not_null()).rows()]


def overdue_visits(bronze: Bronze, as_of: date, known_on: date) -> int:
    """Of the contracts that run on ``as_of``: periods that ended by then and for whose end no maintenance visit was made.

    A visit is made for the end of a period up to the middle of the periods on both sides of it.
    """
    of = bronze["ScheduleEvent"].select(id="Id", contract=code("Maintenance_ContractId"))
    made = appointments(bronze, known_on).filter(
        (pl.col("type") == "Maintenance") & (pl.col("state") == "Done") & (pl.col("day") <= as_of)
    ).join(of, on="id").drop_nulls("contract")  # fmt: skip
    visits: dict[str, list[date]] = dict(made.group_by("contract").agg("day").iter_rows())
    count = 0
    for contract in contracts(bronze):
        if contract.visited_every is None or not contract.runs(as_of):
            continue
        dues = [start - DAY for start in _periods(contract.start, contract.visited_every, as_of + DAY)][1:]
        for number, due in enumerate(dues):
            following = _later(contract.start, contract.visited_every * (number + 2)) - DAY
            first = (
                contract.start if number == 0 else dues[number - 1] + (due - dues[number - 1]) // DAY // 2 * DAY + DAY
            )
            last = due + (following - due) // DAY // 2 * DAY
            count += not any(first <= visit <= last for visit in visits.get(contract.code, []))
    return count


def coming_invoices(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """week_start, amount: what the invoices of running contracts bring in the weeks ahead, VAT as those before them had it."""
    headers = documents(bronze).filter(pl.col("kind").is_in(REVENUE) & (pl.col("day") <= as_of))
    of = bronze["SaleDocument"].select(id="Id", contract=code("MaintenanceContractId")).drop_nulls()
    taxed = headers.join(of, on="id").group_by("contract").agg(pl.col("tax", "net").sum().cast(pl.Float64))
    own = {name: part / whole for name, part, whole in taxed.rows() if whole}
    tax, net = (float(taxed[name].sum()) for name in ("tax", "net"))
    usual = tax / net if net else 0.0
    monday = as_of + DAY - timedelta(days=(as_of + DAY).weekday())
    sums = {monday + timedelta(weeks=number): 0.0 for number in range(WEEKS)}
    for contract in contracts(bronze):
        for invoiced in _periods(contract.start, contract.invoiced_every, as_of + timedelta(weeks=WEEKS)):
            paid = invoiced + timedelta(days=DAYS_TO_PAY)
            week = paid - timedelta(days=paid.weekday())
            if contract.start <= as_of < invoiced and contract.runs(invoiced) and week in sums:
                sums[week] += contract.planned * (1 + own.get(contract.code, usual))
    rows = [(week, "contracts_to_invoice", round(amount, 2)) for week, amount in sums.items()]
    return pl.DataFrame(rows, schema=["week_start", "flow", "amount"], orient="row")


def _periods(start: date, months: int, until: date) -> Iterator[date]:
    """First days of the periods that begin up to ``until``."""
    number = 0
    while (first := _later(start, months * number)) <= until:
        yield first
        number += 1


def _later(start: date, months: int) -> date:
    """The same day of a later month, or its last day."""
    years, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(years, month + 1, min(start.day, monthrange(years, month + 1)[1]))
