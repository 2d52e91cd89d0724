"""The declared mutants still are slips in the queries as they stand. Not here: whether they are caught (`mutation`, by hand)."""

from __future__ import annotations

from collections import Counter

from ebp_lakehouse_tests.mutation.__main__ import MUTANTS
from ebp_lakehouse_tests.mutation.detectors import GOLD


def test_every_mutant_applies_to_its_query_and_is_declared_once() -> None:
    changed = Counter((mutant.table, mutant.apply(GOLD[mutant.table].sql)) for mutant in MUTANTS)
    assert [pair[0] for pair, times in changed.items() if times > 1] == []
