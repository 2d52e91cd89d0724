"""A build that is run again without dbt gives what dbt gives, with the values of its own run; anything else is dbt's."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver import dbt_run, prepared
from ebp_lakehouse.silver.build import Build, build_models
from ebp_lakehouse.silver.manifest import load_manifest
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT, write_catalog

UNITS = [{"Id": "U1", "Caption": "PIECE"}, {"Id": "U2", "Caption": "HEURE"}]
DOCUMENT = {
    "Id": "11111111-0000-0000-0000-000000000001",
    "DocumentType": 2,
    "DocumentNumber": "FA1",
    "DocumentDate": "2026-03-01",
    "_bronze_valid_from": "2026-03-02 08:00:00",
}
SELECTED = ("+dim_time", "+int_as_of", "+dim_supplier")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A lake of its own, and a place of its own for what is kept."""
    own = tmp_path / "kept" / "manifest.json"
    monkeypatch.setattr(prepared, "manifest_path", lambda _: own)
    return Settings(lake_url=str(tmp_path / "lake"))


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return write_catalog(tmp_path / "catalog.duckdb", {"sale_document": [DOCUMENT]})


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The scratch folder of each time that dbt ran."""
    seen: list[Path] = []
    ran = dbt_run.run

    def counted(settings: Settings, arguments: Any, catalog: Path, scratch: Path) -> Any:
        seen.append(scratch)
        return ran(settings, arguments, catalog, scratch)

    monkeypatch.setattr(dbt_run, "run", counted)
    return seen


def built(settings: Settings, catalog: Path, **options: Any) -> Build:
    scratch = catalog.parent / f"scratch{len(list(catalog.parent.iterdir()))}"
    scratch.mkdir()
    return build_models(settings, catalog, options.pop("selected", SELECTED), scratch, **options)


def tables(build: Build, settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    with build.connect(settings) as connection:
        found = connection.execute(
            """SELECT schema_name || '.' || table_name FROM duckdb_tables()
            WHERE database_name = current_database() AND schema_name IN ('silver', 'intermediate', 'seeds')"""
        ).fetchall()
        return {name: sorted(connection.execute(f"FROM {name}").fetchall(), key=repr) for (name,) in found}


def as_of(build: Build, settings: Settings) -> date:
    with build.connect(settings) as connection:
        row = connection.execute("SELECT as_of FROM intermediate.int_as_of").fetchone()
    assert row
    return row[0]


def told(build: Build) -> dict[str, tuple[str, int, str, str]]:
    return {name: (r.status, r.failures, r.column, r.description) for name, r in build.results.items()}


def test_the_second_build_is_the_first_without_dbt(settings: Settings, catalog: Path, runs: list[Path]) -> None:
    first, second = built(settings, catalog), built(settings, catalog)
    assert len(runs) == 1
    assert told(second) == told(first)
    of_dbt, again = tables(first, settings), tables(second, settings)
    assert {"silver.dim_time", "silver.dim_supplier", "intermediate.int_as_of", "seeds.country_code"} <= set(again)
    assert again == {name: of_dbt[name] for name in again}
    with second.connect(settings) as connection:
        assert connection.execute("SELECT count(*) FROM lake.bronze.sale_document_current").fetchone() == (1,)


def test_it_reads_the_rows_of_its_own_lake(settings: Settings, catalog: Path, runs: list[Path], tmp_path: Path) -> None:
    built(settings, catalog)
    later = DOCUMENT | {"DocumentDate": "2026-03-09", "_bronze_valid_from": "2026-03-09 08:00:00"}
    other = write_catalog(tmp_path / "other.duckdb", {"sale_document": [later]})
    assert as_of(built(settings, other), settings) == date(2026, 3, 9)
    assert len(runs) == 1


def test_day_and_instant_are_those_of_the_run(settings: Settings, catalog: Path, runs: list[Path]) -> None:
    days = [date(2026, 3, 20), date(2026, 4, 21)]
    assert [as_of(built(settings, catalog, as_of=day), settings) for day in days] == days
    assert len(runs) == 1
    # Known on the 1st there was no document, on the 3rd there was one.
    instants = [datetime(2026, 3, 3), datetime(2026, 3, 1)]  # noqa: DTZ001  wall clock of the lake: UTC
    known = [as_of(built(settings, catalog, known_at=instant), settings) for instant in instants]
    assert known == [date(2026, 3, 1), date(2000, 1, 1)]
    assert len(runs) == 2


def test_a_users_file_may_lie_elsewhere_but_other_columns_are_another_build(
    settings: Settings, catalog: Path, runs: list[Path], tmp_path: Path
) -> None:
    def with_file(folder: str, text: str) -> Build:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "commune_area.csv").write_text(text)
        own = settings.model_copy(update={"user_files": tmp_path / folder})
        return built(own, catalog, selected=("+int_communes",))

    def area(build: Build) -> Any:
        with build.connect(settings) as connection:
            return connection.execute("SELECT max(area_km2) FROM intermediate.int_communes").fetchone()

    first = with_file("a", "insee_code,area_km2\n01001,15.5\n")
    second = with_file("it's b", "insee_code,area_km2\n01001,16.5\n")
    assert ([str(*map(float, area(build))) for build in (first, second)], len(runs)) == (["15.5", "16.5"], 1)
    with_file("c", "insee_code,area_km2,source\n01001,15.5,IGN\n")
    assert len(runs) == 2


def test_other_columns_in_the_lake_are_another_build(
    settings: Settings, catalog: Path, runs: list[Path], tmp_path: Path
) -> None:
    built(settings, catalog)
    poorer = write_catalog(
        tmp_path / "poorer.duckdb", {"sale_document": [DOCUMENT]}, without_tables=["accounting_year"]
    )
    built(settings, poorer)
    assert len(runs) == 2


def test_a_test_that_fails_is_told_by_dbt_and_nothing_is_kept(
    settings: Settings, catalog: Path, runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    built(settings, catalog)
    kept = next((catalog.parent / "kept").glob("prepared-*"))
    with duckdb.connect(str(kept)) as connection:  # a rule that no table keeps
        connection.execute("UPDATE prepared.nodes SET node = replace(node, 'select time_key', 'select null')")
    before = kept.read_bytes()
    again = built(settings, catalog)
    assert len(runs) == 2
    assert {r.status for r in again.results.values()} == {"success", "pass"}
    assert kept.read_bytes() != before  # healthy in dbt: kept anew
    failed = {"x": dbt_run.NodeResult("test.p.x.1", "fail", 0.1, 3, "Got 3 results")}
    prepared.keep(kept.with_name("prepared-failed.duckdb"), catalog, failed)
    assert not kept.with_name("prepared-failed.duckdb").exists()


def test_a_damaged_file_is_made_anew(settings: Settings, catalog: Path, runs: list[Path]) -> None:
    built(settings, catalog)
    kept = next((catalog.parent / "kept").glob("prepared-*"))
    kept.write_bytes(kept.read_bytes()[:5000])
    built(settings, catalog)
    built(settings, catalog)
    assert len(runs) == 2


def test_a_file_without_its_nodes_is_made_anew(settings: Settings, catalog: Path, runs: list[Path]) -> None:
    built(settings, catalog)
    kept = next((catalog.parent / "kept").glob("prepared-*"))
    with duckdb.connect(str(kept)) as connection:
        connection.execute("UPDATE prepared.nodes SET node = '{}'")
    assert {r.status for r in built(settings, catalog).results.values()} == {"success", "pass"}
    built(settings, catalog)
    assert len(runs) == 2


def test_a_build_that_cannot_be_kept_is_a_build(
    settings: Settings,
    catalog: Path,
    runs: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    for _ in range(2):
        assert {r.status for r in built(settings, catalog).results.values()} == {"success", "pass"}
    assert len(runs) == 2
    assert list((catalog.parent / "kept").iterdir()) == []
    assert "not kept" in caplog.text
    assert "No space left" in caplog.text


def test_a_file_that_lacks_what_was_written_is_not_kept(
    settings: Settings, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "_nodes", lambda _: {})
    built(settings, catalog)
    assert list((catalog.parent / "kept").iterdir()) == []


def test_a_comment_after_a_text_is_no_value_of_the_run() -> None:
    sql = "select 'Morning' /* matin */, 'x' /* run: as_of */"
    assert prepared._with({"as_of": "2026-03-31"}, sql) == "select 'Morning' /* matin */, '2026-03-31' /* run: as_of */"


def test_the_builds_used_last_stay(tmp_path: Path, settings: Settings, catalog: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    for number in range(prepared.KEPT + 2):
        old = folder / f"prepared-old{number}.duckdb"
        old.touch()
        os.utime(old, (time.time() - 100 + number,) * 2)
    built(settings, catalog, selected=("+dim_time",))
    left = {path.stem for path in folder.glob("prepared-*")}
    assert len(left) == prepared.KEPT
    assert not left & {"prepared-old0", "prepared-old1", "prepared-old2"}


def test_only_what_was_asked_for_is_left(settings: Settings, catalog: Path) -> None:
    built(settings, catalog, selected=("+dim_supplier",))
    again = built(settings, catalog, selected=("+dim_supplier",), left=["dim_supplier"])
    made = {r.name for r in again.results.values() if r.unique_id.startswith("model.")}
    with again.connect(settings) as connection:
        left = {name for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name <> 'seeds'"
        ).fetchall()}  # fmt: skip
    assert left - {"nodes"} == {"dim_supplier"}
    assert len(made) > 5


@pytest.mark.parametrize(("failures", "left"), [(0, {"b"}), (1, {"a", "b"})])
def test_what_a_warning_shows_is_left(failures: int, left: set[str]) -> None:
    def node(name: str, statement: str, *needs: str) -> tuple[str, dbt_run.NodeResult]:
        return name, dbt_run.NodeResult(name, "success", 0.1, 0, "", warns=True, statement=statement, needs=needs)

    nodes = dict([
        node("model.p.a", "drop table if exists a; create table a as select 1 as x"),
        node("model.p.b", "drop table if exists b; create table b as from a", "model.p.a"),
        node("test.p.t", f"select {failures}, {failures} > 0, {failures} > 0 from a", "model.p.a", "model.p.b"),
    ])  # fmt: skip
    with duckdb.connect() as connection:
        results = prepared._run_all(connection, nodes, 2, {}, ["b"])
        found = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert results is not None
    assert (results["test.p.t"].failures, found) == (failures, left)


def sql_files() -> Iterator[tuple[str, str]]:
    for folder in ("macros", "models", "tests", "materializations"):
        for path in sorted((DBT_PROJECT / folder).rglob("*.sql")):
            yield path.name, re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)


def test_every_model_is_a_table(settings: Settings) -> None:
    """A view would read what is gone when its own readers come."""
    nodes = load_manifest(settings.dbt_project_dir)["nodes"].values()
    assert {n["config"]["materialized"] for n in nodes if n["resource_type"] == "model"} == {"table"}


def test_macros_ask_for_names_of_columns_only() -> None:
    """What a macro learnt from rows would be true of one run only, and is kept for all."""
    asking = {name: re.findall(r'run_query\(\s*"(\w+)', text) for name, text in sql_files() if "run_query" in text}
    assert asking == {"from_bronze.sql": ["select", "describe"], "optional_file.sql": ["describe"]}
    text = dict(sql_files())["from_bronze.sql"]
    assert re.search(r'"select 1 from duckdb_views\(\).*union all select 1 from duckdb_tables\(\)', text, re.DOTALL)
    others = {name for name, text in sql_files() if re.search(r"run_started_at|invocation_id|modules\.datetime", text)}
    assert others == set()


def test_what_differs_from_run_to_run_stands_in_the_sql_with_its_name() -> None:
    unmarked = {
        (name, found)
        for name, text in sql_files()
        for found in re.findall(r"\{\{[^}]*(?:known_at|var\('as_of'\)|env_var)[^}]*\}\}", text)
        if "marked(" not in found and "if var(" not in found
    }
    assert unmarked == set()
    assert [name for name, text in sql_files() if "env_var" in text] == ["optional_file.sql"]
