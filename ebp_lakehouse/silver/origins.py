"""The column lineage of a build, computed once per state of its SQL and kept in the user's cache.

SQL changes with the project, the user's parameters and the columns that an installation has, so it is the compiled text
that says whether a lineage is still right. Not here: how it is read from the SQL (lineage.py, which imports sqlglot: only
when it is needed).
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Collection, Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import platformdirs

KEPT = 20  # states: one for each set of tables that runs select; a real-time cycle has a few
_FILE = re.compile(r"read_csv\('(?:[^']|'')*'")  # lies in the scratch folder of the run, and is no column

ColumnOrigins = dict[str, dict[str, list[tuple[str, str]]]]


def column_origins(compiled: Mapping[str, str], tables: Collection[str]) -> ColumnOrigins:
    """``lineage.lineage`` of the same arguments, from the cache where these texts were met before."""
    folder = Path(platformdirs.user_cache_dir("ebp_lakehouse")) / "lineage"
    path = folder / f"{_state(compiled, tables)}.json"
    if path.exists():
        os.utime(path)
        kept = json.loads(path.read_bytes())
        return {
            table: {name: [(asset, column) for asset, column in found] for name, found in columns.items()}
            for table, columns in kept.items()
        }
    from ebp_lakehouse.silver.lineage import lineage  # noqa: PLC0415  see above

    found = lineage(compiled, tables)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(found, file)
    Path(temporary).replace(path)
    for old in sorted(folder.glob("*.json"), key=_last_used, reverse=True)[KEPT:]:
        old.unlink(missing_ok=True)
    return found


def _state(compiled: Mapping[str, str], tables: Collection[str]) -> str:
    """Changes with the texts, and with the code that reads them."""
    digest = sha256((files("ebp_lakehouse.silver") / "lineage.py").read_bytes())
    digest.update(json.dumps(sorted(tables)).encode())
    for model, sql in sorted(compiled.items()):
        digest.update(f"\0{model}\0{_FILE.sub('read_csv(', sql)}".encode())
    return digest.hexdigest()[:24]


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another run tidied
        return 0.0
