"""`upheld paths`: asks the network prover directly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.collect.estate import read_estate
from agent.config import ConfigurationError
from agent.exits import BROKEN, UNPROVEN, UPHELD
from agent.publish import path_pictures
from agent.publish.printable import printable
from checks.model import Estate
from checks.network.answer import Answer, ask
from checks.network.exposure import Exposed, Exposure
from checks.network.graph import Graph
from checks.network.lowering import Simulators, lowered
from checks.network.packet import PROTOCOL_NAMES, Hop, Packet, address
from checks.network.packets import PORTS, PROTOCOLS, Span
from checks.network.pivot import Pivots, pivots
from checks.network.place import NoSuchPlace, Places, named
from checks.network.wanted import Unclear, wanted
from checks.network.witness import Witness


def run(
    estate: Path,
    source: str | None,
    target: str | None,
    *,
    protocol: str,
    ports: str,
    source_ports: str,
    format_: str,
    expect: str | None,
    exposed_only: bool,
    pivot: bool = False,
) -> int:
    """Answer one question, or list what is open to the internet. Raises ConfigurationError."""
    held = read_estate(estate)
    if format_ in {"dot", "svg"} and (exposed_only or pivot):
        raise ConfigurationError(f"--{format_} draws one path: leave {'--exposed' if exposed_only else '--pivot'} out")
    if exposed_only and (source is not None or target is not None or pivot or expect is not None):
        raise ConfigurationError("--exposed asks for everything: leave --from, --to, --pivot and --expect out")
    if exposed_only:
        return _exposed(held, as_json=format_ == "json")
    if source is None or target is None:
        raise ConfigurationError("say --from and --to, or --exposed for everything that the internet reaches")
    graph = lowered(held)
    try:
        about = wanted(protocol, ports, source_ports)
        sources, targets = _held(graph, source), _held(graph, target)
    except (NoSuchPlace, Unclear) as error:
        raise ConfigurationError(str(error)) from error
    if pivot:
        found = pivots(graph, sources, targets, about, Simulators(held).send)
        print(_pivot_json(found, source, target) if format_ == "json" else _pivot_text(found, source, target))
        return _code(found.verdict, expect)
    answer = ask(graph, sources, targets, about, Simulators(held).send)
    printers = {"json": _json, "dot": path_pictures.dot, "svg": path_pictures.svg, "text": _text}
    print(printers[format_](answer, source, target))
    return _code(answer.verdict, expect)


def _held(graph: Graph, name: str) -> Places:
    """What a name stands for. Of nothing nothing is asked: a mistyped tag would be unreachable from everywhere."""
    places = named(graph, name)
    if not places.held and not places.doubts:
        raise NoSuchPlace(
            f"no interface of the estate is in {name}" if not name.startswith("tag:") else f"nothing in the estate has {name}"
        )
    return places


def _code(verdict: str, expect: str | None) -> int:
    if expect is None or verdict == expect:
        return UPHELD
    return UNPROVEN if verdict == "unknown" else BROKEN


def _pivot_json(found: Pivots, source: str, target: str) -> str:
    told = {"verdict": found.verdict, "legs": [record(leg) for leg in found.legs], "why": list(found.why)}
    return json.dumps({"from": source, "to": target, **told}, indent=2)


def _pivot_text(found: Pivots, source: str, target: str) -> str:
    steps = f" in {len(found.legs)} steps" if len(found.legs) > 1 else ""
    lines = [f"{found.verdict}: {source} -> {target}{steps}"]
    for leg in found.legs:
        assert leg.witness is not None or leg.why
        lines += [f"  {leg.witness.sent if leg.witness else leg.why[0]}", *(f"    {line}" for line in hop_lines(leg.hops))]
    lines += [f"  {short(reason)}" for reason in found.why]
    return "\n".join(map(printable, lines))


def _json(answer: Answer, source: str, target: str) -> str:
    return json.dumps({"from": source, "to": target, **record(answer)}, indent=2)


def record(answer: Answer) -> dict[str, Any]:
    """An answer as JSON."""
    return {
        "verdict": answer.verdict,
        "one_way": answer.one_way,
        "witness": packet_record(answer.witness.sent) if answer.witness else None,
        "arrives": packet_record(answer.witness.arrives) if answer.witness else None,
        "hops": [{"id": hop.id, "kind": hop.kind, "allowed_by": list(hop.allowed_by)} for hop in answer.hops],
        "why": list(answer.why),
    }


def packet_record(packet: Packet) -> dict[str, Any]:
    return {
        "source": address(packet.family, packet.source),
        "destination": address(packet.family, packet.destination),
        "protocol": PROTOCOL_NAMES.get(packet.protocol, str(packet.protocol)),
        "source_port": packet.source_port,
        "destination_port": packet.destination_port,
    }


def _text(answer: Answer, source: str, target: str) -> str:
    return "\n".join(printable(line) for line in _lines(answer, source, target))


def _lines(answer: Answer, source: str, target: str) -> Iterator[str]:
    one_way = ", one way: the reply does not come back" if answer.one_way else ""
    yield f"{answer.verdict}: {source} -> {target}{one_way}"
    if answer.witness:
        yield f"  {answer.witness.sent}"
        yield from (f"    {line}" for line in hop_lines(answer.hops))
        if _changed(answer.witness):
            yield f"  arrives as {answer.witness.arrives}"
    for reason in answer.why:
        yield f"  {'taken as given: ' if answer.verdict == 'unreachable' else ''}{short(reason)}"


def _changed(witness: Witness) -> bool:
    return (witness.sent.destination, witness.sent.destination_port) != (witness.arrives.destination, witness.arrives.destination_port)


def hop_lines(hops: tuple[Hop, ...]) -> Iterator[str]:
    """One line a hop, its id and kind, and what lets the packet on."""
    width = min(max((len(short(hop.id)) for hop in hops), default=0), 40)
    for hop in hops:
        by = "  " + ", ".join(map(short, hop.allowed_by)) if hop.allowed_by else ""
        yield f"{short(hop.id):<{width}}  {hop.kind}{by}".rstrip()


_PREFIXES = re.compile(
    r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:(loadbalancer/)?|/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.[a-z]+/",
    re.IGNORECASE,
)


def short(id_: str) -> str:
    """An id without what all ids of its account have in common."""
    return _PREFIXES.sub("", id_)


def _exposed(held: Estate, *, as_json: bool) -> int:
    graph = lowered(held)
    found = list(Exposed(graph))
    if as_json:
        print(json.dumps({"exposed": [record for one in found for record in _exposure_records(one)], "why": list(graph.doubts)}, indent=2))
        return UPHELD
    for one in found:
        print(printable(_exposure_line(one)))
    if not found:
        print("nothing is open to the internet" if not graph.doubts else "nothing is known to be open to the internet")
    for doubt in graph.doubts:
        print(printable(f"not seen: {doubt}"))
    return UPHELD


def _exposure_records(one: Exposure) -> Iterator[dict[str, Any]]:
    for interface in one.interfaces:
        yield {
            "interface": interface,
            "protocol": protocols(one.protocols),
            "ports": span(one.ports, PORTS),
            "sources": sources(one),
            "one_way": one.one_way,
            "certain": one.certain,
            "through": one.through,
            "why": list(one.doubts),
        }


def _exposure_line(one: Exposure) -> str:
    ports = span(one.ports, PORTS)
    names = ", ".join(map(short, one.interfaces[:3])) + (f" and {len(one.interfaces) - 3} more" if len(one.interfaces) > 3 else "")
    where = f"{names}  {protocols(one.protocols)}/{ports}  from {', '.join(sources(one)[:4])}"
    more = len(sources(one)) - 4
    notes = [f"and {more} more ranges"] if more > 0 else []
    notes += [f"through {short(one.through)}"] if one.through else []
    notes += ["one way"] if one.one_way else []
    notes += ["not certain: " + "; ".join(one.doubts)] if not one.certain else []
    return where + ("  (" + ", ".join(notes) + ")" if notes else "")


def protocols(held: Span) -> str:
    if held == (0, PROTOCOLS):
        return "any"
    return PROTOCOL_NAMES.get(held[0], str(held[0])) if held[0] == held[1] else f"{held[0]}-{held[1]}"


def span(held: Span, highest: int) -> str:
    return "any" if held == (0, highest) else str(held[0]) if held[0] == held[1] else f"{held[0]}-{held[1]}"


def sources(one: Exposure) -> list[str]:
    """The source addresses as CIDR blocks; all that are public as `internet`."""
    from ipaddress import IPv4Address, IPv6Address, summarize_address_range

    from checks.network.internet import SENDERS

    if one.sources is SENDERS[one.family]:
        return ["internet"]
    kind = IPv4Address if one.family == 4 else IPv6Address
    blocks = [block for low, high in one.sources.spans for block in summarize_address_range(kind(low), kind(high))]
    return [str(block) for block in blocks]
