"""Simulated days on a real PostgreSQL: counts are exact, documents stay coherent, one commit is late."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.create import create_company
from ebp_lakehouse.demo.load import load
from ebp_lakehouse.demo.schema import create_schema
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.demo.simulate import simulate
from ebp_lakehouse.errors import DemoError
from ebp_lakehouse.source.reference_schema import reference

AS_OF = date(2025, 10, 23)
OPTIONS = CompanyOptions(with_incidents=True)
State = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("simulated")) as server:
        create_schema(server.url)
        load(server.url, iter(generate(0.02, 1, AS_OF, OPTIONS).items()))
        yield server.url


def state(dsn: str) -> State:
    """MD5 of every row by key, of the tables that the simulation may touch."""
    with psycopg.connect(dsn) as connection:
        keys = {
            t: ", '/', ".join(f'"{name}"' for name in reference()[t].key) for t in generate(0.02, 1, AS_OF, OPTIONS)
        }
        return {
            t: dict(connection.execute(f'SELECT concat({key}), md5(t::text) FROM "{t}" t').fetchall())
            for t, key in keys.items()
        }  # type: ignore[arg-type]


def planted_rows(dsn: str, table: str) -> dict[str, str]:
    """MD5 of each row of a table by its key; of a document, with its extension, lines and instalments."""
    parts = ", '/', ".join(f'"{name}"' for name in reference()[table].key)
    own = "t::text"
    kind = table.removesuffix("Document")
    if table in ("SaleDocument", "PurchaseDocument"):
        for child, column in (("DocumentEx", "Id"), ("DocumentLine", "DocumentId"), ("Commitment", "DocumentId")):
            own += f""" || coalesce((SELECT string_agg(c::text, '|' ORDER BY c."Id") FROM "{kind}{child}" c
                WHERE c."{column}" = t."Id"), '')"""
    with psycopg.connect(dsn) as connection:
        return dict(connection.execute(f'SELECT concat({parts}), md5({own}) FROM "{table}" t').fetchall())  # type: ignore[arg-type]


def test_the_ground_truth_stays_true(tmp_path: Path) -> None:
    """Whatever the days did: keys of a case are rows as they were planted; the others are told, and are not lost."""
    file = tmp_path / "ground-truth.json"
    with EmbeddedPostgres(tmp_path / "lived") as server:
        create_company(server.url, 0.02, 1, AS_OF, options=OPTIONS, truth_file=file)
        before = json.loads(file.read_text())["cases"]
        tables = {case["table"] for case in before}
        planted = {table: planted_rows(server.url, table) for table in tables}
        codes: dict[str, str] = {}
        for seed in (5, 6):  # a second session goes on from the file of the first
            with psycopg.connect(server.url) as connection:
                people = dict(connection.execute('SELECT "UniqueId"::text, "Id" FROM "Customer"').fetchall())
            summary = simulate(server.url, 12, seed=seed, truth_file=file)
            with psycopg.connect(server.url) as connection:
                now = dict(connection.execute('SELECT "UniqueId"::text, "Id" FROM "Customer"').fetchall())
            codes |= {old: now[who] for who, old in people.items() if now[who] != old}
        lived = {table: planted_rows(server.url, table) for table in tables}
        told = json.loads(file.read_text())
    assert told["company"]["lived_until"] == summary.last_day.isoformat()
    moved = 0
    for was, case in zip(before, told["cases"], strict=True):
        table, name = case["table"], case["case"]
        renamed = codes if table == "Customer" else {}
        followed = ["/".join(renamed.get(part, part) for part in key.split("/")) for key in was["keys"]]
        assert sorted(case["keys"] + case["changed"] + case["gone"]) == sorted(set(followed)), name
        assert case["count"] == len(case["keys"])
        pairs = len(reference()[table].key) == 1  # two rows named together
        rows = {key: key.split("/") if pairs else [key] for key in case["keys"] + case["changed"] + case["gone"]}
        kept = [row for key in case["keys"] for row in rows[key]]
        assert [lived[table][row] for row in kept] == [planted[table][row] for row in kept], name
        assert all(row in lived[table] for key in case["changed"] for row in rows[key]), name
        assert all(any(row not in lived[table] for row in rows[key]) for key in case["gone"]), name
        moved += len(case["changed"]) + len(case["gone"])
    assert moved > 0, "these days would leave every planted row alone"
    assert codes
    assert set(told["parameters"]["customer"]) >= set(codes.values())
    assert not set(told["parameters"]["customer"]) & set(codes)


def one(dsn: str, statement: str, *values: Any) -> Any:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(statement, values).fetchone()  # type: ignore[call-overload]
        return row[0] if row else None


def test_counts_are_exactly_what_changed(dsn: str) -> None:
    before = state(dsn)
    summary = simulate(dsn, 12, seed=5)
    after = state(dsn)
    new = {t: len(after[t].keys() - before[t].keys()) for t in after}
    gone = {t: len(before[t].keys() - after[t].keys()) for t in after}
    changed = {t: sum(before[t][k] != after[t][k] for k in before[t].keys() & after[t].keys()) for t in after}
    assert {t: n for t, n in new.items() if n} == summary.inserted
    assert {t: n for t, n in gone.items() if n} == summary.deleted
    assert {t: n for t, n in changed.items() if n} == summary.updated
    assert {"SaleDocument", "SaleDocumentEx", "SaleDocumentLine"} <= set(summary.deleted)
    assert summary.first_day > AS_OF


FIELD = """ "LineType" = 0 AND NOT "IsScheduleException" AND trim("CustomerId") <> '' """


def test_the_field_lives_too(dsn: str) -> None:
    """Twenty days: appointments are made, done, moved, cancelled and deleted; the rest of the field moves with them."""
    with psycopg.connect(dsn) as connection:
        query = 'SELECT "Id"::text, "EventState", "StartDateTime" FROM "ScheduleEvent"'
        before = {key: (event, start) for key, event, start in connection.execute(query)}
        number = one(dsn, 'SELECT max("ScheduleEventNumber") FROM "ScheduleEvent"')
    summary = simulate(dsn, 20, seed=9)
    with psycopg.connect(dsn) as connection:
        after = {key: (event, start) for key, event, start in connection.execute(query)}
    kept = before.keys() & after.keys()
    moved = {key for key in kept if before[key][1] != after[key][1]}
    closed = {key for key in kept if before[key][0] == 0 and after[key][0] in (2, 3)}
    assert len(before.keys() - after.keys()) == summary.deleted.get("ScheduleEvent", 0) > 0
    assert len(after.keys() - before.keys()) == summary.inserted["ScheduleEvent"] > 20
    assert moved
    assert closed
    for name in ("appointment made", "appointment moved", "appointment deleted", "appointments closed", "call noted",
                 "activities written by EBP", "incident opened", "incident resolved"):  # fmt: skip
        assert summary.events[name] > 0, name
    # Nobody is sent to two places at once by an appointment made today, unless all his hours were taken.
    none_broken = {
        "states": f'SELECT count(*) FROM "ScheduleEvent" WHERE {FIELD} AND "EventState" NOT IN (0, 2, 3, 9)',
        "done before its day": f"""SELECT count(*) FROM "ScheduleEvent" WHERE {FIELD} AND "EventState" = 2 AND
            "ScheduleEventNumber" > '{number}' AND "EndDateTime"::date > "sysModifiedDate"::date""",
        "numbers twice": 'SELECT count(*) - count(DISTINCT "ScheduleEventNumber") FROM "ScheduleEvent"',
        "documents without a note": """SELECT count(*) FROM "SaleDocument" d WHERE d."sysCreatedDate" > %s AND
            d."DocumentNumber" <> %s AND NOT EXISTS (SELECT 1 FROM "Activity" a WHERE a."SaleDocumentId" = d."Id")""",
        "renewed backwards": 'SELECT count(*) FROM "MaintenanceContract" WHERE "LastRenewalDate" >= "EndDate"',
        "incident without product": """SELECT count(*) FROM "Incident" i WHERE NOT EXISTS (SELECT 1 FROM
            "IncidentCustomerProduct" p WHERE p."IncidentId" = i."Id")""",
        "resolved before it began": 'SELECT count(*) FROM "Incident" WHERE "EndDate" < "StartDate"',
    }  # fmt: skip
    for name, query in none_broken.items():
        values = (summary.first_day, summary.late_document) if "%s" in query else ()
        assert one(dsn, query, *values) == 0, name


def test_the_same_seed_lives_the_same_field_days(tmp_path: Path) -> None:
    """Two copies of one company, one seed: the same appointments, whatever their uuids' order."""
    found = []
    for n in range(2):
        with EmbeddedPostgres(tmp_path / f"copy{n}") as server:
            create_schema(server.url)
            load(server.url, iter(generate(0.02, 1, AS_OF, OPTIONS).items()))
            simulate(server.url, 4, seed=3)
            found.append(
                one(server.url, """SELECT md5(string_agg(t::text, '|' ORDER BY "Id")) FROM "ScheduleEvent" t""")
            )
    assert found[0] == found[1]


