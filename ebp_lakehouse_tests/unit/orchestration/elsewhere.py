"""A run in a process of its own, to be waited for or killed: ``python -m … HOME JOB``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg

from ebp_lakehouse.orchestration.runs import instance_at


def job_in_pool(name: str) -> dg.JobDefinition:
    """One step in the pool ``silver``, that lasts as long as the file ``busy`` is in DAGSTER_HOME."""

    @dg.op(pool="silver", out=dg.Out(dg.Nothing))
    def wait() -> None:
        home = Path(os.environ["DAGSTER_HOME"])
        (home / f"begun-{dg.OpExecutionContext.get().run_id}").touch()
        while (home / "busy").exists():
            time.sleep(0.05)

    @dg.job(name=name, executor_def=dg.in_process_executor)
    def job() -> None:
        wait()

    return job


def begin(home: Path, name: str = "elsewhere") -> tuple[subprocess.Popen[bytes], str]:
    """The process, and its run, which is inside its step."""
    (home / "busy").touch()
    process = subprocess.Popen([sys.executable, "-m", __name__, str(home), name], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (begun := list(home.glob("begun-*"))):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    return process, begun[0].name.removeprefix("begun-")


def kill(process: subprocess.Popen[bytes], home: Path) -> None:
    process.kill()
    process.wait()
    (home / "busy").unlink()


if __name__ == "__main__":
    job_in_pool(sys.argv[2]).execute_in_process(instance=instance_at(Path(sys.argv[1])))
