"""Which transactions a snapshot sees: the exact border between what a reading holds and what the change stream brings.

The order of commits in the WAL is not the order in which they become visible, so a WAL position cannot tell whether a
reading holds a transaction. Its number can: a snapshot names every transaction that was still running.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

_HALF = 2**31


@dataclass(frozen=True)
class Snapshot:
    """A ``pg_snapshot``: all transactions below ``xmin`` are seen, none from ``xmax`` on, and none of ``running``."""

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """``pg_current_snapshot()::text``, e.g. ``10:20:10,14,15``."""
        xmin, xmax, running = text.split(":")
        return cls(int(xmin), int(xmax), frozenset(map(int, running.split(","))) if running else frozenset())

    def sees(self, xid: int) -> bool:
        """Whether the (top-level, 64-bit) transaction ``xid``, known to have committed, is in this snapshot."""
        return xid < self.xmin or (xid < self.xmax and xid not in self.running)


def full_xid(xid: int, near: int) -> int:
    """The 64-bit number of a transaction whose lower 32 bits are ``xid``, at most 2^31 away from ``near``."""
    return near + (xid - near + _HALF) % 2**32 - _HALF
