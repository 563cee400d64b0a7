"""`upheld diff`: what changed between two estates, which verdicts changed with it, and how that ends."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agent.collect.estate import EstateError
from agent.commands import diff
from agent.run import Inputs
from checks.model import GLOBAL, Estate, Place, Resource
from checks.promise import Acceptance
from checks.rule import Rule
from tests.agent.road import seal, shipped, small_inputs
from tests.checks.small import ACCOUNT, BUCKET, DISK, HERE, THERE, Builder, make_promises, make_rule

PROMISE = "promises: [{id: at-rest, quote: All is encrypted., controls: [{id: encryption}]}]"
Data = dict[str, Any]


@cache
def rule() -> Rule:
    return make_rule("resource.Encrypted", id="disk-encrypted", control="encryption", extra="show: [Encrypted]")


def disks(*held: Data, kinds: tuple[str, ...] = ("Disk",)) -> Builder:
    builder = Builder().universe(kinds=dict.fromkeys(kinds, 1))
    for data in held:
        builder.add(DISK, data)
    return builder


def changes(before: Builder, after: Builder) -> list[tuple[str, str, Any]]:
    """What changed: how, the resource's id, its members."""
    return [(one.what, one.key[3], one.members) for one in diff.changes(before.build(), after.build(), shipped().catalogue)]


def show(folder: Path, before: Estate, after: Estate, inputs: Inputs | None = None, *, as_json: bool = False) -> int:
    return diff.show(inputs or small_inputs([rule()]), seal(before, folder / "a"), seal(after, folder / "b"), as_json=as_json)


def test_when_and_from_where_something_was_seen_is_no_change_of_it() -> None:
    def seen(at: str, days: int) -> Estate:
        address = {"address": "203.0.113.7", "enumeration": {"at": at}, "certificate": {"days_left": days}}
        data = {"mode": at, "vantage": {"host": at}, "addresses": [address]}
        held = Resource("a.example:443", "tls.endpoint", "tls", GLOBAL, data)
        return replace(disks().build(), resources={"tls.endpoint": (held,)})

    def changes(before: Estate, after: Estate) -> list[list[str]]:
        return [list(one.members) for one in diff.changes(before, after, shipped().catalogue)]

    assert changes(seen("Monday", 5), seen("Tuesday", 5)) == []
    assert changes(seen("Monday", 5), seen("Tuesday", 4)) == [["addresses"]]


def test_estates_that_are_alike_differ_in_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estate = disks({"DiskId": "one", "Encrypted": False}).build()
    assert show(tmp_path, estate, replace(estate, manifest=replace(estate.manifest, finished="2026-11-21T12:00:00Z"))) == 0
    assert capsys.readouterr().out == "0 resources differ, 0 verdicts changed\n"


def test_resources_come_and_go() -> None:
    assert changes(disks({"DiskId": "old"}), disks({"DiskId": "fresh"})) == [("new", "fresh", {}), ("gone", "old", {})]


def test_a_member_that_changes_is_named_by_its_path() -> None:
    before = {"DiskId": "one", "Network": {"VpcId": "v", "Public": False}, "Zones": ["a"], "Size": 1, "State": "in-use"}
    after = {"DiskId": "one", "Network": {"VpcId": "v", "Public": True}, "Zones": ["a", "b"], "Size": 1, "PublicIp": None}
    ((what, name, members),) = changes(disks(before), disks(after))
    assert (what, name, sorted(members)) == ("changed", "one", ["Network.Public", "PublicIp", "State", "Zones"])
    assert (members["Network.Public"], members["Zones"]) == ((False, True), (["a"], ["a", "b"]))


def test_tags_are_compared_and_not_having_read_them_is_no_change_to_none() -> None:
    before, tagged, unread = disks(), disks(), disks()
    before.add(DISK, {"DiskId": "one"}, tags={"env": "test"})
    tagged.add(DISK, {"DiskId": "one"}, tags={"env": "production"})
    unread.resources.append(replace(disks({"DiskId": "one"}).resources[-1], tags=None))
    assert changes(before, tagged) == [("changed", "one", {"(tags)": ({"env": "test"}, {"env": "production"})})]
    assert changes(before, unread) == [("changed", "one", {"(tags)": ({"env": "test"}, None)})]


