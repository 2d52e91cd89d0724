"""The registry of source tables: what each is called in the lake, its key, its secrets, its personal data.

Declared in ``tables.yaml``; this module validates it. Not here: what a given source really has (introspection.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from importlib import resources
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ebp_lakehouse.errors import ContractError, SettingsError

PersonalClass = Literal["direct", "indirect", "none"]
TEXT_TYPES = ("text", "varchar", "character varying", "char", "character", "bpchar", "name", "citext", "bytea")
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
    """One source table. ``name`` is EBP's, ``asset`` the lake's; ``stars`` as in the specification (0: not in it)."""

    name: str
    asset: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    domain: Literal["sales", "customers", "items", "people", "reference", "purchases", "stock", "interventions"]
    description: str
    key: tuple[str, ...] = ("Id",)
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
        """Whether ``column`` must never be read: named in the registry, or a text whose name looks like a secret's.

        Key columns are never secrets: the table could not be read at all.
        """
        if column in self.key:
            return False
        folded = column.casefold()
        if folded in {name.casefold() for name in (*self.secrets, *self.exclude)}:
            return True
        return pg_type.split("(", maxsplit=1)[0] in TEXT_TYPES and bool(self._secret.search(column))

    def personal_class(self, column: str) -> PersonalClass:
        """``direct`` identifies a person by itself, ``indirect`` with other data, ``none`` neither."""
        if column in self.personal:
            return self.personal[column]
        return next((rule.personal for rule in self.personal_rules if re.search(rule.pattern, column)), "none")


class _File(_Declared):
    secrets: tuple[str, ...]
    secret_patterns: tuple[str, ...]
    personal_rules: tuple[PersonalRule, ...]
    tables: dict[str, dict[str, object]]


class Registry(_Declared):
    """All registered tables, in the order of the file."""

    tables: dict[str, TableSpec]

    @model_validator(mode="after")
    def _assets_are_unique(self) -> Self:
        assets = [spec.asset for spec in self.tables.values()]
        twice = sorted({asset for asset in assets if assets.count(asset) > 1})
        if twice:
            raise ValueError(f"two tables share the asset {', '.join(twice)}")
        return self

    @classmethod
    def load(cls, text: str | None = None) -> Self:
        """Read the packaged ``tables.yaml`` (or ``text``).

        Raises:
            ContractError: the file is not valid; the message names the table and the field.
        """
        if text is None:
            text = resources.files("ebp_lakehouse.source").joinpath("tables.yaml").read_text(encoding="utf-8")
        try:
            raw = _File.model_validate(yaml.safe_load(text))
            rules = {
                "secrets": raw.secrets,
                "secret_patterns": raw.secret_patterns,
                "personal_rules": raw.personal_rules,
            }
            return cls(
                tables={
                    name: TableSpec.model_validate({"name": name, **rules, **body}) for name, body in raw.tables.items()
                }
            )
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise ContractError(f"source/tables.yaml is not valid: {problems}. Correct the file.") from None

    def __iter__(self) -> Iterator[TableSpec]:  # type: ignore[override]
        return iter(self.tables.values())

    def __len__(self) -> int:
        return len(self.tables)

    def by_asset(self, asset: str) -> TableSpec:
        """The table whose lake name is ``asset``."""
        return next(spec for spec in self if spec.asset == asset)

    def select(self, wanted: str) -> tuple[TableSpec, ...]:
        """The tables of ``EBP_TABLES``: ``priority`` and ``all`` (every registered one), or a comma-separated list."""
        if wanted in ("priority", "all"):
            return tuple(self)
        names = [name.strip() for name in wanted.split(",") if name.strip()]
        by_name = {spec.name.casefold(): spec for spec in self} | {spec.asset: spec for spec in self}
        unknown = [name for name in names if name.casefold() not in by_name]
        if unknown or not names:
            raise SettingsError(
                f"EBP_TABLES names {', '.join(unknown) or 'no table'}, which is not registered. Use priority, all, or "
                f"names among: {', '.join(self.tables)}."
            )
        return tuple(by_name[name.casefold()] for name in names)
