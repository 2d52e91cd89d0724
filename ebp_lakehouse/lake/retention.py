"""What may go: records, catalogs, data files and log entries that nobody within retention can be reading.

A record counts as long as it was the newest one at some instant of the last seven days, so the last one from before
that time counts too. Whatever a counted record pins is kept; so is everything young, which a run may be about to commit.
Not here: merging files (compaction.py), the order of it all and its report (maintenance.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote

from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.failpoints import failpoint
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.delta import APPLICATION, live_files, load
from ebp_lakehouse.lake.publication import Record
from ebp_lakehouse.lake.store import Lake, StoredObject

RETENTION = timedelta(days=7)
SAFE_AGE = timedelta(days=1)  # no run is longer: an older file that no commit names is the rest of a crash
LOG = "_delta_log"
LOG_SLACK = 50  # entries before the oldest pinned version that are left alone: a checkpoint costs more than they do
PROBES = "_probe"
OURS = re.compile(r"(^|/)part-[^/]*\.parquet$")  # what delta-rs and we call a data file; nothing else is ever deleted


@dataclass(frozen=True)
class Retained:
    """The records that count (oldest first, the latest among them), and the numbers of those that may go."""

    records: tuple[Record, ...]
    retired: tuple[int, ...]

    @classmethod
    def at(cls, lake: Lake, now: datetime) -> Retained:
        """Read the records, newest first, until one was published before the retention."""
        numbers = publication.numbers(lake)
        kept: list[Record] = []
        while numbers and not (kept and _published(kept[-1]) < now - RETENTION):
            record = publication.find(lake, numbers.pop())
            if record is not None:  # another maintenance may have retired it since the listing
                kept.append(record)
        return cls(tuple(reversed(kept)), tuple(numbers))

    def oldest_versions(self) -> dict[str, int]:
        """Table → oldest Delta version that a counted record pins."""
        oldest: dict[str, int] = {}
        for record in self.records:
            for key, pin in record.pins.items():
                oldest[key] = min(pin.version, oldest.get(key, pin.version))
        return oldest


@dataclass
class Swept:
    """What was deleted of one table (with ``dry_run``: what would be)."""

    files: int = 0
    bytes: int = 0
    log_entries: int = 0


@dataclass
class TableObjects:
    """Everything that lies under one table, by path relative to it."""

    data: dict[str, StoredObject] = field(default_factory=dict)
    log: dict[str, StoredObject] = field(default_factory=dict)

    def log_versions(self) -> dict[int, list[str]]:
        """Version → its entries (commit, checkpoints)."""
        versions: dict[int, list[str]] = {}
        for name in self.log:
            if name[:20].isdigit():
                versions.setdefault(int(name[:20]), []).append(name)
        return versions


def tables(lake: Lake) -> dict[str, TableObjects]:
    """Table → its objects, also of tables that no record knows."""
    found: dict[str, TableObjects] = {}
    for prefix in (*publication.SCHEMAS, *(f"{publication.PRIVATE}/{layer}" for layer in publication.SCHEMAS)):
        depth = prefix.count("/") + 2
        for item in lake.listing(prefix):
            parts = item.path.split("/")
            key, rest = "/".join(parts[:depth]), "/".join(parts[depth:])
            table = found.setdefault(key, TableObjects())
            if rest.startswith(f"{LOG}/"):
                table.log[rest.removeprefix(f"{LOG}/")] = item
            elif rest:
                table.data[rest] = item
    return found


def retire(lake: Lake, retained: Retained, *, dry_run: bool) -> int:
    """Drop the records beyond retention, oldest first, and their catalogs; the number of catalogs that went."""
    if not retained.records:
        return 0
    if not dry_run:
        for number in retained.retired:
            lake.delete(f"{publication.FOLDER}/{publication.object_name(number)}")
            failpoint("record-retired")
    count = 0
    for private in (False, True):
        for number in catalog.numbers(lake, private=private):
            if number < retained.records[0].number:
                count += 1
                if not dry_run:
                    lake.delete(catalog.object_name(number, private=private))
                    failpoint("catalog-retired")
    return count


def sweep(lake: Lake, key: str, objects: TableObjects, oldest: int | None, now: datetime, *, dry_run: bool) -> Swept:
    """Delete the files of one table that nobody can need, then the log entries before its oldest pinned version.

    Args:
        lake: the store.
        key: the table.
        objects: its objects, listed after the records were read.
        oldest: oldest version that a counted record pins; None for a table that none pins.
        now: the clock (UTC).
        dry_run: count only.

    Raises:
        LakeError: the log lacks an entry that says which files are needed; nothing was deleted.
    """
    if oldest is None and not _is_ours(lake, key, objects):
        return Swept()
    kept = set() if oldest is None else _needed(lake, key, objects, oldest)
    gone = [
        item
        for name, item in objects.data.items()
        if name not in kept and item.modified < now - SAFE_AGE and OURS.search(name)
    ]
    swept = Swept(len(gone), sum(item.size for item in gone))
    if not dry_run and gone:
        lake.delete(gone[0].path)
        failpoint("file-vacuumed")
        lake.delete_all([item.path for item in gone[1:]])
    if oldest is not None:
        swept.log_entries = _shorten_log(lake, key, objects, oldest, dry_run=dry_run)
    return swept


def drop_probes(lake: Lake, now: datetime, *, dry_run: bool) -> int:
    """Remove what a crash left of the store's examination and of unfinished uploads."""
    old = [item.path for item in lake.listing(PROBES) if item.modified < now - SAFE_AGE]
    if old and not dry_run:
        lake.delete_all(old)
    return len(old) + lake.drop_unfinished(now - SAFE_AGE, dry_run=dry_run)


