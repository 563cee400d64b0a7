"""The main road on the shipped rules: promises and exceptions from files, estates from disk, what ages and what is left out."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent import config, gate, run
from agent.collect.estate import read_estate
from agent.config import ConfigurationError
from agent.publish.result import Result
from agent.publish.text import TextReport
from agent.run import Clock, Inputs
from checks import judge as judging
from checks.age import Ages
from checks.model import GLOBAL, Estate, Gap, Look, Manifest, Reason, Resource, Scope, digest
from checks.plan import REGIONS, TAGS
from checks.promise import Acceptance
from checks.target import Target
from checks.verdict import Verdict
from tests.agent.road import UNCONFIGURED, seal, shipped, small_inputs
from tests.checks.small import KEY, Builder, make_promises, make_rule

ACCOUNT, HERE, NOW = "111122223333", "eu-central-1", "2026-11-20T06:00:00Z"
VOLUME, GROUP = "aws.ec2.volume", "aws.ec2.security_group"
AUDITOR = "auditor@marktbruecke.example"
AT_REST = "All customer data is encrypted at rest."
OFFICE = "Our servers are administered only from our office."
PROMISES = f"""schema: upheld.promises/1
policies:
  - {{id: security, file: security.md}}
  - {{id: gone, file: nowhere.md}}
  - {{id: folder, file: .}}
  - {{id: bytes, file: bytes.md}}
promises:
  - {{id: at-rest, policy: security, quote: {AT_REST}, controls: [{{id: encryption-at-rest, params: {{algorithm: AES-256}}}}]}}
  - {{id: reworded, policy: security, quote: All customer data is encrypted., controls: [{{id: encryption-at-rest}}]}}
  - {{id: gone, policy: gone, quote: {AT_REST}, controls: [{{id: encryption-at-rest}}]}}
  - {{id: folder, policy: folder, quote: {AT_REST}, controls: [{{id: encryption-at-rest}}]}}
  - {{id: bytes, policy: bytes, quote: {AT_REST}, controls: [{{id: encryption-at-rest}}]}}
  - id: production
    quote: Production is encrypted.
    controls: [{{id: encryption-at-rest}}]
    scope: {{exclude: {{tags: {{env: sandbox, team: qa}}}}}}
  - {{id: trained, quote: Our staff are trained., unverifiable: Training leaves no trace.}}
"""
MORE = f"""schema: upheld.promises/1
promises:
  - {{id: office, quote: {OFFICE}, quantifier: only, controls: [{{id: management-access, params: {{sources: [203.0.113.0/24]}}}}]}}
"""


def company(
    *resources: Resource,
    finished: str = NOW,
    gaps: tuple[Gap, ...] = (),
    asserted_by: str | None = AUDITOR,
    listed: tuple[str, ...] = (VOLUME, GROUP),
) -> Estate:
    """An estate of one region in which volumes and groups were listed, and a person asserts that there is nothing else."""
    looks = [Look(digest(type_), ACCOUNT, HERE, type_, "Describe", None, 1, 1, finished, "request", "hash") for type_ in listed]
    held = {type_: tuple(one for one in resources if one.type == type_) for type_ in listed}
    scope = Scope({ACCOUNT: (HERE,)}, tuple(sorted(shipped().catalogue)))
    return Estate(Manifest("upheld.estate/1", finished, finished, "test", {}, None, scope, asserted_by), held, tuple(looks), gaps)


def volume(name: str, *, encrypted: bool = True, tags: Mapping[str, str] | None = None, read_tags: bool = True) -> Resource:
    data = {"VolumeId": name, "Encrypted": encrypted, "State": "in-use"}
    return Resource(name, VOLUME, ACCOUNT, HERE, data, (tags or {}) if read_tags else None, (digest(VOLUME),))


def group(*sources: str) -> Resource:
    ranges = [{"CidrIp": source} for source in sources]
    permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": ranges, "Ipv6Ranges": [], "PrefixListIds": []}
    data = {"GroupId": "sg-1", "GroupName": "admin", "IpPermissions": [permission]}
    return Resource("sg-1", GROUP, ACCOUNT, HERE, data, {}, (digest(GROUP),))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with two files of promises, and policies that are there, gone, a folder, and no text."""
    folder = tmp_path_factory.mktemp("office")
    (folder / "upheld.yaml").write_text("schema: upheld.config/1\npromises: [promises.yaml, more.yaml]\nexceptions: exceptions.yaml\n")
    (folder / "promises.yaml").write_text(PROMISES)
    (folder / "more.yaml").write_text(MORE)
    (folder / "security.md").write_text(f"# Security\n\n{AT_REST}\n\n{OFFICE}\n")
    (folder / "bytes.md").write_bytes(b"\xff\xfeA\x00")
    accepted = next(
        one for one in judge(inputs_of(MORE), company(group("198.51.100.0/24"))).findings.records() if one["verdict"] == "broken"
    )
    (folder / "exceptions.yaml").write_text(
        "schema: upheld.exceptions/1\nexceptions:\n"
        f"  - {{finding: {accepted['id']}, rule: {accepted['rule']}, owner: cto, reason: the branch closes, expires: 2027-01-31,"
        f" digest: {accepted['evidence']['counterexample']}}}\n"
    )
    return folder


