"""Connections to the EBP PostgreSQL database: always read-only, always with the canonical session settings.

The settings fix how every value is written as text, so that a row's hash never depends on the server's configuration.
Not here: what is read (introspection.py, extraction.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors as pg

from ebp_lakehouse.errors import SourceError
from ebp_lakehouse.settings import source_parts

APPLICATION_NAME = "ebp_lakehouse"
MINIMUM_SERVER_VERSION = 130000  # pg_current_snapshot() and xid8
CONNECT_TIMEOUT_SECONDS = 10
CANONICAL_SETTINGS = {
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "TimeZone": "UTC",
    "lc_monetary": "C",
    "client_encoding": "UTF8",
    "default_transaction_read_only": "on",
    # EBP copies are small; a capture must neither be cut off nor let a lock queue build up behind it.
    "statement_timeout": "0",
    "lock_timeout": "60s",
    "idle_in_transaction_session_timeout": "0",
}


def connect(url: str) -> psycopg.Connection[Any]:
    """A read-only session with canonical settings, in autocommit mode.

    Raises:
        SourceError: no server, wrong password, missing database, server too old. Never shows the password.
    """
    try:
        connection = psycopg.connect(
            url, autocommit=True, application_name=APPLICATION_NAME, connect_timeout=CONNECT_TIMEOUT_SECONDS
        )
    except psycopg.Error as error:
        raise explain(error, url) from None  # the chained error's text may quote the connection string
    try:
        connection.execute(
            "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS t(name, value)",
            (list(CANONICAL_SETTINGS), list(CANONICAL_SETTINGS.values())),
        )
        if connection.info.server_version < MINIMUM_SERVER_VERSION:
            raise SourceError(  # noqa: TRY301
                f"The source {location(url)} is PostgreSQL {connection.info.server_version // 10000}; "
                "13 or later is needed."
            )
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def reading(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A session of ``connect``, closed at the end; what the server refuses is told as a ``SourceError``."""
    with connect(url) as connection:
        try:
            yield connection
        except psycopg.Error as error:
            raise explain(error, url) from None


def location(url: str) -> str:
    """``host:port/database`` of a URL: what messages may show. Nothing of a URL that may be read wrongly."""
    try:
        parts = source_parts(url)
    except ValueError:
        return "(not shown)"
    return f"{parts.get('host', 'local socket')}:{parts.get('port', '5432')}/{parts.get('dbname', '')}"


def explain(error: BaseException, url: str) -> SourceError:
    """A server's or driver's error in one sentence that says what to do."""
    where = f"the source {location(url)}"
    text = " ".join(str(error).split())
    folded = text.lower()
    state = getattr(error, "sqlstate", None)
    if isinstance(error, pg.InvalidPassword) or "password authentication failed" in folded:
        what, advice = "refuses the user or the password", "Correct EBP_SOURCE_URL"
    elif "no password supplied" in folded:
        what, advice = "asks for a password", "Add it to EBP_SOURCE_URL (postgresql://user:password@host/database)"
    elif "no pg_hba.conf entry" in folded:
        what, advice = "does not accept connections from here", "Ask its administrator for a line in pg_hba.conf"
    elif state == pg.InvalidCatalogName.sqlstate or ("database" in folded and "does not exist" in folded):
        what, advice = "has no such database", "Correct the end of EBP_SOURCE_URL"
    elif state == pg.InsufficientPrivilege.sqlstate:
        what, advice = "does not let this user read", f"Grant SELECT to it ({text.splitlines()[0][:200]})"
    elif state == pg.LockNotAvailable.sqlstate:
        what, advice = "keeps a table locked (is a refresh of the copy running?)", "Run again when it is over"
    elif any(
        word in folded
        for word in ("refused", "timeout", "timed out", "could not translate", "failed to resolve", "no route", "reset")
    ):
        what, advice = "does not answer", "Is the server running, and are host and port of EBP_SOURCE_URL right?"
    elif isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        what, advice = "closed the connection or cannot be reached", "Look at the server's log, then run again"
    else:
        what, advice = f"answered: {_without_password(text, url)[:300]}", "Run again, or report this"
    stop = "" if advice.endswith(("?", ".")) else "."
    return SourceError(f"{where[0].upper()}{where[1:]} {what}. {advice}{stop}")


def _without_password(text: str, url: str) -> str:
    try:
        password = source_parts(url).get("password")
    except ValueError:
        return "(not shown: it may quote the connection string)"
    text = text.replace(url, location(url))  # where the password may stand percent-encoded
    return text.replace(password, "***") if password else text
