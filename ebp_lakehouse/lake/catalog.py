"""The readers' door: one immutable DuckDB file of views per publication record, and ``connect()``.

Each view reads an explicit list of immutable Parquet files, so a reader sees every table as of one instant and
nobody waits for anybody. Two files per record: the common one, and one under ``private/`` that also shows the personal
columns. Not here: what is published (publication.py), what a catalog holds (rendering.py).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import duckdb
import platformdirs
from deltalake import DeltaTable

from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.failpoints import failpoint
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.publication import PRIVATE, Move, Record
from ebp_lakehouse.lake.rendering import write_views
from ebp_lakehouse.lake.session import quote_literal, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings

FOLDER = "catalog"
CONVENIENCE_COPY = "catalog.duckdb"
KEPT_FOR = timedelta(hours=48)
KEPT_LOCALLY = 4  # per lake and kind; a reader may still open one that is not the newest
JUST_USED = timedelta(minutes=1)  # somebody was given the path, and may not have opened it yet: many publish, many read


def publish(settings: Settings, moves: Mapping[str, Move], run_id: str) -> Record:
    """Make Delta commits visible: commit the record, then put the catalogs rendered from it.

    With no moves no record is made and the current one is returned. A crash between the two steps harms nobody: whoever
    connects next renders the missing catalog from the record, and the next run puts it.

    Raises:
        ConflictError: another run published one of these tables meanwhile.
    """
    lake = Lake.open(settings)
    if moves:
        failpoint("before-record")
        record = publication.commit(lake, moves, run_id)
        failpoint("record-created")
    else:
        record = publication.latest(lake)
        if record.number == 0 or lake.exists(object_name(record.number, private=True)):
            return record
    put_catalogs(settings, lake, record, {key: move.opened for key, move in moves.items() if move.opened is not None})
    for private in (False, True):
        _retire(lake, record, private=private)
    return record


def put_catalogs(
    settings: Settings, lake: Lake, record: Record, opened: Mapping[str, DeltaTable] | None = None
) -> None:
    """Put one record's catalogs and the convenience copies; the private catalog is last, so it tells that all are there."""
    contents = {
        private: local_catalog(settings, lake, record, private=private, opened=opened).read_bytes()
        for private in (False, True)
    }
    # A publisher that was overtaken leaves the copies alone: they would show its older record until the next one.
    copied = contents if publication.latest_number(lake) == record.number else {}
    for private, content in copied.items():
        lake.replace(f"{PRIVATE}/{CONVENIENCE_COPY}" if private else CONVENIENCE_COPY, content)
        failpoint("private-copy-put" if private else "common-copy-put")
    for private, content in contents.items():
        lake.create(object_name(record.number, private=private), content)
        failpoint("catalogs-put" if private else "common-catalog-put")


