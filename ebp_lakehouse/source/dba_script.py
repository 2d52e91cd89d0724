"""The script that EBP's administrator runs for change data capture, rendered from the table registry.

It looks columns up on the server it runs on, so it fits every installation of EBP; what is secret comes from tables.yaml
and is decided there exactly as ``TableSpec.is_secret`` does here. Not here: what the server has now (published.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib import resources

from ebp_lakehouse.source.registry import HARMLESS_TYPES, REFERENCE_NAME, TableSpec


def render(specs: Sequence[TableSpec]) -> str:
    """The SQL for ``specs``: a role that may only read, and a publication that cannot make a write of EBP fail."""
    template = resources.files("ebp_lakehouse.source").joinpath("sql", "cdc_setup.sql").read_text(encoding="utf-8")
    secrets = sorted({name.casefold() for spec in specs for name in spec.secrets})
    patterns = dict.fromkeys(pattern for spec in specs for pattern in spec.secret_patterns)
    values = {
        "tables": _json({spec.name: list(spec.key) for spec in specs}),
        "secret_names": _array(secrets),
        "secret_columns": _json({s.name: [name.casefold() for name in s.exclude] for s in specs if s.exclude}),
        "secret_patterns": _array(patterns),
        "harmless_types": _array(HARMLESS_TYPES),
        "reference_name": _literal(REFERENCE_NAME),
    }
    for name, value in values.items():
        template = template.replace(f"{{{{{name}}}}}", value)
    return template


def _json(value: dict[str, list[str]]) -> str:
    lines = ",\n    ".join(f"{json.dumps(k, ensure_ascii=False)}: {json.dumps(v)}" for k, v in value.items())
    return _literal(f"{{\n    {lines}\n  }}" if value else "{}")


def _array(values: Iterable[str]) -> str:
    return f"ARRAY[{', '.join(map(_literal, values))}]::text[]"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
