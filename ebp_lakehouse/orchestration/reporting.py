"""What Dagster shows of a table: column schema, preview, verdicts of checks, the words that every layer shares.

Not here: which columns may be shown (the layers decide; personal data never comes here).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import dagster as dg
import polars as pl

CONTRACT, RECONCILIATION = "contract", "reconciliation"  # checks that every layer has
DRIFT, CHANGE_STREAM = "drift", "change_stream"
PROOF = "content"
SERVICE = "service"
WARNINGS = frozenset({DRIFT, CHANGE_STREAM})  # checks that tell people something and block nothing
KEPT = "A failure blocks publication: readers keep the table's last good version."
TELLS = "A warning: it blocks nothing."
PREVIEW_ROWS = 5
WIDEST_CELL = 40


def column_schema(columns: Iterable[tuple[str, str, str]]) -> Mapping[str, Any]:
    """``dagster/column_schema`` from (name, type, description)."""
    schema = dg.TableSchema([dg.TableColumn(name, kind, description or None) for name, kind, description in columns])
    return {"dagster/column_schema": schema}


def column_lineage(origins: Mapping[str, Iterable[tuple[str, str]]]) -> Mapping[str, Any]:
    """``dagster/column_lineage`` from column → (asset as layer/table, its column); no key where nothing is known."""
    deps = {
        column: [dg.TableColumnDep(dg.AssetKey(asset.split("/")), name) for asset, name in found]
        for column, found in origins.items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps)} if deps else {}


def preview(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """The first rows as a Markdown table."""
    lines = ["| " + " | ".join(frame.columns) + " |", "|" + " --- |" * frame.width]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in frame.head(PREVIEW_ROWS).iter_rows()]
    return dg.MetadataValue.md("\n".join(lines))


def check_result(
    asset: dg.AssetKey, name: str, problems: Iterable[str], warnings: Collection[str] = WARNINGS
) -> dg.AssetCheckResult:
    """One check's verdict. The text of ``problems`` is what people read; checks in ``warnings`` block nothing."""
    found = list(problems)
    return dg.AssetCheckResult(
        passed=not found,
        asset_key=asset,
        check_name=name,
        severity=dg.AssetCheckSeverity.WARN if name in warnings else dg.AssetCheckSeverity.ERROR,
        description="\n".join(found[:20]) or None,
        metadata={"problems": len(found)},
    )


def check_results(
    context: dg.AssetExecutionContext,
    asset: dg.AssetKey,
    found: Mapping[str, Iterable[str]],
    warnings: Collection[str] = WARNINGS,
) -> list[dg.AssetCheckResult]:
    """The verdicts of those checks of ``asset`` that the run selected; ``found`` is check name → problems."""
    selected = {check.name for check in context.selected_asset_check_keys if check.asset_key == asset}
    return [check_result(asset, name, problems, warnings) for name, problems in found.items() if name in selected]


def _cell(value: Any) -> str:
    text = "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= WIDEST_CELL else text[: WIDEST_CELL - 1] + "…"
