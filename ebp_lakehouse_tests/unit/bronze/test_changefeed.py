"""What is worrying about a replication slot, at its very bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ebp_lakehouse.bronze.changefeed import LAG_WARNING_BYTES, slot_problems
from ebp_lakehouse.source.replication import SlotState

MB = 2**20
CALM = SlotState("ebp_lakehouse_1", 1, "reserved", LAG_WARNING_BYTES, 300 * MB, 100 * MB)


def test_a_slot_at_the_bounds_worries_nobody() -> None:
    assert slot_problems(CALM) == []
    assert slot_problems(replace(CALM, room_bytes=None, retained_bytes=10**12)) == [], "the server sets no limit"


@pytest.mark.parametrize(
    ("slot", "words"),
    [
        (replace(CALM, lag_bytes=LAG_WARNING_BYTES + 1), "256 MB of WAL are not read yet"),
        (replace(CALM, room_bytes=100 * MB - 1), "drops the slot after 100 MB more (max_slot_wal_keep_size)"),
        (replace(CALM, room_bytes=0), "drops the slot after 0 MB more"),
        (replace(CALM, wal_status="extended"), "The slot ebp_lakehouse_1 keeps more WAL than max_wal_size (300 MB)"),
        (replace(CALM, wal_status="unreserved"), "keeps more WAL than max_wal_size"),
    ],
)
def test_each_danger_is_told_once(slot: SlotState, words: str) -> None:
    (told,) = slot_problems(slot)
    assert words in told


def test_dangers_add_up() -> None:
    worst = replace(CALM, wal_status="unreserved", lag_bytes=2**40, room_bytes=1)
    assert len(slot_problems(worst)) == 3


@pytest.mark.parametrize(
    ("status", "lost"), [("lost", True), ("unknown", True), ("unreserved", False), ("reserved", False)]
)
def test_a_slot_is_lost_only_when_the_server_dropped_its_wal(status: str, lost: bool) -> None:
    assert replace(CALM, wal_status=status).is_lost is lost
