"""The technicians: depots, working weeks, skills, true speed and true rate of repairs that hold.

Lives here: who can work where, when and at what, and the columns of ``Colleague`` and ``ColleagueFamily`` that say so.
Does not live here: what they do (``agenda``, ``routing``). Index 0 of a week is Monday.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.field.kinds import COMPETENCES, KINDS, REPAIR, SALES, VISIT
from ebp_lakehouse.demo.company.masters import audited
from ebp_lakehouse.demo.company.primitives import MONEY, Bool, Float, Int, generator, take, uuids
from ebp_lakehouse.demo.company.truth import GroundTruth

LEADS = ("Technicien", "Technicien itinérant", "Chef d'équipe")
HELPER = "Apprenti"
# Depots at home, as GPS points of the colleague's own address: around Cholet, Saumur and Laval.
HOMES = ((47.0600, -0.8790), (47.2600, -0.0770), (48.0700, -0.7700))
MORNING, LUNCH, AFTER_LUNCH = 8 * 60, 12 * 60, 13 * 60 + 30
EBP_ZERO_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - hours of a schedule hang on a day without meaning
# Hours of the week by schedule: the family's, 39 hours, no Wednesday, no Friday afternoon, early without lunch.
FAMILY, FULL, NO_WEDNESDAY, SHORT_FRIDAY, EARLY = range(5)
WEEKS = (
    (7.0, 7.0, 7.0, 7.0, 7.0, 0.0, 0.0),
    (8.0, 8.0, 8.0, 8.0, 7.0, 0.0, 0.0),
    (7.0, 7.0, 0.0, 7.0, 7.0, 0.0, 0.0),
    (8.0, 8.0, 8.0, 8.0, 4.0, 0.0, 0.0),
    (7.0, 7.0, 7.0, 7.0, 7.0, 0.0, 0.0),
)


@dataclass(frozen=True)
class Crew:
    """Technicians who lead appointments, then helpers; arrays are aligned with ``codes``.

    ``minutes`` is technician by weekday; ``first_day``/``last_day`` bound their employment; ``skills`` is technician by
    kind of appointment; ``speed`` multiplies planned minutes, ``fix_rate`` is the chance that a repair holds.
    """

    codes: pl.Series
    helper: Bool
    latitude: Float
    longitude: Float
    schedule: Int
    minutes: Int
    first_day: Int
    last_day: Int
    skills: Bool
    speed: Float
    fix_rate: Float
    hourly_cents: Int

    @property
    def leads(self) -> int:
        """How many lead appointments; they come first."""
        return int((~self.helper).sum())

    @property
    def morning(self) -> Int:
        """Minute of the day at which each one starts."""
        return np.where(self.schedule == EARLY, 7 * 60, MORNING)

    @property
    def lunch(self) -> Int:
        """Minutes of each one's lunch break, from noon on; 0 without."""
        return np.where(self.schedule == EARLY, 0, AFTER_LUNCH - LUNCH)


def build(seed: int, colleagues: pl.DataFrame, storehouses: pl.DataFrame, first_day: int, as_of: int) -> Crew:
    """The active technicians of the company; helpers (apprentices) go as second ones only."""
    rng = generator(seed, "crew")
    active = colleagues.filter((pl.col("ActiveState") == 0) & ~pl.col("IsSalesperson"))
    job = pl.col("Contact_ColleagueFunction")
    crew = pl.concat([active.filter(job.is_in(LEADS)), active.filter(job == HELPER)])
    size, leads = crew.height, active.filter(job.is_in(LEADS)).height
    rank = np.arange(size)
    main = storehouses.filter("Main")
    depots = [storehouses.filter(~pl.col("Main") & pl.col("Address_Latitude").is_not_null()), main]
    second = depots[0] if depots[0].height else main
    at_second = (rank % 4 == 1) & (rank >= len(HOMES))
    points = [
        np.where(at_second, float(second[name][0]), float(main[name][0]))
        for name in ("Address_Latitude", "Address_Longitude")
    ]
    for n, home in enumerate(HOMES[:leads]):
        points[0][n], points[1][n] = home
    schedule = np.array([FAMILY, FULL, FAMILY, NO_WEDNESDAY, FULL, SHORT_FRIDAY, FAMILY, EARLY])[rank % 8]
    hired = np.where(rank < 4, first_day, first_day + rng.integers(0, 2000, size))
    skills = rng.random((size, len(KINDS))) < 0.6
    skills[:, [VISIT, REPAIR]] |= (rank % 3 != 2)[:, None]  # every third one does not repair by himself
    skills[:, SALES] = rank % 3 == 2
    skills[:4] = True
    return Crew(
        codes=crew["Id"],
        helper=rank >= leads,
        latitude=points[0],
        longitude=points[1],
        schedule=schedule,
        minutes=np.rint(np.array(WEEKS)[schedule] * 60).astype(np.int64),
        first_day=hired,
        last_day=np.full(size, as_of + 365),
        skills=skills,
        speed=rng.uniform(0.85, 1.25, size).round(3),
        fix_rate=rng.uniform(0.78, 0.97, size).round(3),
        hourly_cents=(crew["HourlyCostPrice"].cast(pl.Float64) * 100).round().cast(pl.Int64).to_numpy(),
    )


