"""Logs read into an estate: counts, hours, gaps; again without reading twice; and the same whatever happens on the way."""

from __future__ import annotations

import gzip
import os
from datetime import timedelta
from pathlib import Path

import pytest

from agent.collect.estate import read_estate
from checks.judge import bind, judge
from checks.logs.source import OBJECT, SOURCE
from checks.model import Estate, Reason
from tests.agent.collect.logs.stage import collected, of_trail, source, verdicts
from tests.agent.collect.logs.test_reading import ALB_ROW, FLOW, FLOW_ROW
from tests.agent.road import shipped
from tests.checks.logs.log_rules import make
from tests.world.trails import HOUR, START, Trail, text

RULE = make("row.mfa", applies_if="row.event_name == 'ConsoleLogin'", group_by=["principal"])
WEB = make("row.tls_version in ['TLSv1.2', 'TLSv1.3']", rows="log.alb", group_by=["listener"])
NOW = START + 10 * HOUR


def login(at: object, principal: str, *, mfa: str) -> dict[str, object]:
    return {
        "eventTime": text(at), "eventName": "ConsoleLogin", "userIdentity": {"type": "IAMUser", "arn": principal},
        "additionalEventData": {"MFAUsed": mfa}, "responseElements": {"ConsoleLogin": "Success"},
    }  # fmt: skip


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    """Ten hours of a trail: a login in the sixth, the last two hours not delivered yet."""
    made = Trail(tmp_path / "bucket").hours(5)
    at = made.now + timedelta(minutes=10)
    made.digest([made.log(at, [login(at, "ana", mfa="Yes")])])
    return made.hours(3)


def hours(estate: Estate) -> list[str]:
    (one,) = estate.of(SOURCE)
    return [hour["Proof"] for hour in one.data["Hours"]]


def test_a_trail_with_digests_upholds_over_the_hours_they_prove(tmp_path: Path, trail: Trail) -> None:
    estate = collected(tmp_path / "estate", [of_trail(trail)], [RULE], NOW)
    assert hours(estate) == ["proven", "proven", "proven", "proven", "not-yet-due", "not-yet-due"]
    assert verdicts(estate, RULE) == {"trail": "upheld"}
    (one,) = estate.of(SOURCE)
    assert (one.data["Rows"], one.data["Objects"], one.data["Completeness"]) == (9, 17, "prove"), (
        "the rows of the window, of all objects that may hold some"
    )
    assert estate.gaps == ()
    assert {held.data["Sha256"] is not None for held in estate.of(OBJECT)} == {True}


def test_without_digests_there_is_no_counterexample_and_no_proof(tmp_path: Path, trail: Trail) -> None:
    assert verdicts(collected(tmp_path / "one", [source(trail.root)], [RULE], NOW), RULE) == {"trail": "unproven"}
    assert verdicts(collected(tmp_path / "two", [source(trail.root, assume=True)], [RULE], NOW), RULE) == {"trail": "upheld"}


def test_a_row_that_breaks_a_promise_is_found_whatever_else_is_known(tmp_path: Path, trail: Trail) -> None:
    at = trail.now + timedelta(minutes=5)
    trail.log(at, [login(at, "eve", mfa="No")])
    estate = collected(tmp_path / "estate", [of_trail(trail)], [RULE], NOW)
    assert verdicts(estate, RULE)["trail/eve"] == "broken"


def test_a_deleted_log_file_leaves_its_hour_broken_and_upholds_nothing(tmp_path: Path, trail: Trail) -> None:
    trail.remove(trail.delivered[6].logs[0])
    estate = collected(tmp_path / "estate", [of_trail(trail)], [RULE], NOW)
    assert hours(estate)[1:4] == ["broken", "broken", "proven"]
    assert verdicts(estate, RULE) == {"trail": "unproven"}


def test_a_file_that_cannot_be_read_leaves_its_hours_untold_and_is_a_gap(tmp_path: Path, trail: Trail) -> None:
    path = trail.path(trail.delivered[5].logs[0])
    path.write_bytes(path.read_bytes()[:-9])
    estate = collected(tmp_path / "estate", [source(trail.root, assume=True)], [RULE], NOW)
    assert verdicts(estate, RULE) == {"trail": "unproven"}
    (gap,) = estate.gaps
    assert (gap.type, gap.id, gap.reason) == (OBJECT, str(path), Reason.MALFORMED)


