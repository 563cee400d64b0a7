"""Conditions over rows, drawn from the whole of what compiles, and rows that sit on their edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import Any

from hypothesis import strategies as st

from checks.expression import pattern_error
from checks.logs.pattern import UnfitPattern, portable
from checks.logs.rows import rfc3339
from checks.logs.table import Column, Table

FARTHEST = timedelta(seconds=9223372036)
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
         " 1.1\u2003", "TLSv1.4", "TLSv1", "tls 1 ", "tlsv 1.2", "tlsv12", "tlsv14", "tls13", "SSLv3", "\u017f", "\u017ftl", "İ", "🙂", "null",
         "NULL", "true", "1", "ConsoleLogin", "${spark.app.name}", "upheld", "\\n"]  # fmt: skip
NUMBERS = [0, 1, -1, 443, 2**31 - 1, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63)]
NETWORKS = ["0.0.0.0/0", "::/0", "10.0.0.0/8", "10.0.0.0/9", "10.1.2.3", "255.255.255.255", "0.0.0.0", "::1", "2001:db8::/32", "8000::/1", "7fff::/16",
            "2001:db8::/65", "2001:db8:0:0:8000::/65", "2001:db8::7fff:ffff:ffff:fffe/127", "::ffff:10.1.2.3/120", "ffff::/16", "7fff:ffff::/31",
            "::/1", "2001:db8::8000:0:0:0/127", "::ffff:ffff:ffff:ffff/128"]  # fmt: skip
PATTERNS = ["a", "^a$", "a.*b", "^a.*b$", "(?s)a.b", "(?i)A", "b$", "", "a%b", "a_b", r"a\.b", "[a-z]+", "é", "^.$", "a|^$", "x*", "^$", r"\z", "^tls",
            ".*ab.*", r"a\s", "1.2$", "(?i)^TLS", "(?i)s", "(?i)[^s]", r"(?i)\W", "[^a]$", r"^\D+$", r"[\]a&&b[]", r"\Qa\b\E?$", "(a|)*b$", "(a|b?){2}$",
            "[[:^alpha:]]", "[^[:space:]]$", r"\x{1f642}|\xe9", r"a\0b", "a{2", "(?P<one>a)(?:b)", "(?i:T)ls", "(?i-i:T)ls|(?U)a+", "^*a", r"[\x00-\x7f]$", "a()", "^a(|)", "a(){2}b{0}", "[-a]|(?i:A)"]  # fmt: skip
PARAMS: dict[str, Any] = {
    "on": True, "off": False, "word": "a", "number": 443, "words": ["a", "it's", ""], "numbers": [0, 443], "none": [],
    "networks": ["10.0.0.0/8", "2001:db8::/32"], "version": "1.2", "noversion": "2", "moment": "2026-01-01T00:00:00Z", "nomoment": "soon",
    "many": [f"10.{n}.0.0/16" for n in range(0, 40, 2)] + [f"{n:x}000::/20" for n in range(1, 16)] + ["2001:db8::8:0:0:0/77"],
    "crowd": [f"10.{n}.0.0/{17 + n % 3}" for n in range(0, 160, 2)] + ["255.255.255.255"] + [f"{n:x}00::/{9 + n % 2}" for n in range(1, 256, 3)] +
             [f"2001:db8::{n:x}:ffff:ffff:0/113" for n in range(80)],
}  # fmt: skip
Text = st.SearchStrategy[str]


def quoted(text: str) -> str:
    written = "".join(letter if letter.isprintable() and letter not in "\"\\'" else f"\\U{ord(letter):08x}" for letter in text)
    return f"'{written}'"


def taken(pattern: str) -> bool:
    """Whether RE2 takes a pattern, and every engine could."""
    try:
        return not pattern_error(pattern) and portable(pattern) is not None
    except UnfitPattern:
        return False


def of(*parts: str) -> Text:
    return st.sampled_from(parts)


def built(form: str, *parts: Text) -> Text:
    return st.builds(form.format, *parts)


atoms = of("a", "b", "A", "S", "k", "é", "1", "%", "_", "'", "\n", "🙂", ".", "^", "$", "[ab]", "[^a]", "[^a-c\n]", r"[\w.]", r"[^\d-]", "[]a]", "[^]a]", "[a-]",
           "[[:upper:]]", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\.", r"\\", r"\n", r"\x41", r"\x{2003}", r"\A", r"\z", r"\Q.a\E", "(?i)", "(?s)", "(?-i)", "()")  # fmt: skip
patterns = of(*PATTERNS) | st.recursive(
    atoms,
    lambda held: st.one_of(
        built("{}{}", held, held),
        built("{}{}", held, held),
        built("{}|{}", held, held),
        built("({})", held),
        built("(?i:{})", held),
        built("(?:{}){}", held, of("*", "+", "?", "*?", "{2}", "{0,1}", "{1,}", "{,2}", "{0}", "{0,0}?")),
    ),
    max_leaves=5,
).filter(taken)
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
time_columns, addresses, flags = (
    of("timestamp(row.time)", "timestamp(row.end)"),
    of("row.source", "row.target"),
    of("row.flag", "row.other"),
)
lists = {
    "words": st.lists(words, max_size=4).map(lambda held: f"[{', '.join(held)}]") | of("params.words", "params.none"),
    "numbers": st.lists(plain_numbers, max_size=4).map(lambda held: f"[{', '.join(held)}]") | of("params.numbers", "params.none"),
    "networks": st.lists(st.sampled_from([*map(quoted, NETWORKS)]), max_size=4).map(lambda held: f"[{', '.join(held)}]")
    | of("params.networks", "params.none", "params.many", "params.crowd"),
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
    built("{}.matches({})", text_columns, patterns.map(quoted)),
    built("cidrs_within([{}], {})", addresses, lists["networks"]),
    built("(tls_version({}) {} {})", text_columns, order, numbers),
    built("({} - {} {} {})", moments, time_columns, order, spans),
    built("({} - {} {} {})", time_columns, moments, order, spans),
    built("({} {} {} - {})", spans, order, moments, time_columns),
    built("({} - {} {} {})", moments, moments, order, spans),
)
condition = st.recursive(base, deeper, max_leaves=8)

_ADDRESSES = ["0.0.0.0", "10.1.2.3", "10.255.255.255", "11.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::", "2001:db7:ffff::",
              "2001:db8::7fff:ffff:ffff:ffff", "2001:db8::8000:0:0:0", "7fff:ffff::", "8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
              "::ffff:ffff:ffff:ffff", "::1:0:0:0:0", "2001:db8::7:ffff:ffff:ffff", "10.19.255.255", "10.22.0.1", "10.23.0.1"]  # fmt: skip
_TIMES = [NOW, NOW - timedelta(hours=24), NOW - timedelta(hours=24, microseconds=1), NOW + timedelta(microseconds=1),
          datetime(2026, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
          datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), NOW + FARTHEST, NOW + FARTHEST + timedelta(seconds=1), NOW - FARTHEST,
          NOW - FARTHEST - timedelta(seconds=1)]  # fmt: skip
_LETTERS = "abAkK\u212at TLSv1.23\n%_'\\\"é\u017f\u2003🙂"


def _value(kind: str, chance: Random) -> Any:
    edge = chance.random() < 0.8
    match kind:
        case "boolean":
            return chance.random() < 0.5
        case "integer":
            return chance.choice(NUMBERS) if edge else chance.randint(-(2**63), 2**63 - 1)
        case "string" if edge:
            return chance.choice([word for word in WORDS if "\0" not in word])
        case "string":
            return "".join(chance.choice(_LETTERS) for _ in range(chance.randrange(6)))
        case "timestamp":
            return rfc3339(
                chance.choice(_TIMES) if edge else datetime(1900, 1, 1, tzinfo=UTC) + timedelta(microseconds=chance.randrange(10**16))
            )
        case "address" if edge:
            return chance.choice(_ADDRESSES)
    return str(IPv4Address(chance.getrandbits(32)) if chance.random() < 0.5 else IPv6Address(chance.getrandbits(128)))


def rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Rows of TABLE, a quarter of whose values are null. None holds a NUL, at which the runtime's binding ends a text."""
    chance = Random(seed)
    return [{one.name: None if chance.random() < 0.25 else _value(one.kind, chance) for one in TABLE.columns} for _ in range(count)]
