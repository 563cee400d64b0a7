"""The report people read in a terminal: the quoted sentence first, its verdict, the smallest counterexample."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.publish import changes
from agent.publish.printable import printable
from agent.publish.result import Result
from checks.model import GLOBAL, LISTING, Finding, Gap
from checks.population import CloudPopulation
from checks.summary import PromiseSummary, RuleSummary
from checks.telling import sentences, shown
from checks.verdict import Verdict

WIDTH = 100
Examples = Mapping[tuple[str, str], Mapping[Verdict, Finding]]
"""(Promise id, rule id) -> the finding of each verdict that is told."""
_COLOURS = {"upheld": "32", "broken": "31", "unproven": "33", "unverifiable": "2", "accepted": "35"}


@dataclass(frozen=True, slots=True)
class TextReport:
    """Renders a result as lines. `colour` where a terminal shows it."""

    colour: bool = False

    def lines(self, result: Result) -> Iterator[str]:
        yield self._head(result)
        if result.promises:
            for promise in result.promises:
                yield ""
                yield from self._promise(promise, result)
        yield from self._rules(result)
        yield ""
        yield from self._foot(result)

    def _head(self, result: Result) -> str:
        manifest = result.manifest
        endpoint = f", endpoint {manifest.endpoint}" if manifest.endpoint else ""
        accounts = ", ".join(sorted(manifest.scope.accounts)) or "no account"
        regions = sorted({region for held in manifest.scope.accounts.values() for region in held})
        where = ", ".join(regions) if len(regions) <= 4 else f"{len(regions)} regions"
        return printable(f"upheld: {manifest.source} {accounts} ({where}), collected {manifest.finished}{endpoint}")

    def _promise(self, promise: PromiseSummary, result: Result) -> Iterator[str]:
        place = ":".join(str(part) for part in (promise.file, promise.line) if part)
        word = "unverifiable" if promise.verdict is None else str(promise.verdict)
        accepted = " (accepted)" if promise.verdict is Verdict.BROKEN and promise.open is not Verdict.BROKEN else ""
        yield from self._wrapped(f"\u201c{printable(' '.join(promise.quote.split()))}\u201d", "  ", first="")
        yield f"  {self._paint(word.upper(), word)}{accepted}  {printable(', '.join(filter(None, (promise.id, place))))}"
        if promise.unverifiable:
            yield from self._wrapped(printable(promise.unverifiable), "    ")
        rules = [rule for control in promise.controls for rule in control.rules if rule.verdict not in {None, Verdict.UPHELD}]
        for alike in _alike(rules, result.examples, promise.id):
            yield from self._together(alike, result.examples, promise.id, indent="    ")
        yield from self._upheld(promise)
        for gap in promise.missing:
            yield from self._wrapped(f"not seen: {printable(gap)}", "      ", first="    ")
        for assumption in promise.assumptions:
            yield from self._wrapped(f"assumes: {printable(assumption)}", "      ", first="    ")

    def _rules(self, result: Result) -> Iterator[str]:
        """Rules that no promise binds: the broken ones, then the unproven; those that hold are counted."""
        for verdict in (Verdict.BROKEN, Verdict.UNPROVEN):
            for alike in _alike([rule for rule in result.rules if rule.verdict is verdict], result.examples, ""):
                yield ""
                yield from self._together(alike, result.examples, "")
        if held := sum(rule.verdict is Verdict.UPHELD for rule in result.rules):
            yield ""
            yield f"{_many(held, 'rule')} upheld"

    def _upheld(self, promise: PromiseSummary) -> Iterator[str]:
        rules = [rule for control in promise.controls for rule in control.rules]
        held = [rule for rule in rules if rule.verdict is Verdict.UPHELD]
        idle = sum(rule.verdict is None for rule in rules)
        if held:
            kinds = list(dict.fromkeys(f"{rule.counts['upheld']} {printable(rule.type)}" for rule in held))
            seen = ", ".join(kinds[:6]) + (" and others" if len(kinds) > 6 else "")
            yield from self._wrapped(f"holds under {_many(len(held), 'rule')}: {seen}", "      ", first="    ")
        if idle:
            yield f"    {_many(idle, 'rule')} not applicable: looked, and found nothing to judge"

    def _together(self, alike: Sequence[RuleSummary], examples: Examples, promise: str, indent: str = "") -> Iterator[str]:
        """A rule; or those that are unproven for one reason, each by its id."""
        if len(alike) == 1:
            yield from self._rule(alike[0], examples.get((promise, alike[0].rule), {}), indent)
            return
        findings = [examples[promise, rule.rule][Verdict.UNPROVEN] for rule in alike]
        absent, why = zip(*map(_absent, findings), strict=True)
        lacks = f"{', '.join(sorted(set(absent)))} {'is' if len(set(absent)) == 1 else 'are'} absent " if all(absent) else ""
        head = f"{self._paint('unproven', 'unproven')}  {_many(len(alike), 'rule')}: {_subject(findings[0])}: {lacks}{why[0]}"
        yield from self._wrapped(head, indent + "      ", first=indent)
        yield from self._wrapped(printable(", ".join(rule.rule for rule in alike)), indent + "    ")
        yield from self._wrapped(_decided(alike[0]), indent + "      ", first=indent + "    ")

    def _rule(self, rule: RuleSummary, examples: Mapping[Verdict, Finding], indent: str = "") -> Iterator[str]:
        word = str(rule.verdict)
        yield f"{indent}{self._paint(word, word)}  {printable(rule.title)}  [{rule.rule}]"
        counts = dict(rule.counts)
        for finding in (examples[verdict] for verdict in (Verdict.BROKEN, Verdict.UNPROVEN) if verdict in examples):
            # What breaks another promise may be unproven to this one, where tags say whether it speaks of the resource.
            breaks = finding.verdict is Verdict.BROKEN and rule.counts["broken"] > 0
            counts["broken" if breaks else "unproven"] -= 1
            yield from self._wrapped(f"{_subject(finding)}: {_what(finding, breaks=breaks)}", indent + "      ", first=indent + "    ")
            if breaks:
                yield from self._way(finding, indent + "      ")
            if finding.accepted:
                yield from self._wrapped(f"accepted by {printable(finding.accepted)}", indent + "      ")
        more = " and ".join(f"{counts[verdict]} more {verdict}" for verdict in ("broken", "unproven") if counts[verdict] > 0)
        yield from self._wrapped(coverage(rule) + (f"; {more}" if more else ""), indent + "      ", first=indent + "    ")
        if rule.verdict is Verdict.BROKEN:
            yield from self._wrapped(f"do: {printable(examples[Verdict.BROKEN].remedy)}", indent + "        ", first=indent + "    ")

    def _way(self, finding: Finding, indent: str) -> Iterator[str]:
        """The way of a packet that breaks a rule about paths, hop by hop, and what to change."""
        values = finding.evidence.values
        hops = values.get("hops", [])
        width = min(max((len(hop["id"]) for hop in hops), default=0), 40)
        for hop in hops:
            by = "  " + ", ".join(hop["allowed_by"]) if hop["allowed_by"] else ""
            yield from self._wrapped(printable(f"{hop['id']:<{width}}  {hop['kind']}{by}"), indent + "    ", first=indent)
        if hops and len(finding.evidence.affected) > 1:
            yield f"{indent}{_many(len(finding.evidence.affected), 'interface')} can be reached so"
        if hops and values.get("change"):
            yield from self._wrapped(printable(f"change: {values['change']}"), indent + "    ", first=indent)

    def _foot(self, result: Result) -> Iterator[str]:
        if result.promises:
            words = ["unverifiable" if promise.verdict is None else str(promise.verdict) for promise in result.promises]
            yield f"{_many(len(words), 'promise')}: {_tally(words)}"
        yield f"{_many(result.total, 'finding')}: {_tally_counts(result.counts)}; {_many(result.gap_count, 'gap')}"
        if len(result.clouds) > 1 or any(cloud.cloud == "azure" for cloud in result.clouds):
            yield from map(_population, result.clouds)
        if result.accepted:
            yield f"{_many(result.accepted, 'finding')} accepted"
        if result.idle:
            yield f"{_many(result.idle, 'rule')} not applicable"
        for line in result.notes:
            yield from self._wrapped(printable(line), "  ", first="")
        if result.recorded is not None:
            yield from changes.lines(result.recorded)

    def _paint(self, text: str, word: str) -> str:
        return f"\x1b[{_COLOURS[word]}m{text}\x1b[0m" if self.colour else text

    def _wrapped(self, text: str, indent: str, first: str | None = None) -> Iterator[str]:
        yield from textwrap.wrap(
            text, WIDTH, initial_indent=indent if first is None else first, subsequent_indent=indent,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip


def _population(cloud: CloudPopulation) -> str:
    """`Azure: 2 of 3 subscriptions seen; 57 resources seen, 61 known`."""
    name, accounts = {"aws": ("AWS", "accounts"), "azure": ("Azure", "subscriptions")}[cloud.cloud]
    of = f"{cloud.accounts_known}" if cloud.accounts_known is not None else "an unknown number of"
    known = f"{cloud.resources_known} known" if cloud.resources_known is not None else "how many there are is not known"
    return f"{name}: {cloud.accounts_seen} of {of} {accounts} seen; {cloud.resources_seen} resources seen, {known}"


def _alike(rules: Iterable[RuleSummary], examples: Examples, promise: str) -> Iterable[Sequence[RuleSummary]]:
    """The rules in their order, those together that are unproven for the same reason, of the same resource, and decided alike."""
    held: dict[object, list[RuleSummary]] = {}
    for rule in rules:
        known = examples.get((promise, rule.rule), {})
        key: object = rule.rule
        if set(known) == {Verdict.UNPROVEN} and not known[Verdict.UNPROVEN].accepted:
            finding = known[Verdict.UNPROVEN]
            absent, why = _absent(finding)
            key = (finding.resource, bool(absent), why, _decided(rule))
        held.setdefault(key, []).append(rule)
    return held.values()


def _absent(finding: Finding) -> tuple[str, str]:
    """(member, reason) where a member is absent and something says why; no member, and the reason, elsewhere."""
    what = _what(finding, breaks=False)
    found = re.fullmatch(r"(\S+) is absent (\(.+\))", what)
    return (found[1], found[2]) if found else ("", what)


def _decided(rule: RuleSummary) -> str:
    """How many were decided, and how many are unproven beside the one that is told."""
    more = rule.counts["unproven"] - 1
    return coverage(rule) + (f"; {more} more unproven" if more > 0 else "")


def coverage(rule: RuleSummary) -> str:
    """`43 of 45 aws.s3.bucket decided; 2 denied, needs s3:GetBucketPolicy`."""
    decided = rule.counts["upheld"] + rule.counts["broken"]
    total = decided + rule.counts["unproven"]
    text = f"{decided} of {total} {rule.type} decided"
    for unseen in rule.unseen:
        text += f"; {unseen.count} {unseen.reason}" + (f", needs {unseen.action}" if unseen.action else "")
    if rule.excluded:
        text += f"; {len(rule.excluded)} not applicable"
    if rule.out_of_scope:
        text += f"; {len(rule.out_of_scope)} out of the promise's scope"
    return printable(text)


def _what(finding: Finding, *, breaks: bool) -> str:
    """The values that break it, or why it is not decided, without the rule's title, which stands above."""
    if breaks and "packet" in finding.evidence.values:
        one_way = " (no reply comes back)" if finding.evidence.values.get("one_way") else ""
        return printable(f"{finding.evidence.values['packet']} gets through{one_way}")
    if breaks and (told := next((held for name, held in finding.evidence.values.items() if name.lower().endswith("told")), None)):
        return printable(sentences(told))
    if breaks and finding.evidence.values:
        return printable(shown(finding.evidence.values))
    return printable(finding.explanation.removeprefix("Not decided: ").rstrip("."))