def test_a_region_without_digests_is_missed_and_regions_that_nobody_knows_prove_nothing(tmp_path: Path, trail: Trail) -> None:
    for place, regions in enumerate((frozenset({"eu-central-1", "us-east-1"}), None)):
        held = of_trail(trail)
        estate = collected(tmp_path / str(place), [type(held)(**{**_members(held), "regions": regions})], [RULE], NOW)
        assert set(hours(estate)[:4]) == {"cannot-tell"}
        assert verdicts(estate, RULE) == {"trail": "unproven"}


def _members(held: object) -> dict[str, object]:
    return {name: getattr(held, name) for name in type(held).__slots__}


def test_the_digests_of_another_account_prove_nothing_of_this_one(tmp_path: Path, trail: Trail) -> None:
    estate = collected(tmp_path / "estate", [of_trail(trail, account="444455556666")], [RULE], NOW)
    assert set(hours(estate)[:4]) == {"cannot-tell"}


def test_an_odd_file_leaves_open_whether_everything_was_scanned(tmp_path: Path) -> None:
    (tmp_path / "alb.log").write_text(f"{ALB_ROW}\n")
    whole = collected(tmp_path / "one", [source(tmp_path / "alb.log", "auto", key=b"k" * 16)], [], START + 18 * HOUR)
    assert whole.of(SOURCE)[0].data["Whole"] is True
    (tmp_path / "logs").mkdir()
    (tmp_path / "alb.log").rename(tmp_path / "logs/alb.log")
    (tmp_path / "logs/odd.txt").write_text("what is this\n")
    odd = collected(tmp_path / "two", [source(tmp_path / "logs", "auto", key=b"k" * 16)], [], START + 18 * HOUR)
    assert "Whole" not in odd.of(SOURCE)[0].data


def test_what_is_assumed_of_a_source_stands_in_the_evidence_of_every_finding_about_it(tmp_path: Path, trail: Trail) -> None:
    estate = collected(tmp_path / "estate", [source(trail.root, assume=True)], [], NOW)
    rule = shipped().rules["log-source-complete"]
    (found,) = judge(estate, shipped().catalogue, bind([rule], [], every=True), {})
    assert str(found.verdict) == "upheld"
    assert found.evidence.assumptions == ("the configuration says that the log source trail is to be taken for complete",)


def test_rows_outside_the_window_are_nobodys(tmp_path: Path, trail: Trail) -> None:
    at = START + timedelta(minutes=5)
    trail.log(at, [login(at, "eve", mfa="No")])
    assert verdicts(collected(tmp_path / "short", [source(trail.root)], [RULE], NOW), RULE) == {"trail": "unproven"}
    longer = collected(tmp_path / "long", [source(trail.root, window=timedelta(hours=10))], [RULE], NOW)
    assert verdicts(longer, RULE)["trail/eve"] == "broken"


WEB_LINE = '198.51.100.7 - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET / HTTP/1.1" 200 5 "-" "curl/{status}"\n'
NO_TEAPOTS = make("row.user_agent in ['curl/200']", rows="log.web", group_by=["status"])


def web(place: Path, *lines: tuple[timedelta, int]) -> Path:
    """An access log with a line so long before or after START, and what its user agent says."""
    place.write_text("".join(WEB_LINE.format(at=START + after, status=status) for after, status in lines))
    return place


def test_a_row_of_a_time_that_has_not_come_counts_and_may_be_of_any_hour(tmp_path: Path) -> None:
    log = web(tmp_path / "access.log", (8 * HOUR, 200), (30 * 24 * HOUR, 418))
    estate = collected(tmp_path / "estate", [source(log, "web", assume=True)], [NO_TEAPOTS], NOW)
    assert verdicts(estate, NO_TEAPOTS) == {"trail/200": "broken", "trail": "unproven"}
    (one,) = estate.of(SOURCE)
    assert "1 of its rows are of a time that has not come" in one.data["Doubt"]


