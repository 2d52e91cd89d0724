"""INSEE's SDMX messages: what is read, what is refused, and how the BDM is asked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ebp_lakehouse.errors import ServiceError, SettingsError
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.enrichment.economy import (
    NotSdmxError,
    checked_series,
    economic_service,
    fetch,
    read,
)
from ebp_lakehouse.silver.enrichment.service import Service
from ebp_lakehouse_tests.unit.silver.enrichment.servers import (
    Clock,
    Local,
    Reply,
    bdm_message,
    bdm_series,
    serving,
)

BT01, OTHER = "001710986", "001565183"
BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE bomb [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<StructureSpecificData><Series IDBANK="&b;"/></StructureSpecificData>"""
FILE_READER = b"""<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><StructureSpecificData/>"""


def asking(local: Local, clock: Clock) -> Service:
    service = economic_service(Settings(economic_url=f"{local.url}/series/sdmx"), clock.patience())
    assert service is not None
    return service


def test_offline_by_default() -> None:
    assert economic_service(Settings()) is None


def test_a_message_becomes_rows() -> None:
    message = bdm_message(bdm_series(BT01, {"2026-09": "131.4", "2026-08": "NaN"}))
    with serving(lambda _: Reply(message)) as local:
        frame = fetch(asking(local, Clock()), [BT01], 2020)
    title = "Index BT01"
    assert frame.rows() == [
        (f"{BT01} 2026-09", BT01, title, "M", "2026-09", date(2026, 9, 1), Decimal("131.40000000"), "A", "DEF"),
        (f"{BT01} 2026-08", BT01, title, "M", "2026-08", date(2026, 8, 1), None, "O", "DEF"),
    ]
    assert (local.asked[0].path, local.asked[0].query) == (
        f"/series/sdmx/data/SERIES_BDM/{BT01}", {"startPeriod": "2020"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("frequency", "period", "kept", "start"),
    [
        ("A", "2026", "A", date(2026, 1, 1)),
        ("S", "2026-S2", "S", date(2026, 7, 1)),
        ("T", "2026-Q3", "T", date(2026, 7, 1)),
        ("Q", "2026-Q4", "T", date(2026, 10, 1)),
        ("B", "2026-B6", "B", date(2026, 11, 1)),
        ("M", "2026-12", "M", date(2026, 12, 1)),
    ],
)
def test_every_kind_of_period_has_its_first_day(frequency: str, period: str, kept: str, start: date) -> None:
    with serving(lambda _: Reply(bdm_message(bdm_series(BT01, {period: "1"}, frequency)))) as local:
        frame = fetch(asking(local, Clock()), [BT01], 2020)
    assert frame.select("frequency", "period_start").rows() == [(kept, start)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no XML"),
        (b"<html><body>Maintenance</body></html>", "its root is html"),
        (bdm_message(bdm_series(BT01, {"2026-09": "131.4"}))[:-40], "no XML"),
        (bdm_message('<Series FREQ="M"><Obs TIME_PERIOD="2026-09" OBS_VALUE="1"/></Series>'), "without IDBANK"),
        (bdm_message('<Obs TIME_PERIOD="2026-09"/>'), "without FREQ, IDBANK, OBS_VALUE"),
        (bdm_message(bdm_series(BT01, {"2026-13": "1"})), "2026-13 is no period"),
        (bdm_message(bdm_series(BT01, {"2026-Q5": "1"})), "2026-Q5 is no period"),
        (bdm_message(bdm_series(BT01, {"Sept. 2026": "1"})), "is no period"),
        (bdm_message(bdm_series(BT01, {"2026-09": "131,4"})), "131,4 is no number"),
        (bdm_message(bdm_series(BT01, {"2026-09": "Infinity"})), "Infinity is no number"),
        (BILLION_LAUGHS, "declares the document type bomb"),
        (FILE_READER, "declares the document type x"),
    ],
)
def test_what_is_no_message_of_the_bdm_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(NotSdmxError, match=told):
        read(content)
    refused = pytest.raises(ServiceError, match=r"INSEE's BDM at .* is not its format")
    with serving(lambda _: Reply(content)) as local, refused as failure:
        fetch(asking(local, Clock()), [BT01], 2020)
    assert "EBP_ECONOMIC_URL" in str(failure.value)


def test_a_broken_connection_is_tried_again() -> None:
    whole = bdm_message(bdm_series(BT01, {"2026-09": "1"}))
    left = [Reply(whole, dies=True), Reply(status=503)]
    with serving(lambda _: left.pop(0) if left else Reply(whole)) as local:
        assert fetch(asking(local, Clock()), [BT01], 2020).height == 1
    assert len(local.asked) == 3


def test_many_series_are_asked_a_hundred_at_a_time() -> None:
    clock = Clock()
    series = [f"{n:09d}" for n in range(250)]
    with serving(
        lambda a: Reply(bdm_message("".join(bdm_series(s, {"2026-09": "1"}) for s in a.path.split("/")[-1].split("+"))))
    ) as local:
        assert fetch(asking(local, clock), series, 2020).height == 250
    assert [asked.path.count("+") + 1 for asked in local.asked] == [100, 100, 50]
    assert clock.slept == pytest.approx([2.0, 2.0], abs=1e-5)


def test_nothing_is_asked_for_no_series() -> None:
    with serving(lambda _: Reply(status=500)) as local:
        assert fetch(asking(local, Clock()), [], 2020).is_empty()
    assert local.asked == []


def test_an_idbank_is_nine_digits_in_quotes() -> None:
    assert checked_series([BT01, OTHER, BT01]) == [BT01, OTHER]
    with pytest.raises(SettingsError, match="economic_series: 497158, BT01 is no idbank"):
        checked_series([497158, "BT01"])  # 001710986 without quotes is octal for YAML 1.1… or a small number
