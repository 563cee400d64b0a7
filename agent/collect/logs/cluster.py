"""A source whose rows outgrow this machine: they are read and kept as Parquet here, and counted by a cluster of Apache Spark."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent.collect.logs.counting import Question
from agent.collect.logs.parquet import NotRows
from agent.collect.logs.reading import written
from agent.collect.logs.spark import NoSpark, run_files, session
from checks.logs.engine import Asked, EngineFailed, prepare
from checks.logs.partial import Partial
from checks.logs.spark import Spark
from checks.logs.tables import TABLES

__all__ = ["FAILURES", "Cluster", "rows_file"]

FAILURES = (NoSpark, EngineFailed, NotRows)
"""What ends a count without an answer."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """`url` is `spark://host:7077`; `host` this machine's name as the workers reach it; `folder` is where the rows are kept, which every
    worker must be able to read at the same path."""

    url: str
    folder: Path
    host: str | None = None

    def count(self, source: str, table: str, questions: Sequence[Question], names: Sequence[str], now: datetime) -> Partial:
        """What the questions about a table come to over the rows of these objects. Raises FAILURES."""
        asked = [Asked(one.name, one.rule(), one.params) for one in questions if one.table == table]
        paths = [path for name in names if (path := rows_file(self.folder, name)).exists()]
        if not asked or not paths:
            return Partial(rows={source: 0})
        with session(self.url, host=self.host) as opened:
            return run_files(Spark(opened), prepare(TABLES[table], asked, now), source, paths)

    def clear(self, names: Sequence[str]) -> None:
        """Delete the rows of all objects but these."""
        kept = {rows_file(self.folder, name) for name in names}
        for path in set(self.folder.glob("*.parquet")) - kept:
            path.unlink(missing_ok=True)


def rows_file(folder: Path, name: str) -> Path:
    """Where the rows of an object are kept."""
    return folder / f"{hashlib.sha256(written(name).encode()).hexdigest()[:32]}.parquet"
