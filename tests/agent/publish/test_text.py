"""The report people read: what stands in it, in which order, and what never reaches a terminal."""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import replace
from typing import Any

import pytest

from agent import terminal
from agent.publish.printable import printable
from agent.publish.result import Result
from agent.publish.text import TextReport, gap_lines
from checks.model import Gap, Reason
from checks.promise import Acceptance
from checks.rule import Rule
from checks.summary import Text
from tests.checks.small import ACCOUNT, BUCKET, DISK, HERE, KEY, Builder, ask, make_promises, make_rule

QUOTE = "All customer data is encrypted at rest."
TEXTS = {"security": Text(f"# Security\n\n{QUOTE}\n")}
PROMISES = f"""
policies: [{{id: security, file: security.md}}]
promises:
  - id: at-rest
    policy: security
    quote: {QUOTE}
    controls: [{{id: encryption}}]
  - id: trained-staff
    quote: Our staff are trained.
    unverifiable: Training leaves no trace that a machine can read.
assume:
  - {{what: the tapes are empty, owner: ciso@shop.example, reason: archive, expires: 2027-06-30, covers: {{kinds: ["AWS::Test::Tape"]}}}}
"""
OF_TESTS = [("\x1b[2J", "\\x1b[2J"), ("a\r\nb", "a\\r\\nb"), ("\u202egnp.exe", "\\u202egnp.exe"), ("\u2066x\u2069", "\\u2066x\\u2069")]


@pytest.fixture(scope="module")
def disks() -> Rule:
    return make_rule("resource.Encrypted", id="disk-encrypted", control="encryption", extra="show: [Encrypted, State]")


@pytest.fixture(scope="module")
def buckets() -> Rule:
    return make_rule("resource.Encrypted", id="bucket-encrypted", control="encryption", resource=BUCKET)


def shop(**open_: bool) -> Builder:
    """Two encrypted disks, and one for each name given: encrypted or not."""
    builder = Builder().universe(kinds={"Disk": 2, "Tape": 1})
    for name, encrypted in {"one": True, "two": True, **open_}.items():
        builder.add(DISK, {"DiskId": name, "Encrypted": encrypted, "State": "in-use"})
    return builder


def lines(result: Result, *, colour: bool = False) -> list[str]:
    return list(TextReport(colour).lines(result))


def text(result: Result) -> str:
    return "\n".join(lines(result))


def test_the_sentence_stands_first_then_its_verdict_then_the_counterexample(disks: Rule, buckets: Rule) -> None:
    answer = ask(shop(bad=False).build(), [disks, buckets], make_promises(PROMISES), texts=TEXTS)
    assert lines(answer.result) == [
        f"upheld: aws {ACCOUNT} ({HERE}), collected 2026-11-20T12:00:00Z",
        "",
        f"\u201c{QUOTE}\u201d",
        "  BROKEN  at-rest, security.md:3",
        "    broken  Title of disk-encrypted  [disk-encrypted]",
        f"        bad ({ACCOUNT}/{HERE}): Encrypted is false, State is in-use",
        "        3 of 3 aws.test.disk decided",
        "        do: Mend it.",
        "    1 rule not applicable: looked, and found nothing to judge",
        "    assumes: the tapes are empty (ciso@shop.example: archive; until 2027-06-30)",
        "",
        "\u201cOur staff are trained.\u201d",
        "  UNVERIFIABLE  trained-staff",
        "    Training leaves no trace that a machine can read.",
        "",
        "2 promises: 1 broken, 1 unverifiable",
        "3 findings: 1 broken, 0 unproven, 2 upheld; 0 gaps",
    ]


def test_an_upheld_promise_says_what_it_holds_under(disks: Rule, buckets: Rule) -> None:
    answer = ask(shop().build(), [disks, buckets], make_promises(PROMISES), texts=TEXTS)
    assert "  UPHELD  at-rest, security.md:3" in lines(answer.result)
    assert "    holds under 1 rule: 2 aws.test.disk" in lines(answer.result)


