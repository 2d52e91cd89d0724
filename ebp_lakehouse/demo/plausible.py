"""Plausible values for one table, column by column, from each column's type and name.

Lives here: what a column called `DeliveryAddress_ZipCode` or `NetAmountVatExcluded` may hold. Does not live here: how
many rows a table gets, its keys and its references to other tables (fillers.py).

A column that would hold only NULL or its type's zero is left out (None): the loading fills it on the server. That is
the lot of most columns of the wide tables, in a real EBP as well.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ebp_lakehouse.demo import vocabulary
from ebp_lakehouse.source.reference_schema import ReferenceColumn, ReferenceTable

YEARS_OF_HISTORY = 10
PEOPLE = 400
TEXTS = 600
VAT_RATE = 0.2

# Amounts of functions that the demo company does not use: zero or NULL in every row.
_UNUSED_AMOUNT = re.compile(
    r"Currency|Ecotax|OtherTax|DetailTax|DetailVat|HumanService|Deposit|^RE|IRPF|Extra|Charge|Discounts?\d|UnitDiscount|DiscountRate"
    r"|DiscountAmount|Payroll|Shipping|Oxatis|Progress|Interest|Brand|Corrected|Previous|Reminder|BalanceDue|Returned|Remaining"
)
_DAY_ONLY = re.compile(r"^(Document|Due|Commitment|Settlement|Deal|BankRemittance|Process|Periodicity_Start)Date$")


def share(*names: str) -> float:
    """A number in [0, 1) that depends only on the names: which columns are filled does not change with the seed."""
    return int(hashlib.md5("/".join(names).encode(), usedforsecurity=False).hexdigest()[:8], 16) / 2**32


def generator(seed: int, *names: str) -> np.random.Generator:
    """A random generator of its own for these names, so that the order of tables and columns changes nothing."""
    digest = hashlib.sha256(f"{seed}/{'/'.join(names)}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest[:16], dtype=np.uint32))


def uuids(rng: np.random.Generator, rows: int) -> pl.Series:
    """Random version 4 uuids as text."""
    octets = rng.integers(0, 256, size=(rows, 16), dtype=np.uint8)
    octets[:, 6] = (octets[:, 6] & 0x0F) | 0x40
    octets[:, 8] = (octets[:, 8] & 0x3F) | 0x80
    text = octets.tobytes().hex()
    plain = pl.Series([text[start : start + 32] for start in range(0, len(text), 32)], dtype=pl.String)
    parts = [plain.str.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    return parts[0] + "-" + parts[1] + "-" + parts[2] + "-" + parts[3] + "-" + parts[4]


class PlausibleRows:
    """The values of `rows` rows of one table.

    What a row says is consistent within the row: one person, one town, one moment, one quantity and one amount feed all
    columns about them. `moments` (numpy datetime64[s], wall clock) may be given, else they are drawn from the ten years
    before `as_of`.
    """

    def __init__(
        self, table: ReferenceTable, rows: int, seed: int, as_of: date, moments: NDArray[np.datetime64] | None = None
    ) -> None:
        self.table, self.rows, self.seed, self.as_of = table, rows, seed, as_of
        self._given_moments = moments

    def column(self, column: ReferenceColumn) -> pl.Series | None:
        """The column's values (`rows` long, named as the column), or None when it is empty or zero throughout."""
        makers = {
            "uuid": self._uuid,
            "timestamp": self._timestamp,
            "boolean": self._boolean,
            "smallint": self._code,
            "integer": self._integer,
            "numeric": self._numeric,
            "text": self._text,
            "bytea": self._bytes,
        }
        maker = self._varchar if column.width is not None else makers.get(column.type)
        values = maker(column) if maker is not None else None
        if values is None:
            return None
        if column.width is not None:
            values = values.str.slice(0, column.width)
        return values.alias(column.name)

    def thinned(self, column: ReferenceColumn, values: pl.Series, kept: float) -> pl.Series:
        """NULL in all but a share `kept` of the rows, where the column may be NULL."""
        if not column.nullable or kept >= 1:
            return values
        mask = pl.Series(self.random(column.name, "null") < kept)
        return values.to_frame("v").select(pl.when(mask).then(pl.col("v"))).to_series()

    def random(self, *names: str) -> NDArray[np.float64]:
        """One uniform number in [0, 1) per row."""
        return generator(self.seed, self.table.name, *names).random(self.rows)

    # what a row is about

    @cached_property
    def moments(self) -> NDArray[np.datetime64]:
        """One wall-clock moment per row, working hours, more of them in recent years."""
        if self._given_moments is not None:
            return self._given_moments
        age_days = (self.random("age") ** 1.3 * 365.25 * YEARS_OF_HISTORY).astype(np.int64)
        seconds = (8 * 3600 + self.random("hour") * 10 * 3600).astype(np.int64)
        return np.datetime64(self.as_of, "s") - age_days * 86400 - 86400 + seconds

    @cached_property
    def _person(self) -> NDArray[np.int64]:
        return (self.random("person") * PEOPLE).astype(np.int64)

    @cached_property
    def _town(self) -> NDArray[np.int64]:
        return (self.random("town") * len(vocabulary.TOWNS)).astype(np.int64)

    @cached_property
    def _quantity(self) -> NDArray[np.float64]:
        return np.asarray(np.ceil(self.random("quantity") ** 3 * 20), dtype=np.float64)

    @cached_property
    def _price(self) -> NDArray[np.float64]:
        draws = generator(self.seed, self.table.name, "price").normal(3.8, 1.2, self.rows)
        return np.asarray(np.round(np.exp(draws), 2), dtype=np.float64)

    # one maker per type

    def _uuid(self, column: ReferenceColumn) -> pl.Series | None:
        if column.nullable:
            return None
        return uuids(generator(self.seed, self.table.name, column.name), self.rows)

    def _timestamp(self, column: ReferenceColumn) -> pl.Series | None:
        name = column.name
        if "DaySchedule" in name:
            return None
        moments = self.moments
        if name == "sysModifiedDate":
            later = (-np.log1p(-self.random(name)) * 20 * 86400).astype(np.int64)
            moments = np.minimum(moments + later, np.datetime64(self.as_of, "s") + 20 * 3600)
        elif name.endswith(("EndDateTime", "EndTime", "EndDate")):
            moments = moments + ((1 + np.floor(self.random(name) * 8)) * 1800).astype(np.int64)
        elif name == "DueDate" or "Delivery" in name or "Validity" in name:
            moments = moments + np.int64(30 if name == "DueDate" else 7) * 86400
        elif column.nullable and name != "sysCreatedDate" and share(self.table.name, name) > 0.3:  # noqa: PLR2004
            return None
        if _DAY_ONLY.match(name) or name == "DueDate":
            moments = moments.astype("datetime64[D]").astype("datetime64[s]")
        values = pl.Series(moments.astype("datetime64[us]"))
        return self.thinned(column, values, 1.0 if name.startswith("sys") else 0.4)

    def _boolean(self, column: ReferenceColumn) -> pl.Series | None:
        chosen = share(self.table.name, column.name)
        if chosen > 0.4:  # noqa: PLR2004
            return None
        values = pl.Series(self.random(column.name) < chosen)
        return self.thinned(column, values, 0.7)

    def _code(self, column: ReferenceColumn) -> pl.Series | None:
        if column.name in ("DocumentType", "LineType"):
            codes = (2, 2, 6, 8, 8, 3) if column.name == "DocumentType" else (2, 2, 2, 10, 9)
            picked = pl.Series(codes, dtype=pl.Int16).gather((self.random(column.name) * len(codes)).astype(np.int64))
            return self.thinned(column, picked, 0.6)
        chosen = share(self.table.name, column.name)
        if column.name == "ActiveState" or chosen > 0.4:  # noqa: PLR2004
            return None
        codes_count = 2 + int(chosen * 8)
        values = pl.Series((self.random(column.name) ** 2 * codes_count).astype(np.int16))
        return self.thinned(column, values, 0.5)

    def _integer(self, column: ReferenceColumn) -> pl.Series | None:
        name = column.name
        if re.search(r"Order$|^LineNumber$|^GroupNumber$", name):
            step = 100 if name == "LineOrder" else 1
            return pl.Series((np.arange(self.rows, dtype=np.int64) + 1) * step)
        if name == "sysEditCounter":
            return self.thinned(column, pl.Series((self.random(name) ** 3 * 40).astype(np.int32)), 0.9)
        if column.nullable or share(self.table.name, name) > 0.5:  # noqa: PLR2004
            return None
        return pl.Series((self.random(name) ** 2 * 30).astype(np.int32))

    def _numeric(self, column: ReferenceColumn) -> pl.Series | None:  # noqa: C901 - one branch per kind of amount
        name = column.name
        values: NDArray[np.float64]
        digits = 2
        if _UNUSED_AMOUNT.search(name):
            return None
        if name == "NumberSuffix":
            values, digits = np.arange(self.rows, dtype=np.float64) + 1, 0
        elif "Quantity" in name or name in ("RealStock", "VirtualStock"):
            values = self._quantity
        elif "Latitude" in name or "Longitude" in name:
            low, spread = (43.0, 7.0) if "Latitude" in name else (-3.0, 9.0)
            values, digits = low + self.random(name) * spread, 6
        elif "Hours" in name or "Duration" in name:
            values = np.ceil(self.random("duration") * 16) / 4
        elif name.endswith("VatRate"):
            values = np.full(self.rows, VAT_RATE * 100)
        elif "Rate" in name or "Percent" in name:
            return None
        elif "VatAmount" in name:
            values = self._quantity * self._price * VAT_RATE
        elif "Price" in name or "UnitCost" in name or "UnitValue" in name:
            values = self._price * (1 + VAT_RATE if "VatIncluded" in name else 1)
        elif "Amount" in name or "StockValue" in name or "Turnover" in name:
            values = self._quantity * self._price * (1 + VAT_RATE if "VatIncluded" in name else 1)
        elif "Weight" in name or "Volume" in name:
            values = self.random("weight") * 40
        else:
            return None
        series = pl.Series(np.round(values, digits)).cast(pl.Decimal(28, 8))
        return self.thinned(column, series, 0.4)

    def _bytes(self, column: ReferenceColumn) -> pl.Series | None:
        if column.nullable and "Hash" not in column.name:
            return None
        first, second = (uuids(generator(self.seed, self.table.name, column.name, part), self.rows) for part in "ab")
        return self.thinned(column, "\\x" + first.str.replace_all("-", "") + second.str.replace_all("-", ""), 0.8)

    def _text(self, column: ReferenceColumn) -> pl.Series | None:
        name = column.name
        if name.startswith("Localizable"):
            return None
        if self.table.column(f"{name}Clear") is not None:  # the rich-text twin of a plain text
            return (
                "{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Arial;}}\\pard\\f0\\fs20 " + self._notes(f"{name}Clear") + "\\par}"
            )
        if name.endswith("Clear"):
            return self._notes(name)
        if column.nullable and share(self.table.name, name) > 0.35:  # noqa: PLR2004
            return None
        if self.table.name.startswith("EbpSys"):
            body = pl.Series([f"<item id='{number}' width='{80 + number % 200}'/>" * 12 for number in range(64)])
            return "<settings>" + body.gather((self.random(name) * 64).astype(np.int64)) + "</settings>"
        return self.thinned(column, self._sentences(name), 0.3)

    def _varchar(self, column: ReferenceColumn) -> pl.Series | None:
        name, field = column.name, column.name.rpartition("_")[2]
        width = column.width or 1
        known = self._known_text(field, name)
        if known is not None:
            return self.thinned(column, known, 0.2 + 0.75 * share(self.table.name, name))
        if name.startswith("Localizable"):
            return None
        if re.search(r"Caption|Label|Title|Name$|Description|Subject|Reference$", field):
            return self.thinned(column, self._captions(name), 0.5)
        if name == "DocumentNumber" or (field.endswith("Number") and not column.nullable):
            prefix = self.table.name[:2].upper()
            numbers = pl.Series(np.arange(self.rows) + 1).cast(pl.String)
            return prefix[: max(0, width - 6)] + numbers.str.zfill(min(8, width - min(2, max(0, width - 6))))
        if column.nullable and share(self.table.name, name) > (0.6 if name.startswith("xx_") else 0.25):
            return None
        words = pl.Series([f"{chr(65 + number % 26)}{number:02d}" for number in range(40)])
        return self.thinned(column, words.gather((self.random(name) ** 2 * 40).astype(np.int64)), 0.3)

    # words

    def _known_text(self, field: str, name: str) -> pl.Series | None:  # noqa: PLR0911 - one answer per kind of field
        """Parts of addresses and of people, by the field's name; None when the name is none of them."""
        person_columns = {
            "FirstName": 0, "Phone": 2, "Fax": 2, "CellPhone": 3, "Email": 4, "Function": 5, "Profession": 5,
            "Civility": 6,
        }  # fmt: skip
        if field in person_columns:
            return _people(person_columns[field]).gather(self._person)
        if field == "Name" and ("Contact" in name or self.table.name in ("Contact", "Colleague", "EbpSysUser")):
            return _people(1).gather(self._person)
        if name == "Name" and self.table.name in ("Supplier", "DealSupplier", "DealCustomer"):
            return pl.Series(vocabulary.COMPANIES).gather(self._person % len(vocabulary.COMPANIES))
        town_columns = {"ZipCode": 0, "City": 1, "CityINSEE": 1, "State": 2}
        if field in town_columns:
            return pl.Series([town[town_columns[field]] for town in vocabulary.TOWNS]).gather(self._town)
        if field == "Address1":
            numbers = pl.Series((self.random(name) * 120 + 1).astype(np.int64)).cast(pl.String)
            streets = (self.random(name, "street") * len(vocabulary.STREETS)).astype(np.int64)
            return numbers + " " + pl.Series(vocabulary.STREETS).gather(streets)
        if field in ("CustomerName", "SupplierName", "ThirdName"):
            return pl.Series(vocabulary.COMPANIES).gather(self._person % len(vocabulary.COMPANIES))
        if field in ("CountryIsoCode", "DocumentLanguage", "ReportLanguage", "ThirdLanguage"):
            return pl.Series(["FR" if field == "CountryIsoCode" else "FRA"]).gather(np.zeros(self.rows, np.int64))
        if name in ("sysCreatedUser", "sysModifiedUser", "UserName"):
            return pl.Series(vocabulary.USERS).gather(self._person % len(vocabulary.USERS))
        if "Password" in field:  # something that must never leave the source
            return "demo-secret-" + pl.Series(np.arange(self.rows)).cast(pl.String)
        return None

    def _captions(self, name: str) -> pl.Series:
        things = pl.Series(vocabulary.THINGS).gather((self.random(name) * len(vocabulary.THINGS)).astype(np.int64))
        return things + " " + pl.Series((self.random(name, "number") * 900 + 100).astype(np.int64)).cast(pl.String)

    def _notes(self, name: str) -> pl.Series:
        column = ReferenceColumn(name, "text", nullable=True)
        return self.thinned(column, self._sentences(name), 0.1 + 0.5 * share(self.table.name, name))

    def _sentences(self, name: str) -> pl.Series:
        rng = generator(self.seed, self.table.name, name, "pool")
        picks = rng.integers(0, len(vocabulary.SENTENCES), size=(TEXTS, 6))
        lengths = rng.integers(1, 7, size=TEXTS)
        pool = pl.Series(
            [
                " ".join(vocabulary.SENTENCES[pick] for pick in row[:length])
                for row, length in zip(picks, lengths, strict=True)
            ]
        )
        return pool.gather((self.random(name, "text") * TEXTS).astype(np.int64))


def _people(part: int) -> pl.Series:
    """One field of each of the invented people; telephone numbers are of the ranges reserved for fiction."""
    people = []
    for number in range(PEOPLE):
        first = vocabulary.FIRST_NAMES[number % len(vocabulary.FIRST_NAMES)]
        last = vocabulary.LAST_NAMES[number // len(vocabulary.FIRST_NAMES)]
        digits = f"{number // 100:02d} {number % 100:02d}"
        email = f"contact{number:03d}@example.com"
        job = vocabulary.JOBS[number % len(vocabulary.JOBS)]
        civility = vocabulary.CIVILITIES[number % 2]
        people.append((first, last.upper(), f"02 61 91 {digits}", f"06 39 98 {digits}", email, job, civility))
    return pl.Series([person[part] for person in people])
