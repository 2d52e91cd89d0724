"""One way to say what a frame breaks of its Pandera contract, the same words in every layer.

Not here: the contracts themselves (each layer derives its own) and what happens to a table that fails.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaError, SchemaErrors

MAX_PROBLEMS = 10
# Pandera asks some forty small questions of a frame that is in memory already; the streaming engine, which Polars takes
# for them by itself, doubles what they cost.
pl.Config.set_engine_affinity("in-memory")


def problems_of(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> list[str]:
    """Every rule that ``frame`` breaks, with the number of rows; the values are not shown, they may be personal."""
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        grouped = error.failure_cases.group_by("column", "check", maintain_order=True).len()
        return [f"{column}: {check} ({rows} cases)" for column, check, rows in grouped.iter_rows()][:MAX_PROBLEMS]
    except SchemaError as error:
        return [str(error).splitlines()[0][:300]]
    return []
