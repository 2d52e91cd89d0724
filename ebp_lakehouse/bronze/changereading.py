"""One pass over the change stream: which messages are new for which table, and into whose spool they go.

A transaction is applied to a table when the capture sees it and the table's last reading did not; what the capture does
not see, and what belongs to a table that is not of this run, must come again. Not here: the slot (changefeed.py), what
becomes of the changes (change_ingest.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ebp_lakehouse.bronze.canonical import layout
from ebp_lakehouse.bronze.cdc import RereadError, RowWriter
from ebp_lakehouse.bronze.change_ingest import Changes
from ebp_lakehouse.bronze.routes import Choice, Membership
from ebp_lakehouse.bronze.spool import Transactions
from ebp_lakehouse.errors import LakehouseError
from ebp_lakehouse.lake.delta import TableWriter
from ebp_lakehouse.source.extraction import Capture
from ebp_lakehouse.source.pgoutput import Begin, Commit, Delete, Insert, Relation, Truncate, Update, decode
from ebp_lakehouse.source.registry import TableSpec
from ebp_lakehouse.source.visibility import Snapshot, full_xid

OpenWriter = Callable[[TableSpec], TableWriter]


@dataclass
class Part:
    """What the stream says about one table of the run.

    Attributes:
        choice: the route; None when ``error`` tells why the table cannot be brought.
        membership: to be pinned with the batch; None outside the stream.
        changes: what the stream brought; None when nothing.
        problem: why a published table is not streamed, for the check.
    """

    spec: TableSpec
    choice: Choice | None = None
    membership: Membership | None = None
    changes: Changes | None = None
    error: str | None = None
    problem: str | None = None

    def reread(self, fallback: Choice, why: str) -> None:
        if self.changes is not None:
            self.changes.spool.close()
        self.changes, self.choice = None, replace(fallback, reason=f"read again: {why}")


@dataclass
class Member:
    """A table that follows the stream: what its last reading saw, and how its changes are taken."""

    spec: TableSpec
    seen: Snapshot
    fallback: Choice | None = None  # None: not selected in this run, its changes wait
    part: Part | None = None


class Reading:
    """One pass over the messages, from the slot's position to the fixed upper bound.

    ``hold`` is the position of the first transaction that must come again; ``changes`` counts what was spooled.
    """

    def __init__(self, capture: Capture, members: Mapping[int, Member], writer: OpenWriter) -> None:
        self._capture, self._members, self._writer = capture, members, writer
        self._now = Snapshot.parse(capture.snapshot)
        self.transactions = Transactions()
        self.changes = 0
        self.hold: int | None = None
        self._relations: dict[int, Relation] = {}
        self._writers: dict[int, RowWriter] = {}
        self._targets: dict[int, RowWriter | None] = {}  # within one transaction
        self._applied = False
        self._xid = self._lsn = 0

    def run(self, messages: Iterable[bytes]) -> None:
        for message in messages:
            event = decode(message)
            if isinstance(event, Insert | Update | Delete):
                if self._applied:
                    self._change(event)
            elif isinstance(event, Begin):
                self._begin(event)
            elif isinstance(event, Relation):
                self._relations[event.oid] = event
                self._writers.pop(event.oid, None)
                self._targets.pop(event.oid, None)
            elif isinstance(event, Truncate):
                self._truncate(event)
            elif isinstance(event, Commit):
                self._targets.clear()

    def _begin(self, event: Begin) -> None:
        self._xid, self._lsn = full_xid(event.xid, self._capture.next_xid), event.lsn
        self._applied = self._now.sees(self._xid)
        if self._applied:
            self.transactions.add(event.lsn, event.committed_at)
        else:
            self._wait()

    def _wait(self) -> None:
        """The slot may not go past this transaction yet."""
        self.hold = self._lsn if self.hold is None else min(self.hold, self._lsn)

    def _change(self, event: Insert | Update | Delete) -> None:
        oid = event.relation
        target = self._targets[oid] if oid in self._targets else self._target(oid)
        if target is None:
            return
        self.changes += 1
        try:
            if isinstance(event, Insert):
                target.insert(event, self.transactions.last)
            elif isinstance(event, Update):
                target.update(event, self.transactions.last)
            else:
                target.delete(event, self.transactions.last)
        except RereadError as error:
            self._reread(oid, str(error))

    def _target(self, oid: int) -> RowWriter | None:
        """Where this transaction's changes of a table go: nowhere when its last reading has them already."""
        self._targets[oid] = None
        member = self._members.get(oid)
        if member is None or member.seen.sees(self._xid):
            return None
        part = member.part
        if part is None:
            self._wait()
            return None
        if part.error or part.choice is None or part.choice.route != "cdc":
            return None
        if oid not in self._writers:
            try:
                self._writers[oid] = self._open(part, self._relations[oid])
            except RereadError as error:
                self._reread(oid, str(error))
                return None
            except LakehouseError as error:
                part.error = str(error)
                return None
        self._targets[oid] = self._writers[oid]
        return self._writers[oid]

    def _open(self, part: Part, relation: Relation) -> RowWriter:
        if part.changes is None and part.membership is not None:
            writer = self._writer(part.spec)
            plan = layout(self._capture.tables[part.spec.name], writer.schema if writer.files() else None)
            part.changes = Changes(writer, plan, part.membership, self.transactions)
            part.choice = Choice("cdc", "changes of the stream")
        if part.changes is None:
            raise RereadError("it does not follow the stream")
        return RowWriter(relation, part.changes.layout, part.changes.spool)

    def _truncate(self, event: Truncate) -> None:
        for oid in event.relations if self._applied else ():
            member = self._members.get(oid)
            if member is not None and not member.seen.sees(self._xid):
                if member.part is None:
                    self._wait()
                else:
                    self._reread(oid, "it was truncated")

    def _reread(self, oid: int, why: str) -> None:
        member = self._members[oid]
        if member.part is not None and member.fallback is not None:
            member.part.reread(member.fallback, why)
        self._targets[oid] = None
        self._writers.pop(oid, None)
