"""Where things are, as degrees: EBP's own GPS, else the commune of an address. Not here: who goes there (travel.py)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl

import ebp_lakehouse
from ebp_lakehouse_tests.truth.values import Bronze, code

COMMUNES = Path(ebp_lakehouse.__file__).parent / "silver" / "reference" / "communes.csv"
FRANCE = ("FR", "FRA")
IN_DISTRICTS = ("75056", "69123", "13055")
EARTH_RADIUS_KM = 6371.0


def gps(prefix: str) -> pl.Expr:
    """The point that EBP holds, where it is one on earth and not 0/0."""
    latitude, longitude = (pl.col(f"{prefix}_{name}").cast(pl.Float64) for name in ("Latitude", "Longitude"))
    is_believed = latitude.is_between(-90, 90) & longitude.is_between(-180, 180)
    is_believed &= (latitude != 0) | (longitude != 0)
    return pl.when(is_believed).then(pl.struct(latitude=latitude, longitude=longitude))


def with_commune(frame: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """``frame`` with ``commune``, the point of the address: by INSEE's code, by postcode and town, by postcode alone.

    Assumed: a town that its postcode does not know is in the middle of the postcode's communes; there is no point by postcode
    outside France; an address without country is French.
    """
    columns = frame.columns
    postcode = pl.col(f"{prefix}_ZipCode").str.replace_all(r"\s", "")
    country = code(f"{prefix}_CountryIsoCode").fill_null("FR")
    insee = code(f"{prefix}_CodeINSEE") if f"{prefix}_CodeINSEE" in columns else pl.lit(None, pl.String)
    keyed = frame.with_columns(
        insee=insee,
        postcode=pl.when(country.is_in(FRANCE) & postcode.str.contains(r"^\d{4,5}$")).then(postcode.str.zfill(5)),
        town=_town(pl.col(f"{prefix}_City")),
    )
    by_insee, by_town, by_postcode = _communes()
    return (
        keyed.join(by_insee, on="insee", how="left")
        .join(by_town, on=["postcode", "town"], how="left")
        .join(by_postcode, on="postcode", how="left")
        .select(*columns, commune=pl.coalesce("of_insee", "of_town", "of_postcode"))
    )


def distance(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Kilometres as the crow flies between two points; empty where one is unknown."""
    (lat1, lon1), (lat2, lon2) = (
        (point.struct.field("latitude").radians(), point.struct.field("longitude").radians()) for point in (start, end)
    )
    half = ((lat2 - lat1) / 2).sin().pow(2) + lat1.cos() * lat2.cos() * ((lon2 - lon1) / 2).sin().pow(2)
    return 2 * EARTH_RADIUS_KM * half.sqrt().clip(upper_bound=1).arcsin()


def is_address(prefix: str) -> pl.Expr:
    """Whether an address names a postcode, a town or an INSEE code."""
    return pl.any_horizontal(code(f"{prefix}_{part}").is_not_null() for part in ("ZipCode", "City", "CodeINSEE"))


def sites(bronze: Bronze) -> pl.DataFrame:
    """site, of_site (its GPS, else its commune), and whether it has an address."""
    prefix = "ConstructionSiteAddress"
    frame = with_commune(bronze["ConstructionSite"], prefix)
    return frame.select(
        site=code("Id"), of_site=pl.coalesce(gps(prefix), "commune"), is_site_somewhere=is_address(prefix)
    )


def customers(bronze: Bronze) -> pl.DataFrame:
    """customer, of_customer: the GPS of where he is delivered, else the commune.

    He is delivered where his invoices go if EBP says so or has no address of delivery.
    """
    frame, delivery, invoicing = bronze["Customer"], "MainDeliveryAddress", "MainInvoicingAddress"
    is_empty = ~is_address(delivery) & code(f"{delivery}_Address1").is_null()
    is_invoicing = pl.col("UseInvoicingAddressAsDeliveryAddress").fill_null(value=False) | is_empty
    parts = ("ZipCode", "City", "CountryIsoCode", "CodeINSEE")
    chosen = {
        f"Place_{part}": pl.when(is_invoicing).then(f"{invoicing}_{part}").otherwise(f"{delivery}_{part}")
        for part in parts
    }
    placed = with_commune(frame.with_columns(**chosen), "Place")
    return placed.select(customer=code("Id"), of_customer=pl.coalesce(gps(delivery), "commune"))


def depots(bronze: Bronze) -> pl.DataFrame:
    """colleague, depot: his own GPS, else that of his storehouse, else that of the main one."""
    houses = bronze["Storehouse"].select("Main", StorehouseId="Id", of_house=gps("Address"))
    main = houses.select(of_main=pl.col("of_house").filter("Main").first())
    return (
        bronze["Colleague"]
        .join(houses, on="StorehouseId", how="left")
        .join(main, how="cross")
        .select(colleague=code("Id"), depot=pl.coalesce(gps("Address"), "of_house", "of_main"))
    )


def _town(name: pl.Expr) -> pl.Expr:
    """A town as it is compared: capitals without accents, words apart, saint spelt out, no CEDEX, no district."""
    plain = name.str.to_uppercase().str.normalize("NFD").str.replace_all(r"\p{M}", "").str.replace_all("Œ", "OE")
    words = plain.str.replace(r"\bCEDEX\b.*$", "").str.replace_all(r"[^A-Z0-9]+", " ").str.strip_chars()
    words = words.str.replace_all(r"\bSTE\b", "SAINTE").str.replace_all(r"\bST\b", "SAINT")
    return words.str.replace(r"^(PARIS|LYON|MARSEILLE)\b.*$", "$1")


@cache
def _communes() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The point of each INSEE code, postcode and town, postcode; of Paris, Lyon and Marseille the districts only."""
    file = pl.read_csv(COMMUNES, infer_schema=False).filter(~pl.col("insee_code").is_in(IN_DISTRICTS))
    known = file.with_columns(pl.col("latitude", "longitude").cast(pl.Float64)).drop_nulls(["latitude", "longitude"])
    each = known.select(
        "latitude", "longitude", postcode=pl.col("postcodes").str.split(" "), town=_town(pl.col("name"))
    )
    each = each.explode("postcode")
    by_town, by_postcode = (
        each.group_by(keys).agg(pl.col("latitude", "longitude").mean()) for keys in (["postcode", "town"], ["postcode"])
    )
    point = pl.struct("latitude", "longitude")
    return (
        known.select(insee="insee_code", of_insee=point),
        by_town.select("postcode", "town", of_town=point),
        by_postcode.select("postcode", of_postcode=point),
    )
