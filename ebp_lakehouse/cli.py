"""The command ``ebp-lakehouse``. It prints and parses; the work is elsewhere, imported when a command needs it.

Not here: dagster, dbt and the demo at import time: ``query`` must start at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from ebp_lakehouse.errors import LakehouseError

if TYPE_CHECKING:
    from ebp_lakehouse.orchestration.runs import RunSummary

app = typer.Typer(
    help="A lakehouse for companies that run EBP: bronze, silver, gold.", no_args_is_help=True,
    pretty_exceptions_enable=False, add_completion=False,
)  # fmt: skip
out, err = Console(), Console(stderr=True)
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


class Without(StrEnum):
    """What an EBP may lack; the values are the switches of ``CompanyOptions``."""

    CUSTOM_COLUMNS = "custom-columns"
    ORDERS = "orders"
    EXTENSION_ROWS = "extension-rows"
    GPS = "gps"
    STOCK = "stock"


@contextmanager
def friendly() -> Iterator[None]:
    """Our errors in one red line and exit code 1; anything else is a bug and keeps its traceback."""
    try:
        yield
    except LakehouseError as error:
        err.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


@app.command()
def demo(
    scale: Annotated[float, typer.Option(help="1.0 = the reference installation's row counts; 0.01 to 10.")] = 0.1,
    home: Annotated[Path, typer.Option(help="The folder that holds everything.")] = Path(".demo"),
    seed: int = 7,
    as_of: Day = None,
    folder: Annotated[bool, typer.Option(help="A folder as the lake instead of the embedded S3.")] = False,
    credit_note_sign: Annotated[Literal["negative", "positive"], typer.Option(help="How credit notes are stored.")] = (
        "negative"
    ),
    component_type: Annotated[int, typer.Option(help="Line type of the components of a bundle: 3 or 2.")] = 3,
    fiscal_year_start: Annotated[int, typer.Option(help="First month of the fiscal year.")] = 1,
    storehouses: Annotated[int, typer.Option(help="3 (one a van) or 1.")] = 3,
    with_incidents: Annotated[bool, typer.Option(help="The company records incidents.")] = False,
    without: Annotated[list[Without] | None, typer.Option(help="What this EBP lacks; may be repeated.")] = None,
    empty: Annotated[list[str] | None, typer.Option(help="A table without rows; may be repeated.")] = None,
) -> None:
    """Create the demo company on embedded servers and materialise everything through Dagster."""
    from ebp_lakehouse import tour  # noqa: PLC0415
    from ebp_lakehouse.demo.company.options import CompanyOptions  # noqa: PLC0415

    with friendly():
        options = CompanyOptions(
            credit_note_sign, component_type, fiscal_year_start, storehouses, with_incidents=with_incidents,
            empty=tuple(empty or ()), **{name.replace("-", "_"): False for name in without or ()},
        )  # fmt: skip
        ok = tour.run(
            home.expanduser().absolute(), scale, seed, _day(as_of), options=options, folder=folder, show=materialized,
            out=out,
        )  # fmt: skip
    raise typer.Exit(0 if ok else 1)


@app.command()
def materialize(
    selection: Annotated[str, typer.Argument(help="Assets, in Dagster's selection syntax.")] = "*",
    partition: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="One ingestion date.")] = None,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"])] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"])] = None,
    accept_shrink: Annotated[
        list[str] | None, typer.Option(help="A table that may lose most rows; repeatable.")
    ] = None,
    full: Annotated[bool, typer.Option(help="Read every row of the source, not only what changed.")] = False,
    prove: Annotated[bool, typer.Option(help="Compare every bronze row with the source afterwards.")] = False,
) -> None:
    """Materialise assets through Dagster (default: everything, today's partition)."""
    if (partition and (first or last)) or bool(first) != bool(last):
        raise typer.BadParameter("give --partition, or --from and --to together")
    from ebp_lakehouse.demo.session import working_settings  # noqa: PLC0415
    from ebp_lakehouse.orchestration import runs  # noqa: PLC0415

    with (
        friendly(),
        working_settings() as (settings, dagster),
        runs.instance_at(dagster) as instance,
        out.status("starting …") as status,
    ):
        summary = runs.materialize(
            settings,
            instance,
            selection,
            _day(partition or first),
            _day(last),
            on_step=lambda step: status.update(f"{step} …"),
            accept_shrink=accept_shrink or (),
            full=full,
            prove=prove,
        )
    materialized(summary)
    raise typer.Exit(0 if summary.ok else 1)


@app.command()
def simulate(days: Annotated[int, typer.Option(help="Business days to live.")] = 1, seed: int | None = None) -> None:
    """Live some more business days in the demo company, as EBP would write them."""
    from ebp_lakehouse.demo.session import current_home, working_settings  # noqa: PLC0415
    from ebp_lakehouse.demo.simulate import simulate as live  # noqa: PLC0415

    with friendly(), working_settings(store=False) as (settings, dagster), out.status("living …"):
        home = current_home()
        told = home.truth if dagster == home.dagster else None  # a source of the user's own has no truth of ours
        summary = live(settings.source(), days, seed, truth_file=told)
    table = _table("table", "inserted", "updated", "deleted")
    for name in sorted({*summary.inserted, *summary.updated, *summary.deleted}):
        table.add_row(name, *(f"{c.get(name, 0):,}" for c in (summary.inserted, summary.updated, summary.deleted)))
    out.print(f"{summary.first_day} to {summary.last_day}", table)


@app.command()
def query(
    sql: str,
    output: Annotated[Literal["table", "csv", "json"], typer.Option("--format")] = "table",
    private: Annotated[bool, typer.Option(help="Show personal columns too.")] = False,
) -> None:
    """Ask the lake in SQL (DuckDB); schemas bronze, silver, gold, all as of the newest publication."""
    import duckdb  # noqa: PLC0415

    from ebp_lakehouse.demo.session import working_settings  # noqa: PLC0415
    from ebp_lakehouse.errors import LakeError  # noqa: PLC0415
    from ebp_lakehouse.lake.catalog import connect  # noqa: PLC0415

    with (
        friendly(),
        working_settings(source=False) as (settings, _),
        connect(settings=settings, private=private) as connection,
    ):
        try:
            result = connection.execute(sql)
            names, rows = [column[0] for column in result.description or []], result.fetchall()
        except duckdb.Error as error:
            raise LakeError(str(error)) from None
    _write(names, rows, output)


@app.command()
def maintain(dry_run: Annotated[bool, typer.Option(help="Say what would be done, change nothing.")] = False) -> None:
    """Merge small files, and drop what no publication of the last seven days needs."""
    from ebp_lakehouse.demo.session import working_settings  # noqa: PLC0415
    from ebp_lakehouse.lake import maintenance  # noqa: PLC0415

    with friendly(), working_settings(source=False) as (settings, _), out.status("maintaining …"):
        done = maintenance.maintain(settings, dry_run=dry_run)
    table = _table("table", "files", "then", "rewritten", "deleted", "freed", "log entries")
    for key, made in sorted(done.tables.items()):
        if not made.is_idle:
            table.add_row(
                key, f"{made.files_before}", f"{made.files_after}", _size(made.rewritten_bytes), f"{made.deleted_files}",
                _size(made.deleted_bytes), f"{made.log_entries}",
            )  # fmt: skip
    if table.row_count:
        out.print(table)
    out.print(
        f"{'dry run: nothing was changed; ' * dry_run}{len(done.tables)} tables, publication {done.publication}, "
        f"{done.retired_records} records, {done.retired_catalogs} catalogs and {done.leftovers} leftovers dropped"
    )
    for key, made in sorted(done.tables.items()):
        if made.skipped:
            out.print(f"skipped {key}: {made.skipped}", markup=False, highlight=False, soft_wrap=True)
        if made.failed:
            err.print(f"failed {key}: {made.failed}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if done.failures else 0)


@app.command()
def publications(last: Annotated[int, typer.Option(help="How many, the newest first.")] = 20) -> None:
    """List what was published when, and which tables moved."""
    from itertools import islice  # noqa: PLC0415

    from ebp_lakehouse.demo.session import working_settings  # noqa: PLC0415
    from ebp_lakehouse.lake.restore import history  # noqa: PLC0415
    from ebp_lakehouse.lake.store import Lake  # noqa: PLC0415

    table = Table("number", "published (UTC)", "run", "moved")
    with friendly(), working_settings(source=False) as (settings, _):
        for entry in islice(history(Lake.open(settings)), last):
            moved = ", ".join(entry.moved[:4]) + f" and {len(entry.moved) - 4} more" * (len(entry.moved) > 4)  # noqa: PLR2004
            table.add_row(f"{entry.number}", entry.published_at[:19], entry.run_id[:8], moved)
    out.print(table)


@app.command()
def restore(
    number: Annotated[int, typer.Argument(help="A publication that `ebp-lakehouse publications` lists.")],
    tables: Annotated[list[str] | None, typer.Argument(help="Tables, as layer/table; all of it by default.")] = None,
) -> None:
    """Publish an older publication's versions again, as a new publication."""
    from ebp_lakehouse.demo.session import working_settings  # noqa: PLC0415
    from ebp_lakehouse.lake import restore as going_back  # noqa: PLC0415

    with friendly(), working_settings(source=False) as (settings, _):
        record = going_back.restore(settings, number, tables or ())
    out.print(f"publication {record.number} of {record.published_at[:19]} UTC shows what {number} showed")


@app.command()
def doctor(
    profile: Annotated[bool, typer.Option("--profile", help="Measure this EBP's conventions instead.")] = False,
) -> None:
    """Say what works and what does not, and how to mend it."""
    from ebp_lakehouse.demo.session import working_settings  # noqa: PLC0415
    from ebp_lakehouse.doctor import examine  # noqa: PLC0415

    if profile:
        from ebp_lakehouse.profile_report import print_profile  # noqa: PLC0415

        with friendly(), working_settings(source=False) as (settings, _):
            return print_profile(settings, out)
    colours, failed = {"ok": "green", "warn": "yellow", "fail": "red"}, False
    with friendly(), working_settings() as (settings, _):
        for finding in examine(settings):
            failed = failed or finding.state == "fail"
            out.print(f"[{colours[finding.state]}]{finding.state:>4}[/]  {finding.subject}:", end=" ")
            out.print(finding.text, finding.advice, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if failed else 0)


cdc = typer.Typer(help="Change data capture (EBP_INGEST_MODE=cdc): set it up, mend it, end it.", no_args_is_help=True)
app.add_typer(cdc, name="cdc")


@cdc.command()
def script() -> None:
    """Print the SQL that the administrator of EBP's database runs, for the tables of EBP_TABLES."""
    from ebp_lakehouse.settings import Settings  # noqa: PLC0415
    from ebp_lakehouse.source.dba_script import render  # noqa: PLC0415
    from ebp_lakehouse.source.registry import selected_tables  # noqa: PLC0415

    with friendly():
        typer.echo(render(selected_tables(Settings.from_environment())), nl=False)


@cdc.command()
def restart() -> None:
    """Drop the replication slot, make a new one, and read every table again (after a slot was lost)."""
    from ebp_lakehouse.demo.session import working_settings  # noqa: PLC0415
    from ebp_lakehouse.orchestration import runs  # noqa: PLC0415

    with friendly(), working_settings() as (settings, dagster), out.status("reading every table …"):
        streaming = settings.model_copy(update={"ingest_mode": "cdc"})
        with runs.instance_at(dagster) as instance:
            summary = runs.materialize(streaming, instance, 'key:"bronze/*"', restart_stream=True)
    materialized(summary)
    raise typer.Exit(0 if summary.ok else 1)


@cdc.command()
def stop() -> None:
    """Drop this lake's replication slots, so that the source no longer keeps WAL for it (back to EBP_INGEST_MODE=batch)."""
    from ebp_lakehouse.bronze.changefeed import stop as stop_stream  # noqa: PLC0415
    from ebp_lakehouse.demo.session import working_settings  # noqa: PLC0415

    with friendly(), working_settings() as (settings, _):
        for name in stop_stream(settings):
            out.print(f"dropped the replication slot {name}")


@app.command()
def discover() -> None:
    """Write the registry file of all tables of the source, for EBP_TABLES_FILE: discover > tables.yaml."""
    from ebp_lakehouse.demo.session import working_settings  # noqa: PLC0415
    from ebp_lakehouse.source.connection import reading  # noqa: PLC0415
    from ebp_lakehouse.source.discovery import discover as described  # noqa: PLC0415
    from ebp_lakehouse.source.registry import Registry  # noqa: PLC0415

    with friendly(), working_settings(store=False) as (settings, _), reading(settings.source()) as connection:
        print(described(connection, Registry.load(own=settings.tables_file)), end="")


@app.command()
def dictionary() -> None:
    """Print the data dictionary of silver and gold as Markdown, with the French labels: dictionary > dictionary.md."""
    from ebp_lakehouse.dictionary import markdown  # noqa: PLC0415
    from ebp_lakehouse.gold.tables import GOLD_TABLES  # noqa: PLC0415
    from ebp_lakehouse.settings import Settings  # noqa: PLC0415
    from ebp_lakehouse.silver.contract import contracts, enrichment_contracts  # noqa: PLC0415
    from ebp_lakehouse.silver.manifest import load_manifest  # noqa: PLC0415

    with friendly():
        manifest = load_manifest(Settings.from_environment().dbt_project_dir)
        silver = contracts(manifest) | enrichment_contracts(manifest)
        print(markdown(silver.values(), GOLD_TABLES), end="")


@app.command()
def docs(
    folder: Annotated[Path, typer.Argument(help="Where to write it; a new or empty folder, or its own from before.")],
    force: Annotated[bool, typer.Option(help="Write beside (or over) files of others.")] = False,
) -> None:
    """Write the documentation as a folder to open in a browser: dictionary, KPIs, column lineage, dbt's models."""
    from ebp_lakehouse.documentation import write  # noqa: PLC0415
    from ebp_lakehouse.settings import Settings  # noqa: PLC0415

    with friendly(), out.status("compiling the models …"):
        index = write(Settings.from_environment(), folder, force=force)
    print(index)


@app.command()
def ui(port: int = 3000) -> None:
    """Open the Dagster UI (webserver and daemon) on the same lake; Ctrl-C stops it and what it started."""
    from ebp_lakehouse.demo.session import working_settings  # noqa: PLC0415
    from ebp_lakehouse.orchestration.ui import check_free, serve  # noqa: PLC0415

    with friendly():
        check_free(port)
    with friendly(), working_settings() as (settings, dagster):
        out.print(f"Dagster UI: http://127.0.0.1:{port}  (Ctrl-C to stop)")
        code = serve(settings, dagster, port)
    raise typer.Exit(code)


@app.command()
def notebook(
    arguments: Annotated[list[str] | None, typer.Argument(help="More for JupyterLab, after --.")] = None,
) -> None:
    """Open the notebooks in JupyterLab on the same lake; Ctrl-C stops it and what it started."""
    from ebp_lakehouse.demo.session import working_settings  # noqa: PLC0415
    from ebp_lakehouse.notebooks import open_lab  # noqa: PLC0415

    with friendly(), working_settings(source=False) as (settings, _):
        raise typer.Exit(open_lab(settings, arguments or []))


def materialized(summary: RunSummary) -> None:
    """Print one run: a line per layer, then what failed and why."""
    table = _table("layer", "tables", "rows", "written", "seconds", "failed checks")
    for name, layer in summary.layers.items():
        table.add_row(
            name, f"{len(layer.rows)}", f"{sum(layer.rows.values()):,}", _size(layer.bytes_written), f"{layer.seconds:.1f}",
            f"{len(layer.failed)}",
        )  # fmt: skip
    if summary.layers:
        out.print(table)
    out.print(f"run {summary.run_id[:8]}, {summary.seconds:.1f} s")
    for name, text in summary.warnings.items():
        err.print(f"warning: {name}: {text}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    for name, text in summary.failed_checks.items():
        err.print(f"check failed: {name}: {text}", style="red", markup=False, highlight=False, soft_wrap=True)
    if not summary.success:
        err.print(f"run failed: {summary.error.strip()}", style="red", markup=False, highlight=False, soft_wrap=True)


def _write(names: list[str], rows: list[tuple[Any, ...]], output: str) -> None:
    if output == "csv":
        import csv  # noqa: PLC0415

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(map(_text, row) for row in rows)
    elif output == "json":
        import json  # noqa: PLC0415

        records = [dict(zip(names, row, strict=True)) for row in rows]
        print(json.dumps(records, default=_text, ensure_ascii=False, indent=1))
    else:
        # Text, not str: what stands in [brackets] is data, not markup.
        table = Table(*(Column(Text(name)) for name in names))
        for row in rows:
            table.add_row(*(Text(_text(value)) for value in row))
        out.print(table)


def _text(value: Any) -> str:
    """A value for people: exact decimals without exponent, nothing for NULL."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return "" if value is None else str(value)


def _table(first: str, *others: str) -> Table:
    table = Table(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count else "0"


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None


if __name__ == "__main__":
    app()
