"""Gold against a second computation in Polars, straight from bronze, on random companies: equal to the cent on every day."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ebp_lakehouse.gold.tables import GOLD_TABLES
from ebp_lakehouse_tests.truth.companies import COMPANIES, Company, prepare
from ebp_lakehouse_tests.truth.comparison import differences
from ebp_lakehouse_tests.truth.figures import FIGURES

pytestmark = pytest.mark.timeout(900)  # a company through silver, and all its figures twice

TABLES = {table.name: table for table in GOLD_TABLES}


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.name)
def test_gold_equals_the_second_computation(company: Company, tmp_path: Path) -> None:
    prepared = prepare(company, tmp_path)
    wrong = []
    for as_of in company.days:
        with prepared.day(as_of) as day:
            for figure in FIGURES:
                gold, findings = day.table(TABLES[figure.table])
                if gold is None or findings:  # the blocking identities of §13 among them
                    wrong.append(f"{as_of} {figure.table}: {findings}")
                    continue
                truth = figure.truth(prepared.bronze, prepared.moment(as_of))
                wrong += [f"{as_of} {figure.name}: {d}" for d in figure.differences(truth, gold, day.connection)]
    assert wrong == []


def test_a_cent_a_count_and_a_row_are_seen() -> None:
    """The comparison itself: one frame against copies with one thing changed."""
    truth = pl.DataFrame({"key": ["a", "b"], "amount": [100.0, 0.0], "count": [3, 0], "rate": [0.5, None]})
    assert differences(truth, truth, ["key"]) == []
    for name, values in {"amount": [100.01, 0.0], "count": [3, 1], "rate": [0.5, 0.0]}.items():
        found = differences(truth, truth.with_columns(pl.Series(name, values)), ["key"])
        assert len(found) == 1
        assert found[0].startswith(f"{name}: 1 of 2 rows differ")
    assert differences(truth, truth.head(1), ["key"]) == ["1 rows only in truth: [('b',)]"]
    assert differences(truth.head(1), truth, ["key"]) == ["1 rows only in gold: [('b',)]"]
