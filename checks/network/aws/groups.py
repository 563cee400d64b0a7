"""Security groups: rules that allow, stateful, any group of an interface is enough.

VPC user guide, Security group rules: a rule that refers to a group takes the private addresses of the interfaces that
have it, in the same VPC or, where the peering is active and in the same region, in a peered one; a stale rule matches
nothing. For ingress that is who sends, which links to elsewhere take away; for egress it is where to. Through a transit
gateway only ingress rules refer (Transit Gateway guide, Security group referencing: outbound rules are not supported).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.functions.declare import DataError
from checks.model import Place, Resource
from checks.network.aws.lists import PrefixLists
from checks.network.aws.reading import (
    ANY_PACKET,
    Wire,
    any_matches,
    block_matches,
    matching,
    objects,
    permission_traffic,
    text,
    traffic_name,
)
from checks.network.aws.view import GROUP, INTERFACE, View
from checks.network.graph import End, Filter, Rule, unread
from checks.network.packets import NOBODY, Addresses

KIND = "security-group"
DIRECTIONS: tuple[tuple[str, str, End], ...] = (
    ("ingress", "IpPermissions", "source"),
    ("egress", "IpPermissionsEgress", "destination"),
)
Members = Mapping[str, Mapping[str, Mapping[int, Addresses]]]
"""By group and VPC, the private addresses of the interfaces that have the group."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """An interface that may have a group (any, where `groups` is None) at some address: the one, or both, were not seen."""

    id: str
    vpc: str
    groups: tuple[str, ...] | None
    space: Mapping[int, Addresses]
    doubt: str


@dataclass(frozen=True, slots=True)
class Groups:
    """What reading a group's rules needs."""

    view: View
    lists: PrefixLists
    members: Members
    peers: Mapping[str, Mapping[str, str]]
    """By VPC, those that it has an active peering with in its region, and why that is not sure."""
    unclear: Sequence[Unclear] = ()

    def lower(self) -> None:
        for resource in self.view.all(GROUP):
            for direction, permissions, reads in DIRECTIONS:
                filter_ = self._filter(resource, direction, permissions, reads)
                self.view.graph.filters[filter_.id] = filter_

    def _filter(self, group: Resource, direction: str, permissions: str, reads: End) -> Filter:
        id_ = f"{group.id} {direction}"
        if why := self.view.gap(group, permissions):
            return unread(id_, KIND, reads, why, stateful=True, of=id_.partition(" ")[0])
        if group.data.get(permissions) is None:
            return unread(id_, KIND, reads, f"{permissions} of {group.id} was not seen", stateful=True, of=id_.partition(" ")[0])
        try:
            held = objects(group.data, permissions)
        except DataError as error:
            return unread(id_, KIND, reads, f"{group.id} cannot be read: {error}", stateful=True, of=id_.partition(" ")[0])
        rules = tuple(rule for permission in held for rule in self._rules(group, direction, permission))
        return Filter(id_, KIND, reads, stateful=True, ordered=False, rules=rules, of=id_.partition(" ")[0])

    def _rules(self, group: Resource, direction: str, permission: Wire) -> Iterator[Rule]:
        toward = "from" if direction == "ingress" else "to"
        try:
            traffic = permission_traffic(permission)
            named = f"{group.id} {direction} {traffic_name(traffic)} {toward}"
            ranges = [*objects(permission, "IpRanges"), *objects(permission, "Ipv6Ranges")]
            references, lists = objects(permission, "UserIdGroupPairs"), objects(permission, "PrefixListIds")
        except DataError as error:
            yield Rule(f"{group.id} {direction} ?", ANY_PACKET, doubt=f"a rule of {group.id} cannot be read: {error}")
            return
        for name in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"):
            if permission.get(name) is None:
                doubt = f"a rule of {group.id} has no {name}, where EC2 writes an empty list"
                yield Rule(f"{named} ?", any_matches(traffic), doubt=doubt)
        for one in ranges:
            block = one.get("CidrIp") if one.get("CidrIp") is not None else one.get("CidrIpv6")
            try:
                yield Rule(f"{named} {block}", block_matches(_block(block), traffic))
            except DataError as error:
                yield Rule(f"{named} ?", any_matches(traffic), doubt=f"a rule of {group.id} cannot be read: {error}")
        for one in lists:
            listed = self.lists.get(text(one, "PrefixListId"), group.place)
            yield Rule(f"{named} {text(one, 'PrefixListId')}", matching(listed.space, traffic), doubt=listed.doubt)
        for one in references:
            status = text(one, "PeeringStatus")
            if status not in {"", "active"}:
                continue
            other = text(one, "GroupId")
            if not other:
                doubt = f"a rule of {group.id} refers to a group without an id"
                yield Rule(f"{named} ?", any_matches(traffic), doubt=doubt)
            elif direction == "ingress":
                yield Rule(f"{named} {other}", any_matches(traffic), sender=other)
            else:
                yield from self._to_group(group, other, f"{named} {other}", traffic)

    def _to_group(self, group: Resource, other: str, id_: str, traffic: tuple[tuple[int, int], tuple[int, int]]) -> Iterator[Rule]:
        homes = {text(group.data, "VpcId"), *self.members.get(group.id, {})}
        reach = dict.fromkeys(homes, "")
        for home in homes:
            for peer, doubt in self.peers.get(home, {}).items():
                reach[peer] = "" if reach.get(peer) == "" else doubt
        found = dict.fromkeys((4, 6), NOBODY)
        for vpc, space in self.members.get(other, {}).items():
            if reach.get(vpc) == "":
                found = {family: found[family] | space[family] for family in found}
            elif vpc in reach:
                yield Rule(f"{id_} in {vpc}", matching(space, traffic), doubt=reach[vpc])
        yield Rule(id_, matching(found, traffic))
        for one in self.unclear:
            if one.vpc in reach and (one.groups is None or other in one.groups):
                yield Rule(f"{id_}, perhaps {one.id}", matching(one.space, traffic), doubt=one.doubt)
        places = {self.view.networks[vpc].place for vpc in reach if vpc in self.view.networks} or {group.place}
        if why := next(filter(None, (self.view.unlisted(INTERFACE, place) for place in sorted(places))), ""):
            doubt = f"which interfaces have {other} is not known: {why}"
            yield Rule(f"{id_} (not all seen)", any_matches(traffic), doubt=doubt)


def _block(value: object) -> str:
    """Raises DataError for what is no text."""
    if not isinstance(value, str):
        raise DataError(f"not an IP address or CIDR: {value!r}")
    return value


def ids(view: View, groups: Iterable[str], direction: str, place: Place) -> tuple[str, ...]:
    """The filters of an interface's groups; those that nobody saw may let everything through."""
    found = []
    for group in groups:
        id_ = f"{group} {direction}"
        if id_ not in view.graph.filters:
            reads: End = "source" if direction == "ingress" else "destination"
            view.graph.filters[id_] = unread(
                id_, KIND, reads, view.unseen(GROUP, "security group", group, place), stateful=True, of=id_.partition(" ")[0]
            )
        found.append(id_)
    return tuple(found)
