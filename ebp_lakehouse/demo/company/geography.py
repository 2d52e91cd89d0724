"""Where customers live: draws real French communes around the company's home, plus planted hard addresses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.primitives import Int

HOME_DEPARTMENT = "49"  # Angers
NEIGHBOURS = ("44", "53", "72", "37", "79", "85")
# Most customers of a regional company are near: home department x40, neighbours x12, the rest by population.
HOME_WEIGHT, NEIGHBOUR_WEIGHT = 40.0, 12.0

STREETS = (
    "rue de la République", "rue Victor Hugo", "avenue de la Gare", "rue du Moulin", "place de l'Église",
    "boulevard Foch", "chemin des Vignes", "rue des Lilas", "ZA de la Croix", "allée des Tilleuls",
    "rue Pasteur", "route de Nantes", "impasse du Lavoir", "rue Jean Jaurès", "quai des Carmes",
    "rue de l'Industrie", "ZI Nord", "rue du Général de Gaulle", "rue des Écoles", "cours Saint-Laud",
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """An address that trips naive cleaning."""

    zip_code: str | None
    city: str
    country: str | None
    insee: str | None


PLANTED = (
    Planted("20090", "AJACCIO", "FR", "2A004"),
    Planted("20200", "Bastia", "FR", "2B033"),
    Planted("97400", "SAINT DENIS", "FR", "97411"),
    Planted("97200", "Fort-de-France", None, "97209"),
    Planted("98000", "MONACO", "MC", None),
    Planted("1000", "Bruxelles", "BE", None),
    Planted("4000", "Liège", "BE", None),
    Planted("49044", "ANGERS CEDEX 01", "FR", None),
    Planted("75391", "PARIS CEDEX 08", "FR", None),
    Planted("75011", "PARIS", "FR", "75111"),
    Planted("75116", "Paris 16e", "FR", "75116"),
    Planted("69003", "LYON 3EME", "FR", "69383"),
    Planted("1000", "Bourg-en-Bresse", "FR", "01053"),  # leading zero lost by a spreadsheet
    Planted(None, "", None, None),  # nothing filled in
)


@cache
def communes() -> pl.DataFrame:
    """insee_code, name, first postcode, department_code, population, latitude, longitude of places one can live in."""
    source = resources.files("ebp_lakehouse.silver.reference").joinpath("communes.csv")
    table = pl.read_csv(source.read_bytes(), infer_schema_length=0)
    return table.select(
        "insee_code",
        "name",
        pl.col("postcodes").str.split(" ").list.first().alias("postcode"),
        "department_code",
        pl.col("population").cast(pl.Int64).fill_null(0),
        pl.col("latitude").cast(pl.Float64),
        pl.col("longitude").cast(pl.Float64),
    ).filter(pl.col("postcode").is_not_null() & ~pl.col("insee_code").is_in(["75056", "69123", "13055"]))


def draw(rng: np.random.Generator, count: int) -> Int:
    """Indices into ``communes()``, near the company more often than far."""
    table = communes()
    factor = (
        pl.when(pl.col("department_code") == HOME_DEPARTMENT)
        .then(HOME_WEIGHT)
        .when(pl.col("department_code").is_in(NEIGHBOURS))
        .then(NEIGHBOUR_WEIGHT)
        .otherwise(1.0)
    )
    weight = table.select((pl.col("population").clip(1) ** 0.9 * factor).alias("w"))["w"].to_numpy()
    return rng.choice(table.height, count, p=weight / weight.sum()).astype(np.int64)
