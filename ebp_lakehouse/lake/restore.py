"""Going back: what was published when, and an older record's pins published again as a new record.

Nothing is rewritten: the tables' files are still there as long as the record is within retention. Not here: what is
kept how long (retention.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.lake import catalog, publication, retention
from ebp_lakehouse.lake.delta import live_files, load
from ebp_lakehouse.lake.publication import Move, Pin, Record
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings

MARGIN = timedelta(hours=1)  # longer than a vacuum takes from reading the records to deleting the last file


@dataclass(frozen=True)
class Entry:
    """One record of the history: ``moved`` are the tables whose pin differs from the record before."""

    number: int
    published_at: str
    run_id: str
    moved: tuple[str, ...]


def history(lake: Lake) -> Iterator[Entry]:
    """Every kept record, newest first."""
    numbers = publication.numbers(lake)
    record = publication.find(lake, numbers.pop()) if numbers else None
    while record is not None:
        former = publication.find(lake, numbers.pop()) if numbers else None
        yield Entry(record.number, record.published_at, record.run_id, _moved(record, former))
        record = former


def restore(
    settings: Settings,
    number: int,
    tables: Collection[str] = (),
    *,
    run_id: str = "restore",
    now: datetime | None = None,
) -> Record:
    """Publish record ``number``'s pins again, of ``tables`` (keys such as ``silver/dim_customer``) or of all it holds.

    Tables first published after it stay as they are. Bronze reads on from the position it had then, so the next batch
    brings the changes since again; silver and gold are computed from whatever bronze is pinned.

    Raises:
        LakeError: the record or a table of it does not exist, is beyond retention, or lacks a file. Nothing changed.
        ConflictError: another run published one of the tables meanwhile.
    """
    lake, now = Lake.open(settings), now or datetime.now(UTC)
    old, current = publication.read(lake, number), publication.latest(lake)
    kept = retention.Retained.at(lake, now + MARGIN)
    if number not in {record.number for record in kept.records}:
        raise LakeError(
            f"Publication {number} of {lake.url} is beyond the retention of {retention.RETENTION.days} days, so its "
            f"files may be vacuumed at any time. The oldest that can be restored is {kept.records[0].number}."
        )
    # A table's personal columns are a table of their own; the two are one for whoever names it.
    wanted = {key for table in tables for key in (table, f"{publication.PRIVATE}/{table}")} or set(old.pins)
    if unknown := set(tables) - set(old.pins):
        raise LakeError(f"Publication {number} holds no table {', '.join(sorted(unknown))}. Name it layer/table.")
    changed = {key: pin for key, pin in old.pins.items() if key in wanted and pin != current.pins.get(key)}
    for key, pin in changed.items():
        _check_files(lake, key, pin)
    moves = {key: Move(_version(current.pins, key), pin) for key, pin in changed.items()}
    return catalog.publish(settings, moves, run_id)


def _moved(record: Record, former: Record | None) -> tuple[str, ...]:
    if former is None:
        return () if record.number > 1 else tuple(record.pins)
    return tuple(key for key, pin in record.pins.items() if pin != former.pins.get(key))


def _version(pins: Mapping[str, Pin], key: str) -> int | None:
    pin = pins.get(key)
    return pin.version if pin else None


def _check_files(lake: Lake, key: str, pin: Pin) -> None:
    table = load(lake, key, pin.version)
    if table is None:
        raise LakeError(f"{lake.uri(key)} has no Delta log any more, so its version {pin.version} cannot be restored.")
    there = {item.path.removeprefix(f"{key}/") for item in lake.listing(key)}
    missing = [file.path for file in live_files(table) if unquote(file.path) not in there]
    if missing:
        raise LakeError(
            f"{len(missing)} files of {lake.uri(key)} at version {pin.version} are gone (the first: {missing[0]}), so it "
            "cannot be restored. Restore a later publication: `ebp-lakehouse publications` lists them."
        )
