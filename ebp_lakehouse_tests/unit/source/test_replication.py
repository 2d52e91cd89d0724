"""Up to where the stream may be read: not before everything visible is on the source's disk."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from ebp_lakehouse.errors import SourceError
from ebp_lakehouse.source import replication

PAGE = 8192


class Server:
    """A connection to a server whose WAL is written up to ``inserted``; ``flushed`` is what it answers, one by one.

    With ``open_transaction`` it flushes nothing of what is left until another transaction ends.
    """

    def __init__(self, inserted: int, flushed: Iterator[int], *, open_transaction: bool = False) -> None:
        self.inserted, self.flushed, self.open_transaction = inserted, flushed, open_transaction
        self.answer: tuple[int, ...] = ()

    def execute(self, query: str) -> Server:
        if "pg_current_xact_id" in query:
            self.open_transaction = False
        elif "insert_lsn" in query:
            self.answer = (self.inserted, 200, PAGE)
        else:
            self.answer = (0 if self.open_transaction else next(self.flushed),)
        return self

    def fetchone(self) -> tuple[int, ...]:
        return self.answer


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock, which sleeping alone moves."""
    clock = [0.0]

    class Time:
        @staticmethod
        def monotonic() -> float:
            return clock[0]

        @staticmethod
        def sleep(seconds: float) -> None:
            clock[0] += seconds

    monkeypatch.setattr(replication, "time", Time)
    return clock


def settled(inserted: int, flushed: Iterator[int], **options: Any) -> int:
    server: Any = Server(inserted, flushed, **options)
    return replication.settled(server)


def test_a_slow_disk_is_waited_for(waited: list[float]) -> None:
    assert settled(1000, chain(repeat(900, 2000), [1010])) == 1010
    assert waited[0] == pytest.approx(20)


def test_what_an_open_transaction_wrote_is_not_waited_for(waited: list[float]) -> None:
    assert settled(1000, repeat(1000), open_transaction=True) == 1000
    assert waited[0] < 1


def test_a_disk_that_does_not_follow_is_an_error_and_no_position(waited: list[float]) -> None:
    with pytest.raises(SourceError, match="has not flushed its WAL for 30 seconds"):
        settled(1000, repeat(999))
    assert waited[0] >= 30


@pytest.mark.parametrize("header", [24, 40])
def test_the_header_of_an_empty_page_is_not_waited_for(waited: list[float], header: int) -> None:
    assert settled(PAGE + header, repeat(PAGE)) == PAGE
    assert waited[0] == 0
    with pytest.raises(SourceError):
        settled(PAGE + header + 24, repeat(PAGE))
