"""Economic indices in the format of INSEE's BDM: SDMX-ML 2.1, StructureSpecificData, one Series per idbank.

Nothing about the company leaves it but the numbers of public series. Not here: asking politely (service.py), publishing (shelf.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.parsers import expat

import polars as pl

from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.enrichment.service import Patience, Service

IDBANK = re.compile(r"\d{9}", re.ASCII)
SERIES_PER_REQUEST = 100  # the BDM allows 500; long URLs are the narrower limit
PAUSE = 2.0  # INSEE allows 30 requests a minute
XML = "application/xml"  # what the BDM sends for it is StructureSpecificData
ROOT = "StructureSpecificData"
# Months of a period's first day by its letter: 2026-Q3 begins in month (3 - 1) * 3 + 1.
DECEMBER = 12
MONTHS = {"S": 6, "Q": 3, "T": 3, "B": 2}
PERIOD = re.compile(r"(\d{4})(?:-(?:([SQTB])(\d)|(\d\d)))?", re.ASCII)
COLUMNS: dict[str, Any] = {
    "series_id": pl.String,
    "series_title": pl.String,
    "frequency": pl.String,
    "period": pl.String,
    "month": pl.Int8,
    "value": pl.Decimal(28, 8),
    "status": pl.String,
    "quality": pl.String,
}


class NotSdmxError(ValueError):
    """The text is not what the BDM sends; the message says what was found instead."""


def economic_service(settings: Settings, patience: Patience | None = None) -> Service | None:
    """The service that the settings name; None when offline."""
    if settings.economic_url is None:
        return None
    return Service("INSEE's BDM", settings.economic_url, "EBP_ECONOMIC_URL", patience or Patience(), PAUSE)


def checked_series(series: Sequence[Any]) -> list[str]:
    """The parameter ``economic_series``, each idbank once.

    Raises:
        SettingsError: one of them is none; 001710986 without quotes is a number in YAML.
    """
    wrong = [str(one) for one in series if not isinstance(one, str) or not IDBANK.fullmatch(one)]
    if wrong:
        raise SettingsError(
            f"economic_series: {', '.join(wrong)} is no idbank: give nine digits in quotes, such as '001710986'."
        )
    return list(dict.fromkeys(series))


def fetch(service: Service, series: Sequence[str], start_year: int) -> pl.DataFrame:
    """The rows of ``economic_index`` of ``series`` from ``start_year`` on; a series that the BDM lacks has none.

    Raises:
        ServiceError: it does not answer, or not in its format.
    """
    frames = [pl.DataFrame(schema=COLUMNS)]
    for at in range(0, len(series), SERIES_PER_REQUEST):
        asked = series[at : at + SERIES_PER_REQUEST]
        content = service.get(f"/data/SERIES_BDM/{'+'.join(asked)}", {"startPeriod": str(start_year)}, XML)
        try:
            frame = read(content)
        except (NotSdmxError, pl.exceptions.PolarsError) as error:
            raise service.nonsense(str(error)[:200]) from None
        frames.append(frame.filter(pl.col("series_id").is_in(list(asked))))
    return _rows(pl.concat(frames))


def read(content: bytes) -> pl.DataFrame:
    """Every observation of a message, with the columns of ``COLUMNS``.

    A document type is refused before anything is expanded: no message of the BDM has one, and entities are how XML is
    made to grow or to read files.

    Raises:
        NotSdmxError: it is not XML, has a document type, or is no such message.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise NotSdmxError(f"no XML: {error}") from None
    return pl.DataFrame(reader.rows, schema=COLUMNS, orient="row")


class _Reader:
    """Collects observations while expat reads."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self._series: dict[str, str] | None = None
        self._is_root = True

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if self._is_root and local != ROOT:
            raise NotSdmxError(f"its root is {local}, not {ROOT}")
        self._is_root = False
        if local == "Series":
            self._series = attributes
        elif local == "Obs":
            self.rows.append(_observation(self._series or {}, attributes))

    def refuse(self, name: str, *_: Any) -> None:
        raise NotSdmxError(f"it declares the document type {name[:40]}")


def _observation(series: dict[str, str], seen: dict[str, str]) -> tuple[Any, ...]:
    absent = {"IDBANK", "FREQ"} - series.keys() | {"TIME_PERIOD", "OBS_VALUE"} - seen.keys()
    if absent:
        raise NotSdmxError(f"an observation without {', '.join(sorted(absent))}")
    return (
        series["IDBANK"],
        series.get("TITLE_FR"),
        series["FREQ"].replace("Q", "T"),
        seen["TIME_PERIOD"],
        _month(seen["TIME_PERIOD"]),
        _value(seen["OBS_VALUE"]),
        seen.get("OBS_STATUS"),
        seen.get("OBS_QUAL"),
    )


def _month(period: str) -> int:
    """The first month of 2026, 2026-S2, 2026-Q3 (or T3), 2026-B1, 2026-11."""
    match = PERIOD.fullmatch(period)
    month = 0
    if match:
        _, letter, number, plain = match.groups()
        month = (int(number) - 1) * MONTHS[letter] + 1 if letter else int(plain or 1)
    if not 1 <= month <= DECEMBER:
        raise NotSdmxError(f"{period[:20]} is no period")
    return month


def _value(text: str) -> Decimal | None:
    """NaN is how the BDM says that there is none."""
    if text in ("NaN", ""):
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise NotSdmxError(f"{text[:20]} is no number") from None
    if not value.is_finite():
        raise NotSdmxError(f"{text[:20]} is no number")
    return value


def _rows(observations: pl.DataFrame) -> pl.DataFrame:
    return observations.select(
        pl.format("{} {}", "series_id", "period").alias("index_key"),
        "series_id",
        "series_title",
        "frequency",
        "period",
        pl.date(pl.col("period").str.head(4).cast(pl.Int32), "month", 1).alias("period_start"),
        "value",
        "status",
        "quality",
    )
