"""What a snapshot sees, and 32-bit transaction numbers made whole."""

from __future__ import annotations

import pytest

from ebp_lakehouse.source.visibility import Snapshot, full_xid


def test_a_snapshot_sees_what_had_committed() -> None:
    snapshot = Snapshot.parse("10:20:10,14,15")
    assert [xid for xid in range(8, 23) if snapshot.sees(xid)] == [8, 9, 11, 12, 13, 16, 17, 18, 19]
    assert Snapshot.parse("10:10:") == Snapshot(10, 10, frozenset())


@pytest.mark.parametrize("near", [5, 2**31, 2**32 - 1, 2**32, 2**32 + 7, 7 * 2**32 + 3])
@pytest.mark.parametrize("distance", [0, 1, -1, 1000, -1000, 2**31 - 1, -(2**31)])
def test_numbers_near_a_wrap_around(near: int, distance: int) -> None:
    whole = near + distance
    assert full_xid(whole % 2**32, near) == whole
