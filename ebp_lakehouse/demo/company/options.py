"""What a demo company may be like, beside its scale, seed and day: one frozen object that every part of it receives.

Lives here: the choices, their defaults and their limits. Does not live here: what each choice does (the generator's
modules, variants.py for what can be cut out of the finished tables).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ebp_lakehouse.errors import DemoError

Sign = Literal["negative", "positive"]
JANUARY, DECEMBER = 1, 12
MOST_STOREHOUSES = 3
COMPONENT_TYPES = (3, 2)


@dataclass(frozen=True)
class CompanyOptions:
    """The variants of the demo company; the defaults are the reference installation.

    ``credit_note_sign``: how EBP stores credit notes and returns. ``component_type``: line type of the components under
    a bundle (3, or 2 as plain items). ``fiscal_year_start``: month, 1 to 12. ``storehouses``: 3 (one a van) or 1.
    ``custom_columns``: whether the tables have ``xx_`` columns at all. ``orders``, ``extension_rows``, ``gps``,
    ``stock``: whether customer orders, rows of ``SaleDocumentEx`` and ``PurchaseDocumentEx``, coordinates and stock
    management are used. ``with_incidents``: whether the table ``Incident`` has rows. ``empty``: tables left without a row.
    """

    credit_note_sign: Sign = "negative"
    component_type: int = 3
    fiscal_year_start: int = JANUARY
    storehouses: int = MOST_STOREHOUSES
    custom_columns: bool = True
    orders: bool = True
    extension_rows: bool = True
    gps: bool = True
    stock: bool = True
    with_incidents: bool = False
    empty: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = {
            "credit_note_sign": self.credit_note_sign not in ("negative", "positive"),
            "component_type": self.component_type not in COMPONENT_TYPES,
            "fiscal_year_start": not JANUARY <= self.fiscal_year_start <= DECEMBER,
            "storehouses": self.storehouses not in (1, MOST_STOREHOUSES),
        }
        for name, is_wrong in wrong.items():
            if is_wrong:
                raise DemoError(
                    f"The demo company cannot have {name} = {getattr(self, name)!r}: credit_note_sign is negative or"
                    " positive, component_type 3 or 2, fiscal_year_start a month from 1 to 12, storehouses 3 or 1."
                )

    @property
    def sign(self) -> int:
        """-1 when credit notes are stored negative, +1 when positive."""
        return -1 if self.credit_note_sign == "negative" else 1

    def changed(self) -> dict[str, Any]:
        """The choices that differ from the defaults, as JSON would give them back; empty for the usual company."""
        usual = asdict(CompanyOptions())
        mine = asdict(self)
        changed = {name: value for name, value in mine.items() if value != usual[name]}
        return dict(json.loads(json.dumps(changed)))

    @classmethod
    def from_changed(cls, changed: dict[str, Any]) -> CompanyOptions:
        """The options whose ``changed`` this is. Raises ``TypeError`` for an unknown choice."""
        choices: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in changed.items()
        }
        return cls(**choices)


USUAL = CompanyOptions()
