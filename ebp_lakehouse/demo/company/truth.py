"""What is really true of the demo company: planted cases, the parameters behind the rows, the dirt. Never in the source.

Every part of the generator reports here while it makes its rows. The result is one JSON file beside the demo's home,
so that models and checks can be judged on what they could not know. Simulated days take out of a case the rows that they
changed or deleted. Nothing is decided here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from ebp_lakehouse.demo.company.ledger import Moved

FILE_NAME = "ground-truth.json"


@dataclass
class PlantedCase:
    """Rows that were made on purpose: ``case`` in words, ``keys`` in ``table``, ``moves`` the figure that would change.

    ``keys`` are primary keys as text (the parts of a composite key joined by "/").
    """

    case: str
    table: str
    moves: str
    keys: list[str] = field(default_factory=list)


@dataclass
class GroundTruth:
    """Collects while the company is made; the same seed, scale and day collect the same."""

    cases: dict[tuple[str, str], PlantedCase] = field(default_factory=dict)
    parameters: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    dirt: list[dict[str, Any]] = field(default_factory=list)

    def plant(self, case: str, table: str, keys: Iterable[Any], moves: str) -> None:
        """Report planted rows; the same case of the same table may be reported in several pieces.

        ``moves`` names the figure that is wrong when the case is treated wrongly, in words or as ``gold.table.column``.
        """
        known = self.cases.setdefault((case, table), PlantedCase(case, table, moves))
        known.keys += ["/".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in keys]

    def describe(self, entity: str, frame: pl.DataFrame) -> None:
        """True parameters of things: first column = key, other columns = parameters. Several frames of one entity add up.

        Entities: ``customer``, ``item``, ``supplier``, ``equipment``, ``technician``, …
        """
        key, *names = frame.columns
        known = self.parameters.setdefault(entity, {})
        for row in frame.iter_rows(named=True):
            known.setdefault(str(row[key]), {}).update({name: row[name] for name in names})

    def soil(self, what: str, table: str, column: str, rate: float, rows: int, among: int) -> None:
        """Report dirt: ``rows`` of ``among`` rows got it, at the declared ``rate``."""
        self.dirt.append({"what": what, "table": table, "column": column, "rate": rate, "rows": rows, "among": among})

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON, in a stable order."""
        cases = sorted(self.cases.values(), key=lambda c: (c.case, c.table))
        return {
            "cases": [
                {"case": c.case, "table": c.table, "moves": c.moves, "count": len(c.keys), "keys": sorted(c.keys)}
                for c in cases
            ],
            "parameters": {name: dict(sorted(of.items())) for name, of in sorted(self.parameters.items())},
            "dirt": sorted(self.dirt, key=lambda d: (d["table"], d["column"], d["what"])),
        }

    def write(self, path: Path, company: Mapping[str, Any]) -> None:
        """One JSON file; ``company`` says which company this is the truth of (scale, seed, day, options)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, {"company": dict(company), **self.as_dict()})


def live_on(path: Path, until: date, moved: Moved) -> None:
    """Make the file true again after simulated days up to ``until``.

    ``keys`` of a case stay those that are as they were planted; the others are named under ``changed`` and ``gone``,
    whether or not the case still holds for them. A renamed code is a change, and followed; in ``parameters`` too.
    """
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    told["company"]["lived_until"] = until.isoformat()
    for case in told["cases"]:
        codes = moved.renamed.get(case["table"], {})
        was = {name: {_followed(key, codes) for key in case.get(name, ())} for name in ("keys", "changed", "gone")}
        every = was["keys"] | was["changed"]
        gone = _concerned(every, moved.gone.get(case["table"], set()))
        changed = was["changed"] | _concerned(every, moved.changed.get(case["table"], set()) | set(codes.values()))
        now = {"keys": every - changed - gone, "changed": changed - gone, "gone": was["gone"] | gone}
        case.update({"count": len(now["keys"])} | {name: sorted(keys) for name, keys in now.items()})
    codes = moved.renamed.get("Customer", {})
    known = told["parameters"].get("customer", {})
    told["parameters"]["customer"] = {codes.get(key, key): values for key, values in known.items()}
    _replace(path, told)


def _followed(key: str, codes: Mapping[str, str]) -> str:
    return "/".join(codes.get(part, part) for part in key.split("/"))


def _concerned(keys: set[str], moved: set[str]) -> set[str]:
    """Those of ``keys`` that moved, as a whole (a composite key) or in a part (a pair of rows)."""
    return {key for key in keys if key in moved or not moved.isdisjoint(key.split("/"))}


def _replace(path: Path, told: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    text = json.dumps(told, indent=1, ensure_ascii=False, default=str)
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(path)
