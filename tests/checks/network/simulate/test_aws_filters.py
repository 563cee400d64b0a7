from __future__ import annotations

import pytest

from checks.network.packet import Packet
from checks.network.simulate.aws import Simulator
from tests.checks.network.simulate.aws_world import (
    EVERYWHERE,
    World,
    acl,
    allow,
    ends,
    eni,
    entry,
    group,
    icmp,
    prefix_list,
    raw,
    subnet,
    table,
    tcp,
    udp,
    vpc,
)

HOME = vpc("vpc-a", "10.0.0.0/16", "2a05:d014::/56")
WEST = subnet("subnet-west", HOME, "10.0.1.0/24", "2a05:d014:0:1::/64")
EAST = subnet("subnet-east", HOME, "10.0.2.0/24", "2a05:d014:0:2::/64")
CLIENTS, SERVERS = group("sg-clients", HOME), group("sg-servers", HOME, [allow("tcp", (440, 450), "10.0.1.0/24")])
CLIENT = eni("eni-client", WEST, "10.0.1.5", CLIENTS, secondary=[("10.0.1.6", None)], ipv6=["2a05:d014:0:1::5"])
SERVER = eni("eni-server", EAST, "10.0.2.5", SERVERS, ipv6=["2a05:d014:0:2::5"])
NEIGHBOUR = eni("eni-neighbour", WEST, "10.0.1.9", SERVERS)
WORLD = World(HOME, WEST, EAST, CLIENTS, SERVERS, CLIENT, SERVER, NEIGHBOUR, acl("acl-a", HOME), table("rtb-a", HOME, main=True))

TO_SERVER = tcp("10.0.1.5", "10.0.2.5", 443)


def send(world: World, packet: Packet, at: str = "eni-client") -> dict[str, bool]:
    return ends(Simulator(world).send(packet, at))


def test_every_hop_is_told_in_order_with_the_rule_that_allowed_it():
    [delivery] = Simulator(WORLD).send(TO_SERVER, "eni-client").deliveries
    assert [(hop.id, *hop.allowed_by) for hop in delivery.hops] == [
        ("eni-client",),
        ("sg-clients", "sg-clients egress all 0.0.0.0/0"),
        ("acl-a", "acl-a egress rule 100"),
        ("rtb-a", "rtb-a route 10.0.0.0/16 -> local"),
        ("acl-a", "acl-a ingress rule 100"),
        ("sg-servers", "sg-servers ingress tcp/440-450 10.0.1.0/24"),
        ("eni-server",),
    ]
    assert delivery.arrives == TO_SERVER
    assert delivery.reply


@pytest.mark.parametrize(
    ("rule", "packet", "passes"),
    [
        (allow("tcp", (440, 450), EVERYWHERE), tcp("10.0.1.5", "10.0.2.5", 440), True),
        (allow("tcp", (440, 450), EVERYWHERE), tcp("10.0.1.5", "10.0.2.5", 450), True),
        (allow("tcp", (440, 450), EVERYWHERE), tcp("10.0.1.5", "10.0.2.5", 451), False),
        (allow("tcp", (440, 450), EVERYWHERE), udp("10.0.1.5", "10.0.2.5", 445), False),
        (allow("tcp", 443, "10.0.1.6/32"), TO_SERVER, False),
        (allow("tcp", 443, "10.0.1.6/32"), tcp("10.0.1.6", "10.0.2.5", 443), True),
        (allow("-1", None, EVERYWHERE), raw(50, "10.0.1.5", "10.0.2.5"), True),
        (allow("50", None, EVERYWHERE), raw(50, "10.0.1.5", "10.0.2.5"), True),
        (allow("51", None, EVERYWHERE), raw(50, "10.0.1.5", "10.0.2.5"), False),
        (allow("icmp", (8, -1), EVERYWHERE), icmp("10.0.1.5", "10.0.2.5"), True),
        (allow("icmp", (-1, -1), EVERYWHERE), icmp("10.0.1.5", "10.0.2.5"), True),
        (allow("icmp", (0, 0), EVERYWHERE), icmp("10.0.1.5", "10.0.2.5"), False),
        (allow("tcp", 443, "2a05:d014:0:1::/64"), tcp("2a05:d014:0:1::5", "2a05:d014:0:2::5", 443), True),
        (allow("tcp", 443, EVERYWHERE), tcp("2a05:d014:0:1::5", "2a05:d014:0:2::5", 443), False),
        (allow("icmpv6", (-1, -1), "::/0"), icmp("2a05:d014:0:1::5", "2a05:d014:0:2::5", 128), True),
        (allow("icmp", (-1, -1), "::/0"), icmp("2a05:d014:0:1::5", "2a05:d014:0:2::5", 128), False),
        (allow("tcp", 443, CLIENTS), TO_SERVER, True),
        (allow("tcp", 443, SERVERS), TO_SERVER, False),
        (allow("tcp", 443), TO_SERVER, False),
    ],
)
def test_an_ingress_rule_admits_its_protocol_ports_and_peers_alone(rule: dict[str, object], packet: Packet, passes: bool):
    assert send(WORLD.but(group("sg-servers", HOME, [rule])), packet) == ({"eni-server": True} if passes else {})


