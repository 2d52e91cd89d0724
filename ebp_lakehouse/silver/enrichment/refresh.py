"""Bring each enrichment table up to date: ask only what is not known yet, keep every answer, say what failed.

A service that fails costs no answer that came before, and no table: the outcome holds its message, readers keep the rest.
Not here: the services' formats (geocoding.py, weather.py, economy.py), publishing (shelf.py), Dagster (assets.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from ebp_lakehouse.errors import ServiceError
from ebp_lakehouse.lake.publication import Record
from ebp_lakehouse.lake.scratch import scratch_folder
from ebp_lakehouse.silver.build import build
from ebp_lakehouse.silver.dbt_run import BuildError
from ebp_lakehouse.silver.enrichment import economy, weather
from ebp_lakehouse.silver.enrichment.geocoding import FOUND, NOT_FOUND, REFUSED, Answer, Geocoder
from ebp_lakehouse.silver.enrichment.service import Service
from ebp_lakehouse.silver.enrichment.shelf import Shelf, Shelved

ADDRESSES = "int_delivery_addresses"  # the dbt model that says what may be asked
PUBLISHED_EVERY = 100  # addresses: what a killed run has to ask again
# INSEE code and point of the communes with most customers; a customer counts where he is delivered.
COMMUNES = """
    SELECT places.insee_code, min(places.latitude) AS latitude, min(places.longitude) AS longitude
    FROM lake.silver.dim_customer AS customers
    JOIN lake.silver.dim_location AS places USING (location_key)
    WHERE customers.is_current AND places.insee_code IS NOT NULL AND places.latitude IS NOT NULL
    GROUP BY places.insee_code
    ORDER BY count(DISTINCT customers.customer_id) DESC, places.insee_code
    LIMIT ?
