"""What the doctor says of services outside: who is asked for what, without asking."""

from __future__ import annotations

import pytest

from ebp_lakehouse.doctor import outside
from ebp_lakehouse.settings import Settings


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "nobody is asked (docs/enrichment.md)"),
        ({"EBP_GEOCODER": "ban"}, "customers' addresses: ban (the public server)"),
        (
            {
                "EBP_GEOCODER": "nominatim",
                "EBP_GEOCODER_URL": "http://geo.local",
                "EBP_ECONOMIC_URL": "http://bdm.local",
            },
            "customers' addresses: nominatim (http://geo.local); economic indices: http://bdm.local",
        ),
        (
            {"EBP_WEATHER_URL": "http://meteo.local", "EBP_WEATHER_KEY": "s3cr3t"},
            "weather of communes: http://meteo.local",
        ),
    ],
)
def test_the_doctor_says_who_is_asked(told: dict[str, str], said: str) -> None:
    (finding,) = outside(Settings.from_environment(told))
    assert (finding.state, finding.text) == ("ok", said)
