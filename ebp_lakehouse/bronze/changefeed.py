"""The change stream of one lake in one run: held, opened, read up to the capture's snapshot, acknowledged.

The lake's tables then equal the source in that snapshot, as in every other route, whatever the order of commits in the
WAL; what the capture does not see stays in the slot. Not here: the messages (changereading.py), the fold (cdc.py,
change_ingest.py), publishing (batch.py), SQL (source/replication.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

import psycopg

from ebp_lakehouse.bronze.changereading import Member, OpenWriter, Part, Reading
from ebp_lakehouse.bronze.routes import Choice, Membership, Position, choose
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.publication import Move, Record
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source import replication
from ebp_lakehouse.source.connection import connect, explain
from ebp_lakehouse.source.extraction import Capture
from ebp_lakehouse.source.published import PublishedTable, published_tables
from ebp_lakehouse.source.registry import TableSpec
from ebp_lakehouse.source.replication import SlotState
from ebp_lakehouse.source.visibility import Snapshot

LAG_WARNING_BYTES = 256 * 2**20
ROOM_WARNING_SHARE = 0.25  # of what the server lets a slot retain


@dataclass(frozen=True)
class Report:
    """The slot after the run, and what was read from it."""

    slot: SlotState
    transactions: int
    changes: int
    problems: tuple[str, ...] = ()

    def metadata(self) -> dict[str, Any]:
        return {
            "slot": self.slot.name,
            "slot_wal_status": self.slot.wal_status,
            "slot_lag_bytes": self.slot.lag_bytes,
            "slot_retained_wal_bytes": self.slot.retained_bytes,
            "stream_transactions": self.transactions,
            "stream_changes": self.changes,
        }


@dataclass
class ChangeFeed:
    """Use as a context manager, around the capture: entered before it, acknowledged after the publication.

    Args:
        url: the source.
        lake: the lake's URL; its slots are named after it.
        configured: every table of EBP_TABLES, selected in this run or not.
        restart: drop the slot and begin with a new one.

    Raises:
        SourceError: the source cannot stream, or another run holds the stream.
    """

    url: str
    lake: str
    configured: Sequence[TableSpec]
    restart: bool = False
    parts: dict[str, Part] = field(default_factory=dict)
    slot: SlotState | None = None
    lost: str | None = None
    _upto: int = 0
    _counts: tuple[int, int] = (0, 0)
    _exit: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._connection = stack.enter_context(connect(self.url))
            try:
                replication.check_server(self._connection)
                published_tables(self._connection)
                stack.enter_context(replication.held(self._connection, self._prefix))
            except psycopg.Error as error:
                raise explain(error, self.url) from error
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for part in self.parts.values():
            if part.changes is not None:
                part.changes.spool.close()
        self._exit.__exit__(kind, value, trace)

    @property
    def _prefix(self) -> str:
        return replication.slot_prefix(self.lake)

    def open(self, record: Record) -> None:
        """Find the slot, or make the first one; before the capture, so that nothing falls between the two.

        A slot that is gone although tables follow it is not replaced silently: ``lost`` says what to do.
        """
        pinned = {m.slot for m in _memberships(record).values()}
        try:
            found = replication.slots(self._connection, self._prefix, pinned)
            if self.restart:
                replication.drop_slots(self._connection, found)
                found, pinned = [], set()
            if not found and not pinned:
                replication.create_slot(self._connection, self._prefix)
                found = replication.slots(self._connection, self._prefix)
        except psycopg.Error as error:
            raise explain(error, self.url) from error
        self.slot = found[-1] if found else None
        if self.slot is None:
            self.lost = f"The replication slot {max(pinned)} no longer exists at the source, so changes are missing."
        elif self.slot.is_lost:
            self.lost = (
                f"The replication slot {self.slot.name} is lost: the source dropped WAL that was not read yet "
                "(max_slot_wal_keep_size)."
            )
        if self.lost:
            self.lost = f"{self.lost} {replication.RESTART}; until then the table stays as it is."

    def read(self, capture: Capture, record: Record, specs: Sequence[TableSpec], writer: OpenWriter) -> None:
        """Decide each table's route, and take the changes of those that follow the stream.

        Raises:
            SourceError: the slot cannot be read.
        """
        with capture.reader() as source:
            published = published_tables(source)
        selected = {spec.name: self._part(capture, record, spec, published) for spec in specs}
        self.parts = {name: part for name, (part, _) in selected.items()}
        if self.slot is None or self.lost:
            return
        members: dict[int, Member] = {}
        for spec in self.configured:
            pin = record.pins.get(spec.lake_key)
            position = Position.from_json(pin.position) if pin else None
            if position is None or position.membership is None or position.membership.slot != self.slot.name:
                continue
            part, fallback = selected.get(spec.name, (None, None))
            if part is None or (part.choice and part.choice.route == "cdc"):
                members[position.oid] = Member(spec, Snapshot.parse(position.snapshot), fallback, part)
        try:
            upto = replication.settled(self._connection)
            reading = Reading(capture, members, writer)
            if upto > self.slot.confirmed:
                reading.run(replication.peek(self._connection, self.slot.name, upto))
        except psycopg.Error as error:
            raise explain(error, self.url) from error
        self._upto = upto if reading.hold is None else min(upto, reading.hold)
        self._counts = (len(reading.transactions.positions), reading.changes)

    def leaving(self, record: Record, failed: Sequence[TableSpec]) -> dict[str, Move]:
        """Pins of tables that stop following the stream: they failed, or are no longer configured.

        The slot goes on without them (WAL must not pile up at the ERP's server for a table that the lake refuses);
        they are read as a whole when they come back.
        """
        kept = {spec.lake_key for spec in self.configured} - {spec.lake_key for spec in failed}
        moves = {}
        for key in _memberships(record).keys() - kept:
            pin = record.pins[key]
            position = replace(Position.from_json(pin.position), membership=None)
            moves[key] = Move(pin.version, replace(pin, position={**pin.position, **position.to_json()}))
        return {} if self.lost else moves

    def acknowledge(self) -> Report | None:
        """Advance the slot over what is published, and report; nothing is lost if this never happens."""
        if self.slot is None:
            return None
        problems = [self.lost] if self.lost else []
        try:
            if not self.lost:
                replication.advance(self._connection, self.slot, self._upto)
            now = replication.slots(self._connection, self._prefix, [self.slot.name])
        except psycopg.Error as error:
            return Report(self.slot, *self._counts, (*problems, str(explain(error, self.url))))
        state = next((slot for slot in now if slot.name == self.slot.name), self.slot)
        return Report(state, *self._counts, tuple(problems + slot_problems(state)))

    def _part(  # noqa: PLR0911 - one return per rule, in order
        self, capture: Capture, record: Record, spec: TableSpec, published: Mapping[int, PublishedTable]
    ) -> tuple[Part, Choice | None]:
        """One table's part, and the route to fall back to."""
        table, pin = capture.tables.get(spec.name), record.pins.get(spec.lake_key)
        before = Position.from_json(pin.position) if pin else None
        if table is None:
            return Part(spec), None
        fallback = choose(capture, table, before)
        if fallback.route == "stale":
            return Part(spec, fallback, before.membership if before else None), None
        if before is not None and before.membership is not None and self.lost:
            return Part(spec, error=self.lost), None
        member = published.get(table.oid)
        why_not = "not in the publication" if member is None else member.why_not(table, spec)
        if member is None or why_not or self.slot is None:
            choice = replace(fallback, reason=f"{fallback.reason}; not streamed: {why_not or self.lost}")
            return Part(spec, choice, problem=why_not if member is not None else None), None
        number = max(capture.horizon, before.number if before else 0)
        own = Membership(self.slot.name, member.membership, max(0, number + 1 - self.slot.confirmed))
        was = before.membership if before else None
        if before is None or was is None or was.slot != own.slot or fallback.route == "snapshot":
            return Part(spec, replace(fallback, reason=f"{fallback.reason}; joins the change stream"), own), None
        if was.published_as != own.published_as:
            why = "it was truncated or rewritten, or left the publication and joined again"
            return Part(spec, replace(fallback, reason=f"read again: {why}"), own), None
        return Part(spec, Choice("cdc", "no change in the stream"), was), fallback


def stop(settings: Settings) -> list[str]:
    """Drop every slot of this lake; returns their names. `cdc restart` begins anew.

    Raises:
        SourceError: the source refuses, or a run is reading the stream.
    """
    url, record = settings.source(), publication.latest(Lake.open(settings))
    with connect(url) as connection:
        try:
            with replication.held(connection, replication.slot_prefix(settings.lake_url)):
                found = feed_slots(connection, settings, record)
                replication.drop_slots(connection, found)
        except psycopg.Error as error:
            raise explain(error, url) from error
    return [slot.name for slot in found]


def waiting_changes(settings: Settings) -> str:
    """Why a run is worth starting, in a few words; empty when nothing waits.

    No slot yet, or a lost one: the run makes the first, or says what is wrong where people look. WAL of tables that are
    not streamed is confirmed by a run too, now and then, so that the server need not keep it.

    Raises:
        SourceError: the source cannot be reached, or refuses.
    """
    url, record = settings.source(), publication.latest(Lake.open(settings))
    with connect(url) as connection:
        try:
            found = feed_slots(connection, settings, record)
            if not found:
                return "no slot yet"
            slot = found[-1]
            if slot.is_lost:
                return "the slot is lost"
            if slot.lag_bytes > LAG_WARNING_BYTES // 2:
                return "WAL to confirm"
            return "changes" if replication.has_changes(connection, slot.name) else ""
        except psycopg.Error as error:
            raise explain(error, url) from error


def feed_slots(connection: psycopg.Connection[Any], settings: Settings, record: Record) -> list[SlotState]:
    """The slots of this lake at the source, oldest first."""
    pinned = {membership.slot for membership in _memberships(record).values()}
    return replication.slots(connection, replication.slot_prefix(settings.lake_url), pinned)


def slot_problems(slot: SlotState) -> list[str]:
    """What is worrying about a slot, in words."""
    found = []
    if slot.wal_status in ("unreserved", "extended"):
        found.append(f"The slot {slot.name} keeps more WAL than max_wal_size ({slot.retained_bytes / 2**20:.0f} MB).")
    if slot.lag_bytes > LAG_WARNING_BYTES:
        found.append(f"{slot.lag_bytes / 2**20:.0f} MB of WAL are not read yet: run more often, or look for a failure.")
    if slot.room_bytes is not None and slot.room_bytes < ROOM_WARNING_SHARE * (slot.room_bytes + slot.retained_bytes):
        found.append(f"The source drops the slot after {slot.room_bytes / 2**20:.0f} MB more (max_slot_wal_keep_size).")
    return found


def _memberships(record: Record) -> dict[str, Membership]:
    found = {
        key: Position.from_json(pin.position).membership
        for key, pin in record.pins.items()
        if key.startswith("bronze/")
    }
    return {key: membership for key, membership in found.items() if membership is not None}