@pytest.fixture(scope="module")
def inputs(office: Path) -> Inputs:
    return run.prepare(config.load(str(office / "upheld.yaml"), {}))


def inputs_of(promises: str) -> Inputs:
    from checks import document, promise

    held = promise.read(document.parse(promises, "promises.yaml"), shipped().controls, shipped().rules.values())
    return Inputs(UNCONFIGURED, shipped(), held, {}, {})


def judge(inputs: Inputs, estate: Estate, *, every: bool = False, max_age: int | Ages = 0, now: str = NOW) -> Result:
    return run.assess(inputs, estate, every=every, max_age=max_age, clock=Clock(now=lambda: datetime.fromisoformat(now)))


def promises(result: Result) -> dict[str, str | None]:
    return {one.id: one.verdict and str(one.verdict) for one in result.promises}


def findings(result: Result, rule: str) -> dict[str, dict[str, Any]]:
    """Resource id -> the finding of one rule."""
    return {one["resource"]["id"]: one for one in result.findings.records() if one["rule"] == rule}


def code(result: Result, *, strict: bool = False) -> int:
    return gate.exit_code(result, fail_on="unproven", severity="informational", baseline=None, strict=strict)


def test_promises_of_every_kind_are_judged_in_the_order_of_their_files(inputs: Inputs) -> None:
    result = judge(inputs, company(volume("one")))
    assert promises(result) == {
        "at-rest": "upheld",
        "reworded": "unproven",
        "gone": "unproven",
        "folder": "unproven",
        "bytes": "unproven",
        "production": "upheld",
        "trained": None,
        "office": "unproven",
    }
    assert list(promises(result)) == [one.id for one in inputs.promises.promises]


def test_a_sentence_that_no_longer_stands_is_unproven_and_a_finding_of_its_own(inputs: Inputs) -> None:
    result = judge(inputs, company(volume("one", encrypted=False)))
    assert (promises(result)["at-rest"], promises(result)["reworded"]) == ("broken", "unproven")
    stands = findings(result, "policy-quote-stands")
    assert {
        name: (one["verdict"], one["severity"], one["promises"]) for name, one in stands.items() if name in ("at-rest", "reworded")
    } == {
        "at-rest": ("upheld", "informational", ["at-rest"]),
        "reworded": ("broken", "informational", ["reworded"]),
    }
    assert "production" not in stands
    assert (stands["at-rest"]["evidence"]["values"]["File"], stands["at-rest"]["evidence"]["values"]["Line"]) == ("security.md", 3)


def test_a_sentence_is_found_again_at_another_line_and_in_other_white_space(inputs: Inputs) -> None:
    from checks.summary import Text

    moved = replace(inputs, texts={**inputs.texts, "security": Text("\n\n\n" + AT_REST.replace(" ", "\n"))})
    summary = judge(moved, company(volume("one"))).promises[0]
    assert (summary.verdict, summary.line) == ("upheld", 4)