def _needed(lake: Lake, key: str, objects: TableObjects, oldest: int) -> set[str]:
    """Files of ``oldest`` and of every later version: what the later log entries add is added to what it held."""
    table = load(lake, key, oldest)
    if table is None:
        raise LakeError(f"{lake.uri(key)} is published at version {oldest} but its Delta log is gone.")
    needed = {unquote(file.path) for file in live_files(table)}
    versions = objects.log_versions()
    for version in range(oldest + 1, max(versions, default=oldest) + 1):
        content = lake.read(f"{key}/{LOG}/{version:020d}.json")
        if content is None:
            raise LakeError(
                f"The Delta log of {lake.uri(key)} lacks version {version}, so nobody can tell which files are needed: "
                "nothing of this table was deleted. Was it vacuumed by another tool? Publish the table again."
            )
        needed |= _added(content)
    return needed


def _is_ours(lake: Lake, key: str, objects: TableObjects) -> bool:
    """Whether an unpublished table is a first load of ours that failed: somebody may keep tables of his own here."""
    table = load(lake, key) if objects.log else None
    return table is None or table.transaction_version(APPLICATION) is not None


def _added(content: bytes) -> set[str]:
    actions: Sequence[Mapping[str, Mapping[str, str]]] = [json.loads(line) for line in content.splitlines() if line]
    return {unquote(action["add"]["path"]) for action in actions if "add" in action}


def _shorten_log(lake: Lake, key: str, objects: TableObjects, oldest: int, *, dry_run: bool) -> int:
    """Drop entries before ``oldest`` once there are many; a checkpoint there takes their place."""
    versions = objects.log_versions()
    before = [name for version in sorted(versions) if version < oldest for name in versions[version]]
    if len(before) <= LOG_SLACK:
        return 0
    if not dry_run:
        for version in (oldest, None):  # the newest last: it is where the next opening starts to read
            table = load(lake, key, version)
            if table is None:
                raise LakeError(f"{lake.uri(key)} vanished while its log was being shortened. Run maintenance again.")
            table.create_checkpoint()
        failpoint("checkpoint-written")
        lake.delete(f"{key}/{LOG}/{before[0]}")
        failpoint("log-entry-dropped")
        lake.delete_all([f"{key}/{LOG}/{name}" for name in before[1:]])
    return len(before)


def _published(record: Record) -> datetime:
    return datetime.fromisoformat(record.published_at)
