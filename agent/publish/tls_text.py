"""The report of `upheld tls`: for each endpoint what it speaks at each address, and then what is broken or not known."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agent.publish.printable import printable
from agent.publish.result import Result
from agent.publish.text import WIDTH
from checks.model import Estate
from checks.rule import SEVERITIES
from checks.tls.endpoint import TYPE
from checks.tls.hello import Version


@dataclass(frozen=True, slots=True)
class TlsReport:
    """Renders what was seen of endpoints, and the findings, as lines. `titles` are the rules' own."""

    estate: Estate
    titles: Mapping[str, str]
    colour: bool = False

    def lines(self, result: Result) -> Iterator[str]:
        findings: dict[str, list[dict[str, Any]]] = {}
        for record in result.findings.records():
            findings.setdefault(record["resource"]["id"], []).append(record)
        known = {one.id: one.data for one in self.estate.of(TYPE)}
        ids = sorted({*known, *findings} - {"*"})
        for id_ in ids:
            yield printable(id_)
            for address in known.get(id_, {}).get("addresses", []):
                yield from _wrapped(f"{address['address']}  {summary(address)}", "  ", "    ")
            yield from self._findings(findings.get(id_, []), seen=_inspected(known.get(id_, {})))
            yield ""
        counts = result.counts
        told = f"{counts['broken']} broken, {counts['unproven']} unproven, {counts['upheld']} upheld"
        yield f"{len(ids)} endpoint{'' if len(ids) == 1 else 's'}: {told}"

    def _findings(self, records: Iterable[dict[str, Any]], *, seen: bool) -> Iterator[str]:
        rest = sorted(records, key=lambda one: (-SEVERITIES.index(one["severity"]), one["rule"]))
        for record in (one for one in rest if one["verdict"] == "broken"):
            painted = "\x1b[31mbroken\x1b[0m" if self.colour else "broken"
            head = f"{self.titles.get(record['rule'], record['rule'])}  [{record['rule']}, {record['severity']}]"
            yield from _wrapped(f"{painted}  {printable(head)}", "  ", "      ")
            yield from _wrapped(f"do: {printable(record['remedy'])}", "      ", "          ")
        unproven = [one["explanation"].removeprefix("Not decided: ").rstrip(".") for one in rest if one["verdict"] == "unproven"]
        for why, count in _reasons(unproven, seen=seen).items():
            yield from _wrapped(f"unproven  {_rules(count)}: {printable(why)}", "  ", "      ")
        if held := sum(one["verdict"] == "upheld" for one in rest):
            yield f"  {_rules(held)} upheld"


def _rules(count: int) -> str:
    return f"{count} rule{'' if count == 1 else 's'}"


def _reasons(explanations: Iterable[str], *, seen: bool) -> Mapping[str, int]:
    """Why rules are unproven, and how many for each reason: what was not asked or not answered together."""
    absent: list[str] = []
    found: dict[str, int] = {}
    for why in explanations:
        if member := re.match(r"(\w+) is absent", why):
            absent.append(member[1])
        else:
            found[why] = found.get(why, 0) + 1
    if absent:
        names = ", ".join(dict.fromkeys(absent))
        found[f"not asked, or not answered: {names}" if seen else "there was nothing to inspect"] = len(absent)
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def _inspected(data: Mapping[str, Any]) -> bool:
    return any(address.get("outcome") == "inspected" for address in data.get("addresses", []))


def summary(address: Mapping[str, Any]) -> str:
    """`TLS 1.3, TLS 1.2; 5 suites; RSA 2048, 67 days left, trusted`; or why there is nothing to tell."""
    if address.get("outcome") != "inspected":
        return printable(f"{address.get('outcome')}: {address.get('detail', '')}".rstrip(": "))
    versions = [version.title for version in reversed(Version) if address.get("versions", {}).get(version.name.lower())]
    parts = [", ".join(versions) or address.get("agreed", {}).get("version", "TLS")]
    if suites := sum(map(len, address.get("suites", {}).values())):
        parts.append(f"{suites} suites")
    if groups := address.get("groups"):
        parts.append("groups " + ", ".join(groups[:4]) + (f" and {len(groups) - 4} more" if len(groups) > 4 else ""))
    certificate = address.get("certificate", {})
    if "key_type" in certificate:
        trusted = "trusted" if certificate.get("trust", {}).get("trusted") else "not trusted"
        parts.append(f"certificate {certificate['key_type']} {certificate['key_bits']}, {certificate['days_left']} days left, {trusted}")
    return printable("; ".join(parts))


def _wrapped(text: str, first: str, rest: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)
