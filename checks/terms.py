"""What a condition speaks of, before it runs: members, constants, the lists that may be empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from checks.catalogue import Catalogue, Kind
from checks.paths import ELEMENT, Path, render
from checks.shape import ANY, SCALARS, Shape
from checks.syntax import Call, Const, Ident, Macro, Node

BOOL: Final = Shape("boolean")
STRING: Final = Shape("string")
INT: Final = Shape("integer")
DOUBLE: Final = Shape("double")
TIME: Final = Shape("instant")
LIST: Final = Shape("list", element=ANY)
PLAIN_FUNCTIONS: Final = frozenset(
    {"size", "timestamp", "duration", "int", "double", "string", "startsWith", "endsWith", "contains", "matches"}
)
STRING_TESTS: Final = frozenset({"startsWith", "endsWith", "contains", "matches"})
ORDER: Final = frozenset({"_<_", "_<=_", "_>_", "_>=_"})
ARITHMETIC: Final = frozenset({"_+_", "_-_", "_*_", "_/_", "_%_", "-_"})
BOOLEAN_CALLS: Final = ORDER | STRING_TESTS | {"_&&_", "_||_", "!_", "_==_", "_!=_", "@in"}
RETURNS: Final = {
    "bool": BOOL, "string": STRING, "int": INT, "double": DOUBLE, "list": LIST, "map": ANY, "timestamp": TIME, "null": ANY,
}  # fmt: skip
PARAMETERS: Final = {"int": INT, "string": STRING, "bool": BOOL, "list": LIST}
CONVERTED: Final = {"size": INT, "int": INT, "double": DOUBLE, "string": STRING, "timestamp": TIME}
NEGATED_CLASSES: Final = ("[^", "\\D", "\\S", "\\W", "\\P", "[[:^")
TOP_LEVEL: Final = frozenset({"resource", "params", "now", "account", "region"})


class Trap(ValueError):
    """A rule that must not load: what is wrong, and at which place of the expression (-1 if unknown)."""

    def __init__(self, problem: str, offset: int) -> None:
        self.problem, self.offset = problem, offset
        super().__init__(problem)


def trap(problem: str, node: Node) -> NoReturn:
    raise Trap(problem, node.offset)


@dataclass(frozen=True, slots=True)
class Reference:
    """A member that the verdict rests on: of the judged resource (root None), or of a resource of type `root`."""

    root: str | None
    path: Path


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of an expression before it runs: its shape, the member it is, if it is one, whether a constant or
    a parameter has a part in it, and what the elements are of a list that the expression puts together."""

    shape: Shape
    reference: Reference | None = None
    constant: bool = False
    made_of: Value | None = None

    @property
    def name(self) -> str:
        if self.reference is None:
            return "this"
        return render(self.reference.path) or self.reference.root or "resource"

    @property
    def element(self) -> Value:
        """An element of a list."""
        if self.made_of is not None:
            return self.made_of
        reference = self.reference
        if reference and (reference.path or reference.root is None):
            reference = Reference(reference.root, (*reference.path, ELEMENT))
        return Value(self.shape.element or ANY, reference, self.constant)

    @property
    def composite(self) -> bool:
        """Whether members may be absent inside it: two such values can be equal in what neither of them shows."""
        return _composite(self.shape) or (self.shape.kind == "any" and self.reference is not None)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a rule may speak of."""

    kind: str
    shapes: Mapping[str, Shape]
    catalogue: Catalogue
    params: Mapping[str, str]
    intended_empty: frozenset[str] = frozenset()
    deny_lists: bool = False
    """`applies_if` may name what it leaves out, where an unknown value must stay in the population, and `broken_if` what is bad."""
    subject: Literal["resource", "row"] = "resource"
    """What is judged: a resource of the type `kind`, or a row of the table of that name, of which the catalogue knows nothing."""

    def held(self, reference: Reference) -> Kind | None:
        """What the catalogue says of the type that a reference is to; None for a table."""
        name = reference.root or self.kind
        return None if reference.root is None and self.subject == "row" else self.catalogue[name]


def _composite(shape: Shape) -> bool:
    return shape.kind in {"structure", "map"} or (shape.kind == "list" and shape.element is not None and _composite(shape.element))


def constant_shape(value: object) -> Shape:
    match value:
        case bool():
            return BOOL
        case int():
            return INT
        case float():
            return DOUBLE
        case str():
            return STRING
        case bytes():
            return Shape("blob")
    return ANY


def alien(shape: Shape, constant: Shape) -> bool:
    """Whether a constant of one shape is nothing that a member of the other can hold."""
    if shape.kind == "any" or constant.kind not in SCALARS:
        return False
    return shape.kind != constant.kind and {shape.kind, constant.kind} != {"integer", "double"}


def unmapped(node: Node) -> Node:
    """The list that has as many elements as `node`: `map` neither adds nor drops one."""
    while isinstance(node, Macro) and node.name == "map" and node.condition is None:
        node = node.items
    return node


def narrows(node: Node) -> bool:
    """Whether a list is what a filter leaves of another."""
    node = unmapped(node)
    return isinstance(node, Macro) and node.name in {"map", "filter"}


def base(node: Node) -> Node:
    """The list that `node` takes its elements from."""
    while isinstance(node, Macro) and node.name in {"map", "filter"}:
        node = node.items
    return node


def guards(node: Node) -> frozenset[Node]:
    """The lists that a conjunction shows to have an element."""
    match node:
        case Call(function="_&&_", arguments=arguments):
            return frozenset().union(*map(guards, arguments))
        case Call(function="_>_", arguments=(Call(function="size", arguments=(items,)), Const(value=int(least)))) if least >= 0:
            return frozenset({unmapped(items), base(items)})
        case Call(function="_>=_", arguments=(Call(function="size", arguments=(items,)), Const(value=int(least)))) if least >= 1:
            return frozenset({unmapped(items), base(items)})
        case Macro(name="exists", items=items):
            return frozenset({unmapped(items), base(items)})
    return frozenset()


def is_truth(node: Node) -> bool:
    return isinstance(node, Const) and isinstance(node.value, bool)


def mentions(node: Node, variable: str) -> bool:
    return any(isinstance(part, Ident) and part.name == variable for part in node.walk())


def texts(node: Node) -> list[str]:
    return [part.value for part in node.walk() if isinstance(part, Const) and isinstance(part.value, str)]


def common(held: list[Value]) -> Shape:
    """The shape of what may be any of these."""
    kinds = {one.shape.kind for one in held}
    return Shape(kinds.pop()) if len(kinds) == 1 else ANY
