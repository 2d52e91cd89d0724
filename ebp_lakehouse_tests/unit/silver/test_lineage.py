"""Column lineage: small statements worked out by hand, then the project's own SQL on a catalog without rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ebp_lakehouse.lake.views import BRONZE_DAY, BRONZE_METADATA
from ebp_lakehouse.orchestration.reporting import column_lineage
from ebp_lakehouse.silver import lineage as reading
from ebp_lakehouse.silver.contract import TableContract, contracts, enrichment_contracts
from ebp_lakehouse.silver.lineage import lineage
from ebp_lakehouse.silver.manifest import load_manifest
from ebp_lakehouse.silver.origins import KEPT, ColumnOrigins, column_origins
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT, declared_tables, write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import run_dbt

STG_LINE = """select cast("Id" as varchar) as line_id, "DocumentId" as document_id, "Net" as net, "Vat" as vat, "Place" as place
    from (select "Id", "DocumentId", "Net", "Vat", "Place" from "lake"."bronze"."line_current")"""
STG_DOCUMENT = """select "Id" as document_id, "Date" as day, nullif(trim("Customer"), '') as customer
    from "lake"."bronze"."document" where _bronze_valid_from <= timestamp '2026-01-01'"""
DIM = """select md5("Id") as customer_key, "Id" as customer_id from "lake"."bronze"."customer_current" """


def of(sql: str, **models: str) -> dict[str, set[str]]:
    """Column → origins as ``table.Column`` of a table ``t`` with this SQL; bronze/ is left out of the names."""
    compiled = {"stg_line": STG_LINE, "stg_document": STG_DOCUMENT, "dim": DIM, "t": sql} | models
    found = lineage(compiled, ["t"])["t"]
    return {
        column: {f"{asset.removeprefix('bronze/')}.{name}" for asset, name in origins}
        for column, origins in found.items()
    }


def test_a_join_through_models_and_ctes() -> None:
    assert of(
        """with lines as (select * from "scratch"."staging"."stg_line"), d as (from "scratch"."staging"."stg_document")
        select lines.line_id, day, net * 2 as double_net, d.customer || '/' || lines.document_id as label, 7 as seven
        from lines left join d on lines.document_id = d.document_id"""
    ) == {
        "line_id": {"line.Id"},
        "day": {"document.Date"},
        "double_net": {"line.Net"},
        "label": {"document.Customer", "line.DocumentId"},
    }  # seven comes from nowhere; the columns that rows are joined by are no origins


def test_a_published_model_ends_a_lineage() -> None:
    found = of(
        """select dim.customer_key, c.* from "scratch"."staging"."stg_document" as d
        join "scratch"."silver"."dim" as dim on dim.customer_id = d.customer
        left join (select * exclude (customer_key) from "scratch"."silver"."dim") as c using (customer_id)"""
    )
    assert found == {"customer_key": {"silver/dim.customer_key"}, "customer_id": {"silver/dim.customer_id"}}


def test_cases_windows_filters_and_aggregates() -> None:
    assert of(
        """select
            case when vat > 0 then net else 0 end as taxed,
            row_number() over (partition by document_id order by vat desc) as number,
            sum(net) filter (where place = 'Lyon') as in_lyon,
            count(*) as rows,
            taxed + 1 as more
        from "scratch"."staging"."stg_line" group by all qualify number = 1"""
    ) == {
        "taxed": {"line.Vat", "line.Net"},
        "number": {"line.DocumentId", "line.Vat"},
        "in_lyon": {"line.Net", "line.Place"},
        "more": {"line.Vat", "line.Net"},
    }


def test_unions_by_position_and_by_name() -> None:
    lines, documents = '"scratch"."staging"."stg_line"', '"scratch"."staging"."stg_document"'
    by_position = of(f"select line_id as id, net as x from {lines} union all select document_id, day from {documents}")
    assert by_position == {"id": {"line.Id", "document.Id"}, "x": {"line.Net", "document.Date"}}
    by_name = of(
        f"select net as x, line_id as id from {lines} union all by name select document_id as id, day from {documents}"
    )
    assert by_name == {"x": {"line.Net"}, "id": {"line.Id", "document.Id"}, "day": {"document.Date"}}


def test_stars_with_columns_left_out_replaced_and_renamed() -> None:
    assert of(
        """select * exclude (vat, line_id, document_id) replace (net + vat as net) rename (place as town)
        from "scratch"."staging"."stg_line" """
    ) == {"net": {"line.Net", "line.Vat"}, "town": {"line.Place"}}


def test_a_recursive_query_gathers_what_its_rows_become() -> None:
    assert of(
        """with recursive up(id, top) as (
            select line_id, place from "scratch"."staging"."stg_line"
            union
            select l.line_id, up.id from up join "scratch"."staging"."stg_line" as l on l.document_id = up.top
        )
        select id, top from up"""
    ) == {"id": {"line.Id"}, "top": {"line.Place", "line.Id"}}


def test_what_macros_of_this_project_expand_to() -> None:
    """Lambdas, comprehensions, structs, lists: their variables are not columns; fields of a column are that column's."""
    assert of(
        """with checked as (
            select
                line_id,
                list_filter(list_transform([net, vat], lambda each: each * 2), lambda each: each > 0) as amounts,
                [case when i % 2 = 1 then place[i] else '' end for i in range(1, 10)] as letters,
                {place: vat, 'raw': net} as pair
            from "scratch"."staging"."stg_line"
        )
        select unnest(amounts) as amount, letters[1] as letter, pair.raw as raw, unnest([line_id, 'none']) as member, pair
        from checked"""
    ) == {
        "amount": {"line.Net", "line.Vat"},
        "letter": {"line.Place"},
        "raw": {"line.Net"},
        "member": {"line.Id"},
        "pair": {"line.Net", "line.Vat"},
    }


