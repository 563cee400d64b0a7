"""`upheld check --record` and `upheld ledger`, as a person runs them: what changed is told, and nothing leaves quietly."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from checks.model import Gap, Reason
from tests.agent.ledger.estates import ACCOUNT, AT_REST, DENIED, HERE, VOLUME, company, estate, promises
from tests.conftest import Ended, upheld
from tests.world.tls_servers import port

RULE = "aws-ebs-volume-encrypted"


def check(folder: Path, hour: int, volumes: dict[str, bool | None], *options: str, **more: Any) -> Ended:
    place = estate(folder / f"estate-{hour}-{len(list(folder.glob('estate-*')))}", hour, volumes, **more)
    return upheld("check", "--estate", place, "--max-age", "0", "--record", *options, cwd=folder)


def volumes(folder: Path, ended: Ended) -> dict[str, str]:
    """What became of the volumes' findings of the one rule."""
    held = {one["finding"]: one["change"] for one in ended.report["ledger"]["transitions"]}
    table = json.loads(upheld("ledger", "history", "--since", "2026-11-20T00:00:00Z", "--format", "json", cwd=folder).out)
    names = {one["finding"]: one["resource"]["id"] for one in table["transitions"] if one["rule"] == RULE}
    return {names[finding]: change for finding, change in held.items() if finding in names}


def cause(folder: Path, name: str) -> tuple[str, str]:
    """Where a volume's finding stands, and why."""
    told = json.loads(upheld("ledger", "history", "--since", "2026-11-20T00:00:00Z", "--format", "json", cwd=folder).out)
    last = [one for one in told["transitions"] if one["rule"] == RULE and one["resource"]["id"] == name][-1]
    return last["after"], last["cause"]


def test_the_second_run_tells_what_changed(tmp_path: Path) -> None:
    company(tmp_path)
    first = check(tmp_path, 1, {"vol-a": False, "vol-b": True})
    assert first.code == 1
    assert "run 1 of the ledger, its first: " in first.out
    second = check(tmp_path, 2, {"vol-a": True, "vol-b": False})
    assert second.code == 1
    assert "run 2 of the ledger, since 2026-11-20T01:00:00Z: 1 broken, 1 repaired" in second.out
    assert f"  broken  {RULE}  vol-b in {ACCOUNT}/{HERE}" in second.out
    assert f"  repaired  {RULE}  vol-a in {ACCOUNT}/{HERE}" in second.out
    third = check(tmp_path, 3, {"vol-a": True, "vol-b": False})
    assert "since 2026-11-20T02:00:00Z: nothing changed" in third.out


def test_the_json_report_holds_the_transitions_and_keeps_to_its_schema(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 1, {"vol-a": False})
    ended = check(tmp_path, 2, {"vol-a": True}, "--format", "json")
    jsonschema.validate(ended.report, upheld("schema", "findings").report)
    assert volumes(tmp_path, ended) == {"vol-a": "repaired"}
    assert ended.report["ledger"]["head"]["size"] == 2


def test_a_resource_that_a_complete_listing_does_not_show_is_gone(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 1, {"vol-a": False, "vol-b": True})
    ended = check(tmp_path, 2, {"vol-b": True}, "--format", "json")
    assert volumes(tmp_path, ended) == {"vol-a": "gone"}
    assert cause(tmp_path, "vol-a")[1].startswith("DescribeVolumes listed all there is at 2026-11-20T02:00:00Z")


@pytest.mark.parametrize(
    "gap",
    [DENIED, Gap(VOLUME, ACCOUNT, HERE, "vol-a", None, Reason.THROTTLED, "DescribeVolumes", "RequestLimitExceeded")],
    ids=["listing", "resource"],
)
def test_one_that_was_not_seen_is_unproven_and_never_gone(tmp_path: Path, gap: Gap) -> None:
    company(tmp_path)
    check(tmp_path, 1, {"vol-a": False, "vol-b": True})
    ended = check(tmp_path, 2, {"vol-b": True}, "--format", "json", gaps=(gap,))
    assert volumes(tmp_path, ended)["vol-a"] == "evidence-lost"
    status, why = cause(tmp_path, "vol-a")
    assert status == "unproven"
    assert gap.code in why