"""


@dataclass
class Outcome:
    """What became of one table.

    Attributes:
        record: what readers now see.
        rows: all rows of the table.
        problems: rules of the contract that the new rows break; they were not published.
        error: what the service did wrong, or what was missing; None when all went well.
        counts: what was asked and answered, for people.
        added, updated, deleted, bytes_written: what was published.
    """

    record: Record
    rows: pl.DataFrame
    problems: list[str] = field(default_factory=list)
    error: str | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    added: int = 0
    updated: int = 0
    deleted: int = 0
    bytes_written: int = 0

    def take(self, shelved: Shelved) -> None:
        self.record, self.rows, self.problems = shelved.record, shelved.rows, shelved.problems
        self.added += shelved.difference.added
        self.updated += shelved.difference.updated
        self.deleted += shelved.difference.deleted
        self.bytes_written += shelved.difference.bytes_written


def refresh_addresses(shelf: Shelf, geocoder: Geocoder | None, limit: int, *, ask_again: bool = False) -> Outcome:
    """``geocoded_addresses``: ask where up to ``limit`` addresses lie that are not in the cache.

    Args:
        shelf: the cache.
        geocoder: whom to ask; None = nobody.
        limit: the most addresses that leave the company in this run.
        ask_again: ask also those that were not found or refused before.
    """
    outcome = Outcome(*shelf.newest())
    if geocoder is None:
        return _as_it_is(shelf, outcome)
    missing = [name for name in shelf.contract.bronze if f"bronze/{name}" not in outcome.record.pins]
    if missing:
        outcome.error = (
            f"Addresses come from bronze/{', bronze/'.join(missing)}, not published yet. Materialise it first."
        )
        return outcome
    known = outcome.rows.filter(pl.col("status") == FOUND) if ask_again else outcome.rows
    wanted = _addresses(shelf, outcome.record, geocoder)
    new = wanted.join(known, on="address_key", how="anti")
    outcome.counts = {"addresses": wanted.height, FOUND: 0, NOT_FOUND: 0, REFUSED: 0}
    asked = new.head(max(0, limit))
    for chunk in asked.iter_slices(PUBLISHED_EVERY):
        answered, outcome.error = _ask(geocoder, chunk)
        for status in answered["status"]:
            outcome.counts[status] += 1
        asked_before = outcome.rows.join(answered, on="address_key", how="anti")
        outcome.take(shelf.put(outcome.record, pl.concat([asked_before, answered.select(asked_before.columns)])))
        if outcome.error or outcome.problems:
            break
    outcome.counts["still_to_ask"] = new.height - sum(outcome.counts[s] for s in (FOUND, NOT_FOUND, REFUSED))
    return outcome if asked.height else _as_it_is(shelf, outcome)


def refresh_weather(shelf: Shelf, service: Service | None, parameters: dict[str, Any], today: date) -> Outcome:
    """``weather_daily``: the days that are missing of the communes with most customers; known days are not asked again.

    Args:
        shelf: the table.
        service: whom to ask; None = offline.
        parameters: ``weather_communes``, ``weather_years``, ``weather_delay_days``.
        today: days up to the delay before it are complete in the archive.
    """
    outcome = Outcome(*shelf.newest())
    if service is None:
        return _as_it_is(shelf, outcome)
    communes = _communes(shelf, outcome.record, parameters["weather_communes"])
    last = today - timedelta(days=parameters["weather_delay_days"])
    first = date(today.year - parameters["weather_years"], 1, 1)
    known = outcome.rows.select("insee_code", "date_value")
    fetched = [outcome.rows]
    outcome.counts = {"communes": communes.height, "requests": 0}
    for request in weather.missing(communes, known, first, last):
        try:
            fetched.append(weather.fetch(service, request))
        except ServiceError as error:
            outcome.error = str(error)
            break
        outcome.counts["requests"] += 1
    outcome.take(shelf.put(outcome.record, pl.concat([frame.select(outcome.rows.columns) for frame in fetched])))
    return outcome


def refresh_indices(shelf: Shelf, service: Service | None, parameters: dict[str, Any]) -> Outcome:
    """``economic_index``: the series of the parameter ``economic_series``, revised values included.

    A series that is not listed any more leaves the table; one that INSEE does not send stays as it is, and is told.
    """
    outcome = Outcome(*shelf.newest())
    rows = outcome.rows
    if service is not None:
        series = economy.checked_series(parameters["economic_series"])
        try:
            fetched = economy.fetch(service, series, parameters["economic_start_year"])
        except ServiceError as error:
            outcome.error = str(error)
            return _as_it_is(shelf, outcome)
        sent = fetched["series_id"].unique().to_list()
        kept = rows.filter(pl.col("series_id").is_in(series) & ~pl.col("series_id").is_in(sent))
        rows = pl.concat([kept, fetched.select(rows.columns)])
        outcome.counts = {"series": len(series), "series_sent": len(sent)}
        if len(sent) < len(series):
            absent = ", ".join(one for one in series if one not in sent)
            outcome.error = f"INSEE's BDM sends nothing for the series {absent}. Correct the parameter economic_series."
    outcome.take(shelf.put(outcome.record, rows))
    return outcome


def _as_it_is(shelf: Shelf, outcome: Outcome) -> Outcome:
    """Published once, empty and typed, also where nobody is asked or nobody answered."""
    outcome.take(shelf.put(outcome.record, outcome.rows))
    return outcome


def _ask(geocoder: Geocoder, addresses: pl.DataFrame) -> tuple[pl.DataFrame, str | None]:
    """Rows of the cache for as many of ``addresses``, in order, as were answered, and what stopped it."""
    answers: list[Answer] = []
    instants: list[datetime] = []
    error = None
    for address, country in addresses.select("address", "country_code").iter_rows():
        try:
            answers.append(geocoder.locate(address, country))
        except ServiceError as failure:
            error = str(failure)
            break
        instants.append(datetime.now(UTC).replace(tzinfo=None))
    asked = addresses.head(len(answers)).select("address_key", "address", "country_code")
    return asked.with_columns(
        pl.lit(geocoder.provider).alias("provider"),
        _column("status", [answer.status for answer in answers], pl.String),
        _column("latitude", [answer.latitude for answer in answers], pl.Float64),
        _column("longitude", [answer.longitude for answer in answers], pl.Float64),
        _column("score", [answer.score for answer in answers], pl.Float64),
        _column("coordinate_precision", [answer.precision for answer in answers], pl.String),
        _column("asked_at", instants, pl.Datetime("us")),
    ), error


def _column(name: str, values: Sequence[Any], kind: Any) -> pl.Series:
    return pl.Series(name, values, dtype=kind)


def _addresses(shelf: Shelf, record: Record, geocoder: Geocoder) -> pl.DataFrame:
    """What may be asked, active customers first: ``address_key``, ``address``, ``country_code``."""
    with scratch_folder("addresses") as scratch:
        built = build(shelf.settings, record, [], scratch, models=[ADDRESSES])
        failed = [f"{result.name}: {result.message}" for result in built.results.values() if not result.healthy]
        if failed:
            raise BuildError(f"The addresses to ask for could not be built: {'; '.join(failed)}")
        with built.connect(shelf.settings) as connection:
            table = connection.execute(
                f"""SELECT address_key, address, country_code FROM intermediate.{ADDRESSES}
                ORDER BY active_customers DESC, address_key"""
            ).to_arrow_table()
    frame = pl.DataFrame(pl.from_arrow(table))
    return (
        frame if geocoder.countries is None else frame.filter(pl.col("country_code").is_in(sorted(geocoder.countries)))
    )


def _communes(shelf: Shelf, record: Record, limit: int) -> pl.DataFrame:
    if not {"silver/dim_customer", "silver/dim_location"} <= record.pins.keys():
        return pl.DataFrame(schema={"insee_code": pl.String, "latitude": pl.Float64, "longitude": pl.Float64})
    with shelf.reading(record) as connection:
        return pl.DataFrame(pl.from_arrow(connection.execute(COMMUNES, [max(0, limit)]).to_arrow_table()))
