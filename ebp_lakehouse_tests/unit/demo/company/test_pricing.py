"""Arithmetic of the demo company: allocation, rounding and one hand-computed document."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ebp_lakehouse.demo.company import pricing


@given(
    st.lists(st.integers(-10_000_000, 10_000_000), min_size=1, max_size=30),
    st.integers(-1_000_000, 1_000_000),
)
def test_largest_remainder_is_exact_and_each_part_within_one_cent(weights: list[int], total: int) -> None:
    weight = np.array(weights, dtype=np.int64)
    if weight.sum() == 0:
        return
    parts = pricing.largest_remainder(np.array([total]), weight, np.zeros(len(weight), dtype=np.int64))
    assert parts.sum() == total
    for part, share in zip(parts.tolist(), weights, strict=True):
        assert abs(part * int(weight.sum()) - total * share) < abs(int(weight.sum()))


@given(st.integers(-(10**12), 10**12), st.integers(1, 20_000))
def test_rounding_is_half_away_from_zero(numerator: int, denominator: int) -> None:
    got = int(pricing.round_half_away(np.array([numerator]), denominator)[0])
    sign = -1 if numerator < 0 else 1
    assert got == sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def test_one_document_computed_by_hand() -> None:
    """3 x 19.99 - 10 % - 5 % at 20 %, 1.5 h x 50.00 at 10 % (no footer), footer 2 %, shipping 9.90, escompte 1 %.

    19.99 x 0.9 x 0.95 = 17.0915 -> 17.09; x 3 = 51.27. 1.5 x 50 = 75.00. Gross 126.27.
    Footer 2 % of 51.27 = 1.0254 -> 1.03; net 125.24; with shipping 135.14.
    Escompte 1 % of 135.14 = 1.3514 -> 1.35, of which shipping 0.10 and lines 1.25: 50.24 -> 0.50, 75.00 -> 0.75.
    VAT 20 % of 49.74 + 9.80 = 59.54 -> 11.91; 10 % of 74.25 -> 7.43 (7.425). TTC = 135.14 - 1.35 + 19.34 = 153.13.
    """
    zero = np.zeros(2, dtype=np.int64)
    lines = pricing.LineInputs(
        document=zero,
        quantity=np.array([3000, 1500]),
        price=np.array([1999, 5000]),
        discounts=(np.array([1000, 0]), np.array([500, 0]), zero),
        vat=np.array([0, 1]),
        cost=np.array([1000, 3000]),
        counted=np.array([True, True]),
        is_service=np.array([False, True]),
        excluded_from_footer=np.array([False, True]),
        excluded_from_financial=np.array([False, False]),
        ecotax=zero,
    )
    one = np.zeros(1, dtype=np.int64)
    documents = pricing.DocumentInputs(
        footer_bp=np.array([200]),
        footer_amount=np.array([0]),
        financial_bp=np.array([100]),
        shipping=np.array([990]),
        shipping_vat=one,
        shipping_without_financial=np.array([False]),
        charges=one,
        charges_vat=one,
        price_with_tax=np.array([False]),
    )
    line, header = pricing.price(lines, documents)
    assert line.net.tolist() == [5127, 7500]
    assert line.net_discounted.tolist() == [5024, 7500]
    assert line.net_final.tolist() == [4974, 7425]
    assert (header.gross[0], header.footer[0], header.total[0], header.financial[0]) == (12627, 103, 13514, 135)
    assert header.vat[0].tolist() == [1191, 743, 0, 0, 0, 0]
    assert header.total_ttc[0] == 15313
    assert header.vat_collection[0].tolist() == [0, 743, 0, 0, 0, 0]
    assert header.cost[0] == 3000 + 4500