def test_a_listing_that_is_read_again_ends_the_finding_about_it(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 1, {}, gaps=(DENIED,))
    ended = check(tmp_path, 2, {"vol-a": True}, "--format", "json")
    assert volumes(tmp_path, ended) == {"*": "gone", "vol-a": "found"}


def test_a_promise_that_is_not_made_any_more_retires_its_findings(tmp_path: Path) -> None:
    company(tmp_path, told=promises(f"  - {{id: other, quote: {AT_REST}, controls: [{{id: backup}}]}}\n"))
    check(tmp_path, 1, {"vol-a": False})
    (tmp_path / "promises.yaml").write_text(promises(control="{id: backup}"))
    ended = check(tmp_path, 2, {"vol-a": False}, "--format", "json")
    assert volumes(tmp_path, ended) == {"vol-a": "retired"}
    assert "no promise asks for" in cause(tmp_path, "vol-a")[1]


def test_a_scope_that_leaves_a_resource_out_is_told_with_its_tags(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 1, {"vol-a": False}, tags={"env": "sandbox"})
    (tmp_path / "promises.yaml").write_text(promises(scope=", scope: {exclude: {tags: {env: sandbox}}}"))
    ended = check(tmp_path, 2, {"vol-a": False}, "--format", "json", tags={"env": "sandbox"})
    assert volumes(tmp_path, ended) == {"vol-a": "out-of-scope"}
    assert cause(tmp_path, "vol-a")[1] == "its tags put it outside of at-rest"


def test_a_scope_that_leaves_an_account_out_is_told(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 1, {"vol-a": False})
    (tmp_path / "promises.yaml").write_text(promises(scope=', scope: {accounts: ["444455556666"]}'))
    check(tmp_path, 2, {"vol-a": False})
    assert cause(tmp_path, "vol-a") == ("out-of-scope", f"at-rest leaves out {ACCOUNT}/{HERE}")


def test_a_run_of_some_promises_ends_nothing_of_the_others(tmp_path: Path) -> None:
    company(tmp_path, told=promises("  - {id: kept, quote: All is kept., controls: [{id: backup}]}\n"))
    check(tmp_path, 1, {"vol-a": False, "vol-b": False})
    ended = check(tmp_path, 2, {"vol-b": False}, "--promise", "kept", "--format", "json")
    assert volumes(tmp_path, ended) == {}
    told = json.loads(upheld("ledger", "history", "--since", "2026-11-20T02:00:00Z", "--format", "json", cwd=tmp_path).out)
    assert all(one["change"] in {"found", "gone"} for one in told["transitions"])


def test_new_is_what_the_ledger_did_not_know(tmp_path: Path) -> None:
    company(tmp_path)
    options = ("--fail-on", "new", "--promise", "at-rest")
    assert check(tmp_path, 1, {"vol-a": False}, *options).code == 1
    assert check(tmp_path, 2, {"vol-a": False}, *options).code == 0
    assert check(tmp_path, 3, {"vol-a": False, "vol-b": False}, *options).code == 1
    assert check(tmp_path, 4, {"vol-a": False, "vol-b": None}, *options).code == 0


def test_a_run_that_is_recorded_again_tells_and_ends_as_it_did(tmp_path: Path) -> None:
    company(tmp_path)
    options = ("--fail-on", "new", "--promise", "at-rest")
    check(tmp_path, 1, {"vol-a": False, "vol-b": True, "vol-c": False}, *options)
    first, again = (check(tmp_path, 2, {"vol-a": False, "vol-b": False, "vol-c": True}, *options) for _ in range(2))
    assert (first.code, again.code) == (1, 1)
    assert first.out == again.out.replace(" (recorded already)", "")
    calm, still = (check(tmp_path, 3, {"vol-a": False, "vol-b": False, "vol-c": True}, *options) for _ in range(2))
    assert (calm.code, still.code) == (0, 0)


