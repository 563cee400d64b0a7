"""The memory of runs and findings: append-only, sealed, one transaction for each run."""

from __future__ import annotations


class LedgerError(ValueError):
    """A ledger that cannot be read or written: one clear line for a person. Nothing was recorded in part."""


class LedgerAway(LedgerError):
    """Its server does not answer, and may in a while."""
