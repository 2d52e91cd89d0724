"""Names in the lake: what a table and a column of the source are called there. The one place with that rule.

An asset's name is safe for object stores, Dagster's keys and DuckDB alike: ``[a-z][a-z0-9_]*``. Columns keep their exact
names, but for those that no reader could tell apart. Not here: the names that the registry declares (registry.py).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

ASSET = r"^[a-z][a-z0-9_]*$"
METADATA = "_bronze_"
_VIEW = "_current"  # the catalog makes a view with this ending of every table
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
HASH_CHARACTERS = 8


def snake_case(name: str) -> str:
    """``SaleDocumentEx`` → ``sale_document_ex``; accents fall, all else that is no letter or digit parts words."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.split(r"[^A-Za-z0-9]+", _WORD.sub("_", plain))
    made = "_".join(word for word in words if word).lower()
    return made if made[:1].isalpha() else f"t_{made}".rstrip("_")


def asset_names(tables: Iterable[str], taken: Collection[str] = ()) -> dict[str, str]:
    """Table → asset. The same for the same set of tables, whatever their order.

    A name gets eight characters of its MD5 at the end where the plain form is not its own: another table has the same,
    it is among ``taken``, or it looks like a view of another table (``…_current``).
    """
    plain: Mapping[str, str] = {name: snake_case(name) for name in tables}
    wanted = Counter(plain.values())
    made = {}
    for name, asset in plain.items():
        own = wanted[asset] == 1 and asset not in taken and not asset.endswith(_VIEW)
        digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
        made[name] = asset if own else f"{asset}_{digest[:HASH_CHARACTERS]}"
    return made


def column_names(columns: Iterable[tuple[int, str]], known: Collection[str] = ()) -> dict[str, str]:
    """Source column → lake column, for the (``attnum``, name) of one table and the columns that the lake has already.

    No reader of the lake can tell names apart that differ only by case: the later one gets its number at the end
    (``Name__7``), and keeps it. A name that begins like our metadata gets ``source`` before it.
    """
    made: dict[str, str] = {}
    taken = {name.casefold(): name for name in known}
    for number, name in sorted(columns):
        lake = f"source{name}" if name.casefold().startswith(METADATA) else name
        numbered = f"{lake}__{number}"
        if numbered in known or taken.get(lake.casefold(), lake) != lake or lake in made.values():
            lake = numbered
        taken.setdefault(lake.casefold(), lake)
        made[name] = lake
    return made


def original_name(lake_column: str) -> str:
    """The source's name of a lake column (or of a source column, unless it ends in two underscores and a number)."""
    return re.sub(rf"^source(?={METADATA})|__\d+$", "", lake_column, flags=re.IGNORECASE)
