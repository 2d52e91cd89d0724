"""The CSV files of EBP_USER_FILES: what EBP does not hold (semantics §1.7), checked before a model reads them.

Which files there are, their columns and what these may hold is declared in ``dbt_project.yml`` (var ``user_files``), where
the models have it from too (macro ``user_file``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import duckdb
import yaml

from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.lake.session import quote_identifier, quote_literal
from ebp_lakehouse.settings import Settings

VARIABLE = "EBP_USER_FILES"
WANTED = {"date": "a date as 2026-08-03", "double": "a number as 12.5", "integer": "a whole number"}


@dataclass(frozen=True)
class UserFile:
    """What one file may hold; the words are those of ``dbt_project.yml``."""

    columns: dict[str, str]
    filled: Sequence[str] = ()
    any_of: Sequence[str] = ()
    unique: Sequence[str] = ()
    together: Sequence[str] = ()
    rules: dict[str, str] = field(default_factory=dict)


def declared(project_dir: Path) -> dict[str, UserFile]:
    """Name, without its ``.csv``, and what the file may hold."""
    variables = yaml.safe_load((project_dir / "dbt_project.yml").read_text("utf-8"))["vars"]
    return {name: UserFile(**told) for name, told in variables["user_files"].items()}


def user_files(settings: Settings) -> dict[str, Path | None]:
    """Every file by name, and where it is; None where the user has none.

    Raises:
        SettingsError: the folder is not there, or a file holds what it cannot; every kind of mistake is named with its line.
    """
    files, folder = declared(settings.dbt_project_dir), settings.user_files
    if folder is None:
        return dict.fromkeys(files)
    if not folder.is_dir():
        raise SettingsError(f"{VARIABLE}: {folder} is not a folder.")
    there = {path.stem: path for path in sorted(folder.glob("*.csv"))}
    problems = [
        f"{path.name} is not read; did you mean {near[0]}.csv?"
        for name, path in there.items()
        if name not in files and (near := get_close_matches(name.lower(), set(files) - set(there)))
    ]
    for name in sorted(files.keys() & there.keys()):
        problems += [f"{there[name].name}{problem}" for problem in _problems(there[name], files[name])]
    if problems:
        raise SettingsError(f"{VARIABLE}: {folder}: {'; '.join(problems)}.")
    return {name: there.get(name) for name in files}


def _problems(path: Path, file: UserFile) -> Iterator[str]:
    with duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": "false"}) as connection:
        try:
            # The same reader as in the macro optional_file.
            connection.execute(
                f"CREATE TABLE given AS FROM read_csv({quote_literal(str(path))}, header = true, all_varchar = true)"
            )
        except duckdb.Error as error:
            yield f" cannot be read ({str(error).splitlines()[0]}); save it as CSV with a header, in UTF-8"
            return
        found = [name for (name, *_) in connection.execute("DESCRIBE given").fetchall()]
        wrong = list(_wrong_columns(found, file))
        if wrong:
            yield from wrong
            return
        cells = ", ".join(
            f"nullif(trim({quote_identifier(name)}), '') AS {name}" for name in file.columns if name in found
        )
        connection.execute(f"CREATE TABLE lines AS SELECT row_number() OVER () + 1 AS line, {cells} FROM given")
        for condition, shown, text in _mistakes(file, found):
            count, line, value = connection.execute(
                f"SELECT count(*), min(line), arg_min({shown}, line) FROM lines WHERE {condition}"
            ).fetchall()[0]
            if count:
                more = f" (and {count - 1} more like it)" if count > 1 else ""
                yield f", line {line}: {text.format(value=value)}{more}"


def _wrong_columns(found: Sequence[str], file: UserFile) -> Iterator[str]:
    """Columns that nothing declares are the user's own; one that is nearly a declared one is a mistake."""
    missing = set(file.columns) - set(found)
    for name in found:
        near = get_close_matches(name.strip().lower(), missing, n=1, cutoff=0.85) if name not in file.columns else []
        if near:
            yield f" has a column {name!r}; did you mean {near[0]}?"
    for name in sorted(missing.intersection(file.filled)):
        yield f" has no column {name}"
    if file.any_of and missing.issuperset(file.any_of):
        yield f" has no column {' or '.join(file.any_of)}"


def _mistakes(file: UserFile, found: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """(condition of the lines that are wrong, the value to show, what is told of it)."""
    for name in file.filled:
        yield f"{name} IS NULL", "NULL", f"{name} is empty"
    any_of = [name for name in file.any_of if name in found]
    if any_of:
        empty = " AND ".join(f"{name} IS NULL" for name in any_of)
        yield empty, "NULL", f"{' and '.join(any_of)} {'are' if len(any_of) > 1 else 'is'} empty"
    for name in (name for name in file.columns if name in found):
        kind, rule = file.columns[name], file.rules.get(name)
        typed = f"try_cast({name} AS {kind})"
        if kind in WANTED:
            yield f"{name} IS NOT NULL AND {typed} IS NULL", name, f"{name} is {{value!r}}, but must be {WANTED[kind]}"
        if rule:
            yield f"NOT ({typed} {rule})", name, f"{name} is {{value!r}}, but must be {rule}"
    together = [name for name in file.together if name in found]
    if together:
        filled = " + ".join(f"({name} IS NOT NULL)::INT" for name in together)
        yield f"{filled} NOT IN (0, {len(file.together)})", "NULL", f"{' and '.join(file.together)} are not both filled"
    unique = [name for name in file.unique if name in found]
    if unique:
        key = ", ".join(f"upper({name})" for name in unique)
        again = f"line IN (SELECT line FROM lines QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY line) > 1)"
        yield again, f"concat_ws(', ', {', '.join(unique)})", f"{', '.join(unique)} {{value!r}} was there before"
