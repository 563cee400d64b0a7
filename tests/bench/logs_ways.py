"""Ways to read a folder of log files, one a process: ours, the limit, and what people use.

    python -m tests.bench.logs_ways FORMAT WAY FOLDER

Prints what the question came to, so that all ways can be held against each other: CloudTrail's console logins without MFA
by principal, the bytes of accepted flows by port, requests by TLS version and status.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

Answer = dict[str, int]
WANTED: Final = {
    "cloudtrail": ("event_name", "principal", "mfa"),
    "vpc_flow": ("destination_port", "action", "bytes"),
    "alb": ("type", "tls_version", "status"),
}


def gunzip(_: str, files: list[Path]) -> Answer:
    from isal import isal_zlib

    return {"bytes": sum(len(isal_zlib.decompress(file.read_bytes(), 31)) for file in files)}


def upheld_three(format_: str, files: list[Path]) -> Answer:
    return _ours(format_, files, WANTED[format_])


def upheld_whole(format_: str, files: list[Path]) -> Answer:
    return _ours(format_, files, None)


def _ours(format_: str, files: list[Path], wanted: Iterable[str] | None) -> Answer:
    """Asked of as many rows at once as the program asks."""
    from agent.collect.logs.reading import FileRead, read_file
    from checks.logs.engine import CHUNK

    found: Counter[str] = Counter()
    held: list[Any] = []
    for file in files:
        read = FileRead(str(file))
        for batch in read_file(file, read, wanted=None if wanted is None else lambda _: frozenset(wanted)):
            held.append(batch.select(WANTED[format_]))
            if sum(one.num_rows for one in held) >= CHUNK:
                found.update(_asked(format_, held))
                held.clear()
        assert read.whole, read
    if held:
        found.update(_asked(format_, held))
    return dict(found)


def _asked(format_: str, batches: list[Any]) -> Answer:
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = pa.Table.from_batches(batches).rename_columns(["a", "b", "c"])
    match format_:
        case "cloudtrail":
            logins = rows.filter(pc.and_(pc.equal(rows["a"], "ConsoleLogin"), pc.invert(rows["c"])))
            return {one["values"]: one["counts"] for one in logins["b"].value_counts().to_pylist()}
        case "vpc_flow":
            sums = rows.filter(pc.equal(rows["b"], "ACCEPT")).group_by("a").aggregate([("c", "sum")]).to_pylist()
            return {str(one["a"]): one["c_sum"] for one in sums}
    counts = rows.group_by(["b", "c"]).aggregate([("a", "count")]).to_pylist()
    return {f"{one['b']} {one['c']}": one["a_count"] for one in counts}


def duckdb_three(format_: str, files: list[Path]) -> Answer:
    return {str(key): int(count) for key, count in _duckdb(_QUESTIONS[format_].format(rows=_rows(format_, files))) if key is not None}


def duckdb_whole(format_: str, files: list[Path]) -> Answer:
    """Every column read, and none kept."""
    ((rows, *_),) = _duckdb(f"SELECT count(*), count(COLUMNS(*)) FROM {_rows(format_, files)}")
    return {"rows": rows}


_QUESTIONS: Final = {
    "cloudtrail": """
        SELECT coalesce(userIdentity.arn, userIdentity.principalId), count(*) FROM {rows}
        WHERE eventName = 'ConsoleLogin' AND lower(additionalEventData.MFAUsed) = 'no' GROUP BY 1
    """,
    "vpc_flow": """SELECT "dstport", sum("bytes") FROM {rows} WHERE "action" = 'ACCEPT' GROUP BY 1""",
    "alb": """SELECT coalesce("ssl_protocol", 'None') || ' ' || "elb_status_code", count("type") FROM {rows} GROUP BY 1""",
}


def _duckdb(query: str) -> list[tuple[Any, ...]]:
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        return connection.sql(query).fetchall()


def _rows(format_: str, files: list[Path]) -> str:
    """DuckDB's own reader with the columns and their types told, so that it need not guess."""
    names = "[" + ", ".join(f"'{file}'" for file in files) + "]"
    if format_ == "cloudtrail":
        held = (
            "STRUCT(eventName VARCHAR, eventTime VARCHAR, userIdentity STRUCT(arn VARCHAR, principalId VARCHAR), "
            "additionalEventData STRUCT(MFAUsed VARCHAR))[]"
        )
        read = f"read_json({names}, format = 'unstructured', maximum_object_size = 268435456, columns = {{Records: '{held}'}})"
        return f"(SELECT record.* FROM (SELECT unnest(Records) AS record FROM {read}))"
    columns = ", ".join(f"'{name}': '{type_}'" for name, type_ in _columns(format_, files).items())
    header, quote = ("true", "") if format_ == "vpc_flow" else ("false", '"')
    return (
        f"read_csv({names}, auto_detect = false, delim = ' ', quote = '{quote}', escape = '{quote}', header = {header}, nullstr = '-', "
        f"columns = {{{columns}}})"
    )


