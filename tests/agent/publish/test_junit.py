"""JUnit XML: a case for each promise, and only what is upheld has passed."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from agent.publish import junit
from agent.publish.result import Result
from checks.promise import Acceptance
from checks.rule import Rule
from checks.summary import Text
from checks.verdict import Verdict
from tests.agent.publish.test_sarif import PROMISES, QUOTE, TEXTS, shop
from tests.checks.small import DISK, Builder, ask, make_rule


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return [make_rule("resource.Encrypted", id="disk-encrypted", control="encryption")]


def cases(result: Result) -> dict[str, ET.Element]:
    """Name up to the colon -> its case, in a report whose counts are right."""
    root = ET.fromstring("".join(junit.chunks(result)))
    assert root.tag == "testsuites"
    for held in (root, *root.iter("testsuite")):
        found = list(held.iter("testcase"))
        count = {"tests": len(found)}
        for name, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            count[name] = sum(case.find(element) is not None for case in found)
        assert {name: int(held.attrib[name]) for name in count} == count
    for suite in root.iter("testsuite"):
        assert set(suite.attrib) == {"name", "timestamp", "time", "tests", "failures", "errors", "skipped"}
        assert all(case.attrib["classname"] == suite.attrib["name"] for case in suite)
        assert all(len(case) <= 1 for case in suite)
    return {case.attrib["name"].partition(":")[0]: case for case in root.iter("testcase")}


def outcome(case: ET.Element) -> str:
    return case[0].tag if len(case) else "passed"


def disks(*encrypted: bool | None) -> Builder:
    builder = Builder().universe(kinds={"Disk": len(encrypted)})
    for one, held in enumerate(encrypted):
        builder.add(DISK, {"DiskId": f"d{one}"} if held is None else {"DiskId": f"d{one}", "Encrypted": held})
    return builder


@pytest.mark.parametrize(
    ("encrypted", "wanted"), [([True, True], "passed"), ([True, False], "failure"), ([True, None], "error"), ([False, None], "failure")]
)
def test_a_promise_passes_only_where_it_is_upheld(encrypted: list[bool | None], wanted: str, rules: list[Rule]) -> None:
    found = cases(ask(disks(*encrypted).build(), rules, PROMISES, texts=TEXTS).result)
    assert {name: outcome(case) for name, case in found.items()} == {"at-rest": wanted, "trained": "skipped"}


def test_a_failure_says_sentence_place_counterexample_and_remedy(rules: list[Rule]) -> None:
    case = cases(ask(disks(False).build(), rules, PROMISES, texts=TEXTS).result)["at-rest"]
    assert (case.attrib["name"], case.attrib["file"], case.attrib["line"]) == (f"at-rest: {QUOTE}", "our security.md", "3")
    assert case[0].attrib["message"].startswith("broken: d0 in 111122223333/eu-central-1: Not so:")
    assert "  do: Mend it." in (case[0].text or "").splitlines()


def test_a_promise_whose_universe_nobody_saw_is_an_error(rules: list[Rule]) -> None:
    builder = Builder()
    builder.add(DISK, {"DiskId": "good", "Encrypted": True})
    case = cases(ask(builder.build(), rules, PROMISES, texts=TEXTS).result)["at-rest"]
    assert outcome(case) == "error"
    assert case[0].attrib["message"].startswith("not seen: ")


def test_a_promise_that_stands_in_its_policy_no_more_is_an_error(rules: list[Rule]) -> None:
    case = cases(ask(disks(False).build(), rules, PROMISES, texts={"security": Text("Something else.")}).result)["at-rest"]
    assert outcome(case) == "error"


def test_what_is_accepted_is_skipped(rules: list[Rule]) -> None:
    bad = next(one for one in ask(disks(False).build(), rules).findings if one.verdict is Verdict.BROKEN)
    accepted = {bad.id: Acceptance(finding=bad.id, owner="cto", reason="old", expires="2027-05-01", digest=bad.evidence.counterexample)}
    case = cases(ask(disks(False).build(), rules, PROMISES, texts=TEXTS, exceptions=accepted).result)["at-rest"]
    assert outcome(case) == "skipped"
    assert "accepted by cto: old" in (case[0].text or "")


def test_without_promises_each_rule_is_a_case(rules: list[Rule]) -> None:
    idle = make_rule("resource.Encrypted", id="bucket-encrypted", resource="aws.test.bucket")
    found = cases(ask(disks(False).build(), [*rules, idle]).result)
    assert {name: outcome(case) for name, case in found.items()} == {"disk-encrypted": "failure", "bucket-encrypted": "skipped"}


def test_no_name_breaks_the_document(rules: list[Rule]) -> None:
    text = "".join(junit.chunks(ask(shop().build(), rules, PROMISES, texts=TEXTS).result))
    assert ET.fromstring(text) is not None
    assert [one for one in "\x1b\u202e\ud800\ufffe" if one in text] == []


def test_an_empty_run_has_no_cases() -> None:
    assert cases(ask(Builder().build(), []).result) == {}
