"""Money of deals and construction sites: budgets, what was invoiced, hours, purchases and stock put on them, and margins.

Lives here: ``Deal``, ``ConstructionSite``, people and costs of deals. Which documents belong to which deal: ``deals``.
EBP's own totals follow from the rows beside them: sales = invoices less credit notes, costs = hours + purchases + stock.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.field import places
from ebp_lakehouse.demo.company.field.columns import coordinate
from ebp_lakehouse.demo.company.field.deals import LOST, OPEN, SECOND_CUSTOMERS, WITHOUT_COLLEAGUE, WON, Deals
from ebp_lakehouse.demo.company.field.kinds import DONE, INSTALL, MISC, REPAIR, SALES, TEAM_ROW
from ebp_lakehouse.demo.company.field.places import Places
from ebp_lakehouse.demo.company.primitives import DAY_US, MONEY, Int, generator, stamps, take, users, uuids
from ebp_lakehouse.demo.company.skeleton import Table
from ebp_lakehouse.demo.company.truth import GroundTruth

SITES, FEWEST_SITES, RESOURCES = 272, 6, 220
PLANNED_SITE, RUNNING_SITE, FINISHED_SITE = 0, 1, 2  # ConstructionSite."Status": the demo's own codes
SITE_STATES = (PLANNED_SITE, RUNNING_SITE, FINISHED_SITE)


def site_codes(seed: int, scale: float, deals: Deals) -> pl.Series:
    """Code of each deal's construction site, NULL for deals without one."""
    wanted = min(deals.size, max(FEWEST_SITES, round(SITES * scale)))
    chosen = np.sort(generator(seed, "sites").permutation(deals.size)[:wanted])
    place = np.full(deals.size, -1)
    place[chosen] = np.arange(wanted)
    return take([f"CH{n + 1:06d}" for n in range(wanted)], place)


def attach(agenda: Table, scale: float, deals: Deals) -> None:
    """Put work at a customer's on his deal of that time, until the wanted number of (deal, technician) pairs is met."""
    free = (agenda["case"] < 0) & (agenda["piece"] < 0) & (agenda["team"] == 0) & (agenda["tech"] >= 0)
    free &= (
        (agenda["state"] == DONE) & (agenda["contract"] < 0) & np.isin(agenda["kind"], (INSTALL, REPAIR, SALES, MISC))
    )
    rows = np.flatnonzero(free)
    work = pl.DataFrame({"row": rows, "customer": agenda["customer"][rows], "day": agenda["day"][rows],
                         "install": agenda["kind"][rows] == INSTALL, "tech": agenda["tech"][rows]})  # fmt: skip
    running = pl.DataFrame(
        {
            "deal": np.arange(deals.size),
            "customer": deals.customer,
            "day": deals.first_day,
            "until": deals.last_day + 120,
        }
    )
    found = (
        work.sort("day")
        .join_asof(running.sort("day"), on="day", by="customer", strategy="backward", check_sortedness=False)
        .filter(pl.col("deal").is_not_null() & (pl.col("day") <= pl.col("until")))
        .sort("install", "day", "row", descending=[True, True, False])
        .with_columns(pair=pl.struct("deal", "tech").rank("dense"))
    )
    order = found.select(pl.col("pair").unique(maintain_order=True)).head(round(RESOURCES * scale) or 1)
    kept = found.filter(pl.col("pair").is_in(order["pair"].implode()))
    agenda["deal"][kept["row"].to_numpy()] = kept["deal"].to_numpy()


def resource_frame(seed: int, events: pl.DataFrame, scale: float) -> pl.DataFrame:
    """``DealResourcesCost``: hours achieved, planned and their cost, one row per deal and technician."""
    rng = generator(seed, "deal resources")
    rows = (
        events.filter(pl.col("DealId").is_not_null() & pl.col("ColleagueId").is_not_null() & (pl.col("LineType") != TEAM_ROW))
        .group_by("DealId", "ColleagueId", maintain_order=True)
        .agg(
            pl.col("ExpectedDuration_DurationInHours").sum().alias("PredictedDuration"),
            pl.col("AchievedDuration_DurationInHours").sum().alias("AccomplishedDuration"),
            pl.col("CostAmount").sum(), pl.col("PredictedCostAmount").sum().alias("PredictedCostamount"),
            pl.col("NetAmountVatExcluded").sum(), pl.col("ConstructionSiteId").first(),
            pl.col("sysCreatedDate").min(), pl.col("sysCreatedUser").first(),
            pl.col("sysModifiedDate").max(), pl.col("sysModifiedUser").last(),
        )
        .sort("DealId", "ColleagueId")
        .head(round(RESOURCES * scale) or 1)
    )  # fmt: skip
    return rows.with_columns(
        Id=uuids(rng, rows.height),
        ProfitsOnDuration=pl.col("PredictedDuration") - pl.col("AccomplishedDuration"),
    )


