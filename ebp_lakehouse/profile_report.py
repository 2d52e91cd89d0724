"""How a profile is shown in a terminal: one table per section, then the lines to paste, each whole and on a line of its own.

Not here: the measuring (silver/profile.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.profile import PARAMETERS, Section, profile

NOTHING = "Nothing of the kind here."


def print_profile(settings: Settings, out: Console) -> None:
    """Measure and print."""
    with out.status("measuring …"):
        sections = profile(settings)
    show(sections, settings, out)


def show(sections: Iterable[Section], settings: Settings, out: Console) -> None:
    """Print the sections. Lines to paste are never wrapped nor coloured, so that they can be taken as they are."""
    for section in sections:
        out.print(Text(f"\n{section.title}", style="bold"))
        out.print(Text(section.note, style="dim"))
        if section.rows:
            out.print(_table(section))
        else:
            out.print(Text(NOTHING))
        ordered = sorted(section.proposals, key=lambda proposal: (proposal.target, proposal.instead))
        for (target, instead), lines in groupby(ordered, key=lambda proposal: (proposal.target, proposal.instead)):
            out.print(Text(_where(target, instead, settings), style="green"), soft_wrap=True)
            for proposal in lines:
                out.print(Text(proposal.line), soft_wrap=True)


def _where(target: str, instead: str, settings: Settings) -> str:
    if target == PARAMETERS:
        file = settings.parameters_file
        return f"To paste into {file or 'a file of parameters, which EBP_PARAMETERS_FILE names'}:"
    seed = Path(settings.dbt_project_dir) / "seeds" / target
    return f"To paste into {seed}{f', instead of the line {instead},…' if instead else ''}:"


def _table(section: Section) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for at, name in enumerate(section.columns):
        numbers = all(isinstance(row[at], int | float | Decimal | None) for row in section.rows)
        table.add_column(Text(name), justify="right" if numbers else "left", overflow="fold")
    for row in section.rows:
        table.add_row(*(Text(_text(value)) for value in row))
    return table


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:,.2f}".removesuffix(".00")
    return f"{value:,}" if isinstance(value, int) else str(value)
