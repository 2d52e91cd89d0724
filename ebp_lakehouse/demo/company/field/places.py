"""Where customers and depots are, and how far apart: real communes, great-circle kilometres.

Points are what the company really drives to; what EBP holds of them (missing, 0/0) is decided in ``events``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import geography
from ebp_lakehouse.demo.company.primitives import Bool, Float, Int, take

EARTH_KM = 6371.0
ROAD_FACTOR, ROAD_KMH, PARKING_MINUTES = 1.3, 50.0, 5  # roads are longer than the crow flies


@dataclass(frozen=True)
class Places:
    """One row per customer, aligned with the table: point (NaN when no commune fits) and the address as EBP has it."""

    latitude: Float
    longitude: Float
    address: pl.DataFrame

    @property
    def known(self) -> Bool:
        """Customers whose commune is known."""
        return np.isfinite(self.latitude)


def of_customers(customers: pl.DataFrame) -> Places:
    """The delivery address of each customer, located by post code and name of its commune."""
    towns = geography.communes().select(
        (pl.col("postcode") + "/" + pl.col("name").str.to_uppercase()).alias("town"), "latitude", "longitude"
    )
    here = customers.select(
        (
            pl.col("MainDeliveryAddress_ZipCode").str.strip_chars()
            + "/"
            + pl.col("MainDeliveryAddress_City").str.strip_chars().str.to_uppercase()
        ).alias("town")
    ).join(towns.unique("town", keep="first", maintain_order=True), on="town", how="left", maintain_order="left")
    address = customers.select(
        Address1="MainDeliveryAddress_Address1",
        ZipCode="MainDeliveryAddress_ZipCode",
        City="MainDeliveryAddress_City",
        CountryIsoCode="MainDeliveryAddress_CountryIsoCode",
        CodeINSEE="MainDeliveryAddress_CodeINSEE",
    )
    return Places(
        here["latitude"].fill_null(np.nan).to_numpy(), here["longitude"].fill_null(np.nan).to_numpy(), address
    )


def kilometres(lat1: Float, lon1: Float, lat2: Float, lon2: Float) -> Float:
    """Great-circle distance (haversine), broadcast like numpy; NaN where a point is unknown."""
    a, b = np.radians(lat1), np.radians(lat2)
    half = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(lon2 - lon1) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


def drive_minutes(km: Float) -> Int:
    """Minutes on the road for a distance as the crow flies; 0 when one is there already."""
    minutes = np.ceil(km * ROAD_FACTOR / ROAD_KMH * 60) + PARKING_MINUTES
    return np.where(km > 0, minutes, 0).astype(np.int64)


def addresses(places: Places, customer: Int, prefix: str) -> dict[str, pl.Series]:
    """Address columns of rows that happen at a customer's, NULL for a negative index."""
    return {f"{prefix}{name}": take(places.address[name], customer) for name in places.address.columns}
