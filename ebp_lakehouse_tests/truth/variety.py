"""What the generator of companies seldom makes, made often enough to be compared. Not here: what is compared (figures.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

Frames = Mapping[str, pl.DataFrame]

MIDDLE = 14  # days after a month's first
ORDER = 8  # type of a purchase document
SITED = 4  # of so many appointments one is on a site

PHONES = (
    "02.41.00.10.00", "+33 (0)2 41 00 10 00", "0033241001000", "33241001000", "241001000", "06-12-34-56-78 (Paul)",
    "0262 20 30 40", "+32 2 512 34 56", "+377 93 15 00 00", "02 41 00 10 00 / 01", "02 41 00 10", "00 00 00 00 00",
    "néant", "15", "+33 2 41 00 10 0", " ",
)  # fmt: skip
EMAILS = (
    "Jean.Dupont@Example.FR", " a@b.fr ", "a@b.fr; c@d.fr", "a@b.fr,", "a@b", "a@@b.fr", "jean dupont@b.fr", "b.fr",
    "@b.fr", "a@b.fr c@d.fr", "",
)  # fmt: skip
SIRENS = ("732829320", "732 829 320", "732829321", "73282932", "73282932000074", "73282932012", "FR73282932", "")
POSTCODES = ("49000", "1000", "49 000", "490", "490000", "4900A", "F-49000", "")
LATITUDES = (0.0, 47.5, 0.0, 91.0, 47.5, -90.0, 47.5, None, None)
LONGITUDES = (0.0, 0.0, 5.1, 5.0, 181.0, -180.0, None, 5.1, None)
MINUTES = (24 * 60, 24 * 60 + 1, -1, 0, 14 * 24 * 60, 14 * 24 * 60 + 1)


def unchanged(frames: Frames) -> Frames:
    return frames


def revised_quotes(frames: Frames) -> Frames:
    """Revised quotes on one deal: most are generated without one, and then each revision is a quote of its own."""
    deal = pl.lit(frames["Deal"]["Id"][0])
    revised = pl.col("Revision").fill_null("") != ""
    documents = frames["SaleDocument"].with_columns(DealId=pl.when(revised).then(deal).otherwise("DealId"))
    return {**frames, "SaleDocument": documents}


def supply_terms(frames: Frames) -> Frames:
    """Suppliers that take orders from a quantity on or in cases, in small letters, or without the mark of an item's main one.

    Also items bought per customer, and orders typed after what they brought.
    """
    nth, quantity = pl.int_range(pl.len()), pl.Decimal(28, 8)
    offers = frames["SupplierItem"].with_columns(
        SupplierId=pl.when(nth % 3 == 1).then(pl.col("SupplierId").str.to_lowercase()).otherwise("SupplierId"),
        MainSupplier=pl.when(nth % 4 == 3).then(pl.lit(value=False)).otherwise("MainSupplier"),
        PurchaseOrderMinimumQuantity=in_turn((0.0, 1.0, 6.0, 25.0), pl.Float64).cast(quantity),
        PurchaseOrderMultipleQuantity=in_turn((0.0, 5.0, 12.0, 2.5, None), pl.Float64).cast(quantity),
    )
    is_late = (pl.col("DocumentType") == ORDER) & (nth % 5 == 2)
    typed = pl.when(is_late).then(pl.col("DocumentDate").dt.offset_by("60d")).otherwise("DocumentDate")
    return {
        **frames,
        "SupplierItem": offers,
        "Item": frames["Item"].with_columns(IsManagedByCounterMark=nth % 7 == 0),
        "PurchaseDocument": frames["PurchaseDocument"].with_columns(DocumentDate=typed),
    }


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


def mistyped(frames: Frames) -> Frames:
    """What people type of customers, suppliers and places, and the latest activities and appointments of all sorts of lengths."""
    customers = frames["Customer"].with_columns(
        *_texts(frames["Customer"]),
        in_turn(SIRENS, pl.String).alias("Siren"),
        *_point("MainDeliveryAddress"),
    )
    suppliers = frames["Supplier"].with_columns(*_texts(frames["Supplier"]))
    by_hand = pl.col("AutomaticCreation").fill_null(0) == 0
    return {
        **frames,
        "Customer": customers,
        "Supplier": suppliers,
        "ConstructionSite": _misplaced(frames["ConstructionSite"], "ConstructionSiteAddress"),
        "CustomerProduct": _misplaced(frames["CustomerProduct"], "DeliveryAddress"),
        "Activity": _with_lengths(frames["Activity"], by_hand),
        "ScheduleEvent": _with_lengths(_misplaced(frames["ScheduleEvent"], "Address"), pl.lit(value=True)),
    }


def in_turn(values: Sequence[object], kind: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """One after the other, again and again."""
    position = pl.int_range(pl.len()) % len(values)
    return position.replace_strict(dict(enumerate(values)), return_dtype=kind)


def _texts(frame: pl.DataFrame) -> Iterator[pl.Expr]:
    for ending, values in (("_Phone", PHONES), ("_Email", EMAILS), ("_ZipCode", POSTCODES)):
        for name in frame.columns:
            if name.endswith(ending):
                yield in_turn(values, pl.String).alias(name)


def _point(prefix: str) -> Iterator[pl.Expr]:
    for name, values in (("Latitude", LATITUDES), ("Longitude", LONGITUDES)):
        yield in_turn(values, pl.Float64).alias(f"{prefix}_{name}")


def _misplaced(frame: pl.DataFrame, prefix: str) -> pl.DataFrame:
    return frame.with_columns(*_point(prefix), in_turn(POSTCODES, pl.String).alias(f"{prefix}_ZipCode"))


def _with_lengths(frame: pl.DataFrame, of: pl.Expr) -> pl.DataFrame:
    """The first rows of ``of`` with these minutes."""
    position = pl.col("chosen").cum_sum() - 1
    minutes = position.replace_strict(dict(enumerate(MINUTES)), default=None, return_dtype=pl.Int64)
    changed = pl.when(pl.col("chosen")).then(pl.col("StartDateTime") + pl.duration(minutes=minutes))
    chosen = frame.with_columns(chosen=of & (pl.col("StartDateTime").dt.year() < 2100))
    return chosen.with_columns(EndDateTime=pl.coalesce(changed, "EndDateTime")).drop("chosen")
