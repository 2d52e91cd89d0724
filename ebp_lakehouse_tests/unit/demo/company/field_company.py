"""The small companies that the tests of field service look at, and how they look. Not here: what must hold."""

from __future__ import annotations

import math
from datetime import date
from functools import cache
from typing import Any

import polars as pl

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.company.truth import GroundTruth

AS_OF = date(2025, 10, 23)
SCALE = 0.02
SEEDS = (1, 7, 42)
DONE, CANCELLED, TEAM_ROW = 2, 3, 1
Frames = dict[str, pl.DataFrame]
Company = tuple[Frames, dict[str, Any]]
c = pl.col


@cache
def company(seed: int, incidents: bool = False) -> Company:
    truth = GroundTruth()
    frames = generate(SCALE, seed, AS_OF, CompanyOptions(with_incidents=incidents), truth)
    return frames, truth.as_dict()


def planted(made: Company, table: str = "ScheduleEvent") -> dict[str, list[str]]:
    return {case["case"]: case["keys"] for case in made[1]["cases"] if case["table"] == table}


def none(frame: pl.DataFrame) -> None:
    assert frame.is_empty(), frame.head(5).to_dicts()


def usual_appointments(made: Company) -> pl.DataFrame:
    """Appointments and meetings led by a technician that were not made on purpose."""
    keys = [key for keys in planted(made).values() for key in keys]
    return made[0]["ScheduleEvent"].filter(
        ~c("IsScheduleException") & (c("LineType") != TEAM_ROW) & ~c("Id").is_in(keys) & c("ColleagueId").is_not_null()
    )


def code(column: str) -> pl.Expr:
    return c(column).str.strip_chars().str.to_uppercase()


def kilometres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Spherical law of cosines, another formula than the generator's."""
    (la, oa), (lb, ob) = ((math.radians(x), math.radians(y)) for x, y in (a, b))
    cosine = math.sin(la) * math.sin(lb) + math.cos(la) * math.cos(lb) * math.cos(ob - oa)
    return 6371.0 * math.acos(max(-1.0, min(1.0, cosine)))
