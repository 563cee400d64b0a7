"""A run of a kind looks at its own target and at nothing else, and the promises' verdicts are whole all the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent import config
from agent.clock import Clock
from agent.collecting import plan_for
from agent.daemon.kind_run import FOLDER, Runs, Stopped, _narrowed
from agent.inputs import Inputs
from agent.kind import WHOLE, Kind
from agent.publish.result import Result
from checks.lifecycle import Known, Status
from checks.model import Subject
from checks.runs import Told
from checks.target import Target, about
from checks.verdict import Verdict
from tests.agent.road import shipped
from tests.world.trails import HOUR, Trail, key_list

PROMISES = """
schema: upheld.promises/1
policies: [{id: security, title: Security, file: security.md}]
promises:
  - {id: mfa, policy: security, quote: Every login uses a second factor., controls: [{id: mfa}]}
  - {id: moving, policy: security, quote: All is encrypted on its way., controls: [{id: tls-strength}]}
  - {id: whole, policy: security, quote: Our logs are whole., controls: [{id: log-completeness}, {id: certificate-validity}]}
"""
POLICY = "Every login uses a second factor. All is encrypted on its way. Our logs are whole."


@dataclass
class Kept:
    """What was handed to the ledger."""

    results: list[Result] = field(default_factory=list)
    estates: list[list[str]] = field(default_factory=list)

    def __call__(self, inputs: Inputs, result: Result, estate: Path, clock: Clock) -> None:
        self.results.append(result)
        self.estates.append(sorted(json.loads((estate / "manifest.json").read_text())["scope"]["types"]))


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A trail of six hours up to now, an endpoint that nothing listens at, and no cloud."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    Trail(tmp_path / "trail", now=now - 6 * HOUR).hours(6)
    (tmp_path / "keys.json").write_text(json.dumps(key_list(0, start=now - 48 * HOUR, end=now + 48 * HOUR)))
    (tmp_path / "promises.yaml").write_text(PROMISES)
    (tmp_path / "security.md").write_text(POLICY)
    source = {
        "id": "trail", "format": "cloudtrail", "account": "111122223333", "window": "4h", "files": ["trail"], "public_keys": ["keys.json"],
    }  # fmt: skip
    collect = {"aws": [], "logs": [source], "tls": {"endpoints": ["127.0.0.1:1"], "from_estate": False}}
    text = {"schema": "upheld.config/1", "state": "state", "promises": ["promises.yaml"], "collect": collect}
    (tmp_path / "upheld.yaml").write_text(json.dumps(text))
    (tmp_path / "state").mkdir()
    return tmp_path


def begin(office: Path) -> tuple[Runs, Kept]:
    kept = Kept()
    return Runs.of(config.load(str(office / "upheld.yaml"), {}), office / "state", kept), kept


def run(runs: Runs, name: str, told: tuple[Told, ...] = (), ahead: timedelta = timedelta()) -> Result:
    return runs.one(name, Clock(lambda: datetime.now(UTC) + ahead), list(told), lambda: False)


def targets(result: Result) -> set[Target]:
    """What a result's findings are about."""
    book = shipped()
    rules = {**book.rules, **book.log_rules}
    return {about(rules[record["rule"]]) for record in result.findings.records()}


def verdicts(result: Result) -> dict[str, Any]:
    return {one.id: one.verdict for one in result.promises}


def test_each_kind_judges_its_own_and_promises_go_by_all(office: Path) -> None:
    runs, kept = begin(office)
    whole = run(runs, WHOLE)
    assert {Target.TLS, Target.LOGS, Target.POLICY} <= targets(whole)
    for kind in Kind:
        result = run(runs, kind)
        assert targets(result) <= {kind.target}
        assert verdicts(result) == verdicts(whole)
        assert [len(one.controls) for one in result.promises] == [1, 1, 2]
        assert {
            one.id: sum(sum(rule.counts.values()) for control in one.controls for rule in control.rules) for one in result.promises
        } == {one.id: sum(sum(rule.counts.values()) for control in one.controls for rule in control.rules) for one in whole.promises}
    by_kind = dict(zip(Kind, kept.estates[1:], strict=True))
    assert by_kind[Kind.TLS_QUICK] == by_kind[Kind.TLS_FULL]
    assert "tls.endpoint" in by_kind[Kind.TLS_QUICK]
    assert not {"aws.iam.user", "log.source"} & set(by_kind[Kind.TLS_QUICK])
    assert set(by_kind[Kind.LOGS]) == {"log.count", "log.object", "log.source"}
    assert by_kind[Kind.POLICY] == []
    assert not (office / "state" / FOLDER).exists()


