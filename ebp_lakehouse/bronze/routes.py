"""Which way in, and where we stand.

snapshot: every row; batch: by xmin; timestamp: by EBP's dates since the last batch; cdc: the change stream; window: by
EBP's dates within days.

Not here: reading (source/extraction.py), what is done with the rows (ingest.py).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from ebp_lakehouse.source.extraction import Capture, sys_dates
from ebp_lakehouse.source.introspection import SourceTable

Route = Literal["snapshot", "batch", "timestamp", "cdc", "window", "stale"]
XID_REACH = 2**31 - 10_000_000  # ages are compared modulo 2^32: an older horizon could not be told from a future one


@dataclass(frozen=True)
class Membership:
    """A table's place in the change stream; kept in its pin while the lake follows the table there.

    Attributes:
        slot: the slot that has been keeping its changes since the last reading.
        published_as: its membership in the publication; changes when it leaves and joins, or is truncated or rewritten.
        shift: added to WAL positions, so that ``_bronze_position`` does not fall after a move to another server.
    """

    slot: str
    published_as: str
    shift: int = 0


@dataclass(frozen=True)
class Position:
    """How far a table's source has been read; kept in its pin, as JSON.

    Attributes:
        route: the route of the batch that wrote it.
        horizon: xmin horizon to read on from; None when the table was never read as a whole (a window came first).
        next_xid: xmax of the same snapshot.
        captured_at: instant of the snapshot, UTC, ISO 8601 without zone.
        number: ``_bronze_position`` of that batch. It follows the horizon, and never falls, even when the database
            moves to a server whose transaction numbers are lower.
        system: server and database the horizon belongs to.
        oid: identity of the table there.
        columns: fingerprint of its columns.
        snapshot: the ``pg_snapshot`` whose state the lake holds; what it sees, the stream need not bring.
        membership: place in the change stream, if it follows one.
    """

    route: str
    horizon: int | None
    next_xid: int
    captured_at: str
    number: int
    system: str
    oid: int
    columns: str
    snapshot: str = ""
    membership: Membership | None = None

    def to_json(self) -> dict[str, Any]:
        """64-bit numbers as text: JSON readers in other languages would round them."""
        return {
            k: str(v) if k in ("horizon", "next_xid", "number") and v is not None else v
            for k, v in asdict(self).items()
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Position:
        numbers = {k: None if raw[k] is None else int(raw[k]) for k in ("horizon", "next_xid", "number")}
        membership = raw.get("membership")
        known = {k: raw[k] for k in cls.__dataclass_fields__ if k in raw}
        return cls(**{**known, **numbers, "membership": Membership(**membership) if membership else None})

    @property
    def instant(self) -> datetime:
        return datetime.fromisoformat(self.captured_at)


@dataclass(frozen=True)
class Choice:
    """A route, and in words why."""

    route: Route
    reason: str


def choose(  # noqa: PLR0911 - one line per rule, in order
    capture: Capture, table: SourceTable, position: Position | None, *, by_dates: bool = False
) -> Choice:
    """The cheapest route that is exact for ``table``; ``stale`` when the lake already holds a later capture.

    With ``by_dates`` (EBP_BATCH_STRATEGY=timestamp) the rows of tables that have EBP's sys dates are found by them: for
    sources whose rows carry no xmin. That is not exact: see docs/adr/0003. A full reading finds what it missed.
    """
    if position is None or position.horizon is None:
        return Choice("snapshot", "first load")
    if position.system != capture.system:
        return Choice("snapshot", "the database is on another server than last time")
    before = (position.horizon, position.next_xid, position.instant)
    if (capture.horizon, capture.next_xid, capture.captured_at) < before:
        return Choice("stale", "the lake already holds a later capture")
    if position.oid != table.oid:
        return Choice("snapshot", "the table was dropped and created again")
    if position.columns != table.fingerprint:
        # A column added with a default, dropped or retyped changes rows without changing their xmin.
        return Choice("snapshot", "the table's columns or its key changed")
    if not table.key:
        return Choice("snapshot", "a table without a key: its rows are compared whole, and counted")
    if by_dates and sys_dates(table):
        return Choice("timestamp", "rows that EBP dates since the last batch")
    if not table.has_xmin:
        return Choice("snapshot", "a view or foreign table: its rows carry no xmin")
    if capture.next_xid - position.horizon >= XID_REACH:
        return Choice("snapshot", "the last batch is too many transactions ago")
    return Choice("batch", "rows of transactions since the last batch")


def advanced(capture: Capture, table: SourceTable, before: Position | None, route: Route) -> Position:
    """The position after a batch. A window reads a part only, so it moves no horizon, only the number its rows carry."""
    number = max(capture.horizon, before.number if before else 0)
    if route == "window" and before is not None:
        return replace(before, number=number)
    return Position(
        route=route,
        horizon=None if route == "window" else capture.horizon,
        next_xid=capture.next_xid,
        captured_at=capture.captured_at.isoformat(timespec="microseconds"),
        number=number,
        system=capture.system,
        oid=table.oid,
        columns=table.fingerprint,
        snapshot=capture.snapshot,
        # A batch between two readings of the stream leaves it open: what the batch saw is skipped there.
        membership=before.membership if before and before.system == capture.system else None,
    )
