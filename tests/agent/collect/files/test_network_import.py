"""The network's odder listings out of CLI output: one thing in the place of a list, and lists made for each of something."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.collect.estate import EstateError, read_estate
from agent.collect.files.aws_cli import import_folder
from checks.model import Estate, Look, Place, Reason

ACCOUNT, REGION = "111122223333", "eu-central-1"
HERE = Place(ACCOUNT, REGION)
LATTICE, BLOCKED, TABLES = (
    "aws.vpclattice.service_network_vpc_association",
    "aws.ec2.vpc_block_public_access_options",
    "aws.ec2.transit_gateway_route_table",
)
VPCS = {"Vpcs": [{"VpcId": name, "OwnerId": ACCOUNT, "CidrBlock": "10.1.0.0/16", "State": "available"} for name in ("vpc-1", "vpc-2")]}
LIST = "vpc-lattice.list-service-network-vpc-associations"
ASSOCIATED = {"items": [{"id": "snva-1", "status": "ACTIVE", "serviceNetworkId": "sn-1", "vpcId": "vpc-1"}]}
OPTIONS = {"AwsAccountId": ACCOUNT, "AwsRegion": REGION, "InternetGatewayBlockMode": "block-ingress", "State": "update-complete"}


def imported(folder: Path, files: Mapping[str, Any]) -> Estate:
    place = folder / "src" / ACCOUNT / REGION
    place.mkdir(parents=True)
    for name, data in files.items():
        (place / f"{name}.json").write_text(json.dumps(data))
    import_folder(folder / "src", folder / "estate", account=None, region=None, collected_at="2026-11-20T12:00:00Z", asserted_by=None)
    return read_estate(folder / "estate")


def test_the_files_of_all_vpcs_are_one_listing(tmp_path: Path) -> None:
    files = {
        "ec2.describe-vpcs": VPCS,
        f"{LIST}@vpc-1": ASSOCIATED,
        f"{LIST}@vpc-2": {"items": []},
        "vpc-lattice.get-service-network-vpc-association@snva-1": {"id": "snva-1", "vpcId": "vpc-1", "securityGroupIds": ["sg-1"]},
    }
    estate = imported(tmp_path, files)
    (one,) = estate.of(LATTICE)
    assert (one.id, one.data["SecurityGroupIds"]) == ("snva-1", ["sg-1"])
    look = estate.listing(LATTICE, HERE)
    assert isinstance(look, Look)
    assert (look.count, look.pages) == (1, 2)
    assert [gap for gap in estate.gaps if gap.type == LATTICE] == []


def test_a_vpc_without_its_file_leaves_a_gap(tmp_path: Path) -> None:
    estate = imported(tmp_path, {"ec2.describe-vpcs": VPCS, f"{LIST}@vpc-1": ASSOCIATED})
    assert [one.id for one in estate.of(LATTICE)] == ["snva-1"]
    assert {(gap.id, gap.field, gap.reason) for gap in estate.gaps if gap.type == LATTICE} == {
        (None, None, Reason.NOT_COLLECTED),
        ("snva-1", "SecurityGroupIds", Reason.NOT_COLLECTED),
    }


def test_without_any_file_of_it_the_type_is_not_collected(tmp_path: Path) -> None:
    listing = imported(tmp_path, {"ec2.describe-vpcs": VPCS}).listing(LATTICE, HERE)
    assert isinstance(listing, tuple)
    assert {gap.reason for gap in listing} == {Reason.NOT_COLLECTED}


def test_a_file_that_does_not_say_which_vpc_it_is_about_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match=f"name it {LIST}@<resource>.json"):
        imported(tmp_path, {"ec2.describe-vpcs": VPCS, LIST: ASSOCIATED})


def test_a_file_about_a_vpc_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match=r"no listing shows 'vpc-3': add the file of ec2\.describe-vpcs"):
        imported(tmp_path, {"ec2.describe-vpcs": VPCS, f"{LIST}@vpc-3": ASSOCIATED})


def test_the_one_thing_of_a_region_is_imported(tmp_path: Path) -> None:
    estate = imported(tmp_path, {"ec2.describe-vpc-block-public-access-options": {"VpcBlockPublicAccessOptions": OPTIONS}})
    (one,) = estate.of(BLOCKED)
    assert (one.id, one.data["InternetGatewayBlockMode"]) == (REGION, "block-ingress")
    assert [gap for gap in estate.gaps if gap.type == BLOCKED] == []


@pytest.mark.parametrize("held", [[], [OPTIONS], "off"])
def test_anything_but_one_thing_is_refused(tmp_path: Path, held: object) -> None:
    with pytest.raises(EstateError, match="is not an object"):
        imported(tmp_path, {"ec2.describe-vpc-block-public-access-options": {"VpcBlockPublicAccessOptions": held}})


def test_routes_that_say_there_are_more_are_a_gap(tmp_path: Path) -> None:
    files = {
        "ec2.describe-transit-gateway-route-tables": {"TransitGatewayRouteTables": [{"TransitGatewayRouteTableId": "tgw-rtb-1"}]},
        "ec2.search-transit-gateway-routes@tgw-rtb-1": {"Routes": [], "AdditionalRoutesAvailable": True},
    }
    estate = imported(tmp_path, files)
    assert ("Routes", Reason.MALFORMED) in {(gap.field, gap.reason) for gap in estate.gaps}
    assert "Routes" not in estate.of(TABLES)[0].data
