"""A session of Apache Spark, opened and closed: the cluster on which rules over rows are run (see `checks.logs.spark`)."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import socket
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agent.collect.logs import parquet
from checks.logs.engine import EngineFailed, Questions, run_whole
from checks.logs.partial import Partial
from checks.logs.spark import Files, Spark, said

_STANDALONE: Final = re.compile(r"spark://(?P<host>[^:,/]+|\[[^]]+\]):(?P<port>[0-9]{1,5})")
_CONNECT: Final = 10.0
WAIT: Final = 60.0
"""Seconds until a master must have given this application an executor."""

_SETTINGS: Final[Mapping[str, str]] = {
    "spark.app.name": "upheld",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # What fails is raised, too; what is too long for Java's compiler is interpreted, and not worth a stack trace.
    "spark.log.level": "FATAL",
    # Java's own stack, half a megabyte or one, ends where a pattern with a repeated group meets a text of some thousand letters.
    "spark.driver.extraJavaOptions": "-Xss16m",
    "spark.executor.extraJavaOptions": "-Xss16m",
}


class NoSpark(RuntimeError):
    """There is no session: what is missing, and what to do."""


@contextlib.contextmanager
def session(url: str, *, host: str | None = None, settings: Mapping[str, str] | None = None, wait: float = WAIT) -> Iterator[Any]:
    """A session on a standalone cluster, `spark://host:7077`, or in this process's own Java, `local[2]`; closed at the end.

    `host` is this machine's name or address as the workers reach it, by default what Spark finds. `settings` are Spark's own, and
    go before the ones here. Raises NoSpark.
    """
    _java()
    _reached(url)
    own = {"spark.driver.host": host, "spark.driver.bindAddress": host} if host is not None else {}
    with warnings.catch_warnings():  # about pandas, of which nothing is used
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        opened = _started(url, {**_SETTINGS, **own, **(settings or {})})
    try:
        if not url.startswith("local"):
            _executor(opened, url, wait)
        yield opened
    finally:
        _close(opened)


def run_files(engine: Spark, questions: Questions, source: str, paths: Sequence[Path]) -> Partial:
    """All rules over the rows of Parquet files (see `log_parquet`), which this machine and every worker can read at these paths.

    Raises NotRows for a file that does not hold the table's rows, EngineFailed where Spark saw fewer or more than the files hold.
    """
    held = parquet.count(questions.table, paths)
    partial = run_whole(engine, questions, source, Files(questions.table, tuple(f"file://{path.resolve()}" for path in paths)))
    if partial.rows[source] != held:
        raise EngineFailed(
            f"{source}: Spark read {partial.rows[source]} rows, and the files hold {held}: do all workers see the same files?"
        )
    return partial


def _java() -> None:
    home = os.environ.get("JAVA_HOME")
    if shutil.which(str(Path(home) / "bin" / "java") if home else "java") is None:
        raise NoSpark("Spark needs Java 17 or later, and there is none: install openjdk-17-jre-headless, or set JAVA_HOME")


def _started(url: str, settings: Mapping[str, str]) -> Any:
    try:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise NoSpark(f"Spark is not installed ({error}): pip install 'upheld[spark]'") from error
    if SparkContext._active_spark_context is not None:  # noqa: SLF001  # getOrCreate would give that one, whatever its master is
        raise NoSpark("this process has a Spark session already: close it first")
    logging.getLogger("SQLQueryContextLogger").disabled = True  # which prints a stack trace beside every error that is raised
    builder: Any = SparkSession.builder.master(url)
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:  # Java's errors come in many types, and all of them mean that there is no session
        problem = said(error)
        _end_java()
        raise NoSpark(f"{url}: Spark did not start: {problem}") from error


def _close(opened: Any) -> None:
    from py4j.protocol import Py4JError

    with contextlib.suppress(Py4JError, OSError):  # Java has ended already
        opened.stop()
    _end_java()


def _end_java() -> None:
    """Spark itself would keep its Java until this process ends, and has no public way to end it."""
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway  # noqa: SLF001
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()
    SparkContext._active_spark_context = SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001


def _reached(url: str) -> None:
    """Spark itself asks a master that is not there for a minute, and then says something else."""
    if (found := _STANDALONE.fullmatch(url)) is None:
        return
    try:
        socket.create_connection((found["host"].strip("[]"), int(found["port"])), _CONNECT).close()
    except (OSError, OverflowError) as error:
        raise NoSpark(f"{url}: no Spark master answers there: {error}") from error


def _executor(opened: Any, url: str, wait: float) -> None:
    """Without an executor every job would wait for ever. The driver is counted as one."""
    tracker = opened.sparkContext._jsc.sc().statusTracker()  # noqa: SLF001  # Python's own tracker does not tell executors
    end = time.monotonic() + wait
    while len(tracker.getExecutorInfos()) < 2:
        if time.monotonic() > end:
            raise NoSpark(f"{url}: the master gave no executor within {wait:.0f} s: start a worker, or free one")
        time.sleep(0.1)
