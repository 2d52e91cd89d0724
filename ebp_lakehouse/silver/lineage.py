"""Column lineage: which columns of upstream assets each column of a silver table is computed from, read from compiled SQL.

A column comes from what its expression names, conditions of a CASE and the order of a window included; joins, filters and
groupings choose rows and are not followed. Staging and intermediate models are looked through, published models and the
lake's tables are where a lineage ends. What cannot be resolved has no lineage, rather than a wrong one.

sqlglot parses; names are resolved here, once per statement and not once per column: 0.4 s of CPU for this project's 87
models. Not here: when it is asked (origins.py) and how Dagster is told (assets.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ebp_lakehouse.silver.contract import PUBLISHED_LAYER

LAKE, SEEDS = "lake", "seeds"  # the catalog of published tables, and the schema of the project's own CSV files

Origin = tuple[str, str]  # (asset as layer/table, column)
Origins = frozenset[Origin] | None  # None: could not be resolved
Fields = Mapping[str, Origins]  # of a struct
NOTHING: frozenset[Origin] = frozenset()


def lineage(compiled: Mapping[str, str], tables: Collection[str]) -> dict[str, dict[str, list[Origin]]]:
    """Lineage of each of ``tables`` whose SQL is there: table → column → (asset, column), sorted.

    A column that comes from no asset (a constant, a value of a seed) or could not be resolved is not in it.

    Args:
        compiled: model → the SELECT that dbt compiled, of ``tables`` and all that they read.
        tables: published models.
    """
    models = _Models(compiled)
    found = {}
    for table in tables:
        if table in compiled:
            columns = models.relation(table).columns
            found[table] = {name: sorted(origins) for name, origins in columns if name and origins}
    return found


@dataclass(frozen=True)
class _Relation:
    """What a table, a CTE or a query gives.

    ``columns`` are in order, each with its origins. ``other`` answers for names that are not among them, where the columns
    of something are not known; None where all are. ``fields`` says of columns that hold structs, or lists of them, where
    each field comes from.
    """

    columns: tuple[tuple[str, Origins], ...] = ()
    other: Callable[[str], Origins] | None = None
    fields: Mapping[str, Fields] = field(default_factory=dict)

    def known(self, name: str) -> bool:
        return any(column.lower() == name.lower() for column, _ in self.columns)

    def origins(self, name: str, *path: str) -> Origins:
        """Origins of a column, or of the field ``path`` in it."""
        if path and path[0].lower() in (fields := self.fields.get(name.lower(), {})):
            return fields[path[0].lower()]
        for column, origins in self.columns:
            if column.lower() == name.lower():
                return origins
        return self.other(name) if self.other else None

    def renamed(self, names: list[str]) -> _Relation:
        """With the column names of an alias ``t(a, b)``."""
        if not names:
            return self
        if self.other is not None:
            return UNKNOWN
        own = [(new, origins) for new, (_, origins) in zip(names, self.columns, strict=False)]
        return _Relation((*own, *self.columns[len(names) :]))

    def row(self) -> Origins:
        """The origins of a whole row."""
        return None if self.other else _together(origins for _, origins in self.columns)


def _always(origins: Origins) -> Callable[[str], Origins]:
    return lambda _: origins


UNKNOWN = _Relation(other=_always(None))


def _asset(asset: str) -> _Relation:
    """A relation of which each column is its own origin."""
    return _Relation(other=lambda name: frozenset({(asset, name)}))


def _together(parts: Iterable[Origins]) -> Origins:
    """All of them; not resolved when one is not."""
    found: set[Origin] = set()
    for origins in parts:
        if origins is None:
            return None
        found |= origins
    return frozenset(found)


class _Models:
    """The relations of models, each computed once."""

    def __init__(self, compiled: Mapping[str, str]) -> None:
        self.compiled = compiled
        self.made: dict[str, _Relation] = {}

    def relation(self, model: str) -> _Relation:
        if model not in self.made:
            self.made[model] = UNKNOWN  # of a model that reads itself
            try:
                tree = sqlglot.parse_one(self.compiled[model], read="duckdb")
            except SqlglotError:
                return UNKNOWN
            if isinstance(tree, exp.Query):
                self.made[model] = _query(tree, self.table, {}, None)
        return self.made[model]

    def table(self, table: exp.Table) -> _Relation:
        """The relation that stands in FROM with a schema's name."""
        if table.catalog == LAKE:
            return _asset(f"{table.db}/{table.name.removesuffix('_current')}")
        if table.db == PUBLISHED_LAYER:
            asset, made = (
                f"{table.db}/{table.name}",
                self.relation(table.name) if table.name in self.compiled else UNKNOWN,
            )
            if made.other:
                return _asset(asset)
            return _Relation(tuple((name, frozenset({(asset, name)})) for name, _ in made.columns))
        if table.name in self.compiled:
            return self.relation(table.name)
        return _Relation(other=_always(NOTHING)) if table.db == SEEDS else UNKNOWN


