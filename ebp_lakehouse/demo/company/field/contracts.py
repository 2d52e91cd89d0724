"""Maintenance contracts: who has one, for which pieces, how often they are visited, and how they end.

Lives here: ``MaintenanceContract``, ``MaintenanceContractCustomerProduct``, ``MaintenanceContractCommitment`` and the
due days of their visits. Does not live here: the visits (``agenda``), the invoices (``contractinvoices``).
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.field import places
from ebp_lakehouse.demo.company.field.columns import dates, shown
from ebp_lakehouse.demo.company.field.equipment import MANY, Park
from ebp_lakehouse.demo.company.field.places import Places
from ebp_lakehouse.demo.company.primitives import (
    DAY_US,
    Bool,
    Int,
    decimals,
    generator,
    rank_in_group,
    spread,
    stamps,
    take,
    users,
    uuids,
)
from ebp_lakehouse.demo.company.truth import GroundTruth

CONTRACTS, FEWEST = 268, 18  # reference installation; enough for the planted cases in the smallest company
LINKS, COMMITMENTS = 20, 9
MONTH = 30.4375
RUNNING, ENDED, CANCELLED = 0, 1, 2  # MaintenanceContract."Status": the demo's own codes
MONTHLY = 3  # InterventionPeriodicity_Type of periods counted in months, as in PeriodicInvoicing
BY_VISITS = 1  # CounterType
# Planted contracts, by position; the others draw their fate.
CASES = {
    "active": 0, "ended": 1, "cancelled": 2, "tacit renewal past its end": 3, "counter used up": 4, "visits missed": 5,
    "no equipment": 6, "starts in the future": 7, "paid by somebody else": 8, "cancelled in the future": 9,
}  # fmt: skip
OLDEST_CASE = 900  # days since the first of them began: its customer is no newer
MOVES = {
    "active": "silver.dim_contract.is_active; active contracts (KPI 83)",
    "ended": "silver.dim_contract.is_active is false after EndDate without tacit renewal",
    "cancelled": "silver.dim_contract.is_active is false from CancellationDate on, although EndDate is later",
    "tacit renewal past its end": "silver.dim_contract.in_tacit_renewal; active contracts (KPI 83)",
    "counter used up": "silver.dim_contract.remaining_counter = 0",
    "visits missed": "overdue contract visits (KPI 84); gold.contract_profitability.visits_done",
    "no equipment": "the contract counts in KPI 83, no piece is covered by it (KPI 87)",
    "starts in the future": "not active before StartDate",
    "paid by somebody else": "silver.dim_contract.payer_id",
    "cancelled in the future": "active until the day of its cancellation",
}


@dataclass(frozen=True)
class Contracts:
    """One row per contract; ``until`` is the day it really stops (after the as-of day while it runs).

    ``piece_contract``/``piece`` list all pieces it is meant for; only ``linked`` of them are recorded in EBP.
    """

    codes: pl.Series
    customer: Int
    payer: Int
    start: Int
    end: Int
    cancelled: Int
    tacit: Bool
    until: Int
    months: Int
    fee_cents: Int
    lax: Bool
    piece_contract: Int
    piece: Int
    linked: Bool

    @property
    def size(self) -> int:
        """Number of contracts."""
        return len(self.customer)

    def covers(self, piece: Int, day: Int, park: Park) -> Int:
        """Contract that covers each piece on each day, -1 when none does."""
        contract = np.full(park.size, -1)
        contract[self.piece[::-1]] = self.piece_contract[::-1]
        found = np.where(piece >= 0, contract[np.maximum(piece, 0)], -1)
        safe = np.maximum(found, 0)
        inside = (found >= 0) & (day >= self.start[safe]) & (day < self.until[safe])
        return np.where(inside, found, -1)


def build(
    seed: int, scale: float, calendar: BusinessCalendar, park: Park, reachable: Int, customer_since: Int
) -> Contracts:
    """Contracts of reachable customers, those with most equipment first; none begins before its customer was one."""
    rng = generator(seed, "contracts")
    size = max(FEWEST, round(CONTRACTS * scale))
    as_of = calendar.as_of
    customer = _customers(rng, size, park, reachable, customer_since > as_of - OLDEST_CASE)
    months = rng.choice([12, 12, 12, 6, 6, 3], size)
    start = calendar.first_day + (rng.random(size) ** 0.7 * (as_of - 60 - calendar.first_day)).astype(np.int64)
    start = np.maximum(start, np.minimum(customer_since[customer], as_of - 60))
    term = rng.choice([365, 365, 730, 1095], size)
    tacit = rng.random(size) < 0.7
    cancelled = np.where(rng.random(size) < 0.3, start + 200 + rng.exponential(900, size).astype(np.int64), -1)
    renewals = np.where(tacit & (rng.random(size) < 0.6), np.maximum(0, (as_of - start) // term), 0)
    end = start + term * (renewals + 1)
    payer = customer.copy()
    at = CASES
    start[at["active"]], end[at["active"]], tacit[at["active"]] = as_of - 300, as_of + 65, False
    start[at["ended"]], end[at["ended"]], tacit[at["ended"]] = as_of - 800, as_of - 70, False
    start[at["cancelled"]], end[at["cancelled"]] = as_of - 500, as_of + 230
    start[at["tacit renewal past its end"]], end[at["tacit renewal past its end"]] = as_of - OLDEST_CASE, as_of - 170
    tacit[at["tacit renewal past its end"]] = True
    start[at["counter used up"]], end[at["counter used up"]], months[at["counter used up"]] = as_of - 350, as_of + 15, 3
    start[at["visits missed"]], end[at["visits missed"]], months[at["visits missed"]] = as_of - 700, as_of + 30, 6
    start[at["starts in the future"]], end[at["starts in the future"]] = as_of + 20, as_of + 385
    start[at["cancelled in the future"]], end[at["cancelled in the future"]] = as_of - 200, as_of + 165
    cancelled[list(at.values())] = -1
    cancelled[at["cancelled"]], cancelled[at["cancelled in the future"]] = as_of - 120, as_of + 40
    eldest = reachable[np.argsort(customer_since[reachable], kind="stable")]
    payer[at["paid by somebody else"]] = eldest[eldest != customer[at["paid by somebody else"]]][0]
    cancelled = np.where(cancelled >= end, -1, cancelled)
    open_end = np.where(tacit, 2**40, end + 1)
    until = np.where(cancelled >= 0, np.minimum(cancelled, open_end), open_end)
    contract, piece, linked = _pieces(size, customer, park)
    return Contracts(
        codes=pl.Series([f"CM{n + 1:06d}" for n in range(size)]),
        customer=customer,
        payer=payer,
        start=start,
        end=end,
        cancelled=cancelled,
        tacit=tacit,
        until=until,
        months=months,
        fee_cents=(rng.integers(9, 40, size) * 1000 * 12 // months) // 100 * 100,
        lax=np.arange(size) == at["visits missed"],
        piece_contract=contract,
        piece=piece,
        linked=linked,
    )


def due_visits(contracts: Contracts, last_day: int) -> tuple[Int, Int]:
    """(contract, due day) of every visit due while the contract runs, up to ``last_day``."""
    step = np.rint(contracts.months * MONTH).astype(np.int64)
    until = np.minimum(contracts.until, last_day)
    owner, rank = spread(np.maximum(0, (until - contracts.start - 1) // step))
    return owner, contracts.start[owner] + (rank + 1) * step[owner]


def codes_of(contracts: Contracts, index: Int) -> pl.Series:
    """Code of each contract of ``index``, NULL for -1."""
    return take(contracts.codes, index)


def frames(
    seed: int,
    contracts: Contracts,
    park: Park,
    where: Places,
    calendar: BusinessCalendar,
    customers: pl.DataFrame,
    items: pl.DataFrame,
    sellers: pl.Series,
    visited: Int,
    invoiced_cents: Int,
    truth: GroundTruth,
) -> dict[str, pl.DataFrame]:
    """The contract tables; ``visited`` counts the visits done, ``invoiced_cents`` what was invoiced, per contract."""
    rng = generator(seed, "contract rows")
    size, as_of = contracts.size, calendar.as_of
    counter = (rng.random(size) < 0.3) | (np.arange(size) == CASES["counter used up"])
    initial = np.where(counter, visited + rng.integers(1, 6, size), 0)
    initial[CASES["counter used up"]] = visited[CASES["counter used up"]]
    running = (contracts.start <= as_of) & (contracts.until > as_of)
    typed = np.minimum(contracts.start - rng.integers(1, 40, size), as_of).clip(calendar.first_day)
    touched = np.where(contracts.cancelled >= 0, contracts.cancelled - 20, typed)
    term = np.where(contracts.tacit, 365, contracts.end - contracts.start)
    renewed = contracts.tacit & (contracts.end - term > contracts.start) & (contracts.end - term <= as_of)
    frame = pl.DataFrame(
        {
            "Id": contracts.codes,
            "Caption": "Contrat d'entretien "
            + take(customers["Name"], contracts.customer).str.strip_chars().str.slice(0, 50),
            "CustomerId": take(customers["Id"], contracts.customer),
            "InvoicingCustomerId": take(
                customers["Id"], np.where(contracts.payer != contracts.customer, contracts.payer, -1)
            ),
            "StartDate": stamps(contracts.start * DAY_US),
            "EndDate": stamps(contracts.end * DAY_US),
            "Status": np.where(contracts.cancelled >= 0, CANCELLED, np.where(running, RUNNING, ENDED)),
            "TacitRenewal": contracts.tacit,
            "LastRenewalDate": shown(stamps((contracts.end - term) * DAY_US), renewed),
            "CancellationDate": shown(stamps(contracts.cancelled * DAY_US), contracts.cancelled >= 0),
            "CancellationReason": shown(pl.Series(rng.integers(1, 4, size)), contracts.cancelled >= 0),
            "CounterType": np.where(counter, BY_VISITS, 0),
            "InitialCounterNumber": shown(decimals(initial, 0), counter),
            "RemainingCounterNumber": shown(decimals(initial - visited, 0), counter),
            "ArePartsCovered": rng.random(size) < 0.5,
            "IsLabourCovered": rng.random(size) < 0.9,
            "IsTravelCovered": rng.random(size) < 0.8,
            "InterventionPeriodicity_Type": np.full(size, MONTHLY),
            "InterventionPeriodicity_UserIncrement": contracts.months,
            "InterventionPeriodicity_Caption": "Tous les " + pl.Series(contracts.months).cast(pl.String) + " mois",
            "EventToForesee": np.ones(size, dtype=bool),
            "ColleagueId": take(sellers, np.arange(size) % len(sellers)),
            "PredictedPeriodicInvoicingAmount": decimals(contracts.fee_cents),
            "PredictedSales": decimals(contracts.fee_cents),
            "TotalInvoiceAmountVatExcluded": decimals(invoiced_cents),
            "AccomplishedSales": decimals(invoiced_cents),
            **places.addresses(where, contracts.payer, "InvoicingAddress_"),
            "sysCreatedDate": stamps(typed * DAY_US + 34_200_000_000),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(np.clip(touched, typed, as_of) * DAY_US + 37_800_000_000),
            "sysModifiedUser": users(rng, size),
        }
    )
    for case, position in CASES.items():
        truth.plant(f"contract: {case}", "MaintenanceContract", [contracts.codes[position]], MOVES[case])
    last = np.where(contracts.until < 2**39, contracts.until, -1)
    truth.describe(
        "contract",
        pl.DataFrame(
            {
                "contract_id": contracts.codes,
                "runs_until": shown(dates(np.clip(last, 0, 10**5)), last >= 0),
                "annual_fee": contracts.fee_cents / 100,
                "pieces": np.bincount(contracts.piece_contract, minlength=size),
            }
        ),
    )
    return {
        "MaintenanceContract": frame,
        "MaintenanceContractCustomerProduct": _link_frame(rng, contracts, park, items, frame),
        "MaintenanceContractCommitment": _commitment_frame(rng, contracts, frame),
    }


def _customers(rng: np.random.Generator, size: int, park: Park, reachable: Int, new: Bool) -> Int:
    """Owners of several pieces first, then other owners, new ones last, then anybody within reach."""
    owned = np.bincount(park.owner, minlength=int(reachable.max()) + 1)
    crowd = reachable[np.arange(len(MANY)) % len(reachable)]
    owners = np.flatnonzero(owned)
    others = rng.permutation(owners[~np.isin(owners, crowd)])
    others = others[np.argsort(new[others], kind="stable")]
    rest = reachable[rng.integers(0, len(reachable), size)]
    return np.asarray(np.r_[crowd, others, rest][:size], dtype=np.int64)


def _pieces(size: int, customer: Int, park: Park) -> tuple[Int, Int, Bool]:
    """Pieces of each contract (none for the planted one), the first 20 of them recorded as links."""
    first_contract = np.full(int(max(customer.max(), park.owner.max())) + 1, -1)
    having = np.array([n for n in range(size) if n != CASES["no equipment"]])
    first_contract[customer[having][::-1]] = having[::-1]
    contract = first_contract[park.owner]
    piece = np.flatnonzero((contract >= 0) & (park.repeat == 0))
    order = np.lexsort((piece, contract[piece]))
    piece = piece[order]
    return contract[piece], piece, np.arange(len(piece)) < LINKS


def _link_frame(
    rng: np.random.Generator, contracts: Contracts, park: Park, items: pl.DataFrame, frame: pl.DataFrame
) -> pl.DataFrame:
    contract, piece = contracts.piece_contract[contracts.linked], contracts.piece[contracts.linked]
    source = frame[contract.tolist()]
    return pl.DataFrame(
        {
            "Id": uuids(rng, len(piece)),
            "ContractId": source["Id"],
            "CustomerProductId": take(park.codes, piece),
            "ItemId": take(items["Id"], park.item[piece]),
            "Caption": take(items["Caption"], park.item[piece]),
            "ArePartsCovered": source["ArePartsCovered"],
            "IsLabourCovered": source["IsLabourCovered"],
            "IsTravelCovered": source["IsTravelCovered"],
            **{
                name: source[name]
                for name in ("sysCreatedDate", "sysCreatedUser", "sysModifiedDate", "sysModifiedUser")
            },
        }
    )


def _commitment_frame(rng: np.random.Generator, contracts: Contracts, frame: pl.DataFrame) -> pl.DataFrame:
    """Invoicing schedule of the few contracts that have one: a fee on each anniversary."""
    owner = np.arange(COMMITMENTS) % 3 % contracts.size
    rank = rank_in_group(owner)
    fee = contracts.fee_cents[owner]
    source = frame[owner.tolist()]
    return pl.DataFrame(
        {
            "Id": uuids(rng, COMMITMENTS),
            "MaintenanceContractId": source["Id"],
            "CommitmentDate": stamps((contracts.start[owner] + 365 * rank) * DAY_US),
            "InvoiceAmountVatExcluded": decimals(fee),
            "InvoiceAmountVatIncluded": decimals(fee * 6 // 5),
            **{
                name: source[name]
                for name in ("sysCreatedDate", "sysCreatedUser", "sysModifiedDate", "sysModifiedUser")
            },
        }
    )