@pytest.mark.parametrize(("left", "right"), [(1, True), (0, False), (1, 1.0), ([1], [True]), ("1", 1), (None, "null"), ({}, [])])
def test_values_of_another_kind_are_other_values(left: Any, right: Any) -> None:
    ((_, _, members),) = changes(disks({"DiskId": "one", "Document": left}), disks({"DiskId": "one", "Document": right}))
    assert members == {"Document": (left, right)}


def test_what_is_not_listed_is_gone_only_where_a_listing_shows_it() -> None:
    before, refused, uncollected, ghost = disks({"DiskId": "one"}), disks(), disks(), disks()
    refused.gap(DISK)
    uncollected.unlisted.add((DISK, Place(ACCOUNT, HERE)))
    ghost.gap(DISK, "one")
    for after in (refused, uncollected, ghost):
        assert changes(before, after) == [("unseen", "one", {})]
        assert changes(after, before) == [("seen", "one", {})]


def test_a_bucket_is_gone_where_the_listing_of_all_regions_shows_it() -> None:
    def buckets() -> Builder:
        builder = Builder()
        builder.add(BUCKET, {"Name": "shop", "Region": THERE}, place=Place(ACCOUNT, THERE))
        return builder

    refused = Builder()
    refused.gap(BUCKET, place=Place(ACCOUNT, GLOBAL))
    assert changes(buckets(), Builder()) == [("gone", "shop", {})]
    assert changes(buckets(), refused) == [("unseen", "shop", {})]


def test_what_a_person_asserts_to_be_complete_shows_what_is_gone() -> None:
    after = Builder(asserted_by="auditor", unlisted={(DISK, Place(ACCOUNT, HERE))})
    before = Builder()
    before.add(DISK, {"DiskId": "one"})
    assert changes(before, after) == [("gone", "one", {})]


