"""Rules about paths, judged for one network of an estate at a time: the prover's answers as outcomes with evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from checks.expression import Outcome
from checks.model import GLOBAL, Estate, Evidence, Gap, Look, Place, Reason, Resource, digest
from checks.network.body import Body, Kinds
from checks.network.graph import Graph
from checks.network.judging import Judged, PathJudge, apart
from checks.network.packet import Hop
from checks.network.place import NoSuchPlace
from checks.network.read import APART, JOINING, READ
from checks.network.wanted import Unclear
from checks.verdict import Verdict

_MOST_REASONS = 50


@dataclass
class Networks:
    """The networks of one estate. Nothing is lowered before a rule asks."""

    estate: Estate
    _known: dict[str, Judged] = field(default_factory=dict)

    @cached_property
    def _graph(self) -> Graph:
        from checks.network.lowering import lowered

        return lowered(self.estate)

    @cached_property
    def _judge(self) -> PathJudge:
        from checks.network.lowering import Simulators

        return PathJudge(self._graph, Simulators(self.estate).send)

    def judge(self, body: Body, params: Mapping[str, Any], network: Resource) -> tuple[Outcome, Evidence] | None:
        """The outcome for a network; None where it is seen to hold nothing that the body is about."""
        judged = self._judged(body, params, network)
        answer = judged.answer
        looks = tuple(sorted({*network.evidence, *(look.id for look in self._looks(network))} & self.estate.looks_by_id.keys()))
        if answer is None:
            return None
        match answer.verdict:
            case "unreachable":
                if not looks:
                    return Outcome(Verdict.UNPROVEN, "the estate holds no look behind this network"), Evidence()
                given = {"taken_as_given": list(answer.why)} if answer.why else {}
                return Outcome(Verdict.UPHELD), Evidence(looks, {"interfaces": judged.targets, **given})
            case "unknown":
                why = answer.why[0] if answer.why else "the way is not known"
                more = f" (and {len(answer.why) - 1} more reasons)" if len(answer.why) > 1 else ""
                return Outcome(Verdict.UNPROVEN, why + more), Evidence(looks, _reasons(answer.why))
        return Outcome(Verdict.BROKEN, _sentence(judged)), Evidence(looks, _values(judged), affected=judged.affected)

    def apart(self, body: Body, params: Mapping[str, Any], kind: str) -> list[Resource]:
        """What the body is about beside the networks of a type: resources of the same provider that are in none, such as
        database servers with a public endpoint. Each is judged by itself."""
        provider = kind.partition(".")[0]
        if kind not in APART or not any(type_.partition(".")[0] == provider for type_ in self.estate.resources):
            return []
        try:
            named = {(one.type, one.id) for one in apart(self._graph, body.given(params)) if one.type.partition(".")[0] == provider}
        except (Unclear, NoSuchPlace):
            return []  # the networks say so
        return [one for type_ in sorted({type_ for type_, _ in named}) for one in self.estate.of(type_) if (type_, one.id) in named]

    def unlisted(self, body: Body, kind: str, place: Place) -> Iterator[tuple[str, tuple[Gap, ...]]]:
        """The types of which there may be resources in no network, and that nobody listed in a place."""
        for type_ in self.beside(body, kind):
            listing = self.estate.listing(type_, place)
            if isinstance(listing, tuple):
                yield type_, listing

    def beside(self, body: Body, kind: str) -> list[str]:
        """The types that the body is about of which there may be resources in no network."""
        wanted = body.to.type if isinstance(body.to, Kinds) else APART.get(kind, ())
        return [type_ for type_ in APART.get(kind, ()) if type_ in wanted]

    def changing(self, kind: str, network: Resource) -> tuple[Gap, ...]:
        """What of all that the prover reads is changing, where it may matter to a network: in its account and region, and anywhere where
        networks are joined. Which packets get through, while the read may still show what was before, is not known."""
        provider = kind.partition(".")[0]
        found = [gap for gap in self.estate.gaps if gap.reason is Reason.CHANGING and gap.type in READ.get(kind, ())]
        if found and provider == "aws" and not any(self.estate.of(type_) for type_ in JOINING):
            found = [gap for gap in found if gap.account == network.account and gap.region in {network.region, GLOBAL}]
        return tuple(found[:_MOST_REASONS])

    def counterexample(self, body: Body, params: Mapping[str, Any], network: Resource) -> str:
        return digest(self._judged(body, params, network).breaches)

    def _judged(self, body: Body, params: Mapping[str, Any], network: Resource) -> Judged:
        key = digest(body.model_dump(mode="json"), params, network.id)
        if key not in self._known:
            self._known[key] = self._judge.judge(body, params, network.id, unseen=list(self._unseen(body, network)))
        return self._known[key]

    def _unseen(self, body: Body, network: Resource) -> Iterator[str]:
        """Types that the body asks about and nobody listed where the network is: which interfaces serve one is not known."""
        region = GLOBAL if network.type.startswith("azure.") else network.region  # ARM lists a type over all locations
        for type_ in body.to.type if isinstance(body.to, Kinds) else ():
            listing = self.estate.listing(type_, Place(network.account, region))
            if isinstance(listing, tuple):
                yield f"what there is of {type_} was not seen ({listing[0].reason})"

    def _looks(self, network: Resource) -> Iterator[Look]:
        """The looks that show what there is of every type that the prover reads, here and in all regions."""
        provider = network.type.partition(".")[0]
        for type_ in (one for kind, types in READ.items() if kind.partition(".")[0] == provider for one in types):
            for region in (network.region, GLOBAL):
                listing = self.estate.listings.get((type_, Place(network.account, region)))
                if listing is not None:
                    yield listing


def _reasons(why: tuple[str, ...]) -> dict[str, Any]:
    """Why a way is not known: some of the reasons, and how many more there are, as each network of an estate may have them all."""
    more = {"more": len(why) - _MOST_REASONS} if len(why) > _MOST_REASONS else {}
    return {"why": list(why[:_MOST_REASONS]), **more}


def _sentence(judged: Judged) -> str:
    """The packet, the way it takes, and what to change."""
    assert judged.answer is not None
    assert judged.answer.witness is not None
    seen = judged.answer.witness
    way = " > ".join(_told(hop) for hop in seen.hops)
    one_way = ", though no reply comes back" if judged.answer.one_way else ""
    others = len(judged.affected) - 1
    more = f"; {others} more interface{'s' if others > 1 else ''} can be reached so" if others > 0 else ""
    change = f"; {judged.change}" if judged.change else ""
    return f"{seen.sent} gets through{one_way}: {way}{more}{change}"


def _told(hop: Hop) -> str:
    return f"{hop.id} ({', '.join(hop.allowed_by)})" if hop.allowed_by else hop.id


def _values(judged: Judged) -> dict[str, Any]:
    assert judged.answer is not None
    assert judged.answer.witness is not None
    seen = judged.answer.witness
    return {
        "packet": str(seen.sent),
        "arrives": str(seen.arrives),
        "one_way": judged.answer.one_way,
        "hops": [{"id": hop.id, "kind": hop.kind, "allowed_by": list(hop.allowed_by)} for hop in seen.hops],
        "change": str(judged.change) if judged.change else None,
        "enough": judged.change.enough if judged.change else None,
    }
