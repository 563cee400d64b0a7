"""What the network prover reads, collected from a real server: all of it, each refusal a gap, nothing secret, nothing unasked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

import pytest

from agent import run
from agent.collect.estate import read_estate
from agent.commands.permissions import aws_actions, aws_calls
from agent.config import Aws, Collect, Configuration, Settings
from checks.model import GLOBAL, Estate, Gap, Look, Place, Reason
from checks.network.aws_types import TYPES
from checks.plan import plan
from tests.agent.road import shipped
from tests.world.faults import Fault
from tests.world.likeness import make_like_aws
from tests.world.network import BGP_KEY, Net, build, furnish
from tests.world.proxy import FaultProxy
from tests.world.servers import ACCOUNT, Moto, environment

REGION = "eu-north-1"
NOT_BUILT = {
    "aws.ec2.address", "aws.ec2.instance", "aws.ec2.internet_gateway", "aws.ec2.nat_gateway", "aws.rds.db_cluster", "aws.rds.db_instance",
}  # fmt: skip
"""What the network is made without: the shop has it."""
CATALOGUE = shipped().catalogue
CALLS = sorted(
    (name, call, action)
    for name, call, action in set(aws_calls(CATALOGUE, TYPES))
    if name not in NOT_BUILT or call == CATALOGUE[name].list_.call  # type: ignore[union-attr] # all are listed
)
PARENTS = {parent for name in TYPES for parent in CATALOGUE[name].parents}
ASSOCIATIONS, LATTICE = "aws.directconnect.gateway_association", "aws.vpclattice.service_network_vpc_association"
BLOCKED, EXCLUDED = "aws.ec2.vpc_block_public_access_options", "aws.ec2.vpc_block_public_access_exclusion"
TABLES = "aws.ec2.transit_gateway_route_table"


class Eyes:
    """Collecting chosen types of the network in this process, with the real clients."""

    def __init__(self, proxy: FaultProxy, net: Net, folder: Path) -> None:
        self.proxy, self.net, self._folder, self._runs = proxy, net, folder, 0

    def collect(self, wanted: Mapping[str, frozenset[str]], *, deadline: int = 100, account: Aws | None = None) -> Estate:
        accounts = [account or Aws(account=ACCOUNT, regions=[REGION])]
        settings = Settings(schema="upheld.config/1", collect=Collect(deadline=f"{deadline}s", aws=accounts))
        self._runs += 1
        place = self._folder / f"estate-{self._runs}"
        with mock.patch.dict(os.environ, environment(self.proxy.endpoint)):
            run.collect(run.prepare(Configuration(settings, None)), place, wanted, run.Clock())
        return read_estate(place)

    def see(self, *types: str) -> Estate:
        return self.collect({name: TYPES[name] for name in types})


def place(name: str) -> Place:
    return Place(ACCOUNT, GLOBAL if CATALOGUE[name].is_global else REGION)


@pytest.fixture(scope="module")
def made(server: Moto) -> Iterator[tuple[FaultProxy, Net]]:
    with FaultProxy(server.endpoint) as proxy:
        make_like_aws(proxy)
        yield proxy, build(proxy, REGION)


@pytest.fixture
def eyes(made: tuple[FaultProxy, Net], tmp_path: Path) -> Iterator[Eyes]:
    proxy, net = made
    proxy.clear()
    proxy.enable_regions([REGION])
    furnish(proxy, net)
    yield Eyes(proxy, net, tmp_path)
    proxy.clear()


def test_every_type_has_a_look_and_nothing_is_hidden(eyes: Eyes) -> None:
    estate = eyes.collect(TYPES)
    assert estate.gaps == ()
    assert [name for name in TYPES if not isinstance(estate.listing(name, place(name)), Look)] == []
    assert {name for name in TYPES if not estate.of(name)} == NOT_BUILT
    details = {name: {detail.into for detail in CATALOGUE[name].detail} & TYPES[name] for name in TYPES}
    lacking = [(one.id, into) for name, held in details.items() for one in estate.of(name) for into in held if into not in one.data]
    assert lacking == []
    assert eyes.proxy.lacking == []


def test_where_there_is_nothing_a_look_says_so(eyes: Eyes) -> None:
    eyes.proxy.clear()  # of what the proxy holds in the emulator's place
    eyes.proxy.enable_regions([REGION])
    empty = ["aws.globalaccelerator.accelerator", "aws.cloudfront.vpc_origin", "aws.networkmanager.vpc_attachment", EXCLUDED, ASSOCIATIONS]
    estate = eyes.see(*empty)
    assert estate.gaps == ()
    assert [(name, estate.of(name)) for name in empty if estate.of(name)] == []
    looks = [estate.listing(name, place(name)) for name in empty]
    assert [look.count if isinstance(look, Look) else look for look in looks] == [0, 0, 0, 0, 0]


def test_members_of_the_plan_are_members_of_the_types() -> None:
    shapes = shipped().shapes
    assert {name: members - set(shapes[name].members) for name, members in TYPES.items() if members - set(shapes[name].members)} == {}


@pytest.mark.parametrize(("name", "call", "action"), CALLS)
def test_a_refused_call_is_a_gap_that_names_its_permission(eyes: Eyes, name: str, call: str, action: str) -> None:
    service = next(held.service or CATALOGUE[name].service for held in [*CATALOGUE[name].detail, CATALOGUE[name]] if _calls(held) == call)
    eyes.proxy.inject(Fault(service, call, "deny"))
    estate = eyes.see(name)
    mine = [gap for gap in estate.gaps if gap.type == name]
    assert mine
    assert {(gap.reason, gap.call, gap.action) for gap in mine} == {(Reason.DENIED, call, action)}
    listing = estate.listing(name, place(name))
    if call == CATALOGUE[name].list_.call:  # type: ignore[union-attr] # all are listed
        assert isinstance(listing, tuple)
    else:
        assert isinstance(listing, Look)
        assert {gap.id for gap in mine} <= {one.id for one in estate.of(name)}


def _calls(held: object) -> str:
    listing = getattr(held, "list_", None)
    return str(listing.call if listing is not None else getattr(held, "call", ""))


# -- what is listed for each of something else -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parent", "call"),
    [
        (LATTICE, "ec2:DescribeVpcs", "DescribeVpcs"),
        (ASSOCIATIONS, "ec2:DescribeVpnGateways", "DescribeVpnGateways"),
        (ASSOCIATIONS, "ec2:DescribeTransitGateways", "DescribeTransitGateways"),
    ],
)
def test_what_is_listed_per_something_that_was_not_seen_is_a_gap(eyes: Eyes, name: str, parent: str, call: str) -> None:
    eyes.proxy.inject(Fault("ec2", call, "deny"))
    estate = eyes.see(name)
    assert {(gap.type, gap.call, gap.action) for gap in estate.gaps if gap.type == name} == {(name, call, parent)}
    assert isinstance(estate.listing(name, place(name)), tuple)


def test_the_associations_of_every_gateway_are_one_listing(eyes: Eyes) -> None:
    estate = eyes.see(ASSOCIATIONS)
    asked = {eyes.net.vpn_gateway, eyes.net.transit_gateway}
    assert {one.data["associatedGateway"]["id"] for one in estate.of(ASSOCIATIONS)} == asked
    look = estate.listing(ASSOCIATIONS, place(ASSOCIATIONS))
    assert isinstance(look, Look)
    assert (look.count, look.pages, look.request_id is not None) == (2, 2, True)


def test_one_refused_part_leaves_what_the_others_showed_and_a_gap(eyes: Eyes) -> None:
    call = "DescribeDirectConnectGatewayAssociations"
    eyes.proxy.inject(Fault("directconnect", call, "deny", match=eyes.net.vpn_gateway))
    estate = eyes.see(ASSOCIATIONS)
    assert [one.data["associatedGateway"]["id"] for one in estate.of(ASSOCIATIONS)] == [eyes.net.transit_gateway]
    assert [(gap.reason, gap.call) for gap in estate.gaps] == [(Reason.DENIED, call)]


def test_vpcs_that_others_share_are_not_asked_about(eyes: Eyes) -> None:
    shared = {"VpcId": "vpc-0fedcba9876543210", "OwnerId": "999988887777", "CidrBlock": "10.7.0.0/16", "State": "available"}
    own = {"VpcId": eyes.net.vpc, "OwnerId": ACCOUNT, "CidrBlock": "10.1.0.0/16", "State": "available"}
    eyes.proxy.answer("ec2", "DescribeVpcs", {"Vpcs": [shared, own]})
    estate = eyes.see(LATTICE)
    asked = [call.params["vpcIdentifier"] for call in eyes.proxy.calls if call.operation == "ListServiceNetworkVpcAssociations"]
    assert asked == [eyes.net.vpc]
    assert (estate.gaps, len(estate.of(LATTICE))) == ((), 1)


def test_a_vpc_whose_owner_is_not_told_is_a_gap(eyes: Eyes) -> None:
    eyes.proxy.answer("ec2", "DescribeVpcs", {"Vpcs": [{"VpcId": eyes.net.vpc, "CidrBlock": "10.1.0.0/16", "State": "available"}]})
    estate = eyes.see(LATTICE)
    assert {(gap.reason, gap.code) for gap in estate.gaps} == {(Reason.MALFORMED, "MissingMember")}


def test_what_is_late_in_a_listing_of_parts_is_a_gap(eyes: Eyes) -> None:
    eyes.proxy.inject(Fault("vpc-lattice", "ListServiceNetworkVpcAssociations", "timeout", match=eyes.net.vpc))
    estate = eyes.collect({LATTICE: TYPES[LATTICE]}, deadline=5)
    assert [(gap.type, gap.reason) for gap in estate.gaps] == [(LATTICE, Reason.LATE)]


def test_what_waits_for_a_late_listing_is_late_too(eyes: Eyes) -> None:
    eyes.proxy.inject(Fault("ec2", "DescribeVpcs", "timeout"))
    estate = eyes.collect({LATTICE: TYPES[LATTICE]}, deadline=5)
    assert {(gap.type, gap.reason) for gap in estate.gaps} == {("aws.ec2.vpc", Reason.LATE), (LATTICE, Reason.LATE)}


def test_an_association_that_vanishes_between_two_calls_is_a_gap(eyes: Eyes) -> None:
    fault = Fault("vpc-lattice", "GetServiceNetworkVpcAssociation", "error", status=404, code="ResourceNotFoundException", message="gone")
    eyes.proxy.inject(fault)
    estate = eyes.see(LATTICE)
    assert [(gap.reason, gap.field) for gap in estate.gaps] == [(Reason.VANISHED, "SecurityGroupIds")]


# -- lists that are cut, and answers that are none ---------------------------------------------------------------------


def test_routes_that_do_not_all_come_are_a_gap_and_no_shorter_list(eyes: Eyes) -> None:
    route = {"DestinationCidrBlock": "10.1.0.0/16", "Type": "static", "State": "active"}
    eyes.proxy.answer("ec2", "SearchTransitGatewayRoutes", {"Routes": [route], "AdditionalRoutesAvailable": True})
    estate = eyes.see(TABLES)
    gaps = {(gap.id, gap.field, gap.reason) for gap in estate.gaps}
    assert gaps == {(table.id, "Routes", Reason.MALFORMED) for table in estate.of(TABLES)}
    assert ["Routes" in table.data for table in estate.of(TABLES)] == [False, False]


def test_routes_for_which_there_is_a_token_come_all(eyes: Eyes) -> None:
    def answer(call: object) -> Mapping[str, object]:
        first = "NextToken" not in getattr(call, "params", {})
        route = {"DestinationCidrBlock": "10.1.0.0/16" if first else "10.2.0.0/16", "Type": "static", "State": "active"}
        return {"Routes": [route], "AdditionalRoutesAvailable": first, **({"NextToken": "more"} if first else {})}

    eyes.proxy.answer("ec2", "SearchTransitGatewayRoutes", answer)
    estate = eyes.see(TABLES)
    assert estate.gaps == ()
    assert [len(table.data["Routes"]) for table in estate.of(TABLES)] == [2, 2]


def test_every_active_and_dead_route_is_asked_for(eyes: Eyes) -> None:
    eyes.see(TABLES)
    asked = [call.params for call in eyes.proxy.calls if call.operation == "SearchTransitGatewayRoutes"]
    assert {(one["Filter.1.Name"], one["Filter.1.Value.1"], one["Filter.1.Value.2"]) for one in asked} == {("state", "active", "blackhole")}


def test_exclusions_come_page_by_page(eyes: Eyes) -> None:
    def answer(call: object) -> Mapping[str, object]:
        first = "NextToken" not in getattr(call, "params", {})
        exclusion = {"ExclusionId": "one" if first else "two", "InternetGatewayExclusionMode": "allow-egress", "State": "create-complete"}
        return {"VpcBlockPublicAccessExclusions": [exclusion], **({"NextToken": "more"} if first else {})}

    eyes.proxy.answer("ec2", "DescribeVpcBlockPublicAccessExclusions", answer)
    estate = eyes.see(EXCLUDED)
    assert ({one.id for one in estate.of(EXCLUDED)}, estate.gaps) == ({"one", "two"}, ())


def test_more_vpc_origins_than_a_page_are_a_gap(eyes: Eyes) -> None:
    page = {"Marker": "", "NextMarker": "next", "MaxItems": 1, "IsTruncated": True, "Quantity": 0}
    eyes.proxy.answer("cloudfront", "ListVpcOrigins", {"VpcOriginList": page})
    estate = eyes.see("aws.cloudfront.vpc_origin")
    assert [gap.reason for gap in estate.gaps] == [Reason.MALFORMED]


@pytest.mark.parametrize("name", [BLOCKED, EXCLUDED])
def test_a_page_that_is_no_answer_is_a_gap(server: Moto, tmp_path: Path, made: tuple[FaultProxy, Net], name: str) -> None:
    """The emulator answers Block Public Access so, where no proxy speaks for it."""
    with FaultProxy(server.endpoint) as plain:
        plain.enable_regions([REGION])
        estate = Eyes(plain, made[1], tmp_path).see(name)
    assert [(gap.type, gap.id, gap.reason) for gap in estate.gaps] == [(name, None, Reason.MALFORMED)]
    assert not estate.of(name)


@pytest.mark.parametrize("kind", ["html_200", "empty_200", "missing_member", "truncate_quiet"])
def test_options_that_were_not_answered_are_a_gap(eyes: Eyes, kind: str) -> None:
    eyes.proxy.inject(Fault("ec2", "DescribeVpcBlockPublicAccessOptions", kind))
    estate = eyes.see(BLOCKED)
    assert [gap.reason for gap in estate.gaps] == [Reason.MALFORMED]
    assert not estate.of(BLOCKED)


def test_options_are_one_thing_named_after_their_region(eyes: Eyes) -> None:
    (one,) = eyes.see(BLOCKED).of(BLOCKED)
    assert (one.id, one.region, one.data["InternetGatewayBlockMode"]) == (REGION, REGION, "off")


# -- what is asked, and what is not ------------------------------------------------------------------------------------


def test_global_services_are_asked_where_they_answer(eyes: Eyes) -> None:
    eyes.see("aws.globalaccelerator.accelerator", "aws.networkmanager.vpc_attachment", "aws.cloudfront.vpc_origin")
    asked = {call.service: call.region for call in eyes.proxy.calls if call.service not in {"sts", "ec2"}}
    assert asked == {"globalaccelerator": "us-west-2", "networkmanager": "us-west-2", "cloudfront": "us-east-1"}


def test_no_secret_of_the_network_reaches_the_disk(eyes: Eyes, tmp_path: Path) -> None:
    eyes.collect(TYPES)
    texts = [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    assert not [text for text in texts if BGP_KEY in text or "pre_shared_key" in text or "CustomerGatewayConfiguration" in text]


def test_no_type_that_no_rule_needs_is_collected(eyes: Eyes) -> None:
    rules = [shipped().rules["aws-ebs-volume-encrypted"]]
    eyes.collect(plan(rules, universe=False))
    assert {call.operation for call in eyes.proxy.calls} == {"GetCallerIdentity", "DescribeRegions", "DescribeVolumes", "ListKeys"}


def test_details_and_tags_that_the_prover_does_not_read_are_not_asked_for(eyes: Eyes) -> None:
    eyes.collect(TYPES)
    allowed = {action.partition(":")[2] for action in aws_actions(CATALOGUE, TYPES)} | {"DescribeRegions", "GetVpcLinks"}
    assert {call.operation for call in eyes.proxy.calls} <= allowed
    assert not {call.operation for call in eyes.proxy.calls} & {"DescribeFlowLogs", "DescribeRules", "ListTagsForResource", "DescribeTags"}


def test_what_is_listed_per_another_type_asks_for_the_permission_to_list_that() -> None:
    assert "ec2:DescribeVpcs" in aws_actions(CATALOGUE, {LATTICE: frozenset()})
    assert {"aws.ec2.vpc", "aws.ec2.vpn_gateway", "aws.ec2.transit_gateway"} == PARENTS


def test_no_call_is_made_twice(eyes: Eyes) -> None:
    eyes.collect(TYPES)
    keys = [call.key for call in eyes.proxy.calls if not call.has_page_token]
    assert [key for key in keys if keys.count(key) > 1] == []


def test_where_regions_are_not_known_every_type_has_a_gap(eyes: Eyes) -> None:
    eyes.proxy.inject(Fault("ec2", "DescribeRegions", "deny"))
    estate = eyes.collect(TYPES, account=Aws(account=ACCOUNT))
    regional = {name for name in TYPES if not CATALOGUE[name].is_global}
    assert {gap.type for gap in estate.gaps if gap.call == "DescribeRegions"} == regional
    assert {one.type for one in estate.looks} & regional == set()


def test_a_gap_of_the_parent_stays_its_own(eyes: Eyes) -> None:
    eyes.proxy.inject(Fault("ec2", "DescribeVpcs", "deny"))
    gaps: list[Gap] = list(eyes.see("aws.ec2.vpc", LATTICE).gaps)
    assert sorted((gap.type, gap.call) for gap in gaps) == [("aws.ec2.vpc", "DescribeVpcs"), (LATTICE, "DescribeVpcs")]
