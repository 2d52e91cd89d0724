"""Keeping the lake small and quick: merge small files, then drop what nobody within retention can read.

Safe beside readers, batches and another maintenance: rows are never changed, every commit is fenced, a table that
somebody else is writing is left for the next time. Not here: how one table is merged (compaction.py), what may go
(retention.py), Dagster (orchestration/jobs.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ebp_lakehouse.errors import ConflictError, LakehouseError
from ebp_lakehouse.lake import catalog, publication, retention
from ebp_lakehouse.lake.compaction import compact, plan
from ebp_lakehouse.lake.delta import live_files, load, open_at_pin
from ebp_lakehouse.lake.publication import Move, Pin
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings

PARIS = ZoneInfo("Europe/Paris")
SETTLED = timedelta(hours=1)  # an unpinned commit younger than this may be a batch that is about to publish


@dataclass
class TableMaintenance:
    """What became of one table; ``skipped`` and ``failed`` say why nothing was merged or deleted.

    Attributes:
        files_before, files_after: files of the published version.
        rewritten_bytes: size of the files that were merged into fewer.
        deleted_files, deleted_bytes: data files that went.
        log_entries: entries of the Delta log that went.
    """

    files_before: int = 0
    files_after: int = 0
    rewritten_bytes: int = 0
    deleted_files: int = 0
    deleted_bytes: int = 0
    log_entries: int = 0
    skipped: str = ""
    failed: str = ""

    @property
    def is_idle(self) -> bool:
        touched = self.rewritten_bytes or self.deleted_files or self.log_entries
        return not (touched or self.skipped or self.failed)


@dataclass
class Maintenance:
    """What one maintenance did, or with ``dry_run`` would do, by table; and what went beside the tables."""

    dry_run: bool
    tables: dict[str, TableMaintenance] = field(default_factory=dict)
    publication: int = 0
    retired_records: int = 0
    retired_catalogs: int = 0
    leftovers: int = 0

    @property
    def failures(self) -> dict[str, str]:
        return {key: table.failed for key, table in self.tables.items() if table.failed}

    def table(self, key: str) -> TableMaintenance:
        return self.tables.setdefault(key, TableMaintenance())


def maintain(
    settings: Settings, *, now: datetime | None = None, dry_run: bool = False, run_id: str = "maintain"
) -> Maintenance:
    """Vacuum, then compact: a full disk gets room first.

    Raises:
        LakeError: the lake cannot be reached or written at all.
    """
    done = vacuum(settings, now=now, dry_run=dry_run)
    return compact_tables(settings, now=now, dry_run=dry_run, run_id=run_id, done=done)


def compact_tables(
    settings: Settings,
    layers: Collection[str] = publication.SCHEMAS,
    *,
    now: datetime | None = None,
    dry_run: bool = False,
    run_id: str = "maintain",
    done: Maintenance | None = None,
) -> Maintenance:
    """Merge the small files of every published table of ``layers``, and publish the merged in one record.

    Raises:
        LakeError: the lake cannot be reached, or has no room for a copy of what is merged.
    """
    now, done, lake = now or datetime.now(UTC), done or Maintenance(dry_run), Lake.open(settings)
    if not dry_run:
        lake.check_writable()
    record = publication.latest(lake)
    moves: dict[str, Move] = {}
    for key, pin in record.pins.items():
        if key.removeprefix(f"{publication.PRIVATE}/").partition("/")[0] in layers:
            report = done.table(key)
            try:
                move = _compact(settings, lake, key, pin, report, now, dry_run=dry_run)
            except ConflictError as error:
                report.skipped = str(error)
            except LakehouseError as error:
                report.failed = str(error)
            else:
                moves |= {key: move} if move else {}
    done.publication = _publish(settings, lake, moves, run_id, done)
    return done


def vacuum(settings: Settings, *, now: datetime | None = None, dry_run: bool = False) -> Maintenance:
    """Drop records and catalogs beyond retention, then the files and log entries that only they needed.

    Raises:
        LakeError: the lake cannot be reached.
    """
    now, done, lake = now or datetime.now(UTC), Maintenance(dry_run), Lake.open(settings)
    kept = retention.Retained.at(lake, now)
    if not kept.records:  # without a record nobody can tell what is needed
        return done
    done.retired_records = len(kept.retired)
    done.retired_catalogs = retention.retire(lake, kept, dry_run=dry_run)
    oldest = kept.oldest_versions()
    for key, objects in retention.tables(lake).items():
        report = done.table(key)
        try:
            swept = retention.sweep(lake, key, objects, oldest.get(key), now, dry_run=dry_run)
        except LakehouseError as error:
            report.failed = str(error)
            continue
        report.deleted_files, report.deleted_bytes = swept.files, swept.bytes
        report.log_entries = swept.log_entries
    done.leftovers = retention.drop_probes(lake, now, dry_run=dry_run)
    return done


def _compact(
    settings: Settings, lake: Lake, key: str, pin: Pin, report: TableMaintenance, now: datetime, *, dry_run: bool
) -> Move | None:
    """Commit what ``plan`` proposes for one table, unpinned."""
    newest = load(lake, key)
    published = newest if newest is not None and newest.version() == pin.version else load(lake, key, pin.version)
    if newest is None or published is None:
        raise LakehouseError(f"{lake.uri(key)} is published at version {pin.version} but its Delta log is gone.")
    files = live_files(published)
    report.files_before = report.files_after = len(files)
    groups = plan(files, now.astimezone(PARIS).date())
    if not groups:
        return None
    if newest is not published:
        at = datetime.fromtimestamp(newest.history(1)[0]["timestamp"] / 1000, UTC)
        if at > now - SETTLED:
            report.skipped = f"somebody committed to it at {at:%H:%M} UTC and has not published yet"
            return None
    report.rewritten_bytes = sum(file.size for group in groups for file in group)
    if dry_run:
        report.files_after = len(files) - sum(len(group) - 1 for group in groups)
        return None
    writer = open_at_pin(lake, key, pin)
    commit = compact(writer, groups, settings)
    report.files_after = len(writer.files())
    return Move(writer.based_on, replace(pin, version=commit.version), same_rows=True)


def _publish(settings: Settings, lake: Lake, moves: dict[str, Move], run_id: str, done: Maintenance) -> int:
    """Pin the merged tables, without those that somebody else published meanwhile; the number of the newest record."""
    while moves:
        try:
            return catalog.publish(settings, moves, run_id).number
        except ConflictError as error:
            pins = publication.latest(lake).pins
            lost = [key for key, move in moves.items() if key not in pins or pins[key].version != move.based_on]
            if not lost:
                raise
            for key in lost:
                del moves[key]
                report = done.table(key)
                report.skipped, report.files_after, report.rewritten_bytes = str(error), report.files_before, 0
    if done.dry_run:
        return publication.latest_number(lake)
    return catalog.publish(settings, {}, run_id).number  # puts catalogs that a crash left out
