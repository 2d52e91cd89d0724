"""JupyterLab on the repository's notebooks, told which lake to read. Not here: what the notebooks ask (``notebooks/``)."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.settings import REPOSITORY_ROOT, Settings

FIRST = "notebooks/01_decouvrir_le_lac.ipynb"


def open_lab(settings: Settings, arguments: Sequence[str]) -> int:
    """Run JupyterLab until it ends; its exit code. Kernels find the lake in the environment, as ``connect()`` does.

    Raises:
        SettingsError: JupyterLab is not installed, or this installation came without the notebooks.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise SettingsError(
            "JupyterLab is not installed. Run `make notebook`, or install the extra: pip install -e '.[notebooks]'. "
            "Any other Jupyter will do as well: give its kernel EBP_LAKE_URL."
        )
    if not (REPOSITORY_ROOT / FIRST).is_file():
        raise SettingsError(f"There is no {FIRST} in {REPOSITORY_ROOT}. Run this in a checkout of the repository.")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={REPOSITORY_ROOT}"]
    command += [f"--LabApp.default_url=/lab/tree/{FIRST}", *arguments]
    with subprocess.Popen(command, env=os.environ | settings.to_environment()) as lab:
        previous = signal.signal(signal.SIGTERM, lambda *_: lab.terminate())
        try:
            return _end_of(lab)
        finally:
            signal.signal(signal.SIGTERM, previous)


def _end_of(lab: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return lab.wait()
        except KeyboardInterrupt:  # it heard Ctrl-C as well, and asks before it stops
            continue