def test_the_schedule_is_judged_with_every_run_and_its_failures_alone_with_none(office: Path) -> None:
    runs, kept = begin(office)
    late = Told("logs", 900, "2026-11-25T10:00:00Z", "the bucket was denied", 3, 0)
    assert runs.failed(Clock(), [late], lambda: False).promises == []  # nothing is known of any
    assert kept.estates == [["run"]]
    run(runs, WHOLE)
    failed = runs.failed(Clock(), [late], lambda: False)
    assert {record["rule"]: record["verdict"] for record in failed.findings.records()} == {
        "run-no-overlap": "upheld",
        "run-on-time": "broken",
        "run-succeeds": "broken",
    }
    assert len(failed.promises) == 3
    assert {Target.POLICY, Target.RUN} == targets(run(runs, Kind.POLICY, (late,)))


def known(rule: str, subject: Subject, promises: tuple[str, ...] = ()) -> Known:
    """A finding that the ledger holds."""
    return Known(1, "f", rule, "low", subject, promises, Status.UPHELD, "", "", None, "", "", "", "")


def test_of_what_a_run_is_not_about_it_says_nothing(office: Path) -> None:
    runs, _ = begin(office)
    told = (Told("policy", 60, None, None, 0, 0),)
    whole, policy, plain = run(runs, WHOLE, told), run(runs, Kind.POLICY, told), run(runs, Kind.POLICY)
    volume = known("aws-ebs-volume-encrypted", Subject("aws.ec2.volume", "vol-1", "111122223333", "eu-central-1"), ("gone",))
    quote = known("policy-quote-stands", Subject("policy.sentence", "gone", "security", "global"), ("gone",))
    logs = known("run-on-time", Subject("run", "logs", "run", "global"))
    ended = [
        [None if found is None else found.status for found in map(result.whereabouts.of, (volume, quote, logs))]
        for result in (whole, policy, plain)
        if result.whereabouts is not None
    ]
    assert ended == [
        [Status.RETIRED, Status.RETIRED, Status.OUT_OF_SCOPE],
        [None, Status.RETIRED, Status.OUT_OF_SCOPE],
        [None, Status.RETIRED, None],
    ]


def test_what_a_kind_leaves_grows_old_while_others_run(office: Path) -> None:
    runs, _ = begin(office)
    run(runs, WHOLE)
    for days in (1, 2, 3):
        result = run(runs, Kind.TLS_QUICK, ahead=timedelta(days=days))
    whole = next(one for one in result.promises if one.id == "whole")
    logs, certificates = whole.controls
    assert logs.verdict is Verdict.UNPROVEN
    assert all("stale" in one.reason for rule in logs.rules for one in rule.unseen)
    assert not any("stale" in one.reason for rule in certificates.rules if rule.type == "tls.endpoint" for one in rule.unseen)


def test_texts_are_read_again_and_promises_are_not(office: Path) -> None:
    runs, _ = begin(office)
    run(runs, WHOLE)
    assert {record["verdict"] for record in run(runs, Kind.POLICY).findings.records() if record["rule"] == "policy-quote-stands"} == {
        "upheld"
    }
    (office / "security.md").write_text("We promise nothing any more.")
    (office / "promises.yaml").write_text(PROMISES.replace("id: moving", "id: other"))
    result = run(runs, Kind.POLICY)
    assert {record["verdict"] for record in result.findings.records() if record["rule"] == "policy-quote-stands"} == {"broken"}
    assert list(verdicts(result)) == ["mfa", "moving", "whole"]


def test_nothing_of_a_run_is_recorded_when_the_agent_stops(office: Path) -> None:
    runs, kept = begin(office)
    with pytest.raises(Stopped):
        runs.one(WHOLE, Clock(), [], lambda: True)
    assert kept.results == []
    assert not (office / "state" / FOLDER).exists()


def test_what_exists_is_asked_with_settings_and_endpoints_quickly_or_in_full(office: Path) -> None:
    file = office / "upheld.yaml"
    file.write_text(file.read_text().replace('"aws": []', '"aws": [{"account": "111122223333"}]'))
    runs, _ = begin(office)
    plans = {kind: plan_for(_narrowed(runs.inputs, kind), every=False) for kind in Kind}
    assert {"aws.organizations.account", "aws.iam.user"} <= plans[Kind.SETTINGS].keys()
    assert "aws.iam.user" not in plans[Kind.TLS_QUICK]
    assert all("aws.organizations.account" not in plan for kind, plan in plans.items() if kind is not Kind.SETTINGS)
    assert plans[Kind.POLICY] == {}
    asked = {kind: _narrowed(runs.inputs, kind).configuration.settings.collect.tls for kind in (Kind.TLS_QUICK, Kind.TLS_FULL)}
    assert {kind: (tls.quick, tls.full_every) for kind, tls in asked.items() if tls} == {
        Kind.TLS_FULL: (True, 0),
        Kind.TLS_QUICK: (True, 14 * 86400),
    }
