"""Contracts of silver tables, read from dbt's manifest: the yml of a model is the only place where it is declared.

From it are derived the Arrow schema that is written, the Pandera schema that is checked, and what Dagster shows.
Not here: the rules' SQL twin (macro ``contract`` in dbt_silver) and how a manifest is made (manifest.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandera.polars as pa_polars
import polars as pl
import pyarrow as pa
from pandera import Check

from ebp_lakehouse.errors import ContractError

PUBLISHED_LAYER = "silver"
BRONZE, ENRICHMENT = "bronze", "enrichment"  # dbt's names of the two kinds of sources
INGESTION_DATE = "_silver_ingestion_date"

_ARROW_TYPES: dict[str, pa.DataType] = {
    "varchar": pa.string(),
    "text": pa.string(),
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}


@dataclass(frozen=True)
class Column:
    """One declared column. ``rules`` are those of the model's yml: not_null, unique, min, max, accepted, pattern."""

    name: str
    data_type: str
    description: str
    label_fr: str
    personal: bool
    rules: Mapping[str, Any]

    @property
    def arrow_type(self) -> pa.DataType:
        kind = self.data_type.lower().strip()
        if match := re.fullmatch(r"(?:decimal|numeric)\((\d+),\s*(\d+)\)", kind):
            return pa.decimal128(int(match[1]), int(match[2]))
        if kind.endswith("[]"):
            return pa.list_(_ARROW_TYPES[kind.removesuffix("[]")])
        if kind not in _ARROW_TYPES:
            raise ContractError(f"Column {self.name} is declared {self.data_type}, a type no lake table holds.")
        return _ARROW_TYPES[kind]

    def arrow_field(self) -> pa.Field:
        return pa.field(self.name, self.arrow_type, metadata={"comment": self.description})


@dataclass(frozen=True)
class TableContract:
    """A published dbt model, or an enrichment table (declared as a source, since dbt does not build it).

    Attributes:
        name: table name in schema ``silver``.
        key: its primary-key column.
        columns: in the order of the table.
        bronze: bronze tables it is computed from, through whatever lies between.
        required: of these, and of those behind its parents, the columns that must be there, in EBP's names.
        parents: published models it is computed from.
        tests: unique ids of its dbt tests.
        references: column → (published model, its column) that holds every value of it, by its relationships tests.
        shown: small intermediate models that say how the table came about; Dagster shows them with it.
        enrichment: enrichment tables it reads; each of them may be missing.
    """

    name: str
    unique_id: str
    description: str
    key: str
    columns: tuple[Column, ...]
    bronze: tuple[str, ...]
    parents: tuple[str, ...]
    tests: tuple[str, ...]
    references: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    enrichment: tuple[str, ...] = ()
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def needed(self) -> set[str]:
        """Published models that must be up to date before this one is: parents, and those that it refers to."""
        return {*self.parents, *(table for table, _ in self.references.values())}

    def public_columns(self) -> list[Column]:
        """Everything that is not personal data; the key is in both parts."""
        return [column for column in self.columns if not column.personal]

    def private_columns(self) -> list[Column]:
        """The key and the personal columns; empty where the table has none."""
        personal = [column for column in self.columns if column.personal]
        return [self.column(self.key), *personal] if personal else []

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def pandera_schema(self) -> pa_polars.DataFrameSchema:
        """The same contract for Pandera: types, nullability, and every rule. Validate a collected frame with it."""
        return pa_polars.DataFrameSchema(
            {column.name: _pandera_column(column) for column in self.columns}, strict=True, name=self.name
        )


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([column.arrow_field() for column in columns])


def contracts(manifest: Mapping[str, Any]) -> dict[str, TableContract]:
    """Every published model of a dbt manifest, by table name, in order of dependency."""
    nodes: Mapping[str, Any] = manifest["nodes"]
    published = {
        unique_id: node
        for unique_id, node in nodes.items()
        if node["resource_type"] == "model" and _meta(node).get("layer") == PUBLISHED_LAYER
    }
    tests: dict[str, list[str]] = {unique_id: [] for unique_id in published}
    for unique_id, node in nodes.items():
        if node["resource_type"] == "test":
            owner = node.get("attached_node") or next(iter(node["depends_on"]["nodes"]), None)
            if owner in tests:
                tests[owner].append(unique_id)
    required = _required_columns(manifest)
    made = [
        _contract(manifest, unique_id, node, set(published), tests[unique_id], required)
        for unique_id, node in published.items()
    ]
    return {contract.name: contract for contract in _in_order(made)}


def enrichment_contracts(manifest: Mapping[str, Any]) -> dict[str, TableContract]:
    """Every enrichment table, by name: dbt sources of that name, whose ``meta.reads`` names the models they start from."""
    models = {n["name"]: (unique_id, n) for unique_id, n in manifest["nodes"].items() if n["resource_type"] == "model"}
    published = {unique_id for unique_id, node in models.values() if _meta(node).get("layer") == PUBLISHED_LAYER}
    made = {}
    for unique_id, node in manifest["sources"].items():
        if node["source_name"] != ENRICHMENT:
            continue
        bronze: set[str] = set()
        parents: set[str] = set()
        for model, _ in (models[name] for name in _meta(node).get("reads", ())):
            if model in published:
                parents.add(manifest["nodes"][model]["name"])
            else:
                bronze |= _ancestors(manifest, model, published)[0]
        made[node["name"]] = TableContract(
            name=node["name"],
            unique_id=unique_id,
            description=node["description"],
            key=_meta(node)["key"],
            columns=tuple(_column(node["name"], raw) for raw in node["columns"].values()),
            bronze=tuple(sorted(bronze)),
            parents=tuple(sorted(parents)),
            tests=(),
        )
    return made


