"""Contract of ``gold.customer_health_score``: the formulas of its columns; customer_health_score.sql computes them.

Not here: RFM and segment (sales_by_customer.py), whose scores enter the engagement.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, described, optional
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.sales.sales_by_customer import SALES_BY_CUSTOMER

ACTIONS = ("Contact", "Churn Prevention", "Upsell", "Monitor")


class CustomerHealthScore(pa.DataFrameModel):
    """One row per customer with an invoice in health_months (36), or with a contract active on the day."""

    customer_key: Series[str] = described("Key of the customer's current version.", "Clé client", "", unique=True)
    customer_id: Series[str] = described("Durable code.", "Code client", "")
    calculated_date: Series[pl.Date] = described("The partition's day.", "Date de calcul", "date")
    health_score: Series[float] = described(
        "Weighted mean of engagement (health_weight_engagement 45), satisfaction (25) and payment (30); a part that is not "
        "known is left out and the others keep their proportions.",
        "Score de santé",
        "0-100",
        ge=0,
        le=100,
    )
    engagement_score: Series[float] = described(
        "Weighted mean of rfm_recency x 20 (engagement_weight_recency 40), rfm_frequency x 20 (30), revenue_trend_score "
        "(20) and interactions_score (10); the trend is left out where it is not known.",
        "Score d'engagement",
        "0-100",
        ge=0,
        le=100,
    )
    satisfaction_score: Series[float] = optional(
        "Mean of the customer's answers (1-5) of satisfaction_months (12) x 20; without an answer, 100 - complaint_points "
        "(25) x complaints_count, at least 0; NULL without answer and without visit.",
        "Score de satisfaction",
        "0-100",
        ge=0,
        le=100,
    )
    payment_score: Series[float] = optional(
        "As debtor: 100 - late_day_points (2) x mean delay - rejected_points (10) x rejected_payments - overdue_points (20) if an "
        "instalment is overdue for more than long_overdue_days (60), at least 0. Mean delay: as payment_delay_days, but early = 0, and "
        "what is overdue counts as well, from its due date to the partition's day; NULL when nothing was paid in payment_months (12) "
        "or is overdue.",
        "Score de paiement",
        "0-100",
        ge=0,
        le=100,
    )
    churn_risk_level: Series[str] = described(
        "By the model: High from churn_high (0.6) on, Medium from churn_medium (0.3) on, else Low. Before the model by "
        "customer_segment: Lost and At Risk are High; recency score <= dormant_recency (2) is Medium; else Low.",
        "Risque d'attrition",
        "",
        kpi=Kpi(32, "Customers at risk", "Clients à risque", ("sales_by_customer.customer_segment",)),
        isin=["Low", "Medium", "High"],
    )
    risk_source: Series[str] = described(
        "model or segment: what the risk was judged by.", "Origine du risque", "", isin=["model", "segment"]
    )
    recommended_action: Series[str] = described(
        "First that fits: payment_score below payment_alert (40): Contact, about payment; High in class A or B: Churn "
        "Prevention; High or Medium: Contact; Low, and VIP or rising (revenue_trend_percent >= rising_percent, 10): "
        "Upsell; else Monitor.",
        "Action recommandée",
        "",
        isin=ACTIONS,
    )
    action_reason: Series[str] = described(
        "What the action answers: payment, churn, growth or none.",
        "Motif de l'action",
        "",
        isin=["payment", "churn", "growth", "none"],
    )
    next_review_date: Series[pl.Date] = described(
        "Business day on or after the partition's day + review_days_high (7), review_days_medium (30) or review_days_low "
        "(90), by risk.",
        "Prochaine revue",
        "date",
    )
    revenue_trend_percent: Series[float] = optional(
        "Revenue of the window of sales_by_customer against that of the window before, in percent; NULL if that was not "
        "positive.",
        "Tendance du CA",
        "%",
    )
    revenue_trend_score: Series[float] = optional(
        "50 + revenue_trend_percent, which counts for at most 50 either way: 50 is flat.",
        "Score de tendance",
        "0-100",
        ge=0,
        le=100,
    )
    interactions_count: Series[pl.Int64] = described(
        "Activities of interaction_months (6) that people wrote; those that EBP writes itself are not counted.",
        "Interactions",
        "n",
        ge=0,
    )
    interactions_score: Series[float] = described(
        "Percent rank of interactions_count among the customers of this table x 100; ties share it.",
        "Score d'interactions",
        "0-100",
        ge=0,
        le=100,
    )
    satisfaction_source: Series[str] = optional(
        "survey, or proxy where complaints stand in; NULL with the score.",
        "Origine de la satisfaction",
        "",
        isin=["survey", "proxy"],
    )
    complaints_count: Series[pl.Int64] = described(
        "Return visits (a repair came back within problem_gap_days), reopened incidents, and credit notes that took a "
        "product back, in those months.",
        "Réclamations",
        "n",
        ge=0,
    )
    payment_delay_days: Series[float] = optional(
        "Mean delay weighted by amount over what was paid in payment_months (12): days from due date to payment, "
        "negative = early. What is unpaid is not in it; credit notes are no instalments.",
        "Retard moyen de paiement (négatif = avance)",
        "days",
        kpi=Kpi(
            42,
            "Average days late",
            "Retard moyen de paiement",
            ("fact_payments.delay_days", "fact_payments.assigned_amount"),
        ),
    )
    rejected_payments: Series[pl.Int64] = described(
        "Settlements of those months that were rejected.", "Impayés", "n", ge=0
    )


CUSTOMER_HEALTH_SCORE = GoldTable(
    name="customer_health_score",
    description="Health of each customer on the day: engagement, satisfaction, payment, risk of churn and what to do next.",
    key=("customer_key",),
    model=CustomerHealthScore,
    silver=(
        "dim_contract",
        "dim_customer",
        "dim_date",
        "dim_product",
        "fact_customer_activity",
        "fact_incidents",
        "fact_interventions",
        "fact_payments",
        "fact_sales",
    ),
    owners=("team:direction-commerciale",),
    kind="state",
    uses=(SALES_BY_CUSTOMER,),
)
