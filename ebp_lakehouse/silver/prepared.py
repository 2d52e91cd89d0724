"""A build that dbt has run, kept as the statements it ran, and run again without dbt.

dbt renders the same SQL in every run of the same project on tables of the same columns, and takes longer for it than
DuckDB takes to run it (ADR 14). So the first healthy build of a kind is dbt's, and is kept beside its parse: the seeds
it loaded, and of every node the statement, what it reads and how long it took. A build of that kind is then run from
there. Only the healthy case is: when anything fails, dbt runs it all again and says what is wrong in its own words.

What may be kept rests on three rules, which tests hold: every model is a table; macros ask the lake and the user's files
for names of columns and for nothing else; a value that differs from run to run stands in the SQL with its name
(``marked`` in dbt_silver).
"""

from __future__ import annotations

import heapq
import json
import logging
import os
import re
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import asdict, replace
from graphlib import TopologicalSorter
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import duckdb

from ebp_lakehouse.lake.session import quote_identifier, quote_literal, session, shared
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.dbt_run import DATABASE, NodeResult
from ebp_lakehouse.silver.manifest import fingerprint, load_manifest, manifest_path

KEPT = 12  # kinds of builds: layers, selections and lakes that take turns
MARKED = re.compile(r"'(?:[^']|'')*'\s*/\* run: (\w+) \*/")  # macro ``marked``


def place(
    settings: Settings,
    catalog: Path,
    kind: Sequence[object],
    values: Mapping[str, str | None],
    files: Mapping[str, str],
) -> Path:
    """Where a build of this kind is kept, or would be.

    Args:
        settings: the dbt project.
        catalog: the lake; the columns of the tables that the project reads are part of the kind, their rows are not.
        kind: whatever else decides about the SQL.
        values: what differs from run to run; that it is given is part of the kind.
        files: CSV files that models read; the names of their columns are part of the kind.
    """
    project = settings.dbt_project_dir.absolute()
    told = [
        fingerprint(project),
        *(f"{name} {version(name)}" for name in ("ebp_lakehouse", "dbt-core", "dbt-duckdb", "duckdb")),
        list(kind),
        [name for name, value in values.items() if value is not None],
        {name: _header(Path(path)) if path else None for name, path in files.items()},
        _columns(catalog, {(s["schema"], s["name"]) for s in load_manifest(project)["sources"].values()}),
    ]
    digest = sha256(json.dumps(told, default=str).encode()).hexdigest()[:20]
    return manifest_path(project).with_name(f"prepared-{digest}.duckdb")


def run(
    path: Path,
    settings: Settings,
    catalog: Path,
    scratch: Path,
    values: Mapping[str, str],
    left: Collection[str] | None,
) -> tuple[duckdb.DuckDBPyConnection, dict[str, NodeResult]] | None:
    """The built tables, open, with the catalog attached as ``lake``; None when no build is kept, or when anything failed.

    They are in memory and spill into ``scratch``: a file would be written twice, to its journal and from it, for readers
    that have it open already. Models that are not to be ``left`` go as soon as nothing reads them, but for those of tests
    that found something, whose rows are shown.
    """
    if not path.exists():
        return None
    connection = session(settings)
    try:
        connection.execute(f"SET temp_directory = {quote_literal(str(scratch / 'spill'))}")
        connection.execute("SET preserve_insertion_order = true")  # as in dbt's own session
        connection.execute(f"ATTACH {quote_literal(str(catalog))} AS lake (READ_ONLY)")
        connection.execute(f"ATTACH {quote_literal(str(path))} AS kept (READ_ONLY)")
        # Compressed once, at the end: every statement waits while that is done, and DuckDB's own threshold is 16 MB.
        connection.execute(f"SET checkpoint_threshold = '1TB'; ATTACH ':memory:' AS {DATABASE} (COMPRESS)")
        connection.execute(f"USE {DATABASE}; COPY FROM DATABASE kept TO {DATABASE}; DETACH kept")
        with shared(connection, settings.threads) as at_once:
            results = _run_all(connection, _nodes(connection), at_once, values, left)
        connection.execute(f"CHECKPOINT {DATABASE}")
    except (
        duckdb.Error,
        KeyError,
        TypeError,
        ValueError,
    ):  # the last three: what is kept is not what this version keeps
        results = None
    with suppress(FileNotFoundError):
        os.utime(path)  # what is used stays
    if results is None:
        connection.close()
        return None
    return connection, results


def keep(path: Path, database: Path, results: Mapping[str, NodeResult]) -> None:
    """Keep a build that dbt has run, if it is healthy; where there is no room for it, it is not kept, and dbt runs the next."""
    if not all(result.healthy for result in results.values()):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = Path(folder) / path.name
            _write(made, database, results)
            made.replace(path)
        for old in sorted(path.parent.glob("prepared-*"), key=lambda file: -file.stat().st_mtime)[KEPT:]:
            old.unlink(missing_ok=True)
    except (duckdb.Error, OSError) as error:
        logging.getLogger(__name__).warning("A build is not kept in %s, the next is as slow: %s", path.parent, error)


