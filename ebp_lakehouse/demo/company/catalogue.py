"""The masters of an existing demo database in the arrays the renderers expect, and stored documents as skeletons.

The simulated days start here: the source is the only memory, nothing of the simulation is stored elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, LiteralString

import numpy as np
import polars as pl
import psycopg

from ebp_lakehouse.demo.company import masters as small
from ebp_lakehouse.demo.company.customers import Customers
from ebp_lakehouse.demo.company.items import Items
from ebp_lakehouse.demo.company.masters import Masters
from ebp_lakehouse.demo.company.pricing import COUNTED_LINE_TYPES
from ebp_lakehouse.demo.company.primitives import Int
from ebp_lakehouse.demo.company.skeleton import Skeleton
from ebp_lakehouse.errors import DemoError

ADDRESS = ("Address1", "ZipCode", "City", "CountryIsoCode", "CodeINSEE")


@dataclass(frozen=True)
class Catalogue:
    """Customers, items and small masters as they are now, and what the recent business looks like."""

    customers: Customers
    items: Items
    masters: Masters
    payer: Int
    documents_a_day: float
    credit_sign: int
    orders: bool  # whether the company uses customer orders

    def vat_slot(self, vat_id: str | None) -> int:
        """The VAT slot of a stored VAT id; the normal rate for an id that the demo does not sell with."""
        ids = self.masters.vat_ids.to_list()
        return ids.index(vat_id) if vat_id in ids else 0


def scaled(value: Decimal | None, digits: int = 2) -> int:
    """A stored decimal as an integer count of 10**-digits."""
    return int(((value or Decimal(0)) * 10**digits).to_integral_value())


def _query(connection: psycopg.Connection[Any], statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
    return connection.execute(statement, values).fetchall()


def read(connection: psycopg.Connection[Any]) -> Catalogue:
    """Read the demo's masters; ``DemoError`` when this is not a demo company."""
    return Catalogue(
        customers=(people := _customers(connection)),
        items=_items(connection, masters := _masters(connection)),
        masters=masters,
        payer=_payers(connection, people),
        documents_a_day=_rhythm(connection),
        credit_sign=_credit_sign(connection),
        orders=bool(_query(connection, 'SELECT FROM "SaleDocument" WHERE "DocumentType" = 8 LIMIT 1')),
    )


def _masters(connection: psycopg.Connection[Any]) -> Masters:
    vats = {
        label: (key, territory)
        for key, territory, label in _query(
            connection, 'SELECT "Id"::text, "TerritorialityId"::text, "Description" FROM "Vat"'
        )
    }
    wanted = [label for _, label, _ in small.SALE_VATS]
    missing = [label for label in wanted if label not in vats]
    if missing:
        raise DemoError(
            f"This database is not a demo company: table Vat has no row described {missing[0]!r}. Only a database made"
            " by `ebp-lakehouse demo` can be simulated; a real EBP is never written to."
        )
    storehouses = [
        row[0] for row in _query(connection, 'SELECT "Id"::text FROM "Storehouse" ORDER BY "Main" DESC, "Id"')
    ]
    colleagues = [
        row[0]
        for row in _query(
            connection, 'SELECT "Id" FROM "Colleague" WHERE "IsSalesperson" AND "ActiveState" = 0 ORDER BY "Id"'
        )
    ]
    return Masters(
        frames={},
        vat_ids=pl.Series([vats[label][0] for label in wanted], dtype=pl.String),
        territory_id=vats[wanted[0]][1],
        storehouse_ids=pl.Series(storehouses, dtype=pl.String),
        group_ids=pl.Series([], dtype=pl.String),
        colleague_codes=colleagues,
        colleague_active=np.ones(len(colleagues), dtype=bool),
        term_codes=[t[0] for t in small.TERMS],
    )