def test_any_group_of_an_interface_may_allow():
    both = eni("eni-server", EAST, "10.0.2.5", group("sg-none", HOME), SERVERS)
    assert send(WORLD.but(both, group("sg-none", HOME)), TO_SERVER) == {"eni-server": True}


def test_egress_rules_name_the_receiver_by_address_or_by_group():
    assert send(WORLD.but(group("sg-clients", HOME, egress=[])), TO_SERVER) == {}
    assert send(WORLD.but(group("sg-clients", HOME, egress=[allow("tcp", 443, "10.0.2.5/32")])), TO_SERVER) == {"eni-server": True}
    assert send(WORLD.but(group("sg-clients", HOME, egress=[allow("tcp", 443, SERVERS)])), TO_SERVER) == {"eni-server": True}
    assert send(WORLD.but(group("sg-clients", HOME, egress=[allow("tcp", 443, CLIENTS)])), TO_SERVER) == {}


def test_answers_pass_the_groups_of_both_ends():
    shut = group("sg-servers", HOME, [allow("tcp", 443, CLIENTS)], egress=[])
    assert send(WORLD.but(shut, group("sg-clients", HOME, ingress=[])), TO_SERVER) == {"eni-server": True}


def test_a_prefix_list_stands_for_its_entries():
    world = WORLD.but(group("sg-servers", HOME, [allow("tcp", 443, "pl-1")]))
    assert send(world.but(prefix_list("pl-1", "192.0.2.0/24", "10.0.1.0/28")), TO_SERVER) == {"eni-server": True}
    assert send(world.but(prefix_list("pl-1", "192.0.2.0/24")), TO_SERVER) == {}


@pytest.mark.parametrize("listed", [[], [prefix_list("pl-1", read=False)]])
def test_a_prefix_list_without_entries_leaves_it_unknown(listed: list):
    trace = Simulator(WORLD.but(group("sg-servers", HOME, [allow("tcp", 443, "pl-1")]), *listed)).send(TO_SERVER, "eni-client")
    assert not trace.deliveries
    assert "pl-1" in trace.unknown[0]


def test_a_group_that_is_not_in_the_estate_leaves_it_unknown_unless_another_allows():
    foreign = eni("eni-server", EAST, "10.0.2.5", "sg-foreign")
    trace = Simulator(WORLD.but(foreign)).send(TO_SERVER, "eni-client")
    assert not trace.deliveries
    assert trace.unknown == ("sg-foreign of eni-server is not in the estate",)
    assert send(WORLD.but(eni("eni-server", EAST, "10.0.2.5", "sg-foreign", SERVERS)), TO_SERVER) == {"eni-server": True}


def test_an_interface_without_groups_leaves_it_unknown():
    trace = Simulator(WORLD.but(eni("eni-server", EAST, "10.0.2.5"))).send(TO_SERVER, "eni-client")
    assert not trace.deliveries
    assert trace.unknown


def test_the_first_acl_entry_that_matches_decides_whatever_their_order():
    entries = [entry(200, "allow"), entry(100, "deny", "10.0.1.5/32", 6, (443, 443))]
    trace = Simulator(WORLD.but(acl("acl-east", HOME, EAST, ingress=entries))).send(TO_SERVER, "eni-client")
    assert not trace.deliveries
    assert trace.dropped == (f"acl-east ingress rule 100 denies {TO_SERVER}",)
    assert send(WORLD.but(acl("acl-east", HOME, EAST, ingress=entries)), tcp("10.0.1.6", "10.0.2.5", 443)) == {"eni-server": True}


def test_what_no_acl_entry_matches_is_denied():
    assert send(WORLD.but(acl("acl-east", HOME, EAST, ingress=[])), TO_SERVER) == {}


def test_acls_do_not_remember_the_connection():
    only_well_known = [entry(100, "allow", EVERYWHERE, 6, (0, 1023))]
    assert send(WORLD.but(acl("acl-east", HOME, EAST, egress=only_well_known)), TO_SERVER) == {"eni-server": False}
    to_ephemeral = [entry(100, "allow", EVERYWHERE, 6, (40000, 40000))]
    assert send(WORLD.but(acl("acl-east", HOME, EAST, egress=to_ephemeral)), TO_SERVER) == {"eni-server": True}
    assert send(WORLD.but(acl("acl-west", HOME, WEST, ingress=only_well_known)), TO_SERVER) == {"eni-server": False}


def test_acls_tell_icmp_types_apart():
    ping = icmp("10.0.1.5", "10.0.2.5")
    world = WORLD.but(group("sg-servers", HOME, [allow("icmp", (-1, -1), EVERYWHERE)]))
    assert send(world.but(acl("acl-east", HOME, EAST, ingress=[entry(1, "allow", EVERYWHERE, 1, (8, -1))])), ping) == {"eni-server": True}
    assert send(world.but(acl("acl-east", HOME, EAST, ingress=[entry(1, "allow", EVERYWHERE, 1, (0, -1))])), ping) == {}
    assert send(world.but(acl("acl-east", HOME, EAST, egress=[entry(1, "allow", EVERYWHERE, 1, (8, -1))])), ping) == {"eni-server": False}


