"""Real time: one run of everything per cycle, started by the change stream itself (EBP_INGEST_MODE=cdc).

The loop of Dagster's sensors turns every 5 s at best and an empty run costs some 8 s, so a tick first asks the slot
whether there is anything, and never starts a run beside another. Not here: what the run does (jobs.py).
"""

# No `from __future__ import annotations` here: Dagster reads the class of `context` from the annotation itself.

from collections.abc import Sequence

import dagster as dg

from ebp_lakehouse.bronze.changefeed import waiting_changes
from ebp_lakehouse.orchestration.event_log import report_killed_runs
from ebp_lakehouse.orchestration.jobs import JOB
from ebp_lakehouse.orchestration.partitions import today
from ebp_lakehouse.settings import Settings

CHANGES = "changes"
TICK_SECONDS = 5  # how often Dagster's sensors turn
# Below the turn: with 5, one that comes some milliseconds early is left out, and the change waits for the next.
LEAST_SECONDS = 1
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def change_sensor(settings: Settings, inside: Sequence[dg.AssetKey] | None = None) -> dg.SensorDefinition:
    """Starts the job on today's partition when the stream holds a change; it runs by itself in production only.

    ``inside``: as in ``hourly_schedule``.
    """

    @dg.sensor(
        name=CHANGES,
        job_name=JOB,
        minimum_interval_seconds=LEAST_SECONDS,
        description="A committed change of a streamed table starts a run, unless one is queued or running.",
        default_status=(
            dg.DefaultSensorStatus.RUNNING if settings.environment == "production" else dg.DefaultSensorStatus.STOPPED
        ),
    )
    def changes(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        report_killed_runs(context.instance)  # else one that was killed would be running for good
        running = context.instance.get_run_records(dg.RunsFilter(job_name=JOB, statuses=UNFINISHED), limit=1)
        if running:
            return dg.SkipReason(f"run {running[0].dagster_run.run_id[:8]} is queued or running")
        waiting = waiting_changes(settings)
        if not waiting:
            return dg.SkipReason("no change in the stream")
        tags = {"ebp_lakehouse/started_by": waiting}
        return dg.RunRequest(partition_key=today().isoformat(), tags=tags, asset_selection=inside)

    return changes
