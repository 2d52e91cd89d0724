"""What dagster-dbt says of each published model, kept beside the parsed manifest.

dagster-dbt imports dbt, which took 2.5 of the 7.1 s that loading the definitions took (2 cores, quiet), in each of the
processes behind the UI. So it is asked once per state of the project, when dbt has just been parsed, and its answers are
read from then on. Not here: our own keys, groups, columns and dependencies (assets.py).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ebp_lakehouse.silver.manifest import manifest_path

SUFFIX = ".specs"


@dataclass(frozen=True)
class ModelSpec:
    """One model: ``code_version`` changes with its SQL, ``metadata`` is what Dagster's UI shows of a dbt model."""

    code_version: str | None
    metadata: dict[str, str]


def model_specs(project_dir: Path, manifest: Mapping[str, Any], models: Collection[str]) -> dict[str, ModelSpec]:
    """``ModelSpec`` of each of ``models``, by name; asked of dagster-dbt when nobody did for this state of the project."""
    path = manifest_path(project_dir.absolute()).with_suffix(SUFFIX)
    if path.exists():
        known = {name: ModelSpec(**spec) for name, spec in json.loads(path.read_bytes()).items()}
        if known.keys() == set(models):
            return known
    found = _asked(manifest, models)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({name: asdict(spec) for name, spec in found.items()}, file)
    Path(temporary).replace(path)
    return found


def _asked(manifest: Mapping[str, Any], models: Collection[str]) -> dict[str, ModelSpec]:
    from dagster_dbt import build_dbt_asset_specs  # noqa: PLC0415  see above

    return {
        spec.key.path[-1]: ModelSpec(
            spec.code_version, {name: value for name, value in spec.metadata.items() if isinstance(value, str)}
        )
        for spec in build_dbt_asset_specs(manifest=manifest, select=" ".join(models))
    }