@pytest.mark.parametrize(("promise", "why"), [("gone", "No such file"), ("folder", "Is a directory"), ("bytes", "not UTF-8 text")])
def test_a_policy_that_cannot_be_read_leaves_its_promise_unproven(inputs: Inputs, promise: str, why: str) -> None:
    result = judge(inputs, company(volume("one", encrypted=False)))
    summary = next(one for one in result.promises if one.id == promise)
    assert (summary.verdict, summary.open) == ("unproven", "unproven")
    assert why in summary.missing[0]
    assert findings(result, "policy-quote-stands")[promise]["verdict"] == "unproven"


def test_what_no_machine_can_verify_does_not_fail_a_run_when_its_sentence_changes(inputs: Inputs) -> None:
    told = {"id": "told", "policy": "security", "quote": "Our staff are trained.", "unverifiable": "Training leaves no trace."}
    held = type(inputs.promises).model_validate({"schema": "upheld.promises/1", "policies": inputs.promises.policies, "promises": [told]})
    both = held.model_copy(update={"promises": [inputs.promises.promises[0], *held.promises]})
    result = judge(replace(inputs, promises=both), company(volume("one")))
    assert (promises(result), findings(result, "policy-quote-stands")["told"]["verdict"]) == ({"at-rest": "upheld", "told": None}, "broken")
    known = gate.Baseline({}, {})
    codes = [
        gate.exit_code(result, fail_on="unproven", severity="informational", baseline=baseline, strict=strict)
        for baseline in (None, known)
        for strict in (False, True)
    ]
    assert codes == [0, 3, 0, 3]


def test_an_exception_from_the_file_is_accepted_and_sets_no_exit_code(inputs: Inputs, office: Path, tmp_path: Path) -> None:
    only = run.prepare(config.load(str(office / "upheld.yaml"), {}), ["office"])
    place = seal(company(group("198.51.100.0/24")), tmp_path / "estate")
    result = run.check(only, place, every=False, max_age=0, clock=Clock())
    assert promises(result) == {"office": "broken"}
    assert findings(result, "aws-security-group-admin-ports")["sg-1"]["accepted"] == "cto: the branch closes (until 2027-01-31)"
    assert (code(result), code(result, strict=True), result.accepted) == (0, 1, 1)
    assert {rule.file.control for rule in only.judged} == {"management-access"}
    assert {rule.file.control for rule in inputs.judged} == {"management-access", "encryption-at-rest"}


def test_a_worse_fault_on_the_same_resource_is_broken_again(inputs: Inputs) -> None:
    """The exception is bound to the counterexample, not to the resource."""
    accepted, worse = (
        findings(judge(inputs, company(group(source))), "aws-security-group-admin-ports")["sg-1"]
        for source in ("198.51.100.0/24", "0.0.0.0/0")
    )
    assert accepted["id"] == worse["id"]
    assert ("accepted" in accepted, "accepted" in worse) == (True, False)
    assert accepted["evidence"]["counterexample"] != worse["evidence"]["counterexample"]
    assert worse["verdict"] == "broken"


def test_an_exception_covers_no_second_fault(inputs: Inputs) -> None:
    other = replace(group("0.0.0.0/0"), id="sg-2")
    office = replace(inputs, promises=inputs.promises.model_copy(update={"promises": inputs.promises.promises[-1:]}))
    result = judge(office, company(group("198.51.100.0/24"), other))
    assert (code(result), result.accepted) == (1, 1)


@pytest.mark.parametrize(("finished", "accepted"), [("2027-01-31T23:59:59Z", True), ("2027-02-01T00:00:00Z", False)])
def test_an_exception_expires_by_the_estates_own_time(inputs: Inputs, finished: str, accepted: bool) -> None:
    result = judge(inputs, company(group("198.51.100.0/24"), finished=finished))
    assert ("accepted" in findings(result, "aws-security-group-admin-ports")["sg-1"]) is accepted


