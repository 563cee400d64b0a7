"""A network of which anything is changing is isolated from nothing, until it is known how it changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.collect.estate import read_estate
from checks.judge import bind, judge
from checks.model import Estate, Gap, Reason, Resource
from checks.network.read import READ
from checks.verdict import Verdict
from tests.agent.road import shipped
from tests.conftest import upheld

VPC = "aws.ec2.vpc"
EXAMPLE = Path(__file__).parents[3] / "examples" / "three-tier"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """The shop of three tiers, with databases that nobody else reaches."""
    folder = tmp_path_factory.mktemp("shop")
    for file in EXAMPLE.iterdir():
        kept = [line for line in file.read_text().splitlines() if "moving the reports" not in line]
        (folder / file.name).write_text("\n".join(kept))
    where = ["--account", "111122223333", "--region", "eu-central-1", "--collected-at", "2026-11-20T06:00:00Z"]
    ended = upheld("import", "aws-cli", folder, "-o", folder / "estate", *where, "--assert-complete", "ops@shop.example")
    assert ended.code == 0, ended.err
    return read_estate(folder / "estate")


def verdicts(estate: Estate, *gaps: Gap) -> dict[str, Verdict]:
    """Of the rule about databases, by network."""
    rule = bind([shipped().rules["aws-network-databases-closed"]], [], every=True)
    held = Estate(estate.manifest, estate.resources, estate.looks, (*estate.gaps, *gaps))
    return {finding.resource.id: finding.verdict for finding in judge(held, shipped().catalogue, rule, {})}


def changing(one: Resource, *, account: str | None = None) -> Gap:
    return Gap(one.type, account or one.account, one.region, one.id, None, Reason.CHANGING, "", "X", "changed")


def test_what_changes_of_any_type_that_is_read_leaves_networks_unproven(shop: Estate) -> None:
    sound = {name for name, verdict in verdicts(shop).items() if verdict is Verdict.UPHELD}
    assert sound
    types = [type_ for type_ in READ[VPC] if shop.of(type_)]
    assert len(types) > 8
    for type_ in types:
        found = verdicts(shop, changing(shop.of(type_)[0]))
        assert {found[name] for name in sound} == {Verdict.UNPROVEN}, type_


def test_what_changes_elsewhere_matters_where_networks_are_joined(shop: Estate) -> None:
    (group, *_) = shop.of("aws.ec2.security_group")
    elsewhere = changing(group, account="444455556666")
    assert Verdict.UPHELD not in verdicts(shop, elsewhere).values()
    apart = {type_: held for type_, held in shop.resources.items() if type_ != "aws.ec2.vpc_peering_connection"}
    alone = Estate(shop.manifest, apart, shop.looks, shop.gaps)
    assert verdicts(alone, elsewhere) == verdicts(alone)
    assert Verdict.UPHELD in verdicts(alone).values()


def test_what_no_path_reads_changes_nothing(shop: Estate) -> None:
    key = Gap("aws.kms.key", "111122223333", "eu-central-1", "k", None, Reason.CHANGING, "", "X", "changed")
    assert verdicts(shop, key) == verdicts(shop)