def test_purchases_and_stock_live_on(dsn: str) -> None:
    """Orders, receipts, invoices and payments happen; running stock adds up; a late paper rewrote what followed it."""
    before = {t: one(dsn, f'SELECT count(*) FROM "{t}"') for t in ("PurchaseDocument", "PurchaseSettlement")}
    wrong = """SELECT count(*) FROM "StockItem" s LEFT JOIN (SELECT "ItemId", "StorehouseId", sum("Quantity") q
        FROM "StockMovement" GROUP BY 1, 2) m USING ("ItemId", "StorehouseId") WHERE s."RealStock" <> coalesce(m.q, 0)"""
    planted = one(dsn, wrong)
    summary = simulate(dsn, 15, seed=11)
    for event in ("supplier order", "goods received", "supplier invoice", "goods issued", "movement typed late"):
        assert summary.events[event] > 0, event
    assert {"supplier payments", "customer renamed", "table reloaded"} <= set(summary.events)
    assert all(one(dsn, f'SELECT count(*) FROM "{t}"') > rows for t, rows in before.items())
    broken = {
        "stock": wrong,
        "running": """SELECT count(*) FROM (SELECT "RealStock", sum("Quantity") OVER (PARTITION BY "ItemId", "StorehouseId"
            ORDER BY "DocumentDate", "DocumentOrder") s FROM "StockMovement") t WHERE "RealStock" <> s""",
        "value": """SELECT count(*) FROM "StockMovement" WHERE abs("StockValue" - "RealStock" * "Pump") > 0.011""",
        "items": """SELECT count(*) FROM "Item" i JOIN (SELECT "ItemId", sum("RealStock") r, sum("SuppliersOrderedQuantity") o
            FROM "StockItem" GROUP BY 1) s ON s."ItemId" = i."Id"
            WHERE s.r <> i."RealStock" OR s.o <> i."SuppliersOrderedQuantity" """,
        "payables": """SELECT count(*) FROM "PurchaseDocument" d JOIN (SELECT "DocumentId", sum("BalanceDue") b
            FROM "PurchaseCommitment" GROUP BY 1) c ON c."DocumentId" = d."Id" WHERE c.b <> d."CommitmentsBalanceDue" """,
    }
    assert {name: one(dsn, query) for name, query in broken.items()} == dict.fromkeys(broken, 0) | {"stock": planted}
    late = one(
        dsn,
        """SELECT count(*) FROM "StockMovement" l WHERE l."sysCreatedDate" > l."DocumentDate" + interval '10 days'
           AND l."DocumentSubType" = 5 AND EXISTS (SELECT FROM "StockMovement" a WHERE a."ItemId" = l."ItemId"
           AND a."StorehouseId" = l."StorehouseId" AND a."DocumentDate" > l."DocumentDate"
           AND a."sysModifiedDate" >= l."sysCreatedDate")""",
    )
    assert late > 0
    renamed = one(dsn, """SELECT count(*) FROM "Customer" WHERE "Id" LIKE 'RLI%%'""")
    assert renamed >= summary.events["customer renamed"]


