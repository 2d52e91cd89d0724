"""Where an address lies: one small interface over geopy, for the Base Adresse Nationale and for Nominatim.

Addresses are personal data: no message, no log line and no chained error of this module holds one.
Not here: which addresses are asked, and the cache that keeps the answers (cache.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

from geopy import exc
from geopy.adapters import RequestsAdapter
from geopy.extra.rate_limiter import RateLimiter
from geopy.geocoders import BANFrance, Nominatim

from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.enrichment.service import USER_AGENT, Patience, Service

BAN, NOMINATIM = "ban", "nominatim"
FOUND, NOT_FOUND, REFUSED = "found", "not_found", "refused"
# geopy's own default for the BAN, api-adresse.data.gouv.fr, moved to the Géoplateforme.
PUBLIC = {BAN: "https://data.geopf.fr/geocodage", NOMINATIM: "https://nominatim.openstreetmap.org"}
NAMES = {BAN: "The Base Adresse Nationale", NOMINATIM: "Nominatim"}
# Seconds between requests: the BAN allows 50 a second, Nominatim's usage policy one.
PAUSE = {BAN: 0.05, NOMINATIM: 1.0}
FRENCH = frozenset({"FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF"})  # what the BAN knows
LONGEST_QUERY = 200  # the BAN refuses more

BAN_PRECISION = {"housenumber": "house", "street": "street", "locality": "street"}
# Nominatim's ranks: 30 is an address or a building, 26 and 27 a street, what is below is an area.
RANK_HOUSE, RANK_STREET = 28, 26
NORTH, EAST = 90, 180  # degrees
ROUNDING = 0.1  # the BAN's scores may pass 1 a little
NOT_ITS_FORMAT = (exc.GeocoderParseError, KeyError, IndexError, TypeError, ValueError, AttributeError)

Precision = Literal["house", "street", "town"]


@dataclass(frozen=True)
class Answer:
    """What a service says of one address; degrees WGS 84, ``score`` 0 to 1 or None where the service gives none."""

    status: str
    latitude: float | None = None
    longitude: float | None = None
    score: float | None = None
    precision: Precision | None = None


@dataclass(frozen=True)
class Geocoder:
    """``locate(address, country code)`` asks; ``countries`` are those it knows (None: all)."""

    provider: str
    countries: Collection[str] | None
    locate: Callable[[str, str], Answer]


def geocoder(settings: Settings, patience: Patience | None = None) -> Geocoder | None:
    """The service that the settings name; None when geocoding is off.

    ``locate`` raises ServiceError when the service fails, also after retries; such an answer must not be kept.
    """
    if settings.geocoder == "off":
        return None
    provider = settings.geocoder
    base = settings.geocoder_url or PUBLIC[provider]
    service = Service(NAMES[provider], base, "EBP_GEOCODER, EBP_GEOCODER_URL", patience or Patience())
    # geopy logs the texts it asks for, some of them as warnings.
    logging.getLogger("geopy").setLevel(logging.CRITICAL)
    client = _client(provider, base, service.patience)
    limited = _Limiter(partial(_ask, client.geocode, service), service.patience, PAUSE[provider])
    read = _read_ban if provider == BAN else _read_nominatim

    def locate(address: str, country: str) -> Answer:
        options = {} if provider == BAN else {"country_codes": country.lower()}
        try:
            found = limited(_query(address), **options)
            return found if isinstance(found, Answer) else _checked(read(found))
        except exc.GeocoderParseError:
            raise service.nonsense("no list of places") from None
        except exc.GeopyError as error:
            times = service.patience.retries + 1
            raise service.error(f"failed {times} times ({_words(error)})") from None
        except NOT_ITS_FORMAT as error:
            raise service.nonsense(type(error).__name__) from None

    return Geocoder(provider, FRENCH if provider == BAN else None, locate)


class _StrictBan(BANFrance):
    """geopy takes any JSON without features for "not found"; kept, that would be believed for ever."""

    def _parse_json(self, response: Any, exactly_one: bool) -> Any:
        if not isinstance(response, dict) or not isinstance(response.get("features"), list):
            raise exc.GeocoderParseError
        return super()._parse_json(response, exactly_one)


class _StrictNominatim(Nominatim):
    """Likewise: an answer is a list."""

    def _parse_json(self, places: Any, exactly_one: bool) -> Any:
        if not isinstance(places, list):
            raise exc.GeocoderParseError
        return super()._parse_json(places, exactly_one)


class _Limiter(RateLimiter):
    """geopy's pauses and retries with our patience."""

    def __init__(self, function: Callable[..., Any], patience: Patience, pause: float) -> None:
        super().__init__(
            function,
            min_delay_seconds=pause,
            max_retries=patience.retries,
            error_wait_seconds=max(pause, patience.wait),
            swallow_exceptions=False,
        )
        self._patience = patience

    def _clock(self) -> float:
        return self._patience.clock()

    def _sleep(self, seconds: float) -> None:
        self._patience.sleep(seconds)


