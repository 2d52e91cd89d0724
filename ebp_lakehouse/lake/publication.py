"""The publication record: the only multi-table commit, and the only thing that makes a Delta commit visible.

Record *n* is the object ``_publications/<n>.json``. A run writes its Delta commits, then creates record n+1 = record n
with only its own tables' pins moved. Not here: how a table is written (delta.py), how readers see it (catalog.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from deltalake import DeltaTable

from ebp_lakehouse.errors import ConflictError, LakeError
from ebp_lakehouse.lake.store import Lake

SCHEMAS = ("bronze", "silver", "gold")
PRIVATE = "private"  # what is personal lies apart, under this prefix
FOLDER = "_publications"
MAX_ATTEMPTS = 100  # each lost race means somebody else published, so this bounds contention, not time


@dataclass(frozen=True)
class Pin:
    """What readers see of one table.

    Attributes:
        version: Delta version.
        position: how far the source had been read (bronze), or what the table was computed from; JSON values only.
        check_state: ``passed``; a version whose blocking check failed is never pinned.
        ingestion_date: partition of the run that moved the pin, ``YYYY-MM-DD``.
        published_at: UTC, ISO 8601.
        rows: rows readers see (live rows for bronze).
        view: how the catalog renders the table, see catalog.py.
    """

    version: int
    position: dict[str, Any]
    check_state: str
    ingestion_date: str
    published_at: str
    rows: int
    view: dict[str, Any]


@dataclass(frozen=True)
class Move:
    """A pin to set, and the Delta version of the pin it was computed from (None: the table was not yet published).

    ``same_rows``: the version holds what ``based_on`` holds, in other files. Then only the version moves: the position
    is the newest record's, which a batch that brought no row may have moved since.
    ``opened``: the writer's handle of the table, so that its views can be rendered without opening it again.
    """

    based_on: int | None
    pin: Pin
    same_rows: bool = False
    opened: DeltaTable | None = field(default=None, repr=False, compare=False)

    def upon(self, pinned: Pin | None) -> Pin:
        """The pin that follows ``pinned``."""
        return replace(pinned, version=self.pin.version) if self.same_rows and pinned else self.pin


@dataclass(frozen=True)
class Record:
    """One publication: every table's pin at one instant. Number 0 is the empty lake and is never stored."""

    number: int = 0
    published_at: str = ""
    run_id: str = ""
    pins: Mapping[str, Pin] = field(default_factory=dict)

    def to_json(self) -> bytes:
        return json.dumps(
            {
                "number": self.number,
                "published_at": self.published_at,
                "run_id": self.run_id,
                "tables": {key: asdict(pin) for key, pin in sorted(self.pins.items())},
            },
            indent=1,
        ).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Record:
        raw = json.loads(content)
        return cls(
            number=raw["number"],
            published_at=raw["published_at"],
            run_id=raw["run_id"],
            pins={key: Pin(**pin) for key, pin in raw["tables"].items()},
        )


def object_name(number: int) -> str:
    """Numbers are padded so that a listing is in order of publication."""
    return f"{number:020d}.json"


def latest_number(lake: Lake) -> int:
    known = numbers(lake)
    return known[-1] if known else 0


def latest(lake: Lake) -> Record:
    """The newest record; an empty one with number 0 on a new lake."""
    return read(lake, latest_number(lake))


def numbers(lake: Lake) -> list[int]:
    """Numbers of the records that are kept, oldest first."""
    return [int(name.removesuffix(".json")) for name in lake.names(FOLDER) if name.endswith(".json")]


def find(lake: Lake, number: int) -> Record | None:
    """One record, or None when it does not exist or has been retired."""
    content = lake.read(f"{FOLDER}/{object_name(number)}")
    return None if content is None else Record.from_json(content)


def read(lake: Lake, number: int) -> Record:
    if number == 0:
        return Record()
    record = find(lake, number)
    if record is None:
        raise LakeError(f"Publication {number} of {lake.url} does not exist or has been retired. Read the latest one.")
    return record


def commit(lake: Lake, moves: Mapping[str, Move], run_id: str) -> Record:
    """Create the next record with the pins of ``moves``, retrying while others publish other tables.

    Raises:
        ConflictError: somebody else has published one of *these* tables since it was read: the caller computes again.
    """
    for _ in range(MAX_ATTEMPTS):
        current = latest(lake)
        for key, move in moves.items():
            pinned = current.pins.get(key)
            if (pinned.version if pinned else None) != move.based_on:
                raise ConflictError(
                    f"{key} was published by another run (record {current.number}) while this one computed it; "
                    "nothing of this run's version is visible. Run it again."
                )
        record = Record(
            number=current.number + 1,
            published_at=datetime.now(UTC).isoformat(timespec="microseconds"),
            run_id=run_id,
            pins={**current.pins, **{key: move.upon(current.pins.get(key)) for key, move in moves.items()}},
        )
        path, content = f"{FOLDER}/{object_name(record.number)}", record.to_json()
        # A store may write the object and still answer with an error; the retried put then finds our own record.
        if lake.create(path, content) or lake.read(path) == content:
            return record
    raise ConflictError(
        f"Gave up publishing to {lake.url} after {MAX_ATTEMPTS} lost races. Run again when it is quieter."
    )
