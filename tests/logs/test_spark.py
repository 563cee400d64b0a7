"""Spark counts what DuckDB counts, on a worker of a standalone cluster; the long form is `make spark`."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agent.collect.logs import parquet
from agent.collect.logs.spark import NoSpark, run_files, session
from checks.logs.engine import EngineFailed, prepare, run_whole, unzoned
from checks.logs.partial import Partial, plain, verdict
from checks.logs.rows import to_arrow
from checks.logs.spark import Files, Spark
from checks.logs.tables.cloudtrail import CLOUDTRAIL
from checks.logs.tables.vpc_flow import VPC_FLOW
from checks.verdict import Verdict
from tests.checks.logs.grammar import NOW
from tests.checks.logs.log_rules import asked, count, make
from tests.logs.cluster import SETTINGS, Cluster, cluster
from tests.logs.spark import Tally, compared, expressions, files, rules
from tests.world.servers import LOOPBACK, free_port

MFA = make("row.mfa", applies_if="row.event_name == 'ConsoleLogin'", group_by=["principal"], show=["time", "principal"])
LOGIN = {"event_name": "ConsoleLogin", "time": "2026-02-01T10:05:00Z", "object": "a", "line": 1, "principal": "ana", "mfa": True}


@pytest.fixture(scope="session")
def running() -> Iterator[Cluster]:
    with cluster() as one:
        yield one


@pytest.fixture(scope="session")
def opened(running: Cluster) -> Iterator[Any]:
    with session(running.url, host=LOOPBACK, settings=SETTINGS) as one:
        yield one


@pytest.fixture(scope="session")
def spark(opened: Any) -> Spark:
    return Spark(opened)


def verdicts(partial: Partial) -> set[Verdict | None]:
    return {verdict(counted) for counted in partial.cells.values()}


def test_a_condition_is_on_spark_what_it_is_to_the_runtime_for_every_row(spark: Spark, tmp_path: Path) -> None:
    tally = Tally()
    expressions(tally, spark, tmp_path, 180, 120, 7)
    assert tally.disagreements == []
    assert tally.counts["expressions"] == 180
    assert min(tally.counts[truth] for truth in ("True", "False", "None")) > 3000


def test_shipped_rules_leave_the_partials_that_they_leave_on_duckdb(spark: Spark, tmp_path: Path) -> None:
    tally = Tally()
    rules(tally, spark, tmp_path, 500, 7, every=16)
    assert tally.disagreements == []
    assert tally.counts["rules"] > 5
    assert tally.counts["samples"] > 10


def test_the_worker_runs_it(running: Cluster, spark: Spark) -> None:
    assert [(one["name"], one["cores"]) for one in running.state()["activeapps"]] == [("upheld", 1)]


def test_rows_of_an_arrow_table_are_counted_alike(spark: Spark) -> None:
    rows = [LOGIN, {**LOGIN, "mfa": False, "line": 2}, {**LOGIN, "mfa": None}, {**LOGIN, "time": None}, {"event_name": "RunInstances"}]
    found = run_whole(spark, prepare(CLOUDTRAIL, asked(MFA), NOW), "trail", unzoned(to_arrow(CLOUDTRAIL, rows)))
    assert plain(found) == plain(count(asked(MFA), rows))


def test_texts_group_and_are_shown_as_they_are(spark: Spark, tmp_path: Path) -> None:
    names = ["ana", "Ana", "ana ", "ana\0", "ana\0eve", "\0", "", "\uffff", "🙂", "ä", "a\u0308", "${spark.app.name}", "\\n", "\n", None]
    rows = [{"user_name": name, "object": name, "line": line} for line, name in enumerate(names * 2)]
    rule = make("row.user_name == 'ana'", group_by=["user_name"], show=["user_name"])
    tally = Tally()
    compared(tally, spark, prepare(CLOUDTRAIL, asked(rule, make("row.user_name == 'ana'")), NOW), rows, tmp_path)
    assert tally.disagreements == []
    assert tally.counts["samples"] > len(names)


def test_what_the_clusters_own_session_is_set_to_changes_nothing(opened: Any, tmp_path: Path) -> None:
    kept = {"spark.sql.session.timeZone": "Asia/Kolkata", "spark.sql.ansi.enabled": "false", "spark.sql.variable.substitute": "true"}
    for name, value in kept.items():
        opened.conf.set(name, value)
    tally = Tally()
    compared(tally, Spark(opened), prepare(CLOUDTRAIL, asked(MFA), NOW), [LOGIN], tmp_path)
    assert tally.disagreements == []
    assert {name: opened.conf.get(name) for name in kept} == kept


def test_the_harness_sees_what_is_counted_in_another_hour(opened: Any, tmp_path: Path) -> None:
    other = Spark(opened)
    other._own.conf.set("spark.sql.session.timeZone", "Asia/Kolkata")
    tally = Tally()
    compared(tally, other, prepare(CLOUDTRAIL, asked(MFA), NOW), [LOGIN], tmp_path)
    assert "DuckDB" in tally.disagreements[0]


def test_files_are_counted_by_spark_as_they_say_themselves(spark: Spark, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a b.parquet", "50%20ä,=.parquet", "object=x")]
    for place, path in enumerate(paths):
        parquet.write(CLOUDTRAIL, [to_arrow(CLOUDTRAIL, [{**LOGIN, "line": place}] * place)], path)
    found = run_files(spark, prepare(CLOUDTRAIL, asked(MFA), NOW), "trail", paths)
    assert found.rows == {"trail": 3}
    assert verdicts(found) == {Verdict.UPHELD}


@pytest.mark.parametrize("name", ["_a.parquet", ".a.parquet", "a*.parquet", "{a,b}.parquet", "a[1].parquet"])
def test_a_name_that_spark_reads_otherwise_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name it otherwise"):
        Files(CLOUDTRAIL, (f"/logs/{name}",))


def test_a_file_that_is_damaged_or_gone_is_no_answer(spark: Spark, tmp_path: Path) -> None:
    questions = prepare(CLOUDTRAIL, asked(MFA), NOW)
    held = files(CLOUDTRAIL, [{**LOGIN, "line": line} for line in range(600)], tmp_path)
    damaged = Path(held.paths[1])
    content = damaged.read_bytes()
    damaged.write_bytes(content[:40] + bytes(len(content) // 2) + content[40 + len(content) // 2 :])
    with pytest.raises(EngineFailed, match="Spark: "):
        run_whole(spark, questions, "trail", held)
    damaged.unlink()
    with pytest.raises(EngineFailed, match="Spark: "):
        run_whole(spark, questions, "trail", held)


def test_a_file_of_another_table_is_no_answer(spark: Spark, tmp_path: Path) -> None:
    path = tmp_path / "flow.parquet"
    parquet.write(VPC_FLOW, [to_arrow(VPC_FLOW, [{"bytes": 1}])], path)
    with pytest.raises(parquet.NotRows, match=r"log\.cloudtrail"):
        run_files(spark, prepare(CLOUDTRAIL, asked(MFA), NOW), "trail", [path])


def test_a_column_that_a_file_lacks_is_unproven_and_one_of_another_type_is_no_answer(spark: Spark, tmp_path: Path) -> None:
    rows = to_arrow(CLOUDTRAIL, [LOGIN])
    questions = prepare(CLOUDTRAIL, asked(MFA), NOW)
    path = tmp_path / "part.parquet"
    pq.write_table(rows.drop_columns(["mfa"]), path)
    assert verdicts(run_whole(spark, questions, "trail", Files(CLOUDTRAIL, (str(path),)))) == {Verdict.UNPROVEN}
    pq.write_table(rows.set_column(rows.schema.get_field_index("mfa"), "mfa", pa.array(["yes"])), path)
    with pytest.raises(EngineFailed, match="Spark: "):
        run_whole(spark, questions, "trail", Files(CLOUDTRAIL, (str(path),)))


def test_without_a_free_worker_or_with_a_strange_url_there_is_no_session_and_no_java_is_left(running: Cluster, spark: Spark) -> None:
    # In a process of its own, as this one has its session.
    asks = f"""
        from agent.collect.logs.spark import NoSpark, session
        from pyspark import SparkContext
        for url in ("sparks://there", {running.url!r}):
            try:
                with session(url, host={LOOPBACK!r}, settings={dict(SETTINGS)!r}, wait=1):
                    pass
            except NoSpark as error:
                print(error, SparkContext._gateway)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(asks)], capture_output=True, text=True, check=False)
    strange, busy = done.stdout.splitlines()
    assert strange.startswith("sparks://there: Spark did not start: ")
    assert strange.endswith(" None")
    assert busy == f"{running.url}: the master gave no executor within 1 s: start a worker, or free one None"


def test_without_a_master_there_is_no_session() -> None:
    with pytest.raises(NoSpark, match="no Spark master answers there"), session(f"spark://{LOOPBACK}:{free_port()}"):
        pass


def test_a_second_session_in_a_process_is_refused(running: Cluster, spark: Spark) -> None:
    with pytest.raises(NoSpark, match="has a Spark session already"), session(running.url):
        pass


def test_without_java_there_is_no_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", os.fspath(tmp_path))
    with pytest.raises(NoSpark, match="install openjdk-17-jre-headless"), session("local[1]"):
        pass
