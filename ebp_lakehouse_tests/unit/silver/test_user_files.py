"""The user's own files: what is refused, and in which words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ebp_lakehouse.doctor import own_files
from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.user_files import declared, user_files
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT


def of(folder: Path, **files: str) -> Settings:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return Settings(user_files=folder)


def test_files_are_found_by_their_names(tmp_path: Path) -> None:
    settings = of(
        tmp_path,
        satisfaction="event_number,score\ne01,5\n",
        sla="contract_family;resolution_hours;mine\n*;24;x\nOr;4.5;y\n",
        notes="anything\n",
    )
    found = user_files(settings)
    assert {name: path.name for name, path in found.items() if path} == {
        "satisfaction": "satisfaction.csv",
        "sla": "sla.csv",
    }
    (finding,) = own_files(settings)
    assert finding.text == "parameters set: none; files: satisfaction.csv, sla.csv"
    assert set(user_files(Settings()).values()) == {None}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "satisfaction",
            "event_number,score\ne01,5\ne02,6\ne03,0\n",
            "satisfaction.csv, line 3: score is '6', but must be between 1 and 5 (and 1 more like it)",
        ),
        ("satisfaction", "event_number,score\ne01,good\n", "score is 'good', but must be a whole number"),
        ("satisfaction", "event_number,score\n,5\n", "line 2: event_number is empty"),
        ("satisfaction", "score\n5\n", "has no column event_number or document_number"),
        ("satisfaction", "event_number,date\ne01,2026-01-01\n", "has no column score"),
        (
            "colleague_extra",
            "colleague_id,hire_date\nT1,2020-01-01\nt1,03/08/2026\n",
            "hire_date is '03/08/2026', but must be a date as 2026-08-03; colleague_extra.csv, line 3: colleague_id 't1' was",
        ),
        ("colleague_extra", 'colleague_id,depot_latitude\nT1,"45,5"\n', "must be a number as 12.5"),
        ("colleague_extra", "colleague_id,depot_latitude\nT1,455\n", "must be between -90 and 90"),
        (
            "colleague_extra",
            "colleague_id,depot_latitude,depot_longitude\nT1,45,5\nT2,,\nT3,45,\n",
            "line 4: depot_latitude and depot_longitude are not both filled",
        ),
        (
            "colleague_extra",
            "colleague_id,depot_longitude\nT1,\nT2,5\n",
            "line 3: depot_latitude and depot_longitude are not both filled",
        ),
        ("colleague_extra", "colleague_id,weekly_hour\nT1,35\n", "'weekly_hour'; did you mean weekly_hours?"),
        ("colleague_extra", "Colleague_ID,skills\nT1,gaz\n", "'Colleague_ID'; did you mean colleague_id?"),
        ("sla", "contract_family,clock\n*,Business\n", "clock is 'Business', but must be in ('calendar', 'business')"),
        ("sla", "contract_family,priority\n*,\n*,\n", "line 3: contract_family, priority '*' was there before"),
        ("market_size", "department_code,potential_customers\n71,-1\n", "'-1', but must be >= 0"),
        ("colleagues_extra", "colleague_id\nT1\n", "colleagues_extra.csv is not read; did you mean colleague_extra.csv?"),
        ("incident_extra", "", "incident_extra.csv has no column incident_id"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)) as refused:
        user_files(of(tmp_path, **{name: text}))
    assert str(refused.value).startswith(f"EBP_USER_FILES: {tmp_path}: ")


def test_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "colleague_extra.csv").write_bytes("colleague_id,team\nT1,Équipe\n".encode("cp1252"))
    with pytest.raises(SettingsError, match="save it as CSV with a header, in UTF-8"):
        user_files(Settings(user_files=tmp_path))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"EBP_USER_FILES: .*nowhere is not a folder"):
        user_files(Settings(user_files=tmp_path / "nowhere"))


def test_readme_lists_every_column() -> None:
    told = (DBT_PROJECT.parent / "README.md").read_text("utf-8")
    for name, file in declared(DBT_PROJECT).items():
        (row,) = re.findall(rf"^\| `{name}\.csv` \|.*$", told, flags=re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", row.split("|")[3])) - {"calendar", "business"} == set(file.columns)
