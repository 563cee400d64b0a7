"""The report in JSON: what its schema promises, and that it is written as it comes."""

from __future__ import annotations

import copy
import gc
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import jsonschema
import pytest

from agent.publish import json_report
from agent.publish.result import Findings, Result
from checks.model import Evidence, Finding, Subject
from checks.promise import Acceptance
from checks.rule import Rule
from checks.summary import Text
from checks.verdict import Verdict
from tests.checks.small import ACCOUNT, BUCKET, DISK, HERE, Answer, Builder, ask, make_promises, make_rule

SCHEMA = json_report.json_schema()
QUOTE = "All customer data is encrypted at rest."
TEXTS = {"security": Text(QUOTE)}
PROMISES = f"""
policies: [{{id: security, file: security.md}}]
promises:
  - {{id: at-rest, policy: security, quote: {QUOTE}, controls: [{{id: encryption, params: {{customer_key: true}}}}]}}
  - {{id: never, quote: Nothing is open., quantifier: never, controls: [{{id: isolation}}]}}
  - {{id: trained-staff, quote: Our staff are trained., unverifiable: Training leaves no trace.}}
assume:
  - {{what: the tapes are empty, owner: ciso, reason: archive, expires: 2027-06-30, covers: {{kinds: ["AWS::Test::Tape"]}}}}
"""


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    ignores = "ignores: {customer_key: no disk has a key of its own}\n"
    return [
        make_rule("resource.Encrypted", id="disk-encrypted", control="encryption", extra=ignores + "show: [Encrypted, State, Size]"),
        make_rule("resource.Encrypted", id="bucket-encrypted", control="encryption", resource=BUCKET),
        make_rule("lookup('aws.test.key', resource.KeyId) == null", id="disk-key", extra="applies_if: resource.State != 'deleted'"),
    ]


def shop() -> Builder:
    """A disk for each verdict, one that a rule leaves out, gaps of every depth, a part of the universe that nobody saw."""
    builder = Builder().universe(kinds={"Disk": 4, "Tape": 1, "Bucket": 1})
    builder.add(DISK, {"DiskId": "good", "Encrypted": True, "State": "in-use", "KeyId": "k"})
    builder.add(DISK, {"DiskId": "bad", "Encrypted": False, "State": "in-use", "KeyId": "k"})
    builder.add(DISK, {"DiskId": "odd", "State": "deleted"})
    builder.gap(DISK, "odd", "Encrypted")
    builder.gap(DISK, "ghost")
    builder.gap(BUCKET)
    return builder


def accepted(answer: Answer, resource: str) -> dict[str, Acceptance]:
    found = next(one for one in answer.findings if one.resource.id == resource and one.verdict is Verdict.BROKEN)
    digest = found.evidence.counterexample
    return {found.id: Acceptance(finding=found.id, owner="cto", reason="gone by May", expires="2027-05-01", digest=digest)}


def every_kind_of_run(rules: list[Rule]) -> Iterator[tuple[str, Answer]]:
    estate, promises = shop().build(), make_promises(PROMISES)
    yield "all rules", ask(estate, rules)
    yield "promises", (plain := ask(estate, rules, promises, texts=TEXTS))
    yield "accepted", ask(estate, rules, promises, texts=TEXTS, exceptions=accepted(plain, "bad"))
    yield "a text that was not read", ask(estate, rules, promises, texts={"security": Text(None, "no such file")})
    yield "stale", ask(estate, rules, promises, texts=TEXTS, stale=True)
    yield "no rules", ask(estate, [], promises, texts=TEXTS)
    yield "nothing", ask(estate, [])
    builder = shop()
    builder.asserted_by = "auditor@shop.example"
    yield "asserted", ask(builder.build(), rules, promises, texts=TEXTS)


