"""`upheld paths` on the example of three tiers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from agent import cli

EXAMPLE = Path(__file__).parents[3] / "examples" / "three-tier"
FORGOTTEN = "10.20.0.0/16"


def imported(source: Path, place: Path, *options: str) -> Path:
    where = ["--account", "111122223333", "--region", "eu-central-1", "--collected-at", "2026-11-20T06:00:00Z"]
    assert cli.main(["import", "aws-cli", str(source), "-o", str(place), *where, *options]) == 0
    return place


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return imported(EXAMPLE, tmp_path_factory.mktemp("estate") / "shop", "--assert-complete", "security@shop.example")


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without the one forgotten rule."""
    folder = tmp_path_factory.mktemp("mended") / "files"
    shutil.copytree(EXAMPLE, folder)
    file = folder / "SecurityGroups.json"
    held = json.loads(file.read_text(encoding="utf-8"))
    for group in held["SecurityGroups"]:
        group["IpPermissions"] = [
            one for one in group["IpPermissions"] if not any(block["CidrIp"] == FORGOTTEN for block in one["IpRanges"])
        ]
    file.write_text(json.dumps(held), encoding="utf-8")
    return imported(folder, folder.parent / "estate", "--assert-complete", "security@shop.example")


def asked(capsys: pytest.CaptureFixture[str], estate: Path, *options: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = cli.main(["paths", "--estate", str(estate), "--format", "json", *options])
    return code, json.loads(capsys.readouterr().out)


def test_the_forgotten_rule_opens_the_database_through_the_peered_network(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = asked(capsys, shop, "--from", "vpc-0reports", "--to", "orders", "--protocol", "tcp", "--port", "5432")
    assert (code, answer["verdict"], answer["one_way"]) == (0, "reachable", False)
    assert answer["witness"] == {
        "source": "10.20.0.31", "destination": "10.10.20.21", "protocol": "tcp", "source_port": 49152, "destination_port": 5432,
    }  # fmt: skip
    assert [hop["id"] for hop in answer["hops"]][::7] == ["eni-0reports", "eni-0orders"]
    assert "pcx-0shopreports" in [hop["id"] for hop in answer["hops"]]
    assert [hop["allowed_by"] for hop in answer["hops"] if hop["id"] == "sg-0data"] == [["sg-0data ingress tcp/5432 from 10.20.0.0/16"]]


def test_without_the_rule_the_database_is_isolated(mended: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source in ("vpc-0reports", "internet", "eni-0front"):
        code, answer = asked(capsys, mended, "--from", source, "--to", "orders", "--expect", "unreachable")
        assert (code, answer["verdict"], answer["hops"]) == (0, "unreachable", [])
    assert asked(capsys, mended, "--from", "tag:tier=app", "--to", "orders", "--port", "5432")[1]["verdict"] == "reachable"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--to", "orders", "--expect", "reachable"], 0),
        (["--to", "orders", "--expect", "unreachable"], 1),
        (["--to", "orders", "--port", "22", "--expect", "reachable"], 1),
        (["--to", "orders", "--protocol", "udp", "--expect", "unreachable"], 0),
        (["--to", "tag:tier=reports"], 0),
    ],
)
def test_the_exit_code_is_what_was_expected(shop: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int) -> None:
    assert asked(capsys, shop, "--from", "vpc-0reports", *options)[0] == code


def test_what_nobody_asserts_to_be_all_is_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estate = imported(EXAMPLE, tmp_path / "shop")
    code, answer = asked(capsys, estate, "--from", "internet", "--to", "orders", "--expect", "unreachable")
    assert (code, answer["verdict"]) == (3, "unknown")
    assert any("aws.cloudfront.vpc_origin" in reason for reason in answer["why"])


def test_a_question_between_two_places_asks_only_for_what_lies_between(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estate = imported(EXAMPLE, tmp_path / "shop")
    code, answer = asked(capsys, estate, "--from", "eni-0app1", "--to", "eni-0app2", "--port", "22", "--expect", "unreachable")
    assert (code, answer["verdict"]) == (0, "unreachable")


def test_files_of_a_kind_that_are_missing_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "files"
    shutil.copytree(EXAMPLE, folder)
    (folder / "SecurityGroups.json").unlink()
    estate = imported(folder, tmp_path / "estate")
    _, answer = asked(capsys, estate, "--from", "eni-0app1", "--to", "orders")
    assert answer["verdict"] == "unknown"
    assert any("sg-0data" in reason for reason in answer["why"])


def test_behind_the_load_balancer_the_packet_is_another(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, answer = asked(capsys, shop, "--from", "internet", "--to", "tag:tier=app")
    assert (answer["witness"]["destination"], answer["witness"]["destination_port"]) == ("203.0.113.20", 443)
    assert (answer["arrives"]["source"], answer["arrives"]["destination_port"]) == ("10.10.0.10", 8080)


def test_everything_that_the_internet_reaches_is_listed(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["paths", "--estate", str(shop), "--exposed", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["exposed"]
    found = {(one["interface"], one["protocol"], one["ports"], tuple(one["sources"]), one["through"] is not None) for one in rows}
    assert found == {
        ("eni-0front", "tcp", "443", ("internet",), False),
        ("eni-0frontb", "tcp", "443", ("internet",), False),
        ("eni-0app1", "tcp", "8080", ("internet",), True),
        ("eni-0app2", "tcp", "8080", ("internet",), True),
        ("eni-0reports", "tcp", "22", ("198.51.100.0/24",), False),
    }


def test_the_text_names_the_packet_and_every_hop(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["paths", "--estate", str(shop), "--from", "vpc-0reports", "--to", "orders"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("reachable: vpc-0reports -> orders\n  tcp 10.20.0.31:49152 -> 10.10.20.21:5432\n")
    assert "rtb-0reports 10.10.0.0/16 -> pcx-0shopreports" in out


def test_pictures_are_well_formed(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["paths", "--estate", str(shop), "--from", "vpc-0reports", "--to", "orders", "--svg"]) == 0
    picture = ET.fromstring(capsys.readouterr().out)
    assert "eni-0orders" in "".join(picture.itertext())
    assert cli.main(["paths", "--estate", str(shop), "--from", "vpc-0reports", "--to", "orders", "--dot"]) == 0
    assert capsys.readouterr().out.startswith("digraph path {")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "internet"], "--from and --to"),
        (["--from", "internet", "--to", "i-nobody"], "nothing in the estate is named i-nobody"),
        (["--from", "10.99.0.1", "--to", "orders"], "no interface of the estate has the address"),
        (["--from", "internet", "--to", "orders", "--port", "70000"], "is no port"),
        (["--from", "internet", "--to", "orders", "--protocol", "tpc"], "is no protocol"),
        (["--from", "tag:tier", "--to", "orders"], "tag:KEY=VALUE"),
        (["--from", "internet:10.0.0.7", "--to", "orders"], "no address of the internet"),
        (["--from", "internet:203.0.113.20", "--to", "orders"], "an address of the estate's own"),
        (["--exposed", "--to", "orders"], "--exposed asks for everything"),
        (["--exposed", "--expect", "reachable"], "--exposed asks for everything"),
        (["--exposed", "--svg"], "--svg draws one path"),
        (["--from", "internet", "--to", "orders", "--pivot", "--dot"], "--dot draws one path"),
    ],
)
def test_a_question_that_cannot_be_asked_is_a_usage_error(
    shop: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    capsys.readouterr()
    assert cli.main(["paths", "--estate", str(shop), *options]) == 2
    assert said in capsys.readouterr().err


def test_step_by_step_the_internet_gets_to_the_database_by_the_machines_between(
    shop: Path, mended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(capsys, shop, "--from", "internet", "--to", "orders")[1]["verdict"] == "unreachable"
    code, answer = asked(capsys, shop, "--from", "internet:198.51.100.7", "--to", "orders", "--pivot", "--expect", "reachable")
    assert (code, answer["verdict"], len(answer["legs"])) == (0, "reachable", 2)
    first, last = answer["legs"]
    assert last["hops"][0]["id"] == first["hops"][-1]["id"]
    assert last["arrives"]["destination"] == "10.10.20.21"
    _, answer = asked(capsys, mended, "--from", "eni-0reports", "--to", "orders", "--pivot")
    assert [leg["hops"][-1]["id"] for leg in answer["legs"]] == ["eni-0app1", "eni-0orders"]  # by the front's load balancer


def test_what_no_step_leads_to_is_unreachable(mended: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(capsys, mended, "--from", "orders", "--to", "eni-0reports", "--pivot", "--expect", "unreachable")[0] == 0


def test_what_may_stand_between_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "files"
    shutil.copytree(EXAMPLE, folder)
    (folder / "SecurityGroups.json").unlink()
    estate = imported(folder, tmp_path / "estate")
    assert asked(capsys, estate, "--from", "internet", "--to", "orders", "--pivot", "--expect", "unreachable")[0] == 3
