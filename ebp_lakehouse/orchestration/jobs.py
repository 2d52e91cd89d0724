"""The one job and its schedule.

Not here: what may run unattended beyond the hourly batch (automation comes with later layers).
"""

# No `from __future__ import annotations` here: Dagster reads the class of `context` from the annotation itself.

from typing import Any

import dagster as dg

from ebp_lakehouse.orchestration.partitions import daily_partitions, today
from ebp_lakehouse.settings import Settings

JOB = "lakehouse"


def lakehouse_job(settings: Settings) -> Any:
    """Bronze, silver and gold of one partition, in one process: a process per table costs more than the table."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        description="The source's changes through bronze, silver and gold, for one ingestion date.",
        partitions_def=daily_partitions(settings.first_partition),
        executor_def=dg.in_process_executor,
    )


def hourly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Today's partition every hour; it runs by itself in production only."""

    @dg.schedule(
        name="hourly",
        job_name=JOB,
        cron_schedule="5 * * * *",
        execution_timezone="Europe/Paris",
        default_status=(
            dg.DefaultScheduleStatus.RUNNING
            if settings.environment == "production"
            else dg.DefaultScheduleStatus.STOPPED
        ),
    )
    def hourly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat(), partition_key=today().isoformat())

    return hourly
