"""The checked tree of an expression: nodes, their places, and comprehensions folded back into the macros as written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks import syntax
from checks.expression import _runtime
from checks.syntax import Call, Const, Ident, Macro, Node, Select, Sequence, UnsupportedSyntax

RESOURCE = Ident("resource")
ZONES = Select(RESOURCE, "Zones")


def tree(text: str) -> Node:
    return syntax.read(_runtime().environment.compile(text).serialize())


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("true", Const(True)), ("null", Const(None)), ("5", Const(5)), ("-5", Const(-5)), ("5u", Const(5)), ("1.5", Const(1.5)),
        ("'a\\u00e9'", Const("a\u00e9")), ("b'a'", Const(b"a")), ("9223372036854775807", Const(2**63 - 1)),
        ("resource", RESOURCE), ("resource.Zones", ZONES), ("has(resource.Zones)", Select(RESOURCE, "Zones", test=True)),
        ("resource['Zones']", Call("_[_]", (RESOURCE, Const("Zones")))), ("resource.Zones[0]", Call("_[_]", (ZONES, Const(0)))),
        ("[1, 'a']", Sequence((Const(1), Const("a")))), ("[]", Sequence(())),
        ("!true", Call("!_", (Const(True),))), ("-resource.Size", Call("-_", (Select(RESOURCE, "Size"),))),
        ("true ? 1 : 2", Call("_?_:_", (Const(True), Const(1), Const(2)))),
        ("size(resource.Zones)", Call("size", (ZONES,))), ("resource.Zones.size()", Call("size", (ZONES,))),
        ("resource.State.startsWith('a')", Call("startsWith", (Select(RESOURCE, "State"), Const("a")))),
        ("'a' in resource.Zones", Call("@in", (Const("a"), ZONES))),
        ("lookup('t', 'i')", Call("lookup", (Const("t"), Const("i")))),
    ],
)  # fmt: skip
def test_what_is_written_is_what_is_read(text: str, node: Node) -> None:
    assert tree(text) == node


@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"])
def test_operators_are_calls(operator: str) -> None:
    assert tree(f"resource.Size {operator} 2") == Call(f"_{operator}_", (Select(RESOURCE, "Size"), Const(2)))


def test_constants_keep_their_type() -> None:
    values = [node.value for node in map(tree, ("1", "1.0", "true", "'1'", "b'1'")) if isinstance(node, Const)]
    assert [type(value) for value in values] == [int, float, bool, str, bytes]


def test_a_conjunction_holds_all_its_parts_however_the_parser_groups_them() -> None:
    found = tree("resource.A && resource.B && resource.C && resource.D")
    selected = [node.member for node in found.walk() if isinstance(node, Select)]
    assert selected == ["A", "B", "C", "D"]
    assert {node.function for node in found.walk() if isinstance(node, Call)} == {"_&&_"}


Z = Ident("z")
PUBLIC = Select(Z, "Public")


@pytest.mark.parametrize(
    ("text", "macro"),
    [
        ("resource.Zones.all(z, z.Public)", Macro("all", ZONES, "z", PUBLIC)),
        ("resource.Zones.exists(z, z.Public)", Macro("exists", ZONES, "z", PUBLIC)),
        ("resource.Zones.exists_one(z, z.Public)", Macro("exists_one", ZONES, "z", PUBLIC)),
        ("resource.Zones.filter(z, z.Public)", Macro("filter", ZONES, "z", PUBLIC)),
        ("resource.Zones.map(z, z.Public)", Macro("map", ZONES, "z", PUBLIC)),
        ("resource.Zones.map(z, z.Public, z.Name)", Macro("map", ZONES, "z", Select(Z, "Name"), PUBLIC)),
        ("resource.Zones.map(z, z.Public, z)", Macro("filter", ZONES, "z", PUBLIC)),
        ("resource.Zones.map(z, z)", Macro("map", ZONES, "z", Z)),
        ("resource.Zones.map(z, [z])", Macro("map", ZONES, "z", Sequence((Z,)))),
        ("resource.Zones.map(z, true)", Macro("map", ZONES, "z", Const(True))),
        ("[1].exists(z, false)", Macro("exists", Sequence((Const(1),)), "z", Const(False))),
        ("resource.Zones.all(z, true && z.Public)", Macro("all", ZONES, "z", Call("_&&_", (Const(True), PUBLIC)))),
        ("resource.Zones.exists(z, z.Public ? true : false)", Macro("exists", ZONES, "z", Call("_?_:_", (PUBLIC, Const(True), Const(False))))),
        (
            "resource.Zones.all(z, z.Inner.exists(y, y == z))",
            Macro("all", ZONES, "z", Macro("exists", Select(Z, "Inner"), "y", Call("_==_", (Ident("y"), Z)))),
        ),
        ("resource.Zones.filter(z, z.Public).map(z, z.Name)", Macro("map", Macro("filter", ZONES, "z", PUBLIC), "z", Select(Z, "Name"))),
    ],
)  # fmt: skip
def test_a_comprehension_is_the_macro_that_was_written(text: str, macro: Macro) -> None:
    assert tree(text) == macro


bodies = st.recursive(
    st.sampled_from([PUBLIC, Const(True), Const(False), Call("_==_", (Z, Const("a"))), Select(RESOURCE, "Encrypted")]),
    lambda inner: st.one_of(
        st.builds(lambda left, right: Call("_||_", (left, right)), inner, inner),
        st.builds(lambda one: Call("!_", (one,)), inner),
        st.builds(lambda one: Macro("exists", Select(RESOURCE, "Other"), "y", one), inner),
        st.builds(lambda one: Macro("all", Macro("filter", Select(Z, "Inner"), "w", Ident("w")), "w", one), inner),
        st.builds(lambda one, yes, no: Call("_?_:_", (one, yes, no)), inner, inner, inner),
    ),
    max_leaves=5,
)


def written(node: Node) -> str:
    match node:
        case Const(value=bool(value)):
            return str(value).lower()
        case Const(value=value):
            return repr(value)
        case Ident(name=name):
            return name
        case Select(operand=operand, member=member):
            return f"{written(operand)}.{member}"
        case Call(function="!_", arguments=(one,)):
            return f"!({written(one)})"
        case Call(function="_?_:_", arguments=(one, yes, no)):
            return f"(({written(one)}) ? ({written(yes)}) : ({written(no)}))"
        case Call(function=function, arguments=(left, right)):
            return f"(({written(left)}) {function.strip('_')} ({written(right)}))"
        case Macro(name=name, items=items, variable=variable, body=body):
            return f"{written(items)}.{name}({variable}, {written(body)})"
    raise AssertionError(node)


@settings(max_examples=60)
@given(bodies, st.sampled_from(["all", "exists", "exists_one", "map", "filter"]))
def test_whatever_the_body_the_macro_comes_back(body: Node, name: str) -> None:
    macro = Macro(name, ZONES, "z", body)
    assert tree(written(macro)) == macro


@pytest.mark.parametrize(
    "text", ["{'a': 1}", "[{'a': 1}]", "{}", "google.protobuf.Int64Value{value: 1}", "resource.Zones.all(z, {'a': z} == {})"]
)
def test_maps_and_messages_are_no_part_of_the_language(text: str) -> None:
    with pytest.raises(UnsupportedSyntax, match="map and message literals"):
        tree(text)


def test_a_node_knows_its_place_in_code_points() -> None:
    text = "'\U0001f600' == resource.Engine\n  && resource.Encrypted"
    places = {node.member: text[node.offset :] for node in tree(text).walk() if isinstance(node, Select)}
    assert places == {"Engine": ".Engine\n  && resource.Encrypted", "Encrypted": ".Encrypted"}


def test_the_place_makes_no_difference_to_what_a_node_is() -> None:
    assert tree("   resource.Zones") == tree("resource.Zones")
    assert hash(tree("   resource.Zones")) == hash(tree("resource.Zones"))


def test_walking_meets_parents_before_children_and_conditions_too() -> None:
    names = [type(node).__name__ for node in tree("resource.Zones.map(z, z.Public, z.Name)").walk()]
    assert names == ["Macro", "Select", "Ident", "Select", "Ident", "Select", "Ident"]