def test_a_row_of_an_impossible_time_has_none(tmp_path: Path) -> None:
    log = web(tmp_path / "access.log", (8 * HOUR, 200))
    log.write_text(log.read_text() + WEB_LINE.format(at=START, status=418).replace("2026", "9999"))
    estate = collected(tmp_path / "estate", [source(log, "web", assume=True, window=None)], [NO_TEAPOTS], NOW)
    assert verdicts(estate, NO_TEAPOTS) == {"trail/200": "broken", "trail": "unproven"}
    (one,) = estate.of(SOURCE)
    assert (one.data["RowsWithoutTime"], len(one.data["Hours"])) == (1, 1)


def test_hours_are_told_of_for_two_years_and_not_for_as_long_as_one_wrong_row_says(tmp_path: Path) -> None:
    log = web(tmp_path / "access.log", (-30 * 365 * 24 * HOUR, 200), (0 * HOUR, 200))
    estate = collected(tmp_path / "estate", [source(log, "web", assume=True, window=None)], [NO_TEAPOTS], NOW)
    (found,) = judge(estate, shipped().catalogue, bind([shipped().rules["log-source-complete"]], [], every=True), {})
    (one,) = estate.of(SOURCE)
    assert (str(found.verdict), one.data["Rows"], len(one.data["Hours"])) == ("unproven", 2, 731 * 24)
    assert "too far back to be told of" in one.data["Doubt"]


def test_an_hour_without_flows_is_a_hole_though_completeness_is_assumed(tmp_path: Path) -> None:
    (tmp_path / "flow.log").write_text(f"{FLOW}\n{FLOW_ROW}\n")
    one = source(tmp_path / "flow.log", "vpc_flow", assume=True)
    estate = collected(tmp_path / "estate", [one], [], START + 18 * HOUR)
    assert hours(estate) == ["cannot-tell", "cannot-tell", "proven", "cannot-tell", "not-yet-due", "not-yet-due"]


def test_what_was_skipped_before_it_was_written_breaks_its_hour(tmp_path: Path) -> None:
    (tmp_path / "flow.log").write_text(f"{FLOW}\n{FLOW_ROW}\n{FLOW_ROW.replace('ACCEPT OK', '- SKIPDATA')}\n")
    estate = collected(tmp_path / "estate", [source(tmp_path / "flow.log", "vpc_flow", assume=True)], [], START + 18 * HOUR)
    assert hours(estate)[2] == "broken"


def test_every_format_in_a_folder_is_a_source_of_its_own_where_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "flow.log").write_text(f"{FLOW}\n{FLOW_ROW}\n")
    (tmp_path / "alb.log").write_text(f"{ALB_ROW}\n")
    (tmp_path / "odd.txt").write_text("what is this\n")
    estate = collected(tmp_path / "estate", [source(tmp_path, "auto", assume=True)], [RULE, WEB], START + 18 * HOUR)
    assert {one.id: one.data["Table"] for one in estate.of(SOURCE)} == {"trail/alb": "log.alb", "trail/vpc_flow": "log.vpc_flow"}
    assert verdicts(estate, WEB) == {"trail/alb": "unproven"}, "the odd file may have held rows of it"


def test_a_second_run_reads_only_what_is_new_and_says_the_same(tmp_path: Path, trail: Trail) -> None:
    memory = tmp_path / "logs.db"
    collected(tmp_path / "one", [of_trail(trail)], [RULE], NOW, memory=memory)
    for path in trail.root.rglob("CloudTrail/**/*.json.gz"):
        status = path.stat()
        path.write_bytes(b"\0" * status.st_size)  # nobody looks at it again: its size and its time are the same
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    at = trail.now + timedelta(minutes=5)
    late = trail.log(at, [login(at, "eve", mfa="No")])
    estate = collected(tmp_path / "two", [of_trail(trail)], [RULE], NOW, memory=memory)
    assert verdicts(estate, RULE)["trail/eve"] == "broken"
    trail.remove(late)
    again = collected(tmp_path / "three", [of_trail(trail)], [RULE], NOW, memory=memory)
    assert (again.resources, again.looks) == (read_estate(tmp_path / "one").resources, read_estate(tmp_path / "one").looks)


