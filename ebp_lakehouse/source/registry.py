"""The registry of source tables: what each is called in the lake, its key, its secrets, its personal data.

Declared in ``tables.yaml``, and in a file of the user's for the tables of another schema; this module validates both.
Not here: what a given source really has (introspection.py), the rule for names (naming.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ebp_lakehouse.errors import ContractError, SettingsError
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.naming import ASSET, asset_names, original_name
from ebp_lakehouse.source.reference_schema import reference

PersonalClass = Literal["direct", "indirect", "none"]
# Types, without their modifiers, that hold no secret, whatever the column's name says.
HARMLESS_TYPES = (
    "boolean",
    *("smallint", "integer", "bigint", "numeric", "real", "double precision", "money"),
    *("date", "interval", "time", "time without time zone", "time with time zone"),
    *("timestamp", "timestamp without time zone", "timestamp with time zone"),
)
REFERENCE_NAME = "(Id|ID|_id)$"  # a uuid of such a name tells another row: SecretaryId
M = TypeVar("M", bound=BaseModel)
_MODIFIERS = re.compile(r"\([^)]*\)")
_YEAR = re.compile(r"year\((?P<column>[^)]+)\)")


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PersonalRule(_Declared):
    pattern: str
    personal: PersonalClass = Field(alias="class")


class Grouping(_Declared):
    """One grouping expression of a reconciliation: a column, or the year of a timestamp column."""

    column: str
    is_year: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        match = _YEAR.fullmatch(text)
        return cls(column=match["column"], is_year=True) if match else cls(column=text)

    def __str__(self) -> str:
        return f"year({self.column})" if self.is_year else self.column


class Reconciliation(_Declared):
    """Sums of ``measures`` by ``by``, compared to the cent between source and lake."""

    measures: tuple[str, ...]
    by: tuple[str, ...] = ()

    @property
    def groupings(self) -> tuple[Grouping, ...]:
        return tuple(Grouping.parse(text) for text in self.by)


class TableSpec(_Declared):
    """One source table. ``name`` is EBP's, ``asset`` the lake's; ``stars`` as in the specification (0: not in it).

    ``key`` is empty where PostgreSQL's catalogue tells it. ``text`` lists columns to keep as PostgreSQL's text.
    """

    name: str
    asset: str = Field(pattern=ASSET)
    domain: Literal[
        "sales", "customers", "items", "people", "reference", "purchases", "stock", "interventions", "other"
    ]
    description: str
    key: tuple[str, ...] = ("Id",)
    text: tuple[str, ...] = ()
    stars: int = Field(default=0, ge=0, le=3)
    support: bool = False
    exclude: tuple[str, ...] = ()
    personal: dict[str, PersonalClass] = Field(default_factory=dict)
    reconcile: Reconciliation | None = None
    secrets: tuple[str, ...] = Field(default=(), repr=False)
    secret_patterns: tuple[str, ...] = Field(default=(), repr=False)
    personal_rules: tuple[PersonalRule, ...] = Field(default=(), repr=False)

    @property
    def lake_key(self) -> str:
        return f"bronze/{self.asset}"

    @cached_property
    def _secret(self) -> re.Pattern[str]:
        return re.compile("|".join(self.secret_patterns) or r"(?!)", re.IGNORECASE)

    def is_secret(self, column: str, pg_type: str = "text") -> bool:
        """Whether ``column`` must never be read: named in the registry, or its name looks like a secret's.

        By its look only where the type can hold one: no flag, number or date, and no uuid that refers to another row.
        Key columns are never secrets: the table could not be read at all.
        """
        if column in self.key:
            return False
        folded = column.casefold()
        if folded in {name.casefold() for name in (*self.secrets, *self.exclude)}:
            return True
        kind = _MODIFIERS.sub("", pg_type)
        if kind in HARMLESS_TYPES or (kind == "uuid" and re.search(REFERENCE_NAME, column)):
            return False
        return bool(self._secret.search(column))

    def personal_class(self, column: str) -> PersonalClass:
        """``direct`` identifies a person by itself, ``indirect`` with other data, ``none`` neither. Either name will do."""
        column = original_name(column)
        if column in self.personal:
            return self.personal[column]
        return next((rule.personal for rule in self.personal_rules if re.search(rule.pattern, column)), "none")


class _Rules(_Declared):
    """What is declared once for all tables, those that no file names included."""

    secrets: tuple[str, ...]
    secret_patterns: tuple[str, ...]
    personal_rules: tuple[PersonalRule, ...]


class _Packaged(_Rules):
    tables: dict[str, dict[str, object]]


class _Own(_Declared):
    """A user's file: per table what is to be added to, or to differ from, what is packaged."""

    tables: dict[str, dict[str, object] | None]