def _client(provider: str, base: str, patience: Patience) -> Any:
    parts = urlsplit(base)
    options = {
        "domain": parts.netloc + parts.path,
        "scheme": parts.scheme,
        "timeout": patience.timeout,
        "user_agent": USER_AGENT,
        # Retries below the rate limiter would be requests that it does not count.
        "adapter_factory": partial(RequestsAdapter, max_retries=0),
    }
    return (_StrictBan if provider == BAN else _StrictNominatim)(**options)


def _ask(geocode: Callable[..., Any], service: Service, query: str, **options: Any) -> Any:
    """One request. What no retry would change does not reach the rate limiter as an error."""
    try:
        found = geocode(query, **options)
    except exc.GeocoderRateLimited as error:
        if error.retry_after:
            service.patience.sleep(min(error.retry_after, service.patience.longest))
        raise
    except exc.GeocoderQueryError:
        return Answer(REFUSED)
    except (exc.GeocoderAuthenticationFailure, exc.GeocoderInsufficientPrivileges) as error:
        raise service.error(f"refuses us ({_words(error)})") from None
    return Answer(NOT_FOUND) if found is None else found


def _words(error: exc.GeopyError) -> str:
    """The kind of a geopy error in words; its own text may quote the URL, and with it the address."""
    status = getattr(error.__cause__, "status_code", None)
    return f"HTTP {status}" if status else type(error).__name__.removeprefix("Geocoder")


def _query(address: str) -> str:
    """Begins with a letter or a digit and is not too long, else the BAN refuses it."""
    start = next((i for i, character in enumerate(address) if character.isalnum()), 0)
    return address[start : start + LONGEST_QUERY].strip()


def _read_ban(location: Any) -> Answer:
    properties: Mapping[str, Any] = location.raw["properties"]
    return Answer(
        FOUND,
        float(location.latitude),
        float(location.longitude),
        float(properties["score"]),
        BAN_PRECISION.get(properties["type"], "town"),  # type: ignore[arg-type]
    )


def _read_nominatim(location: Any) -> Answer:
    rank = int(location.raw.get("place_rank", 0))
    precision: Precision = "house" if rank >= RANK_HOUSE else "street" if rank >= RANK_STREET else "town"
    return Answer(FOUND, float(location.latitude), float(location.longitude), None, precision)


def _checked(answer: Answer) -> Answer:
    """A point on earth and a score within bounds.

    Raises:
        ValueError: it is neither.
    """
    latitude, longitude, score = answer.latitude, answer.longitude, answer.score
    if latitude is None or longitude is None or not (abs(latitude) <= NORTH and abs(longitude) <= EAST):
        raise ValueError("no point on earth")
    if score is None:
        return answer
    if not abs(score) <= 1 + ROUNDING:
        raise ValueError("no score")
    return replace(answer, score=min(max(score, 0.0), 1.0))
