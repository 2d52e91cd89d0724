"""Contract of ``gold.equipment_park``: the formulas of its columns; the .sql beside it computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable

KEY = "^[0-9a-f]{32}$"


class EquipmentPark(pa.DataFrameModel):
    """One row per piece of equipment at a customer's, as it stands on the partition's day."""

    customer_product_key: Series[str] = described(
        "The piece of equipment.", "Équipement (clé)", "", unique=True, str_matches=KEY
    )
    customer_product_id: Series[str] = described("Code of the equipment.", "Équipement", "")
    customer_key: Series[str] = described("Current version of the customer.", "Client (clé)", "", str_matches=KEY)
    customer_id: Series[str] = optional("Durable code of the customer.", "Code client", "")
    product_key: Series[str] = described("Current version of the item.", "Article (clé)", "", str_matches=KEY)
    product_id: Series[str] = optional("Durable code of the item.", "Code article", "")
    family_id: Series[str] = optional("Code of the equipment's family.", "Famille", "")
    is_active: Series[bool] = described("Whether the equipment is in use (EBP).", "Actif", "")
    install_date: Series[pl.Date] = optional(
        "Day of the sale, else start of a warranty, else day it was typed.", "Mise en service", "date"
    )
    age_years: Series[float] = optional("Years since install_date (365.25 days); 0 ahead of it.", "Âge", "years", ge=0)
    is_under_warranty: Series[bool] = described("Parts or labour warranty runs on the day.", "Sous garantie", "")
    warranty_end_date: Series[pl.Date] = optional(
        "The later of the ends of parts and labour warranty.", "Fin de garantie", "date"
    )
    is_under_contract: Series[bool] = described(
        "A contract that runs on the day lists the equipment. KPI: active equipment covered / active equipment.",
        "Sous contrat",
        "",
        kpi=Kpi(87, "Contract coverage", "Parc sous contrat", ("dim_contract.customer_product_ids",)),
    )
    contract_id: Series[str] = optional("The contract; of several, the one that began last.", "Contrat", "")
    last_visit_date: Series[pl.Date] = optional(
        "Last Done appointment for the equipment or that recorded it.", "Dernière visite", "date"
    )
    next_visit_date: Series[pl.Date] = optional(
        "First appointment planned after the day, neither Done nor Cancelled.", "Prochaine visite", "date"
    )
    next_due_date: Series[pl.Date] = optional(
        "First visit of the contract that is due and was not made.", "Prochaine échéance du contrat", "date"
    )
    visits_count: Series[pl.Int64] = described("Done appointments since ever.", "Visites", "n", ge=0)
    failures_count: Series[pl.Int64] = described("Repairs Done since ever.", "Pannes", "n", ge=0)
    failures_12_months: Series[pl.Int64] = described(
        "Repairs Done in the last failure_months months.", "Pannes sur 12 mois", "n", ge=0
    )
    mtbf_days: Series[float] = optional(
        "Days in use within the last failure_months months / repairs Done in them; NULL without a failure.",
        "MTBF de l'équipement",
        "days",
        ge=0,
    )
    family_mtbf_days: Series[float] = optional(
        "The same over all active equipment of the family; NULL without a family or a failure.",
        "MTBF de la famille",
        "days",
        kpi=Kpi(
            86,
            "Mean time between failures",
            "MTBF du parc",
            ("fact_interventions.intervention_type", "dim_equipment.install_date"),
        ),
        ge=0,
    )
    revenue_since_install: Series[Money] = described(
        "Billable amount of Done appointments for the equipment.", "CA depuis la mise en service", "EUR"
    )
    is_contract_prospect: Series[bool] = described(
        "Active, not under contract and younger than prospect_years: worth an offer.", "À proposer au contrat", ""
    )
    failure_risk_level: Series[str] = optional(
        "Risk of failure by the model ml_equipment_failure_prediction; NULL until it has run.",
        "Risque de panne",
        "",
        isin=["Low", "Medium", "High"],
    )


EQUIPMENT_PARK = GoldTable(
    name="equipment_park",
    description="Equipment at customers': age, cover, visits, failures, what it brought, whom to offer a contract.",
    key=("customer_product_key",),
    model=EquipmentPark,
    silver=(
        "dim_equipment",
        "dim_contract",
        "dim_customer",
        "dim_product",
        "fact_interventions",
        "fact_contract_visits",
    ),
    owners=("team:direction-technique",),
    kind="state",
)
