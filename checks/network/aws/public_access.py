"""VPC Block Public Access: what a region lets through its internet gateways.

VPC user guide, Block public access to VPCs and subnets: `block-bidirectional` stops all traffic of internet gateways
and egress-only internet gateways; `block-ingress` leaves only that of NAT gateways and egress-only internet gateways.
Exclusions exempt a VPC or a subnet: `allow-bidirectional`, or `allow-egress`, which only has an effect against
`block-bidirectional`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from checks.model import Place, Resource
from checks.network.aws.reading import text
from checks.network.aws.subnets import Subnet
from checks.network.aws.view import View

OPTIONS, EXCLUSION = "aws.ec2.vpc_block_public_access_options", "aws.ec2.vpc_block_public_access_exclusion"
_IN_EFFECT = frozenset({"create-complete", "update-complete"})
_OVER = frozenset({"create-failed", "delete-complete", "disable-complete"})


@dataclass(frozen=True, slots=True)
class Passage:
    """What may pass an internet gateway: connections from the internet, connections to it. With a `doubt`, perhaps not."""

    inward: bool
    outward: bool
    doubt: str = ""


OPEN, OUTWARD, SHUT = Passage(inward=True, outward=True), Passage(inward=False, outward=True), Passage(inward=False, outward=False)


@dataclass
class PublicAccess:
    """The options of every account and region, and their exclusions."""

    view: View

    def of(self, subnet: Subnet, *, outbound_only: bool) -> Passage:
        """What passes for a subnet. `outbound_only`: by a gateway that lets nothing in by itself (NAT, egress-only)."""
        place = Place(subnet.owner, subnet.place.region)
        options = self._options.get(place)
        if options is None:
            why = self.view.unlisted(OPTIONS, place) or self.view.unlisted(OPTIONS, subnet.place)
            return (
                Passage(inward=True, outward=True, doubt=f"whether VPC Block Public Access closes it is not known: {why}") if why else OPEN
            )
        mode = text(options.data, "InternetGatewayBlockMode")
        changing = text(options.data, "State") == "update-in-progress"
        if mode == "off" and not changing:
            return OPEN
        if mode not in {"off", "block-bidirectional", "block-ingress"} or changing:
            why = self.view.gap(options, "InternetGatewayBlockMode") or f"its mode is {mode or 'not known'}" + (
                ", and changing" if changing else ""
            )
            return Passage(inward=True, outward=True, doubt=f"whether VPC Block Public Access closes it is not known: {why}")
        excluded = self._excluded(subnet, place, ingress_only=mode == "block-ingress")
        if excluded is not None:
            return excluded
        if mode == "block-ingress" and outbound_only:
            return OUTWARD
        return SHUT

    def _excluded(self, subnet: Subnet, place: Place, *, ingress_only: bool) -> Passage | None:
        """What the exclusions of a subnet and its VPC let through; None where there are none."""
        found: list[Passage] = []
        unclear = [one for one in self._exclusions.get("", []) if one.place == place]
        for resource in self._exclusions.get(subnet.id, []) + self._exclusions.get(subnet.vpc, []) + unclear:
            state, mode = text(resource.data, "State"), text(resource.data, "InternetGatewayExclusionMode")
            if state in _OVER or (mode == "allow-egress" and ingress_only):
                continue
            doubt = (
                "" if state in _IN_EFFECT else f"whether the exclusion {resource.id} is in effect is not known: it is {state or 'not seen'}"
            )
            if mode not in {"allow-egress", "allow-bidirectional"}:
                doubt = f"what the exclusion {resource.id} allows is not known"
            if resource in unclear:
                doubt = f"what the exclusion {resource.id} is for was not seen"
            found.append(Passage(inward=mode != "allow-egress", outward=True, doubt=doubt))
        if found:
            best = [one for one in found if not one.doubt] or found
            inward = [one for one in found if one.inward]
            doubt = "" if any(not one.doubt for one in (inward or best)) else (inward or best)[0].doubt
            return Passage(inward=bool(inward), outward=True, doubt=doubt)
        if why := self.view.unlisted(EXCLUSION, place):
            return Passage(inward=True, outward=True, doubt=f"whether VPC Block Public Access excludes {subnet.id} is not known: {why}")
        return None

    @cached_property
    def _options(self) -> dict[Place, Resource]:
        return {one.place: one for one in self.view.estate.of(OPTIONS)}

    @cached_property
    def _exclusions(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.view.all(EXCLUSION):
            found.setdefault(text(resource.data, "ResourceArn").rpartition("/")[2], []).append(resource)
        return found
