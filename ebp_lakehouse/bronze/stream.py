"""Rows on their way from COPY to Arrow: read and hashed in one thread, typed and written in another.

A block is bounded in bytes and the queue in blocks, so memory does not grow with the table. Reading, hashing (GIL held
a few µs a row), parsing and Parquet (GIL released) overlap: two cores are enough to hide most of each other.
Not here: what is new (fold.py), the metadata columns' meaning (versions.py).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ebp_lakehouse.bronze.canonical import GUARD, canonical_text, record_digest
from ebp_lakehouse.source.extraction import Buffer

BLOCK_BYTES = 8 * 1024 * 1024
BLOCK_ROWS = 65_536
QUEUED_BLOCKS = 2

T = TypeVar("T")


@dataclass
class Block:
    """Some rows as COPY csv lines one after the other (behind ``GUARD``), and the MD5 of each row's canonical text."""

    text: bytearray = field(default_factory=lambda: bytearray(GUARD))
    digests: list[bytes] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.digests)


@dataclass
class Counter:
    """What went through: rows and bytes read, including those that were already known."""

    rows: int = 0
    bytes: int = 0


@dataclass
class Occurrences:
    """Digests of rows that are their own key: a copy of a row that was seen already gets one of its own."""

    seen: dict[bytes, int] = field(default_factory=dict)
    copies: list[bytes] = field(default_factory=list)

    def digest(self, text: bytes) -> bytes:
        first = record_digest(text)
        count = self.seen[first] = self.seen.get(first, 0) + 1
        if count == 1:
            return first
        self.copies.append(record_digest(text, count))
        return self.copies[-1]


def unknown_rows(
    lines: Iterable[Buffer],
    known: Container[bytes],
    counter: Counter,
    digest_of: Callable[[bytes], bytes] = record_digest,
) -> Iterator[Block]:
    """Blocks of the rows whose digest is not in ``known``: unchanged rows are dropped before they are parsed."""
    block = Block()
    rows = size = 0
    for line in lines:
        rows += 1
        size += len(line)
        digest = digest_of(canonical_text(line))
        if digest in known:
            continue
        block.text += line
        block.digests.append(digest)
        if len(block.text) >= BLOCK_BYTES or block.rows >= BLOCK_ROWS:
            yield block
            block = Block()
    if block.rows:
        yield block
    counter.rows, counter.bytes = rows, size


def texts(lines: Iterable[Buffer]) -> Iterator[tuple[bytearray, int]]:
    """All rows in blocks as (text behind ``GUARD``, number of rows), for what needs no digest."""
    text, rows = bytearray(GUARD), 0
    for line in lines:
        text += line
        rows += 1
        if len(text) >= BLOCK_BYTES:
            yield text, rows
            text, rows = bytearray(GUARD), 0
    if rows:
        yield text, rows


@dataclass(frozen=True)
class _Failed:
    error: BaseException


class Prefetched(Generic[T]):
    """An iterator whose source runs in a thread of its own, a few items ahead. Use as a context manager.

    An exception of the source is raised where the items are consumed. Leaving early stops the thread and waits for it,
    so that the connection it reads from is free again.
    """

    def __init__(self, items: Iterator[T], ahead: int = QUEUED_BLOCKS) -> None:
        self._items = items
        self._queue: queue.Queue[T | _Failed | None] = queue.Queue(ahead)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bronze-reader", daemon=True)

    def __enter__(self) -> Iterator[T]:
        self._thread.start()
        return self._consume()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()

    def _run(self) -> None:
        last: _Failed | None = None
        try:
            for item in self._items:
                self._put(item)
                if self._stopped.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - raised again in the consumer's thread
            last = _Failed(error)
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
        self._put(last)

    def _put(self, item: T | _Failed | None) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def _consume(self) -> Iterator[T]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, _Failed):
                raise item.error
            yield item