def test_another_rule_reads_everything_again(tmp_path: Path, trail: Trail) -> None:
    memory = tmp_path / "logs.db"
    collected(tmp_path / "one", [of_trail(trail)], [RULE], NOW, memory=memory)
    other = make("row.event_name in ['ConsoleLogin']", group_by=["event_name"])
    estate = collected(tmp_path / "two", [of_trail(trail)], [RULE, other], NOW, memory=memory)
    assert verdicts(estate, other)["trail/DescribeInstances"] == "broken"


def test_what_could_not_be_looked_at_is_looked_at_again(tmp_path: Path, trail: Trail) -> None:
    memory = tmp_path / "logs.db"
    path = trail.path(trail.delivered[5].logs[0])
    hidden = path.rename(tmp_path / "hidden")
    path.mkdir()
    (path / "no-file").mkfifo() if hasattr(path, "mkfifo") else os.mkfifo(path / "no-file.json.gz")
    first = collected(tmp_path / "one", [source(trail.root, assume=True)], [RULE], NOW, memory=memory)
    assert [gap.reason for gap in first.gaps] == [Reason.FAILED]
    (path / "no-file.json.gz").unlink()
    path.rmdir()
    hidden.rename(path)
    assert verdicts(collected(tmp_path / "two", [source(trail.root, assume=True)], [RULE], NOW, memory=memory), RULE) == {"trail": "upheld"}


def test_objects_may_come_one_by_one_or_all_at_once_and_in_several_processes(tmp_path: Path) -> None:
    trail = Trail(tmp_path / "bucket").hours(9, logs=4)
    many = collected(tmp_path / "many", [of_trail(trail)], [RULE], NOW, small=0)
    assert many.of(SOURCE)[0].data["Objects"] == 36
    memory = tmp_path / "logs.db"
    for count in range(4, 37, 4):
        for key in [key for made in trail.delivered for key in made.logs][count:]:
            os.rename(trail.path(key), f"{trail.path(key)}.later")
        collected(tmp_path / f"few-{count}", [of_trail(trail)], [RULE], NOW, memory=memory)
        for path in list(trail.root.rglob("*.later")):
            path.rename(str(path).removesuffix(".later"))
    few = collected(tmp_path / "few", [of_trail(trail)], [RULE], NOW, memory=memory)
    assert few.resources == many.resources
    assert few.looks == many.looks


def test_what_there_was_no_time_for_is_told(tmp_path: Path, trail: Trail) -> None:
    turns = iter([False, False, *[True] * 99])
    estate = collected(tmp_path / "estate", [of_trail(trail)], [RULE], NOW, late=lambda: next(turns))
    assert verdicts(estate, RULE) == {"trail": "unproven"}
    assert {gap.reason for gap in estate.gaps} == {Reason.LATE}


def test_a_folder_that_is_not_there_is_a_gap(tmp_path: Path) -> None:
    estate = collected(tmp_path / "estate", [source(tmp_path / "nowhere", assume=True)], [RULE], NOW)
    assert [(gap.type, gap.id) for gap in estate.gaps] == [(SOURCE, "trail")]
    assert verdicts(estate, RULE) == {"trail": "unproven"}


@pytest.mark.parametrize("format_", ["web", "cloudtrail", "vpc_flow"])
def test_a_folder_without_logs_upholds_nothing_whatever_is_assumed(tmp_path: Path, format_: str) -> None:
    (tmp_path / "logs").mkdir()
    estate = collected(tmp_path / "estate", [source(tmp_path / "logs", format_, assume=True, key=b"k" * 16)], [RULE], NOW)
    assert "proven" not in hours(estate)
    rules = [shipped().rules[name] for name in ("log-source-complete", "log-source-no-personal-data")]
    found = judge(estate, shipped().catalogue, bind(rules, [], every=True), {})
    assert {str(one.verdict) for one in found} == {"unproven"}


def test_a_log_of_nothing_but_typed_columns_holds_no_personal_data_in_its_text(tmp_path: Path) -> None:
    (tmp_path / "flow.log").write_text(f"{FLOW}\n{FLOW_ROW}\n")
    estate = collected(tmp_path / "estate", [source(tmp_path / "flow.log", "vpc_flow", key=b"k" * 16)], [], START + 18 * HOUR)
    rule = shipped().rules["log-source-no-personal-data"]
    assert [str(one.verdict) for one in judge(estate, shipped().catalogue, bind([rule], [], every=True), {})] == ["upheld"]


