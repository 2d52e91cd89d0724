"""The SQL that cleans telephone numbers, judged by the library `phonenumbers`, which knows the world's numbering plans."""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb
import jinja2
import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT

# The ways in which the ten digits of a French number are typed.
FORMATS = (
    lambda digits: " ".join(re.findall("..", digits)),
    lambda digits: ".".join(re.findall("..", digits)),
    lambda digits: "-".join(re.findall("..", digits)),
    lambda digits: digits,
    lambda digits: f"+33{digits[1:]}",
    lambda digits: f"+33 (0){digits[1]} " + " ".join(re.findall("..", digits[2:])),
    lambda digits: f"0033{digits[1:]}",
    lambda digits: f"33{digits[1:]}",
    lambda digits: f" {digits[1:]} ",  # the zero lost by a spreadsheet
)  # fmt: skip
COUNTRIES = {"FR": "33", "BE": "32", "CH": "41", "MC": "377", "LU": "352", "DE": "49", "IT": "39"}
OVERSEAS = ("GP", "GF", "MQ", "RE", "YT")
french = st.from_regex(r"0[1-79][0-9]{8}", fullmatch=True)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def cleaned(connection: duckdb.DuckDBPyConnection, values: Sequence[str], country: str = "FR") -> list[str | None]:
    """What the macro clean_phone makes of the values, in their order."""
    source = (DBT_PROJECT / "macros" / "cleaning.sql").read_text()
    macros = jinja2.Environment().from_string(source).module  # noqa: S701  it renders SQL, not HTML
    expression = macros.clean_phone("v", "c", "p")  # type: ignore[attr-defined]
    rows = connection.execute(
        f"select {expression} from (select unnest($1) as v, generate_subscripts($1, 1) as i, $2 as c, $3 as p) order by i",
        [list(values), country, COUNTRIES[country]],
    ).fetchall()
    return [row[0] for row in rows]


def readings(value: str, country: str) -> set[str]:
    """The judge: what the value is in E.164, in each region of the country where it is a number in use."""
    found = set()
    for region in (country, *OVERSEAS) if country == "FR" else (country,):
        try:
            number = phonenumbers.parse(value, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            found.add(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    # The national plan gives 0263 to Réunion and 0596 to Martinique alone; the library takes some of them for the metropolis.
    return {number for number in found if not number.startswith(("+33263", "+33596"))}


@given(st.lists(french, min_size=1, max_size=10))
@example(["0590123456", "0262123456", "0692123456", "0594123456", "0596123456", "0696123456"])
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_french_number_is_the_same_however_it_is_typed(
    connection: duckdb.DuckDBPyConnection, numbers: list[str]
) -> None:
    typed = [form(number) for number in numbers for form in FORMATS]
    found = cleaned(connection, typed)
    for place, number in enumerate(numbers):
        forms = set(found[place * len(FORMATS) : (place + 1) * len(FORMATS)])
        assert len(forms) == 1, (number, forms)
        judged = readings(number, "FR")
        assert forms <= judged or not judged, (number, forms, judged)


@given(
    st.lists(st.text("0123456789+() .-/;,é\u00a0", max_size=22), min_size=1, max_size=40),
    st.sampled_from(sorted(COUNTRIES)),
)
@example(
    ["01 23 45 67 89 / 06 12 34 56 78", "0123456789 poste 12", "+", "00", "(0)", "", "0", "+33", "++33123456789"], "FR"
)
@example(["06 1234 5678", "0612345678901"], "IT")
@example(["32858094", "0-8580x sp9,4", "02 345 67 89"], "BE")
@settings(max_examples=60, deadline=None, derandomize=True)
def test_what_is_kept_could_be_dialled(connection: duckdb.DuckDBPyConnection, values: list[str], country: str) -> None:
    for value, number in zip(values, cleaned(connection, values, country), strict=True):
        if number is None:
            continue
        assert phonenumbers.is_possible_number(phonenumbers.parse(number)), (country, value, number)
        judged = readings(value, country)
        assert number in judged or not judged, (country, value, number, judged)


def test_what_is_no_number_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    hostile = [
        "",
        "12",
        "01 23 45 67 8",
        "01 23 45 67 89 10",
        "néant",
        "+",
        "00",
        "'; drop table customer; --",
        "0000000000",
    ]
    assert cleaned(connection, hostile) == [None] * len(hostile)
