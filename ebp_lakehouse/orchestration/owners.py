"""Which runs still have a process: each run's process holds a lock on a file of its own, and a lock ends with its process.

Dagster without a launcher that asks its workers never learns that a run was killed or that the machine went down: the run
counts as running, and holds its layer's place, for good. Not here: what becomes of such a run (event_log.py).
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO


class RunOwners:
    """The locks of one Dagster home; ``folder`` is made when a run begins."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, IO[str]] = {}

    def hold(self, run_id: str) -> None:
        """This process runs it."""
        if run_id not in self._held:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = self._path(run_id).open("w")
            fcntl.flock(file, fcntl.LOCK_EX)
            self._held[run_id] = file

    def release(self, run_id: str) -> None:
        """It has ended; nothing where another process ran it."""
        file = self._held.pop(run_id, None)
        if file is not None:
            self._path(run_id).unlink(missing_ok=True)
            file.close()

    def abandoned(self) -> Iterator[str]:
        """Runs that began and whose process is gone; one of several processes that ask is told of each."""
        for path in sorted(self._folder.glob("*.lock")):
            if path.stem in self._held:
                continue
            with suppress(FileNotFoundError, BlockingIOError), path.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.exists():
                    yield path.stem
                    path.unlink(missing_ok=True)

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.lock"