def test_history_verify_and_export_say_what_there_is(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 1, {"vol-a": False})
    check(tmp_path, 2, {"vol-a": True})
    told = upheld("ledger", "history", "--promise", "at-rest", cwd=tmp_path)
    assert told.code == 0
    assert "at-rest  unproven (stale)" in told.out
    assert f"broken -> upheld  repaired  {RULE}  vol-a" in told.out
    verified = upheld("ledger", "verify", cwd=tmp_path)
    assert (verified.code, verified.out.splitlines()[0]) == (
        0,
        "2 runs, each as it was sealed; 2 archives of evidence; held against 1 head kept elsewhere",
    )
    head = upheld("ledger", "export", cwd=tmp_path).report
    assert (head["schema"], head["size"]) == ("upheld.head/1", 2)


def test_what_is_exported_is_verified_without_the_ledger(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 1, {"vol-a": False})
    upheld("ledger", "export", "-o", "head.json", cwd=tmp_path)
    check(tmp_path, 2, {"vol-a": True})
    for name, options in {
        "in": ["--proof", "1"],
        "on": ["--since", "head.json"],
        "run": ["--run", "1"],
        "said": ["--statement", "2"],
    }.items():
        assert upheld("ledger", "export", *options, "-o", f"{name}.json", cwd=tmp_path).code == 0
    shutil.move(tmp_path / "state" / "signing-key.pub.pem", tmp_path / "key.pem")
    shutil.rmtree(tmp_path / "state")
    ended = upheld("ledger", "verify", "--public-key", "key.pem", "--proof", "in.json", "--proof", "on.json", cwd=tmp_path)
    assert (ended.code, ended.out) == (0, "in.json: it proves what it says\non.json: it proves what it says\n")
    told = json.loads((tmp_path / "in.json").read_text())
    told["record"]["verdict"] = "upheld"
    (tmp_path / "in.json").write_text(json.dumps(told))
    ended = upheld("ledger", "verify", "--public-key", "key.pem", "--proof", "in.json", cwd=tmp_path)
    assert (ended.code, ended.out) == (1, "in.json: the run is not in the tree of its head\n")
    assert json.loads((tmp_path / "run.json").read_text())["schema"] == "upheld.run/1"
    assert json.loads((tmp_path / "said.json").read_text())["payloadType"] == "application/vnd.in-toto+json"
    assert "not a proof of" in upheld("ledger", "verify", "--public-key", "key.pem", "--proof", "run.json", cwd=tmp_path).err


def test_a_row_that_somebody_changed_is_named(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 1, {"vol-a": False})
    with closing(sqlite3.connect(tmp_path / "state" / "ledger.db")) as db, db:
        db.execute("update promises set verdict = 'upheld'")
    ended = upheld("ledger", "verify", "--format", "json", cwd=tmp_path)
    assert ended.code == 1
    assert ended.report["problems"] == ["run 1: the row 1, at-rest of promises was changed"]
    assert "NOT as it was sealed: 1 problem in 1 run" in upheld("ledger", "verify", cwd=tmp_path).out


def test_a_sealed_estate_is_taken_out_again_and_gives_the_same_bytes(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 1, {"vol-a": False})
    assert upheld("ledger", "export", "--evidence", "1", "-o", "again", cwd=tmp_path).code == 0
    reports = [
        upheld("check", "--estate", place, "--max-age", "0", "--format", "json", cwd=tmp_path).out
        for place in (next(tmp_path.glob("estate-1-*")), "again")
    ]
    assert reports[0] == reports[1]
    assert check(tmp_path, 1, {"vol-a": False}, "--format", "json").report["ledger"]["again"]


def test_a_finding_is_accepted_for_what_broke_it(tmp_path: Path) -> None:
    company(tmp_path, more="exceptions: exceptions.yaml\nagent: {ledger: {max_age: 9999d}}\n")
    (tmp_path / "exceptions.yaml").write_text("schema: upheld.exceptions/1\nexceptions: []\n")
    ended = check(tmp_path, 1, {"vol-a": False}, "--format", "json", "--promise", "at-rest")
    finding = next(one for one in ended.report["findings"] if one["rule"] == RULE)
    options = ("--owner", "ciso@shop.example", "--reason", "scratch: nothing in it", "--until", "2099-06-30")
    accepted = upheld("ledger", "accept", finding["id"][:12], *options, cwd=tmp_path)
    assert (accepted.code, accepted.out) == (0, f"exceptions.yaml: accepted {RULE} on vol-a until 2099-06-30\n")
    again = check(tmp_path, 2, {"vol-a": False}, "--format", "json", "--promise", "at-rest")
    assert volumes(tmp_path, again) == {"vol-a": "accepted"}