def test_an_exception_does_not_turn_what_is_not_seen_into_anything() -> None:
    rule = make_rule("resource.Manager == 'us'", id="key-ours", resource=KEY)
    promise = make_promises("promises: [{id: p, quote: Ours., controls: [{id: settings}]}]")
    builder = Builder()
    builder.add(KEY, {"KeyId": "key", "Manager": "them"})
    bad = next(judge(small_inputs([rule], promise), builder.build()).findings.records())
    exception = Acceptance(finding=bad["id"], owner="cto", reason="r", expires="2027-05-01", digest=bad["evidence"]["counterexample"])
    builder.gap(KEY, "key", "Manager")
    result = judge(small_inputs([rule], promise, exceptions={bad["id"]: exception}), builder.build())
    assert (result.findings.counts["unproven"], result.accepted, code(result)) == (1, 0, 3)


@pytest.mark.parametrize(("max_age", "verdict"), [(3600, "unproven"), (7200, "upheld"), (7201, "upheld"), (0, "upheld")])
def test_an_estate_older_than_the_maximum_age_proves_nothing(inputs: Inputs, max_age: int, verdict: str) -> None:
    result = judge(inputs, company(volume("one")), max_age=max_age, now="2026-11-20T08:00:00Z")
    assert promises(result)["at-rest"] == verdict
    assert any("maximum age" in note for note in result.notes) is (verdict == "unproven")


def test_each_kind_of_facts_has_an_age_of_its_own(inputs: Inputs) -> None:
    ages = Ages({Target.NETWORK: timedelta(hours=1), Target.SETTINGS: timedelta(hours=3)})
    early = judge(inputs, company(volume("one")), max_age=ages, now="2026-11-20T08:00:00Z")
    assert promises(early)["at-rest"] == "upheld"
    assert "so nothing about network is proven" in early.notes[0]
    late = judge(inputs, company(volume("one")), max_age=ages, now="2026-11-20T10:00:00Z")
    assert promises(late)["at-rest"] == "unproven"


def test_an_estate_of_a_time_to_come_proves_nothing(inputs: Inputs) -> None:
    result = judge(inputs, company(volume("one")), max_age=86400, now="2026-11-19T06:00:00Z")
    assert promises(result)["at-rest"] == "unproven"
    assert "a time to come" in result.notes[0]


def test_what_exists_is_stale_with_the_settings_and_promises_of_all_with_it(inputs: Inputs) -> None:
    ages = Ages({Target.SETTINGS: timedelta(hours=1)})
    result = judge(inputs, company(group("203.0.113.0/24")), max_age=ages, now="2026-11-20T08:00:00Z")
    assert promises(result)["office"] == "unproven"


def test_a_verdict_says_up_to_when_it_counts(inputs: Inputs) -> None:
    result = judge(inputs, company(volume("one")))
    assert result.until["at-rest"] == result.manifest.now + timedelta(days=2)


def test_a_stale_estate_breaks_nothing_and_says_why(inputs: Inputs) -> None:
    held = company(volume("one", encrypted=False), volume("two"), group("0.0.0.0/0"))
    result = judge(inputs, held, max_age=3600, now="2026-12-24T00:00:00Z")
    assert {verdict for verdict in promises(result).values() if verdict} == {"unproven"}
    aged = [one for one in result.findings.records() if not one["rule"].startswith("policy-")]
    assert {one["verdict"] for one in aged} == {"unproven"}
    assert {gap["reason"] for one in aged for gap in one["evidence"]["gaps"]} == {"stale"}
    assert "older than the maximum age of 3600 s" in result.notes[0]
    assert code(result) == 3


def test_the_world_as_it_is_now_has_no_age(inputs: Inputs) -> None:
    late = datetime.fromisoformat(NOW) + timedelta(days=3650)
    assert promises(judge(inputs, company(volume("one")), now=late.isoformat()))["at-rest"] == "upheld"


