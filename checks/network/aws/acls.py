"""Network ACLs: numbered entries, the first that matches decides, replies are packets like any other.

VPC user guide, Network ACLs: evaluated in ascending order; what no entry matches is denied; they stand at the border of
a subnet, and traffic inside it does not meet them. The entry 32767 of the API is the final deny.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checks.functions.declare import DataError
from checks.model import Place, Resource
from checks.network.aws.interfaces import UNSEEN
from checks.network.aws.reading import ANY_PACKET, Wire, all_objects, cidr_set, entry_traffic, known_objects, matching, objects, text, whole
from checks.network.aws.view import ACL, View
from checks.network.graph import End, Filter, Rule, unread

KIND = "network-acl"


def lower(view: View) -> None:
    for resource in view.all(ACL):
        for direction in ("ingress", "egress"):
            filter_ = _filter(view, resource, direction)
            view.graph.filters[filter_.id] = filter_


@dataclass(frozen=True, slots=True)
class Associations:
    """Which ACL a subnet has: the one that names it, else its VPC's default one."""

    view: View
    named: Mapping[str, str]
    default: Mapping[str, str]
    unclear: str = ""

    def of(self, subnet: str, vpc: str, place: Place) -> tuple[str, str]:
        """(ingress, egress) filters of a subnet; those of an ACL that nobody saw may let everything through."""
        acl = self.named.get(subnet)
        why = "" if acl else self.view.unlisted(ACL, place) or self.unclear
        if not acl and subnet.startswith(UNSEEN):
            why = "in which subnet it is was not seen"
        if not acl and not why:
            acl = self.default.get(vpc)
        if acl:
            return f"{acl} ingress", f"{acl} egress"
        return unknown(self.view, subnet, why)


def associations(view: View) -> Associations:
    named, default, unclear = {}, {}, ""
    for resource in view.all(ACL):
        if not all_objects(resource.data, "Associations"):
            unclear = view.gap(resource, "Associations") or f"what {resource.id} is associated with was not seen"
        for association in known_objects(resource.data, "Associations"):
            if subnet := text(association, "SubnetId"):
                named[subnet] = resource.id
            else:
                unclear = f"what {resource.id} is associated with was not seen"
        if resource.data.get("IsDefault") is True:
            default[text(resource.data, "VpcId")] = resource.id
    return Associations(view, named, default, unclear)


def unknown(view: View, subnet: str, why: str) -> tuple[str, str]:
    """(ingress, egress) filters of a subnet whose ACL nobody saw."""
    why = why or "no network ACL in the estate is its own, or its VPC's default one"
    ids = []
    for direction in ("ingress", "egress"):
        id_ = f"network ACL of {subnet} {direction}"
        doubt = f"the network ACL of {subnet} was not seen: {why}"
        view.graph.filters[id_] = unread(id_, KIND, _end(direction), doubt, stateful=False, of=id_.partition(" ")[0])
        ids.append(id_)
    return ids[0], ids[1]


def _end(direction: str) -> End:
    return "source" if direction == "ingress" else "destination"


def _filter(view: View, acl: Resource, direction: str) -> Filter:
    id_ = f"{acl.id} {direction}"
    if why := view.gap(acl, "Entries"):
        return unread(id_, KIND, _end(direction), why, stateful=False, of=id_.partition(" ")[0])
    if acl.data.get("Entries") is None:
        return unread(id_, KIND, _end(direction), f"the entries of {acl.id} were not seen", stateful=False, of=id_.partition(" ")[0])
    try:
        entries = objects(acl.data, "Entries")
    except DataError as error:
        return unread(id_, KIND, _end(direction), f"{acl.id} cannot be read: {error}", stateful=False, of=id_.partition(" ")[0])
    rules: list[tuple[int, tuple[Rule, ...]]] = []
    for entry in entries:
        egress = entry.get("Egress")
        if egress is (direction == "ingress"):
            continue
        if not isinstance(egress, bool):
            rules.append((-1, _unclear(f"{id_} {entry.get('RuleNumber')}", f"an entry of {acl.id} names no direction")))
            continue
        try:
            number = whole(entry.get("RuleNumber"), "RuleNumber")
        except DataError as error:
            rules.append((-1, _unclear(f"{id_} ?", f"an entry of {acl.id} cannot be read: {error}")))
            continue
        rules.append((number, _rules(acl.id, f"{id_} {number}", entry)))
    rules.sort(key=lambda one: one[0])
    return Filter(
        id_,
        KIND,
        _end(direction),
        stateful=False,
        ordered=True,
        rules=tuple(rule for _, held in rules for rule in held),
        of=id_.partition(" ")[0],
    )


def _rules(acl: str, id_: str, entry: Wire) -> tuple[Rule, ...]:
    try:
        blocks = [entry[name] for name in ("CidrBlock", "Ipv6CidrBlock") if entry.get(name) is not None]
        if not blocks:
            raise DataError("it names no CIDR")
        matches = matching(cidr_set(blocks), entry_traffic(entry))
        action = text(entry, "RuleAction")
        if action not in {"allow", "deny"}:
            raise DataError(f"neither allow nor deny: {action!r}")
    except DataError as error:
        return _unclear(id_, f"entry {id_} of {acl} cannot be read: {error}")
    return (Rule(id_, matches, allows=action == "allow"),)


def _unclear(id_: str, doubt: str) -> tuple[Rule, ...]:
    """What may allow and may deny, whatever comes."""
    return Rule(id_, ANY_PACKET, allows=True, doubt=doubt), Rule(id_, ANY_PACKET, allows=False, doubt=doubt)
