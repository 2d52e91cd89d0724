"""Which days are asked for, what an answer says, and how a service that is busy, broken or wrong is told."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr

from ebp_lakehouse.errors import ServiceError
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.enrichment.service import Service
from ebp_lakehouse.silver.enrichment.weather import Request, fetch, missing, weather_service
from ebp_lakehouse_tests.unit.silver.enrichment.servers import (
    Asked,
    Clock,
    Local,
    Reply,
    as_json,
    open_meteo,
    serving,
)

NANTES, RENNES = ("44109", 47.2184, -1.5536), ("35238", 48.1173, -1.6778)
TWO_DAYS = Request([NANTES], date(2026, 1, 30), date(2026, 1, 31))


def places(*communes: tuple[str, float, float]) -> pl.DataFrame:
    schema = {"insee_code": pl.String, "latitude": pl.Float64, "longitude": pl.Float64}
    return pl.DataFrame(communes, schema=schema, orient="row")


def days(**known: list[str]) -> pl.DataFrame:
    rows = [(code.removeprefix("c"), date.fromisoformat(day)) for code, found in known.items() for day in found]
    return pl.DataFrame(rows, schema={"insee_code": pl.String, "date_value": pl.Date}, orient="row")


def asking(local: Local, clock: Clock, **told: Any) -> Service:
    service = weather_service(Settings(weather_url=local.url, **told), clock.patience())
    assert service is not None
    return service


def test_offline_by_default() -> None:
    assert weather_service(Settings()) is None


def test_only_missing_days_are_asked_and_alike_communes_together() -> None:
    # Nantes knows the 2nd; Rennes nothing: of 1 to 4 January Nantes lacks the 1st and 3rd-4th, Rennes all four days.
    found = list(missing(places(NANTES, RENNES), days(c44109=["2026-01-02"]), date(2026, 1, 1), date(2026, 1, 4)))
    assert [([code for code, *_ in r.communes], r.first.day, r.last.day) for r in found] == [
        (["44109"], 1, 1),
        (["35238"], 1, 4),
        (["44109"], 3, 4),
    ]
    both = list(missing(places(NANTES, RENNES), days(), date(2026, 1, 1), date(2026, 1, 4)))
    assert [[code for code, *_ in r.communes] for r in both] == [["35238", "44109"]]
    everything = days(c44109=["2026-01-01", "2026-01-02"])
    assert list(missing(places(NANTES), everything, date(2026, 1, 1), date(2026, 1, 2))) == []
    assert list(missing(places(), days(), date(2026, 1, 1), date(2026, 1, 2))) == []
    assert list(missing(places(NANTES), days(), date(2026, 1, 2), date(2026, 1, 1))) == []


def test_long_periods_and_many_communes_are_cut() -> None:
    many = places(*((f"{n:05d}", 47.0, 1.0) for n in range(45)))
    found = list(missing(many, days(), date(2024, 1, 1), date(2025, 12, 31)))  # 366 + 365 days
    assert [len(r.communes) for r in found] == [20, 20, 20, 20, 5, 5]
    assert {(r.first, r.last) for r in found} == {
        (date(2024, 1, 1), date(2024, 12, 31)), (date(2025, 1, 1), date(2025, 12, 31)),
    }  # fmt: skip


def test_the_daily_block_becomes_rows() -> None:
    with serving(open_meteo) as local:
        frame = fetch(asking(local, Clock()), TWO_DAYS)
    assert frame.rows() == [
        ("44109 2026-01-30", "44109", 20260130, date(2026, 1, 30), 30.0, 40.0, 35.5, 0.4, 0.0, 31.5, 62.0),
        ("44109 2026-01-31", "44109", 20260131, date(2026, 1, 31), 31.0, 41.0, 36.5, 0.4, 0.0, 31.5, 62.0),
    ]
    asked = local.asked[0]
    assert asked.path == "/v1/archive"
    assert (asked.query["start_date"], asked.query["end_date"], asked.query["timezone"]) == (
        "2026-01-30", "2026-01-31", "Europe/Paris",
    )  # fmt: skip
    assert "apikey" not in asked.query


def test_several_places_are_told_apart_by_their_order() -> None:
    with serving(open_meteo) as local:
        frame = fetch(asking(local, Clock()), Request([NANTES, RENNES], date(2026, 1, 30), date(2026, 1, 31)))
    assert frame["insee_code"].to_list() == ["44109", "44109", "35238", "35238"]
    assert local.asked[0].query["latitude"] == "47.2184,48.1173"


def test_days_that_the_archive_does_not_know_yet_are_left_out() -> None:
    with serving(lambda asked: open_meteo(asked, unknown_from=date(2026, 1, 31))) as local:
        frame = fetch(asking(local, Clock()), TWO_DAYS)
    assert frame["date_value"].to_list() == [date(2026, 1, 30)]


def test_a_busy_service_is_asked_again_later_and_later_but_never_for_ever() -> None:
    clock = Clock()
    left = [as_json({}, 429, Retry_After="9"), as_json({}, 503)]
    with serving(lambda asked: left.pop(0) if left else open_meteo(asked)) as local:
        fetch(asking(local, clock), TWO_DAYS)
        assert clock.slept == [9, 4.0]  # what it named, then 2 · 2¹
        local.answer = lambda _: as_json({}, 429, Retry_After="86400")
        with pytest.raises(ServiceError, match="HTTP 429, 3 times"):
            fetch(asking(local, clock), TWO_DAYS)
    assert clock.slept[2:] == [60.0, 60.0]


def test_two_requests_are_a_second_apart() -> None:
    clock = Clock()
    with serving(open_meteo) as local:
        service = asking(local, clock)
        fetch(service, TWO_DAYS)
        fetch(service, TWO_DAYS)
    assert clock.slept == pytest.approx([1.0], abs=1e-5)


def answer(asked: Asked, **changed: Any) -> Reply:
    """The right answer with some of its daily columns or its place changed."""
    place = json.loads(open_meteo(asked).body)
    place["latitude"] = changed.pop("latitude", place["latitude"])
    place["daily"] |= changed
    return as_json(place)


@pytest.mark.parametrize(
    ("reply", "told", "times"),
    [
        (
            lambda _: as_json({"error": True, "reason": "Parameter 'start_date' is out of range"}, 400),
            "out of range",
            1,
        ),
        (lambda _: Reply(b"<html>"), "is not its format", 1),
        (lambda _: as_json({"latitude": 47.25}), "is not its format", 1),
        (lambda _: as_json([]), "is not its format", 1),
        (lambda asked: answer(asked, time=["2026-01-30"]), "is not its format", 1),
        (lambda asked: answer(asked, time=["30/01/2026", "31/01/2026"]), "is not its format", 1),
        (lambda asked: answer(asked, time=["2026-01-30", "2026-01-30"]), "a day twice", 1),
        (lambda asked: answer(asked, precipitation_sum=["much", 0.0]), "is not its format", 1),
        (lambda asked: answer(asked, latitude=50.0), "another place", 1),
        (lambda asked: Reply(open_meteo(asked).body, dies=True), "broke the connection, 3 times", 3),
        (lambda _: as_json({}, 502), "HTTP 502, 3 times", 3),
    ],
)
def test_a_failure_is_one_message_without_the_key(reply: Any, told: str, times: int) -> None:
    with serving(reply) as local:
        with pytest.raises(ServiceError, match=told) as failure:
            fetch(asking(local, Clock(), weather_key=SecretStr("s3cret")), TWO_DAYS)
        assert len(local.asked) == times
        assert local.asked[0].query["apikey"] == "s3cret"
    assert "EBP_WEATHER_URL" in str(failure.value)
    assert "s3cret" not in str(failure.value)


def test_a_service_that_says_nothing_is_left_after_a_while() -> None:
    with serving(lambda _: Reply(silent=True)) as local:
        service = weather_service(Settings(weather_url=local.url), Clock().patience(timeout=0.2))
        assert service is not None
        with pytest.raises(ServiceError, match="did not answer in time, 3 times"):
            fetch(service, TWO_DAYS)
