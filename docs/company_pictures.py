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
YEAR_AGO = date(2025, 11, 21)
POSTED = 3  # ValidationState
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


def revenue_by_month(frames: dict[str, pl.DataFrame]) -> str:
    """Invoices less credit notes per month, all ten years: seasons, the closed August week, growth."""
    months = (
        frames["SaleDocument"]
        .filter(pl.col("DocumentType").is_in([2, 3]) & (pl.col("DocumentDate").dt.date() <= AS_OF))
        .filter(~pl.col("Id").is_in(_templates(frames).implode()))
        .group_by(pl.col("DocumentDate").dt.truncate("1mo").alias("month"))
        .agg(pl.col("AmountVatExcludedWithDiscountAndShipping").cast(pl.Float64).sum().alias("revenue"))
        .sort("month")
    )
    top = max(months["revenue"].to_list())
    step = (WIDTH - 2 * MARGIN - 50) / months.height
    base, tall = HEIGHT - 60, HEIGHT - 130
    parts = []
    for n, (month, revenue) in enumerate(months.iter_rows()):
        x, height = MARGIN + 50 + n * step, tall * revenue / top
        colour = COLOURS[1] if month.month == 8 else COLOURS[0]  # noqa: PLR2004 - August
        parts.append(_bar(x, base - height, step * 0.8, height, colour))
        if month.month == 1:
            parts.append(f'<text x="{x:.1f}" y="{base + 18}">{month.year}</text>')
    parts += [
        f'<text x="{MARGIN}" y="{base - tall * share:.0f}" fill="#555">{top * share / 1000:.0f} k€</text>'
        for share in (0.5, 1.0)
    ]
    return _svg("Revenue excl. tax by month (August in red: a closed week)", parts)


def customers_by_segment(frames: dict[str, pl.DataFrame]) -> str:
    """Customers and revenue of the last twelve months in segments A, B, C (80 %, 15 %, 5 % of the revenue)."""
    bought = (
        frames["SaleDocument"]
        .filter(pl.col("DocumentType").is_in([2, 3]) & pl.col("DocumentDate").dt.date().is_between(YEAR_AGO, AS_OF))
        .filter(~pl.col("Id").is_in(_templates(frames).implode()))
        .group_by(pl.col("CustomerId").str.strip_chars().str.to_uppercase().alias("customer"))
        .agg(pl.col("AmountVatExcludedWithDiscountAndShipping").cast(pl.Float64).sum().alias("revenue"))
        .filter(pl.col("revenue") > 0)
        .sort("revenue", descending=True)
    )
    total = bought["revenue"].sum()
    before = bought["revenue"].cum_sum() - bought["revenue"]
    segment = before.to_frame("before").select(
        pl.when(pl.col("before") < 0.8 * total).then(pl.lit("A"))
        .when(pl.col("before") < 0.95 * total).then(pl.lit("B")).otherwise(pl.lit("C")).alias("segment")
    )["segment"]  # fmt: skip
    groups = (
        bought.with_columns(segment=segment).group_by("segment").agg(pl.len(), pl.col("revenue").sum()).sort("segment")
    )
    many = groups["len"].sum()
    parts, y = [], 120.0
    for n, (name, count, revenue) in enumerate(groups.iter_rows()):
        for label, share in ((f"{count} customers", count / many), (f"{revenue / 1000:,.0f} k€", revenue / total)):
            parts.append(_bar(MARGIN + 60, y, (WIDTH - 330) * share, 34, COLOURS[n]))
            parts.append(
                f'<text x="{MARGIN + 72 + (WIDTH - 330) * share:.1f}" y="{y + 22:.1f}">{label} ({share:.0%})</text>'
            )
            y += 44
        parts.append(f'<text x="{MARGIN + 10}" y="{y - 44:.1f}" font-size="30">{name}</text>')
        y += 40
    return _svg("Customers and revenue of the last twelve months by segment", parts)


def _templates(frames: dict[str, pl.DataFrame]) -> pl.Series:
    """Documents that are models of periodic invoices and were never posted: no revenue."""
    models = frames["PeriodicInvoicing"]["ReferenceDocumentId"].drop_nulls()
    return frames["SaleDocument"].filter(pl.col("Id").is_in(models.implode()) & (pl.col("ValidationState") != POSTED))[
        "Id"
    ]


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(height, 0):.1f}" fill="{colour}"/>'


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
    (IMAGES / "revenue-by-month.svg").write_text(revenue_by_month(frames), encoding="utf-8")
    (IMAGES / "customers-by-segment.svg").write_text(customers_by_segment(frames), encoding="utf-8")
    (IMAGES / "interventions-map.svg").write_text(interventions_map(frames, truth), encoding="utf-8")


if __name__ == "__main__":
    main()