def report(result: Result) -> dict[str, Any]:
    """The report, read as strictly as a reader might."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    held: dict[str, Any] = json.loads("".join(json_report.chunks(result)), parse_constant=refuse)
    return held


def test_the_schema_is_one_of_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"] == {"const": "upheld.findings/1"}


def test_every_kind_of_run_fits_the_schema(rules: list[Rule]) -> None:
    verdicts = set()
    for name, answer in every_kind_of_run(rules):
        held = report(answer.result)
        problems = [f"{name}: {'/'.join(map(str, one.path))}: {one.message}" for one in validator().iter_errors(held)]
        assert problems == []
        verdicts |= {one["verdict"] for one in held["findings"]}
    assert verdicts == {"upheld", "broken", "unproven"}


def test_the_report_has_the_members_that_are_promised(rules: list[Rule]) -> None:
    estate, promises = shop().build(), make_promises(PROMISES)
    plain = ask(estate, rules, promises, texts=TEXTS)
    held = report(ask(estate, rules, promises, texts=TEXTS, exceptions=accepted(plain, "bad")).result)
    assert list(held) == ["schema", "run", "promises", "findings", "gaps", "coverage"]
    least = {"id", "rule", "control", "verdict", "severity", "resource", "promises", "evidence", "explanation", "remedy"}
    assert [one for one in held["findings"] if not least <= set(one)] == []
    bad = next(one for one in held["findings"] if one["resource"]["id"] == "bad")
    assert bad["resource"] == {"type": DISK, "id": "bad", "account": ACCOUNT, "region": HERE}
    assert (bad["verdict"], bad["promises"], bad["accepted"]) == ("broken", ["at-rest"], "cto: gone by May (until 2027-05-01)")
    assert bad["evidence"]["values"] == {"Encrypted": False, "State": "in-use"}
    assert bad["evidence"]["looks"]
    assert held["coverage"]["counts"] == {"upheld": 1, "broken": 1, "unproven": 3}
    assert held["coverage"]["accepted"] == 1
    assert {one["id"]: one["verdict"] for one in held["promises"]} == {"at-rest": "broken", "never": "unproven", "trained-staff": None}
    assert held["promises"][0]["open"] == "unproven"
    assert held["promises"][2]["unverifiable"] == "Training leaves no trace."
    assert {(one["type"], one.get("id"), one.get("field"), one["reason"]) for one in held["gaps"]} == {
        (BUCKET, None, None, "denied"),
        (DISK, "ghost", None, "denied"),
        (DISK, "odd", "Encrypted", "denied"),
    }
    assert held["run"]["verdict"] == "unproven"


def test_what_does_not_apply_is_listed_with_the_looks_that_show_it(rules: list[Rule]) -> None:
    empty = report(ask(Builder().build(), rules).result)
    assert {one["rule"]: one["verdict"] for one in empty["coverage"]["rules"]} == dict.fromkeys((rule.id for rule in rules), None)
    assert all(one["looks"] for one in empty["coverage"]["rules"])
    left_out = next(one for one in report(ask(shop().build(), rules).result)["coverage"]["rules"] if one["rule"] == "disk-key")
    assert left_out["excluded"] == ["odd"]


def test_the_schema_refuses_a_member_it_does_not_know_wherever_it_stands(rules: list[Rule]) -> None:
    held = report(ask(shop().build(), rules, make_promises(PROMISES), texts=TEXTS).result)
    free = {"values", "params", "identity", "accounts", "counts"}
    places = [place for place in objects(held, ()) if not free & set(place)]
    assert len({tuple(step for step in place if isinstance(step, str)) for place in places}) >= 10
    for place in places:
        changed = copy.deepcopy(held)
        at: Any = changed
        for step in place:
            at = at[step]
        at["surprise"] = 1
        assert not validator().is_valid(changed), f"{place} takes a member that nobody knows"


@pytest.mark.parametrize("member", ["schema", "run", "promises", "findings", "gaps", "coverage"])
def test_the_schema_refuses_a_report_without_one_of_its_members(rules: list[Rule], member: str) -> None:
    held = report(ask(shop().build(), rules).result)
    del held[member]
    assert not validator().is_valid(held)


@pytest.mark.parametrize(
    "value", ["in-use\ud800", "\x1b[2J\u202e</script>", 2**70, -(2**63) - 1, float("nan"), float("inf"), {"deep": ["\udfff", None]}]
)
def test_a_value_that_is_hard_to_write_leaves_valid_json(rules: list[Rule], value: Any) -> None:
    builder = shop()
    builder.add(DISK, {"DiskId": f"disk-{value!r}\udcff", "Encrypted": False, "State": value, "Size": value}, tags={"\ud800": "x"})
    result = ask(builder.build(), rules).result
    held = report(result)
    assert validator().is_valid(held)
    assert [one["verdict"] for one in held["findings"] if one["resource"]["id"].endswith("\udcff") and one["rule"] == "disk-encrypted"] == [
        "broken"
    ]
    "".join(json_report.chunks(result)).encode("ascii")


def test_values_of_evidence_survive_the_spool() -> None:
    values = {"State": "\ud800\U0001f512\u2028", "Size": 2**70}
    findings = Findings()
    findings.add(replace(finding(0), evidence=Evidence(("look",), values)))
    assert [one["evidence"]["values"] for one in findings.records()] == [values]


def test_findings_pass_through_and_are_not_kept() -> None:
    findings = Findings()
    gc.collect()
    before = sum(isinstance(one, Finding) for one in gc.get_objects())
    for number in range(5000):
        findings.add(finding(number))
    gc.collect()
    kept = sum(isinstance(one, Finding) for one in gc.get_objects()) - before
    assert kept == 2  # the shortest broken and the shortest unproven one, for the report in text
    assert findings.counts == {"upheld": 0, "broken": 2500, "unproven": 2500}
    assert [one["id"] for one in islice(findings.records(), 3)] == ["0", "1", "2"]
    assert sum(1 for _ in findings.records()) == 5000


def test_the_report_comes_piece_by_piece(rules: list[Rule]) -> None:
    answer = ask(shop().build(), rules)
    pieces = list(json_report.chunks(answer.result))
    assert max(map(len, pieces)) < len("".join(pieces)) / 2
    assert len(pieces) > len(answer.findings)


def test_the_same_run_gives_the_same_bytes(rules: list[Rule]) -> None:
    builder = shop()
    once = ask(builder.build(), rules, make_promises(PROMISES), texts=TEXTS).json()
    for held in (builder.resources, builder.gaps, rules := [*rules]):
        held.reverse()
    assert ask(builder.build(), rules, make_promises(PROMISES), texts=TEXTS).json() == once


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(SCHEMA)


def finding(number: int) -> Finding:
    verdict = Verdict.BROKEN if number % 2 else Verdict.UNPROVEN
    subject = Subject(DISK, f"disk-{number}", ACCOUNT, HERE)
    return Finding(str(number), "rule", "settings", verdict, "high", subject, (), Evidence(("look",)), f"Not so: {number}.", "Mend it.")


def objects(held: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Where objects stand; of a list, the first that differ in their members."""
    if isinstance(held, dict):
        yield path
        for name, value in held.items():
            yield from objects(value, (*path, name))
    elif isinstance(held, list):
        seen: set[tuple[str, ...]] = set()
        for index, value in enumerate(held):
            shape = tuple(sorted(value)) if isinstance(value, dict) else ()
            if shape and shape not in seen:
                seen.add(shape)
                yield from objects(value, (*path, index))