def deal_frames(
    seed: int,
    scale: float,
    deals: Deals,
    sites: pl.Series,
    where: Places,
    customers: pl.DataFrame,
    colleagues: pl.DataFrame,
    sale_documents: pl.DataFrame,
    resources: pl.DataFrame,
    bought: pl.DataFrame,
    as_of: int,
    truth: GroundTruth,
) -> dict[str, pl.DataFrame]:
    """``Deal``, ``DealCustomer``, ``DealColleague``, ``ConstructionSite``.

    ``bought``: DealId, amount put on the deal by purchases and stock (may be empty).
    """
    rng = generator(seed, "deal rows")
    size = deals.size
    amount = pl.col("NetAmountVatExcludedWithDiscount")
    kind = pl.col("DocumentType")
    sums = sale_documents.group_by("DealId").agg(
        (amount.filter(kind == 2).sum() - amount.filter(kind == 3).abs().sum()).alias("sales"),
        amount.filter(kind.is_in([1, 8])).max().alias("offered"),
        pl.col("ColleagueId").drop_nulls().first().alias("seller"),
        pl.col("DocumentId").filter(kind == 8).first().alias("order"),
    )
    hours = resources.group_by("DealId").agg(
        pl.col("CostAmount").sum().alias("labour"), pl.col("AccomplishedDuration").sum().alias("hours"),
        pl.col("PredictedDuration").sum().alias("hours_planned"),
    )  # fmt: skip
    spent = bought.group_by("DealId").agg(pl.col("amount").sum().alias("goods"))
    drift = pl.Series(np.rint(rng.lognormal(0.03, 0.18, size) * 1000).astype(np.int64)) / 1000
    zero = pl.lit(0).cast(MONEY)
    money = (
        pl.DataFrame({"DealId": deals.codes})
        .join(sums, on="DealId", how="left", maintain_order="left")
        .join(hours, on="DealId", how="left", maintain_order="left")
        .join(spent, on="DealId", how="left", maintain_order="left")
        .with_columns(pl.col("sales", "labour", "hours", "hours_planned", "goods").fill_null(zero))
        .with_columns(costs=pl.col("labour") + pl.col("goods"))
        .with_columns(budget=pl.col("offered").fill_null(pl.col("sales")))
        .with_columns(budget_costs=(pl.col("costs").cast(pl.Float64) / drift).round(2).cast(MONEY))
    )
    ended = deals.last_day < as_of - 90
    state = np.where((money["sales"] > 0).to_numpy(), np.where(ended, WON, OPEN), np.where(ended, LOST, OPEN))
    typed = pl.DataFrame(
        {
            "sysCreatedDate": stamps(np.minimum(deals.first_day, as_of) * DAY_US + 34_000_000_000),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(np.clip(deals.last_day, deals.first_day, as_of) * DAY_US + 64_000_000_000),
            "sysModifiedUser": users(rng, size),
        }
    )
    totals = {
        "PredictedSales": money["budget"], "PredictedCosts": money["budget_costs"],
        "PredictedGrossMargin": money["budget"] - money["budget_costs"],
        "AccomplishedSales": money["sales"], "AccomplishedCosts": money["costs"],
        "AccomplishedGrossMargin": money["sales"] - money["costs"],
        "ProfitsOnSales": money["sales"] - money["budget"], "ProfitsOnCosts": money["budget_costs"] - money["costs"],
        "ProfitsOnGrossMargin": money["sales"] - money["costs"] - money["budget"] + money["budget_costs"],
        "PredictedDuration": money["hours_planned"], "AccomplishedDuration": money["hours"],
        "ProfitsOnDuration": money["hours_planned"] - money["hours"],
    }  # fmt: skip
    names = take(customers["Name"], deals.customer).str.strip_chars()
    frame = pl.DataFrame(
        {
            "Id": deals.codes,
            "Caption": ("Affaire " + names).str.slice(0, 80),
            "DealDate": stamps(deals.first_day * DAY_US),
            "DealState": state,
            "xx_Client": take(customers["Id"], deals.customer),
            "xx_DateDebut": stamps(deals.first_day * DAY_US),
            "xx_DateFin": stamps(deals.last_day * DAY_US),
            "xx_Commercial": money["seller"],
            **totals,
        }
    ).hstack(typed)
    over = money.filter(pl.col("costs") > pl.col("budget_costs") * 5 / 4)
    truth.plant("deal far above its budget", "Deal", over["DealId"], "gold.deal_profitability.drift (KPI 37)")
    return {
        "Deal": frame,
        "DealCustomer": _customers(rng, scale, deals, customers, money, typed),
        "DealColleague": _colleagues(rng, scale, deals, colleagues, money, typed),
        "ConstructionSite": _sites(rng, deals, sites, where, customers, money, totals, typed, as_of),
    }


