"""What a catalogue file may say about listings that are none of their own."""

from __future__ import annotations

import pytest

from checks import catalogue
from checks.catalogue import Catalogue
from checks.document import DocumentError, parse
from checks.plan import whole

PARENT = """  aws.a.parent: {title: Parent, list: {call: ListParents, items: Parents}, id: Id, keep: [Id]}"""
CHILD = """  aws.a.child: {title: Child, list: {call: ListChildren, items: %s, per: [{type: %s, params: {ParentId: "{Id}"}}]}, id: Id, keep: [Id]%s}"""


def read(*types: str) -> Catalogue:
    text = "\n".join(["schema: upheld.catalogue/1", "service: a", "types:", *types])
    return catalogue.read([parse(text, "a.yaml")])


def test_a_plan_takes_in_what_its_types_are_listed_per() -> None:
    kinds = read(PARENT, CHILD % ("Children", "aws.a.parent", ""))
    assert whole({"aws.a.child": frozenset({"*"})}, kinds) == {"aws.a.child": frozenset({"*"}), "aws.a.parent": frozenset()}
    asked = {"aws.a.child": frozenset({"*"}), "aws.a.parent": frozenset({"Id"})}
    assert whole(asked, kinds) == asked


@pytest.mark.parametrize(
    "types",
    [
        (CHILD % ("Children", "aws.a.parent", ""),),
        (PARENT.replace("title: Parent,", "title: Parent, scope: global,"), CHILD % ("Children", "aws.a.parent", "")),
        ("  aws.a.parent: {title: Parent, list: none}", CHILD % ("Children", "aws.a.parent", "")),
        (CHILD % ("Children", "aws.a.child", ""),),
    ],
)
def test_a_type_is_listed_per_another_one_that_is_listed_in_the_same_places(types: tuple[str, ...]) -> None:
    with pytest.raises(DocumentError, match=r"aws\.a\.child cannot be listed per aws\.a\."):
        read(*types)


def test_parts_stand_in_one_list() -> None:
    with pytest.raises(DocumentError, match="whose items stand in one list"):
        read(PARENT, CHILD % ('"Groups[].Children"', "aws.a.parent", ""))
