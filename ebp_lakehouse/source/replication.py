"""The replication slot: found or created, read without consuming, advanced, dropped. One run at a time holds it.

Changes are *peeked*; the slot is advanced only when they are published. WAL positions are integers here (bytes from
0/0). Not here: what a message means (pgoutput.py), which tables the publication brings (published.py).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
from psycopg import errors as pg
from psycopg import sql

from ebp_lakehouse.errors import SourceError

PUBLICATION = "ebp_lakehouse"
PREFIX = "ebp_lakehouse"
PLUGIN = "pgoutput"
MINIMUM_SERVER_VERSION = 150000  # column lists: secrets stay out of the stream
FETCHED_MESSAGES = 500  # a message may be a row of a megabyte
LOCK_WAIT_SECONDS = 60
CREATION_WAIT_SECONDS = 60
FLUSH_WAIT_SECONDS = 30
PAGE_HEADER_BYTES = 40  # the longer of the two headers that a page of WAL can have
RESTART = "Run `ebp-lakehouse cdc restart`: it makes a new slot and reads every table again"

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class SlotState:
    """One slot of ours. ``lag_bytes``: not yet confirmed; ``retained_bytes``: WAL the server keeps because of it.

    ``room_bytes`` is what may still be written before the server drops WAL the slot needs; None without a limit.
    """

    name: str
    confirmed: int
    wal_status: str
    lag_bytes: int
    retained_bytes: int
    room_bytes: int | None

    @property
    def is_lost(self) -> bool:
        return self.wal_status in ("lost", "unknown")


def check_server(connection: Connection) -> None:
    """Refuse a server or a user that cannot stream, and say what to change.

    Raises:
        SourceError: PostgreSQL before 15, ``wal_level`` not logical, a standby, or a user without REPLICATION.
    """
    version = connection.info.server_version
    if version < MINIMUM_SERVER_VERSION:
        raise SourceError(
            f"Change data capture needs PostgreSQL 15 or later (column lists keep secrets out of the stream); this is "
            f"{version // 10000}. Use EBP_INGEST_MODE=batch, which is exact on 13 and later."
        )
    level, standby, may = _one(
        connection,
        "SELECT current_setting('wal_level'), pg_is_in_recovery(), "
        "(SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user)",
    )
    if standby:
        raise SourceError("The source is a standby: change data capture reads the primary. Correct EBP_SOURCE_URL.")
    if level != "logical":
        raise SourceError(
            f"The source's wal_level is {level}: change data capture needs logical. Ask its administrator to run "
            "`ALTER SYSTEM SET wal_level = logical` and restart it, or use EBP_INGEST_MODE=batch."
        )
    if not may:
        raise SourceError(
            "The source's user may not replicate. Ask its administrator to run the script that "
            "`ebp-lakehouse cdc script` prints."
        )


@contextmanager
def held(connection: Connection, prefix: str) -> Iterator[None]:
    """Hold the stream of one lake: a second run waits, then is refused. The server frees it if we die.

    Raises:
        SourceError: another run held it for a minute.
    """
    number = int.from_bytes(hashlib.sha256(prefix.encode()).digest()[:8], "big", signed=True)
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{LOCK_WAIT_SECONDS}s",))
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", (number,))
    except pg.LockNotAvailable:
        raise SourceError(
            f"Another run has been reading the change stream of this lake for over {LOCK_WAIT_SECONDS} seconds. "
            "Nothing was done; run again when it is over."
        ) from None
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s)", (number,))


def slot_prefix(lake: str) -> str:
    """What the names of one lake's slots begin with: two lakes may follow one source."""
    return f"{PREFIX}_{hashlib.sha256(lake.encode()).hexdigest()[:8]}_"


def slots(connection: Connection, prefix: str, names: Collection[str] = ()) -> list[SlotState]:
    """The slots of this database that begin with ``prefix`` or are among ``names``, oldest first."""
    rows = connection.execute(
        "SELECT slot_name, coalesce(pg_wal_lsn_diff(confirmed_flush_lsn, '0/0'), 0)::bigint, "
        "coalesce(wal_status, 'unknown'), "
        "coalesce(pg_wal_lsn_diff(now, confirmed_flush_lsn), 0)::bigint, "
        "coalesce(pg_wal_lsn_diff(now, restart_lsn), 0)::bigint, safe_wal_size::bigint "
        # A standby may be the source of batches; the doctor looks at its slots too.
        "FROM pg_replication_slots, (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
        "ELSE pg_current_wal_lsn() END AS now) AS wal WHERE database = current_database() AND plugin = %s "
        "AND (starts_with(slot_name, %s) OR slot_name = ANY(%s)) ORDER BY slot_name",
        (PLUGIN, prefix, list(names)),
    ).fetchall()
    return [SlotState(*row) for row in rows]


def create_slot(connection: Connection, prefix: str) -> str:
    """Create a slot whose name has never been used, and return it. Waits for running transactions, but not for ever.

    Raises:
        SourceError: a transaction stays open at the source (named), or the server has no free slot.
    """
    name = f"{prefix}{datetime.now(UTC):%Y%m%d%H%M%S%f}"
    connection.execute("SELECT set_config('statement_timeout', %s, false)", (f"{CREATION_WAIT_SECONDS}s",))
    try:
        connection.execute("SELECT pg_create_logical_replication_slot(%s, %s)", (name, PLUGIN))
    except pg.QueryCanceled:
        raise SourceError(
            f"The change stream could not start within {CREATION_WAIT_SECONDS} seconds: a transaction is open at the "
            f"source{_oldest_transaction(connection)}. Close it, then run again; nothing was changed."
        ) from None
    except pg.ConfigurationLimitExceeded:
        raise SourceError(
            "The source has no free replication slot. Ask its administrator to raise max_replication_slots or to drop "
            "a slot that nobody reads (SELECT * FROM pg_replication_slots)."
        ) from None
    finally:
        connection.execute("SELECT set_config('statement_timeout', '0', false)")
    return name