def test_a_scope_leaves_out_what_has_every_one_of_its_tags(inputs: Inputs) -> None:
    sandbox = volume("toy", encrypted=False, tags={"env": "sandbox", "team": "qa", "more": "x"})
    half = volume("half", tags={"env": "sandbox"})
    result = judge(inputs, company(volume("one"), sandbox, half))
    assert (promises(result)["production"], promises(result)["at-rest"]) == ("upheld", "broken")
    production = next(one for one in result.promises if one.id == "production")
    rule = next(one for one in production.controls[0].rules if one.rule == "aws-ebs-volume-encrypted")
    assert (rule.out_of_scope, rule.counts["upheld"]) == (("toy",), 2)
    broken = judge(inputs, company(volume("half", encrypted=False, tags={"env": "sandbox"})))
    assert promises(broken)["production"] == "broken"


def test_a_scope_by_tags_that_could_not_be_read_decides_nothing(inputs: Inputs) -> None:
    for encrypted in (True, False):
        result = judge(inputs, company(volume("one", encrypted=encrypted, read_tags=False)))
        assert promises(result)["production"] == "unproven"
        assert promises(result)["at-rest"] == ("upheld" if encrypted else "broken")


def test_tags_are_collected_where_a_scope_goes_by_them(inputs: Inputs, office: Path) -> None:
    assert TAGS in run.plan_for(inputs, every=False)[VOLUME]
    assert TAGS not in run.plan_for(inputs_of(MORE), every=False)[GROUP]
    assert set(run.plan_for(inputs_of(MORE), every=False)) < set(run.plan_for(inputs_of(MORE), every=True))
    nothing = run.plan_for(replace(inputs_of(MORE), promises=make_promises("promises: []")), every=True)
    assert REGIONS in nothing
    assert "aws.organizations.account" not in nothing


def test_who_asserts_that_an_estate_is_complete_is_printed_with_every_promise(inputs: Inputs) -> None:
    result = judge(inputs, company(volume("one")))
    said = list(TextReport().lines(result))
    line = f"    assumes: {AUDITOR} asserts that the imported files hold all there is"
    assert said.count(line) == len([verdict for verdict in promises(result).values() if verdict])
    held = findings(result, "aws-ebs-volume-encrypted")["one"]
    assert held["evidence"]["assumptions"] == [f"{AUDITOR} asserts that the imported files hold all there is"]


def test_without_anyone_who_asserts_it_an_estate_is_not_complete(inputs: Inputs) -> None:
    result = judge(inputs, company(volume("one"), asserted_by=None))
    assert promises(result)["at-rest"] == "unproven"
    summary = result.promises[0]
    assert any("which accounts exist is not known" in lack for lack in summary.missing)
    assert findings(result, "aws-rds-db-instance-encrypted")["*"]["verdict"] == "unproven"


def test_all_rules_judges_what_has_a_resource_a_look_or_a_gap() -> None:
    gap = Gap("aws.s3.bucket", ACCOUNT, GLOBAL, None, None, Reason.DENIED, "ListBuckets", "AccessDenied", action="s3:ListAllMyBuckets")
    inputs = replace(inputs_of(MORE), promises=make_promises("promises: []"))
    result = judge(inputs, company(volume("one"), gaps=(gap,)), every=True)
    assert {rule.type for rule in result.rules} == {VOLUME, GROUP, "aws.s3.bucket"}
    assert {rule.rule: rule.verdict for rule in result.rules}["aws-security-group-admin-ports"] is None
    assert findings(result, "aws-s3-bucket-encrypted")["*"]["verdict"] == "unproven"


def test_all_rules_takes_nothing_away_from_a_promise() -> None:
    rules = [
        make_rule("resource.Encrypted", id="disk-encrypted", control="encryption", resource="aws.test.disk"),
        make_rule("resource.Manager == 'us'", id="key-ours", control="encryption", resource=KEY),
    ]
    builder = Builder().universe()
    builder.add("aws.test.disk", {"DiskId": "disk", "Encrypted": True})
    estate = builder.build()
    without_keys = replace(estate, looks=tuple(look for look in estate.looks if look.type != KEY))
    inputs = small_inputs(rules, make_promises("promises: [{id: p, quote: All., controls: [{id: encryption}]}]"))
    verdicts = [promises(judge(inputs, without_keys, every=every)) for every in (False, True)]
    assert verdicts == [{"p": "unproven"}, {"p": "unproven"}]


