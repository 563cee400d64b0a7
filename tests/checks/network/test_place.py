"""What people name, found in the path graph."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from checks.network.graph import Graph, Interface
from checks.network.internet import PUBLIC
from checks.network.packet import INTERNET
from checks.network.packets import NOBODY, addresses, network_span
from checks.network.place import NoSuchPlace, Places, named, typed

LB = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/front/50dc6c495c0c9188"


def number(text: str) -> int:
    return int(ip_address(text))


def block(text: str) -> object:
    return addresses([network_span(ip_network(text))])


def interface(id_: str, address: str, **more: object) -> Interface:
    held = {"kind": "interface", "account": "1", "region": "r", "network": "vpc-1", "subnet": "subnet-1", "tags": {}, **more}
    station = str(held.pop("station", f"in:{id_}"))
    return Interface(
        id_, "aws.ec2.network_interface", station=station, sends=station.replace("in:", "out:"), addresses={4: (number(address),)}, **held
    )


@pytest.fixture
def graph() -> Graph:
    found = Graph()
    found.station(INTERNET, "internet", ends=True)
    found.outside[INTERNET] = "the internet"
    found.station("vgw-1", "vpn", ends=True)
    found.outside["vgw-1"] = "on-premises"
    found.networks |= {"vgw-1": {4: block("10.200.0.0/16")}, "vpc-1": {4: block("10.0.0.0/16")}, "vpc-2": {4: block("10.1.0.0/16")}}
    for one in (
        interface("eni-1", "10.0.0.1", tags={"tier": "web"}, owners=(("aws.ec2.instance", "i-1"),), station="in:web"),
        interface("eni-2", "10.0.0.2", tags={"tier": "web"}, station="in:web", public={number("203.0.113.2"): number("10.0.0.2")}),
        interface("eni-3", "10.0.0.3", owners=(("aws.elbv2.load_balancer", LB),)),
        interface("eni-4", "10.1.0.4", network="vpc-2", subnet="subnet-2"),
    ):
        found.interfaces[one.id] = one
    return found


def ids(places: Places) -> set[str]:
    return {one.id for place in places.held for one in place.interfaces}


def test_the_internet_is_every_public_address_or_the_one_that_is_named(graph: Graph) -> None:
    assert named(graph, "internet").held[0].addresses[6] is PUBLIC[6]
    assert named(graph, "internet:198.51.100.7").held[0].addresses == {4: block("198.51.100.7/32"), 6: NOBODY}
    assert named(graph, "internet:2001:db8::/32").held[0].addresses[6] is block("2001:db8::/32")


def test_what_the_estate_has_is_not_the_internet(graph: Graph) -> None:
    assert named(graph, "internet").held[0].addresses[4] is PUBLIC[4] - block("203.0.113.2/32")


def test_tags_of_which_there_may_be_more_leave_a_doubt_about_those_that_do_not_match(graph: Graph) -> None:
    graph.interfaces["eni-8"] = interface("eni-8", "10.0.0.8", tags={"tier": "web"}, more_tags=True)
    graph.interfaces["eni-9"] = interface("eni-9", "10.0.0.9", tags={"tier": "app"}, more_tags=True)
    found = named(graph, "tag:tier=web")
    assert "eni-8" in ids(found)
    assert found.doubts == ("the tags of eni-9 were not seen",)


def test_a_private_address_is_the_interface_that_has_it_and_no_other_of_its_class(graph: Graph) -> None:
    (place,) = named(graph, "10.0.0.1").held
    assert (place.station, place.addresses[4]) == ("in:web", block("10.0.0.1/32"))


def test_a_public_address_is_the_interface_behind_it(graph: Graph) -> None:
    (place,) = named(graph, "203.0.113.2").held
    assert (place.station, place.addresses[4]) == ("in:web", block("10.0.0.2/32"))


def test_an_address_of_nobody_here_is_the_internet_s(graph: Graph) -> None:
    assert [place.station for place in named(graph, "198.51.100.9").held] == [INTERNET]


def test_a_block_is_the_interfaces_in_it_and_what_lies_outside(graph: Graph) -> None:
    found = named(graph, "10.0.0.0/8")
    assert {place.station for place in found.held} == {"in:web", "in:eni-3", "in:eni-4", "vgw-1"}


def test_an_address_behind_a_gateway_is_outside(graph: Graph) -> None:
    (place,) = named(graph, "10.200.3.4").held
    assert (place.station, place.addresses[4]) == ("vgw-1", block("10.200.3.4/32"))


@pytest.mark.parametrize("name", ["i-1", "I-1", "eni-1"])
def test_an_owner_or_interface_is_named_in_any_case(graph: Graph, name: str) -> None:
    assert "eni-1" in ids(named(graph, name))
    assert named(graph, name).held[0].addresses[4] is block("10.0.0.1/32")


@pytest.mark.parametrize("name", [LB, "front", "50dc6c495c0c9188", "app/front/50dc6c495c0c9188".rpartition("/")[2]])
def test_a_load_balancer_is_named_by_its_arn_or_a_part_of_it(graph: Graph, name: str) -> None:
    assert ids(named(graph, name)) == {"eni-3"}


def test_a_network_is_everything_in_it(graph: Graph) -> None:
    assert ids(named(graph, "vpc-1")) == {"eni-1", "eni-2", "eni-3"}
    assert ids(named(graph, "subnet-2")) == {"eni-4"}


def test_a_tag_is_everything_that_has_it(graph: Graph) -> None:
    assert ids(named(graph, "tag:tier=web")) == {"eni-1", "eni-2"}


def test_tags_that_nobody_saw_leave_a_doubt(graph: Graph) -> None:
    graph.interfaces["eni-9"] = interface("eni-9", "10.0.0.9", tags=None)
    assert named(graph, "tag:tier=web").doubts == ("the tags of eni-9 were not seen",)


def test_interfaces_that_nobody_saw_leave_a_doubt_where_any_is_meant_and_not_where_one_is_named(graph: Graph) -> None:
    graph.doubts.append("nobody looked at aws.ec2.network_interface in 1/r")
    for some in ("tag:tier=web", "vpc-1", "10.0.0.0/8"):
        assert named(graph, some).doubts == ("nobody looked at aws.ec2.network_interface in 1/r",)
    assert typed(graph, ["aws.ec2.instance"]).doubts
    for one in ("eni-1", "i-1", "10.0.0.1"):
        assert named(graph, one).doubts == ()


@pytest.mark.parametrize("name", ["i-nobody", "10.9.9.9", "tag:tier", "internet:host", ""])
def test_what_is_not_there_is_refused(graph: Graph, name: str) -> None:
    with pytest.raises(NoSuchPlace):
        named(graph, name)
