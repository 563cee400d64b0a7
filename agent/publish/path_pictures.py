"""The way of a packet as a picture: Graphviz DOT, or SVG that any browser shows."""

from __future__ import annotations

from html import escape

from agent.publish.printable import printable
from checks.network.answer import Answer
from checks.network.packet import Hop

_WIDTH, _HEIGHT, _GAP = 640, 46, 22


def dot(answer: Answer, source: str, target: str) -> str:
    """A Graphviz digraph: a node for each hop, an edge to the next, labelled by the rules that let the packet on."""
    lines = [
        "digraph path {",
        "  rankdir=TB;",
        '  node [shape=box, fontname="sans-serif"];',
        f"  label={_quoted(_title(answer, source, target))};",
    ]
    for number, hop in enumerate(answer.hops):
        lines.append(f"  n{number} [label={_quoted(f'{hop.id} ({hop.kind})')}];")
        if number:
            lines.append(f"  n{number - 1} -> n{number} [label={_quoted(', '.join(hop.allowed_by))}];")
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _title(answer: Answer, source: str, target: str) -> str:
    sent = f"\n{answer.witness.sent}" if answer.witness else ""
    return f"{answer.verdict}: {source} to {target}{', one way' if answer.one_way else ''}{sent}".replace("\n", ": " if sent else "")


def svg(answer: Answer, source: str, target: str) -> str:
    """A column of boxes, top to bottom, each with the rules that let the packet on."""
    height = 60 + max(len(answer.hops), 1) * (_HEIGHT + _GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13">',
        f'<text x="20" y="28" font-weight="bold">{_safe(_title(answer, source, target))}</text>',
    ]
    for number, hop in enumerate(answer.hops):
        parts += _box(hop, 50 + number * (_HEIGHT + _GAP), last=number == len(answer.hops) - 1)
    if not answer.hops:
        parts.append(f'<text x="20" y="70">{_safe("; ".join(answer.why) or "no path")}</text>')
    return "\n".join([*parts, "</svg>"])


def _box(hop: Hop, top: int, *, last: bool) -> list[str]:
    rules = ", ".join(hop.allowed_by)
    found = [
        f'<rect x="20" y="{top}" width="{_WIDTH - 40}" height="{_HEIGHT}" rx="6" fill="#f5f7fa" stroke="#51606f"/>',
        f'<text x="32" y="{top + 19}">{_safe(hop.id)} <tspan fill="#51606f">{_safe(hop.kind)}</tspan></text>',
        f'<text x="32" y="{top + 37}" fill="#8a3324">{_safe(rules[:90])}</text>',
    ]
    if not last:
        middle, foot = _WIDTH // 2, top + _HEIGHT
        found.append(f'<path d="M{middle} {foot} v{_GAP - 6} l-5 -6 m5 6 l5 -6" fill="none" stroke="#51606f"/>')
    return found


def _safe(text: str) -> str:
    return escape(printable(text))
