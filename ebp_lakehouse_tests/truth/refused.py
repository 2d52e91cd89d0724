"""Values of EBP that are not what their column is for, of all that are there (semantics §2 and §3, KPI 90)."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from ebp_lakehouse_tests.truth.places import FRANCE, gps
from ebp_lakehouse_tests.truth.saledocuments import documents, place_of_sale
from ebp_lakehouse_tests.truth.values import Bronze, code

YEARS_AHEAD = 10  # that the calendar reaches
LONGEST_ACTIVITY, LONGEST_EVENT, LONGEST_ABSENCE = timedelta(days=1), timedelta(days=14), timedelta(days=3 * 366)
SIREN_DIGITS = 9
NEIGHBOURS = {"BE": ("32", r"[1-9]\d{7,8}"), "MC": ("377", r"[1-9]\d{7,8}")}
WITH_FRENCH_POSTCODES = (*FRANCE, "MC", "MCO")

# Which columns are judged is silver's choice.
PHONES = {
    "Customer": ("MainInvoicingContact_Phone", "MainInvoicingContact_CellPhone", "MainDeliveryContact_Phone"),
    "Supplier": (
        "MainInvoicingContact_Phone", "MainInvoicingContact_CellPhone", "MainDeliveryContact_Phone",
        "MainDeliveryContact_CellPhone",
    ),
    "Colleague": ("Contact_Phone", "Contact_CellPhone"),
}  # fmt: skip
EMAILS = {
    "Customer": ("MainInvoicingContact_Email", "MainDeliveryContact_Email"),
    "Supplier": ("MainInvoicingContact_Email", "MainDeliveryContact_Email"),
    "Colleague": ("Contact_Email",),
}
POSTCODES = {
    "Customer": ("MainInvoicingAddress_ZipCode", "MainDeliveryAddress_ZipCode"),
    "Supplier": ("MainInvoicingAddress_ZipCode",),
    "Storehouse": ("Address_ZipCode",),
    "Zipcode": ("ZipCode",),
    "ScheduleEvent": ("Address_ZipCode",),
    "ConstructionSite": ("ConstructionSiteAddress_ZipCode",),
    "CustomerProduct": ("DeliveryAddress_ZipCode",),
}
POINTS = {
    "Customer": ("MainDeliveryAddress",), "Colleague": ("Address",), "Storehouse": ("Address",),
    "ScheduleEvent": ("Address",), "ConstructionSite": ("ConstructionSiteAddress",), "CustomerProduct": ("DeliveryAddress",),
}  # fmt: skip
DAYS = {
    "Activity": ("StartDateTime",), "SaleDocument": ("DocumentDate",), "ScheduleEvent": ("StartDateTime",),
    "StockMovement": ("DocumentDate",),
}  # fmt: skip
PLACE_OF_SALE = "DeliveryAddress_ZipCode or InvoicingAddress_ZipCode"
Judged = tuple[str, str, str, pl.DataFrame]  # table, column, rule; is_filled and is_refused of each of its rows


def shares(bronze: Bronze, known_on: date) -> pl.DataFrame:
    """One row per column that is judged, and rule: values that are there, refused ones, their share.

    Assumed: a column that the installation leaves empty has no row.
    """
    frames = [
        rows.select(
            source_table=pl.lit(table), source_column=pl.lit(column), rule=pl.lit(rule),
            filled_values=pl.col("is_filled").sum(), rejected_values=(pl.col("is_filled") & pl.col("is_refused")).sum(),
        )
        for table, column, rule, rows in (*_texts(bronze), *_places(bronze), *_times(bronze, known_on))
    ]  # fmt: skip
    share = 100 * pl.col("rejected_values") / pl.col("filled_values")
    return pl.concat(frames).filter(pl.col("filled_values") > 0).with_columns(rejected_share_percent=share)


def _judged(frame: pl.DataFrame, typed: pl.Expr, is_right: pl.Expr) -> pl.DataFrame:
    """Blank is not there."""
    frame = frame.select(typed=typed, is_right=is_right)
    blank = pl.col("typed").str.strip_chars() == "" if frame.schema["typed"] == pl.String else pl.lit(value=False)
    return frame.select(
        is_filled=pl.col("typed").is_not_null() & ~blank, is_refused=~pl.col("is_right").fill_null(value=False)
    )


def _texts(bronze: Bronze) -> list[Judged]:
    return [
        *(
            (table, column, "phone", _judged(bronze[table], pl.col(column), _is_phone(column, _country(bronze[table], column))))
            for table, columns in PHONES.items() for column in columns
        ),
        *(
            (table, column, "email", _judged(bronze[table], pl.col(column), _is_email(column)))
            for table, columns in EMAILS.items() for column in columns
        ),
        ("Customer", "Siren", "siren", _judged(bronze["Customer"], pl.col("Siren"), _is_siren("Siren"))),
    ]  # fmt: skip


def _country(frame: pl.DataFrame, column: str) -> pl.Expr:
    """Of the address that belongs to a contact; of its invoices' where EBP's copy holds no other."""
    name = column.partition("Contact_")[0] + "Address_CountryIsoCode"
    return code(name if name in frame.columns else "MainInvoicingAddress_CountryIsoCode").fill_null("FR")


def _is_phone(column: str, country: pl.Expr) -> pl.Expr:
    """Nine digits after the 0 or the code of France; with the code of another country 7 to 14 digits in all.

    Assumed: typed without its code a number is of the country of the address, and there as long as NEIGHBOURS tell; of
    others it has 6 to 13 digits.
    """
    typed = pl.col(column).str.replace_all(r"\(0\)", "").str.replace_all(r"[^\d+]", "")
    names_france = typed.str.contains(r"^(\+|00)33")
    right = names_france | country.is_in(FRANCE)
    right &= typed.str.contains(r"^(\+33|0033|33)?0?[1-9]\d{8}$")
    names_other = typed.str.contains(r"^(\+|00)[1-9]\d{6,13}$") & ~names_france
    at_home = ~country.is_in([*FRANCE, *NEIGHBOURS]) & typed.str.contains(r"^\d{6,13}$")
    for home, (prefix, length) in NEIGHBOURS.items():
        names_other &= ~typed.str.contains(rf"^(\+|00){prefix}") | typed.str.contains(rf"^(\+|00){prefix}0?{length}$")
        at_home |= (country == home) & typed.str.contains(rf"^0?{length}$")
    return right | names_other | (at_home & ~typed.str.contains(r"^00"))


def _is_email(column: str) -> pl.Expr:
    """Of several the first."""
    first = (
        pl.col(column).str.split_exact(";", 1).struct.field("field_0").str.split_exact(",", 1).struct.field("field_0")
    )
    return first.str.strip_chars().str.contains(r"^[^@\s<>]+@[^@\s<>]+\.[A-Za-z]{2,}$")


def _is_siren(column: str) -> pl.Expr:
    """Nine digits, and doubling every second one they add up to a multiple of ten (Luhn).

    Assumed: a SIRET, of fourteen digits, tells the SIREN that it begins with.
    """
    digits = pl.col(column).str.replace_all(r"\s", "")
    total = pl.lit(0)
    for position in range(SIREN_DIGITS):
        digit = digits.str.slice(position, 1).cast(pl.Int64, strict=False)
        weighed = digit * (1 + position % 2)
        total = total + weighed // 10 + weighed % 10
    return digits.str.contains(r"^\d{9}(\d{5})?$") & (total % 10 == 0)


def _places(bronze: Bronze) -> list[Judged]:
    counted = documents(bronze).select(Id="id")
    sales = (
        bronze["SaleDocument"]
        .join(counted, on="Id", how="semi")
        .select(Place_ZipCode=place_of_sale("ZipCode"), Place_CountryIsoCode=place_of_sale("CountryIsoCode"))
    )
    points = [
        (table, f"{prefix}_Latitude", "gps", bronze[table].select(
            is_filled=pl.any_horizontal(pl.col(f"{prefix}_Latitude", f"{prefix}_Longitude").is_not_null()),
            is_refused=gps(prefix).is_null(),
        ))
        for table, prefixes in POINTS.items() for prefix in prefixes
    ]  # fmt: skip
    postcodes = [
        (table, column, "postcode", _judged(bronze[table], pl.col(column), _is_postcode(column)))
        for table, columns in POSTCODES.items() for column in columns
    ]  # fmt: skip
    of_sales = _judged(sales, pl.col("Place_ZipCode"), _is_postcode("Place_ZipCode"))
    return [*points, *postcodes, ("SaleDocument", PLACE_OF_SALE, "postcode", of_sales)]


def _is_postcode(column: str) -> pl.Expr:
    """Five digits in France and Monaco, a leading 0 may be lost; of other countries anything."""
    country = code(column.replace("ZipCode", "CountryIsoCode")).fill_null("FR")
    return ~country.is_in(WITH_FRENCH_POSTCODES) | pl.col(column).str.replace_all(r"\s", "").str.contains(r"^\d{4,5}$")


def _times(bronze: Bronze, known_on: date) -> list[Judged]:
    """Days beyond the calendar, which begins with the oldest document; minutes that end before they begin or last too long.

    Assumed: of activities those are judged that people wrote about a customer, of events those that last at all; an absence
    may last three years.
    """
    last = date(known_on.year + YEARS_AHEAD, 12, 31)
    days = [
        (table, column, "date", _judged(bronze[table], pl.col(column), pl.col(column).cast(pl.Date) <= last))
        for table, columns in DAYS.items() for column in columns
    ]  # fmt: skip
    written = bronze["Activity"].filter(
        (pl.col("AutomaticCreation").fill_null(0) == 0) & code("CustomerId").is_not_null()
    )
    events = bronze["ScheduleEvent"].filter(_elapsed() != timedelta())
    most = pl.when(pl.col("IsScheduleException").fill_null(value=False)).then(LONGEST_ABSENCE).otherwise(LONGEST_EVENT)
    lasting = (("Activity", written, pl.lit(LONGEST_ACTIVITY)), ("ScheduleEvent", events, most))
    return [
        *days,
        *(
            (table, "EndDateTime", "duration", _judged(frame, _elapsed(), _elapsed().is_between(timedelta(), longest)))
            for table, frame, longest in lasting
        ),
    ]


def _elapsed() -> pl.Expr:
    """From start to end, across changes of the clock."""
    start, end = (
        pl.col(name).dt.replace_time_zone("Europe/Paris", ambiguous="earliest", non_existent="null")
        for name in ("StartDateTime", "EndDateTime")
    )
    return end - start
