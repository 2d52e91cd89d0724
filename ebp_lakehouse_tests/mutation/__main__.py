"""Run the declared mutants and print a table: caught by whom, or survived, and why that is no gap."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from ebp_lakehouse_tests.mutation.detectors import GOLD, MINI, TRUTH, UNIT, Detectors, detectors, queries
from ebp_lakehouse_tests.mutation.mutant import Mutant
from ebp_lakehouse_tests.mutation.operations import OPERATIONS
from ebp_lakehouse_tests.mutation.sales import SALES

MUTANTS = (*SALES, *OPERATIONS)
WANTED = 0.95


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when at least 95 % of the mutants that change a figure are caught, and no 'equivalent' one is."""
    parser = argparse.ArgumentParser(prog="python -m ebp_lakehouse_tests.mutation", description=__doc__)
    parser.add_argument("tables", nargs="*", help="gold tables; all unless told")
    chosen = [m for m in MUTANTS if m.table in (parser.parse_args(arguments).tables or GOLD)]
    mutated = {mutant: mutant.apply(GOLD[mutant.table].sql) for mutant in chosen}  # a stale declaration stops here
    with tempfile.TemporaryDirectory(prefix="ebp_mutation_") as folder, detectors(Path(folder)) as found:
        outcomes = judge(found, mutated)
    return report(outcomes)


def judge(found: Detectors, mutated: dict[Mutant, str]) -> dict[Mutant, str]:
    """Verdict per mutant. Ends the program where the right queries are noticed: then a catch would mean nothing."""
    for table in sorted({mutant.table for mutant in mutated}):
        who, said = found.noticed(table)
        if who:
            sys.exit(f"{table} as it stands is noticed by the {who}: {said}")
    return {mutant: _judge(found, mutant, sql) for mutant, sql in mutated.items()}


def _judge(found: Detectors, mutant: Mutant, sql: str) -> str:
    with queries({mutant.table: sql}):
        who, said = found.noticed(mutant.table)
    verdict = f"caught by {who}" if who else "equivalent" if mutant.equivalent else "SURVIVED"
    sys.stdout.write(f"{verdict:30} {mutant.label}\n{'':31}{(said or mutant.equivalent)[:160]}\n")
    sys.stdout.flush()
    return verdict


def report(outcomes: dict[Mutant, str]) -> int:
    real = {mutant: verdict for mutant, verdict in outcomes.items() if not mutant.equivalent}
    caught = [mutant for mutant, verdict in real.items() if verdict.startswith("caught")]
    explained = [mutant for mutant in outcomes if mutant.equivalent]
    wrongly = [mutant for mutant in explained if outcomes[mutant].startswith("caught")]
    share = len(caught) / max(1, len(real))
    by = {who: sum(v == f"caught by {who}" for v in real.values()) for who in (MINI, TRUTH, UNIT)}
    told = ", ".join(f"{number} by the {who}" for who, number in by.items())
    sys.stdout.write(
        f"\n{len(outcomes)} mutants: {len(caught)} of {len(real)} that change a figure caught ({share:.1%}; {told}), "
        f"{len(explained)} equivalent.\n"
    )
    for mutant, verdict in outcomes.items():
        if verdict == "SURVIVED":
            sys.stdout.write(f"survived: {mutant.label}\n")
    for mutant in wrongly:
        sys.stdout.write(f"declared equivalent, but caught: {mutant.label}\n")
    return 0 if share >= WANTED and not wrongly else 1


if __name__ == "__main__":
    sys.exit(main())