Tables = Callable[[exp.Table], _Relation]


@dataclass
class _Scope:
    """What names mean within one SELECT."""

    tables: Tables
    ctes: Mapping[str, _Relation]
    outer: _Scope | None
    sources: dict[str, _Relation] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)  # columns of a USING: one, of two sources
    aliases: dict[str, Origins] = field(default_factory=dict)

    def column(self, parts: list[str]) -> Origins:
        """Origins of ``column``, ``source.column`` or ``[source.]column.field``."""
        first = parts[0].lower()
        if len(parts) > 1 and first in self.sources:
            return self.sources[first].origins(*parts[1:])
        having = [relation for relation in self.sources.values() if relation.known(first)]
        if having:
            merged = len(having) == 1 or first in self.merged
            return _together(relation.origins(*parts) for relation in having) if merged else None
        if open_ := [relation for relation in self.sources.values() if relation.other]:
            certain = len(open_) == 1 and first not in self.aliases
            return open_[0].origins(parts[0]) if certain else None
        if first in self.aliases:
            return self.aliases[first]
        if first in self.sources:
            return self.sources[first].row()
        return self.outer.column(parts) if self.outer else None

    def fields(self, parts: list[str]) -> Fields | None:
        """What is known of the fields of ``column`` or ``source.column``."""
        *of, name = [part.lower() for part in parts]
        among = [self.sources[of[0]]] if of and of[0] in self.sources else [] if of else list(self.sources.values())
        return next((relation.fields[name] for relation in among if name in relation.fields), None)


def _query(query: exp.Expr, tables: Tables, ctes: Mapping[str, _Relation], outer: _Scope | None) -> _Relation:
    known = dict(ctes)
    with_ = query.args.get("with_")
    for cte in with_.expressions if with_ else ():
        read = _recursive if with_ and with_.args.get("recursive") else _plain
        known[cte.alias.lower()] = read(cte, tables, known, outer)
    if isinstance(query, exp.Subquery):
        return _query(query.this, tables, known, outer)
    if isinstance(query, exp.SetOperation):
        one, other = (_query(side, tables, known, outer) for side in (query.this, query.expression))
        if not isinstance(query, exp.Union):
            return one
        return _by_name(one, other) if query.args.get("by_name") else _by_position(one, other)
    return _select(query, _Scope(tables, known, outer)) if isinstance(query, exp.Select) else UNKNOWN


def _plain(cte: exp.Expr, tables: Tables, ctes: Mapping[str, _Relation], outer: _Scope | None) -> _Relation:
    return _query(cte.this, tables, ctes, outer).renamed(cte.alias_column_names)


