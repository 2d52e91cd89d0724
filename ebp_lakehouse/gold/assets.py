"""Gold as Dagster assets: one multi-asset over the declared tables.

Not here: formulas (one file per table), computing (compute.py), judging (audit.py).
"""

# No `from __future__ import annotations` here: Dagster reads the class of `context` from the annotation itself.

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import dagster as dg
import duckdb
import polars as pl

from ebp_lakehouse.gold.audit import reconciliation_problems
from ebp_lakehouse.gold.compute import GoldResult, compute
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.publication import Record
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.orchestration.partitions import daily_partitions, days_of, today
from ebp_lakehouse.orchestration.reporting import CONTRACT, KEPT, RECONCILIATION, check_results, column_schema, preview
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.contract import TableContract
from ebp_lakehouse.validation import problems_of


@dataclass
class _Outcome:
    contract: list[str] = field(default_factory=list)
    reconciliation: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    result: GoldResult = field(default_factory=GoldResult)
    seconds: float = 0.0

    @property
    def healthy(self) -> bool:
        return not (self.contract or self.reconciliation or self.missing)


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
        outcomes = {
            table.name: _one(settings, record, table, _needed(table, contracts), days)
            for table in tables
            if table.name in selected
        }
        moves = {key: move for o in outcomes.values() if o.healthy for key, move in o.result.moves.items()}
        published = catalog.publish(settings, moves, context.run_id)
        for name, outcome in outcomes.items():
            if not outcome.missing:
                key = dg.AssetKey(["gold", name])
                yield dg.MaterializeResult(
                    asset_key=key,
                    metadata=_metadata(published, name, outcome) | {"ingestion_date": days[-1].isoformat()},
                    check_results=check_results(
                        context, key, {CONTRACT: outcome.contract, RECONCILIATION: outcome.reconciliation}
                    ),
                )
        missing = [
            f"gold/{name} needs {', '.join(o.missing)}, not published yet. Materialise them first."
            for name, o in outcomes.items()
            if o.missing
        ]
        if missing:
            raise dg.Failure("\n".join(missing), allow_retries=False)

    return gold


def _needed(table: GoldTable, contracts: Mapping[str, TableContract]) -> list[TableContract]:
    """The silver tables it reads and their ancestors, in order of dependency."""
    wanted: set[str] = set()
    pending = list(table.silver)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += contracts[name].parents
    return [contract for name, contract in contracts.items() if name in wanted]


def _one(
    settings: Settings, record: Record, table: GoldTable, silver: Sequence[TableContract], days: Sequence[Any]
) -> _Outcome:
    started = perf_counter()
    outcome = _Outcome(missing=[f"silver/{n}" for n in table.silver if f"silver/{n}" not in record.pins])
    if outcome.missing:
        return outcome

    def validate(connection: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> list[str]:
        broken = problems_of(table.schema, frame)
        differ = [] if broken else reconciliation_problems(connection, frame)
        outcome.contract += broken
        outcome.reconciliation += differ
        return [*broken, *differ]

    outcome.result = compute(settings, record, table, silver, days, today(), validate)
    outcome.seconds = perf_counter() - started
    return outcome


def _asset_spec(table: GoldTable) -> dg.AssetSpec:
    columns = [(name, str(column.dtype), column.description or "") for name, column in table.columns.items()]
    return dg.AssetSpec(
        ["gold", table.name],
        deps=[["silver", name] for name in table.silver],
        group_name="gold",
        description=table.description,
        kinds={"duckdb", "gold"},
        owners=list(table.owners),
        tags={"layer": "gold"},
        metadata={"key": ", ".join(table.key), **column_schema(columns)},
    )


def _check_specs(table: GoldTable) -> list[dg.AssetCheckSpec]:
    key = dg.AssetKey(["gold", table.name])
    return [
        dg.AssetCheckSpec(CONTRACT, asset=key, description=f"Pandera: types, nulls, bounds of every column. {KEPT}"),
        dg.AssetCheckSpec(
            RECONCILIATION,
            asset=key,
            description=f"Revenue and customers of the series equal those of silver's facts, to the cent. {KEPT}",
        ),
    ]


def _metadata(record: Record, name: str, outcome: _Outcome) -> dict[str, Any]:
    pin = record.pins.get(f"gold/{name}")
    result = outcome.result
    metadata: dict[str, Any] = {
        "published": outcome.healthy,
        "publication": record.number,
        "delta_version": pin.version if pin else -1,
        "dagster/row_count": pin.rows if pin else 0,
        "rows_written": result.written if outcome.healthy else 0,
        "bytes_written": result.bytes_written if outcome.healthy else 0,
        "seconds": round(outcome.seconds, 3),
        "_basis": result.basis,
        "partitions": {day.isoformat(): rows for day, rows in result.partitions.items()},
    }
    if not outcome.healthy:
        metadata["kept_version"] = pin.version if pin else -1
    if result.frame is not None:
        shown = result.frame.tail(5)
        metadata["preview"] = preview(shown)
    return metadata