def _customers(connection: psycopg.Connection[Any]) -> Customers:
    names = [
        "Id",
        "Name",
        "Civility",
        "SettlementModeId",
        *(f"Main{role}Address_{f}" for role in ("Invoicing", "Delivery") for f in ADDRESS),
    ]
    selected = ", ".join(f'c."{name}"' for name in names)
    rows = connection.execute(
        f'SELECT {selected}, c."NaturalPerson", c."ActiveState", coalesce(n.documents, 0) FROM "Customer" c LEFT JOIN'
        ' (SELECT upper(trim("CustomerId")) AS code, count(*) AS documents FROM "SaleDocument" GROUP BY 1) n'
        ' ON n.code = upper(trim(c."Id")) ORDER BY c."Id"'
    ).fetchall()
    if not rows:
        raise DemoError("This database has no customers: create the demo company first.")
    frame = pl.DataFrame([row[: len(names)] for row in rows], schema=dict.fromkeys(names, pl.String), orient="row")
    count = len(rows)
    zeros, never = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool)
    codes = [t[0] for t in small.TERMS]
    terms = frame["SettlementModeId"].to_list()
    active = np.array([row[-2] == 0 for row in rows])
    return Customers(
        frame=frame,
        contacts=pl.DataFrame(),
        # Those who bought much will buy again; anybody active may.
        weight=np.where(active, np.array([float(row[-1]) for row in rows]) + 0.5, 0.0),
        first_day=zeros,
        last_day=zeros,
        pause_start=zeros,
        trend=np.ones(count),
        regular=never,
        prospect=never,
        grouped=never,
        price_with_tax=never,
        individual=np.array([bool(row[-3]) for row in rows]),
        export=np.array([c == "BE" for c in frame["MainInvoicingAddress_CountryIsoCode"].to_list()]),
        salesperson=np.arange(count, dtype=np.int64) % 7,
        former=frame,
        moved_on=zeros,
        term=np.array([codes.index(t) if t in codes else 2 for t in terms], dtype=np.int64),
    )


def _items(connection: psycopg.Connection[Any], masters: Masters) -> Items:
    rows = _query(
        connection,
        'SELECT "Id", "Caption", "SalePriceVatExcluded", "CostPrice", "PurchasePrice", "VatId"::text, "UnitId",'
        ' "ManageStock", "SupplierId" FROM "Item" WHERE "ActiveState" = 0 AND "Id" NOT LIKE %s ORDER BY "Id"',
        "PACK%",
    )
    if not rows:
        raise DemoError("This database has no active items: create the demo company first.")
    prefixes = ("ART", "SRV", "MO", "DEP")
    units, vats = [u[0] for u in small.UNITS], masters.vat_ids.to_list()

    def numbers(values: list[int]) -> Int:
        return np.array(values, dtype=np.int64)

    none = numbers([])
    return Items(
        frame=pl.DataFrame(), components=pl.DataFrame(), supplier_items=pl.DataFrame(), references=pl.DataFrame(),
        codes=[r[0] for r in rows],
        captions=[r[1] for r in rows],
        kind=numbers([next((n for n, p in enumerate(prefixes) if r[0].startswith(p)), 0) for r in rows]),
        price=numbers([scaled(r[2]) for r in rows]),
        cost=numbers([scaled(r[3]) for r in rows]),
        purchase=numbers([scaled(r[4]) for r in rows]),
        vat=numbers([vats.index(r[5]) if r[5] in vats else 0 for r in rows]),
        unit=numbers([units.index(r[6]) if r[6] in units else 0 for r in rows]),
        manage_stock=np.array([bool(r[7]) for r in rows]),
        weight=np.ones(len(rows)),
        first_day=none, last_day=none, ecotax=none,
        supplier=numbers([int(r[8][3:]) - 1 if r[8] and r[8][3:].isdigit() else 0 for r in rows]),
        part_bundle=none, part_item=none, part_level=none, part_parent=none, part_quantity=none,
    )  # fmt: skip


def _payers(connection: psycopg.Connection[Any], people: Customers) -> Int:
    place = {code: n for n, code in enumerate(people.frame["Id"].to_list())}
    payer = np.arange(people.count, dtype=np.int64)
    for code, other in _query(
        connection, 'SELECT "Id", "PaymentThirdId" FROM "Customer" WHERE "PaymentThirdId" IS NOT NULL'
    ):
        payer[place[code]] = place.get(other, place[code])
    return payer


def _rhythm(connection: psycopg.Connection[Any]) -> float:
    """Documents per business day over the year before the newest one that was modified."""
    (count,) = _query(
        connection,
        'SELECT count(*) FROM "SaleDocument" WHERE "DocumentDate" > (SELECT max("sysModifiedDate") FROM "SaleDocument")'
        " - interval '1 year'",
    )[0]
    return max(2.0, float(count) / 250)


def _credit_sign(connection: psycopg.Connection[Any]) -> int:
    (negative,) = _query(
        connection,
        'SELECT coalesce(avg(("AmountVatExcluded" < 0)::int), 1) FROM "SaleDocument" WHERE "DocumentType" = 3',
    )[0]
    return -1 if negative >= Decimal("0.5") else 1


@dataclass(frozen=True)
class StoredDocument:
    """One document of the source copied into a skeleton (its counted lines and components), and where it came from."""

    key: str
    lines: list[str]
    left: Int


