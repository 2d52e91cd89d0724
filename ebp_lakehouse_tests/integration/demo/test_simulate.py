"""Simulated days on a real PostgreSQL: counts are exact, documents stay coherent, one commit is late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.load import load
from ebp_lakehouse.demo.schema import create_schema
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.demo.simulate import simulate
from ebp_lakehouse.errors import DemoError

AS_OF = date(2025, 10, 23)
State = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("simulated")) as server:
        create_schema(server.url)
        load(server.url, iter(generate(0.02, 1, AS_OF).items()))
        yield server.url


def state(dsn: str) -> State:
    """MD5 of every row by key, of the tables that the simulation may touch."""
    with psycopg.connect(dsn) as connection:
        tables = [t for t in generate(0.02, 1, AS_OF) if t != "Country"]
        return {t: dict(connection.execute(f'SELECT "Id"::text, md5(t::text) FROM "{t}" t').fetchall()) for t in tables}  # type: ignore[arg-type]


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