def _contract(
    manifest: Mapping[str, Any],
    unique_id: str,
    node: Mapping[str, Any],
    published: set[str],
    tests: list[str],
    required: Mapping[str, tuple[str, ...]],
) -> TableContract:
    key = _meta(node).get("key")
    columns = tuple(_column(node["name"], raw) for raw in node["columns"].values())
    if key not in {column.name for column in columns}:
        raise ContractError(f"dbt model {node['name']} must declare `meta.key`, the name of its primary-key column.")
    bronze, parents, enrichment = _ancestors(manifest, unique_id, published)
    return TableContract(
        name=node["name"],
        unique_id=unique_id,
        description=node["description"],
        key=key,
        columns=columns,
        bronze=tuple(sorted(bronze)),
        parents=tuple(sorted(parents)),
        tests=tuple(sorted(tests)),
        references=_references(manifest, unique_id, tests, published),
        shown=tuple(_meta(node).get("shown", ())),
        enrichment=tuple(sorted(enrichment)),
        required={name: required[name] for name in sorted(_ancestors(manifest, unique_id, set())[0])},
    )


def _references(
    manifest: Mapping[str, Any], unique_id: str, tests: Sequence[str], published: set[str]
) -> dict[str, tuple[str, str]]:
    """From the relationships tests of a model to the other published models."""
    references = {}
    for test in (manifest["nodes"][name] for name in sorted(tests)):
        others = published.intersection(test["depends_on"]["nodes"]) - {unique_id}
        if others and (test.get("test_metadata") or {}).get("name") == "relationships":
            referred = manifest["nodes"][others.pop()]["name"]
            references[test["column_name"]] = (referred, test["test_metadata"]["kwargs"]["field"])
    return references


def _meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**(node.get("meta") or {}), **(node.get("config", {}).get("meta") or {})}


def _column(model: str, raw: Mapping[str, Any]) -> Column:
    meta = _meta(raw)
    if not raw.get("data_type") or not raw.get("description"):
        raise ContractError(f"dbt model {model}: column {raw['name']} needs a data_type and a description.")
    return Column(
        name=raw["name"],
        data_type=raw["data_type"],
        description=" ".join(raw["description"].split()),
        label_fr=meta.get("label_fr", ""),
        personal=bool(meta.get("personal")) and meta.get("personal") != "none",
        rules=meta.get("rules") or {},
    )


def _required_columns(manifest: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Bronze table → its columns that silver cannot do without."""
    return {
        source["name"]: tuple(raw["name"] for raw in source["columns"].values() if not _meta(raw).get("optional"))
        for source in manifest["sources"].values()
        if source["source_name"] == BRONZE
    }


def _ancestors(manifest: Mapping[str, Any], unique_id: str, published: set[str]) -> tuple[set[str], set[str], set[str]]:
    """(bronze tables, published models, enrichment tables) reached upwards without passing through a published model."""
    bronze: set[str] = set()
    parents: set[str] = set()
    enrichment: set[str] = set()
    pending, seen = list(manifest["parent_map"][unique_id]), set()
    while pending:
        node_id = pending.pop()
        if node_id in seen:
            continue
        seen.add(node_id)
        if node_id in published:
            parents.add(manifest["nodes"][node_id]["name"])
        elif node_id.startswith("source."):
            source = manifest["sources"][node_id]
            kind = bronze if source["source_name"] == BRONZE else enrichment
            kind.add(source["name"].removesuffix("_current"))
        else:
            pending += manifest["parent_map"].get(node_id, [])
    return bronze, parents, enrichment


def _in_order(tables: Sequence[TableContract]) -> list[TableContract]:
    ordered: list[TableContract] = []
    waiting = sorted(tables, key=lambda table: table.name)
    while waiting:
        done = {table.name for table in ordered}
        ready = [table for table in waiting if table.needed <= done]
        if not ready:
            raise ContractError(f"dbt models depend on each other in a circle: {', '.join(t.name for t in waiting)}.")
        ordered += ready
        waiting = [table for table in waiting if table not in ready]
    return ordered


def _pandera_column(column: Column) -> pa_polars.Column:
    rules = column.rules
    checks = []
    if "min" in rules:
        checks.append(Check.ge(_bound(column, rules["min"])))
    if "max" in rules:
        checks.append(Check.le(_bound(column, rules["max"])))
    if "accepted" in rules:
        checks.append(Check.isin(list(rules["accepted"])))
    if "pattern" in rules:
        checks.append(Check.str_matches(rules["pattern"]))
    return pa_polars.Column(
        polars_type(column.arrow_type),
        checks=checks,
        nullable=not rules.get("not_null", False),
        unique=bool(rules.get("unique", False)),
        description=column.description,
    )


def _bound(column: Column, value: Any) -> Any:
    """A yml bound in the column's own type: Polars compares a date with a date."""
    return pl.Series([str(value)]).str.to_date().item() if pa.types.is_date(column.arrow_type) else value


def polars_type(arrow_type: pa.DataType) -> Any:
    return pl.from_arrow(pa.table({"x": pa.array([], arrow_type)})).schema["x"]  # type: ignore[union-attr]
