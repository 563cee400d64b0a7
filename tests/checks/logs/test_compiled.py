"""The compiled form of a condition and the CEL runtime, row by row: what one calls true, false or an error, so does the other."""

from __future__ import annotations

import operator
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import duckdb
import ibis
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from checks import expression
from checks.functions.addresses import AddressSet, read_network
from checks.logs import subset
from checks.logs.compile import Compiler
from checks.logs.engine import unzoned
from checks.logs.rows import to_arrow
from tests.checks.logs.grammar import NOW, PARAMS, TABLE, condition, rows
from tests.checks.logs.runtime_rows import TYPES, by_runtime


@cache
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def by_engine(texts: list[str], rows: list[dict[str, Any]], params: dict[str, Any]) -> list[list[bool | None]]:
    """For each text, what it is for each row."""
    data = unzoned(to_arrow(TABLE, [{**one, "line": place} for place, one in enumerate(rows)]))
    held = ibis.table(ibis.Schema.from_pyarrow(data.schema), name="rows")
    asked = Compiler(held, params, NOW)
    terms = [subset.read(expression.parse(text)[1], TABLE, TYPES) for text in texts]
    query = held.select("line", **{f"c{place}": asked.condition(term) for place, term in enumerate(terms)}).order_by("line")
    engine = connection()
    engine.register("rows", data)
    answer = engine.sql(ibis.to_sql(query, dialect="duckdb")).to_arrow_table().to_pydict()
    return [answer[f"c{place}"] for place in range(len(texts))]


@settings(max_examples=70, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # to shrink is slow, and shows less
@given(st.lists(condition, min_size=6, max_size=14), st.integers(0, 2**32))
def test_the_engine_and_the_runtime_agree_on_every_row(texts: list[str], seed: int) -> None:
    held = rows(seed, 60)
    for text, compiled in zip(texts, by_engine(texts, held, PARAMS), strict=True):
        for one, found, wanted in zip(held, compiled, by_runtime(text, held, PARAMS), strict=True):
            assert (text, one, found) == (text, one, wanted)


networks = st.one_of(
    st.builds(lambda number, length: IPv4Network((number, length), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.builds(
        lambda number, length: IPv6Network((number, length), strict=False),
        st.integers(0, 2**128 - 1) | st.builds(operator.or_, st.sampled_from([0x20010DB8 << 96, 0]), st.integers(0, 2**66)),
        st.integers(0, 128) | st.integers(60, 70),
    ),
)


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(networks, max_size=24))
@example([IPv6Network("2001:db8::/64")])
@example([IPv6Network((place << 124, 16)) for place in range(16)])
@example([IPv6Network((place << 63, 66)) for place in range(1, 16, 2)])
@example([IPv4Network((place << 9, 24)) for place in range(70)] + [IPv4Network((2**32 - 2 - 4 * place, 32)) for place in range(20)])
@example(
    [IPv6Network((place << 65, 64)) for place in range(80)] + [IPv6Network((place << 120, 12), strict=False) for place in range(0, 256, 32)]
)
@example([IPv6Network(((place << 64) + 2**63 + 3 * place, 128)) for place in range(80)] + [IPv6Network("8000::/1")])
def test_an_address_is_within_by_its_integers_where_it_is_by_its_bits(held: list[IPv4Network | IPv6Network]) -> None:
    edges = [(one.version, int(edge) + by) for one in held for edge in (one[0], one[-1]) for by in (-1, 0, 1)] + [(4, 0), (6, 0)]
    kinds: dict[int, Any] = {4: IPv4Address, 6: IPv6Address}
    asked = [kinds[version](number) for version, number in edges if 0 <= number < 2 ** (32 if version == 4 else 128)]
    asked = [one for one in asked if not (isinstance(one, IPv6Address) and one.ipv4_mapped)]
    (found,) = by_engine(
        ["cidrs_within([row.source], params.networks)"],
        [{"source": str(one)} for one in asked],
        {**PARAMS, "networks": [str(one) for one in held]},
    )
    allowed = AddressSet.of(read_network(str(one)) for one in held)
    assert found == [bool(AddressSet.of([read_network(str(one))]) & allowed) for one in asked]


def test_a_moment_that_a_promise_gives_finer_than_a_table_holds_it_decides_nothing() -> None:
    held = [{"time": "2026-03-01T12:00:00Z"}, {"time": "2026-03-01T12:00:01Z"}]
    for moment, found in (("2026-03-01T12:00:00.0000005Z", [None, None]), ("2026-03-01T12:00:00.000000500000Z", [None, None]),
                          ("2026-03-01T12:00:00.000000000Z", [False, True])):  # fmt: skip
        (compiled,) = by_engine(["timestamp(row.time) > timestamp(params.moment)"], held, {**PARAMS, "moment": moment})
        assert compiled == found