def test_without_promises_the_rules_are_listed_and_what_holds_is_counted(disks: Rule, buckets: Rule) -> None:
    keys = make_rule("resource.Manager == 'me'", id="key-mine", resource=KEY)
    builder = shop()
    builder.add(KEY, {"KeyId": "key", "Manager": "you"})
    assert lines(ask(builder.build(), [disks, buckets, keys]).result)[2:] == [
        "broken  Title of key-mine  [key-mine]",
        f"    key ({ACCOUNT}/{HERE}): Not so: Title of key-mine",
        "    1 of 1 aws.test.key decided",
        "    do: Mend it.",
        "",
        "1 rule upheld",
        "",
        "3 findings: 1 broken, 0 unproven, 2 upheld; 0 gaps",
        "1 rule not applicable",
    ]


def test_coverage_counts_what_was_refused_and_names_the_permission(disks: Rule) -> None:
    builder = Builder()
    for number in range(45):
        builder.add(DISK, {"DiskId": f"disk-{number}", "Encrypted": True, "State": "in-use"})
    for number in (7, 8):
        gap = builder.gap(DISK, f"disk-{number}", "Encrypted")
        builder.gaps[-1] = replace(gap, action="test:GetEncryption")
    said = " ".join(text(ask(builder.build(), [disks]).result).split())
    assert "43 of 45 aws.test.disk decided; 2 denied, needs test:GetEncryption; 1 more unproven" in said
    assert "Encrypted of this resource was not seen (denied: AccessDenied; needs test:GetEncryption)" in said
    assert "45 findings: 0 broken, 2 unproven, 43 upheld; 2 gaps" in said


def test_coverage_counts_what_applies_if_and_the_scope_leave_out() -> None:
    rule = make_rule("resource.Encrypted", control="encryption", extra="applies_if: resource.State != 'deleted'")
    builder = Builder().universe()
    builder.add(DISK, {"DiskId": "old", "Encrypted": False, "State": "deleted"})
    builder.add(DISK, {"DiskId": "toy", "Encrypted": False, "State": "in-use"}, tags={"env": "sandbox"})
    builder.add(DISK, {"DiskId": "bad", "Encrypted": False, "State": "in-use"})
    promises = make_promises(
        "promises: [{id: p, quote: All is encrypted., controls: [{id: encryption}], scope: {exclude: {tags: {env: sandbox}}}}]"
    )
    said = text(ask(builder.build(), [rule], promises).result)
    assert "1 of 1 aws.test.disk decided; 1 not applicable; 1 out of the promise's scope" in said


def test_the_smallest_counterexample_is_found_wherever_it_stands(disks: Rule) -> None:
    builder = Builder()
    for number in range(20):
        state = "available" if number != 11 else "in-use"
        builder.add(DISK, {"DiskId": f"disk-{number:02}", "Encrypted": False, "State": state})
    builder.add(DISK, {"DiskId": "odd"})
    answer = ask(builder.build(), [disks])
    said = lines(answer.result)
    odd = answer.findings[-1].explanation.removeprefix("Not decided: ").rstrip(".")
    assert said[3:6] == [
        f"    disk-11 ({ACCOUNT}/{HERE}): Encrypted is false, State is in-use",
        f"    odd ({ACCOUNT}/{HERE}): {odd}",
        "    20 of 21 aws.test.disk decided; 19 more broken",
    ]


def test_what_a_person_accepts_is_said_and_counted(disks: Rule) -> None:
    estate, promises = shop(bad=False).build(), make_promises(PROMISES)
    found = next(one for one in ask(estate, [disks], promises, texts=TEXTS).findings if one.resource.id == "bad")
    accepted = Acceptance(
        finding=found.id, owner="cto@shop.example", reason="gone by May", expires="2027-05-01", digest=found.evidence.counterexample
    )
    said = lines(ask(estate, [disks], promises, texts=TEXTS, exceptions={found.id: accepted}).result)
    assert "  BROKEN (accepted)  at-rest, security.md:3" in said
    assert "          accepted by cto@shop.example: gone by May (until 2027-05-01)" in said
    assert "1 finding accepted" in said


