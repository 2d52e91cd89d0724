"""The exceptions of the house: one class per thing a caller can act on.

Every message says what was wrong, where (table, column, file, server), and what to do. None holds a password or a key.
"""

from __future__ import annotations


class LakehouseError(Exception):
    """Base of every error this project raises on purpose; the CLI prints its text alone, without a traceback."""


class SettingsError(LakehouseError):
    """A setting is missing or has a value that cannot work."""


class SourceError(LakehouseError):
    """The source cannot be reached, refuses us, or lacks a table that is needed."""


class ExtractionError(LakehouseError):
    """One table cannot be captured exactly: a value, a type or a number of rows that is refused. Other tables go on."""


class LakeError(LakehouseError):
    """The lake's store is missing, refuses us, is full, or does not honour conditional puts."""


class ConflictError(LakehouseError):
    """Somebody else published the same table meanwhile: read again and retry."""


class ContractError(LakehouseError):
    """A table's declared contract is itself wrong (a rule that cannot be understood, a column declared twice)."""


class ServiceError(LakehouseError):
    """A service outside the company (addresses, weather, economy) does not answer, refuses us, or answers nonsense."""


class DocumentationError(LakehouseError):
    """The documentation cannot be written where it was asked for."""


class DemoError(LakehouseError):
    """An embedded server cannot start, or the demo company cannot be created."""
