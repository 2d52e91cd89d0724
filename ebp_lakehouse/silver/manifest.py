"""dbt's manifest: parsed once per state of the project, shared by every process that loads the definitions.

Not here: what the manifest means (contract.py) and running models (build.py).
"""

from __future__ import annotations

import json
import os
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import platformdirs

from ebp_lakehouse.errors import ContractError

IGNORED = {"target", "logs", "dbt_packages"}
PARSE_SUFFIX = ".msgpack"


def fingerprint(project_dir: Path) -> str:
    """Hash of every file dbt would read; a clone, a checkout and an edit all change it when they change the project."""
    digest = sha256()
    files = [
        path
        for path in sorted(project_dir.rglob("*"))
        if path.is_file() and not IGNORED & set(path.relative_to(project_dir).parts) and path.name != ".user.yml"
    ]
    if not any(path.name == "dbt_project.yml" for path in files):
        raise ContractError(f"{project_dir} is not a dbt project. Set EBP_DBT_PROJECT_DIR to the folder dbt_silver.")
    for path in files:
        digest.update(str(path.relative_to(project_dir)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


def load_manifest(project_dir: Path) -> dict[str, Any]:
    """The project's manifest; parsed by dbt only when no whole parse of exactly these files exists yet.

    Parsing goes to a folder of its own and is moved into place whole, so that processes that start together
    (a back-fill) neither wait for nor break one another.
    """
    project_dir = project_dir.absolute()
    path = manifest_path(project_dir)
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):  # not there, or cut off
        _parse(project_dir, path)
        manifest = json.loads(path.read_bytes())
    return manifest


def load_parse(project_dir: Path) -> Any:
    """The same state as dbt's own ``Manifest`` object, to run without parsing again.

    It is read from dbt's binary file: the JSON manifest does not bring generic tests back as what they were.
    """
    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415
    from dbt.parser.manifest import extended_mashumuro_decoder  # noqa: PLC0415  (spelt so by dbt)

    project_dir = project_dir.absolute()
    load_manifest(project_dir)
    path = manifest_path(project_dir)

    def read() -> Any:
        content = path.with_suffix(PARSE_SUFFIX).read_bytes()
        return Manifest.from_msgpack(content, decoder=extended_mashumuro_decoder)

    try:
        parsed = read()
    except (FileNotFoundError, LookupError, ValueError):  # as above; mashumaro's errors are of the last two kinds
        _parse(project_dir, path)
        parsed = read()
    parsed.build_flat_graph()  # what macros see as `graph`; a parse fills it, a parse read back does not
    return parsed


def manifest_path(project_dir: Path) -> Path:
    """Beside the project, or, where it is installed read only, in the cache of the user, which nobody else can write."""
    folder = project_dir / "target"
    if not os.access(folder if folder.exists() else project_dir, os.W_OK):
        folder = Path(platformdirs.user_cache_dir("ebp_lakehouse")) / "dbt"
    return folder / f"manifest-{fingerprint(project_dir)}.json"


def _parse(project_dir: Path, path: Path) -> None:
    from dbt.cli.main import dbtRunner  # noqa: PLC0415  dbt takes a second to import; most loads need no parse

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as target:
        result = dbtRunner().invoke(
            [
                "--quiet",
                "parse",
                "--no-partial-parse",
                "--project-dir",
                str(project_dir),
                "--profiles-dir",
                str(project_dir),
                "--target-path",
                target,
                "--log-path",
                target,
            ]
        )
        if not result.success:
            raise ContractError(f"dbt cannot parse {project_dir}: {result.exception or result.result}")
        # The parse first: who sees the manifest may rely on it.
        (Path(target) / "partial_parse.msgpack").replace(path.with_suffix(PARSE_SUFFIX))
        (Path(target) / "manifest.json").replace(path)
    for old in path.parent.glob("manifest-*"):
        if old.stem != path.stem:
            old.unlink(missing_ok=True)