def _recursive(cte: exp.Expr, tables: Tables, ctes: Mapping[str, _Relation], outer: _Scope | None) -> _Relation:
    """A CTE that may read itself: what its rows start from, then again with what they became, until nothing is added."""
    name, names = cte.alias.lower(), cte.alias_column_names
    reads_itself = any(table.name.lower() == name and not table.db for table in cte.this.find_all(exp.Table))
    if not (reads_itself and isinstance(cte.this, exp.SetOperation)):
        return _plain(cte, tables, ctes, outer)
    relation = _query(cte.this.this, tables, ctes, outer).renamed(names)
    while True:
        again = _plain(cte, tables, {**ctes, name: relation}, outer)
        if again.columns == relation.columns:
            return relation
        relation = again


def _by_position(one: _Relation, other: _Relation) -> _Relation:
    if one.other or other.other or len(one.columns) != len(other.columns):
        return UNKNOWN
    pairs = zip(one.columns, other.columns, strict=True)
    return _Relation(tuple((name, _together((a, b))) for (name, a), (_, b) in pairs))


def _by_name(one: _Relation, other: _Relation) -> _Relation:
    """Where one side lacks a column its rows hold NULL there, which comes from nowhere."""

    def both(name: str) -> Origins:
        sides = (side.origins(name) if side.known(name) or side.other else NOTHING for side in (one, other))
        return _together(sides)

    names = dict.fromkeys(name for side in (one, other) for name, _ in side.columns)
    return _Relation(tuple((name, both(name)) for name in names), both if one.other or other.other else None)


def _select(select: exp.Select, scope: _Scope) -> _Relation:
    from_ = select.args.get("from_")
    joins = select.args.get("joins") or []
    for item in [*([from_] if from_ else []), *joins, *(select.args.get("laterals") or [])]:
        source = item.this if isinstance(item, (exp.From, exp.Join)) else item
        scope.sources[source.alias_or_name.lower()] = _source(source, scope)
        scope.merged |= {name.name.lower() for name in item.args.get("using") or ()}
    columns: list[tuple[str, Origins]] = []
    opened: list[Callable[[str], Origins]] = []
    structs: dict[str, Fields] = {}
    for expression in select.expressions:
        star = expression.this if isinstance(expression, exp.Column) else expression
        inner = expression.unalias()
        if isinstance(star, exp.Star):
            own = _star(star, getattr(expression, "table", ""), scope)
            columns += own.columns
            structs |= own.fields
            opened += [own.other] if own.other else []
        elif isinstance(inner, exp.Explode) and inner.expressions:
            # unnest(…, recursive := true): one column for each field.
            fields = _fields(inner.this, scope)
            columns += fields.items() if fields else ()
            opened += [] if fields else [_always(_origins(inner.this, scope))]
        else:
            # What has no alias has a name that the database makes up; nothing asks for it, but it has its position.
            name = expression.alias_or_name if isinstance(expression, (exp.Alias, exp.Column)) else ""
            columns.append((name, _origins(inner, scope)))
            if fields := _fields(inner, scope):
                structs[name.lower()] = fields
            if isinstance(expression, exp.Alias):  # DuckDB lets the expressions that follow name it
                scope.aliases.setdefault(name.lower(), columns[-1][1])
    return _Relation(tuple(columns), _either(opened), structs)


def _either(opened: list[Callable[[str], Origins]]) -> Callable[[str], Origins] | None:
    """Who answers for columns that are not known: of several it is not known which."""
    return opened[0] if len(opened) == 1 else _always(None) if opened else None


def _source(source: exp.Expr, scope: _Scope) -> _Relation:
    """What one item of FROM gives; what the items before it give is in ``scope``."""
    names = source.alias_column_names if isinstance(source.args.get("alias"), exp.TableAlias) else []
    if source.args.get("pivots") or source.args.get("joins"):
        return UNKNOWN
    if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
        own = scope.ctes.get(source.name.lower()) if not source.db else None
        return (own or scope.tables(source)).renamed(names)
    if isinstance(source, (exp.Subquery, exp.Lateral)) and isinstance(source.this, exp.Query):
        return _query(source.this, scope.tables, scope.ctes, scope).renamed(names)
    # A function or VALUES: each of its columns comes from what it was called with. A file is no asset.
    function = source.this if isinstance(source, exp.Table) else source
    origins = NOTHING if isinstance(function, exp.ReadCSV) else _origins(function, scope)
    return _Relation(tuple((name, origins) for name in names), None if names else _always(origins))


