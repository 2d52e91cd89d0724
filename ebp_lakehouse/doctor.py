"""``ebp-lakehouse doctor``: what works, what does not, and how to mend it. Reads only; the probe object is removed.

Not here: printing (cli.py).
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from ebp_lakehouse.bronze.changefeed import feed_slots, slot_problems
from ebp_lakehouse.errors import LakehouseError
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.session import S3_EXTENSION, extension_file, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.user_files import user_files
from ebp_lakehouse.source.connection import connect, location, reading
from ebp_lakehouse.source.introspection import introspect
from ebp_lakehouse.source.published import SCRIPT, published_tables
from ebp_lakehouse.source.registry import selected_tables
from ebp_lakehouse.source.replication import PUBLICATION, RESTART, check_server

LITTLE_ROOM = 2 * 2**30


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``advice`` says what to do when ``state`` is not ok."""

    state: Literal["ok", "warn", "fail"]
    subject: str
    text: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, the source first. Errors of one examination do not stop the next."""
    for subject, examination in (
        ("source", source),
        ("change stream", change_stream),
        ("lake", lake),
        ("versions", versions),
        ("dbt", dbt_project),
        ("your files", own_files),
        ("outside", outside),
    ):
        yield from _guarded(subject, examination, settings)


def source(settings: Settings) -> Iterator[Finding]:
    url = settings.source()
    with connect(url) as connection:
        version = connection.info.server_version
        yield Finding("ok", "source", f"PostgreSQL {version // 10000}.{version % 10000} at {location(url)}")
        specs = selected_tables(settings)
        tables = introspect(connection, specs)
        missing = [spec for spec in specs if spec.name not in tables]
        needed = [spec.name for spec in missing if not spec.support]
        optional = [spec.name for spec in missing if spec.support]
        if needed:
            advice = "Check the database and the user's search_path, or leave them out of EBP_TABLES."
            yield Finding("fail", "tables", f"missing: {', '.join(needed)}", advice)
        if optional:
            advice = "They are taken as empty; nothing to do if EBP does not use them here."
            yield Finding("warn", "tables", f"missing support tables: {', '.join(optional)}", advice)
        if not missing:
            yield Finding("ok", "tables", f"{len(tables)} of {len(specs)} registered tables are there")
        row = connection.execute("SHOW wal_level").fetchone()
        level = row[0] if row else "unknown"
        if settings.ingest_mode == "cdc" and level != "logical":
            advice = "ALTER SYSTEM SET wal_level = logical; restart the server; or use EBP_INGEST_MODE=batch."
            yield Finding("fail", "wal_level", level, advice)
        else:
            yield Finding("ok", "wal_level", f"{level} (change data capture needs logical; batch does not)")


def change_stream(settings: Settings) -> Iterator[Finding]:
    """What capturing changes needs, table by table, and the slot; in batch mode only a slot that was left behind."""
    record = publication.latest(Lake.open(settings))
    with reading(settings.source()) as connection:
        slots = feed_slots(connection, settings, record)
        if settings.ingest_mode != "cdc":
            if slots:
                advice = "Run `ebp-lakehouse cdc stop`, or set EBP_INGEST_MODE=cdc again."
                yield Finding("warn", "slot", f"{slots[-1].name} keeps WAL at the source and nobody reads it", advice)
            return
        check_server(connection)
        published = published_tables(connection)
        blocked = [f'"{table.name}"' for table in published.values() if table.blocks_writes]
        if blocked:
            advice = f"At once, as its administrator: ALTER PUBLICATION {PUBLICATION} DROP TABLE {', '.join(blocked)};"
            yield Finding("fail", "publication", f"EBP cannot update or delete in {', '.join(blocked)}", advice)
        specs = selected_tables(settings)
        tables = introspect(connection, specs)
        outside = {}
        for spec in (spec for spec in specs if spec.name in tables):
            table = tables[spec.name]
            member = published.get(table.oid)
            why_not = "it is not in the publication" if member is None else member.why_not(table, spec)
            if why_not:
                outside[spec.name] = why_not
        yield Finding("ok", "publication", f"{len(tables) - len(outside)} of {len(tables)} tables are streamed")
        for name, why_not in outside.items():
            yield Finding("warn", "publication", f"{name} comes by the batch route: {why_not}", f"Else: {SCRIPT}.")
        (limit,) = connection.execute("SHOW max_slot_wal_keep_size").fetchone() or ("unknown",)
        if limit == "-1":
            advice = "Set it (10GB), so that a lake that stopped reading cannot fill the source's disk."
            yield Finding("warn", "max_slot_wal_keep_size", "no limit", advice)
    if not slots:
        yield Finding("warn", "slot", "none yet", "The first run makes it; after a loss: `ebp-lakehouse cdc restart`.")
        return
    slot = slots[-1]
    text = (
        f"{slot.name}: {slot.wal_status}, {slot.lag_bytes:,} bytes to read, {slot.retained_bytes:,} bytes of WAL kept"
    )
    if slot.is_lost:
        yield Finding("fail", "slot", text, f"{RESTART}.")
    else:
        problems = slot_problems(slot)
        yield Finding("warn" if problems else "ok", "slot", text, " ".join(problems))


def lake(settings: Settings) -> Iterator[Finding]:
    store = Lake.open(settings)
    if store.is_absent:
        made_in = next(folder for folder in Path(store.url).parents if folder.exists())
        if made_in.is_dir() and os.access(made_in, os.W_OK | os.X_OK):
            yield Finding("warn", "lake", f"the folder {store.url} does not exist", "The first run makes it.")
        else:
            yield Finding("fail", "lake", f"the folder {store.url} cannot be made", "Correct EBP_LAKE_URL.")
        return
    record = publication.latest(store)
    at = f" at {settings.s3.endpoint_url}" if settings.s3 and settings.s3.endpoint_url else ""
    yield Finding("ok", "lake", f"{store.url}{at}")
    store.check_writable()
    yield Finding("ok", "conditional put", "honoured: one of eight simultaneous creations won")
    if not settings.is_s3:
        free = shutil.disk_usage(settings.lake_url).free
        state: Literal["ok", "warn"] = "ok" if free > LITTLE_ROOM else "warn"
        yield Finding(state, "disk", f"{free / 2**30:.1f} GB free", "" if state == "ok" else "Make some room.")
    if record.number == 0:
        advice = "Run `ebp-lakehouse materialize`."
        yield Finding("warn", "publication", "nothing is published yet", advice)
    else:
        yield Finding(
            "ok", "publication", f"record {record.number} of {record.published_at}, {len(record.pins)} tables"
        )


def versions(settings: Settings) -> Iterator[Finding]:
    names = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "polars", "deltalake", "pandera")
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    yield Finding("ok", "versions", f"Python {platform.python_version()}, {found}")
    if settings.is_s3:
        extension_file(S3_EXTENSION)
        session(settings).close()
        yield Finding("ok", "DuckDB extension", f"{S3_EXTENSION} for DuckDB {duckdb.__version__}, from its wheel")


def dbt_project(settings: Settings) -> Iterator[Finding]:
    from ebp_lakehouse.silver.contract import contracts  # noqa: PLC0415  pandera takes a second to import
    from ebp_lakehouse.silver.manifest import load_manifest  # noqa: PLC0415

    made = contracts(load_manifest(settings.dbt_project_dir))
    yield Finding("ok", "dbt project", f"{settings.dbt_project_dir}: {len(made)} published models")


def own_files(settings: Settings) -> Iterator[Finding]:
    """What the company has set and added, as the next build will read it."""
    own = parameters(settings.dbt_project_dir, settings.parameters_file).own
    added = [path.name for path in user_files(settings).values() if path]
    yield Finding(
        "ok", "your files", f"parameters set: {', '.join(own) or 'none'}; files: {', '.join(added) or 'none'}"
    )


def outside(settings: Settings) -> Iterator[Finding]:
    """Who outside of the company is asked, and for what; nobody is asked here, an address is not for trying."""
    own = settings.geocoder_url or "the public server"
    asked = {
        "customers' addresses": f"{settings.geocoder} ({own})" if settings.geocoder != "off" else None,
        "weather of communes": settings.weather_url,
        "economic indices": settings.economic_url,
    }
    text = "; ".join(f"{what}: {who}" for what, who in asked.items() if who)
    yield Finding("ok", "outside", text or "nobody is asked (docs/enrichment.md)")


def _guarded(
    subject: str, examination: Callable[[Settings], Iterator[Finding]], settings: Settings
) -> Iterator[Finding]:
    try:
        yield from examination(settings)
    except LakehouseError as error:
        yield Finding("fail", subject, str(error))
    except importlib.metadata.PackageNotFoundError as error:
        yield Finding("fail", subject, f"{error} is not installed", "Install the project again: make demo.")
