"""The enrichment tables as Dagster assets, each its own step.

A service that fails is told by the check ``service``, not by a failed step: Dagster would skip whatever stands behind it,
and silver must not wait for a weather server. Not here: the work (refresh.py) and the contracts (dbt's manifest).
"""

# No `from __future__ import annotations` here: Dagster reads the classes of `context` and `config` from the annotations.

from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Any

import dagster as dg

from ebp_lakehouse.orchestration.partitions import daily_partitions, days_of, today
from ebp_lakehouse.orchestration.reporting import CONTRACT, KEPT, SERVICE, check_results, column_schema, preview
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.contract import TableContract
from ebp_lakehouse.silver.enrichment.economy import economic_service
from ebp_lakehouse.silver.enrichment.refresh import Outcome, refresh_addresses, refresh_indices, refresh_weather
from ebp_lakehouse.silver.enrichment.shelf import Shelf
from ebp_lakehouse.silver.enrichment.weather import weather_service

GEOCODED, WEATHER, INDICES = "geocoded_addresses", "weather_daily", "economic_index"


class GeocodingConfig(dg.Config):
    """``ask_again``: ask once more for the addresses that were not found or refused (after correcting them, or another service)."""

    ask_again: bool = False


def enrichment_assets(settings: Settings, contracts: Mapping[str, TableContract]) -> list[dg.AssetsDefinition]:
    """The three tables. ``contracts`` are the enrichment tables', by name."""

    def geocoded_addresses(context: dg.AssetExecutionContext, config: GeocodingConfig) -> Iterator[Any]:
        from ebp_lakehouse.silver.enrichment.geocoding import geocoder  # noqa: PLC0415  geopy only when it is asked

        def work(shelf: Shelf) -> Outcome:
            limit = _parameters(settings)["geocoder_limit"]
            return refresh_addresses(shelf, geocoder(settings), limit, ask_again=config.ask_again)

        yield _refresh(settings, context, contracts[GEOCODED], work)

    def weather_daily(context: dg.AssetExecutionContext) -> Iterator[Any]:
        def work(shelf: Shelf) -> Outcome:
            return refresh_weather(shelf, weather_service(settings), _parameters(settings), today())

        yield _refresh(settings, context, contracts[WEATHER], work)

    def economic_index(context: dg.AssetExecutionContext) -> Iterator[Any]:
        def work(shelf: Shelf) -> Outcome:
            return refresh_indices(shelf, economic_service(settings), _parameters(settings))

        yield _refresh(settings, context, contracts[INDICES], work)

    ops: dict[str, Callable[..., Any]] = {GEOCODED: geocoded_addresses, WEATHER: weather_daily, INDICES: economic_index}
    return [_asset(settings, contracts[name], op) for name, op in ops.items()]


def _parameters(settings: Settings) -> dict[str, Any]:
    return parameters(settings.dbt_project_dir, settings.parameters_file).values


def _asset(settings: Settings, contract: TableContract, op: Callable[..., Any]) -> dg.AssetsDefinition:
    key = dg.AssetKey(["silver", contract.name])
    columns = [
        (column.name, column.data_type, f"{column.description}{' (personal data)' if column.personal else ''}")
        for column in contract.columns
    ]
    spec = dg.AssetSpec(
        key,
        deps=[*(["bronze", name] for name in contract.bronze), *(["silver", name] for name in contract.parents)],
        description=contract.description,
        group_name="enrichment",  # the group that the hourly runs leave out: orchestration/jobs.py
        kinds={"python", "deltalake", "silver"},
        owners=["team:data"],
        tags={"layer": "silver"},
        metadata={"key": contract.key, **column_schema(columns)},
    )
    about = "The service, where one is switched on, answered all that was asked; what it did answer is published."
    checks = [
        dg.AssetCheckSpec(CONTRACT, asset=key, description=f"Pandera, from its yml: types, nulls, rules. {KEPT}"),
        dg.AssetCheckSpec(SERVICE, asset=key, description=about),
    ]
    made = dg.multi_asset(
        name=f"silver__{contract.name}",
        specs=[spec],
        check_specs=checks,
        partitions_def=daily_partitions(settings.first_partition),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="enrichment",  # not silver's: a slow service holds up nobody
    )
    return made(op)


def _refresh(
    settings: Settings, context: dg.AssetExecutionContext, contract: TableContract, work: Callable[[Shelf], Outcome]
) -> Any:
    started = perf_counter()
    ingestion_date = days_of(context)[-1]
    outcome = work(Shelf(settings, contract, ingestion_date, context.run_id))
    key = dg.AssetKey(["silver", contract.name])
    if outcome.error:
        context.log.error("silver/%s: %s", contract.name, outcome.error)
    found = {CONTRACT: outcome.problems, SERVICE: [outcome.error] if outcome.error else []}
    metadata = _metadata(contract, outcome) | {
        "ingestion_date": ingestion_date.isoformat(),
        "seconds": round(perf_counter() - started, 3),
    }
    return dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=check_results(context, key, found))


def _metadata(contract: TableContract, outcome: Outcome) -> dict[str, Any]:
    pin = outcome.record.pins.get(f"silver/{contract.name}")
    shown = [column.name for column in contract.public_columns()]
    return {
        "published": not outcome.problems and pin is not None,
        "publication": outcome.record.number,
        "delta_version": pin.version if pin else -1,
        "dagster/row_count": pin.rows if pin else 0,
        "rows_added": outcome.added,
        "rows_updated": outcome.updated,
        "rows_deleted": outcome.deleted,
        "bytes_written": outcome.bytes_written,
        **outcome.counts,
        "preview": preview(outcome.rows.select(shown)),
    }