def test_rows_from_a_list_of_structs_have_the_origins_of_their_fields() -> None:
    structs = "list_filter([{number: 1, amount: net}, {number: 2, amount: vat}], lambda s: s.amount <> 0)"
    lines = '"scratch"."staging"."stg_line"'
    assert of(f"with r as (select line_id, unnest({structs}, recursive := true) from {lines}) select * from r") == {
        "line_id": {"line.Id"},
        "amount": {"line.Net", "line.Vat"},
    }
    through_a_model = {"int_list": f"select *, {structs} as found from {lines}"}
    unnested = 'select line_id, unnest(l.found, recursive := true) from "scratch"."intermediate"."int_list" as l'
    assert of(unnested, **through_a_model) == {"line_id": {"line.Id"}, "amount": {"line.Net", "line.Vat"}}


def test_subqueries_within_expressions() -> None:
    assert of(
        """select
            (select max(day) from "scratch"."staging"."stg_document" as d where d.document_id = l.document_id) as last,
            exists (select 1 from "scratch"."staging"."stg_document" as d where d.customer = l.place) as is_known,
            vat in (select net from "scratch"."staging"."stg_line") as is_net
        from "scratch"."staging"."stg_line" as l cross join range(3) as r(i)"""
    ) == {
        "last": {"document.Date"},
        "is_known": {"document.Customer", "line.Place"},
        "is_net": {"line.Vat", "line.Net"},
    }


def test_values_of_seeds_and_files_come_from_no_asset() -> None:
    assert of(
        """select meaning, town, coalesce(meaning, place) as said from "scratch"."staging"."stg_line" as l
        left join "scratch"."seeds"."kind" as kinds on l.vat = kinds.code
        left join (select column1 as town from read_csv('/tmp/towns.csv')) as towns on towns.town = l.place"""
    ) == {"said": {"line.Place"}}


@pytest.mark.parametrize(
    "sql",
    [
        'select x from "scratch"."intermediate"."int_not_built"',
        'select a.line_id as x, line_id as y from "scratch"."staging"."stg_line" as a, "scratch"."staging"."stg_line" as b',
        'select nowhere as x from "scratch"."staging"."stg_line"',
        'select unnest(pair, recursive := true), x from "scratch"."intermediate"."int_not_built"',
        'select x from (pivot "scratch"."staging"."stg_line" on place using sum(net))',
        "select from where",
    ],
)
def test_what_cannot_be_resolved_has_no_lineage_rather_than_a_wrong_one(sql: str) -> None:
    assert of(sql).keys() <= ({"x"} if "a.line_id as x" in sql else set())


# The project's own SQL


