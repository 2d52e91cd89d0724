"""Bronze as Dagster assets: one multi-asset, one run of run_batch for whatever was selected.

Not here: how rows come in (batch.py, ingest.py).
"""

# No `from __future__ import annotations` here: Dagster reads the class of `config` from the annotation itself.

from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from ebp_lakehouse.bronze.batch import BatchResult, TableOutcome, run_batch
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.lake.session import quote_identifier
from ebp_lakehouse.orchestration.partitions import daily_partitions, days_of, today
from ebp_lakehouse.orchestration.reporting import (
    CHANGE_STREAM,
    CONTRACT,
    DRIFT,
    KEPT,
    PREVIEW_ROWS,
    PROOF,
    RECONCILIATION,
    check_results,
    column_schema,
    preview,
)
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.introspection import reference_table
from ebp_lakehouse.source.registry import TableSpec, selected_tables

PREVIEW_COLUMNS = 12
KEY_OF_SOURCE = "as the source's catalogue says"


class BronzeConfig(dg.Config):
    """What a run may ask of bronze.

    ``accept_shrink`` names tables that may lose most of their rows, ``force_snapshot`` reads every row,
    ``restart_stream`` (EBP_INGEST_MODE=cdc) makes a new replication slot and reads every row, ``prove`` compares every row
    of the lake with the source afterwards.
    """

    accept_shrink: list[str] = []  # noqa: RUF012  Dagster reads defaults from the class
    force_snapshot: bool = False
    restart_stream: bool = False
    prove: bool = False


def bronze_assets(settings: Settings) -> dg.AssetsDefinition:
    """Every source table of ``EBP_TABLES``."""
    specs = selected_tables(settings)
    by_asset = {spec.asset: spec for spec in specs}

    @dg.multi_asset(
        name="bronze",
        specs=[_asset_spec(spec) for spec in specs],
        check_specs=[check for spec in specs for check in _check_specs(spec, settings)],
        can_subset=True,
        partitions_def=daily_partitions(settings.first_partition),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="bronze",
    )
    def bronze(context: dg.AssetExecutionContext, config: BronzeConfig) -> Iterator[Any]:
        chosen = [by_asset[key.path[-1]] for key in context.selected_asset_keys]
        result = run_batch(
            settings,
            chosen,
            days_of(context),
            today(),
            run_id=context.run_id,
            accept_shrink=config.accept_shrink,
            force_snapshot=config.force_snapshot,
            restart_stream=config.restart_stream,
            prove=config.prove,
        )
        previews = _previews(settings, result)
        for asset, outcome in sorted(result.outcomes.items()):
            if outcome.error:
                context.log.error("bronze/%s: %s", asset, outcome.error)
            key = dg.AssetKey(["bronze", asset])
            yield dg.MaterializeResult(
                asset_key=key,
                metadata=_metadata(result, outcome) | previews.get(asset, {}),
                check_results=check_results(context, key, _found(result, outcome, proved=config.prove)),
            )

    return bronze


def _asset_spec(spec: TableSpec) -> dg.AssetSpec:
    reference = reference_table(spec)
    columns = [(column.name, column.pg_type, _personal(spec, column.name)) for column in reference.columns]
    return dg.AssetSpec(
        ["bronze", spec.asset],
        group_name=f"bronze_{spec.domain}",
        description=f"{spec.description}\n\nEvery version of every row of EBP's table `{spec.name}`.",
        kinds={"postgres", "deltalake", "bronze"},
        owners=["team:data"],
        tags={"domain": spec.domain, "layer": "bronze"},
        metadata={
            "source_table": spec.name,
            "key": ", ".join(reference.key) or KEY_OF_SOURCE,
            **column_schema(columns),
        },
    )


def _personal(spec: TableSpec, column: str) -> str:
    personal = spec.personal_class(column)
    return "" if personal == "none" else f"personal data ({personal})"


