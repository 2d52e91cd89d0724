"""Silver as Dagster assets: the published dbt models, built, audited and published by one op.

Not here: the work (audit.py) and the contracts (contract.py, from dbt's manifest).
"""

# No `from __future__ import annotations` here: Dagster reads the class of `context` from the annotation itself.

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from ebp_lakehouse.orchestration.partitions import daily_partitions, days_of
from ebp_lakehouse.orchestration.reporting import (
    CONTRACT,
    KEPT,
    TELLS,
    check_results,
    column_lineage,
    column_schema,
    preview,
)
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.audit import SilverOutcome, SilverResult, check_names, run_silver
from ebp_lakehouse.silver.contract import TableContract
from ebp_lakehouse.silver.specs import ModelSpec, model_specs


def silver_assets(
    settings: Settings, manifest: Mapping[str, Any], contracts: Mapping[str, TableContract]
) -> dg.AssetsDefinition:
    """Every published model of the dbt project."""
    names = {table: check_names(contract, manifest) for table, contract in contracts.items()}

    @dg.multi_asset(
        name="silver",
        specs=_asset_specs(settings, manifest, contracts),
        check_specs=[
            check for contract in contracts.values() for check in _check_specs(contract, names[contract.name], manifest)
        ],
        can_subset=True,
        partitions_def=daily_partitions(settings.first_partition),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="silver",
    )
    def silver(context: dg.AssetExecutionContext) -> Iterator[Any]:
        selected = {key.path[-1] for key in context.selected_asset_keys}
        tables = [contract for name, contract in contracts.items() if name in selected]
        ingestion_date = days_of(context)[-1]
        result = run_silver(settings, tables, ingestion_date, run_id=context.run_id)
        for table in tables:
            outcome = result.outcomes[table.name]
            if outcome.error is None:
                key = dg.AssetKey(["silver", table.name])
                yield dg.MaterializeResult(
                    asset_key=key,
                    metadata=_metadata(result, outcome) | {"ingestion_date": ingestion_date.isoformat()},
                    check_results=_verdicts(context, key, outcome, names[table.name]),
                )
        errors = [f"silver/{name}: {o.error}" for name, o in result.outcomes.items() if o.error]
        if errors:
            raise dg.Failure("\n".join(errors), allow_retries=False)

    return silver


def _asset_specs(
    settings: Settings, manifest: Mapping[str, Any], contracts: Mapping[str, TableContract]
) -> list[dg.AssetSpec]:
    told = model_specs(settings.dbt_project_dir, manifest, contracts)
    return [_asset_spec(contract, told[name]) for name, contract in contracts.items()]


def _asset_spec(contract: TableContract, told: ModelSpec) -> dg.AssetSpec:
    columns = [
        (column.name, column.data_type, f"{column.description}{' (personal data)' if column.personal else ''}")
        for column in contract.columns
    ]
    return dg.AssetSpec(
        ["silver", contract.name],
        deps=[
            *(["bronze", table] for table in contract.bronze),
            *(["silver", name] for name in sorted(contract.needed | set(contract.enrichment))),
        ],
        description=contract.description,
        group_name="silver",
        kinds={"dbt", "duckdb", "silver"},
        owners=["team:data"],
        tags={"layer": "silver"},
        code_version=told.code_version,
        metadata={**told.metadata, "key": contract.key, **column_schema(columns)},
    )


def _check_specs(
    contract: TableContract, names: Mapping[str, str], manifest: Mapping[str, Any]
) -> list[dg.AssetCheckSpec]:
    key = dg.AssetKey(["silver", contract.name])
    about = f"Pandera, derived from the model's yml: types, nulls, rules. {KEPT}"
    tests = [
        dg.AssetCheckSpec(name, asset=key, description=_about(name, manifest["nodes"][unique_id]))
        for unique_id, name in names.items()
    ]
    return [dg.AssetCheckSpec(CONTRACT, asset=key, description=about), *tests]


def _about(name: str, test: Mapping[str, Any]) -> str:
    warns = test["config"]["severity"].lower() == "warn"
    return f"{test['description'] or f'dbt test {name}.'} {TELLS if warns else KEPT}"


def _verdicts(
    context: dg.AssetExecutionContext, key: dg.AssetKey, outcome: SilverOutcome, names: Mapping[str, str]
) -> list[dg.AssetCheckResult]:
    found = {CONTRACT: outcome.problems}
    found |= {names[test]: [verdict.text] if verdict.text else [] for test, verdict in outcome.tests.items()}
    return check_results(context, key, found, {names[test] for test, v in outcome.tests.items() if v.is_warning})


def _metadata(result: SilverResult, outcome: SilverOutcome) -> dict[str, Any]:
    pin = result.record.pins.get(f"silver/{outcome.table.name}")
    metadata: dict[str, Any] = {
        "published": outcome.healthy,
        "publication": result.record.number,
        "delta_version": pin.version if pin else -1,
        "dagster/row_count": pin.rows if pin else 0,
        "seconds": round(outcome.seconds, 3),
    }
    if outcome.healthy:
        metadata |= column_lineage(result.origins.get(outcome.table.name, {}))
    else:
        metadata["kept_version"] = pin.version if pin else -1
    if outcome.difference is not None:
        metadata |= {
            "rows_added": outcome.difference.added,
            "rows_updated": outcome.difference.updated,
            "rows_deleted": outcome.difference.deleted,
            "bytes_written": outcome.difference.bytes_written,
        }
    if outcome.preview is not None:
        metadata["preview"] = preview(outcome.preview)
    metadata |= {name: preview(frame) for name, frame in outcome.shown.items()}
    return metadata
