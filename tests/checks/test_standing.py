"""What runs about some targets leave standing for those about others: whole verdicts, and nothing fresher than it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from checks.age import Ages
from checks.judge import Bound, Population, bind, key
from checks.model import Estate, Look, Manifest, Resource, Scope
from checks.rule import Rule
from checks.runs import RUN, Told, resources
from checks.standing import Standing
from checks.summary import Text
from checks.target import Target, about
from checks.verdict import Verdict
from tests.agent.road import shipped

BEGIN = datetime(2026, 11, 25, tzinfo=UTC)
DAY = timedelta(days=1)


def rule(name: str) -> Rule:
    book = shipped()
    return {**book.rules, **book.log_rules}[name]


SETTING, PATHS, ENDPOINT, ROWS, SOURCE, SENTENCE, RUNS = map(
    rule,
    [
        "aws-ebs-volume-encrypted", "aws-network-databases-closed", "tls-protocol-tls10", "log-console-login-mfa", "log-source-complete",
        "policy-quote-stands", "run-on-time",
    ],
)  # fmt: skip


def estate(at: datetime, *resources_: Resource, looks: tuple[Look, ...] = ()) -> Estate:
    scope = Scope({"111122223333": ("eu-central-1",)}, ())
    manifest = Manifest("upheld.estate/1", at.isoformat(), at.isoformat(), "upheld", {}, None, scope)
    held: dict[str, tuple[Resource, ...]] = {}
    for one in resources_:
        held[one.type] = (*held.get(one.type, ()), one)
    return Estate(manifest, held, looks, ())


def came_to(rules: list[Rule], verdict: Verdict) -> tuple[list[Bound], dict[tuple[str, str], Population]]:
    """Each rule, held against two things of one verdict."""
    bound = bind(rules, [], every=True)
    return bound, {("", key(one)): Population({**dict.fromkeys(Verdict, 0), verdict: 2}, looks=["l"]) for one in bound}


def verdicts(standing: Standing, now: datetime) -> dict[str, str]:
    bound, populations = standing.all(now)
    return {one.rule.id: next(str(word) for word, count in populations["", key(one)].counts.items() if count) for one in bound}


@pytest.mark.parametrize(
    ("judged", "target"),
    [
        (SETTING, Target.SETTINGS), (PATHS, Target.NETWORK), (ENDPOINT, Target.TLS), (ROWS, Target.LOGS), (SOURCE, Target.LOGS),
        (SENTENCE, Target.POLICY), (RUNS, Target.RUN),
    ],
)  # fmt: skip
def test_each_rule_is_about_one_kind_of_target(judged: Rule, target: Target) -> None:
    assert about(judged) is target


def test_a_run_about_one_target_takes_nothing_from_the_others() -> None:
    standing = Standing(Ages.of_all(DAY))
    standing.take(None, estate(BEGIN), *came_to([SETTING, ENDPOINT, ROWS], Verdict.UPHELD))
    assert standing.whole
    standing.take(Target.TLS, estate(BEGIN + DAY / 2), *came_to([ENDPOINT], Verdict.BROKEN))
    assert verdicts(standing, BEGIN + DAY / 2) == {
        "aws-ebs-volume-encrypted": "upheld",
        "log-console-login-mfa": "upheld",
        "tls-protocol-tls10": "broken",
    }


def test_what_nobody_looked_at_for_too_long_is_unproven_and_no_other_run_makes_it_fresh() -> None:
    standing = Standing(Ages.of_all(DAY))
    standing.take(None, estate(BEGIN), *came_to([SETTING, ENDPOINT], Verdict.UPHELD))
    for hours in range(1, 30):
        standing.take(Target.TLS, estate(BEGIN + timedelta(hours=hours)), *came_to([ENDPOINT], Verdict.UPHELD))
    now = BEGIN + timedelta(hours=29)
    assert verdicts(standing, now) == {"aws-ebs-volume-encrypted": "unproven", "tls-protocol-tls10": "upheld"}
    bound, populations = standing.all(now)
    old = populations["", key(next(one for one in bound if one.rule is SETTING))]
    assert (old.counts[Verdict.UNPROVEN], old.looks) == (2, [])
    assert [reason for reason, _ in old.reasons] == [f"stale: nobody looked since {BEGIN.isoformat()}"]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_growing_old_makes_everything_unproven_and_nothing_else(verdict: Verdict) -> None:
    standing = Standing(Ages.of_all(DAY))
    standing.take(None, estate(BEGIN), *came_to([SETTING], verdict))
    assert verdicts(standing, BEGIN + 2 * DAY) == {SETTING.id: "unproven"}


@pytest.mark.parametrize(("ahead", "verdict"), [(timedelta(hours=1), "upheld"), (DAY + timedelta(seconds=1), "unproven")])
def test_what_was_seen_in_a_future_that_is_not_any_more_counts_for_no_longer(ahead: timedelta, verdict: str) -> None:
    standing = Standing(Ages.of_all(DAY))
    standing.take(None, estate(BEGIN + ahead), *came_to([SETTING], Verdict.UPHELD))
    assert verdicts(standing, BEGIN) == {SETTING.id: verdict}


def test_an_empty_population_that_is_too_old_is_not_empty() -> None:
    standing = Standing(Ages.of_all(DAY))
    bound, populations = came_to([SETTING], Verdict.UPHELD)
    standing.take(None, estate(BEGIN), bound, {name: replace(held, counts=dict.fromkeys(Verdict, 0)) for name, held in populations.items()})
    assert verdicts(standing, BEGIN + 2 * DAY) == {SETTING.id: "unproven"}


def test_what_exists_is_known_from_the_newest_look_at_it_until_that_is_too_old() -> None:
    region = Resource("eu-central-1", "aws.ec2.region", "111122223333", "global", {}, {}, ("l",))
    look = Look("l", "111122223333", "global", "aws.ec2.region", "DescribeRegions", None, 1, 1, BEGIN.isoformat(), None, "0" * 64)
    standing = Standing(Ages.of_all(DAY))
    standing.take(None, estate(BEGIN, region, looks=(look,)), [], {})
    later = estate(BEGIN + DAY / 2)
    standing.take(Target.LOGS, later, [], {})
    known = standing.exists(later)
    assert [one.id for one in known.of("aws.ec2.region")] == ["eu-central-1"]
    assert known.manifest.finished == later.manifest.finished
    nothing = standing.exists(estate(BEGIN + 2 * DAY))
    assert not nothing.resources
    assert not nothing.manifest.scope.accounts


def test_a_look_is_as_old_as_the_beginning_of_its_run() -> None:
    standing = Standing(Ages.of_all(DAY))
    long = estate(BEGIN + DAY / 2)
    standing.take(None, replace(long, manifest=replace(long.manifest, started=BEGIN.isoformat())), *came_to([SETTING], Verdict.UPHELD))
    assert verdicts(standing, BEGIN + DAY) == {SETTING.id: "upheld"}
    assert verdicts(standing, BEGIN + DAY * 1.1) == {SETTING.id: "unproven"}


def test_each_kind_of_target_grows_old_by_itself() -> None:
    standing = Standing(Ages({Target.SETTINGS: DAY, Target.TLS: DAY / 24}))
    standing.take(None, estate(BEGIN), *came_to([SETTING, ENDPOINT], Verdict.UPHELD))
    now = BEGIN + DAY / 2
    assert verdicts(standing, now) == {SETTING.id: "upheld", ENDPOINT.id: "unproven"}
    assert standing.until(now) == {Target.SETTINGS: BEGIN + DAY}


def test_a_published_text_that_nobody_read_for_too_long_has_no_sentences() -> None:
    standing, texts = Standing(Ages.of_all(DAY)), {"security": Text("All is encrypted.")}
    standing.take(None, estate(BEGIN), [], {})
    standing.take(Target.LOGS, estate(BEGIN + 2 * DAY), [], {})
    assert standing.read(texts, BEGIN + DAY) == texts
    (stale,) = standing.read(texts, BEGIN + 2 * DAY).values()
    assert (stale.text, stale.problem) == (None, f"stale: nobody read it since {BEGIN.isoformat()}")


def test_before_a_run_about_everything_nothing_is_whole() -> None:
    standing = Standing(Ages.of_all(DAY))
    standing.take(Target.SETTINGS, estate(BEGIN), *came_to([SETTING], Verdict.UPHELD))
    assert not standing.whole


def test_runs_are_resources_with_a_look_each() -> None:
    told = [Told("logs", 900, BEGIN.isoformat(), None, 0, 2), Told("policy", 86400, None, None, 0, 0)]
    held, looks = resources(told, BEGIN.isoformat())
    assert {one.type for one in held} == {RUN}
    assert [one.evidence for one in held] == [(look.id,) for look in looks]
    assert held[0].data["Succeeded"] is True
    assert held[0].data["Overlapped"] == 2
    assert "Succeeded" not in held[1].data  # none has ended: whether they succeed is not known
