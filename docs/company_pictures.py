"""Pictures of docs/demo-company.md, drawn from the demo company itself: `python docs/company_pictures.py`.

Plain SVG, so that nothing has to be installed and a change shows as a readable difference. One function per picture.
"""

# ruff: noqa: INP001 - a script beside the documentation, not a package

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import polars as pl

from ebp_lakehouse.demo.company import geography
from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.truth import GroundTruth

IMAGES = Path(__file__).parent / "images"
SCALE, SEED, AS_OF = 1.0, 7, date(2026, 11, 20)  # the usual demo, on a fixed day
WIDTH, HEIGHT, MARGIN = 900, 760, 30
COLOURS = (
    "#1b6ca8", "#c8553d", "#3a7d44", "#8e5ea2", "#d98e04", "#1f9e9e", "#a33b6b", "#5b6c7d", "#7c9a2e", "#b5651d",
)  # fmt: skip
LABELS = ("Angers", "Nantes", "Cholet", "Saumur", "Laval", "Le Mans", "La Roche-sur-Yon", "Tours", "Niort", "Rennes")
TOWN = 1500  # inhabitants of the communes drawn as background
Point = tuple[float, float]


def interventions_map(frames: dict[str, pl.DataFrame], truth: GroundTruth) -> str:
    """Where technicians went: one disc per place and technician, its area the number of appointments; depots as squares."""
    technicians = truth.parameters["technician"]
    events = frames["ScheduleEvent"].filter(
        (pl.col("LineType") == 0) & pl.col("ColleagueId").is_not_null() & (pl.col("Address_Latitude") != 0)
    )
    places = (
        events.with_columns(pl.col("Address_Latitude", "Address_Longitude").cast(pl.Float64))
        .group_by("ColleagueId", "Address_Latitude", "Address_Longitude")
        .len()
        .sort("len", "ColleagueId", "Address_Latitude", descending=[True, False, False])
    )
    latitudes, longitudes = places["Address_Latitude"].to_list(), places["Address_Longitude"].to_list()
    south, north, west, east = min(latitudes), max(latitudes), min(longitudes), max(longitudes)
    squeeze = math.cos(math.radians((south + north) / 2))  # a degree of longitude is shorter than one of latitude
    unit = min((WIDTH - 2 * MARGIN) / ((east - west) * squeeze), (HEIGHT - 2 * MARGIN) / (north - south))

    def at(latitude: float, longitude: float) -> Point:
        return MARGIN + (longitude - west) * squeeze * unit, MARGIN + (north - latitude) * unit

    towns = geography.communes().filter(
        pl.col("latitude").is_between(south, north) & pl.col("longitude").is_between(west, east)
        & (pl.col("population") > TOWN)
    )  # fmt: skip
    parts = [
        _circle(at(la, lo), 0.9 + math.sqrt(people) / 130, "#cfd5db", 1.0)
        for la, lo, people in towns.select("latitude", "longitude", "population").iter_rows()
    ]
    codes = sorted(technicians)
    for technician, la, lo, count in places.iter_rows():
        parts.append(_circle(at(la, lo), 1.3 * math.sqrt(count), COLOURS[codes.index(technician) % len(COLOURS)], 0.55))
    for technician in codes:
        x, y = at(technicians[technician]["depot_latitude"], technicians[technician]["depot_longitude"])
        parts.append(
            f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" fill="#222" stroke="white" stroke-width="1.5"/>'
        )
    for name, la, lo in towns.filter(pl.col("name").is_in(LABELS)).select("name", "latitude", "longitude").iter_rows():
        x, y = at(la, lo)
        parts.append(f'<text x="{x + 9:.1f}" y="{y - 7:.1f}">{name}</text>')
    total = places["len"].sum()
    title = f"{total:,} appointments of {places['ColleagueId'].n_unique()} technicians; squares: depots".replace(
        ",", " "
    )
    return _svg(title, parts)


def _circle(point: Point, radius: float, colour: str, opacity: float) -> str:
    return (
        f'<circle cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="{radius:.1f}" fill="{colour}" fill-opacity="{opacity}"/>'
    )


def _svg(title: str, parts: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' font-family="sans-serif" font-size="14"><rect width="100%" height="100%" fill="white"/>'
    )
    foot = f'<text x="{MARGIN}" y="{HEIGHT - 10}" fill="#555">{title}</text></svg>'
    return "\n".join([head, *parts, foot]) + "\n"


def main() -> None:
    """Write every picture."""
    truth = GroundTruth()
    frames = generate(SCALE, SEED, AS_OF, truth=truth)
    (IMAGES / "interventions-map.svg").write_text(interventions_map(frames, truth), encoding="utf-8")


if __name__ == "__main__":
    main()
