"""Apache Spark as the engine of rules over rows: the same questions, over Parquet files that a cluster reads, or an Arrow table.

What Spark differs in is settled here, by settings, or in `compile` and `pattern`, by writing only what it and DuckDB mean alike.
Held against the CEL runtime and DuckDB on Spark 4.3; limits:

- The rows of Parquet files are read once for each rule, of which only the columns it asks about.
- Java matches regular expressions by backtracking: a pattern in which a repetition repeats another can take long on a text that is made
  for it, and one that repeats a group uses a thread's stack (16 MB are enough for 40,000 letters, and not for 400,000): then an executor
  ends, and with it the job. That is EngineFailed, never a truth value.
- A file whose name begins with `_` or `.`, or has a wildcard in it, is refused: Spark would pass over it, or read others.
- Spark waits for executors for as long as it takes: a deadline is the caller's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from checks.logs.engine import ROWS, EngineFailed, Sql
from checks.logs.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

SETTINGS: Final[Mapping[str, str]] = {
    # Times are without a zone and in UTC; what has a zone, or gets one (date_trunc does), is in UTC too.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",  # years before 1900 are those of the Gregorian calendar
    # What cannot be read or computed ends the job; nothing becomes NULL, or fewer rows, in silence.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    # A text in a query is that text: without this, '${name}' becomes a setting's value, and '\\n' two letters.
    "spark.sql.variable.substitute": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.caseSensitive": "true",
}
"""What is set in a session of its own, whatever the cluster's defaults are (Spark documentation, Configuration, Runtime SQL)."""

_TYPES: Final[Mapping[str, str]] = {"string": "STRING", "int64": "BIGINT", "bool": "BOOLEAN", "timestamp": "TIMESTAMP_LTZ"}
_WILD: Final = frozenset("*?[]{}\\")


@dataclass(frozen=True, slots=True)
class Files:
    """Parquet files with a table's rows, as `Table.schema` has them: paths or URLs that every worker can read.

    A column that a file lacks is null. Raises ValueError for a name that Spark reads otherwise, as it would what lies in a folder.
    """

    table: Table
    paths: tuple[str, ...]

    def __post_init__(self) -> None:
        for path in self.paths:
            if path.rstrip("/").rpartition("/")[2].startswith(("_", ".")) or _WILD & set(path):
                raise ValueError(
                    f"{path}: Spark passes over names that begin with _ or . and takes *?[]{{}} for wildcards: name it otherwise"
                )

    @property
    def ddl(self) -> str:
        return ", ".join(f"`{name}` {_TYPES[kind]}" for name, kind in self.table.physical)


@dataclass(slots=True)
class Spark:
    """Spark, by way of a session that is handed in; it is left as it was."""

    session: Any
    _own: Any = field(init=False)
    _sql: Sql = field(default_factory=lambda: Sql("pyspark"))

    def __post_init__(self) -> None:
        self._own = self.session.newSession()
        for name, value in SETTINGS.items():
            self._own.conf.set(name, value)

    def run(self, rows: Files | pa.Table, queries: Sequence[Any]) -> Iterator[list[dict[str, Any]]]:
        """The answer to each query in turn, as rows. Raises EngineFailed."""
        with _failures():
            frame = self._read(rows) if isinstance(rows, Files) else self._own.createDataFrame(rows)
            frame.createOrReplaceTempView(ROWS)
        try:
            for query in queries:
                with _failures():
                    answer = self._own.sql(self._sql.of(query)).toArrow().to_pylist()
                yield answer
        finally:
            with contextlib.suppress(EngineFailed), _failures():  # where Java is gone, so are its views
                self._own.catalog.dropTempView(ROWS)

    def _read(self, files: Files) -> Any:
        # A folder's name is part of no row: without this, `object=x/` would be a column's value.
        frame = self._own.read.schema(files.ddl).option("recursiveFileLookup", "true").parquet(*files.paths)
        times = {name for name, kind in files.table.physical if kind == "timestamp"}
        return frame.selectExpr(
            *(f"CAST(`{name}` AS TIMESTAMP_NTZ) AS `{name}`" if name in times else f"`{name}`" for name in frame.columns)
        )


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    from py4j.protocol import Py4JError, Py4JNetworkError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JNetworkError, OSError) as error:
        raise EngineFailed(f"Spark: its driver does not answer any more: {error}") from error
    except (PySparkException, Py4JError) as error:
        raise EngineFailed(f"Spark: {said(error)}") from error


def said(error: Exception) -> str:
    """What went wrong, in a line: for what Java threw its innermost cause."""
    try:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    except Exception:  # what Java threw has no text once Java itself is gone
        lines = []
    thrown = [line.removeprefix("Caused by: ").removeprefix(": ") for line in lines if line.startswith(("Caused by: ", ": "))]
    return (thrown or lines[:1] or [type(error).__name__])[-1]
