"""The administrator's script says what the registry says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ebp_lakehouse.source.dba_script import render
from ebp_lakehouse.source.registry import Registry, TableSpec

DOCUMENTED = Path(__file__).resolve().parents[3] / "docs" / "sql" / "cdc_setup.sql"


def test_the_documented_script_is_the_one_that_the_command_prints() -> None:
    """Else run: ebp-lakehouse cdc script > docs/sql/cdc_setup.sql."""
    assert DOCUMENTED.read_text(encoding="utf-8") == render(Registry.load().select("priority"))


def test_names_and_secrets_are_quoted_for_sql() -> None:
    spec = TableSpec(
        name='L\'été "1"',
        asset="t",
        domain="sales",
        description="",
        key=("Clé",),
        exclude=("Mot'",),
        secrets=("Pass'word",),
        secret_patterns=("(^|_)pwd($|_)",),
    )
    script = render([spec])
    assert "{{" not in script
    wanted = re.search(r"wanted constant jsonb := '((?:[^']|'')*)'", script)
    assert wanted is not None
    assert json.loads(wanted[1].replace("''", "'")) == {'L\'été "1"': ["Clé"]}
    assert "ARRAY['pass''word']::text[]" in script
    assert "ARRAY['(^|_)pwd($|_)']::text[]" in script
    assert "\"mot''\"" in script
