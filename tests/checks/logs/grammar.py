"""Conditions over rows, drawn from the whole of what compiles, and rows that sit on their edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from checks.logs.rows import rfc3339
from checks.logs.tables import Column, Table, address_text

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TABLE = Table(
    "log.test",
    tuple(
        Column(name, kind, "")
        for name, kind in {
            "flag": "boolean", "other": "boolean", "text": "string", "word": "string", "count": "integer", "size": "integer",
            "time": "timestamp", "end": "timestamp", "source": "address", "target": "address",
        }.items()
    ),
)  # fmt: skip
WORDS = ["", "a", "A", "ab", "a\nb", "b\n", "a%b", "a_b", "it's", 'q"q', "\\", "a\\b", "é", "e\u0301", "\0", "a\0b", "TLSv1.2", "tls 1.3",
         " 1.1\u2003", "TLSv1.4", "tlsv 1.2", "\u017f", "ſtl", "İ", "🙂", "null", "NULL", "true", "1", "ConsoleLogin"]  # fmt: skip
NUMBERS = [0, 1, -1, 443, 2**31 - 1, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63)]
NETWORKS = ["0.0.0.0/0", "::/0", "10.0.0.0/8", "10.0.0.0/9", "10.1.2.3", "255.255.255.255", "0.0.0.0", "::1", "2001:db8::/32", "8000::/1", "7fff::/16",
            "2001:db8::/65", "2001:db8:0:0:8000::/65", "2001:db8::7fff:ffff:ffff:fffe/127", "::ffff:10.1.2.3/120", "ffff::/16", "7fff:ffff::/31",
            "::/1", "2001:db8::8000:0:0:0/127", "::ffff:ffff:ffff:ffff/128"]  # fmt: skip
PATTERNS = ["a", "^a$", "a.*b", "^a.*b$", "(?s)a.b", "(?i)A", "b$", "(?m)b$", "", "a%b", "a_b", "a\\\\.b", "[a-z]+", "é", "^.$", "\\\\pL", "a|^$", "\\\\bab",
            "x*", "^$", "\\\\z", "(?i)ſ", "^tls", ".*ab.*", "a\\\\s", "1.2$"]  # fmt: skip
PARAMS: dict[str, Any] = {
    "on": True, "off": False, "word": "a", "number": 443, "words": ["a", "it's", ""], "numbers": [0, 443], "none": [],
    "networks": ["10.0.0.0/8", "2001:db8::/32"], "version": "1.2", "noversion": "2", "moment": "2026-01-01T00:00:00Z", "nomoment": "soon",
    "many": [f"10.{n}.0.0/16" for n in range(0, 40, 2)] + [f"{n:x}000::/20" for n in range(1, 16)] + ["2001:db8::8:0:0:0/77"],
}  # fmt: skip
Text = st.SearchStrategy[str]


def quoted(text: str) -> str:
    written = "".join(letter if letter.isprintable() and letter not in "\"\\'" else f"\\U{ord(letter):08x}" for letter in text)
    return f"'{written}'"


def of(*parts: str) -> Text:
    return st.sampled_from(parts)


def built(form: str, *parts: Text) -> Text:
    return st.builds(form.format, *parts)


words = st.sampled_from([*map(quoted, WORDS), "params.word"])
numbers = st.sampled_from([*map(str, NUMBERS), "params.number", "size(params.words)", "size(params.none)", "tls_version('1.2')",
                           "tls_version(params.version)", "tls_version(params.noversion)"])  # fmt: skip
plain_numbers = st.sampled_from([*map(str, NUMBERS), "params.number"])
moments = of("now", "timestamp('2026-01-01T00:00:00Z')", "timestamp('2026-03-01T11:59:59.999999Z')", "timestamp('0001-01-01T00:00:00Z')",
             "timestamp('9999-12-31T23:59:59.999999Z')", "timestamp('2026-01-01T01:30:00+01:30')", "timestamp(params.moment)",
             "timestamp(params.nomoment)", "timestamp('nonsense')")  # fmt: skip
spans = of("duration('0s')", "duration('24h')", "duration('-24h')", "duration('1us')", "duration('1h30m')", "duration('80000000h')",
           "duration('-80000000h')", "duration(params.word)", "duration('0.5s')")  # fmt: skip
equal, order = of("==", "!="), of("<", "<=", ">", ">=")
text_columns, number_columns = of("row.text", "row.word"), of("row.count", "row.size")
time_columns, addresses, flags = of("timestamp(row.time)", "timestamp(row.end)"), of("row.source", "row.target"), of("row.flag", "row.other")
lists = {
    "words": st.lists(words, max_size=4).map(lambda held: f"[{', '.join(held)}]") | of("params.words", "params.none"),
    "numbers": st.lists(plain_numbers, max_size=4).map(lambda held: f"[{', '.join(held)}]") | of("params.numbers", "params.none"),
    "networks": st.lists(st.sampled_from([*map(quoted, NETWORKS)]), max_size=4).map(lambda held: f"[{', '.join(held)}]")
    | of("params.networks", "params.none", "params.many"),
}  # fmt: skip


def deeper(truths: Text) -> Text:
    text = text_columns | words | built("({} ? {} : {})", truths, text_columns | words, text_columns | words)
    number = number_columns | numbers | built("tls_version({})", text_columns) | built("({} ? {} : {})", truths, number_columns, numbers)
    moment = time_columns | moments | built("({} ? {} : {})", truths, time_columns, moments)
    return st.one_of(
        built("({} && {})", truths, truths),
        built("({} || {})", truths, truths),
        built("!{}", truths),
        built("({} ? {} : {})", truths, truths, truths),
        built("({} {} {})", truths, equal, truths),
        built("({} {} {})", text, equal, text),
        built("({} {} {})", number, equal | order, number),
        built("({} {} {})", moment, equal | order, moment),
        built("({} in {})", text, lists["words"]),
        built("({} in {})", number, lists["numbers"]),
        built("({} in [{}])", truths, of("", "true", "false, true", "params.on")),
    )


base = st.one_of(
    flags,
    flags,
    of("true", "false", "params.on", "params.off", "undecided('no')"),
    built("({} {} {})", text_columns, equal, words),
    built("({} {} {})", number_columns, equal | order, numbers),
    built("({} {} {})", time_columns, equal | order, moments),
    built("({} in {})", text_columns, lists["words"]),
    built("({} in {})", number_columns, lists["numbers"]),
    built("{}.{}({})", text_columns, of("startsWith", "endsWith", "contains"), words),
    built("{}.matches({})", text_columns, st.sampled_from([f"'{one}'" for one in PATTERNS])),
    built("cidrs_within([{}], {})", addresses, lists["networks"]),
    built("(tls_version({}) {} {})", text_columns, order, numbers),
    built("({} - {} {} {})", moments, time_columns, order, spans),
    built("({} - {} {} {})", time_columns, moments, order, spans),
    built("({} {} {} - {})", spans, order, moments, time_columns),
    built("({} - {} {} {})", moments, moments, order, spans),
)
condition = st.recursive(base, deeper, max_leaves=8)

_ADDRESSES = st.one_of(
    st.sampled_from(["0.0.0.0", "10.1.2.3", "10.255.255.255", "11.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::", "2001:db7:ffff::",
                     "2001:db8::7fff:ffff:ffff:ffff", "2001:db8::8000:0:0:0", "7fff:ffff::", "8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                     "::ffff:ffff:ffff:ffff", "::1:0:0:0:0"]),
    st.builds(lambda high, low: address_text(6, high, low), st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
    .filter(lambda text: not text.startswith("::ffff:")),
    st.integers(0, 2**32 - 1).map(lambda number: address_text(4, 0, number)),
)  # fmt: skip
_TIMES = st.one_of(
    st.sampled_from([NOW, NOW - timedelta(hours=24), NOW - timedelta(hours=24, microseconds=1), NOW + timedelta(microseconds=1),
                     datetime(2026, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
                     datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)]),
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
).map(rfc3339)  # fmt: skip
_VALUES = {
    "boolean": st.booleans(),
    "string": st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8"), max_size=6),
    "integer": st.sampled_from(NUMBERS) | st.integers(-(2**63), 2**63 - 1),
    "timestamp": _TIMES,
    "address": _ADDRESSES,
}
row = st.fixed_dictionaries({column.name: st.none() | _VALUES[column.kind] for column in TABLE.columns})
