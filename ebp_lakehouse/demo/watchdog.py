"""Ends a child when nobody holds a lock file any more: what a process that was killed can no longer do itself.

Lives here: one small program in a session of its own, and how it is started. It imports nothing of ours, so that it
stays small and outlives a deleted project. Not here: who holds the lock (processes.py, orchestration/ui.py).
"""

from __future__ import annotations

import subprocess
import sys
from typing import IO

# The command line is compared before each signal: a pid may have been given to somebody else since, and a process that
# has ended but was not waited for (its parent lives on) has none.
_PROGRAM = """
import fcntl, os, signal, sys, time
pid, identity, lock = int(sys.argv[1]), os.fsencode(sys.argv[2]), int(sys.argv[3])
for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(signum, signal.SIG_IGN)
def signalled(signum):
    try:
        if os.path.isdir("/proc/self"):
            with open(f"/proc/{pid}/cmdline", "rb") as handle:
                if identity not in handle.read():
                    return False
        os.kill(pid, signum)
    except OSError:
        return False
    return True
fcntl.flock(lock, fcntl.LOCK_EX)
if signalled(signal.SIGINT):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and signalled(0):
        time.sleep(0.1)
    signalled(signal.SIGKILL)
"""


def watch(lock: IO[str], pid: int, identity: str) -> subprocess.Popen[bytes]:
    """A process that waits until nobody but it holds ``lock``, and then stops ``pid``: SIGINT, after 15 s SIGKILL.

    It ends after that. While it stops the process it holds the lock itself, so that a newcomer waits.

    Args:
        lock: an open file on which others hold locks (``fcntl.flock``); of its own, not the one they hold theirs by.
        pid: the process to stop.
        identity: a text that the process's command line holds, by which it is told from a later one of the same pid.
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, str(pid), identity, str(lock.fileno())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[lock.fileno()],
        cwd="/",
        start_new_session=True,
    )
