"""Materialise a selection through Dagster, in this process, on an instance that the UI reads too.

Not here: what is printed (cli.py).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster import BetaWarning, DagsterEvent, DagsterEventType, DagsterExecutionInterruptedError

from ebp_lakehouse import errors
from ebp_lakehouse.build import build_definitions
from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.lake.publication import SCHEMAS
from ebp_lakehouse.orchestration.jobs import JOB
from ebp_lakehouse.orchestration.partitions import today
from ebp_lakehouse.settings import Settings

BRONZE = "bronze"  # the layer, and the op that makes it
INSTANCE_FILE = """\
# Storage is SQLite in this folder. One run of a layer at a time: layers publish, and publishing twice is work for nobody.
# A queued run is looked for each second, not each five: of the time from a change to a reader it is the cheapest part.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    default_limit: 1
run_coordinator:
  module: dagster
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
# A run that is killed before it begins, or while it is being stopped, has failed after three minutes; event_log_storage knows
# of those that are killed later.
run_monitoring:
  enabled: true
event_log_storage:
  module: ebp_lakehouse.orchestration.event_log
  class: EventLogStorage
  config:
    base_dir:
      env: DAGSTER_HOME
"""


@dataclass
class LayerSummary:
    """One layer of one run; ``rows`` of each table, after its last partition."""

    rows: dict[str, int] = field(default_factory=dict)
    bytes_written: int = 0
    seconds: float = 0.0
    failed: list[str] = field(default_factory=list)


@dataclass
class RunSummary:
    """One run: per layer what was materialised, the checks that blocked or warned with their text, what made it fail."""

    run_id: str
    success: bool
    seconds: float
    layers: dict[str, LayerSummary]
    failed_checks: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def ok(self) -> bool:
        return self.success and not self.failed_checks


def instance_at(home: Path) -> dg.DagsterInstance:
    """The Dagster instance kept in ``home``, made when there is none."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / "dagster.yaml"
    if not file.exists():
        file.write_text(INSTANCE_FILE)
    os.environ["DAGSTER_HOME"] = str(home)  # its log files ask for it
    return dg.DagsterInstance.from_config(str(home))


def materialize(
    settings: Settings,
    instance: dg.DagsterInstance,
    selection: str = "*",
    first: date | None = None,
    last: date | None = None,
    on_step: Callable[[str], None] | None = None,
    *,
    accept_shrink: Sequence[str] = (),
    full: bool = False,
    restart_stream: bool = False,
    prove: bool = False,
) -> RunSummary:
    """Materialise ``selection`` (Dagster's syntax) for the partitions ``first`` to ``last``, as one run.

    Args:
        settings: source and lake.
        instance: where the run is recorded.
        selection: assets.
        first: the first partition; today by default.
        last: the last partition; ``first`` by default.
        on_step: called with a layer's name when its work begins, and with why when it has to wait.
        accept_shrink: source tables that may lose most of their rows.
        full: bronze reads every row of the source, whatever the last batch saw.
        prove: bronze compares every row with the source afterwards.
        restart_stream: bronze makes a new replication slot, and reads every row (EBP_INGEST_MODE=cdc).

    Raises:
        SettingsError: the selection or the partitions name nothing.
    """
    definitions = build_definitions(settings)
    first = first or today()
    last = last or first
    if not settings.first_partition <= first <= last <= today():
        raise SettingsError(
            f"Partitions go from {settings.first_partition} (EBP_FIRST_PARTITION) to {today()}: {first} to {last} is outside."
        )
    graph = definitions.resolve_asset_graph()
    try:
        warnings.simplefilter("ignore", BetaWarning)  # Dagster warns of its own parameter
        # Tables that EBP_TABLES leaves out are in the graph as what silver depends on; nobody can materialise them.
        keys = sorted(dg.AssetSelection.from_string(selection).resolve(graph) & graph.executable_asset_keys)
    except Exception as error:  # noqa: BLE001 - Dagster raises many kinds for a text it cannot parse
        raise SettingsError(f"The selection {selection!r} cannot be understood: {error}") from None
    if not keys:
        raise SettingsError(
            f"The selection {selection!r} matches no asset. Try '*', 'key:\"silver/*\"' or '+key:\"gold/sales_daily_kpi\"'."
        )
    run_id = str(uuid4())

    def listen(event: Any) -> None:
        inner = event.dagster_event
        if not on_step or inner is None:
            return
        if inner.event_type == DagsterEventType.STEP_START:
            on_step(_layer(inner.step_key))
        elif inner.event_type == DagsterEventType.ENGINE_EVENT and "pool" in inner.engine_event_data.metadata:
            on_step(f"{_layer(inner.step_key)}: waiting for another run that is at it")

    instance.add_event_listener(run_id, listen)
    days: dict[str, Any] = (
        {"partition_key": first.isoformat()}
        if first == last
        else {
            "tags": {
                "dagster/asset_partition_range_start": first.isoformat(),
                "dagster/asset_partition_range_end": last.isoformat(),
            }
        }
    )
    config: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    if any(key.path[0] == BRONZE for key in keys):
        asked: dict[str, Any] = {"accept_shrink": list(accept_shrink), "force_snapshot": full}
        asked |= {"restart_stream": restart_stream, "prove": prove}
        config["ops"] = {BRONZE: {"config": asked}}
    started = perf_counter()
    result = definitions.resolve_job_def(JOB).execute_in_process(
        instance=instance,
        run_id=run_id,
        asset_selection=keys,
        raise_on_error=False,
        run_config=config,
        **days,
    )
    return _summary(run_id, result.success, perf_counter() - started, result.all_events)


