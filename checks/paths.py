"""Paths into wire JSON: `Reservations[].Instances[].State.Name`, `[]` standing for each element of a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

ELEMENT = "[]"
Path = tuple[str, ...]
Tree = dict[str, "Tree"]
"""What is kept of a value: its members by name, `{}` for all that is below."""


def parse(text: str) -> Path:
    """`A[].B` as `("A", "[]", "B")`; `A[0]` as `("A", "0")`; the empty text is the value itself."""
    steps: list[str] = []
    for part in filter(None, text.split(".")):
        name, *rest = part.split("[")
        steps += [name] if name else []
        steps += [ELEMENT if (index := piece.rstrip("]")) == "" else index for piece in rest]
    return tuple(steps)


def render(path: Iterable[str]) -> str:
    return ".".join(path).replace("." + ELEMENT, ELEMENT)


def covers(outer: Path, inner: Path) -> bool:
    """Whether `inner` is `outer` or lies below it."""
    return inner[: len(outer)] == outer


def related(one: Path, other: Path) -> bool:
    """Whether one of the two contains the other."""
    return covers(one, other) or covers(other, one)


def values(data: Any, path: Path) -> Iterator[Any]:
    """Every value at the path; a member that is absent gives none."""
    if not path:
        yield data
        return
    step, rest = path[0], path[1:]
    if step == ELEMENT:
        for item in data if isinstance(data, list) else ():
            yield from values(item, rest)
    elif isinstance(data, list) and step.isdigit():
        if int(step) < len(data):
            yield from values(data[int(step)], rest)
    elif isinstance(data, Mapping) and step in data:
        yield from values(data[step], rest)


def first(data: Any, path: Path) -> Any:
    """The value at the path, None where there is none."""
    return next(values(data, path), None)


def tree(keep: Iterable[Path]) -> Tree:
    root: Tree = {}
    whole: set[int] = set()
    for path in sorted(keep, key=len):
        node = root
        for step in path:
            if id(node) in whole:
                break
            node = node.setdefault(step, {})
        else:
            node.clear()
            whole.add(id(node))
    return root


def project(data: Any, keep: Tree) -> Any:
    """`data` with only the members that `keep` names."""
    if not keep:
        return data
    if isinstance(data, list):
        below = keep.get(ELEMENT, keep)
        return [project(item, below) for item in data]
    if isinstance(data, Mapping):
        return {name: project(data[name], below) for name, below in keep.items() if name in data}
    return data


def without(data: Any, path: Path) -> Any:
    """`data` with nothing at the path."""
    step, rest = path[0], path[1:]
    if step == ELEMENT and isinstance(data, list):
        return [without(item, rest) for item in data] if rest else []
    if not isinstance(data, Mapping) or step not in data:
        return data
    return {name: without(value, rest) if name == step else value for name, value in data.items() if rest or name != step}


def put_null(data: Any, path: Path) -> None:
    """Write null at the path wherever its parent is there and it is not."""
    *parents, last = path
    for parent in values(data, tuple(parents)):
        if isinstance(parent, dict):
            parent.setdefault(last, None)
