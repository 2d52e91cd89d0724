"""Local HTTP servers that speak the services' formats, and a clock that nobody waits for. Not here: expectations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ebp_lakehouse.silver.enrichment.service import Patience


@dataclass(frozen=True)
class Reply:
    """``dies``: announces the whole body, sends half of it and closes. ``silent``: sends nothing until the server stops."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    dies: bool = False
    silent: bool = False


@dataclass(frozen=True)
class Asked:
    path: str
    query: dict[str, str]
    agent: str


@dataclass
class Local:
    """``answer`` is called for each request, in order; ``asked`` holds what came."""

    url: str
    answer: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Iterator[Local]:
    stopping = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            asked = Asked(parts.path, query, self.headers.get("User-Agent", ""))
            local.asked.append(asked)
            reply = local.answer(asked)
            if reply.silent:
                stopping.wait()
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: len(reply.body) // 2] if reply.dies else reply.body)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    local = Local(f"http://127.0.0.1:{server.server_address[1]}", answer)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield local
    finally:
        stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Clock:
    """Time passes only when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds + 1e-6  # as a real one: never woken too early by a rounding

    def patience(self, *, retries: int = 2, timeout: float = 5.0) -> Patience:
        return Patience(
            timeout=timeout, retries=retries, wait=2.0, longest=60.0, clock=lambda: self.now, sleep=self.sleep
        )


def as_json(content: Any, status: int = 200, **headers: str) -> Reply:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps(content).encode(), status, {"Content-Type": "application/json", **names})


def ban_place(latitude: float, longitude: float, score: float = 0.97, kind: str = "housenumber") -> Reply:
    """A FeatureCollection as the Base Adresse Nationale sends it: GeoJSON, so longitude first."""
    properties = {"label": "12 Rue des Lilas 44000 Nantes", "score": score, "type": kind, "postcode": "44000"}
    properties |= {"citycode": "44109", "city": "Nantes", "importance": 0.6}
    point = {"type": "Point", "coordinates": [longitude, latitude]}
    feature = {"type": "Feature", "geometry": point, "properties": properties}
    return as_json({"type": "FeatureCollection", "features": [feature], "query": "…"})


BAN_NOTHING = as_json({"type": "FeatureCollection", "features": [], "query": "…"})


def nominatim_place(latitude: float, longitude: float, rank: int = 30) -> Reply:
    """The list of one place that Nominatim sends; numbers are text."""
    place = {"place_id": 1, "lat": str(latitude), "lon": str(longitude), "class": "building", "type": "yes"}
    return as_json([place | {"place_rank": rank, "importance": 0.0001, "display_name": "12, Rue des Lilas"}])


def open_meteo(asked: Asked, *, unknown_from: date | None = None) -> Reply:
    """Daily blocks for every place and day asked: the minimum is the day of the month, the maximum ten degrees more.

    From ``unknown_from`` on the archive knows nothing yet and says null. One place is an object, several are a list.
    """
    latitudes, longitudes = (asked.query[name].split(",") for name in ("latitude", "longitude"))
    first, last = (date.fromisoformat(asked.query[name]) for name in ("start_date", "end_date"))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def values(of: Callable[[date], float]) -> list[float | None]:
        return [None if unknown_from and day >= unknown_from else of(day) for day in days]

    daily = {
        "time": [day.isoformat() for day in days],
        "temperature_2m_min": values(lambda day: float(day.day)),
        "temperature_2m_max": values(lambda day: day.day + 10.0),
        "temperature_2m_mean": values(lambda day: day.day + 5.5),
        "precipitation_sum": values(lambda _: 0.4),
        "snowfall_sum": values(lambda _: 0.0),
        "wind_speed_10m_max": values(lambda _: 31.5),
        "wind_gusts_10m_max": values(lambda _: 62.0),
    }
    places = [  # the service answers for its own grid
        {"latitude": round(float(n) * 4) / 4, "longitude": round(float(e) * 4) / 4, "daily": daily}
        for n, e in zip(latitudes, longitudes, strict=True)
    ]
    return as_json(places if len(places) > 1 else places[0])


def bdm_message(series: str) -> bytes:
    """A message as the BDM sends it, around the elements ``series``."""
    sdmx = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1"
    flow = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=FR1:SERIES_BDM(1.0):ObsLevelDim:TIME_PERIOD"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<message:StructureSpecificData xmlns:ss="{sdmx}/data/structurespecific" xmlns:message="{sdmx}/message"
  xmlns:ns1="{flow}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:common="{sdmx}/common">
<message:Header><message:ID>1</message:ID><message:Test>false</message:Test>
<message:Source xml:lang="fr">Banque de données macro-économiques</message:Source></message:Header>
<message:DataSet ss:dataScope="DataStructure" xsi:type="ns1:DataSetType" ss:structureRef="FR1_SERIES_BDM_1_0">
{series}
</message:DataSet></message:StructureSpecificData>""".encode()


def bdm_series(idbank: str, observations: dict[str, str], frequency: str = "M", title: str = "Index BT01") -> str:
    """One Series element; period → value, the value NaN has the status O."""
    obs = "".join(
        f'<Obs TIME_PERIOD="{period}" OBS_VALUE="{value}" OBS_STATUS="{"O" if value == "NaN" else "A"}" '
        f'OBS_QUAL="DEF" OBS_TYPE="A"/>'
        for period, value in observations.items()
    )
    return (
        f'<Series IDBANK="{idbank}" FREQ="{frequency}" TITLE_FR="{title}" TITLE_EN="x" LAST_UPDATE="2026-11-15" '
        f'UNIT_MEASURE="SO" UNIT_MULT="0" REF_AREA="FE" DECIMALS="1">{obs}</Series>'
    )
