"""Gold as Dagster assets: one multi-asset over the declared tables.

Not here: formulas (one file per table), computing (compute.py), judging (audit.py).
"""

# No `from __future__ import annotations` here: Dagster reads the class of `context` from the annotation itself.

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from ebp_lakehouse.gold.compute import GoldResult, compute
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.publication import Record
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.orchestration.partitions import daily_partitions, days_of, today
from ebp_lakehouse.orchestration.reporting import CONTRACT, KEPT, RECONCILIATION, check_results, column_schema, preview
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.contract import TableContract


def gold_assets(
    settings: Settings, tables: Sequence[GoldTable], contracts: Mapping[str, TableContract]
) -> dg.AssetsDefinition:
    """Every declared gold table. ``contracts`` are silver's, by name."""

    @dg.multi_asset(
        name="gold",
        specs=[_asset_spec(table) for table in tables],
        check_specs=[check for table in tables for check in _check_specs(table)],
        can_subset=True,
        partitions_def=daily_partitions(settings.first_partition),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="gold",
    )
    def gold(context: dg.AssetExecutionContext) -> Iterator[Any]:
        record = publication.latest(Lake.open(settings))
        selected = {key.path[-1] for key in context.selected_asset_keys}
        days = days_of(context)
        wanted = [table for table in tables if table.name in selected]
        missing = {table.name: _missing(record, table) for table in wanted}
        ready = [table for table in wanted if not missing[table.name]]
        results = compute(settings, record, ready, contracts, days, today()) if ready else {}
        moves = {key: move for result in results.values() for key, move in result.moves.items()}
        published = catalog.publish(settings, moves, context.run_id)
        for table in ready:
            result, key = results[table.name], dg.AssetKey(["gold", table.name])
            if not result.findings.error and not result.findings.uses:
                yield dg.MaterializeResult(
                    asset_key=key,
                    metadata=_metadata(published, table, result) | {"ingestion_date": days[-1].isoformat()},
                    check_results=_verdicts(context, key, table, result),
                )
        unmade = [
            f"gold/{name} needs {', '.join(names)}, not published yet. Materialise them first."
            for name, names in missing.items()
            if names
        ]
        unmade += [
            f"gold/{name}: {text}"
            for name, result in results.items()
            for text in (result.findings.error, *result.findings.uses)
            if text
        ]
        if unmade:
            raise dg.Failure("\n".join(unmade), allow_retries=False)

    return gold


def _missing(record: Record, table: GoldTable) -> list[str]:
    """The silver tables it reads that nobody has published."""
    return [f"silver/{name}" for name in table.silver_read if f"silver/{name}" not in record.pins]


def _asset_spec(table: GoldTable) -> dg.AssetSpec:
    columns = [(name, str(column.dtype), column.description or "") for name, column in table.columns.items()]
    return dg.AssetSpec(
        ["gold", table.name],
        deps=[["silver", name] for name in table.silver] + [["gold", used.name] for used in table.uses],
        group_name="gold",
        description=table.description,
        kinds={"duckdb", "gold"},
        owners=list(table.owners),
        tags={"layer": "gold"} | ({"personal": "true"} if table.private else {}),
        metadata={"key": ", ".join(table.key), **column_schema(columns)},
    )


def _check_specs(table: GoldTable) -> list[dg.AssetCheckSpec]:
    key = dg.AssetKey(["gold", table.name])
    about = f"Pandera: types, nulls, bounds of every column, and a key that names each row once. {KEPT}"
    specs = [dg.AssetCheckSpec(CONTRACT, asset=key, description=about)]
    if table.identities is not None:
        about = f"Sums and counts equal those of the tables they come from, to the cent. {KEPT}"
        specs.append(dg.AssetCheckSpec(RECONCILIATION, asset=key, description=about))
    return specs


def _verdicts(
    context: dg.AssetExecutionContext, key: dg.AssetKey, table: GoldTable, result: GoldResult
) -> list[dg.AssetCheckResult]:
    found = {CONTRACT: result.findings.contract}
    if table.identities is not None:
        found[RECONCILIATION] = result.findings.identities
    return check_results(context, key, found)


def _metadata(record: Record, table: GoldTable, result: GoldResult) -> dict[str, Any]:
    pin = record.pins.get(table.lake_key)
    metadata: dict[str, Any] = {
        "published": not result.findings,
        "publication": record.number,
        "delta_version": pin.version if pin else -1,
        "dagster/row_count": pin.rows if pin else 0,
        "rows_written": result.written,
        "bytes_written": result.bytes_written,
        "seconds": round(result.seconds, 3),
        "_basis": result.basis,
        "partitions": {day.isoformat(): rows for day, rows in result.partitions.items()},
        "parameters": {name: str(value) for name, value in result.parameters.items()},
    }
    if result.findings:
        metadata["kept_version"] = pin.version if pin else -1
    if result.frame is not None and not table.private:
        metadata["preview"] = preview(result.frame.tail(5))
    return metadata
