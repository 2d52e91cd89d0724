"""The user's file of parameters: by name, by kind, by choice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.calendar import CALENDARS
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT


def read(tmp_path: Path, text: str) -> dict[str, object]:
    file = tmp_path / "parameters.yaml"
    file.write_text(text)
    return parameters(DBT_PROJECT, file).own


def test_no_file_or_an_empty_one_sets_nothing(tmp_path: Path) -> None:
    assert parameters(DBT_PROJECT, None).own == {}
    assert read(tmp_path, "# all defaults\n") == {}


def test_what_the_file_sets_is_what_is_passed(tmp_path: Path) -> None:
    text = "source_clock: utc\nsegment_cut_a: 1\nuse_custom_revenue: true\ncompany_closings: [[2026-08-03, 2026-08-21]]\nmonday_index:\n"
    assert read(tmp_path, text) == {
        "source_clock": "utc",
        "segment_cut_a": 1,
        "use_custom_revenue": True,
        "company_closings": [[date(2026, 8, 3), date(2026, 8, 21)]],
        "monday_index": None,
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("source_klock: utc", "there is no parameter source_klock; did you mean source_clock?"),
        ("xyzzy: 1", "there is no parameter xyzzy; they are listed in dbt_silver/dbt_project.yml and"),
        ("source_clock: UTC", "source_clock is 'UTC', but can be local, utc"),
        ("monday_index: true", "monday_index is True, but can be None, 0, 1"),
        ("segment_months: 1.5", "segment_months is 1.5, but must be a whole number"),
        ("segment_cut_a: '0.8'", "segment_cut_a is '0.8', but must be a number"),
        ("use_custom_revenue: 1", "use_custom_revenue is 1, but must be true or false"),
        ("company_closings: 2026-08-03", "but must be a list of [first day, last day]"),
        ("company_closings: [[x, 3]]", "[['x', 3]], but must be a list of [first day, last day]"),
        ("company_closings: [[2026-08-21, 2026-08-03]]", "but must be a list of [first day, last day]"),
        ("paid_tolerance: -5", "paid_tolerance is -5, but must be 0 or more"),
        ("segment_cut_a: 80", "segment_cut_a is 80, but must be between 0 and 1"),
        ("lost_gaps: .nan", "lost_gaps is nan, but must be 0 or more"),
        ("- source_clock", "must hold lines of the form `name: value`"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match="EBP_PARAMETERS_FILE") as refused:
        read(tmp_path, text)
    assert told in str(refused.value)


def test_only_the_bank_may_be_below_zero(tmp_path: Path) -> None:
    assert read(tmp_path, "opening_bank_balance: -1250.5\nin_full_share: 1\n") == {
        "opening_bank_balance": -1250.5,
        "in_full_share": 1,
    }


def test_every_default_is_accepted(tmp_path: Path) -> None:
    values = parameters(DBT_PROJECT, None).values
    assert read(tmp_path, yaml.safe_dump(values)) == values


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        parameters(DBT_PROJECT, tmp_path / "nowhere.yaml")


def test_the_file_comes_from_the_environment() -> None:
    settings = Settings.from_environment({"EBP_PARAMETERS_FILE": "own.yaml", "EBP_USER_FILES": "files"})
    assert (settings.parameters_file, settings.user_files) == (Path("own.yaml"), Path("files"))


def test_the_calendars_to_choose_from_are_those_of_the_holiday_file() -> None:
    declared = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())["vars"]
    assert declared["parameter_choices"]["holiday_calendar"] == list(CALENDARS)
    assert set(declared["parameter_choices"]) <= set(declared["default_parameters"])
