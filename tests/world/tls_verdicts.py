"""What the shipped rules say of endpoints that were inspected."""

from __future__ import annotations

from collections.abc import Iterable

from agent.collect.tls.inspecting import Seen
from checks.judge import bind, judge
from checks.model import GLOBAL, Estate, Manifest, Place, Scope
from checks.tls.endpoint import ACCOUNT, TYPE
from tests.agent.road import shipped
from tests.checks.small import NOW, make_look


def verdicts(seen: Iterable[Seen]) -> dict[tuple[str, str], str]:
    """(rule, endpoint) -> verdict, for every rule on endpoints that applies."""
    held = list(seen)
    book = shipped()
    manifest = Manifest("upheld.estate/1", NOW, NOW, "test", {}, None, Scope({ACCOUNT: (GLOBAL,)}, (TYPE,)), source=ACCOUNT)
    looks = [make_look(TYPE, Place(ACCOUNT, GLOBAL)), *(look for one in held for look in one.looks)]
    resources = tuple(one.resource for one in held if one.resource is not None)
    estate = Estate(manifest, {TYPE: resources}, tuple(looks), tuple(gap for one in held for gap in one.gaps))
    rules = [rule for rule in book.rules.values() if rule.kind == TYPE]
    return {
        (finding.rule, finding.resource.id): str(finding.verdict)
        for finding in judge(estate, book.catalogue, bind(rules, [], every=True), {})
    }