def test_an_icmp_message_that_nobody_answers_has_no_reply():
    world = WORLD.but(group("sg-servers", HOME, [allow("icmp", (-1, -1), EVERYWHERE)]))
    assert send(world, icmp("10.0.1.5", "10.0.2.5", 3)) == {"eni-server": False}


def test_acls_do_not_count_within_a_subnet_but_groups_do():
    world = WORLD.but(acl("acl-west", HOME, WEST, ingress=[], egress=[]))
    assert send(world, tcp("10.0.1.5", "10.0.1.9", 443)) == {"eni-neighbour": True}
    assert send(world, tcp("10.0.1.5", "10.0.1.9", 22)) == {}


def test_a_subnet_without_an_acl_in_the_estate_is_unknown():
    trace = Simulator(WORLD.without("acl-a")).send(TO_SERVER, "eni-client")
    assert not trace.deliveries
    assert "the network ACL of subnet-west is not in the estate" in trace.unknown


def test_an_interface_reaches_itself_past_all_filters():
    world = WORLD.but(group("sg-clients", HOME, egress=[]))
    assert send(world, tcp("10.0.1.5", "10.0.1.6", 9)) == {"eni-client": True}


def test_a_source_that_an_interface_does_not_hold_is_dropped_if_it_is_checked():
    forged = tcp("10.0.1.77", "10.0.2.5", 443)
    assert send(WORLD, forged) == {}
    router = eni("eni-client", WEST, "10.0.1.5", CLIENTS, check=False)
    assert send(WORLD.but(router), forged) == {"eni-server": False}


def test_a_reference_does_not_find_a_forged_source():
    world = WORLD.but(group("sg-servers", HOME, [allow("tcp", 443, CLIENTS)]), eni("eni-client", WEST, "10.0.1.5", CLIENTS, check=False))
    assert send(world, TO_SERVER) == {"eni-server": True}
    assert send(world, tcp("10.0.1.77", "10.0.2.5", 443)) == {}


def test_services_of_the_host_are_not_on_the_network():
    assert send(WORLD, tcp("10.0.1.5", "169.254.169.254", 80)) == {}


def test_a_delegated_prefix_belongs_to_its_interface():
    data = {**SERVER.data, "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.2.64/28"}]}
    pods = type(SERVER)(SERVER.id, SERVER.type, SERVER.account, SERVER.region, data)
    assert send(WORLD, tcp("10.0.1.5", "10.0.2.70", 443)) == {}
    assert send(WORLD.but(pods), tcp("10.0.1.5", "10.0.2.70", 443)) == {"eni-server": True}


def test_lambda_interfaces_take_no_connections():
    assert send(WORLD.but(eni("eni-server", EAST, "10.0.2.5", SERVERS, kind="lambda")), TO_SERVER) == {}


def test_an_unknown_start_is_said():
    assert Simulator(WORLD).send(TO_SERVER, "eni-nowhere").unknown == ("eni-nowhere is not in the estate",)
    assert "lgw-1" in Simulator(WORLD).send(TO_SERVER, "lgw-1").unknown[0]


def test_ipv6_stays_within_a_subnet_too():
    near = eni("eni-near", WEST, "10.0.1.8", group("sg-six", HOME), ipv6=["2a05:d014:0:1::8"])
    world = WORLD.but(near, group("sg-six", HOME, [allow("tcp", 443, "::/0")]), acl("acl-west", HOME, WEST, ingress=[], egress=[]))
    assert send(world, tcp("2a05:d014:0:1::5", "2a05:d014:0:1::8", 443)) == {"eni-near": True}


def test_one_acl_and_one_table_can_serve_several_subnets():
    shared = acl("acl-own", HOME, WEST, EAST, ingress=[entry(1, "allow", "10.0.0.0/16")])
    world = WORLD.but(shared, table("rtb-own", HOME, subnets=[EAST, WEST])).without("acl-a", "rtb-a")
    assert send(world, TO_SERVER) == {"eni-server": True}


def test_an_interface_whose_subnet_is_not_in_the_estate_is_unknown():
    for missing in ("subnet-west", "subnet-east"):
        trace = Simulator(WORLD.without(missing)).send(TO_SERVER, "eni-client")
        assert not trace.deliveries
        assert any(missing in why for why in trace.unknown)


def test_what_is_unknown_about_the_answer_is_said():
    lost = WORLD.but(table("rtb-east", HOME, {"DestinationPrefixListId": "pl-1", "GatewayId": "vgw-1", "State": "active"}, subnets=[EAST]))
    trace = Simulator(lost).send(TO_SERVER, "eni-client")
    assert ends(trace) == {"eni-server": False}
    assert trace.unknown == ("the answer: rtb-east: the entries of pl-1 are not in the estate",)


def test_a_world_that_answers_says_nothing_of_unknowns():
    assert Simulator(WORLD).send(TO_SERVER, "eni-client").unknown == ()