def _write(path: Path, database: Path, results: Mapping[str, NodeResult]) -> None:
    """Write, and read again: on a full disk DuckDB may close a file that lacks what was written, without a word."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"ATTACH {quote_literal(str(database))} AS built (READ_ONLY)")
        schemas = connection.execute("SELECT schema_name FROM duckdb_schemas() WHERE database_name = 'built'")
        for (schema,) in schemas.fetchall():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
        seeds = [result.name for result in results.values() if result.unique_id.startswith("seed.")]
        for seed in map(quote_identifier, seeds):
            connection.execute(f"CREATE TABLE seeds.{seed} AS FROM built.seeds.{seed}")
        connection.execute("CREATE SCHEMA prepared; CREATE TABLE prepared.nodes (node VARCHAR)")
        nodes = [json.dumps(asdict(result)) for result in results.values()]
        connection.execute("INSERT INTO prepared.nodes SELECT unnest(?)", [nodes])
    with duckdb.connect(str(path), read_only=True) as connection:
        if _nodes(connection) != results:
            raise OSError(f"{path.name} does not hold what was written")


def _header(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline()


def _columns(catalog: Path, sources: set[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """(schema, table, column) of what the project may read."""
    with duckdb.connect(str(catalog), read_only=True) as connection:
        found = connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
    return [row for row in found if (row[0], row[1].removesuffix("_current")) in sources]


def _nodes(connection: duckdb.DuckDBPyConnection) -> dict[str, NodeResult]:
    kept = [json.loads(text) for (text,) in connection.execute("FROM prepared.nodes").fetchall()]
    return {node["unique_id"]: NodeResult(**node | {"needs": tuple(node["needs"])}) for node in kept}


def _run_all(
    connection: duckdb.DuckDBPyConnection,
    nodes: Mapping[str, NodeResult],
    at_once: int,
    values: Mapping[str, str],
    left: Collection[str] | None,
) -> dict[str, NodeResult] | None:
    """The results in the order they came; None as soon as a test fails."""
    needs = {name: [needed for needed in node.needs if needed in nodes] for name, node in nodes.items()}
    passing = {name for name in nodes if _is_model(name) and left is not None and nodes[name].name not in left}
    readers = Counter(needed for every in needs.values() for needed in every)
    urgency = dict(_urgency(nodes, needs))
    order, results = TopologicalSorter(needs), dict[str, NodeResult]()
    order.prepare()
    ready: list[tuple[float, str]] = []
    running: dict[Future[NodeResult | None], str] = {}
    with ThreadPoolExecutor(at_once) as pool:
        while order.is_active():
            for name in order.get_ready():
                heapq.heappush(ready, (-urgency[name], name))
            while ready and len(running) < at_once:
                name = heapq.heappop(ready)[1]
                running[pool.submit(_run_one, connection, nodes[name], values)] = name
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                name, result = running.pop(done), done.result()
                if result is None:
                    return None
                results[name] = result
                order.done(name)
                readers.subtract(needs[name])
                if result.failures:
                    passing.difference_update(needs[name])
                for needed in passing.intersection(needs[name]):
                    if readers[needed] == 0:
                        connection.execute(nodes[needed].statement.partition(";")[0])  # it drops what it then makes
    return results


def _urgency(nodes: Mapping[str, NodeResult], needs: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, float]]:
    """Node, and the seconds that it and the longest chain of what needs it took dbt."""
    longest = dict.fromkeys(nodes, 0.0)
    for name in reversed(list(TopologicalSorter(needs).static_order())):
        seconds = longest[name] + nodes[name].seconds
        for needed in needs[name]:
            longest[needed] = max(longest[needed], seconds)
        yield name, seconds


def _run_one(connection: duckdb.DuckDBPyConnection, node: NodeResult, values: Mapping[str, str]) -> NodeResult | None:
    started = perf_counter()
    if node.unique_id.startswith("seed."):  # the file brought it along
        return replace(node, seconds=0.0)
    node = replace(node, sql=_with(values, node.sql), statement=_with(values, node.statement))
    with closing(connection.cursor()) as cursor:
        row = cursor.execute(node.statement).fetchone()
    ran = replace(node, seconds=perf_counter() - started)
    if _is_model(node.unique_id):
        return ran
    failures, should_warn, should_error = row or (None, True, True)
    if should_error and not node.warns:
        return None
    return replace(ran, status="warn" if should_warn else "pass", failures=failures)


def _is_model(unique_id: str) -> bool:
    return unique_id.startswith("model.")


def _with(values: Mapping[str, str], sql: str) -> str:
    return MARKED.sub(lambda match: f"{quote_literal(values[match[1]])} /* run: {match[1]} */", sql)