def test_the_fees_of_contracts_are_invoiced_on_their_day(dsn: str) -> None:
    """A contract that began a year before one of the days gets one invoice, at its fee; its totals follow."""
    with psycopg.connect(dsn) as connection:
        newest = one(dsn, 'SELECT max("sysModifiedDate")::date FROM "SaleDocument"')
        (contract, fee, total) = connection.execute(
            """UPDATE "MaintenanceContract" SET "StartDate" = %s, "TacitRenewal" = true, "CancellationDate" = NULL
               WHERE "Id" = (SELECT max(m."Id") FROM "MaintenanceContract" m JOIN "Customer" c
               ON c."Id" = coalesce(m."InvoicingCustomerId", m."CustomerId"))
               RETURNING "Id", "PredictedPeriodicInvoicingAmount", "TotalInvoiceAmountVatExcluded" """,
            [newest - timedelta(days=365 - 5)],
        ).fetchone()  # type: ignore[misc]
    summary = simulate(dsn, 8, seed=21)
    assert summary.events["contract invoices"] >= 1
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            """SELECT d."DocumentDate"::date, d."AmountVatExcludedWithDiscountAndShipping", c."UniqueId"
               FROM "SaleDocument" d JOIN "Customer" c ON c."Id" = d."CustomerId"
               WHERE d."MaintenanceContractId" = %s AND d."sysCreatedDate" >= %s""",
            [contract, summary.first_day],
        ).fetchall()
    assert [(amount, day >= newest + timedelta(days=5)) for day, amount, _ in rows] == [(fee, True)]
    told = one(dsn, 'SELECT "TotalInvoiceAmountVatExcluded" FROM "MaintenanceContract" WHERE "Id" = %s', contract)
    assert told == total + fee
    owner = one(
        dsn,
        """SELECT c."UniqueId" FROM "MaintenanceContract" m JOIN "Customer" c
           ON c."Id" = coalesce(m."InvoicingCustomerId", m."CustomerId") WHERE m."Id" = %s""",
        contract,
    )
    assert rows[0][2] == owner
    assert {name: one(dsn, query) for name, query in COHERENT.items()} == dict.fromkeys(COHERENT, 0)


