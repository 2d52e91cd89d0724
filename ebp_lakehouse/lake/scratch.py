"""Folders for the time of one run, and the sweeping of those whose process was killed.

Not here: what a killed run leaves in the lake (retention.py).
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "ebp_lakehouse_"
LOCK = "lock"


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """An empty folder below the system's temporary one, gone at the end; what killed processes left there goes first."""
    _sweep()
    root = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{purpose}_"))
    with (root / "unlocked").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (root / "unlocked").rename(root / LOCK)  # seen by others when it is locked, not before
        folder = root / "scratch"
        folder.mkdir()
        try:
            yield folder
        finally:
            # Threads of a run that was interrupted may still write: then it is swept, and nothing hides why the run ended.
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                shutil.rmtree(root)


def _sweep() -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError), lock.open() as file:  # another user's, or swept by somebody else just now
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent)
