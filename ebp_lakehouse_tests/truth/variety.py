"""What the generator of companies seldom makes, made often enough to be compared. Not here: what is compared (figures.py)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

Frames = Mapping[str, pl.DataFrame]

MIDDLE = 14  # days after a month's first
SITED = 4  # of so many appointments one is on a site


def unchanged(frames: Frames) -> Frames:
    return frames


def revised_quotes(frames: Frames) -> Frames:
    """Revised quotes on one deal: most are generated without one, and then each revision is a quote of its own."""
    deal = pl.lit(frames["Deal"]["Id"][0])
    revised = pl.col("Revision").fill_null("") != ""
    documents = frames["SaleDocument"].with_columns(DealId=pl.when(revised).then(deal).otherwise("DealId"))
    return {**frames, "SaleDocument": documents}


def scattered_visits(frames: Frames) -> Frames:
    """Appointments at all sorts of places: on sites, in towns that their postcodes do not know, at customers without a point.

    Those of a month are on one day, so that technicians go from one to the next.
    """
    sites = frames["ConstructionSite"]["Id"]
    place = pl.int_range(pl.len())
    middle = pl.col("StartDateTime").dt.month_start().dt.truncate("1d").dt.offset_by(f"{MIDDLE}d")
    moved = middle - pl.col("StartDateTime").dt.truncate("1d")
    is_moved = ~pl.col("IsScheduleException")
    has_no_gps, has_no_address = place % 3 > 0, place % 9 == 4
    gps = ["Address_Latitude", "Address_Longitude"]
    address = ["Address_ZipCode", "Address_City", "Address_CodeINSEE"]
    on_site = sites.gather([n // SITED % sites.len() for n in range(frames["ScheduleEvent"].height)])
    events = frames["ScheduleEvent"].with_columns(
        *(
            pl.when(is_moved).then(pl.col(name) + moved).otherwise(name).alias(name)
            for name in ("StartDateTime", "EndDateTime")
        ),
        *(pl.when(~has_no_gps).then(name).alias(name) for name in gps),
        *(pl.when(~has_no_address).then(name).alias(name) for name in address),
        ConstructionSiteId=pl.when(place % SITED == 1).then(on_site),
    )
    is_unknown_town = (place % 9 == 5) & pl.col("Address_ZipCode").is_not_null()
    events = events.with_columns(
        Address_City=pl.when(is_unknown_town).then(pl.lit("ZONE DES FORGES")).otherwise("Address_City"),
        Address_CodeINSEE=pl.when(~is_unknown_town).then("Address_CodeINSEE"),
    )
    return {**frames, "ScheduleEvent": events}
