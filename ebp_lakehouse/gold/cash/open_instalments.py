"""Contract of ``gold.open_instalments``: the formulas of its columns; open_instalments.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class OpenInstalments(pa.DataFrameModel):
    """One row per instalment of a customer or supplier that is open on D; amounts incl. tax, credit notes negative."""

    commitment_id: Series[str] = described("Identifier of the instalment.", "Échéance", "", unique=True)
    side: Series[str] = described(
        "customer (owed to us) or supplier (owed by us).", "Côté", "", isin=["customer", "supplier"]
    )
    third_id: Series[str] = described("Durable id of who owes, or is owed; (unknown) without one.", "Tiers", "")
    document_number: Series[str] = optional("Document; NULL of an opening balance.", "Pièce", "")
    due_date: Series[pl.Date] = optional("Day it is due.", "Date d'échéance", "date")
    amount: Series[Money] = described("Amount of the instalment.", "Montant", "EUR")
    balance: Series[Money] = described(
        "What was still open on the day's evening: EBP's balance of today, with what was settled later put back.",
        "Solde",
        "EUR",
    )
    days_overdue: Series[pl.Int32] = described(
        "The day - due date; 0 or below: not due; 0 without due date.", "Jours de retard", "days"
    )
    is_doubtful: Series[bool] = described("EBP marks it as doubtful.", "Douteux", "")
    reminder_count: Series[pl.Int32] = optional("Reminders sent, as today.", "Relances", "n")
    last_reminder_level: Series[pl.Int32] = optional("Level of the last reminder, as today.", "Niveau de relance", "")


OPEN_INSTALMENTS = GoldTable(
    name="open_instalments",
    description="What each customer owes us and we owe each supplier on the day, instalment by instalment.",
    key=("commitment_id",),
    model=OpenInstalments,
    silver=("fact_payments",),
    owners=("team:direction-financiere",),
    kind="state",
)
