"""Daily weather in the format of Open-Meteo's archive API: which days are missing, and what an answer says.

Only coordinates of communes leave the company. Not here: asking politely (service.py), publishing (shelf.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from ebp_lakehouse.errors import ServiceError
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.enrichment.service import Patience, Service

# Our column → the variable of the API, in its default units (°C, mm, cm, km/h).
VARIABLES = {
    "temperature_min": "temperature_2m_min",
    "temperature_max": "temperature_2m_max",
    "temperature_mean": "temperature_2m_mean",
    "precipitation_mm": "precipitation_sum",
    "snowfall_cm": "snowfall_sum",
    "wind_speed_max_kmh": "wind_speed_10m_max",
    "wind_gusts_max_kmh": "wind_gusts_10m_max",
}
COMMUNES_PER_REQUEST = 20
DAYS_PER_REQUEST = 366  # with 20 communes a request stays below 10 000 values a variable
PAUSE = 1.0
NEAR = 1.0  # degrees; the service answers for the middle of its own grid cell


@dataclass(frozen=True)
class Request:
    """``communes`` (insee_code, latitude, longitude) all lack the days ``first`` to ``last``."""

    communes: Sequence[tuple[str, float, float]]
    first: date
    last: date


def weather_service(settings: Settings, patience: Patience | None = None) -> Service | None:
    """The service that the settings name; None when offline."""
    if settings.weather_url is None:
        return None
    secrets = {"apikey": settings.weather_key.get_secret_value()} if settings.weather_key else {}
    return Service("Open-Meteo", settings.weather_url, "EBP_WEATHER_URL", patience or Patience(), PAUSE, secrets)


def missing(communes: pl.DataFrame, known: pl.DataFrame, first: date, last: date) -> Iterator[Request]:
    """Requests that together ask for each missing day of each commune exactly once.

    Args:
        communes: ``insee_code``, ``latitude``, ``longitude``.
        known: ``insee_code``, ``date_value`` of the days that are there.
        first: the first day wanted.
        last: the last one.
    """
    days = pl.date_range(first, last, interval="1d", eager=True).alias("date_value")
    gaps = (
        communes.join(days.to_frame(), how="cross")
        .join(known, on=["insee_code", "date_value"], how="anti")
        .sort("insee_code", "date_value")
        # Days in a row share the day that they are counted from.
        .with_columns(island=pl.col("date_value") - pl.duration(days=pl.int_range(pl.len()).over("insee_code")))
        .group_by("insee_code", "latitude", "longitude", "island", maintain_order=True)
        .agg(first=pl.col("date_value").min(), last=pl.col("date_value").max())
        .group_by("first", "last", maintain_order=True)
        .agg(pl.struct("insee_code", "latitude", "longitude").alias("communes"))
        .sort("first", "last")
    )
    for begin, end, places in gaps.iter_rows():
        points = [(place["insee_code"], place["latitude"], place["longitude"]) for place in places]
        for at in range(0, len(points), COMMUNES_PER_REQUEST):
            for since in range(0, (end - begin).days + 1, DAYS_PER_REQUEST):
                since_day = begin + timedelta(days=since)
                until = min(end, since_day + timedelta(days=DAYS_PER_REQUEST - 1))
                yield Request(points[at : at + COMMUNES_PER_REQUEST], since_day, until)


def fetch(service: Service, request: Request) -> pl.DataFrame:
    """The rows of ``weather_daily`` for one request; days of which the service knows nothing yet are left out.

    Raises:
        ServiceError: it does not answer, or not in its format.
    """
    parameters = {
        "latitude": ",".join(str(latitude) for _, latitude, _ in request.communes),
        "longitude": ",".join(str(longitude) for *_, longitude in request.communes),
        "start_date": request.first.isoformat(),
        "end_date": request.last.isoformat(),
        "daily": ",".join(VARIABLES.values()),
        "timezone": "Europe/Paris",
    }
    content = service.get("/v1/archive", parameters, "application/json")
    try:
        places = json.loads(content)
        places = places if isinstance(places, list) else [places]
        rows = [_rows(code, place) for (code, *_), place in zip(request.communes, places, strict=True)]
        near = [_is_near(commune, place) for commune, place in zip(request.communes, places, strict=True)]
        frame = pl.concat(rows).filter(pl.col("date_value").is_between(request.first, request.last))
    except (ValueError, KeyError, TypeError, AttributeError, pl.exceptions.PolarsError) as error:
        raise _malformed(service, error) from None
    if not all(near):
        raise service.nonsense("weather of another place")
    if frame.select(pl.struct("insee_code", "date_value").is_duplicated().any()).item():
        raise service.nonsense("a day twice")
    return frame


def _rows(insee_code: str, place: dict[str, Any]) -> pl.DataFrame:
    daily = place["daily"]
    columns = {"day": daily["time"], **{ours: daily[theirs] for ours, theirs in VARIABLES.items()}}
    frame = pl.DataFrame(columns, schema={"day": pl.String, **dict.fromkeys(VARIABLES, pl.Float64)}, strict=True)
    return frame.filter(pl.any_horizontal(pl.col(*VARIABLES).is_not_null())).select(
        pl.format("{} {}", pl.lit(insee_code), "day").alias("weather_key"),
        pl.lit(insee_code).alias("insee_code"),
        pl.col("day").str.to_date("%Y-%m-%d").dt.strftime("%Y%m%d").cast(pl.Int32).alias("date_key"),
        pl.col("day").str.to_date("%Y-%m-%d").alias("date_value"),
        *VARIABLES,
    )


def _is_near(commune: tuple[str, float, float], place: dict[str, Any]) -> bool:
    _, latitude, longitude = commune
    return max(abs(float(place["latitude"]) - latitude), abs(float(place["longitude"]) - longitude)) <= NEAR


def _malformed(service: Service, error: Exception) -> ServiceError:
    return service.nonsense(f"{type(error).__name__}: {str(error).splitlines()[0][:100] if str(error) else ''}")
