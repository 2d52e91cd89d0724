"""Incidents of a company that records them (``--with-incidents``): the calls behind the latest repairs, and their cases.

Lives here: ``Incident``, ``IncidentTemplate``, ``IncidentCustomerProduct``, ``ScheduleEventCustomerProduct`` and the
links from events. Reopening is a change of state: it happens in ``simulate``, not here.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.field import places
from ebp_lakehouse.demo.company.field.columns import shown
from ebp_lakehouse.demo.company.field.contracts import Contracts
from ebp_lakehouse.demo.company.field.equipment import Park
from ebp_lakehouse.demo.company.field.kinds import DONE, REPAIR
from ebp_lakehouse.demo.company.field.places import Places
from ebp_lakehouse.demo.company.masters import audited
from ebp_lakehouse.demo.company.primitives import DAY_US, Bool, Int, decimals, generator, stamps, take, users, uuids
from ebp_lakehouse.demo.company.skeleton import Table
from ebp_lakehouse.demo.company.truth import GroundTruth

INCIDENTS, FEWEST = 420, 16
TEMPLATES = (("PANNE", "Panne totale"), ("FUITE", "Fuite"), ("BRUIT", "Bruit anormal"), ("REGUL", "Régulation"))
OPEN, ANSWERED, RESOLVED = 0, 1, 2  # Incident."Status": the demo's own codes
COVER_NONE, COVER_CONTRACT, COVER_WARRANTY = 0, 1, 2  # …CoverType: the demo's own codes
TARGET_HOURS = 48  # resolution target of the cases; the real one is the user's sla.csv
HOUR_US = 3_600_000_000
FACTS = "silver.fact_incidents"


def build(
    seed: int,
    scale: float,
    agenda: Table,
    events: pl.DataFrame,
    park: Park,
    contracts: Contracts,
    where: Places,
    customers: pl.DataFrame,
    items: pl.DataFrame,
    as_of: int,
    truth: GroundTruth,
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """The events with their ``Maintenance_IncidentId``, and the incident tables. ``events`` is aligned with ``agenda``."""
    rng = generator(seed, "incidents")
    repaired = (agenda["kind"] == REPAIR) & (agenda["piece"] >= 0) & (agenda["state"] == DONE) & (agenda["case"] < 0)
    first_visits = np.flatnonzero(repaired & (agenda["return_of"] < 0))
    chosen = first_visits[np.argsort(agenda["day"][first_visits], kind="stable")][
        -max(FEWEST, round(INCIDENTS * scale)) :
    ]
    size = len(chosen)
    position = np.arange(size)
    start = events["sysCreatedDate"].cast(pl.Int64).to_numpy()[chosen].copy()
    begin = events["StartDateTime"].cast(pl.Int64).to_numpy()[chosen]
    returns = np.full(agenda.size, -1)
    again = np.flatnonzero(agenda["return_of"] >= 0)
    returns[agenda["return_of"][again]] = again
    last_visit = np.where(returns[chosen] >= 0, returns[chosen], chosen)
    end = events["EndDateTime"].cast(pl.Int64).to_numpy()[last_visit] + rng.integers(0, 4, size) * HOUR_US
    resolved = end <= as_of * DAY_US
    cases = _cases(returns[chosen] >= 0)
    start[cases["response before creation"]] = begin[cases["response before creation"]] + 2 * HOUR_US
    start[cases["resolved within target"]] = begin[cases["resolved within target"]] - HOUR_US
    start[cases["resolved out of target"]] = end[cases["resolved out of target"]] - (TARGET_HOURS + 30) * HOUR_US
    resolved[[cases["open late"], cases["opened, not answered"]]] = False
    start[cases["opened, not answered"]] = as_of * DAY_US + 9 * HOUR_US
    resolved |= (position == cases["resolved out of target"]) | (position == cases["resolved within target"])
    end = np.maximum(end, start + HOUR_US)
    linked = np.full(agenda.size, -1)
    linked[chosen] = position
    linked[chosen[cases["opened, not answered"]]] = -1
    linked[last_visit] = np.where(position == cases["opened, not answered"], -1, position)
    codes = pl.Series([f"IN{n + 1:06d}" for n in range(size)])
    events = _other_technician(events, int(chosen[cases["two technicians"]]), int(last_visit[cases["two technicians"]]))
    piece, customer = agenda["piece"][chosen], agenda["customer"][chosen]
    frame = pl.DataFrame(
        {
            "Id": codes,
            "Caption": take([t for _, t in TEMPLATES], position % len(TEMPLATES))
            + " - "
            + take(items["Caption"], park.item[piece]),
            "CustomerId": take(customers["Id"], customer),
            "CustomerName": take(customers["Name"], customer).str.strip_chars(),
            "StartDate": stamps(start),
            "EndDate": shown(stamps(end), resolved),
            "Status": np.where(resolved, RESOLVED, np.where(position == cases["opened, not answered"], OPEN, ANSWERED)),
            "IncidentTemplateId": take(
                [c for c, _ in TEMPLATES], np.where(position % 11 == 3, -1, position % len(TEMPLATES))
            ),
            "ContractId": take(contracts.codes, agenda["contract"][chosen]),
            "CreatorColleagueId": events["CreatorColleagueId"].gather(chosen.tolist()),
            **places.addresses(where, customer, "Address_"),
            "sysCreatedDate": stamps(np.minimum(start, as_of * DAY_US + 18 * HOUR_US)),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(np.minimum(np.where(resolved, end, start), as_of * DAY_US + 18 * HOUR_US)),
            "sysModifiedUser": users(rng, size),
        }
    ).with_columns(sysModifiedDate=pl.max_horizontal("sysModifiedDate", "sysCreatedDate"))
    moves = {
        "opened, not answered": f"{FACTS}.state = open; in the backlog",
        "open late": f"{FACTS}.sla_met_flag is false while it is open",
        "resolved within target": f"{FACTS}.sla_met_flag is true",
        "resolved out of target": f"{FACTS}.sla_met_flag is false",
        "two technicians": "gold.incidents_funnel.escalation_rate",
        "standard exchange": f"{FACTS}.resolution_category = Échange",
        "response before creation": f"{FACTS}.time_to_first_response_hours = 0, never negative",
    }
    for case, at in cases.items():
        truth.plant(f"incident: {case}", "Incident", [codes[at]], moves[case])
    products = _products(rng, frame, park, piece, agenda["contract"][chosen], items, agenda["day"][chosen], cases)
    marked = events.with_columns(Maintenance_IncidentId=take(codes, linked))
    templates = pl.DataFrame({"Id": [c for c, _ in TEMPLATES], "Caption": [t for _, t in TEMPLATES]})
    return marked, {
        "Incident": frame,
        "IncidentTemplate": audited(templates),
        "IncidentCustomerProduct": products,
        "ScheduleEventCustomerProduct": _visited(rng, agenda, marked, park, contracts, items),
    }


def _cases(came_back: Bool) -> dict[str, int]:
    """Position of each planted incident, the latest ones: repairs that held, but the one with two technicians."""
    names = (
        "opened, not answered", "open late", "resolved within target", "resolved out of target", "standard exchange",
        "response before creation",
    )  # fmt: skip
    held = np.flatnonzero(~came_back)[::-1].tolist()
    return {"two technicians": int(np.flatnonzero(came_back)[-1])} | dict(zip(names, held, strict=False))


def _other_technician(events: pl.DataFrame, first: int, second: int) -> pl.DataFrame:
    """The second visit is made by somebody else than the first."""
    mine = pl.col("ColleagueId").get(first)
    who = pl.col("ColleagueId").filter(pl.col("ColleagueId") != mine).drop_nulls().first()
    return events.with_columns(
        ColleagueId=pl.when(pl.int_range(pl.len()) == second).then(who).otherwise(pl.col("ColleagueId"))
    )


def _products(
    rng: np.random.Generator, frame: pl.DataFrame, park: Park, piece: Int, contract: Int, items: pl.DataFrame, day: Int,
    cases: dict[str, int],
) -> pl.DataFrame:  # fmt: skip
    size = frame.height
    exchange = np.arange(size) == cases["standard exchange"]
    warranty = park.guaranteed[piece] & (day < park.installed[piece] + 730)
    cover = np.where(contract >= 0, COVER_CONTRACT, np.where(warranty, COVER_WARRANTY, COVER_NONE))
    return pl.DataFrame(
        {
            "Id": uuids(rng, size),
            "IncidentId": frame["Id"],
            "CustomerProductId": take(park.codes, piece),
            "ItemId": take(items["Id"], np.where(np.arange(size) % 6 == 5, -1, park.item[piece])),
            "Caption": take(items["Caption"], park.item[piece]),
            "StandardExchange": exchange,
            "PartsCoverType": cover,
            "LabourCoverType": cover,
            "TravelCoverType": cover,
            "Status": frame["Status"],
            **{
                name: frame[name] for name in ("sysCreatedDate", "sysCreatedUser", "sysModifiedDate", "sysModifiedUser")
            },
        }
    )


def _visited(
    rng: np.random.Generator, agenda: Table, events: pl.DataFrame, park: Park, contracts: Contracts, items: pl.DataFrame
) -> pl.DataFrame:
    """Every piece of the contract on its visits, where EBP's table of visited equipment is used."""
    rows = np.flatnonzero((agenda["contract"] >= 0) & (agenda["kind"] != REPAIR) & (agenda["case"] < 0))
    pairs = pl.DataFrame({"row": rows, "contract": agenda["contract"][rows]}).join(
        pl.DataFrame({"contract": contracts.piece_contract, "piece": contracts.piece}),
        on="contract",
        maintain_order="left",
    )
    source, piece = events[pairs["row"].to_list()], pairs["piece"].to_numpy()
    return pl.DataFrame(
        {
            "Id": uuids(rng, pairs.height),
            "ScheduleEventId": source["Id"],
            "CustomerProductId": take(park.codes, piece),
            "ItemId": take(items["Id"], park.item[piece]),
            "Caption": take(items["Caption"], park.item[piece]),
            "MaintenanceContractId": source["Maintenance_ContractId"],
            "ContractHoursNumberDecremented": decimals(np.zeros(pairs.height, dtype=np.int64)),
            **{
                name: source[name]
                for name in ("sysCreatedDate", "sysCreatedUser", "sysModifiedDate", "sysModifiedUser")
            },
        }
    )
