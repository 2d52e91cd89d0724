"""Prices of sale documents, in integer cents: line nets, footer and financial discounts, VAT, header totals.

The arithmetic of ``SaleDocument`` and ``SaleDocumentLine`` lives here and only here: the generator and the simulated
days both call ``price``. Nothing here draws random numbers or knows column names.

Identities that hold by construction (all in cents, per document):
gross - footer discount = net; net + shipping + charges + eco-contribution = total;
total - financial discount + VAT = incl. VAT; sum of counted lines after footer discount = net.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebp_lakehouse.demo.company.primitives import Bool, Int

# Sale VAT rates in basis points, in the order of ``masters.SALE_VATS``: the index is the "VAT slot" of a line.
# The last two are both 0 %: exempt in France, and export or intra-EU delivery.
RATES_BP: Int = np.array([2000, 1000, 550, 210, 0, 0], dtype=np.int64)
COUNTED_LINE_TYPES = (2, 3, 10, 11, 12)


@dataclass(frozen=True)
class LineInputs:
    """What the seller typed on each line. ``quantity`` in thousandths, ``price`` in cents HT, discounts in 1/10 000."""

    document: Int
    quantity: Int
    price: Int
    discounts: tuple[Int, Int, Int]
    vat: Int
    cost: Int
    counted: Bool
    is_service: Bool
    excluded_from_footer: Bool
    excluded_from_financial: Bool
    ecotax: Int


@dataclass(frozen=True)
class DocumentInputs:
    """What the seller typed at the foot of each document. Rates in basis points, amounts in cents (signed).

    A discount typed as ``footer_amount`` takes the place of the one by rate.
    """

    footer_bp: Int
    footer_amount: Int
    financial_bp: Int
    shipping: Int
    shipping_vat: Int
    shipping_without_financial: Bool
    charges: Int
    charges_vat: Int
    price_with_tax: Bool


@dataclass(frozen=True)
class LineAmounts:
    """Cents of each line: unit prices, then HT and TTC before footer, after footer, after financial discount."""

    price_ttc: Int
    net_price: Int
    net_price_ttc: Int
    net: Int
    net_ttc: Int
    net_discounted: Int
    net_discounted_ttc: Int
    net_final: Int
    net_final_ttc: Int
    cost: Int


@dataclass(frozen=True)
class DocumentAmounts:
    """Cents of each header; ``base`` and ``vat`` are documents x slots, ``vat_collection`` the part due on payment."""

    gross: Int
    footer: Int
    net: Int
    shipping: Int
    charges: Int
    ecotax: Int
    ecotax_vat: Int
    total: Int
    financial: Int
    vat_amount: Int
    total_ttc: Int
    cost: Int
    base: Int
    vat: Int
    vat_collection: Int
    used: Bool


def round_half_away(numerator: Int, denominator: Int | int) -> Int:
    """Integer division rounded half away from zero (French commercial rounding)."""
    magnitude = (2 * np.abs(numerator) + np.abs(denominator)) // (2 * np.abs(denominator))
    return np.asarray(np.sign(numerator) * np.sign(denominator) * magnitude, dtype=np.int64)


def sum_by(group: Int, values: Int, size: int) -> Int:
    """Integer sums per group; exact below 2**53."""
    return np.rint(np.bincount(group, weights=values, minlength=size)).astype(np.int64)


def largest_remainder(total: Int, weight: Int, group: Int) -> Int:
    """Split ``total[g]`` over the rows of each group in proportion to ``weight``, exactly, each part within one cent.

    A group whose weights sum to 0 receives nothing (its total must be 0). Weights of mixed sign are allowed.
    """
    weights = sum_by(group, weight, len(total))[group]
    numerator = total[group] * weight * np.sign(weights)
    denominator = np.where(weights == 0, 1, np.abs(weights))
    numerator = np.where(weights == 0, 0, numerator)
    part = numerator // denominator
    remainder = numerator - part * denominator
    missing = (np.where(weights == 0, 0, total[group]) - sum_by(group, part, len(total))[group]).astype(np.int64)
    by = np.lexsort((np.arange(len(group)), -remainder / denominator, group))
    sorted_group = group[by]
    index = np.arange(len(group))
    first = np.r_[True, sorted_group[1:] != sorted_group[:-1]] if len(group) else np.zeros(0, dtype=bool)
    rank = np.empty(len(group), dtype=np.int64)
    rank[by] = index - np.maximum.accumulate(np.where(first, index, 0))
    return np.asarray(part + (rank < missing), dtype=np.int64)


def discounted(price: Int, discounts: tuple[Int, Int, Int]) -> Int:
    """Unit price after discounts in cascade, rounded to the cent once at the end (1/100 cent in between)."""
    fine = price * 100
    for rate in discounts:
        fine = round_half_away(fine * (10_000 - rate), 10_000)
    return round_half_away(fine, 100)


def with_tax(amount: Int, vat: Int) -> Int:
    """Amount including VAT, rounded to the cent."""
    return round_half_away(amount * (10_000 + RATES_BP[vat]), 10_000)


def price(lines: LineInputs, documents: DocumentInputs) -> tuple[LineAmounts, DocumentAmounts]:
    """Price every line and every header. Sizes up to some 10**15 cents stay exact."""
    size, slots = len(documents.footer_bp), len(RATES_BP)
    doc, vat = lines.document, lines.vat
    cell = doc * slots + vat
    ttc_entry = documents.price_with_tax[doc]

    price_ttc = with_tax(lines.price, vat)
    net_price = discounted(lines.price, lines.discounts)
    net_price_ttc = np.where(ttc_entry, discounted(price_ttc, lines.discounts), with_tax(net_price, vat))
    net_ttc_entry = round_half_away(lines.quantity * net_price_ttc, 1000)
    net = np.where(
        ttc_entry,
        round_half_away(net_ttc_entry * 10_000, 10_000 + RATES_BP[vat]),
        round_half_away(lines.quantity * net_price, 1000),
    )

    # Documents typed with tax: the TTC side is exact per rate, HT is what remains and is shared over the lines.
    typed_ttc = np.where(ttc_entry & lines.counted, net_ttc_entry, 0)
    ttc_by_cell = sum_by(cell, typed_ttc, size * slots)
    rate_by_cell = np.tile(RATES_BP, size)
    ht_by_cell = ttc_by_cell - round_half_away(ttc_by_cell * rate_by_cell, 10_000 + rate_by_cell)
    shared = largest_remainder(ht_by_cell, typed_ttc, cell)
    shareable = sum_by(cell, typed_ttc, size * slots)[cell] != 0
    net = np.where(ttc_entry & lines.counted, np.where(shareable, shared, 0), net).astype(np.int64)
    net_ttc = np.where(ttc_entry, net_ttc_entry, with_tax(net, vat)).astype(np.int64)

    counted_net = np.where(lines.counted, net, 0)
    gross = sum_by(doc, counted_net, size)
    footer_base = np.where(lines.excluded_from_footer, 0, counted_net)
    by_rate_off = round_half_away(sum_by(doc, footer_base, size) * documents.footer_bp, 10_000)
    footer = np.where(documents.footer_amount != 0, documents.footer_amount, by_rate_off)
    net_discounted = net - largest_remainder(footer, footer_base, doc)

    ecotax = sum_by(doc, np.where(lines.counted, lines.ecotax, 0), size)
    financial_base = np.where(lines.counted & ~lines.excluded_from_financial, net_discounted, 0)
    on_shipping = np.where(documents.shipping_without_financial, 0, documents.shipping)
    financial = round_half_away((sum_by(doc, financial_base, size) + on_shipping) * documents.financial_bp, 10_000)
    # The shipping takes its own rounded part; what is left is shared over the lines.
    of_shipping = round_half_away(on_shipping * documents.financial_bp, 10_000)
    has_base = sum_by(doc, financial_base, size) != 0
    of_shipping = np.where(has_base, of_shipping, financial)
    net_final = net_discounted - largest_remainder(financial - of_shipping, financial_base, doc)

    base = sum_by(cell, np.where(lines.counted, net_final + lines.ecotax, 0), size * slots).reshape(size, slots)
    used = np.bincount(cell, weights=lines.counted, minlength=size * slots).reshape(size, slots) > 0
    every = np.arange(size)
    base[every, documents.shipping_vat] += documents.shipping - of_shipping
    used[every, documents.shipping_vat] |= documents.shipping != 0
    base[every, documents.charges_vat] += documents.charges
    used[every, documents.charges_vat] |= documents.charges != 0
    by_rate = round_half_away(base * RATES_BP, 10_000)
    by_ttc = (ttc_by_cell - ht_by_cell).reshape(size, slots)
    vat_by_rate = np.where(documents.price_with_tax[:, None], by_ttc, by_rate)

    services = np.where(lines.counted & lines.is_service, net_final, 0)
    service_base = sum_by(cell, services, size * slots).reshape(size, slots)
    safe_base = np.where(base == 0, 1, base)
    collection = np.where(base == 0, 0, round_half_away(vat_by_rate * service_base, safe_base))

    total = gross - footer + documents.shipping + documents.charges + ecotax
    vat_amount = vat_by_rate.sum(axis=1)
    line_cost = round_half_away(lines.quantity * lines.cost, 1000)
    return (
        LineAmounts(
            price_ttc=price_ttc,
            net_price=net_price,
            net_price_ttc=net_price_ttc.astype(np.int64),
            net=net,
            net_ttc=net_ttc,
            net_discounted=net_discounted,
            net_discounted_ttc=np.where(ttc_entry, net_ttc, with_tax(net_discounted, vat)),
            net_final=net_final,
            net_final_ttc=np.where(ttc_entry, net_ttc, with_tax(net_final, vat)),
            cost=line_cost,
        ),
        DocumentAmounts(
            gross=gross,
            footer=footer,
            net=gross - footer,
            shipping=documents.shipping,
            charges=documents.charges,
            ecotax=ecotax,
            ecotax_vat=round_half_away(ecotax * RATES_BP[0], 10_000),
            total=total,
            financial=financial,
            vat_amount=vat_amount,
            total_ttc=total - financial + vat_amount,
            cost=sum_by(doc, np.where(lines.counted, line_cost, 0), size),
            base=base,
            vat=vat_by_rate,
            vat_collection=collection,
            used=used,
        ),
    )
