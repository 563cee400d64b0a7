"""What a set of rules needs to have been collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from checks.catalogue import Catalogue
from checks.rule import Rule

Plan = Mapping[str, frozenset[str]]
"""Resource type -> the members of its data that are needed; `*` for all, TAGS for its tags."""

TAGS = "(tags)"
REGIONS = "aws.ec2.region"
ACCOUNTS = "aws.organizations.account"
KINDS = "aws.config.discovered_count"
RECORDER = "aws.config.recorder"
UNIVERSE = (REGIONS, ACCOUNTS, KINDS, RECORDER)
"""The types that show what exists: regions, accounts, kinds of resource."""


def plan(rules: Iterable[Rule], *, provider: str = "aws", tags: bool = False, universe: bool = True) -> Plan:
    """The provider's types and members that the rules refer to; with `tags` their tags, with `universe` what exists."""
    needed: dict[str, set[str]] = {}
    for rule in rules:
        for kind, members in rule.needs().items():
            if kind.partition(".")[0] == provider:
                needed.setdefault(kind, set()).update(members)
    if tags:
        for members in needed.values():
            members.add(TAGS)
    needed.setdefault(REGIONS, set())
    if universe:
        for kind in UNIVERSE:
            needed.setdefault(kind, set()).add("*")
    return {kind: frozenset(members) for kind, members in sorted(needed.items())}


def whole(plan: Plan, catalogue: Catalogue) -> Plan:
    """The plan with the types that others in it are listed per: VPCs, where what is associated with each is asked for."""
    parents = {parent: frozenset[str]() for kind in plan for parent in catalogue[kind].parents}
    return dict(sorted({**parents, **plan}.items()))