def _star(star: exp.Star, of: str, scope: _Scope) -> _Relation:
    """The columns that ``*`` or ``of.*`` stands for."""
    if of and of.lower() not in scope.sources:
        return UNKNOWN
    relations = [scope.sources[of.lower()]] if of else list(scope.sources.values())
    left_out = {name.name.lower() for name in star.args.get("except_") or ()}
    replaced = {e.alias.lower(): _origins(e.this, scope) for e in star.args.get("replace") or ()}
    renamed = {e.this.name.lower(): e.alias for e in star.args.get("rename") or ()}
    columns: list[tuple[str, Origins]] = []
    structs: dict[str, Fields] = {}
    seen: set[str] = set()
    for relation in relations:
        for name, origins in relation.columns:
            low = name.lower()
            if low in left_out or (low in seen and low in scope.merged):
                continue
            # A second one of a name gets one that the database makes up, and nothing asks for it.
            columns.append(("" if low in seen else renamed.get(low, name), replaced.get(low, origins)))
            if low in relation.fields and low not in seen | replaced.keys() | renamed.keys():
                structs[low] = relation.fields[low]
            seen.add(low)
    return _Relation(tuple(columns), _either([relation.other for relation in relations if relation.other]), structs)


def _fields(node: exp.Expr, scope: _Scope) -> Fields | None:
    """Where the fields of a struct, or of the structs of a list, come from; None where that cannot be told apart."""
    if isinstance(node, exp.Column):
        return scope.fields([part.name for part in node.parts])
    if isinstance(node, exp.Struct):
        pairs = [pair for pair in node.expressions if isinstance(pair, exp.PropertyEQ)]
        return {pair.name.lower(): _origins(pair.expression, scope) for pair in pairs}
    if isinstance(node, exp.Array):
        rows = [_fields(element, scope) for element in node.expressions]
        first = rows[0] if rows else None
        if first is None or any(row is None or row.keys() != first.keys() for row in rows):
            return None
        return {name: _together(row[name] for row in rows if row) for name in first}
    if isinstance(node, (exp.ArrayFilter, exp.Explode, exp.Paren)):
        return _fields(node.this, scope)
    return None


def _origins(node: exp.Expr, scope: _Scope, bound: frozenset[str] = frozenset()) -> Origins:
    """Origins of an expression; ``bound`` are the variables of the lambdas and comprehensions around it."""
    if isinstance(node, exp.Column):
        parts = [part.name for part in node.parts]
        return NOTHING if parts[0].lower() in bound else scope.column(parts)
    if isinstance(node, exp.Exists):
        return _rows(node.this, scope)
    if isinstance(node, exp.Query):
        return _query(node, scope.tables, scope.ctes, scope).row()
    if isinstance(node, exp.PropertyEQ):  # {name: value}, name := value
        return _origins(node.expression, scope, bound)
    if isinstance(node, exp.Lambda):
        bound |= {name.name.lower() for name in node.expressions}
    if isinstance(node, exp.Comprehension):
        bound |= {node.expression.name.lower()}
    return _together(_origins(child, scope, bound) for child in node.iter_expressions())


def _rows(query: exp.Expr, scope: _Scope) -> Origins:
    """What an EXISTS depends on: the condition on its rows."""
    where = query.args.get("where")
    if not isinstance(query, exp.Select) or where is None:
        return None
    within = _Scope(scope.tables, scope.ctes, scope)
    _select(query, within)
    return _origins(where.this, within)
