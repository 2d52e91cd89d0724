"""One polite way to ask a service outside of the company: pauses, retries, time limits, one clear message.

Messages name the host and the setting, never the query: it may hold an address or a key.
Not here: what is asked and what an answer means (geocoding.py, weather.py, economy.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from ebp_lakehouse.errors import ServiceError

USER_AGENT = "ebp_lakehouse (a company's own data warehouse)"
BUSY = frozenset({429, 500, 502, 503, 504})  # worth asking again
# A connection that breaks, also in the middle of an answer.
BROKEN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
LONGEST_REASON = 200


@dataclass(frozen=True)
class Patience:
    """How a service is treated; all times in seconds.

    Attributes:
        timeout: for the connection, and for each wait for more of an answer.
        retries: further attempts after the first one.
        wait: before the first retry; doubled for each one after it.
        longest: the longest wait, whatever the service asks for (``Retry-After``).
        clock, sleep: replaced in tests.
    """

    timeout: float = 20.0
    retries: int = 3
    wait: float = 2.0
    longest: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def before_retry(self, attempt: int, retry_after: str | None = None) -> float:
        """Seconds to wait after failed attempt number ``attempt`` (0 is the first)."""
        asked = int(retry_after) if retry_after and retry_after.strip().isdigit() else 0
        return min(max(self.wait * 2.0**attempt, asked), self.longest)


@dataclass
class Service:
    """A web service at ``base``, asked by GET.

    Attributes:
        name: for people.
        base: ``https://host/path``, what the setting holds.
        setting: the environment variable that a message points at.
        pause: least seconds between two requests.
        secrets: parameters of every request that no message shows.
    """

    name: str
    base: str
    setting: str
    patience: Patience = field(default_factory=Patience)
    pause: float = 0.0
    secrets: Mapping[str, str] = field(default_factory=dict)
    _asked: float | None = field(default=None, init=False)

    def get(self, path: str, parameters: Mapping[str, str], accept: str) -> bytes:
        """The whole answer.

        Raises:
            ServiceError: no whole answer after all attempts, or a refusal that no further attempt would change.
        """
        what = ""
        for attempt in range(self.patience.retries + 1):
            self._wait_for_turn()
            retry_after = None
            try:
                answer = requests.get(
                    f"{self.base}{path}",
                    params={**parameters, **self.secrets},
                    headers={"User-Agent": USER_AGENT, "Accept": accept},
                    timeout=self.patience.timeout,
                )
            except BROKEN as error:
                what = "did not answer in time" if isinstance(error, requests.Timeout) else "broke the connection"
            except requests.RequestException as error:
                raise self.error(f"cannot be asked ({type(error).__name__})") from None
            else:
                if answer.ok:
                    return bytes(answer.content)
                what = f"answered HTTP {answer.status_code}{_reason(answer)}"
                if answer.status_code not in BUSY:
                    raise self.error(what)
                retry_after = answer.headers.get("Retry-After")
            if attempt < self.patience.retries:
                self.patience.sleep(self.patience.before_retry(attempt, retry_after))
        raise self.error(f"{what}, {self.patience.retries + 1} times")

    def error(self, what: str) -> ServiceError:
        """``what`` the service did, as an error that says what holds meanwhile and what to do."""
        return ServiceError(
            f"{self.name} at {urlsplit(self.base).netloc} {what}. Readers keep what is published; run again later, "
            f"or check {self.setting}."
        )

    def nonsense(self, what: str) -> ServiceError:
        """An answer that does not have the service's format."""
        return self.error(f"answered what is not its format ({what})")

    def _wait_for_turn(self) -> None:
        clock = self.patience.clock
        if self._asked is not None and (rest := self._asked + self.pause - clock()) > 0:
            self.patience.sleep(rest)
        self._asked = clock()


def _reason(answer: Any) -> str:
    """The text that services put into a refusal (Open-Meteo: ``{"error": true, "reason": …}``)."""
    try:
        reason = json.loads(answer.content).get("reason")
    except (ValueError, AttributeError):
        return ""
    return f": {reason[:LONGEST_REASON]}" if isinstance(reason, str) else ""