def describe(crew: Crew, truth: GroundTruth) -> None:
    """What no table says about the technicians."""
    truth.describe(
        "technician",
        pl.DataFrame(
            {
                "colleague_id": crew.codes,
                "depot_latitude": crew.latitude,
                "depot_longitude": crew.longitude,
                "duration_factor": crew.speed,
                "first_time_fix_rate": crew.fix_rate,
                "weekly_minutes": crew.minutes.sum(axis=1),
                "skills": [[k.caption for k, can in zip(KINDS, row, strict=True) if can] for row in crew.skills],
            }
        ),
    )


def with_schedules(crew: Crew, colleagues: pl.DataFrame, storehouses: pl.DataFrame) -> pl.DataFrame:
    """``Colleague`` with the technicians' weeks and depots.

    A technician on the family's schedule has his own columns at zero and not customized: only the family's count.
    """
    place = {code: n for n, code in enumerate(crew.codes.to_list())}
    row = np.array([place.get(code, -1) for code in colleagues["Id"].to_list()])
    is_crew, safe = row >= 0, np.maximum(row, 0)
    custom = is_crew & (crew.schedule[safe] != FAMILY)
    columns: dict[str, pl.Series] = {}
    for day in range(7):
        hours = np.where(custom, np.array(WEEKS)[crew.schedule[safe], day], np.where(is_crew | (day > 4), 0.0, 7.0))
        morning = np.where(custom, crew.morning[safe], MORNING)
        lunch = np.where(custom, crew.lunch[safe], AFTER_LUNCH - LUNCH)
        columns |= _day(day, hours, morning, lunch, custom)
    homes = is_crew & (safe < min(len(HOMES), crew.leads))
    at_home = [np.where(homes, point[safe], np.nan) for point in (crew.latitude, crew.longitude)]
    second = storehouses.filter(~pl.col("Main") & pl.col("Address_Latitude").is_not_null())["Id"].to_list()
    van = storehouses.filter(~pl.col("Main") & pl.col("Address_Latitude").is_null())["Id"].to_list()
    main = storehouses.filter("Main")["Id"].to_list()
    houses = [*main[:1], *(second[:1] or main[:1]), *(van[:1] or main[:1])]
    # The van belongs to one technician: it has no address, so his depot is the main storehouse.
    house = np.where((safe % 4 == 1) & (safe >= len(HOMES)), 1, np.where(safe == min(4, crew.leads - 1), 2, 0))
    return colleagues.with_columns(
        StorehouseId=pl.when(pl.Series(is_crew)).then(take(houses, house)).otherwise(pl.lit(main[0])),
        Address_Latitude=pl.Series(at_home[0]).fill_nan(None).round(6).cast(MONEY),
        Address_Longitude=pl.Series(at_home[1]).fill_nan(None).round(6).cast(MONEY),
        **columns,
    )


def family_week(families: pl.DataFrame) -> pl.DataFrame:
    """``ColleagueFamily`` with the hours of its schedule."""
    columns: dict[str, pl.Series] = {}
    for day in range(7):
        one = np.ones(families.height)
        columns |= _day(
            day, one * WEEKS[FAMILY][day], one * MORNING, one * (AFTER_LUNCH - LUNCH), np.ones(families.height, bool)
        )
    return families.with_columns(**columns)


def competences(seed: int, crew: Crew) -> dict[str, pl.DataFrame]:
    """``Competence`` and ``ColleagueCompetence``, of a company that keeps its skills in EBP."""
    rng = generator(seed, "competences")
    who, what = np.nonzero(crew.skills[:, : len(COMPETENCES)])
    skills = pl.DataFrame({"Id": [c for c, _ in COMPETENCES], "Caption": [t for _, t in COMPETENCES]})
    held = pl.DataFrame(
        {
            "Id": uuids(rng, len(who)),
            "ColleagueId": take(crew.codes, who),
            "CompetenceId": take([c for c, _ in COMPETENCES], what),
            "CompetenceOrder": what + 1,
        }
    )
    return {"Competence": audited(skills), "ColleagueCompetence": audited(held)}


def _day(day: int, hours: Float, morning: Float | Int, lunch: Float | Int, custom: Bool) -> dict[str, pl.Series]:
    """The seven columns of one day of a schedule; the day ends when its hours are worked, lunch not counted."""
    worked = hours > 0
    eats = (lunch > 0) & (morning + hours * 60 > LUNCH)
    end = morning + hours * 60 + np.where(eats, lunch, 0)

    def at(minutes: Any, shown: Bool) -> pl.Series:
        moments = pl.Series(np.rint(minutes).astype(np.int64) * 60_000_000).cast(pl.Duration("us"))
        return pl.select(pl.when(pl.Series(shown)).then(pl.lit(EBP_ZERO_DAY, pl.Datetime("us")) + moments)).to_series()

    every = np.ones(len(hours), dtype=bool)
    name = f"DaySchedule{day}_"
    return {
        f"{name}Active": pl.Series(worked),
        f"{name}Customize": pl.Series(custom),
        f"{name}Duration": pl.Series(np.asarray(hours, dtype=np.float64)),
        f"{name}StartTime": at(np.where(worked, morning, 0), every),
        f"{name}EndTime": at(np.where(worked, end, 0), every),
        f"{name}LunchStartTime": at(np.full(len(hours), LUNCH), worked & eats),
        f"{name}LunchEndTime": at(LUNCH + np.asarray(lunch), worked & eats),
    }
