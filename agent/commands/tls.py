"""`upheld tls`: inspects endpoints and judges what they answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent import gate, rulebook
from agent.clock import Clock
from agent.collect.estate import read_estate
from agent.collect.tls.crl import Lists
from agent.collect.tls.estate import Progress, estate, inspect
from agent.collect.tls.inspecting import Inspector, Target
from agent.collect.tls.lookups import caa
from agent.collect.tls.roots import roots
from agent.collect.tls.served import REMEMBERED, discovered, hidden
from agent.collect.tls.targets import BadTarget, pinned, read
from agent.collecting import tool
from agent.config import ConfigurationError
from agent.publish import outputs
from agent.publish.result import Findings, Result
from agent.publish.tls_text import TlsReport
from agent.rulebook import Rulebook
from agent.terminal import colour
from checks.judge import Bound, Population, bind, judge, key
from checks.model import GLOBAL, Estate, Gap, Reason, digest
from checks.summary import summarize_rule
from checks.tls.endpoint import ACCOUNT, TYPE


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of which endpoints."""

    targets: Sequence[str]
    files: Sequence[Path] = ()
    starttls: str | None = None
    server_name: str | None = None
    resolve: Sequence[str] = ()
    ca_files: Sequence[Path] = ()
    public_roots: Path | None = None
    profile: str | None = None
    full: bool = True
    caa: bool = False
    crl: bool = False
    estates: Sequence[Path] = ()
    """Recorded estates: what they serve to the internet is inspected, too."""


def check(question: Question, clock: Clock, progress: Progress | None = None) -> tuple[Result, Estate]:
    """Inspect and judge. Raises ConfigurationError and EstateError."""
    try:
        named = [_read(text, question) for text in question.targets]
        listed, unread = _listed(question)
        served, hides = _served(question)
        targets = pinned([*named, *listed, *served], question.resolve)
    except BadTarget as error:
        raise ConfigurationError(str(error)) from error
    unread += hides
    if not targets and not unread and not question.estates:
        raise ConfigurationError("name an endpoint, such as shop.example or mail.example:25, or a file of them with --targets")
    book = rulebook.load()
    bound = _bound(book, question.profile)
    trusted = roots(question.public_roots, question.ca_files)
    lists = Lists(clock.now) if question.crl else None
    inspector = Inspector(trusted, clock.now, full=lambda _: question.full, caa=caa(asked=question.caa), lists=lists)
    started = clock.now()
    held = estate(inspect(inspector, targets, progress), started, clock.now(), tool(), unread)
    return assess(book, held, bound), held


def assess(book: Rulebook, held: Estate, bound: Sequence[Bound]) -> Result:
    """Judge an estate of endpoints by rules that no promise binds."""
    findings, populations = Findings(), dict[tuple[str, str], Population]()
    for finding in judge(held, book.catalogue, bound, populations):
        findings.add(finding)
    rules = [summarize_rule(one, populations["", key(one)]) for one in bound if ("", key(one)) in populations]
    same = digest([(look.id, look.sha256) for look in held.looks], [key(one) for one in bound])
    return Result(held.manifest, findings, [], rules, held.gaps, tool(), same, len(held.looks))


def _bound(book: Rulebook, profile: str | None) -> list[Bound]:
    if profile is None:
        return bind([rule for rule in book.rules.values() if rule.kind == TYPE], [], every=True)
    profiles = rulebook.load_profiles(book)
    if profile not in profiles:
        raise ConfigurationError(f"there is no profile {profile!r}; there is {', '.join(sorted(profiles))}")
    return profiles[profile].bind(book.rules)


def _read(text: str, question: Question) -> Target:
    return read(text, starttls=question.starttls, server_name=question.server_name)


def _listed(question: Question) -> tuple[list[Target], list[Gap]]:
    """The endpoints of files, one a line; `-` is standard input; what follows a # is a remark. A line that is none is a gap: no slip
    in a long list keeps the others from being inspected.

    Raises ConfigurationError.
    """
    targets, unread = [], []
    for file in question.files:
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"{file}: is no text in UTF-8") from error
        for number, row in enumerate(text.splitlines(), 1):
            if line := row.partition("#")[0].strip():
                try:
                    targets.append(_read(line, question))
                except BadTarget as error:
                    where = "standard input" if str(file) == "-" else str(file)
                    unread.append(Gap(TYPE, ACCOUNT, GLOBAL, line, None, Reason.MALFORMED, "", message=f"{where}:{number}: {error}"))
    return targets, unread


def _served(question: Question) -> tuple[list[Target], list[Gap]]:
    """What estates serve to the internet, and the gaps in what they tell of that. Raises EstateError."""
    targets: list[Target] = []
    gaps: list[Gap] = []
    for place in question.estates:
        held = read_estate(place)
        targets += [one.target for one in discovered(one for type_ in sorted(REMEMBERED) for one in held.of(type_))]
        gaps += hidden(held.gaps)
    return targets, gaps


def exit_code(result: Result, severity: str) -> int:
    return gate.exit_code(result, fail_on="unproven", severity=severity, baseline=None, strict=False)


def write(result: Result, held: Estate, targets: Sequence[outputs.Target]) -> None:
    """Write every report; as text, by endpoint."""
    titles = {rule.rule: rule.title for rule in result.rules}
    report = TlsReport(held, titles, colour())
    outputs.write(result, targets, text=lambda one: (line + "\n" for line in report.lines(one)))