def _customers(
    rng: np.random.Generator,
    scale: float,
    deals: Deals,
    customers: pl.DataFrame,
    money: pl.DataFrame,
    typed: pl.DataFrame,
) -> pl.DataFrame:
    """The customer of each deal, and a second one of a few (a landlord and his tenant)."""
    second = np.arange(max(1, round(SECOND_CUSTOMERS * scale))) * 7 % deals.size
    deal = np.r_[np.arange(deals.size), second]
    main = np.arange(len(deal)) < deals.size
    third = np.where(main, deals.customer[deal], (deals.customer[deal] + 1) % customers.height)
    turnover = money["sales"].gather(deal.tolist())
    return pl.DataFrame(
        {
            "Id": uuids(rng, len(deal)),
            "DealId": take(deals.codes, deal),
            "ThirdId": take(customers["Id"], third),
            "Name": take(customers["Name"], third).str.strip_chars().str.slice(0, 60),
            "Turnover": pl.select(pl.when(pl.Series(main)).then(turnover).otherwise(pl.lit(0).cast(MONEY))).to_series(),
            "Type": np.where(main, 0, 1),
            "InvoiceDefault": main,
            "IsAutoLoaded": main,
        }
    ).hstack(typed[deal.tolist()])


def _colleagues(
    rng: np.random.Generator,
    scale: float,
    deals: Deals,
    colleagues: pl.DataFrame,
    money: pl.DataFrame,
    typed: pl.DataFrame,
) -> pl.DataFrame:
    """The salesperson of each deal, missing on a few."""
    kept = np.arange(deals.size - round(WITHOUT_COLLEAGUE * scale))
    fallback = colleagues.filter("IsSalesperson")["Id"][0]
    who = pl.DataFrame({"ColleagueId": money["seller"].gather(kept.tolist()).fill_null(fallback)}).join(
        colleagues.select(pl.col("Id").alias("ColleagueId"), LastName="Contact_Name", FirstName="Contact_FirstName"),
        on="ColleagueId", how="left", maintain_order="left",
    )  # fmt: skip
    return who.with_columns(
        Id=uuids(rng, len(kept)), DealId=take(deals.codes, kept), InvoiceDefault=pl.lit(value=True),
        IsAutoLoaded=pl.lit(value=True),
    ).hstack(typed[kept.tolist()])  # fmt: skip


def _sites(
    rng: np.random.Generator,
    deals: Deals,
    sites: pl.Series,
    where: Places,
    customers: pl.DataFrame,
    money: pl.DataFrame,
    totals: dict[str, pl.Series],
    typed: pl.DataFrame,
    as_of: int,
) -> pl.DataFrame:
    """``ConstructionSite``: place and period of some deals, with the deal's money; the order is its reference document."""
    rows: Int = np.flatnonzero(sites.is_not_null().to_numpy())
    place = rows.tolist()
    customer = deals.customer[rows]
    end = deals.last_day[rows] + rng.integers(0, 60, len(rows))
    kept = rng.random(len(rows)) < 0.8
    zero = np.arange(len(rows)) == len(rows) // 2
    address = places.addresses(where, customer, "")
    filled = {"City": address["City"].fill_null(""), "CountryIsoCode": address["CountryIsoCode"].fill_null("FR")}
    return pl.DataFrame(
        {
            "Id": sites.gather(place),
            "Caption": ("Chantier " + take(customers["Name"], customer).str.strip_chars()).str.slice(0, 80),
            "CustomerId": take(customers["Id"], customer),
            "DealId": take(deals.codes, rows),
            "ReferenceDocumentId": money["order"].gather(place),
            "StartDate": stamps(deals.first_day[rows] * DAY_US),
            "EndDate": stamps(end * DAY_US),
            "Status": np.array(SITE_STATES)[np.where(end <= as_of, 2, np.where(deals.first_day[rows] <= as_of, 1, 0))],
            **{
                f"{role}Address_{name}": values
                for role in ("ConstructionSite", "Invoicing")
                for name, values in (address | filled).items()
            },
            "ConstructionSiteAddress_Latitude": coordinate(where.latitude[customer], kept, zero),
            "ConstructionSiteAddress_Longitude": coordinate(where.longitude[customer], kept, zero),
            **{name: values.gather(place) for name, values in totals.items()},
        }
    ).hstack(typed[place])


def amounts_put_on_deals(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """DealId and amount of every purchase and stock line that counts as a cost of its deal."""
    parts = [
        frames[table].filter("IncludeAmountInCost").select("DealId", pl.col("IncludedAmount").alias("amount"))
        for table in ("DealPurchaseDocumentLine", "DealStockDocumentLine")
        if not frames[table].is_empty()
    ]
    empty = pl.DataFrame(schema={"DealId": pl.String, "amount": MONEY})
    return pl.concat([empty, *parts])


def cents(series: pl.Series) -> Int:
    """A money column as integer cents."""
    return (series.fill_null(0) * 100).cast(pl.Int64).to_numpy()
