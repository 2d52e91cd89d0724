"""Kilometres of technicians, as the crow flies, from one appointment of a day to the next (semantics §3, §5)."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth.field import appointments, leaders
from ebp_lakehouse_tests.truth.places import customers, depots, distance, gps, is_address, sites, with_commune
from ebp_lakehouse_tests.truth.values import Bronze, code

ROAD_FACTOR = 1.3


def monthly(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """One row per colleague and month in which a way to an appointment that he led and did, or back from it, is known.

    Assumed: who leads goes there, his team with him; what was cancelled is no stop, what is not done yet is one, but the
    way to it does not count; the way back is that from the last appointment done. Those that start at once go by their id.
    """
    done = legs(bronze, known_on).filter((pl.col("day") <= as_of) & (pl.col("state") == "Done"))
    back = done.sort("start", "id").group_by("colleague", "day").agg(pl.col("point", "depot").last())
    ways = pl.concat([
        done.select("colleague", "day", "km", visits=pl.lit(1)),
        back.select("colleague", "day", km=distance(pl.col("point"), pl.col("depot")), visits=pl.lit(0)),
    ])  # fmt: skip
    known = pl.col("km").drop_nulls()
    sums = ways.group_by("colleague", period_start=pl.col("day").dt.month_start()).agg(
        total_distance_km=pl.when(known.len() > 0).then(known.sum()), visits=pl.col("visits").sum()
    )
    return sums.drop_nulls("total_distance_km").select(
        "colleague", "period_start", "total_distance_km",
        estimated_road_km=pl.col("total_distance_km") * ROAD_FACTOR,
        distance_per_intervention_km=pl.col("total_distance_km") / pl.col("visits"),
    )  # fmt: skip


def daily(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """One row per day with an appointment done at a known distance: the mean of these."""
    done = legs(bronze, known_on).filter((pl.col("day") <= as_of) & (pl.col("state") == "Done"))
    return done.drop_nulls("km").group_by("day").agg(avg_distance_km=pl.col("km").mean())


def legs(bronze: Bronze, known_on: date) -> pl.DataFrame:
    """One row per appointment that somebody leads and that was not cancelled: its point, and the way to it.

    The way begins at his appointment before on that day, for the first one at his depot.
    """
    stops = (
        appointments(bronze, known_on)
        .filter(pl.col("state") != "Cancelled")
        .select("id", "day", "start", "state")
        .join(leaders(bronze), on="id")
        .join(_points(bronze), on="id")
        .join(depots(bronze), on="colleague", how="left")
        .sort("colleague", "start", "id")
    )
    of_day = ["colleague", "day"]
    is_first = pl.col("id").cum_count().over(of_day) == 1
    before = pl.when(is_first).then("depot").otherwise(pl.col("point").shift(1).over(of_day))
    return stops.with_columns(before=before).with_columns(km=distance(pl.col("before"), pl.col("point")))


def _points(bronze: Bronze) -> pl.DataFrame:
    """id, point of each event: its own GPS, else where its address is, else its site, else its customer.

    Assumed: of two addresses the nearer one is believed alone. An event with an address of its own is neither on the GPS of
    its site nor at its customer's, and one on a site that has an address is not at its customer's, even if the commune of
    that address is not found: then the point is unknown.
    """
    events = with_commune(bronze["ScheduleEvent"], "Address").select(
        "commune", id="Id", gps=gps("Address"), is_somewhere=is_address("Address"), site=code("ConstructionSiteId"),
        customer=code("CustomerId"),
    ).join(sites(bronze), on="site", how="left").join(customers(bronze), on="customer", how="left")  # fmt: skip
    is_on_site = pl.col("is_site_somewhere").fill_null(value=False)
    of_another = pl.coalesce("of_site", pl.when(~is_on_site).then("of_customer"))
    elsewhere = pl.when("is_somewhere").then("commune").otherwise(of_another)
    return events.select("id", point=pl.coalesce("gps", elsewhere))