def copy_document(
    connection: psycopg.Connection[Any], catalogue: Catalogue, sk: Skeleton, key: str, kind: int, day: int, left: str
) -> StoredDocument | None:
    """Add to ``sk`` a document of ``kind`` holding what is ``left`` of a stored one; None when nothing is.

    ``left`` names the quantity column to carry over: RealQuantity, RemainingQuantityToDeliver or …ToInvoice.
    """
    place = {code: n for n, code in enumerate(catalogue.customers.frame["Id"].to_list())}
    head = _query(
        connection,
        'SELECT upper(trim("CustomerId")), "DiscountRate", "FinancialDiscountRate", "ShippingAmountVatExcluded",'
        ' "ShippingVatId"::text, "ShippingNotSubjectToFinancialDiscount", "InvoicingChargesAmountVatExcluded",'
        ' "PriceWithTaxBased" FROM "SaleDocument" WHERE "Id" = %s',
        key,
    )[0]
    rows = connection.execute(
        'SELECT "Id"::text, "LineType", "NomenclatureLevel", "ParentLineId"::text, "TopParentLineId"::text,'
        ' trim("ItemId"), "Quantity", "RealQuantity", "SalePriceVatExcluded",'
        ' "Discounts0_UnitDiscountRate", "Discounts1_UnitDiscountRate",'
        ' "Discounts2_UnitDiscountRate", "VatId"::text, "CostPrice", "PurchasePrice", "ExcludedFromFootDiscount",'
        f' "ExcludedFromFinancialDiscount", "UnitEcotaxAmountVatExcluded", "{left}" FROM "SaleDocumentLine"'
        ' WHERE "DocumentId" = %s AND NOT "NotIncluded" AND "LineType" = ANY(%s) ORDER BY "LineOrder"',
        [key, list(COUNTED_LINE_TYPES)],
    ).fetchall()
    of_base = {r[0]: scaled(r[18], 3) for r in rows if r[2] == 0}
    whole = {r[0]: scaled(r[7], 3) for r in rows if r[2] == 0}
    kept = [r for r in rows if of_base.get(r[0] if r[2] == 0 else r[4], 0) != 0]
    if not kept or head[0] not in place:
        return None
    complete = of_base == whole
    (document,) = sk.documents.add(
        1,
        kind=kind,
        customer=place[head[0]],
        day=day,
        seller=catalogue.customers.salesperson[place[head[0]]],
        footer_bp=scaled(head[1]),
        financial_bp=scaled(head[2]),
        shipping=scaled(head[3]) if complete else 0,
        shipping_vat=catalogue.vat_slot(head[4]),
        shipping_no_financial=int(head[5]),
        charges=scaled(head[6]) if complete else 0,
        ttc=int(head[7]),
    )
    items = {code: n for n, code in enumerate(catalogue.items.codes)}
    quantity = [of_base[r[0]] if r[2] == 0 else scaled(r[6], 3) * of_base[r[4]] // 1000 for r in kept]
    first, position = sk.lines.size, {r[0]: n for n, r in enumerate(kept)}
    sk.lines.add(
        len(kept),
        document=document,
        order=np.arange(len(kept)),
        quantity=np.array(quantity),
        line_type=np.array([r[1] for r in kept]),
        level=np.array([r[2] for r in kept]),
        parent=np.array([first + position[r[3]] if r[3] in position else -1 for r in kept]),
        top=np.array([first + position[r[4]] if r[4] in position else -1 for r in kept]),
        item=np.array([items.get(r[5], -1) for r in kept]),
        unit_quantity=np.array([q if r[2] == 0 else scaled(r[6], 3) for q, r in zip(quantity, kept, strict=True)]),
        price=np.array([scaled(r[8]) for r in kept]),
        d0=np.array([scaled(r[9]) for r in kept]),
        d1=np.array([scaled(r[10]) for r in kept]),
        d2=np.array([scaled(r[11]) for r in kept]),
        vat=np.array([catalogue.vat_slot(r[12]) for r in kept]),
        cost=np.array([scaled(r[13]) for r in kept]),
        purchase=np.array([scaled(r[14]) for r in kept]),
        no_footer=np.array([int(r[15]) for r in kept]),
        no_financial=np.array([int(r[16]) for r in kept]),
        ecotax=np.array([scaled(r[17]) for r in kept]),
        text=np.array([-1 if r[5] in items else 0 for r in kept]),
    )
    return StoredDocument(key, [r[0] for r in kept], np.array(quantity, dtype=np.int64))