def test_nothing_is_accepted_that_nobody_looked_at_lately(tmp_path: Path) -> None:
    company(tmp_path, more="exceptions: exceptions.yaml\n")
    (tmp_path / "exceptions.yaml").write_text("schema: upheld.exceptions/1\nexceptions: []\n")
    ended = check(tmp_path, 1, {"vol-a": False}, "--format", "json")
    finding = next(one for one in ended.report["findings"] if one["rule"] == RULE)
    options = ("--owner", "ciso@shop.example", "--reason", "scratch", "--until", "2099-06-30")
    assert upheld("ledger", "accept", finding["id"], *options, cwd=tmp_path).err.startswith("upheld: nobody looked at the finding")


def test_a_run_that_cannot_be_recorded_is_told_all_the_same(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 2, {"vol-a": False})
    older = check(tmp_path, 1, {"vol-a": False})
    assert older.code == 2
    assert f"[{RULE}]" in older.out
    assert "this run is not in the ledger: the estate is of 2026-11-20T01" in " ".join(older.out.split())
    assert older.err.startswith("upheld: the estate is of 2026-11-20T01")


def test_what_was_just_collected_is_recorded_and_kept(tmp_path: Path) -> None:
    """From an endpoint that nobody listens on."""
    endpoint = f"127.0.0.1:{port()}"
    told = f"schema: upheld.config/1\nstate: state\ncollect: {{tls: {{endpoints: ['{endpoint}'], alone: true}}}}\n"
    (tmp_path / "upheld.yaml").write_text(told)
    ended = upheld("check", "--all-rules", "--record", cwd=tmp_path)
    assert ended.code == 3
    assert "run 1 of the ledger, its first: " in ended.out
    assert upheld("ledger", "export", "--evidence", "1", "-o", "kept", cwd=tmp_path).code == 0
    assert endpoint in (tmp_path / "kept" / "tls" / "tls" / "global" / "tls.endpoint.jsonl").read_text()
    assert upheld("ledger", "verify", cwd=tmp_path).code == 0


def test_another_key_stops_a_run_before_anything_is_collected(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 1, {"vol-a": False})
    (tmp_path / "state" / "signing-key.pem").unlink()
    ended = check(tmp_path, 2, {"vol-a": False})
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("upheld: the ledger is sealed with the key ")


def test_a_head_that_was_kept_shows_that_the_ledger_was_replaced(tmp_path: Path) -> None:
    company(tmp_path)
    check(tmp_path, 1, {"vol-a": False})
    shutil.copytree(tmp_path / "state", tmp_path / "before")
    check(tmp_path, 2, {"vol-a": True})
    upheld("ledger", "export", "-o", "head.json", cwd=tmp_path)
    shutil.rmtree(tmp_path / "state")
    shutil.copytree(tmp_path / "before", tmp_path / "state")
    assert upheld("ledger", "verify", cwd=tmp_path).code == 0
    ended = upheld("ledger", "verify", "--head", "head.json", cwd=tmp_path)
    assert ended.code == 1
    assert "there was a signed head of 2 runs, and the ledger holds 1: it was cut off" in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["history"], "there is no ledger at"),
        (["verify"], "there is no key in"),
        (["export"], "there is no ledger at"),
        (["history", "--since", "soon"], "--since: 'soon' is neither a time"),
        (["accept", "x", "--owner", "a", "--reason", "b", "--until", "2099-01-01"], "names no exceptions file"),
        (["verify", "--public-key", "nowhere.pem"], "the public key nowhere.pem cannot be read"),
        (["verify", "--public-key", "upheld.yaml"], "not a public key as PEM"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    company(tmp_path)
    ended = upheld("ledger", *arguments, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1