def _check_specs(spec: TableSpec, settings: Settings) -> list[dg.AssetCheckSpec]:
    key = dg.AssetKey(["bronze", spec.asset])
    shape = "The source is the one of the last batch: its columns, its key, its clock; what changed is named. It blocks nothing."
    proof = "Every row equals the source's, in one snapshot; evaluated by the nightly proof (or --prove). It blocks nothing."
    sums = " and every declared sum by group, to the cent" if spec.reconcile else ""
    stream = dg.AssetCheckSpec(
        CHANGE_STREAM,
        asset=key,
        description="The replication slot is read and keeps little WAL; a published table can be streamed. A warning.",
    )
    return [
        dg.AssetCheckSpec(DRIFT, asset=key, description=shape),
        dg.AssetCheckSpec(PROOF, asset=key, description=proof),
        *([stream] if settings.ingest_mode == "cdc" else []),
        dg.AssetCheckSpec(CONTRACT, asset=key, description=f"Appended rows: types, keys and metadata columns. {KEPT}"),
        dg.AssetCheckSpec(
            RECONCILIATION,
            asset=key,
            description=f"The lake equals the source in the extraction snapshot: number of rows{sums}. {KEPT}",
        ),
    ]


def _found(result: BatchResult, outcome: TableOutcome, *, proved: bool) -> dict[str, list[str]]:
    error = [outcome.error] if outcome.error else []
    stream = list(result.stream.problems) if result.stream else []
    if outcome.stream_problem:
        stream.append(f"Not streamed: {outcome.stream_problem}.")
    return {
        CHANGE_STREAM: stream,
        CONTRACT: [*error, *outcome.problems],
        RECONCILIATION: [*error, *map(str, outcome.differences)],
        DRIFT: _changed_shape(outcome),
    } | ({PROOF: list(outcome.content)} if proved else {})


def _changed_shape(outcome: TableOutcome) -> list[str]:
    if outcome.batch is None:
        return []
    if outcome.batch.choice.route == "stale":
        return [f"Not read: {outcome.batch.choice.reason}. Was the server restored? ebp-lakehouse materialize --full"]
    return list(map(str, outcome.batch.drift))


def _metadata(result: BatchResult, outcome: TableOutcome) -> dict[str, Any]:
    pin = result.record.pins.get(outcome.spec.lake_key)
    batch = outcome.batch
    metadata: dict[str, Any] = {
        "published": outcome.healthy,
        "publication": result.record.number,
        "ingestion_date": result.ingestion_date.isoformat(),
        "delta_version": pin.version if pin else -1,
        "dagster/row_count": pin.rows if pin else 0,
    }
    if result.stream is not None:
        metadata |= result.stream.metadata()
    if not outcome.healthy:
        metadata["kept_version"] = pin.version if pin else -1
        metadata["error"] = outcome.error or "; ".join([*outcome.problems, *map(str, outcome.differences)][:5])
    if batch is None:
        return metadata
    return metadata | {
        "rows_inserted": batch.inserted,
        "rows_updated": batch.updated,
        "rows_deleted": batch.deleted,
        "rows_scanned": batch.scanned_rows,
        "bytes_written": batch.commit.bytes if batch.commit else 0,
        "seconds": round(batch.seconds, 3),
        "route": batch.choice.route,
        "reason": batch.choice.reason,
    }


def _previews(settings: Settings, result: BatchResult) -> dict[str, dict[str, Any]]:
    """A few rows of each table that changed, without personal columns."""
    changed = [outcome for outcome in result.outcomes.values() if outcome.published]
    if not changed:
        return {}
    shown: dict[str, dict[str, Any]] = {}
    with connect(result.record.number, settings) as connection:
        for outcome in changed:
            relation = f"bronze.{quote_identifier(outcome.spec.asset)}"
            names = [row[0] for row in connection.execute(f"DESCRIBE {relation}").fetchall()]
            wanted = [n for n in names if outcome.spec.personal_class(n) == "none" and not n.startswith("_")]
            key = outcome.batch.identity if outcome.batch else ()
            wanted.sort(key=lambda name, key=key: name not in key)  # type: ignore[misc]
            # As text: no client shows every date that the lake holds.
            columns = ", ".join(f"{c}::VARCHAR AS {c}" for c in map(quote_identifier, wanted[:PREVIEW_COLUMNS]))
            if columns:
                rows = connection.execute(f"SELECT {columns} FROM {relation} LIMIT {PREVIEW_ROWS}").to_arrow_table()
                shown[outcome.spec.asset] = {"preview": preview(pl.DataFrame(rows))}
    return shown