def _columns(format_: str, files: list[Path]) -> dict[str, str]:
    if format_ == "vpc_flow":
        from checks.logs.formats.vpc_flow import _INTEGERS, _TIMES
        from tests.bench.logs_data import FLOW_FIELDS

        return {name: "BIGINT" if name in {*_INTEGERS, *_TIMES} else "VARCHAR" for name in FLOW_FIELDS.split(" ")}
    from checks.logs.formats.alb import _INTEGERS as NUMBERS
    from checks.logs.formats.alb import FIELDS
    from tests.bench.logs_data import ALB_FIELDS

    return {name: "BIGINT" if name in NUMBERS else "VARCHAR" for name in FIELDS[:ALB_FIELDS]}


def pandas_three(format_: str, files: list[Path]) -> Answer:
    found: Counter[str] = Counter()
    for frame in _frames(format_, files, whole=False):
        if format_ == "cloudtrail":
            logins = frame[frame["eventName"] == "ConsoleLogin"]
            used = logins["additionalEventData"].map(lambda held: held.get("MFAUsed") if isinstance(held, dict) else None)
            found.update(logins[used == "No"]["userIdentity"].map(lambda held: held.get("arn")).value_counts().to_dict())
        elif format_ == "vpc_flow":
            sums = frame[frame["action"] == "ACCEPT"].groupby("dstport")["bytes"].sum()
            found.update({str(int(port)): int(total) for port, total in sums.items()})
        else:
            sums = frame.groupby(["ssl_protocol", "elb_status_code"], dropna=False)["type"].count()
            found.update(
                {f"{version if isinstance(version, str) else None} {status}": int(count) for (version, status), count in sums.items()}
            )
    return dict(found)


def pandas_whole(format_: str, files: list[Path]) -> Answer:
    return {"rows": sum(int(frame.count().max()) for frame in _frames(format_, files, whole=True))}


def _frames(format_: str, files: list[Path], *, whole: bool) -> Iterator[Any]:
    import gzip

    import pandas as pd

    for file in files:
        if format_ == "cloudtrail":
            yield pd.DataFrame(json.loads(gzip.decompress(file.read_bytes()))["Records"])
            continue
        columns = _columns(format_, files)
        asked = {"vpc_flow": ["dstport", "action", "bytes"], "alb": ["type", "ssl_protocol", "elb_status_code"]}[format_]
        yield pd.read_csv(
            file, sep=" ", names=list(columns), header=0 if format_ == "vpc_flow" else None, usecols=None if whole else asked,
            na_values=["-"], engine="c",
        )  # fmt: skip


WAYS: Final[dict[str, Callable[[str, list[Path]], Answer]]] = {
    "gunzip": gunzip, "upheld-three": upheld_three, "upheld-whole": upheld_whole, "duckdb-three": duckdb_three,
    "duckdb-whole": duckdb_whole, "pandas-three": pandas_three, "pandas-whole": pandas_whole,
}  # fmt: skip


def main() -> int:
    format_, way, folder = sys.argv[1:]
    print(json.dumps(WAYS[way](format_, sorted(Path(folder).iterdir())), sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