@pytest.fixture(scope="module")
def tables() -> dict[str, TableContract]:
    return contracts(load_manifest(DBT_PROJECT))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("compiled")
    run = run_dbt(folder, write_catalog(folder / "mock.duckdb"), "compile")
    assert run.failures() == {}
    return {path.stem: path.read_text() for path in (folder / "target" / "compiled").glob("*/models/*/*.sql")}


@pytest.fixture(scope="module")
def found(compiled: dict[str, str], tables: dict[str, TableContract]) -> ColumnOrigins:
    return lineage(compiled, list(tables))


def test_net_sales_come_from_the_lines_amount(found: ColumnOrigins) -> None:
    net = found["fact_sales"]["net_amount_excl_tax"]
    assert ("bronze/sale_document_line", "RealNetAmountVatExcludedWithDiscount") in net
    assert {asset for asset, _ in net} == {"bronze/sale_document_line", "bronze/sale_document"}
    assert found["fact_sales"]["document_number"] == [("bronze/sale_document", "DocumentNumber")]
    assert ("silver/dim_customer", "customer_key") in found["fact_sales"]["customer_key"]


def test_no_lineage_names_a_column_that_does_not_exist(found: ColumnOrigins, tables: dict[str, TableContract]) -> None:
    metadata = {*BRONZE_METADATA, BRONZE_DAY}
    columns = {f"bronze/{table}": {*names, *metadata} for table, names in declared_tables().items()}
    silver = tables | enrichment_contracts(load_manifest(DBT_PROJECT))
    columns |= {f"silver/{table.name}": {c.name for c in table.columns} for table in silver.values()}
    wrong = [
        (table, column, asset, origin)
        for table, lineages in found.items()
        for column, origins in lineages.items()
        for asset, origin in origins
        if column not in columns[f"silver/{table}"] or origin not in columns[asset]
    ]
    assert wrong == []


def test_every_asset_that_a_lineage_names_is_one_that_the_table_depends_on(
    found: ColumnOrigins, tables: dict[str, TableContract]
) -> None:
    for table in tables.values():
        upstream = {f"bronze/{name}" for name in table.bronze}
        upstream |= {f"silver/{name}" for name in (*table.parents, *table.enrichment)}
        assert {asset for origins in found[table.name].values() for asset, _ in origins} <= upstream, table.name


def test_all_columns_are_resolved(compiled: dict[str, str], tables: dict[str, TableContract]) -> None:
    """Stars, unions, recursion and all: the columns found are the contract's, in its order."""
    models = reading._Models(compiled)
    for table in tables.values():
        columns = models.relation(table.name).columns
        assert [name for name, _ in columns] == [column.name for column in table.columns]
        assert [name for name, origins in columns if origins is None] == [], table.name


# Kept, and shown


def test_a_lineage_is_read_once_per_state_of_the_sql(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked: list[str] = []

    def counted(compiled: dict[str, str], tables: list[str]) -> ColumnOrigins:
        asked.append(compiled["t"])
        return lineage(compiled, tables)

    monkeypatch.setattr(reading, "lineage", counted)
    sql = 'select "A" as a, b from "lake"."bronze"."x_current", read_csv(\'/tmp/{}.csv\') as f(b)'
    first = column_origins({"t": sql.format("one")}, ["t"])
    assert first == {"t": {"a": [("bronze/x", "A")]}}
    assert column_origins({"t": sql.format("another/run''s/folder")}, ["t"]) == first
    assert len(asked) == 1
    assert column_origins({"t": sql.format("one").replace('"A"', '"C"')}, ["t"]) == {"t": {"a": [("bronze/x", "C")]}}
    for number in range(KEPT + 5):
        column_origins({"t": f"select {number} as n"}, ["t"])
    kept = list(tmp_path.rglob("lineage/*.json"))
    assert len(kept) == KEPT
    assert {} in [json.loads(path.read_bytes())["t"] for path in kept]


def test_dagster_is_told_in_its_own_words() -> None:
    assert column_lineage({}) == {}
    told = column_lineage({"a": [("bronze/x", "A"), ("silver/dim", "k")]})["dagster/column_lineage"]
    assert [(dep.asset_key.path, dep.column_name) for dep in told.deps_by_column["a"]] == [
        (["bronze", "x"], "A"),
        (["silver", "dim"], "k"),
    ]