COHERENT = {
    "lines": """SELECT count(*) FROM "SaleDocument" d LEFT JOIN (SELECT "DocumentId",
        sum("RealNetAmountVatExcludedWithDiscount") s FROM "SaleDocumentLine" WHERE "LineType" IN (2,3,10,11,12)
        AND "NomenclatureLevel" = 0 AND NOT "NotIncluded" GROUP BY 1) l ON l."DocumentId" = d."Id"
        WHERE l.s IS DISTINCT FROM d."AmountVatExcludedWithDiscount" """,
    "incl. VAT": """SELECT count(*) FROM "SaleDocument" WHERE "AmountVatIncluded" <>
        "AmountVatExcludedWithDiscountAndShipping" - "FinancialDiscountAmount" + "VatAmount" """,
    "instalments": """SELECT count(*) FROM "SaleDocument" d JOIN (SELECT "DocumentId",
        sum("BalanceDue") b, sum("Amount") a FROM "SaleCommitment" GROUP BY 1) c ON c."DocumentId" = d."Id"
        WHERE c.b <> d."CommitmentsBalanceDue" OR c.a <> d."TotalDueAmount" """,
    "extension": """SELECT count(*) FROM "SaleDocument" d FULL JOIN "SaleDocumentEx" e ON e."Id" = d."Id"
        WHERE d."Id" IS NULL OR e."Id" IS NULL""",
}


def test_documents_and_payments_stay_coherent(dsn: str) -> None:
    simulate(dsn, 5, seed=6)
    assert {name: one(dsn, query) for name, query in COHERENT.items()} == dict.fromkeys(COHERENT, 0)


def test_the_late_document_is_committed_after_the_others(dsn: str) -> None:
    """A reader at the last day sees later modifications before the early document appears."""
    seen: dict[str, Any] = {}

    def progress(_day: str, done: float) -> None:
        if done > 0.5 and "early" not in seen and done < 1:
            seen["early"] = True
            seen["newest"] = one(dsn, 'SELECT max("sysModifiedDate") FROM "SaleDocument"')
            seen["numbers"] = one(dsn, 'SELECT array_agg("DocumentNumber") FROM "SaleDocument"')

    summary = simulate(dsn, 4, seed=7, progress=progress)
    assert "early" in seen
    assert summary.late_document not in seen["numbers"]
    stamp = one(dsn, 'SELECT "sysModifiedDate" FROM "SaleDocument" WHERE "DocumentNumber" = %s', summary.late_document)
    assert stamp < seen["newest"]


def test_other_databases_are_refused(dsn: str) -> None:
    with pytest.raises(DemoError, match="1 or more"):
        simulate(dsn, 0)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute('UPDATE "Vat" SET "Description" = upper("Description")')
    with pytest.raises(DemoError, match="not a demo company"):
        simulate(dsn, 1)


UNUSED = {
    "orders": 'SELECT count(*) FROM "SaleDocument" WHERE "DocumentType" = 8',
    "extension_rows": 'SELECT (SELECT count(*) FROM "SaleDocumentEx") + (SELECT count(*) FROM "PurchaseDocumentEx")',
    "stock": """SELECT (SELECT count(*) FROM "StockMovement") + (SELECT count(*) FROM "StockItem")
        + (SELECT count(*) FROM "StockDocument") + (SELECT count(*) FROM "PurchaseDocumentLine" WHERE "ManageStock")
        + (SELECT count(*) FROM "SaleDocumentLine" WHERE "ManageStock") + (SELECT count(*) FROM "Item"
        WHERE "RealStock" <> 0 OR "VirtualStock" <> 0)""",
}


@pytest.mark.parametrize("unused", UNUSED)
def test_what_a_company_does_not_use_it_does_not_begin_to_use(unused: str, tmp_path: Path) -> None:
    """The variants live on too: what they lack stays away, what they have goes on."""
    options = CompanyOptions(**{unused: False})
    with EmbeddedPostgres(tmp_path) as server:
        create_company(server.url, 0.02, 1, AS_OF, options=options)
        assert one(server.url, UNUSED[unused]) == 0
        summary = simulate(server.url, 15, seed=5)
        assert one(server.url, UNUSED[unused]) == 0
        delivered = one(
            server.url,
            'SELECT count(*) FROM "SaleDocument" WHERE "DocumentType" = 6 AND "sysCreatedDate" >= %s',
            summary.first_day,
        )
        assert delivered > 0
        for event in ("document", "transfer", "payments", "supplier order", "goods received", "supplier invoice"):
            assert summary.events[event] > 0, event
        assert one(server.url, COHERENT["lines"]) == one(server.url, COHERENT["instalments"]) == 0
