"""What ``query`` prints, in each format."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ebp_lakehouse.cli import Without, _write, app
from ebp_lakehouse.demo.company.options import CompanyOptions

NAMES = ["day", "amount", "note"]
ROWS = [(date(2026, 3, 1), Decimal("0E-8"), None), (date(2026, 3, 2), Decimal("1234567.10"), "a,b")]


def test_csv_has_exact_decimals_and_empty_nulls(capsys: pytest.CaptureFixture[str]) -> None:
    _write(NAMES, ROWS, "csv")
    assert capsys.readouterr().out == 'day,amount,note\n2026-03-01,0.00000000,\n2026-03-02,1234567.10,"a,b"\n'


def test_json_keeps_decimals_as_text_and_nulls(capsys: pytest.CaptureFixture[str]) -> None:
    _write(NAMES, ROWS, "json")
    assert json.loads(capsys.readouterr().out) == [
        {"day": "2026-03-01", "amount": "0.00000000", "note": None},
        {"day": "2026-03-02", "amount": "1234567.10", "note": "a,b"},
    ]


def test_a_table_shows_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    _write(["name [fr]", "note"], [("x [avoir]", "[/x]"), ("[red]y[/red]", r"\[z]")], "table")
    shown = capsys.readouterr().out
    assert [text for text in ("name [fr]", "x [avoir]", "[/x]", "[red]y[/red]", r"\[z]") if text not in shown] == []


def test_what_a_company_may_lack_is_a_switch_of_its_options() -> None:
    for what in Without:
        assert CompanyOptions(**{what.replace("-", "_"): False}).changed() == {what.replace("-", "_"): False}


def test_an_impossible_company_is_refused_in_one_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--home", str(tmp_path), "--without", "gps", "--storehouses", "2"])
    assert result.exit_code == 1
    assert "storehouses = 2" in result.stderr
    assert not list(tmp_path.iterdir())