def test_what_nobody_accepts_is_shown_before_what_somebody_does(disks: Rule) -> None:
    builder = shop(longer=False)
    builder.add(DISK, {"DiskId": "a", "Encrypted": False})
    estate = builder.build()
    assert "    a (" in text(ask(estate, [disks]).result)
    short = next(one for one in ask(estate, [disks]).findings if one.resource.id == "a")
    accepted = Acceptance(finding=short.id, owner="cto", reason="r", expires="2027-05-01", digest=short.evidence.counterexample)
    said = text(ask(estate, [disks], exceptions={short.id: accepted}).result)
    assert "    longer (" in said
    assert "accepted by" not in said
    assert "1 finding accepted" in said


def test_who_asserts_that_an_import_is_complete_is_an_assumption(disks: Rule) -> None:
    builder = shop()
    builder.asserted_by = "auditor@shop.example"
    said = text(ask(builder.build(), [disks], make_promises(PROMISES), texts=TEXTS).result)
    assert "    assumes: auditor@shop.example asserts that the imported files hold all there is" in said


def test_an_endpoint_that_is_not_awss_own_stands_in_the_first_line(disks: Rule) -> None:
    result = ask(shop().build(), [disks]).result
    elsewhere = replace(result, manifest=replace(result.manifest, endpoint="http://127.0.0.1:5000"))
    assert lines(elsewhere)[0].endswith(", endpoint http://127.0.0.1:5000")


def test_many_regions_are_counted(disks: Rule) -> None:
    result = ask(Builder({ACCOUNT: ("a-a-1", "b-b-1", "c-c-1", "d-d-1", "e-e-1")}).build(), [disks]).result
    assert f"{ACCOUNT} (5 regions)" in lines(result)[0]


def test_a_sentence_that_was_changed_is_not_seen_at_any_line(disks: Rule) -> None:
    gone = {"security": Text("# Security\n\nNothing is promised any more.\n")}
    said = lines(ask(shop(bad=False).build(), [disks], make_promises(PROMISES), texts=gone).result)
    assert "  UNPROVEN  at-rest, security.md" in said
    assert any(line.startswith("    not seen: the quoted sentence does not stand in security.md") for line in said)


def test_a_finding_that_breaks_another_promise_is_not_shown_as_breaking_one_that_may_not_speak_of_it(disks: Rule) -> None:
    builder = Builder().universe()
    builder.resources.append(replace(builder.add(DISK, {"DiskId": "bad", "Encrypted": False, "State": "in-use"}), tags=None))
    del builder.resources[-2]
    promises = make_promises("""
      promises:
        - {id: everywhere, quote: All is encrypted., controls: [{id: encryption}]}
        - {id: in-production, quote: Production is encrypted., controls: [{id: encryption}], scope: {exclude: {tags: {env: sandbox}}}}
    """)
    said = text(ask(builder.build(), [disks], promises).result)
    everywhere, production = said.split("\u201cProduction")
    assert f"bad ({ACCOUNT}/{HERE}): Encrypted is false" in everywhere
    assert "UNPROVEN  in-production" in production
    assert "its tags could not be read" in production
    assert "0 of 1 aws.test.disk decided\n" in production


def test_no_colour_unless_a_terminal_shows_it(monkeypatch: pytest.MonkeyPatch, disks: Rule) -> None:
    result = ask(shop(bad=False).build(), [disks]).result
    assert "\x1b[31mbroken\x1b[0m  Title" in "\n".join(lines(result, colour=True))
    assert "\x1b" not in text(result)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.colour()


