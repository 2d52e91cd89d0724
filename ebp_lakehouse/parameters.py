"""The parameters (semantics: windows, cuts, thresholds, weights, conventions): defaults, and the user's file over them.

What the parameters are, what they mean and what may be chosen is declared beside what they steer: silver's in
``dbt_project.yml`` (vars ``default_parameters`` and ``parameter_*``), gold's in ``gold/parameters.yaml``. One file
of the user may set any of them. Not here: what the models do with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from importlib.resources import files
from math import inf
from pathlib import Path
from typing import Any

import yaml

from ebp_lakehouse.errors import SettingsError

VARIABLE = "EBP_PARAMETERS_FILE"
MAY_BE_NEGATIVE = ("opening_bank_balance",)  # an overdraft
DECLARED_IN = "dbt_silver/dbt_project.yml and ebp_lakehouse/gold/parameters.yaml"


@dataclass(frozen=True)
class Parameters:
    """The values in force.

    Attributes:
        own: what the user's file sets.
        silver: those of ``own`` that are silver's, as dbt takes them.
        values: every parameter with the value in force.
    """

    own: dict[str, Any]
    silver: dict[str, Any]
    values: dict[str, Any]


def parameters(project_dir: Path, file: Path | None) -> Parameters:
    """The defaults with the user's file over them.

    Raises:
        SettingsError: the file cannot be read, or names or sets what no parameter can be; every such line is named.
    """
    declared = yaml.safe_load((project_dir / "dbt_project.yml").read_text("utf-8"))["vars"]
    silver = declared["default_parameters"]
    gold = yaml.safe_load((files("ebp_lakehouse.gold") / "parameters.yaml").read_text("utf-8"))
    defaults = {**silver, **gold}
    own = _own(file, defaults, declared)
    return Parameters(own, {name: own[name] for name in own if name in silver}, {**defaults, **own})


def _own(file: Path | None, defaults: dict[str, Any], declared: dict[str, Any]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        given = yaml.safe_load(file.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{VARIABLE}: {file} cannot be read: {error}") from None
    if not isinstance(given, dict):
        raise SettingsError(f"{VARIABLE}: {file} must hold lines of the form `name: value`.")
    problems = [problem for name, value in given.items() if (problem := _problem(name, value, defaults, declared))]
    if problems:
        raise SettingsError(f"{VARIABLE}: {file}: {'; '.join(problems)}.")
    return given


def _problem(name: Any, value: Any, defaults: dict[str, Any], declared: dict[str, Any]) -> str:
    if name not in defaults:
        near = get_close_matches(str(name), defaults, n=3)
        meant = f"did you mean {' or '.join(near)}?" if near else f"they are listed in {DECLARED_IN}."
        return f"there is no parameter {name}; {meant}"
    default, choices = defaults[name], declared["parameter_choices"]
    if name in choices:
        fits = any(value == choice and type(value) is type(choice) for choice in choices[name])
        return "" if fits else f"{name} is {value!r}, but can be {', '.join(map(str, choices[name]))}"
    if isinstance(default, bool):
        fits, wanted = isinstance(value, bool), "true or false"
    elif name in declared["parameter_periods"]:
        fits, wanted = isinstance(value, list) and all(map(_is_period, value)), "a list of [first day, last day]"
    elif isinstance(default, list):
        fits, wanted = isinstance(value, list), "a list"
    else:
        kinds, wanted = ((int,), "a whole number") if isinstance(default, int) else ((int, float), "a number")
        fits = isinstance(value, kinds) and not isinstance(value, bool)
        low, high = declared["parameter_ranges"].get(name, (-inf if name in MAY_BE_NEGATIVE else 0, inf))
        if fits and not low <= value <= high:
            fits, wanted = False, f"{low} or more" if high == inf else f"between {low} and {high}"
    return "" if fits else f"{name} is {value!r}, but must be {wanted}"


def _is_period(value: Any) -> bool:
    match value:
        case [first, last] if type(first) is type(last) is date:
            return bool(first <= last)
    return False