def _summary(run_id: str, success: bool, seconds: float, events: Any) -> RunSummary:
    summary = RunSummary(run_id, success, seconds, {})
    for event in events:
        _count(summary, event)
    # Steps that wait for nobody may run before bronze; people read a run from bronze to gold.
    summary.layers = {name: summary.layers[name] for name in sorted(summary.layers, key=_place)}
    return summary


def _count(summary: RunSummary, event: DagsterEvent) -> None:
    if event.event_type == DagsterEventType.ASSET_MATERIALIZATION and event.asset_key is not None:
        layer = summary.layers.setdefault(event.asset_key.path[0], LayerSummary())
        metadata = event.step_materialization_data.materialization.metadata
        number = {name: getattr(value, "value", 0) for name, value in metadata.items()}
        layer.rows[event.asset_key.path[-1]] = max(0, int(number.get("dagster/row_count", 0)))
        layer.bytes_written += int(number.get("bytes_written", 0))
    elif event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
        evaluation = event.asset_check_evaluation_data
        if not evaluation.passed:
            name = f"{evaluation.asset_key.to_user_string()}:{evaluation.check_name}"
            if evaluation.severity == dg.AssetCheckSeverity.WARN:
                summary.warnings[name] = evaluation.description or ""
                return
            summary.failed_checks[name] = evaluation.description or ""
            summary.layers.setdefault(evaluation.asset_key.path[0], LayerSummary()).failed.append(name)
    elif event.event_type == DagsterEventType.STEP_SUCCESS and event.step_key:
        layer = summary.layers.setdefault(_layer(event.step_key), LayerSummary())
        layer.seconds += event.step_success_data.duration_ms / 1000
    elif event.event_type == DagsterEventType.STEP_FAILURE:
        data = event.step_failure_data
        text = data.user_failure_data.description if data.user_failure_data else None
        cause = data.error.cause or data.error if data.error else None
        summary.error += (text or (_plain(cause) if cause else "") or "the run failed").strip() + "\n"


def _place(layer: str) -> int:
    return SCHEMAS.index(layer) if layer in SCHEMAS else len(SCHEMAS)


def _layer(step: str) -> str:
    """Of a step's name: the op of a whole layer has its name, that of one asset is ``layer__table``."""
    return step.partition("__")[0]


def _plain(cause: Any) -> str:
    """An error's text; the name of the class is kept only where it is not one of ours, which are written for people."""
    if cause.cls_name == DagsterExecutionInterruptedError.__name__:
        return "It was interrupted. What it had published stays; the next run does the rest."
    message: str = cause.message
    ours = f"{errors.__name__}.{cause.cls_name}: "
    return message.removeprefix(ours)