def test_a_source_of_which_no_format_is_told_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_text("what is this\n")
    for place, root in enumerate((tmp_path / "odd.txt", tmp_path / "nowhere")):
        estate = collected(tmp_path / str(place), [source(root, "auto", assume=True)], [RULE], NOW)
        assert [(gap.type, gap.id) for gap in estate.gaps if gap.type == SOURCE] == [(SOURCE, "trail")]


def of_web(tmp_path: Path, place: str, **more: object) -> Estate:
    root = tmp_path / "logs"
    return collected(tmp_path / place, [source(root, "web", assume=True, **more)], [NO_TEAPOTS], NOW, memory=tmp_path / "logs.db")


def test_a_log_that_was_read_and_is_deleted_is_missed_for_as_long_as_its_rows_are_in_the_window(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    web(tmp_path / "logs/a.log", (5 * HOUR, 418))
    web(tmp_path / "logs/b.log", (6 * HOUR, 200))
    assert set(hours(of_web(tmp_path, "one"))) == {"proven", "not-yet-due"}
    (tmp_path / "logs/a.log").unlink()
    for place in ("two", "three"):
        estate = of_web(tmp_path, place)
        assert [hour for hour, proof in zip(range(4, 10), hours(estate), strict=True) if proof == "cannot-tell"] == [5]
        assert [(gap.id, gap.reason) for gap in estate.gaps] == [(str(tmp_path / "logs/a.log"), Reason.VANISHED)]
    assert "cannot-tell" not in hours(of_web(tmp_path, "short", window=timedelta(hours=4)))
    assert of_web(tmp_path, "later").gaps == (), "it is out of the window, and was forgotten"


def test_a_log_that_is_cut_is_missed_too(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    log = web(tmp_path / "logs/a.log", (5 * HOUR, 418), (5 * HOUR, 200), (6 * HOUR, 200))
    of_web(tmp_path, "one")
    web(log, (5 * HOUR, 200), (6 * HOUR, 200))
    assert hours(of_web(tmp_path, "two"))[1] == "cannot-tell"


def test_a_log_that_is_written_on_and_rotated_and_compressed_is_still_there(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    log = web(tmp_path / "logs/access.log", (5 * HOUR, 200))
    of_web(tmp_path, "one")
    web(log, (5 * HOUR, 200), (5 * HOUR, 200), (6 * HOUR, 200))
    assert "cannot-tell" not in hours(of_web(tmp_path, "two"))
    log.rename(tmp_path / "logs/access.log.1")
    web(log, (7 * HOUR, 200))
    assert "cannot-tell" not in hours(of_web(tmp_path, "three"))
    rotated = tmp_path / "logs/access.log.2.gz"
    rotated.write_bytes(gzip.compress((tmp_path / "logs/access.log.1").read_bytes()))
    (tmp_path / "logs/access.log.1").unlink()
    log.rename(tmp_path / "logs/access.log.1")
    assert "cannot-tell" not in hours(of_web(tmp_path, "four"))


def test_what_a_source_does_not_hold_any_more_by_its_configuration_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    web(tmp_path / "logs/a.log", (5 * HOUR, 200))
    web(tmp_path / "elsewhere/a.log", (6 * HOUR, 200))
    of_web(tmp_path, "one")
    other = source(tmp_path / "elsewhere", "web", assume=True)
    assert "cannot-tell" not in hours(collected(tmp_path / "two", [other], [NO_TEAPOTS], NOW, memory=tmp_path / "logs.db"))


def test_a_rotated_log_that_is_skipped_is_a_hole_though_completeness_is_assumed(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    web(tmp_path / "logs/access.log", (7 * HOUR, 200))
    web(tmp_path / "logs/access.log.2", (5 * HOUR, 200))
    estate = of_web(tmp_path, "one")
    assert hours(estate)[:4] == ["proven", "cannot-tell", "cannot-tell", "cannot-tell"]
    assert verdicts(estate, NO_TEAPOTS) == {"trail": "unproven"}