@dataclass(frozen=True)
class Registry:
    """The registered tables, in the order of the file, and all others that are known without asking a source.

    Attributes:
        tables: what silver, gold and the models need: ``EBP_TABLES=priority``.
        others: the rest of the reference installation, and what the user's file adds.
        everything: names of ``EBP_TABLES=all``: those of the user's file, else all of the reference installation.
        own: what the user's file says, as it stands there.
    """

    tables: dict[str, TableSpec]
    others: dict[str, TableSpec]
    everything: tuple[str, ...]
    own: dict[str, dict[str, object] | None] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str | None = None, *, own: Path | None = None) -> Self:
        """Read the packaged ``tables.yaml`` (or ``text``), and the user's file (``EBP_TABLES_FILE``) over it.

        Raises:
            ContractError: a file is not valid; the message names the table and the field.
            SettingsError: the user's file cannot be read.
        """
        if text is None:
            text = resources.files("ebp_lakehouse.source").joinpath("tables.yaml").read_text(encoding="utf-8")
        packaged = _valid(_Packaged, text, PACKAGED)
        rules = {name: getattr(packaged, name) for name in _Rules.model_fields}
        declared: dict[str, dict[str, Any]] = {
            name: {**body, "name": name, **rules} for name, body in packaged.tables.items()
        }
        taken = {str(body.get("asset")) for body in declared.values()}
        unnamed = [name for name in reference() if name not in declared]
        rest = {
            name: {**_DERIVED, "asset": asset, "support": True, "name": name, **rules}
            for name, asset in asset_names(unnamed, taken).items()
        }
        listed: dict[str, dict[str, object] | None] = {}
        if own is not None:
            listed = _valid(_Own, _text(own), str(own)).tables
            taken |= {str(body["asset"]) for body in rest.values()}
            new = [name for name in listed if name not in declared and name not in rest]
            rest |= {name: {**_OWN, "asset": a, "name": name, **rules} for name, a in asset_names(new, taken).items()}
            for name, body in listed.items():
                (declared if name in declared else rest)[name] |= body or {}
        file = PACKAGED if own is None else str(own)
        tables = {name: _spec(body, file) for name, body in declared.items()}
        others = {name: _spec(body, file) for name, body in rest.items()}
        assets = Counter(spec.asset for spec in (*tables.values(), *others.values()))
        if twice := [asset for asset, count in assets.items() if count > 1]:
            raise ContractError(
                f"{file} is not valid: two tables share the asset {', '.join(twice)}. Correct the file."
            )
        return cls(tables, others, tuple(listed) if own is not None else (*tables, *others), listed)

    def __iter__(self) -> Iterator[TableSpec]:
        return iter(self.tables.values())

    def __len__(self) -> int:
        return len(self.tables)

    def select(self, wanted: str) -> tuple[TableSpec, ...]:
        """The tables of ``EBP_TABLES``: ``priority``, ``all``, or a comma-separated list of tables or assets."""
        known = self.tables | self.others
        if wanted == "priority":
            return tuple(self)
        if wanted == "all":
            return tuple(known[name] for name in self.everything)
        names = [name.strip() for name in wanted.split(",") if name.strip()]
        found = {spec.name.casefold(): spec for spec in known.values()} | {s.asset: s for s in known.values()} | known
        unknown = [name for name in names if name not in found and name.casefold() not in found]
        if unknown or not names:
            raise SettingsError(
                f"EBP_TABLES names {', '.join(unknown) or 'no table'}, which is not registered. Use priority, all, or "
                f"names among: {', '.join(self.tables)}; `ebp-lakehouse discover` lists what your source has besides."
            )
        return tuple({s.name: s for s in (found.get(n) or found[n.casefold()] for n in names)}.values())


PACKAGED = "source/tables.yaml"
_DERIVED: dict[str, Any] = {
    "key": (),
    "domain": "other",
    "description": "Table d'EBP hors du périmètre prioritaire, telle quelle.",
}
_OWN: dict[str, Any] = {"key": (), "domain": "other", "description": "Table de la source, telle quelle."}


def selected_tables(settings: Settings) -> tuple[TableSpec, ...]:
    """The tables that ``settings`` ask for. Reads files only: no source is asked."""
    return Registry.load(own=settings.tables_file).select(settings.tables)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"EBP_TABLES_FILE: {file} cannot be read ({error}). Make it: ebp-lakehouse discover > {file.name}"
        ) from None


def _valid(model: type[M], text: str, file: str) -> M:
    try:
        return model.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ContractError(f"{file} is not YAML: {error}. Correct the file.") from None
    except ValidationError as error:
        raise ContractError(f"{file} is not valid: {_problems(error)}. Correct the file.") from None


def _spec(body: dict[str, Any], file: str) -> TableSpec:
    try:
        return TableSpec.model_validate(body)
    except ValidationError as error:
        raise ContractError(f"{file} is not valid: table {body['name']}: {_problems(error)}. Correct it.") from None


def _problems(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
