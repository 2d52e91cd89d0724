"""What a mutant is, and how the text of a query becomes one. Not here: which there are, and what catches them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One slip in the query of a gold table.

    Attributes:
        table: the gold table.
        old: text of its query, as it stands; whatever the spaces and line breaks.
        new: what stands there instead.
        nth: which occurrence of ``old``, from 1; 0 where there is only one.
        equivalent: why it cannot change any figure; empty for all that must be caught.
    """

    table: str
    old: str
    new: str
    nth: int = 0
    equivalent: str = ""

    @property
    def label(self) -> str:
        place = f" ({self.nth})" if self.nth else ""
        return f"{self.table}: {_shown(self.old)}{place} -> {_shown(self.new) or '(nothing)'}"

    def apply(self, sql: str) -> str:
        """The query with the slip in it. Raises ``ValueError`` where the query has no such text, or more than one."""
        flat, old = _flat(sql), " ".join(self.old.split())
        found = flat.count(old)
        if (self.nth == 0 and found != 1) or found < max(1, self.nth):
            raise ValueError(f"{self.label}: found {found} times in the query; mend the declaration")
        at = -1
        for _ in range(max(1, self.nth)):
            at = flat.index(old, at + 1)
        return flat[:at] + self.new + flat[at + len(old) :]


def _flat(sql: str) -> str:
    """One line, without comments: so that declarations do not depend on how a query is laid out."""
    return " ".join(" ".join(line.split("--", 1)[0] for line in sql.splitlines()).split())


def _shown(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 70 else f"{flat[:67]}..."
