"""Both geocoders against local servers: what is read, what is asked again, what is an error, what nobody may learn."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from ebp_lakehouse.errors import ServiceError
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.enrichment.geocoding import Answer, Geocoder, geocoder
from ebp_lakehouse_tests.unit.silver.enrichment.servers import (
    BAN_NOTHING,
    Asked,
    Clock,
    Local,
    Reply,
    as_json,
    ban_place,
    nominatim_place,
    serving,
)

ADDRESS = "12 rue des Lilas, 44000 NANTES"


def asking(local: Local, clock: Clock, provider: str = "ban", *, timeout: float = 5.0) -> Geocoder:
    settings = Settings.model_validate({"geocoder": provider, "geocoder_url": f"{local.url}/geocodage"})
    made = geocoder(settings, clock.patience(timeout=timeout))
    assert made is not None
    return made


def replies(*given: Reply) -> Callable[[Asked], Reply]:
    left = list(given)
    return lambda _: left.pop(0)


def test_off_by_default() -> None:
    assert geocoder(Settings()) is None


@pytest.mark.parametrize(
    ("kind", "precision"),
    [("housenumber", "house"), ("street", "street"), ("locality", "street"), ("municipality", "town")],
)
def test_the_ban_answers_in_geojson(kind: str, precision: str) -> None:
    with serving(lambda _: ban_place(47.2184, -1.5536, 0.91, kind)) as local:
        answer = asking(local, Clock()).locate(ADDRESS, "FR")
    assert answer == Answer("found", 47.2184, -1.5536, 0.91, precision)  # type: ignore[arg-type]
    assert local.asked[0].path == "/geocodage/search"
    assert local.asked[0].query["q"] == ADDRESS
    assert local.asked[0].agent.startswith("ebp_lakehouse")


@pytest.mark.parametrize(("rank", "precision"), [(30, "house"), (26, "street"), (16, "town")])
def test_nominatim_answers_in_a_list_and_is_told_the_country(rank: int, precision: str) -> None:
    with serving(lambda _: nominatim_place(50.8467, 4.3525, rank)) as local:
        answer = asking(local, Clock(), "nominatim").locate("1 Grand-Place, 1000 BRUXELLES", "BE")
    assert answer == Answer("found", 50.8467, 4.3525, None, precision)  # type: ignore[arg-type]
    assert (local.asked[0].query["countrycodes"], local.asked[0].query["format"]) == ("be", "json")


def test_what_is_not_known_is_an_answer() -> None:
    with serving(lambda _: BAN_NOTHING) as local:
        assert asking(local, Clock()).locate(ADDRESS, "FR") == Answer("not_found")
        local.answer = lambda _: as_json([])
        assert asking(local, Clock(), "nominatim").locate(ADDRESS, "FR") == Answer("not_found")
    assert len(local.asked) == 2


def test_a_text_that_the_service_cannot_read_is_asked_once() -> None:
    with serving(lambda _: as_json({"code": 400, "message": "q must contain between 3 and 200 chars"}, 400)) as local:
        assert asking(local, Clock()).locate("??", "FR") == Answer("refused")
    assert len(local.asked) == 1


def test_a_text_is_sent_as_the_ban_takes_it() -> None:
    with serving(lambda _: BAN_NOTHING) as local:
        asking(local, Clock()).locate("- (" + "é" * 300, "FR")
    assert local.asked[0].query["q"] == "é" * 200


def test_pauses_between_requests_are_the_services() -> None:
    clock = Clock()
    with serving(lambda _: BAN_NOTHING) as local:
        service = asking(local, clock)
        for _ in range(3):
            service.locate(ADDRESS, "FR")
        assert clock.slept == pytest.approx([0.05, 0.05], abs=1e-5)  # 3 requests, 2 pauses
        local.answer = lambda _: as_json([])
        clock.slept.clear()
        service = asking(local, clock, "nominatim")
        for _ in range(3):
            service.locate(ADDRESS, "FR")
    assert clock.slept == pytest.approx([1.0, 1.0], abs=1e-5)


def test_a_busy_service_is_asked_again_after_the_time_it_names() -> None:
    clock = Clock()
    busy = [as_json({}, 429, Retry_After="7"), as_json({}, 503)]
    with serving(replies(*busy, ban_place(47.2, -1.5))) as local:
        assert asking(local, clock).locate(ADDRESS, "FR").status == "found"
    assert len(local.asked) == 3
    assert clock.slept == [7, 2.0, 2.0]  # what it named, then our own wait before each of two retries


@pytest.mark.parametrize(
    ("reply", "told", "times"),
    [
        (as_json({}, 503), "failed 3 times .HTTP 503", 3),
        (as_json({}, 404), "failed 3 times .HTTP 404", 3),  # a wrong path must not become "not found"
        (as_json({}, 403), "refuses us .HTTP 403", 1),
        (Reply(b"<html>moved</html>"), "is not its format", 3),
        (as_json({"message": "ok"}), "is not its format", 3),
        (as_json({"features": [{"properties": {}}]}), "is not its format", 1),
        (as_json({"features": [{"geometry": {"coordinates": [1.0, 2.0]}, "properties": {}}]}), "is not its format", 1),
        (ban_place(470.0, 1.0), "is not its format", 1),
        (ban_place(47.0, 1.0, score=97.0), "is not its format", 1),
        (ban_place(47.0, float("nan")), "is not its format", 1),
        (Reply(b'{"features": [' + b" " * 1000 + b"]}", dies=True), "failed 3 times", 3),
    ],
)
def test_a_failure_is_one_message_without_the_address(
    reply: Reply, told: str, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving(lambda _: reply) as local:
        with pytest.raises(ServiceError, match=told) as failure:
            asking(local, Clock()).locate(ADDRESS, "FR")
        assert len(local.asked) == times
    assert "EBP_GEOCODER" in str(failure.value)
    assert local.url.removeprefix("http://") in str(failure.value)
    error: BaseException | None = failure.value
    while error is not None:
        assert "Lilas" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert "Lilas" not in caplog.text


def test_nominatim_does_not_pass_an_error_for_not_found() -> None:
    down = as_json({"error": {"code": 500, "message": "down"}})
    with serving(lambda _: down) as local, pytest.raises(ServiceError, match="is not its format"):
        asking(local, Clock(), "nominatim").locate(ADDRESS, "FR")


def test_a_service_that_says_nothing_is_left_after_a_while() -> None:
    with serving(lambda _: Reply(silent=True)) as local, pytest.raises(ServiceError, match="failed 3 times"):
        asking(local, Clock(), timeout=0.2).locate(ADDRESS, "FR")
    assert len(local.asked) == 3


def test_nobody_at_the_port() -> None:
    with serving(lambda _: BAN_NOTHING) as local:
        pass
    with pytest.raises(ServiceError, match=r"failed 3 times .Unavailable") as failure:
        asking(local, Clock()).locate(ADDRESS, "FR")
    assert "Lilas" not in str(failure.value)
