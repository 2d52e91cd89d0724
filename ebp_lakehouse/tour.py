"""``ebp-lakehouse demo``: company, materialisation, proof, and how to go on.

Not here: the commands (cli.py); it is above the demo's other modules, which know nothing of Dagster.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.create import create_in
from ebp_lakehouse.demo.revenue import both_revenues, months_before
from ebp_lakehouse.demo.session import DemoHome, DemoState, demo_settings, lake_kind
from ebp_lakehouse.errors import DemoError
from ebp_lakehouse.orchestration import runs
from ebp_lakehouse.orchestration.partitions import today
from ebp_lakehouse.orchestration.runs import RunSummary
from ebp_lakehouse.settings import Settings


def run(
    path: Path, scale: float, seed: int, as_of: date | None, *, options: CompanyOptions, folder: bool,
    show: Callable[[RunSummary], None], out: Console,
) -> bool:  # fmt: skip
    """The whole demo in the folder ``path``; whether everything succeeded and both revenues agree.

    Raises:
        DemoError: another company lives in that folder.
    """
    home = DemoHome(path)
    state = home.state()
    asked = (scale, seed, options.changed())
    if state is not None and (
        (state.scale, state.seed, state.options) != asked
        or (as_of and state.day != as_of)
        or (folder and state.lake != "folder")
    ):
        other = "".join(f", {name} = {value}" for name, value in state.options.items())
        raise DemoError(
            f"{path} already holds a company of scale {state.scale:g}, seed {state.seed}, as of {state.as_of}{other}, "
            f"its lake on {'the embedded S3' if state.lake == 's3' else 'a folder'}. "
            "Choose another --home, ask for the same company, or delete that folder."
        )
    lake = state.lake if state else lake_kind(folder=folder)
    with demo_settings(home, lake) as settings:
        if state is None:
            state = DemoState(scale, seed, (as_of or today()).isoformat(), lake, options.changed())
            started = perf_counter()
            with out.status("creating the demo company …") as status:
                company = create_in(
                    home, state, settings.source(),
                    lambda stage, done: status.update(f"creating the demo company: {stage} {done:.0%}"),
                    options,
                )  # fmt: skip
            out.print(
                f"company: {company.total_rows:,} rows in {len(company.rows)} tables, {perf_counter() - started:.1f} s"
            )
        else:
            out.print(f"company: as it was (scale {state.scale:g}, seed {state.seed}, as of {state.as_of})")
        with runs.instance_at(home.dagster) as instance, out.status("materialising …") as status:
            summary = runs.materialize(
                settings, instance, on_step=lambda step: status.update(f"materialising {step} …")
            )
        show(summary)
        ok = summary.ok and _prove(settings, state.day, out)
    out.print(_next_steps(path), markup=False, highlight=False, soft_wrap=True)
    return ok


def _prove(settings: Settings, as_of: date, out: Console) -> bool:
    first, end = months_before(as_of, 12), min(as_of, today()) + timedelta(days=1)
    months = both_revenues(settings, first, end)
    table = Table("month", title="Revenue excl. tax, EUR")
    table.add_column("SQL on the source", justify="right")
    table.add_column("gold.sales_daily_kpi", justify="right")
    for month, (source, gold) in months.items():
        table.add_row(month, f"{source:,.2f}", f"{gold:,.2f}{'' if source == gold else '  differs'}")
    out.print(table)
    return bool(months) and all(source == gold for source, gold in months.values())


def _next_steps(path: Path) -> str:
    prefix = "" if path == Path(".demo").absolute() else f"EBP_DEMO_HOME={path} "
    return (
        f"\nEverything is in {path}. Go on with:\n"
        f"  {prefix}ebp-lakehouse ui                   the Dagster UI on this lake\n"
        f'  {prefix}ebp-lakehouse query "FROM gold.sales_daily_kpi ORDER BY date_id DESC LIMIT 5"\n'
        f"  {prefix}ebp-lakehouse simulate --days 3    three more business days in EBP\n"
        f"  {prefix}ebp-lakehouse materialize          bring the lake up to them\n"
    )
