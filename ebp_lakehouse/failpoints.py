"""Named places between two durable steps where a test may kill the process, to prove that a crash there harms nobody.

``EBP_FAILPOINT=name`` (or ``name:3`` for the third time) arms one point of one process: when it is reached, the process
is killed by SIGKILL, as by a power cut: no ``finally``, no flush. Unarmed, a point costs one look into the environment.
In production (``EBP_ENVIRONMENT=production``) nothing can be armed. The variable is read here and not in settings.py:
it is no setting of the house, nobody may pass it on.

To add a point: name it in ``POINTS`` with what is durable there and what is not yet, call ``failpoint("name")`` between
the two, and add it to a scenario of integration/crash/test_crashes.py; that test fails on a point that it never reaches.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

VARIABLE = "EBP_FAILPOINT"

POINTS = {
    "file-half-written": "a Parquet file is being written: parts of it may be with the store, no listing shows it",
    "files-uploaded": "all Parquet files of a commit are in the store, no Delta commit names them",
    "columns-added": "the Delta table has new columns, the rows that fill them are not committed",
    "delta-committed": "one Delta commit is made, no record pins it",
    "delta-restored": "an unpinned commit of a former crash is undone, nothing new is written",
    "before-record": "every Delta commit of the run is made and audited, the record is not created",
    "record-created": "the record pins the commits, no catalog shows it",
    "common-copy-put": "the common convenience copy shows the record, no other catalog does",
    "private-copy-put": "both convenience copies show the record, its own catalogs are missing",
    "common-catalog-put": "the record's common catalog is there, its private one is missing",
    "catalogs-put": "every catalog is there, old ones are not dropped",
    "slot-created": "the source keeps changes for the lake, no table's pin names the slot",
    "stream-published": "the changes of the stream are published, the slot is not advanced over them",
    "compaction-audited": "compacted files are committed and proved equal, no record pins them",
    "record-retired": "one record beyond retention is dropped, its catalog and older files are not",
    "catalog-retired": "the catalog of a dropped record is gone, files that only it pinned are not",
    "file-vacuumed": "one file that no retained record pins is deleted, others are not",
    "checkpoint-written": "the Delta log has a checkpoint, entries before it are not dropped",
    "log-entry-dropped": "one entry of the Delta log before the checkpoint is dropped, others are not",
}

_reached: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Kill this process here when the test that started it asked for that."""
    armed = os.environ.get(VARIABLE)
    if armed is None or os.environ.get("EBP_ENVIRONMENT") == "production":
        return
    if name not in POINTS:
        raise AssertionError(f"{name} is not in failpoints.POINTS")
    wanted, _, time = armed.partition(":")
    _reached[name] += 1
    if name == wanted and _reached[name] == int(time or 1):
        os.kill(os.getpid(), signal.SIGKILL)
