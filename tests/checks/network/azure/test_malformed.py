"""Whatever an estate holds, lowering it and asking it does not fail; and what is lost never proves isolation."""

import copy
import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.network.flow import flow
from checks.network.packet import INTERNET
from checks.network.packets import EVERYBODY, packets
from checks.network.place import NoSuchPlace
from checks.network.walk import Start, Walker
from tests.checks.network.azure import front, test_private
from tests.checks.network.azure.arm_world import (
    answer,
    anything,
    gap,
    listing_gap,
    lowered,
    nic,
    nsg,
    route,
    route_table,
    rule,
    subnet,
    verdict,
    vnet,
    why,
)  # fmt: skip
from tests.checks.network.azure.everything import everything

JUNK = [
    None,
    "",
    "junk",
    "10.0.0.0/99",
    -1,
    70000,
    10**30,
    True,
    [],
    {},
    [None],
    [[]],
    {"id": 5},
    {"id": "/subscriptions/gone"},
    "*",
    "0.0.0.0/0",
]


def places(data, path=()):
    """Every path into JSON."""
    yield path
    if isinstance(data, dict):
        for name, value in data.items():
            yield from places(value, (*path, name))
    elif isinstance(data, list):
        for at, value in enumerate(data):
            yield from places(value, (*path, at))


def spoiled(data, path, junk):
    data = copy.deepcopy(data)
    inner = data
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = junk
    return data


ALL = everything()
SPOTS = [(number, path) for number, one in enumerate(ALL) for path in places(one.data) if path]


def walks(graph):
    """Follows everything from the internet and from every interface."""
    sent = flow(4, packets(EVERYBODY[4]), packets(EVERYBODY[4]))
    for station in {INTERNET, *(one.sends for one in graph.interfaces.values()), *graph.outside}:
        list(Walker(graph).arrivals(Start(station, station, sent, frozenset())))


def test_everything_at_once_can_be_asked():
    graph = lowered(*ALL)
    walks(graph)
    assert len(graph.interfaces) >= 10
    assert all(link.to in graph.stations for station in graph.stations.values() for links in station.links.values() for link in links)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(SPOTS), st.sampled_from(JUNK)), min_size=1, max_size=3))
def test_junk_anywhere_is_survived(spoilt):
    held = list(ALL)
    for (number, path), junk in spoilt:
        try:
            held[number] = dataclasses.replace(held[number], data=spoiled(held[number].data, path, junk))
        except (KeyError, IndexError, TypeError):  # an earlier one took the place
            continue
    graph = lowered(*held)
    assert all(link.to in graph.stations for station in graph.stations.values() for links in station.links.values() for link in links)
    walks(graph)


@pytest.mark.parametrize("number", range(len(ALL)), ids=[one.id.rpartition("providers/")[2] for one in ALL])
def test_any_resource_may_be_missing(number):
    walks(lowered(*ALL[:number], *ALL[number + 1 :]))


def test_nothing_at_all():
    assert lowered().interfaces == {}


def test_without_assertion_nothing_is_isolated_that_a_listing_could_open():
    graph = lowered(*ALL, asserted=None)
    for name in ("web", "nva", "pg", "h"):
        assert anything(graph, "internet", name).verdict != "unreachable"


PAIRS = [
    ("internet", "web", 8443), ("internet", "web", 80), ("internet", "nva", 22), ("internet", "h", 22), ("internet", "files", 443),
    ("internet", "pg", 5432), ("internet", "sql", 1433), ("web", "h", 443), ("h", "web", 80), ("web", "files", 443), ("web", "penic", 443),
    ("web", "internet", 443), ("h", "internet", 443), ("nva", "web", 22), ("192.168.7.9", "h", 22), ("internet", "ag", 443),
]  # fmt: skip


def verdicts(graph, pairs=PAIRS):
    found = {}
    for source, target, port in pairs:
        try:
            found[source, target, port] = verdict(graph, source, target, port).verdict
        except NoSuchPlace:
            found[source, target, port] = "unknown"
    return found


def test_without_the_assertion_a_verdict_moves_to_unknown_and_nowhere_else():
    before, after = verdicts(lowered(*ALL)), verdicts(lowered(*ALL, asserted=None))
    assert {pair: (before[pair], after[pair]) for pair in before if after[pair] not in {before[pair], "unknown"}} == {}


UNASSERTED = verdicts(lowered(*ALL, asserted=None))


@pytest.mark.parametrize("number", range(len(ALL)), ids=[one.id.rpartition("providers/")[2] for one in ALL])
def test_what_is_not_seen_moves_a_verdict_to_unknown_and_nowhere_else(number):
    after = verdicts(lowered(*ALL[:number], *ALL[number + 1 :], asserted=None))
    assert {pair: (UNASSERTED[pair], after[pair]) for pair in after if after[pair] not in {UNASSERTED[pair], "unknown"}} == {}


SHUT = [
    vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", table="rt"), subnet("back", "10.0.2.0/24", nsg="g")),
    nic("web", "shop/front", "10.0.1.4"), nic("db", "shop/back", "10.0.2.4"), nsg("g", rule("no", 100, "Deny")),
    route_table("rt", route("drop", "10.0.2.0/24", "None")), front.balancer(private="10.0.2.100"),
]  # fmt: skip


def test_a_closed_network_is_closed():
    assert answer(lowered(*SHUT), "internet", "web", 80) == answer(lowered(*SHUT), "web", "db", 80) == "unreachable"


@pytest.mark.parametrize("number", range(len(SHUT)), ids=[one.id.rpartition("providers/")[2] for one in SHUT])
def test_a_gap_of_what_decides_is_unknown(number):
    graph = lowered(*SHUT, gaps=(gap(SHUT[number]),))
    opened = {("internet", "web"), ("web", "db"), ("internet", "db")}
    found = {pair for pair in opened if answer(graph, *pair, 80) == "unknown"}
    expected = {0: {("internet", "web")}, 1: {("internet", "web")}, 2: set(), 3: set(), 4: set(), 5: {("internet", "web")}}
    assert found == expected[number]


def test_a_listing_that_is_cut_short_is_not_asserted_over():
    graph = lowered(*SHUT, gaps=(listing_gap("azure.network.loadbalancers"),))
    assert answer(graph, "internet", "web", 80) == "unknown"
    assert "a file is cut short" in why(graph, "internet", "web", 80)


def test_a_group_or_route_table_of_which_something_is_missing_is_unknown():
    one = [SHUT[0], SHUT[1], SHUT[2], SHUT[3], route_table("rt")]
    assert answer(lowered(*one), "web", "db", 80) == "unreachable"
    assert answer(lowered(*one, gaps=(gap(SHUT[3]),)), "web", "db", 80) == "unknown"
    free = [vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", table="rt"), subnet("back", "10.0.2.0/24")), *SHUT[1:3], SHUT[4]]
    assert answer(lowered(*free), "web", "db", 80) == "unreachable"
    assert answer(lowered(*free, gaps=(gap(SHUT[4]),)), "web", "db", 80) == "unknown"


def test_a_service_of_which_something_is_missing_is_unknown():
    account = test_private.store("Disabled")
    assert answer(lowered(account), "internet", "files", 443) == "unreachable"
    assert answer(lowered(account, gaps=(gap(account),)), "internet", "files", 443) == "unknown"