def test_a_run_with_nothing_to_judge_says_so() -> None:
    result = judge(replace(inputs_of(MORE), promises=make_promises("promises: []")), company())
    assert (result.verdict(), code(result)) == (None, 3)
    assert "there is nothing to judge" in result.notes[0]


def test_the_same_estate_gives_the_same_digest_and_another_run_another(inputs: Inputs) -> None:
    once = judge(inputs, company(volume("one")))
    assert judge(inputs, company(volume("one"))).estate_digest == once.estate_digest
    assert judge(inputs, company(volume("one"), listed=(VOLUME,))).estate_digest != once.estate_digest
    assert judge(inputs_of(MORE), company(volume("one"))).estate_digest != once.estate_digest


def test_a_folder_that_is_no_estate_is_one_clear_line(inputs: Inputs, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not an estate: there is no manifest"):
        run.check(inputs, tmp_path, every=False, max_age=0, clock=Clock())


@pytest.mark.parametrize(
    ("more", "only", "said"),
    [
        (PROMISES, [], "twice.yaml: the promise 'at-rest' stands in another file already"),
        (MORE, ["office", "offices"], "there is no promise 'offices'; there is at-rest, bytes, folder, gone, office,"),
    ],
)
def test_promises_that_cannot_be_told_apart_or_found_are_one_clear_line(office: Path, more: str, only: list[str], said: str) -> None:
    (office / "twice.yaml").write_text(more)
    (office / "twice-upheld.yaml").write_text("schema: upheld.config/1\npromises: [promises.yaml, twice.yaml]\n")
    with pytest.raises(ConfigurationError, match=said):
        run.prepare(config.load(str(office / "twice-upheld.yaml"), {}), only)


def test_two_files_may_not_bear_a_policy_of_the_same_id(tmp_path: Path) -> None:
    for name in ("shop", "bank"):
        promise = f"{{id: {name}, policy: security, quote: Safe., controls: [{{id: mfa}}]}}"
        (tmp_path / f"{name}.yaml").write_text(
            f"schema: upheld.promises/1\npolicies: [{{id: security, file: {name}.md}}]\npromises: [{promise}]\n"
        )
        (tmp_path / f"{name}.md").write_text("Safe.")
    (tmp_path / "upheld.yaml").write_text("schema: upheld.config/1\npromises: [shop.yaml, bank.yaml]\n")
    with pytest.raises(ConfigurationError, match="the policy 'security' stands in another file already"):
        run.prepare(config.load(str(tmp_path / "upheld.yaml"), {}))


def test_an_exception_that_accepts_nothing_is_said(inputs: Inputs) -> None:
    idle = Acceptance(finding="gone", resource="vol-9", owner="me", reason="old", expires="2030-01-01", digest="00")
    noted = judge(replace(inputs, exceptions={"gone": idle}), company(volume("one")))
    assert any("the exception for vol-9" in note for note in noted.notes)
    narrowed = judge(replace(inputs, exceptions={"gone": idle}, narrowed=True), company(volume("one")))
    assert not any("exception" in note for note in narrowed.notes)


def test_the_clock_of_a_run_is_utc() -> None:
    assert Clock().now().tzinfo is UTC


def test_an_estate_that_was_judged_is_gone_with_its_last_name() -> None:
    """An agent judges one after the other: in a circle, each would stay until the collector looks for circles, hours later."""
    book = shipped()
    gc.collect()
    gc.disable()
    try:
        held = read_estate(Path("examples/marktbruecke/estate"))
        rules = [rule for rule in book.rules.values() if rule.file.paths is not None or rule.id.startswith("aws-")]
        findings = list(judging.judge(held, book.catalogue, judging.bind(rules, [], every=True), {}, {}))
        assert any(book.rules[one.rule].file.paths is not None and one.verdict is Verdict.BROKEN for one in findings)
        there = id(held)
        del held, findings
        assert not any(id(one) == there for one in gc.get_objects() if isinstance(one, Estate))
    finally:
        gc.enable()
