"""The changes of one table on their way from the stream to the fold, in commit order, on disk.

Rows lie in a private file without a name: nobody else can open it, and it is gone with the process, however that ends.
In memory: thirteen bytes a change. Only columns that bronze stores ever come here (cdc.py renders them). Not here: what
the changes mean.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

BLOCK_BYTES = 16 * 1024 * 1024
BLOCK_ROWS = 65_536
UPSERT, DELETE = 0, 1


class Holes(NamedTuple):
    """Columns (by place in the layout) whose value the update did not send, and the change whose row had it.

    ``of`` is the number of the delete under the old key when the key changed, else None.
    """

    columns: tuple[int, ...]
    of: int | None


@dataclass
class Transactions:
    """The transactions of one reading, in commit order: position and commit time (UTC without zone)."""

    positions: list[int] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)

    def add(self, position: int, committed_at: datetime) -> None:
        self.positions.append(position)
        self.times.append(committed_at)

    @property
    def last(self) -> int:
        return len(self.positions) - 1


class Spool:
    """Appended to while the stream is read, then read in blocks."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="ebp_lakehouse_")  # noqa: SIM115 - closed by close()
        self._ends = array("Q", [0])
        self.kinds = bytearray()
        self.transactions = array("I")
        self.holes: dict[int, Holes] = {}

    def __len__(self) -> int:
        return len(self.kinds)

    def add(self, kind: int, transaction: int, line: bytes, holes: Holes | None = None) -> int:
        """Append one change: a row's COPY csv line, or for a delete that of its key. Returns its number."""
        number = len(self.kinds)
        self.kinds.append(kind)
        self.transactions.append(transaction)
        if holes is not None:
            self.holes[number] = holes
        self.keep(line)
        return number

    def keep(self, line: bytes) -> int:
        """Append a line that is no change (a completed row); returns its place, for ``line``."""
        self._file.write(line)
        self._ends.append(self._ends[-1] + len(line))
        return len(self._ends) - 2

    def blocks(self) -> Iterator[range]:
        """The changes in ranges of bounded size."""
        first, count = 0, len(self.kinds)
        for number in range(count):
            full = self._ends[number + 1] - self._ends[first] >= BLOCK_BYTES or number + 1 - first >= BLOCK_ROWS
            if full or number + 1 == count:
                yield range(first, number + 1)
                first = number + 1

    def lines(self, numbers: range) -> list[bytes]:
        self._file.flush()
        start = self._ends[numbers.start]
        data = os.pread(self._file.fileno(), self._ends[numbers.stop] - start, start)
        bounds = [end - start for end in self._ends[numbers.start : numbers.stop + 1]]
        return [data[a:b] for a, b in pairwise(bounds)]

    def line(self, place: int) -> bytes:
        return self.lines(range(place, place + 1))[0]

    def close(self) -> None:
        self._file.close()
