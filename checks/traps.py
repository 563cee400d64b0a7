"""Reads a rule's syntax tree for what it refers to, and for the ways a rule can uphold what it has not seen.

Each trap was measured to give a false upheld; each is refused where the rule is loaded:

- a misspelt member, or a constant of another type than the member's (CEL says false, or never gets there);
- `has()`, membership in a map, computed member names: absence would decide;
- deny-lists: comparing with what is bad lets everything unknown pass. Polarity tells them: under a negation, in a
  condition of `?:`, in a filter, or as an operand of another comparison, a test against constants is refused;
- `all()` over a list that may be empty, and its twin, a negated `exists()`;
- ports, protocols, policy documents, CIDRs and dates read without the helper that knows how.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NoReturn

from checks.catalogue import Catalogue
from checks.functions.declare import FUNCTIONS
from checks.paths import ELEMENT, Path, covers, render
from checks.shape import ANY, Shape
from checks.syntax import Call, Const, Ident, Macro, Node, Select, Sequence

PLAIN_FUNCTIONS: Final = frozenset(
    {"size", "timestamp", "duration", "int", "double", "string", "startsWith", "endsWith", "contains", "matches"}
)
_STRING_TESTS: Final = frozenset({"startsWith", "endsWith", "contains", "matches"})
_ORDER: Final = frozenset({"_<_", "_<=_", "_>_", "_>=_"})
_ARITHMETIC: Final = frozenset({"_+_", "_-_", "_*_", "_/_", "_%_", "-_"})
_BOOLEAN_CALLS: Final = _ORDER | _STRING_TESTS | {"_&&_", "_||_", "!_", "_==_", "_!=_", "@in"}
_BOOL, _STRING, _INT, _DOUBLE, _TIME = Shape("boolean"), Shape("string"), Shape("integer"), Shape("double"), Shape("instant")
_LIST = Shape("list", element=ANY)
_RETURNS: Final = {
    "bool": _BOOL, "string": _STRING, "int": _INT, "double": _DOUBLE, "list": _LIST, "map": ANY, "timestamp": _TIME, "null": ANY,
}  # fmt: skip
_PARAMETERS: Final = {"int": _INT, "string": _STRING, "bool": _BOOL, "list": _LIST}

POSITIVE, NEGATIVE, EITHER = 1, -1, 0


class Trap(ValueError):
    """A rule that must not load: what is wrong, and at which place of the expression (-1 if unknown)."""

    def __init__(self, problem: str, offset: int) -> None:
        self.problem, self.offset = problem, offset
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class Reference:
    """A member that the verdict rests on: of the judged resource (root None), or of a resource of type `root`."""

    root: str | None
    path: Path


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of an expression before it runs: its shape, and the member it is, if it is one."""

    shape: Shape
    reference: Reference | None = None
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a rule may speak of."""

    kind: str
    shapes: Mapping[str, Shape]
    catalogue: Catalogue
    params: Mapping[str, str]
    intended_empty: frozenset[str] = frozenset()
    deny_lists: bool = False
    """`applies_if` may name what it leaves out: there an unknown value must stay in the population."""


@dataclass(slots=True)
class _Scope:
    variables: dict[str, Value] = field(default_factory=dict)
    guarded: frozenset[Reference] = frozenset()
    in_helper: bool = False


def examine(tree: Node, vocabulary: Vocabulary) -> frozenset[Reference]:
    """Every reference of a condition. Raises Trap."""
    reader = _Reader(vocabulary)
    reader.truth(tree, POSITIVE, _Scope())
    return frozenset(reader.references)


class _Reader:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self._words, self.references = vocabulary, set[Reference]()

    # -- conditions -----------------------------------------------------------------------------------------------

    def truth(self, node: Node, polarity: int, scope: _Scope) -> None:
        """`node` where a truth value is wanted; its falsity helps the verdict where polarity is not positive."""
        match node:
            case Call(function="_&&_", arguments=arguments):
                inner = replace(scope, guarded=scope.guarded | self._guards(node, scope)) if polarity == POSITIVE else scope
                for argument in arguments:
                    self.truth(argument, polarity, inner)
            case Call(function="_||_", arguments=arguments):
                for argument in arguments:
                    self.truth(argument, polarity, scope)
            case Call(function="!_", arguments=(argument,)):
                self.truth(argument, -polarity, scope)
            case Call(function="_?_:_", arguments=(condition, yes, no)):
                self.truth(condition, EITHER, scope)
                self.truth(yes, polarity, scope)
                self.truth(no, polarity, scope)
            case Call(function="_==_" | "_!=_", arguments=(left, right)):
                self._equality(node, left, right, polarity, scope)
            case Call(function="@in", arguments=(left, right)):
                self._membership(node, left, right, polarity, scope)
            case Call(function=function, arguments=arguments) if function in _ORDER:
                self._order(node, arguments, scope)
            case Call(function=function, arguments=arguments) if function in _STRING_TESTS:
                self._deny(polarity, node, f"{function}()")
                for argument in arguments:
                    self._use(self.value(argument, scope), argument, scope)
            case Macro(name="all" | "exists"):
                self._quantifier(node, polarity, scope)
            case Macro(name="exists_one"):
                self._each(node, EITHER, scope)
            case Const(value=bool()):
                pass
            case _:
                value = self.value(node, scope)
                if value.shape.kind not in {"boolean", "any"}:
                    _trap(f"{_name(value)} is of type {value.shape.kind}, not a truth value: compare it with what is good", node)
                self._use(value, node, scope)

    def _equality(self, node: Call, left: Node, right: Node, polarity: int, scope: _Scope) -> None:
        operands = [self._operand(side, scope) for side in (left, right)]
        for operand, beside in zip(operands, (right, left), strict=True):
            self._agree(operand, beside)
        null = any(isinstance(side, Const) and side.value is None for side in (left, right))
        if any(operand.constant for operand in operands) and not null:  # there is one or there is none: nothing unknown beside
            if node.function == "_==_":
                self._deny(polarity, node, "==")
            elif not self._words.deny_lists:
                _trap("`!=` with a constant lets every unknown value pass: say which values are good, with == or in", node)
        for operand, side in zip(operands, (left, right), strict=True):
            self._use(operand, side, replace(scope, in_helper=scope.in_helper or null))

    def _membership(self, node: Call, left: Node, right: Node, polarity: int, scope: _Scope) -> None:
        item, holder = self._operand(left, scope), self.value(right, scope)
        if holder.shape.kind != "list":
            _trap("`in` needs a list on its right: in a map, or in what may be one, absence would decide", node)
        if item.constant or holder.constant:
            self._deny(polarity, node, "in")
        if isinstance(right, Sequence):
            for element in right.elements:
                self._agree(item, element)
        self._use(item, left, scope)
        self._use(holder, right, scope)

    def _order(self, node: Node, arguments: Iterable[Node], scope: _Scope) -> None:
        sides = list(arguments)
        operands = [self.value(side, scope) for side in sides]
        for operand, side in zip(operands, sides, strict=True):
            if operand.reference and operand.shape.kind == "string":
                _trap(f"{_name(operand)} is text, which has no order that means anything: list the good values", side)
            self._use(operand, side, scope)
        if any(operand.shape.kind == "string" for operand in operands):
            _trap("text has no order that means anything: list the good values", node)

    def _quantifier(self, node: Macro, polarity: int, scope: _Scope) -> None:
        vacuous = polarity != NEGATIVE if node.name == "all" else polarity != POSITIVE
        items = self._each(node, polarity, scope)
        if not vacuous or self._words.deny_lists or items.reference is None or items.reference in scope.guarded:
            return
        name = _name(items)
        if name not in self._words.intended_empty:
            _trap(
                f"{name} may be empty, and then this holds: guard it with size({name}) > 0, or say so with"
                f" `intended: - {{empty: {name}, because: ...}}`",
                node,
            )

    def _each(self, node: Macro, polarity: int, scope: _Scope) -> Value:
        """The list of a macro, after its body was read with the variable bound to an element."""
        items = self.value(node.items, scope)
        if items.shape.kind not in {"list", "any"}:
            _trap(f"{_name(items)} is of type {items.shape.kind}, not a list", node)
        inner = replace(scope, variables={**scope.variables, node.variable: _element(items)})
        before = len(self.references)
        self.truth(node.body, polarity, inner)
        if (items.reference and not _mentions(node.body, node.variable)) or len(self.references) == before:
            self._use(items, node.items, replace(scope, in_helper=True))
        return items

    def _guards(self, node: Node, scope: _Scope) -> frozenset[Reference]:
        """The lists that a conjunction shows to have an element."""
        found: set[Reference] = set()
        match node:
            case Call(function="_&&_", arguments=arguments):
                for argument in arguments:
                    found |= self._guards(argument, scope)
            case Call(function="_>_" | "_>=_", arguments=(Call(function="size", arguments=(items,)), Const(value=least))):
                if isinstance(least, int) and least + (node.function == "_>_") >= 1 and (held := self.value(items, scope).reference):
                    found.add(held)
            case Macro(name="exists", items=items):
                if held := self.value(items, scope).reference:
                    found.add(held)
        return frozenset(found)

    def _deny(self, polarity: int, node: Node, test: str) -> None:
        if polarity != POSITIVE and not self._words.deny_lists:
            _trap(
                f"`{test}` against a constant, where its being false helps the verdict, lets every unknown value pass: say what is good",
                node,
            )

    # -- values ---------------------------------------------------------------------------------------------------

    def _operand(self, node: Node, scope: _Scope) -> Value:
        """A side of a comparison; a condition there counts either way."""
        if isinstance(node, Macro) and node.name in {"all", "exists", "exists_one"}:
            self.truth(node, EITHER, scope)
            return Value(_BOOL)
        if isinstance(node, Call) and node.function in _BOOLEAN_CALLS:
            self.truth(node, EITHER, scope)
            return Value(_BOOL)
        return self.value(node, scope)

    def value(self, node: Node, scope: _Scope) -> Value:
        """`node` where data is wanted. What it reads on the way is recorded; the result itself is not, yet."""
        match node:
            case Const(value=value):
                return Value(_constant_shape(value), constant=True)
            case Sequence(elements=elements):
                held = [self.value(element, scope) for element in elements]
                for one, element in zip(held, elements, strict=True):
                    self._use(one, element, scope)
                return Value(_LIST, constant=all(one.constant for one in held))
            case Ident(name=name):
                return self._variable(name, node, scope)
            case Select(test=True):
                _trap("has() makes absence decide: an absent member is unproven, write the member itself", node)
            case Select(operand=Ident(name="params"), member=member):
                if member not in self._words.params:
                    _trap(f"the rule declares no parameter {member!r}", node)
                return Value(_PARAMETERS[self._words.params[member]], constant=True)
            case Select(operand=operand, member=member):
                return self._step(self.value(operand, scope), member, node)
            case Call(function="_[_]", arguments=(operand, index)):
                return self._index(self.value(operand, scope), index, node)
            case Call(function=function, arguments=arguments):
                return self._call(node, function, arguments, scope)
            case Macro(name="map" | "filter"):
                return self._projection(node, scope)
            case Macro():
                self.truth(node, EITHER, scope)
                return Value(_BOOL)
        raise AssertionError(node)

    def _variable(self, name: str, node: Node, scope: _Scope) -> Value:
        if name in scope.variables:
            return scope.variables[name]
        match name:
            case "resource":
                return Value(self._words.shapes[self._words.kind], Reference(None, ()))
            case "now":
                return Value(_TIME)
            case "account" | "region":
                return Value(_STRING)
        _trap(f"{name} cannot be used as a value", node)

    def _step(self, value: Value, member: str, node: Node) -> Value:
        if value.constant:
            _trap(f"a constant has no member {member!r}", node)
        shape = value.shape.step(member)
        if shape is None:
            known = f"; there is {', '.join(value.shape.names)}" if value.shape.names else ""
            _trap(f"{_name(value)} has no member {member!r}{known}", node)
        reference = value.reference and Reference(value.reference.root, (*value.reference.path, member))
        return Value(shape, reference)

    def _index(self, value: Value, index: Node, node: Node) -> Value:
        match index:
            case Const(value=str(name)):
                return self._step(value, name, node)
            case Const(value=int()) if value.shape.kind in {"list", "any"}:
                return _element(value)
        _trap("a computed member name: which member is read must stand in the rule", node)

    def _projection(self, node: Macro, scope: _Scope) -> Value:
        if node.name == "filter":
            items = self._each(node, EITHER, scope)
            return Value(items.shape, items.reference)
        items = self.value(node.items, scope)
        if items.shape.kind not in {"list", "any"}:
            _trap(f"{_name(items)} is of type {items.shape.kind}, not a list", node)
        inner = replace(scope, variables={**scope.variables, node.variable: _element(items)})
        if node.condition is not None:
            self.truth(node.condition, EITHER, inner)
        body = self._operand(node.body, inner)
        self._use(body, node.body, inner)
        return Value(Shape("list", element=body.shape), items.reference)

    def _call(self, node: Node, function: str, arguments: tuple[Node, ...], scope: _Scope) -> Value:
        if function in {"lookup", "every"}:
            return self._other(node, function, arguments, scope)
        if function in FUNCTIONS:
            for argument in arguments:
                self._use(self._operand(argument, replace(scope, in_helper=True)), argument, replace(scope, in_helper=True))
            return Value(_RETURNS[FUNCTIONS[function].returns])
        if function in _BOOLEAN_CALLS:
            self.truth(node, EITHER, scope)
            return Value(_BOOL)
        if function == "_?_:_":
            self.truth(arguments[0], EITHER, scope)
            branches = [self.value(argument, scope) for argument in arguments[1:]]
            for branch, argument in zip(branches, arguments[1:], strict=True):
                self._use(branch, argument, scope)
            return Value(branches[0].shape)
        if function not in PLAIN_FUNCTIONS | _ARITHMETIC:
            _trap(f"the function {function}() is not part of the rule language; see `upheld rules functions`", node)
        dated = function == "timestamp"
        for argument in arguments:
            value = self.value(argument, scope)
            self._use(value, argument, replace(scope, in_helper=scope.in_helper or function == "size"), dated=dated)
        return Value({"size": _INT, "int": _INT, "double": _DOUBLE, "string": _STRING, "timestamp": _TIME}.get(function, ANY))

    def _other(self, node: Node, function: str, arguments: tuple[Node, ...], scope: _Scope) -> Value:
        if not arguments or not isinstance(arguments[0], Const) or not isinstance(name := arguments[0].value, str):
            _trap(f"{function}() needs the type as a constant", node)
        if name not in self._words.shapes:
            _trap(f"{function}(): nobody collects the type {name!r}", node)
        if function == "every":
            if not self._words.catalogue[self._words.kind].pseudo:
                _trap("every() is only for rules on aws.account, aws.region or azure.subscription", node)
            return Value(Shape("list", element=self._words.shapes[name]), Reference(name, ()))
        self._use(self.value(arguments[1], scope), arguments[1], scope)
        return Value(self._words.shapes[name], Reference(name, ()))

    # -- use ------------------------------------------------------------------------------------------------------

    def _agree(self, value: Value, other: Node) -> None:
        """A constant beside a member must be one the member can hold."""
        if not isinstance(other, Const) or value.reference is None:
            return
        constant, kind = other.value, value.shape.kind
        if constant is None:
            if not self._nullable(value.reference):
                _trap(f"{_name(value)} is never null: an absent member is unproven unless the catalogue says what its absence means", other)
        elif kind == "timestamp":
            _trap(f"{_name(value)} is a time: compare timestamp({_name(value)})", other)
        elif kind not in {"any", _constant_shape(constant).kind} and {kind, _constant_shape(constant).kind} != {"integer", "double"}:
            _trap(f"{_name(value)} is of type {kind}, and {constant!r} is not", other)
        elif isinstance(constant, str) and value.shape.values and constant not in value.shape.values:
            _trap(f"{_name(value)} is never {constant!r}; it is one of {', '.join(value.shape.values[:20])}", other)

    def _nullable(self, reference: Reference) -> bool:
        if not reference.path:
            return True
        kind = self._words.catalogue[reference.root or self._words.kind]
        return reference.path in kind.nullable

    def _use(self, value: Value, node: Node, scope: _Scope, *, dated: bool = False) -> None:
        """Record that the verdict rests on `value`."""
        reference = value.reference
        if reference is None:
            return
        if value.shape.kind == "timestamp" and not (dated or scope.in_helper):
            _trap(f"{_name(value)} is a time: write timestamp({_name(value)})", node)
        kind = self._words.catalogue[reference.root or self._words.kind]
        if not scope.in_helper and any(covers(guard, reference.path) for guard in kind.guarded):
            _trap(f"{_name(value)} is read through helper functions only; see `upheld rules functions`", node)
        self.references.add(reference)


def _element(items: Value) -> Value:
    reference = items.reference
    if (reference and reference.path) or (reference and reference.root is None):
        reference = Reference(reference.root, (*reference.path, ELEMENT))
    return Value(items.shape.element or ANY, reference)


def _mentions(node: Node, variable: str) -> bool:
    return any(isinstance(part, Ident) and part.name == variable for part in node.walk())


def _name(value: Value) -> str:
    if value.reference is None:
        return "this"
    return render(value.reference.path) or value.reference.root or "resource"


def _constant_shape(value: object) -> Shape:
    match value:
        case bool():
            return _BOOL
        case int():
            return _INT
        case float():
            return _DOUBLE
        case str():
            return _STRING
    return ANY


def _trap(problem: str, node: Node) -> NoReturn:
    raise Trap(problem, node.offset)