def _subject(finding: Finding) -> str:
    resource = finding.resource
    what = f"every {resource.type}" if resource.id == LISTING else resource.id
    region = "" if resource.region == GLOBAL else f"/{resource.region}"
    return printable(f"{what} ({resource.account}{region})")


def _tally(words: Sequence[str]) -> str:
    order = ("broken", "unproven", "upheld", "unverifiable")
    return ", ".join(f"{words.count(word)} {word}" for word in order if word in words)


def _tally_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[word]} {word}" for word in ("broken", "unproven", "upheld"))


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def gap_lines(gaps: Iterable[Gap], most: int = 20) -> Iterator[str]:
    """Gaps for people: those that differ only in their place or resource together, on one line."""
    alike: dict[tuple[str, str, str, str, str], list[Gap]] = {}
    for gap in gaps:
        alike.setdefault((gap.type, gap.field or "", str(gap.reason), gap.code, gap.action or ""), []).append(gap)
    for (type_, member, reason, code, action), held in list(alike.items())[:most]:
        first = held[0]
        what = " ".join(part for part in (type_, member, first.id if len(held) == 1 else None) if part)
        where = f"{first.account}/{first.region}" if len(held) == 1 else f"{len(held)} places, {first.account}/{first.region} first"
        yield printable(f"{what} in {where}: {reason} {code}".rstrip() + (f"; needs {action}" if action else ""))
    if len(alike) > most:
        yield f"and {len(alike) - most} more kinds of gap"