@pytest.mark.parametrize(("raw", "shown"), OF_TESTS)
def test_names_cannot_move_the_cursor_forge_a_line_or_turn_it_round(raw: str, shown: str, disks: Rule) -> None:
    builder = shop()
    builder.add(DISK, {"DiskId": f"disk{raw}", "Encrypted": False, "State": f"in-use{raw}"})
    builder.gap(DISK, f"disk{raw}", raw)
    promises: Any = make_promises(PROMISES)
    changed = [
        one.model_copy(update={"quote": f"{one.quote}{raw}", "unverifiable": raw if one.unverifiable else None})
        for one in promises.promises
    ]
    estate = builder.build()
    result = ask(estate, [disks], promises.model_copy(update={"promises": changed}), texts={"security": Text(QUOTE + raw)}).result
    result = replace(result, manifest=replace(result.manifest, endpoint=raw, finished=f"2026-11-20T12:00:00Z{raw}"), notes=[raw])
    printed = [*lines(result), *gap_lines(estate.gaps)]
    assert not [line for line in printed if any(char in line for char in raw if not char.isprintable())]
    assert "disk" + shown in "\n".join(printed)


def test_whatever_could_not_be_seen_is_written_as_an_escape() -> None:
    """Of all of Unicode: controls, line and paragraph separators, surrogates, marks that turn or hide text."""
    visible = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x1343F)}  # written around digits
    hidden = {code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - visible
    assert [hex(code) for code in hidden if printable(chr(code)) == chr(code)] == []
    said = "\u201cB\u00fccher, \u65e5\u672c\u8a9e, \u05e9\u05dc\u05d5\u05dd\u201d \U0001f512 </script>"
    assert printable(said) == said


def test_the_same_run_is_told_in_the_same_words(disks: Rule, buckets: Rule) -> None:
    promises = make_promises(PROMISES)
    builder = shop(bad=False, worse=False)
    builder.gap(BUCKET)
    once = text(ask(builder.build(), [disks, buckets], promises, texts=TEXTS).result)
    builder.resources.reverse()
    assert text(ask(builder.build(), [buckets, disks], promises, texts=TEXTS).result) == once


def test_gaps_that_differ_in_their_place_only_share_a_line() -> None:
    def gap(region: str, type_: str = DISK) -> Gap:
        return Gap(type_, ACCOUNT, region, None, None, Reason.DENIED, "ListDisks", "AccessDenied", action="test:ListDisks")

    assert list(gap_lines([gap("eu-central-1"), gap("eu-west-1"), gap("eu-west-1", BUCKET)])) == [
        f"aws.test.disk in 2 places, {ACCOUNT}/eu-central-1 first: denied AccessDenied; needs test:ListDisks",
        f"aws.test.bucket in {ACCOUNT}/eu-west-1: denied AccessDenied; needs test:ListDisks",
    ]
    assert list(gap_lines([gap("eu-west-1", f"aws.test.{number}") for number in range(25)]))[20:] == ["and 5 more kinds of gap"]


def unread(*rules: Rule, **open_: bool) -> str:
    """The report on two disks of which nothing was read, beside those given."""
    builder = shop(**open_)
    for name in ("lost", "lost too"):
        builder.add(DISK, {"DiskId": name})
    return text(ask(builder.build(), list(rules)).result)


def test_rules_that_are_unproven_for_one_reason_are_told_together_each_by_its_id(disks: Rule) -> None:
    other = make_rule("resource.Encrypted", id="disk-sealed")
    assert unread(other, disks).split("\n\n")[1].splitlines() == [
        f"unproven  2 rules: lost ({ACCOUNT}/{HERE}): Encrypted is absent",
        "    disk-encrypted, disk-sealed",
        "    2 of 4 aws.test.disk decided; 1 more unproven",
    ]


def test_rules_that_are_unproven_for_different_reasons_are_told_one_by_one(disks: Rule) -> None:
    said = unread(disks, make_rule("resource.State == 'in-use'", id="disk-in-use"))
    assert "unproven  Title of disk-encrypted  [disk-encrypted]" in said
    assert "unproven  Title of disk-in-use  [disk-in-use]" in said


def test_a_broken_rule_is_never_told_together_with_others(disks: Rule) -> None:
    other = make_rule("resource.Encrypted", id="disk-sealed")
    said = unread(other, disks, bad=False)
    assert "broken  Title of disk-encrypted  [disk-encrypted]" in said
    assert "broken  Title of disk-sealed  [disk-sealed]" in said
    assert "2 rules: " not in said
