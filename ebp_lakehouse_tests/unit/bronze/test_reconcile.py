"""Differences are found to the last digit and said in words."""

from __future__ import annotations

from decimal import Decimal

from ebp_lakehouse.bronze.reconcile import compare
from ebp_lakehouse.source.extraction import SourceFigures


def figures(rows: int, **sums: str) -> SourceFigures:
    return SourceFigures(rows, ("Amount",), ("Kind",), {(kind,): (Decimal(total),) for kind, total in sums.items()})


def test_equal_figures_whatever_the_zeros() -> None:
    assert compare("T", figures(2, a="1.50"), figures(2, a="1.50000000")) == []


def test_every_difference_names_table_group_and_both_figures() -> None:
    found = [str(d) for d in compare("T", figures(3, a="1.00", b="2"), figures(2, a="1.01"))]
    assert found == [
        "T: count is 3 at the source, 2 in the lake",
        "T (Kind = a): sum of Amount is 1.00 at the source, 1.01 in the lake",
        "T (Kind = b): sum of Amount is 2 at the source, absent in the lake",
    ]


def test_a_partial_batch_is_not_compared() -> None:
    assert compare("T", SourceFigures(0, complete=False), figures(2)) == []
