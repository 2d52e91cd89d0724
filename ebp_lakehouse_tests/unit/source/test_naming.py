"""Names in the lake: safe for stores, Dagster and DuckDB; deterministic; never two tables or columns under one name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebp_lakehouse.source.naming import ASSET, asset_names, column_names, original_name, snake_case


@pytest.mark.parametrize(
    ("name", "asset"),
    [
        ("SaleDocumentEx", "sale_document_ex"),
        ("EbpSysAutoIncrement", "ebp_sys_auto_increment"),
        ("VATRate", "vat_rate"),
        ("order_items", "order_items"),
        ("Élève d'été", "eleve_d_ete"),
        ("2026", "t_2026"),
        ("🧾", "t"),
        ("__x__", "x"),
    ],
)
def test_snake_case(name: str, asset: str) -> None:
    assert snake_case(name) == asset


NAMES = st.one_of(
    st.text(min_size=1, max_size=63), st.sampled_from(["Sale", "sale", "SALE", "sale_current", "Sale ", "x"])
)


@given(st.sets(NAMES, max_size=8), st.sets(st.sampled_from(["sale", "x"])), st.randoms())
def test_assets_are_safe_distinct_and_do_not_depend_on_the_order(
    names: set[str], taken: set[str], random_: object
) -> None:
    made = asset_names(names, taken)
    shuffled = list(names)
    random_.shuffle(shuffled)  # type: ignore[attr-defined]
    assert asset_names(shuffled, taken) == made
    assert len(set(made.values())) == len(names)
    assert not taken & set(made.values())
    assert all(re.match(ASSET, asset) for asset in made.values())
    views = set(made.values()) | {f"{asset}_current" for asset in made.values()}
    assert len(views) == 2 * len(made)


COLUMNS = st.lists(
    st.one_of(
        st.sampled_from(["a", "A", "é", "É", "_bronze_x", "_BRONZE_x", "source_bronze_x"]), st.text("ab_", min_size=1)
    ),
    unique=True,
    max_size=8,
)


@given(COLUMNS, st.integers(0, 7))
def test_columns_are_told_apart_and_keep_their_names_when_others_go(names: list[str], gone: int) -> None:
    numbered = list(enumerate(names, 1))
    made = column_names(numbered)
    assert set(made) == set(names)
    assert len({lake.casefold() for lake in made.values()}) == len(names)
    assert not any(lake.casefold().startswith("_bronze_") for lake in made.values())
    assert all(original_name(lake) == name for name, lake in made.items() if not name.startswith("source_bronze"))
    left = [column for column in numbered if column[0] != gone]
    assert column_names(left, made.values()) == {name: made[name] for _, name in left}