def drop_slots(connection: Connection, found: Sequence[SlotState]) -> None:
    """Drop slots: the server stops keeping WAL for them."""
    for slot in found:
        connection.execute("SELECT pg_drop_replication_slot(%s)", (slot.name,))


def settled(connection: Connection) -> int:
    """The WAL position to read up to: whatever was visible when this is called is on disk below it.

    A commit that does not wait for the disk (``synchronous_commit = off``) is visible before it is flushed, and decoding
    reads flushed WAL only. The server flushes it within three ``wal_writer_delay``. What an open transaction wrote last it
    would leave for 15 seconds: a transaction of ours, which takes a number and changes nothing, ends that wait.

    Raises:
        SourceError: the disk does not follow; a change that the capture sees could be missed for ever.
    """
    target, delay, block = _one(
        connection,
        "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint, "
        "(SELECT setting::int FROM pg_settings WHERE name = 'wal_writer_delay'), "
        "(SELECT setting::int FROM pg_settings WHERE name = 'wal_block_size')",
    )
    began = time.monotonic()
    patient = True
    while True:
        (flushed,) = _one(connection, "SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint")
        # At the end of a page the next record's place lies behind that page's header.
        if flushed >= target or (flushed % block == 0 and target - flushed <= PAGE_HEADER_BYTES):
            return int(flushed)
        waited = time.monotonic() - began
        if patient and waited > (3 * delay + 100) / 1000:
            patient = False
            connection.execute("SELECT pg_current_xact_id()")
        if waited > FLUSH_WAIT_SECONDS:
            raise SourceError(
                f"The source has not flushed its WAL for {FLUSH_WAIT_SECONDS} seconds, so changes that are visible already "
                "cannot be read from the stream. Nothing was read; run again. If this stays: is the server's disk slow, "
                "or wal_writer_delay very long?"
            )
        time.sleep(0.01)


def peek(connection: Connection, slot: str, upto: int) -> Iterator[bytes]:
    """The messages of all transactions that committed up to ``upto``, whole, without consuming them.

    Raises:
        SourceError: the slot is lost or is being read, or the publication was missing when a change was made.
    """
    query = sql.SQL(
        "SELECT data FROM pg_logical_slot_peek_binary_changes({}, '0/0'::pg_lsn + {}::numeric, NULL, "
        "'proto_version', '1', 'publication_names', {})"
    ).format(sql.Literal(slot), sql.Literal(str(upto)), sql.Literal(f'"{PUBLICATION}"'))
    with _explained(slot), connection.transaction(), connection.cursor("changes", binary=True) as cursor:
        cursor.execute(query)
        while messages := cursor.fetchmany(FETCHED_MESSAGES):
            for (message,) in messages:
                yield message


@contextmanager
def _explained(slot: str) -> Iterator[None]:
    try:
        yield
    except pg.ObjectInUse:
        raise SourceError(
            f"The replication slot {slot} is being read by another process. Run again when it is over."
        ) from None
    except pg.UndefinedObject as error:
        raise SourceError(
            f"The publication {PUBLICATION} did not exist when some of the changes were made ({_brief(error)}). "
            f"{RESTART}."
        ) from None
    except pg.ObjectNotInPrerequisiteState as error:
        raise SourceError(f"The replication slot {slot} can no longer be read ({_brief(error)}). {RESTART}.") from None


def has_changes(connection: Connection, slot: str) -> bool:
    """Whether a transaction that changed a published table waits in the slot; decodes no more than the first.

    Raises:
        SourceError: as ``peek``.
    """
    query = sql.SQL(
        "SELECT EXISTS (SELECT FROM pg_logical_slot_peek_binary_changes({}, NULL, 1, "
        "'proto_version', '1', 'publication_names', {}))"
    ).format(sql.Literal(slot), sql.Literal(f'"{PUBLICATION}"'))
    with _explained(slot):
        row = connection.execute(query).fetchone()
    return bool(row and row[0])


def advance(connection: Connection, slot: SlotState, upto: int) -> None:
    """Confirm everything below ``upto``: the server may drop that WAL. Never goes back."""
    if upto > slot.confirmed:
        connection.execute(
            "SELECT pg_replication_slot_advance(%s, '0/0'::pg_lsn + %s::numeric)", (slot.name, str(upto))
        )


def _oldest_transaction(connection: Connection) -> str:
    row = connection.execute(
        "SELECT pid, coalesce(usename, '?'), coalesce(nullif(application_name, ''), '?'), xact_start::timestamp(0)::text "
        "FROM pg_stat_activity WHERE backend_xid IS NOT NULL ORDER BY xact_start LIMIT 1"
    ).fetchone()
    return " (process {}, user {}, application {}, since {} UTC)".format(*row) if row else ""


def _one(connection: Connection, query: LiteralString) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    if row is None:
        raise SourceError("The source did not answer a question about its WAL. Run again.")
    return tuple(row)


def _brief(error: psycopg.Error) -> str:
    return str(error).splitlines()[0]
