"""Whatever an estate holds, lowering it and asking it does not fail; and what is lost never proves isolation."""

import copy
import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.network.flow import flow
from checks.network.packet import INTERNET
from checks.network.packets import EVERYBODY, packets
from checks.network.walk import Start, Walker
from tests.checks.network.azure.arm_world import anything, lowered
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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