def connect(
    record_number: int | None = None, settings: Settings | None = None, *, private: bool = False
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the schemas ``bronze``, ``silver`` and ``gold`` as of one publication.

    Args:
        record_number: which publication; the newest by default.
        settings: where the lake is; the environment by default.
        private: show personal columns too (needs read access to ``<lake>/private/``).

    Raises:
        LakeError: the lake cannot be reached, nothing is published yet, or the record is gone.
    """
    settings = settings or Settings.from_environment()
    lake = Lake.open(settings)
    record = publication.latest(lake) if record_number is None else publication.read(lake, record_number)
    if record.number == 0:
        raise LakeError(
            f"Nothing is published in {lake.url} yet. Run `ebp-lakehouse materialize`, or check EBP_LAKE_URL."
        )
    path = local_catalog(settings, lake, record, private=private)
    connection = session(settings)
    connection.execute(f"ATTACH {quote_literal(str(path))} AS lake (READ_ONLY)")
    connection.execute("USE lake")
    return connection


def local_catalog(
    settings: Settings,
    lake: Lake,
    record: Record,
    *,
    private: bool,
    opened: Mapping[str, DeltaTable] | None = None,
) -> Path:
    """The catalog of one record as a local file: from the cache, else by one GET, else rendered from the record."""
    path = _cached(lake, record, private=private)
    with suppress(FileNotFoundError):
        os.utime(path)  # whoever tidies the cache sees that it is in use
        return path
    content = lake.read(object_name(record.number, private=private))
    if content is not None:
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        if _rendered_for(Path(temporary)) == lake.url:
            return _keep(Path(temporary), path)
        Path(temporary).unlink()  # the lake was moved or copied since: the paths in the views are another lake's
    return _render(settings, lake, record, opened or {}, private=private)


def object_name(number: int, *, private: bool) -> str:
    """Path of one record's catalog."""
    return f"{PRIVATE + '/' if private else ''}{FOLDER}/{number:020d}.duckdb"


def _cached(lake: Lake, record: Record, *, private: bool) -> Path:
    """Where this user keeps one lake's catalogs; 0700, because the private ones name personal columns.

    The name holds the record's instant: a lake that was wiped and begun again counts from 1 again.
    """
    digest = sha256(f"{lake.url} {lake.s3.endpoint_url if lake.s3 else ''} {private}".encode()).hexdigest()[:16]
    caches = Path(platformdirs.user_cache_dir("ebp_lakehouse"))
    caches.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = caches / digest
    folder.mkdir(mode=0o700, exist_ok=True)
    instant = sha256(f"{record.published_at} {record.run_id}".encode()).hexdigest()[:8]
    return folder / f"{record.number:020d}-{instant}.duckdb"


def _keep(temporary: Path, path: Path) -> Path:
    """Put a finished catalog in its place, and drop the ones of this lake that nobody asked for of late."""
    temporary.replace(path)
    ages = sorted((other for other in path.parent.iterdir() if other != path), key=_last_used)
    for other in ages[: -KEPT_LOCALLY + 1]:
        spared = JUST_USED if other.suffix == ".duckdb" else KEPT_FOR  # else it is one that somebody is writing
        if _last_used(other) <= time.time() - spared.total_seconds():
            other.unlink(missing_ok=True)
    return path


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # somebody else tidied
        return 0.0


def _rendered_for(path: Path) -> str | None:
    """URL of the lake that a catalog's views read."""
    with duckdb.connect(str(path), read_only=True) as connection:
        try:
            row = connection.execute("SELECT lake FROM main.publication").fetchone()
        except duckdb.Error:  # rendered before catalogs said so
            return None
    return str(row[0]) if row else None


def _render(settings: Settings, lake: Lake, record: Record, opened: Mapping[str, DeltaTable], *, private: bool) -> Path:
    """Render one record's catalog into the local cache, re-using every view that did not change."""
    target = _cached(lake, record, private=private)
    # The private catalog is the common one of the same record with the personal tables' views replaced.
    base = (
        local_catalog(settings, lake, record, private=False).read_bytes()
        if private
        else lake.read(object_name(record.number - 1, private=False))
    )
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".rendering")
    os.close(handle)
    if base is None:
        Path(temporary).unlink()
    else:
        Path(temporary).write_bytes(base)
    try:
        write_views(settings, lake, record, opened, temporary, private=private)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return _keep(Path(temporary), target)


def numbers(lake: Lake, *, private: bool) -> list[int]:
    """Records that have a catalog in the lake, oldest first."""
    names = lake.names(f"{PRIVATE}/{FOLDER}" if private else FOLDER)
    return [int(name.removesuffix(".duckdb")) for name in names if name.endswith(".duckdb")]


def _retire(lake: Lake, record: Record, *, private: bool) -> None:
    """Drop catalogs older than the retention; the newest of the old ones stays as a base to render from."""
    oldest_kept = datetime.now(UTC) - KEPT_FOR
    for number in numbers(lake, private=private):
        if number >= record.number - 1:
            break
        old = publication.find(lake, number)  # a record beyond its own retention is gone before its catalog
        if old is not None and datetime.fromisoformat(old.published_at) >= oldest_kept:
            break
        lake.delete(object_name(number, private=private))
