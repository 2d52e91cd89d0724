"""Simulated days on a real PostgreSQL: counts are exact, documents stay coherent, one commit is late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
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


def test_documents_and_payments_stay_coherent(dsn: str) -> None:
    simulate(dsn, 5, seed=6)
    broken = {
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
    assert {name: one(dsn, query) for name, query in broken.items()} == dict.fromkeys(broken, 0)


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
