"""Estates that hold log sources, made in a test: rows counted as a collection counts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb

from checks.logs.engine import Asked, DuckDB, prepare, run
from checks.logs.hours import Proof, Row
from checks.logs.rows import to_arrow
from checks.logs.source import SOURCE, TYPES, Told, question, resources
from checks.logs.tables import TABLES
from checks.model import GLOBAL, Estate, Gap, Look, Manifest, Resource, Scope
from checks.rule import Rule

ACCOUNT = "111122223333"
FINISHED = "2026-11-25T12:00:00Z"
NOW = datetime.fromisoformat(FINISHED)


def hours(*proofs: Proof) -> tuple[Row, ...]:
    """The clock hours before the end of the collection, the last one last."""
    start = NOW - timedelta(hours=len(proofs))
    return tuple(
        Row(start + timedelta(hours=place), start + timedelta(hours=place + 1), proof, () if proof is Proof.PROVEN else (f"it is {proof}",))
        for place, proof in enumerate(proofs)
    )


def told(
    rules: Sequence[Rule], rows: Iterable[Mapping[str, Any]], proofs: Iterable[Proof] = (Proof.PROVEN,), *,
    id_: str = "trail", account: str = ACCOUNT, table: str = "log.cloudtrail", params: Mapping[str, Any] | None = None, **data: Any,
) -> Told:  # fmt: skip
    """A source of these rows, counted by the rules under their defaults, or these parameters."""
    asked = [Asked(question(one, one.params(params or {}), NOW), one, one.params(params or {})) for one in rules]
    with duckdb.connect(config={"threads": 1}) as connection:
        counts = run(DuckDB(connection), prepare(TABLES[table], asked, NOW), id_, [to_arrow(TABLES[table], rows)])
    return Told(id_, account, table, data, hours(*proofs), tuple(one.name for one in asked), counts)


def estate(*sources: Told, gaps: Sequence[Gap] = (), accounts: Iterable[str] = (), looked: bool = True) -> Estate:
    """An estate of nothing but log sources."""
    held: dict[str, list[Resource]] = {}
    looks = []
    for one in sources:
        look = Look(f"look-{one.id}", one.account, GLOBAL, SOURCE, "read", one.id, 1, 1, FINISHED, None, "0" * 64)
        looks += [look] if looked else []
        for resource in resources(one, (look.id,)):
            held.setdefault(resource.type, []).append(resource)
    scope = Scope(dict.fromkeys({*accounts, *(one.account for one in sources)}, (GLOBAL,)), TYPES)
    manifest = Manifest("upheld.estate/1", FINISHED, FINISHED, "test", {}, None, scope)
    return Estate(manifest, {name: tuple(members) for name, members in held.items()}, tuple(looks), tuple(gaps))
