"""What a set of rules needs to have been collected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from checks.catalogue import Catalogue
from checks.network.read import TAGGED as TAGGED_FOR_PATHS
from checks.rule import Rule

Plan = Mapping[str, frozenset[str]]
"""Resource type -> the members of its data that are needed; `*` for all, TAGS for its tags."""

Named = Mapping[tuple[str, str], frozenset[tuple[str, str]]]
"""(Type, member) that rules read only of what they look up -> the (type, member)s in which its names stand."""

TAGS = "(tags)"
REGIONS = "aws.ec2.region"
ACCOUNTS = "aws.organizations.account"
KINDS = "aws.config.discovered_count"
RECORDER = "aws.config.recorder"
TAGGED = "aws.tagging.resource"
AZURE_SUBSCRIPTIONS = "azure.tenant.subscription"
AZURE_KINDS = "azure.resourcegraph.count"
UNIVERSE = {"aws": (REGIONS, ACCOUNTS, KINDS, RECORDER, TAGGED), "azure": (AZURE_SUBSCRIPTIONS, AZURE_KINDS)}
"""Provider -> the types that show what exists: regions, accounts, kinds of resource."""


def plan(rules: Iterable[Rule], *, providers: Collection[str] = ("aws",), tags: bool = False, universe: bool = True) -> Plan:
    """The providers' types and members that the rules refer to; with `tags` their tags, with `universe` what exists."""
    needed: dict[str, set[str]] = {}
    judged: set[str] = set()
    for rule in rules:
        judged.add(rule.kind)
        if rule.file.paths is not None:
            judged |= TAGGED_FOR_PATHS
        for kind, members in rule.needs().items():
            if kind.partition(".")[0] in providers:
                needed.setdefault(kind, set()).update(members)
    if tags:
        for kind in judged & needed.keys():
            needed[kind].add(TAGS)
    if "aws" in providers:
        needed.setdefault(REGIONS, set())
    for provider in providers if universe else ():
        for kind in UNIVERSE[provider]:
            needed.setdefault(kind, set()).add("*")
    return {kind: frozenset(members) for kind, members in sorted(needed.items())}


def named(rules: Iterable[Rule], plan: Plan, catalogue: Catalogue) -> Named:
    """The details that need not be asked about every resource of their type, going by all rules that the plan serves.

    A rule finds what it looks up by a text of what it judges, or of what it has looked up before. A helper may make a
    name out of other text: then the resource is not asked about, its member is absent, and absent is unproven.
    """
    everywhere: set[tuple[str, str]] = set()
    looked_up: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for rule in rules:
        needs = [(kind, member) for kind, members in rule.needs().items() for member in members]
        if not all(kind in plan and (member in plan[kind] or "*" in plan[kind]) for kind, member in needs):
            continue
        lists = rule.file.paths is not None or "every(" in f"{rule.file.applies_if} {rule.file.upheld_if} {rule.file.literal_if}"
        for kind, member in needs:
            if lists or kind == rule.kind:
                everywhere.add((kind, member))
            else:
                looked_up.setdefault((kind, member), set()).update(one for one in needs if one != (kind, member))
    some = {
        (kind, member): sources
        for (kind, member), sources in looked_up.items()
        if kind in catalogue
        and (kind, member) not in everywhere
        and "*" not in plan[kind]
        and any(detail.into == member and not detail.each for detail in catalogue[kind].detail)
        and not any(detail.each == member for detail in catalogue[kind].detail)
    }
    return {asked: frozenset(sources) for asked, sources in some.items() if not sources & some.keys()}


def whole(plan: Plan, catalogue: Catalogue) -> Plan:
    """The plan with the types that others in it are listed per: VPCs, where what is associated with each is asked for."""
    held = dict(plan)
    while parents := {parent: frozenset[str]() for kind in held for parent in catalogue[kind].parents if parent not in held}:
        held |= parents
    return dict(sorted(held.items()))