@pytest.mark.parametrize(
    ("before", "after", "turn", "code"),
    [
        (True, False, "upheld -> broken", 1),
        (False, True, "broken -> upheld", 0),
        (True, None, "upheld -> unproven", 3),
        (False, None, "broken -> unproven", 3),
        (None, True, "unproven -> upheld", 0),
    ],
)
def test_the_worst_turn_sets_the_exit_code(
    before: bool | None, after: bool | None, turn: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def disk(encrypted: bool | None) -> Estate:
        return disks(
            {"DiskId": "one", **({} if encrypted is None else {"Encrypted": encrypted})}, {"DiskId": "bad", "Encrypted": False}
        ).build()

    assert show(tmp_path, disk(before), disk(after)) == code
    said = capsys.readouterr().out.splitlines()
    assert f"changed  {DISK} one in {ACCOUNT}/{HERE}" in said
    assert f"{turn}  disk-encrypted  one in {ACCOUNT}/{HERE}" in said
    assert said[-1] == "1 resources differ, 1 verdicts changed"


def test_a_finding_comes_and_goes_with_its_resource(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty, broken = disks().build(), disks({"DiskId": "one", "Encrypted": False}).build()
    assert show(tmp_path / "came", empty, broken) == 1
    assert show(tmp_path / "went", broken, empty) == 0
    said = capsys.readouterr().out
    assert f"none -> broken  disk-encrypted  one in {ACCOUNT}/{HERE}" in said
    assert f"broken -> none  disk-encrypted  one in {ACCOUNT}/{HERE}" in said


def test_a_listing_that_is_refused_turns_to_unproven(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = disks()
    refused.gap(DISK)
    assert show(tmp_path, disks({"DiskId": "one", "Encrypted": True}).build(), refused.build()) == 3
    said = capsys.readouterr().out
    assert f"unseen  {DISK} one in {ACCOUNT}/{HERE}" in said
    assert f"none -> unproven  disk-encrypted  * in {ACCOUNT}/{HERE}" in said


def test_a_promise_that_turns_without_any_finding_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held, inputs = {"DiskId": "one", "Encrypted": True}, small_inputs([rule()], make_promises(PROMISE))
    assert show(tmp_path, disks(held).build(), disks(held, kinds=("Disk", "Tape")).build(), inputs) == 3
    said = capsys.readouterr().out
    assert "upheld -> unproven  promise at-rest\n    not seen: 1 of kind AWS::Test::Tape: no rule of encryption judges it\n" in said


def test_what_a_person_accepts_turns_to_broken_and_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = disks({"DiskId": "one", "Encrypted": True}).build(), disks({"DiskId": "one", "Encrypted": False}).build()
    promises = make_promises(PROMISE)
    bad = next(diff.judged(small_inputs([rule()], promises), after).findings.records())
    accepted = Acceptance(finding=bad["id"], owner="cto", reason="r", expires="2027-05-01", digest=bad["evidence"]["counterexample"])
    assert show(tmp_path / "plain", before, after, small_inputs([rule()], promises)) == 1
    assert show(tmp_path / "accepted", before, after, small_inputs([rule()], promises, exceptions={bad["id"]: accepted})) == 0
    assert capsys.readouterr().out.count("upheld -> broken  disk-encrypted  one") == 2


def test_each_estate_is_judged_by_its_own_time(tmp_path: Path) -> None:
    """An old estate is not stale here, and what expires by the clock expires by the estate's."""
    aged = make_rule("days_between(resource.Created, now) <= 90.0", id="disk-young", extra="show: [Created]")
    data = {"DiskId": "one", "Created": "2026-10-01T00:00:00Z"}
    before, after = disks(data).build(), disks(data).build()
    after = replace(after, manifest=replace(after.manifest, finished="2027-03-01T00:00:00Z"))
    assert show(tmp_path, before, after, small_inputs([aged])) == 1


def test_as_json_everything_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = disks({"DiskId": "one", "Encrypted": True, "State": "in-use"}, {"DiskId": "old", "Encrypted": True}).build()
    after = disks({"DiskId": "one", "Encrypted": False, "PublicIp": None}, kinds=("Disk", "Tape")).build()
    assert show(tmp_path, before, after, small_inputs([rule()], make_promises(PROMISE)), as_json=True) == 1
    held = json.loads(capsys.readouterr().out)
    assert set(held) == {"schema", "resources", "verdicts", "promises"}
    assert held["schema"] == "upheld.diff/1"
    by_id = {one["resource"][3]: one for one in held["resources"] if one["resource"][0] == DISK}
    assert by_id["old"] == {"what": "gone", "resource": [DISK, ACCOUNT, HERE, "old"], "members": {}}
    assert by_id["one"]["members"] == {
        "Encrypted": {"before": True, "after": False},
        "State": {"before": "in-use"},
        "PublicIp": {"after": None},
    }
    turned = {one["resource"]["id"]: (one["before"], one["after"]) for one in held["verdicts"]}
    assert turned == {"one": ("upheld", "broken"), "old": ("upheld", None)}
    assert [(one["id"], one["before"], one["after"], len(one["missing"])) for one in held["promises"]] == [
        ("at-rest", "upheld", "broken", 1)
    ]


def test_names_cannot_forge_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "one\r\nbroken -> upheld\x1b[2J\u202e"
    show(tmp_path, disks().build(), disks({"DiskId": evil, "Encrypted": False, "State": evil}).build())
    said = capsys.readouterr().out
    assert "\nbroken -> upheld" not in said
    assert not [char for char in "\r\x1b\u202e" if char in said]


def test_a_long_value_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(tmp_path, disks({"DiskId": "one"}).build(), disks({"DiskId": "one", "Document": "x" * 500}).build())
    assert f'    Document: absent -> "{"x" * 76}...\n' in capsys.readouterr().out


def test_the_order_is_the_same_however_the_estate_is_read() -> None:
    before, after = disks(), disks(*({"DiskId": f"disk-{number}"} for number in range(9)))
    forth = changes(before, after)
    after.resources.reverse()
    assert changes(before, after) == forth


def test_an_estate_that_was_changed_is_refused(tmp_path: Path) -> None:
    seal(disks().build(), tmp_path / "a")
    (tmp_path / "a" / "gaps.jsonl").write_text("{}\n")
    with pytest.raises(EstateError, match=r"gaps\.jsonl was changed"):
        diff.show(small_inputs([rule()]), tmp_path / "a", tmp_path / "a", as_json=False)
