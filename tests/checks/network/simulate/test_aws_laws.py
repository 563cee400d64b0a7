from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from checks.network.packet import TCP, UDP, Packet
from checks.network.simulate.aws import Simulator
from checks.network.simulate.aws_flight import answer
from tests.checks.network.simulate.aws_world import World, acl, allow, ends, eni, entry, group, igw, number_of, subnet, table, to, vpc

HOME = vpc("vpc-a", "10.0.0.0/16")
WEST, EAST = subnet("subnet-west", HOME, "10.0.0.0/24"), subnet("subnet-east", HOME, "10.0.1.0/24")

ADDRESSES = ["10.0.0.5", "10.0.0.6", "10.0.1.5", "203.0.113.7"]
CIDRS = ["0.0.0.0/0", "10.0.0.0/16", "10.0.0.0/24", "10.0.1.0/24", "10.0.0.5/32", "203.0.113.0/24"]
PORTS = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda pair: (min(pair), max(pair)))
RULES = st.builds(allow, st.sampled_from(["tcp", "udp"]), PORTS, st.sampled_from([*CIDRS, "sg-west", "sg-east"]))
ENTRIES = st.builds(entry, st.just(1), st.sampled_from(["allow", "deny"]), st.sampled_from(CIDRS), st.sampled_from([6, 17]), PORTS)
PACKETS = st.builds(
    Packet, st.just(4), st.sampled_from(ADDRESSES[:2]).map(number_of), st.sampled_from(ADDRESSES).map(number_of),
    st.sampled_from([TCP, UDP]), st.integers(0, 5), st.integers(0, 5),
)  # fmt: skip


def network(west: list, east: list, ingress: list, egress: list) -> World:
    left, right = group("sg-west", HOME, west, egress=east), group("sg-east", HOME, east, egress=west)
    numbered = [[one | {"RuleNumber": 10 + index} for index, one in enumerate(entries)] for entries in (ingress, egress)]
    return World(
        *(HOME, WEST, EAST, left, right, igw("igw-a", HOME), table("rtb-a", HOME, to("0.0.0.0/0", "igw-a"), main=True)),
        acl("acl-a", HOME, ingress=numbered[0], egress=numbered[1]),
        eni("eni-5", WEST, "10.0.0.5", left, public="198.51.100.5"),
        *(eni("eni-6", WEST, "10.0.0.6", left, right), eni("eni-7", EAST, "10.0.1.5", right)),
    )


def sent(world: World, packet: Packet) -> dict[str, bool]:
    at = "eni-5" if packet.source == number_of("10.0.0.5") else "eni-6"
    return ends(Simulator(world).send(packet, at))


LISTS = st.lists(RULES, max_size=4), st.lists(RULES, max_size=4), st.lists(ENTRIES, max_size=4), st.lists(ENTRIES, max_size=4)


@given(*LISTS, RULES, PACKETS)
def test_a_group_s_rule_more_never_takes_a_delivery_or_an_answer_away(
    west: list, east: list, ingress: list, egress: list, more: dict, packet: Packet
):
    before, after = sent(network(west, east, ingress, egress), packet), sent(network([*west, more], east, ingress, egress), packet)
    assert all(at in after and after[at] >= reply for at, reply in before.items())


@given(*LISTS, ENTRIES, PACKETS)
def test_a_deny_in_front_never_lets_more_through(west: list, east: list, ingress: list, egress: list, more: dict, packet: Packet):
    deny = more | {"RuleAction": "deny"}
    before, after = sent(network(west, east, ingress, egress), packet), sent(network(west, east, [deny, *ingress], egress), packet)
    assert all(at in before and before[at] >= reply for at, reply in after.items())


@given(PACKETS)
def test_the_answer_to_an_answer_is_the_question(packet: Packet):
    back = answer(packet)
    assert back is not None
    assert answer(back) == packet
    assert answer(replace(packet, protocol=50, source_port=0, destination_port=0)) is not None
