"""The jobs and their schedules: the lakehouse every hour, its proof, its maintenance and what it asks outside every night.

Not here: what may run unattended beyond them (automation comes with later layers).
"""

# No `from __future__ import annotations` here: Dagster reads the class of `context` from the annotation itself.

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from ebp_lakehouse.lake import maintenance
from ebp_lakehouse.lake.publication import SCHEMAS
from ebp_lakehouse.orchestration.event_log import drop_past
from ebp_lakehouse.orchestration.partitions import daily_partitions, today
from ebp_lakehouse.settings import Settings

JOB = "lakehouse"
MAINTENANCE = "maintenance"
PROOF_JOB = "proof"
LOG_DAYS = 14  # with hourly runs 0.28 GB a day
ENRICHMENT = "enrichment"  # the group of the tables that ask services outside, and the job that fills them


def lakehouse_job(settings: Settings) -> Any:
    """Bronze, silver and gold of one partition, in one process: a process per table costs more than the table."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        description="The source's changes through bronze, silver and gold, for one ingestion date.",
        partitions_def=daily_partitions(settings.first_partition),
        executor_def=dg.in_process_executor,
    )


def hourly_schedule(settings: Settings, inside: Sequence[dg.AssetKey] | None = None) -> dg.ScheduleDefinition:
    """Today's partition every hour; it runs by itself in production only.

    ``inside`` are the assets that ask nobody outside of the company (None: all): an hour's figures wait for no service.
    """

    @dg.schedule(
        name="hourly",
        job_name=JOB,
        cron_schedule="5 * * * *",
        execution_timezone="Europe/Paris",
        default_status=_status(settings),
    )
    def hourly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(
            run_key=context.scheduled_execution_time.isoformat(),
            partition_key=today().isoformat(),
            asset_selection=inside,
        )

    return hourly


def enrichment_job(settings: Settings) -> Any:
    """The tables that ask services outside; silver takes their answers at the next hour."""
    return dg.define_asset_job(
        ENRICHMENT,
        selection=dg.AssetSelection.groups(ENRICHMENT),
        description="Where addresses lie, the weather, economic indices: whatever of it is switched on.",
        partitions_def=daily_partitions(settings.first_partition),
        executor_def=dg.in_process_executor,
    )


def enrichment_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The services are asked once a night; it runs by itself in production only."""

    @dg.schedule(
        name="nightly_enrichment",
        job_name=ENRICHMENT,
        cron_schedule="35 4 * * *",
        execution_timezone="Europe/Paris",
        default_status=_status(settings),
    )
    def nightly_enrichment(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat(), partition_key=today().isoformat())

    return nightly_enrichment


def proof_job(settings: Settings) -> Any:
    """Bronze once more, then every row of the lake compared with the source in the same snapshot."""
    return dg.define_asset_job(
        PROOF_JOB,
        selection=dg.AssetSelection.key_prefixes("bronze"),
        description="Every row of bronze equals the source's: it proves, it does not repair.",
        config={"ops": {"bronze": {"config": {"prove": True}}}},
        partitions_def=daily_partitions(settings.first_partition),
        executor_def=dg.in_process_executor,
    )


def proof_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The proof, every night between two hourly batches; it runs by itself in production only."""

    @dg.schedule(
        name="nightly_proof",
        job_name=PROOF_JOB,
        cron_schedule="35 2 * * *",
        execution_timezone="Europe/Paris",
        default_status=_status(settings),
    )
    def nightly_proof(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat(), partition_key=today().isoformat())

    return nightly_proof


def maintenance_job(settings: Settings) -> dg.JobDefinition:
    """Vacuum, then merge the small files of each layer in that layer's pool, so that no batch is disturbed."""

    @dg.op(name="vacuum", out=dg.Out(dg.Nothing), description="Drop what no publication within retention needs.")
    def vacuum(context: dg.OpExecutionContext) -> None:
        _report(context, maintenance.vacuum(settings))

    def compaction(layer: str) -> dg.OpDefinition:
        @dg.op(
            name=f"compact_{layer}",
            out=dg.Out(dg.Nothing),
            pool=layer,
            description=f"Merge the small files of {layer}, and publish them in one record.",
        )
        def compact(context: dg.OpExecutionContext) -> None:
            _report(context, maintenance.compact_tables(settings, [layer], run_id=context.run_id))

        return compact

    @dg.op(
        name="logs",
        out=dg.Out(dg.Nothing),
        description=f"Drop what runs said and found more than {LOG_DAYS} days ago, the newest of each partition apart.",
    )
    def logs(context: dg.OpExecutionContext) -> None:
        dropped = drop_past(context.instance, datetime.now(UTC) - timedelta(days=LOG_DAYS))
        context.add_output_metadata(dropped._asdict())

    @dg.job(
        name=MAINTENANCE,
        description="Few files and no old ones: safe beside readers and batches.",
        executor_def=dg.in_process_executor,
    )
    def maintain() -> None:
        vacuum()  # what fails in one step stops no other
        logs()
        for layer in SCHEMAS:
            compaction(layer)()

    return maintain


def nightly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Maintenance between two hourly batches; it runs by itself in production only."""
    return dg.ScheduleDefinition(
        name="nightly",
        job_name=MAINTENANCE,
        cron_schedule="35 3 * * *",
        execution_timezone="Europe/Paris",
        default_status=_status(settings),
    )


def _report(context: dg.OpExecutionContext, done: maintenance.Maintenance) -> None:
    """What was done, in the run's metadata; tables that were skipped in its log; a failed table fails the run."""
    for key, table in done.tables.items():
        if table.skipped:
            context.log.warning("%s was left for the next time: %s", key, table.skipped)
    context.add_output_metadata(
        {
            "tables": len(done.tables),
            "merged_bytes": sum(table.rewritten_bytes for table in done.tables.values()),
            "deleted_files": sum(table.deleted_files for table in done.tables.values()),
            "deleted_bytes": sum(table.deleted_bytes for table in done.tables.values()),
            "log_entries": sum(table.log_entries for table in done.tables.values()),
            "retired_records": done.retired_records,
        }
    )
    if done.failures:
        raise dg.Failure("\n".join(f"{key}: {text}" for key, text in done.failures.items()), allow_retries=False)


def _status(settings: Settings) -> dg.DefaultScheduleStatus:
    is_production = settings.environment == "production"
    return dg.DefaultScheduleStatus.RUNNING if is_production else dg.DefaultScheduleStatus.STOPPED
