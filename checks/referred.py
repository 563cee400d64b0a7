"""What a rule refers to, in the data of a resource: what was read there, what is lost, what has another form than it must."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from checks import paths
from checks.model import Gap, Place, Reason, Resource
from checks.rule import Rule
from checks.terms import Reference


def refers(references: Iterable[Reference], root: str | None, path: paths.Path) -> bool:
    return any(reference.root == root and paths.related(reference.path, path) for reference in references)


def misfits(rule: Rule, root: str | None, data: Any) -> Iterator[paths.Path]:
    """The members referred to that hold something of another kind."""
    for path, shape in rule.expected.get(root, {}).items():
        if not all(map(shape.fits, paths.values(data, path))):
            yield path


def read(references: Iterable[Reference], root: str | None, data: Any) -> list[Any]:
    """What stands at each member referred to."""
    paths_read = sorted({reference.path for reference in references if reference.root == root})
    return [[paths.render(path), list(paths.values(data, path))] for path in paths_read]


def stale(type_: str, place: Place, id_: str | None) -> Gap:
    return Gap(type_, place.account, place.region, id_, None, Reason.STALE, "", message="older than the maximum age")


def malformed(resource: Resource, path: paths.Path) -> Gap:
    return Gap(
        resource.type, resource.account, resource.region, resource.id, paths.render(path), Reason.MALFORMED, "",
        message="a value that cannot be judged, or that could not be read",
    )  # fmt: skip


def shown(data: Any, path: str) -> Any:
    steps = paths.parse(path)
    found = list(paths.values(data, steps))
    return found if paths.ELEMENT in steps else found[0]
