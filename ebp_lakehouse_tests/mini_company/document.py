"""Reads docs/mini-company.md, where the figures are worked out, and writes the same figures as data: expected/*/*.csv.

A table of figures follows a line `<!-- silver.fact_sales -->`; its column names are those in backticks. Several tables may
state columns of the same rows; a table that holds only a part of the key speaks of all rows with that part. What the marker
adds (`<!-- silver.fact_sales is_bundle=false -->`) holds for all rows of which nothing else is said. A cell may show its
arithmetic (`6 × 10 = 60`): the figure is what stands last, and the arithmetic is checked. `≈` rounds to the digits shown.

Run as a program it writes the data files anew.
"""

from __future__ import annotations

import ast
import csv
import io
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ebp_lakehouse_tests.mini_company.expected import NOT_STATED, TABLES, Expected

DOCUMENT = Path(__file__).parents[2] / "docs" / "mini-company.md"

_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True)
class Stated:
    """One table of the document: its columns, its rows of cells as written, and what holds for all other rows."""

    table: str
    columns: list[str]
    rows: list[list[str]]
    others: dict[str, str]


def stated_tables() -> list[Stated]:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    tables = []
    for number, line in enumerate(lines):
        if marker := re.fullmatch(r"<!-- ((?:silver|gold)\.\w+)((?: \w+=\S*)*) -->", line.strip()):
            body = [_cells(row) for row in _table_below(lines, number)]
            columns = [match[1] if (match := re.search(r"`(\w+)`", cell)) else "" for cell in body[0]]
            others = dict(pair.split("=") for pair in marker[2].split())
            tables.append(Stated(marker[1], columns, body[2:], others))
    return tables


def expected_rows(table: Expected) -> list[dict[str, str]]:
    """The rows of one table as the document states them, in its order."""
    stated = [one for one in stated_tables() if one.table == f"{table.layer}.{table.name}"]
    columns = list(dict.fromkeys(name for one in stated for name in (*one.columns, *one.others) if name))
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for one in stated:
        if set(table.key) <= set(one.columns):
            for row in _named_rows(one):
                rows.setdefault(tuple(row[name] for name in table.key), {}).update(row)
    for one in stated:
        part = [name for name in table.key if name in one.columns]
        if len(part) < len(table.key):
            for row in _named_rows(one):
                matching = [full for full in rows.values() if all(full[name] == row[name] for name in part)]
                assert matching, f"{table.name}: the document states {row} of rows that no table of it names"
                for full in matching:
                    full.update(row)
    others = {name: cell for one in stated for name, cell in one.others.items()}
    filled = ({name: row.get(name, others.get(name, NOT_STATED)) for name in columns} for row in rows.values())
    return list(filled)


def as_csv(table: Expected) -> str:
    rows = expected_rows(table)
    assert rows, f"docs/mini-company.md states nothing of {table.layer}.{table.name}"
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def calculations() -> Iterator[str]:
    """Every calculation shown: cells of the tables and `code` of the text that hold `=` or `≈` after a digit."""
    text = DOCUMENT.read_text(encoding="utf-8")
    cells = [cell for one in stated_tables() for row in one.rows for cell in row]
    for shown in [*re.findall(r"`([^`]+)`", text), *cells]:
        if re.search(r"[\d)] *[=≈]", shown):
            yield shown


def wrong_calculation(shown: str) -> str | None:
    """What is wrong with a calculation like `2 × (3 + 4) = 14`, None when it is right."""
    parts = re.split(r"([=≈])", shown)
    value = _value(parts[0])
    for sign, part in zip(parts[1::2], parts[2::2], strict=True):
        following = _value(part)
        digits = re.search(r"\.(\d+)", part)
        allowed = Fraction(1, 2 * 10 ** len(digits[1] if digits else "")) if sign == "≈" else 0
        if abs(value - following) > allowed:
            return f"{shown}: {float(value)} is not {part.strip()}"
        value = following if sign == "=" else value
    return None


def _value(text: str) -> Fraction:
    plain = text.replace("×", "*").replace("÷", "/").replace("−", "-").strip()
    try:
        return _evaluated(ast.parse(plain, mode="eval").body)
    except (SyntaxError, TypeError) as error:
        raise AssertionError(f"docs/mini-company.md: '{text}' is no calculation") from error


def _evaluated(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluated(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_evaluated(node.left), _evaluated(node.right))
    raise TypeError(ast.dump(node))


def _named_rows(one: Stated) -> Iterator[dict[str, str]]:
    for cells in one.rows:
        assert len(cells) == len(one.columns), f"{one.table}: {cells} does not fit the columns {one.columns}"
        yield {name: _figure(cell) for name, cell in zip(one.columns, cells, strict=True) if name}


def _figure(cell: str) -> str:
    """The figure of a cell: what stands after the last = or ≈; a true minus sign is a minus."""
    figure = re.split(r"[=≈]", cell)[-1].strip().strip("`")
    return re.sub(r"^−(?=\d)", "-", figure)


def _table_below(lines: list[str], number: int) -> Iterator[str]:
    below = number + 1
    while below < len(lines) and not lines[below].startswith("|"):
        below += 1
    while below < len(lines) and lines[below].startswith("|"):
        yield lines[below]
        below += 1


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def write_expected() -> None:
    """Write every data file anew from the document."""
    by_folder: dict[Path, list[Expected]] = defaultdict(list)
    for table in TABLES.values():
        by_folder[table.path.parent].append(table)
    for folder, tables in by_folder.items():
        folder.mkdir(parents=True, exist_ok=True)
        for table in tables:
            table.path.write_text(as_csv(table), encoding="utf-8")


if __name__ == "__main__":
    write_expected()
