"""Following one packet from place to place until every way it may take has ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from checks.network.simulate_azure.edge import over_internet
from checks.network.simulate_azure.inside import arrive, deliver, route
from checks.network.simulate_azure.middleboxes import through_firewall
from checks.network.simulate_azure.steps import (
    Arrived,
    AtFirewall,
    BeforeCard,
    Dropped,
    InNetwork,
    OnInternet,
    Routed,
    Scenery,
    Step,
    Steps,
    Unknown,
)

_LONGEST = 40


@dataclass(slots=True)
class Ended:
    """Where the ways ended."""

    arrived: list[Arrived] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def walk(scenery: Scenery, start: Iterable[Step]) -> Ended:
    ended, steps = Ended(), list(start)
    while steps:
        match steps.pop(0):
            case Arrived(_, travel) if travel.doubts:
                ended.unknown += travel.doubts
            case Arrived() as arrived:
                ended.arrived.append(arrived)
            case Dropped(why):
                ended.dropped.append(why)
            case Unknown(why):
                ended.unknown.append(why)
            case step if len(step.travel.hops) > _LONGEST:
                ended.dropped.append(f"{step.travel.packet} goes round in circles")
            case step:
                steps += _next(scenery, step)
    return ended


def _next(scenery: Scenery, step: OnInternet | Routed | InNetwork | BeforeCard | AtFirewall) -> Steps:
    match step:
        case OnInternet():
            return over_internet(scenery, step)
        case Routed():
            return route(scenery, step)
        case InNetwork():
            return deliver(scenery, step)
        case BeforeCard():
            return arrive(scenery, step)
        case AtFirewall():
            return through_firewall(scenery, step)
