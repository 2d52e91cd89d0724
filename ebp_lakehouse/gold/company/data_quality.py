"""Contract of ``gold.data_quality``: the formulas of its columns; data_quality.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class DataQuality(pa.DataFrameModel):
    """One row per EBP column that cleaning judges, and rule, as the rows of EBP are on D."""

    source_table: Series[str] = described("EBP table.", "Table EBP", "")
    source_column: Series[str] = described("EBP column; of a GPS pair the latitude.", "Colonne EBP", "")
    rule: Series[str] = described(
        "What a refused value is not: phone, email, postcode, gps, siren, date, duration.", "Règle", ""
    )
    filled_values: Series[pl.Int64] = described("Values that are there.", "Valeurs renseignées", "n", ge=0)
    rejected_values: Series[pl.Int64] = described("Values that cleaning refused.", "Valeurs rejetées", "n", ge=0)
    rejected_share_percent: Series[float] = optional(
        "Refused / filled x 100.",
        "Part des rejets",
        "%",
        ge=0,
        le=100,
        kpi=Kpi(
            90, "Reject share", "Part des rejets", ("reject_counts.rejected_values", "reject_counts.filled_values")
        ),
    )


DATA_QUALITY = GoldTable(
    name="data_quality",
    description="How many values of each EBP column cannot be used as they were typed: where to tidy EBP first.",
    key=("source_table", "source_column", "rule"),
    model=DataQuality,
    silver=("reject_counts", "rejects"),
    owners=("team:data",),
    kind="state",
)
