"""Reads a rule's syntax tree for what it refers to, and for the ways a rule can uphold what it has not seen.

Each trap was measured to give a false upheld; each is refused where the rule is loaded:

- a misspelt member, or a constant of another type than the member's (CEL says false, or never gets there);
- `has()`, membership in a map, computed member names: absence would decide;
- deny-lists: comparing with what is bad lets everything unknown pass. Polarity tells them: under a negation, in a
  condition of `?:`, in a filter, or as an operand of another comparison, a test against constants is refused;
- the same through the back door: constants that are put together or iterated over, a pattern of what does not match,
  text that only has to differ from other text, which an empty text does, and another form of the same name;
- `all()` over a list that may be empty, and its twins: a negated `exists()`, a count of what a filter leaves;
- structures compared as wholes, counted, or hidden in a list: they are equal where both lack a member;
- what holds whatever is seen: `true`, a comparison with itself;
- ports, protocols, policy documents, CIDRs and dates read without the helper that knows how.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from checks.functions.declare import FUNCTIONS
from checks.paths import covers
from checks.shape import ANY, Shape
from checks.syntax import Call, Const, Ident, Macro, Node, Select, Sequence
from checks.terms import (
    ARITHMETIC,
    BOOL,
    BOOLEAN_CALLS,
    CONVERTED,
    NEGATED_CLASSES,
    ORDER,
    PARAMETERS,
    PLAIN_FUNCTIONS,
    RETURNS,
    STRING,
    STRING_TESTS,
    TIME,
    TOP_LEVEL,
    Reference,
    Value,
    Vocabulary,
    alien,
    base,
    common,
    constant_shape,
    guards,
    is_truth,
    mentions,
    narrows,
    texts,
    trap,
    unmapped,
)

POSITIVE, NEGATIVE, EITHER = 1, -1, 0


@dataclass(slots=True)
class _Scope:
    variables: dict[str, Value] = field(default_factory=dict)
    guarded: frozenset[Node] = frozenset()
    """Lists that are shown to have an element."""
    in_helper: bool = False
    rising: bool = False
    """A number is wanted that helps the verdict only by being larger."""


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
        scope = replace(scope, in_helper=False)
        match node:
            case Call(function="_&&_", arguments=arguments):
                inner = replace(scope, guarded=scope.guarded | guards(node)) if polarity == POSITIVE else scope
                for argument in arguments:
                    self.truth(argument, polarity, inner)
            case Call(function="_||_", arguments=arguments):
                for argument in arguments:
                    self.truth(argument, polarity, scope)
            case Call(function="!_", arguments=(argument,)):
                self.truth(argument, -polarity, scope)
            case Call(function="_?_:_", arguments=(condition, *branches)):
                self.truth(condition, EITHER, scope)
                for branch in branches:
                    if not is_truth(branch):
                        self.truth(branch, polarity, scope)
            case Call(function="_==_" | "_!=_", arguments=(left, right)):
                self._equality(node, left, right, polarity, scope)
            case Call(function="@in", arguments=(left, right)):
                self._membership(node, left, right, polarity, scope)
            case Call(function=function, arguments=(left, right)) if function in ORDER:
                self._order(node, left, right, polarity, scope)
            case Call(function=function) if function in STRING_TESTS:
                self._text(node, polarity, scope)
            case Macro(name="all" | "exists"):
                self._quantifier(node, polarity, scope)
            case Macro(name="exists_one"):
                if polarity != POSITIVE and not self._words.deny_lists:
                    trap("`exists_one` is false also where there are two: use exists()", node)
                self._each(node, EITHER, scope)
            case _ if is_truth(node):
                trap("this decides whatever is seen", node)
            case _:
                value = self.value(node, scope)
                if value.shape.kind not in {"boolean", "any"}:
                    trap(f"{value.name} is of type {value.shape.kind}, not a truth value: compare it with what is good", node)
                self._use(value, node, scope)

    def _equality(self, node: Call, left: Node, right: Node, polarity: int, scope: _Scope) -> None:
        self._differ(node, left, right)
        pairs = [(self._operand(side, scope), side, beside) for side, beside in ((left, right), (right, left))]
        operands = [operand for operand, _, _ in pairs]
        null = any(isinstance(side, Const) and side.value is None for side in (left, right))
        empty = any(isinstance(side, Sequence) and not side.elements for side in (left, right))
        whole = all(one.composite for one in operands) or any(one.composite and one.shape.kind != "any" for one in operands)
        if whole and not null and not empty:
            trap("a structure cannot be compared as a whole: what is absent on both sides would be equal; compare its members", node)
        if any(operand.constant for operand in operands) and not null:  # there is one or there is none: nothing unknown beside
            if node.function == "_==_":
                self._deny(polarity, node, "==")
            elif not self._words.deny_lists:
                trap("`!=` with a constant lets every unknown value pass: say which values are good, with == or in", node)
        elif not null:
            self._deny_by_data(node, operands, polarity if node.function == "_==_" else -polarity)
        for (operand, side, beside), other in zip(pairs, reversed(operands), strict=True):
            self._agree(operand, beside, other)
            if narrows(side):
                self._emptiness(side, operand, node, scope)
            self._use(operand, side, replace(scope, in_helper=null))

    def _membership(self, node: Call, left: Node, right: Node, polarity: int, scope: _Scope) -> None:
        item, holder = self._operand(left, scope), self.value(right, scope)
        if holder.shape.kind != "list":
            trap("`in` needs a list on its right: in a map, or in what may be one, absence would decide", node)
        if item.composite:
            trap("a structure cannot be compared as a whole: what is absent on both sides would be equal; compare its members", node)
        if item.constant or holder.constant:
            self._deny(polarity, node, "in")
        else:
            self._deny_by_data(node, [item, holder.element], polarity)
        if isinstance(right, Sequence):
            for element in right.elements:
                self._differ(node, left, element)
                self._agree(item, element, self.value(element, scope))
        self._use(item, left, scope)
        self._use(holder, right, scope)

    def _order(self, node: Call, left: Node, right: Node, polarity: int, scope: _Scope) -> None:
        self._differ(node, left, right)
        for side, larger in ((left, {"_>_", "_>=_"}), (right, {"_<_", "_<=_"})):
            counts = isinstance(side, Call) and side.function == "size"
            operand = self.value(side, replace(scope, rising=counts and polarity == POSITIVE and node.function in larger))
            if operand.shape.kind == "string":
                trap(f"{operand.name} is text, which has no order that means anything: list the good values", side)
            self._use(operand, side, scope)

    def _text(self, node: Call, polarity: int, scope: _Scope) -> None:
        function, (text, *parts) = node.function, node.arguments
        self._deny(polarity, node, f"{function}()")
        held = self.value(text, scope)
        self._use(held, text, scope)
        for part in parts:
            value = self.value(part, scope)
            self._use(value, part, scope)
            if value.reference or (held.constant and not value.constant):
                trap(f"`{function}()` of what is seen holds where that is the empty text: compare with == or in", node)
            if function == "matches" and any(negated in pattern for pattern in texts(part) for negated in NEGATED_CLASSES):
                trap("a class of what is not there lets every unknown value pass: let the pattern say what is good", part)

    def _quantifier(self, node: Macro, polarity: int, scope: _Scope) -> None:
        items = self._each(node, polarity, scope)
        if polarity != (NEGATIVE if node.name == "all" else POSITIVE):
            self._emptiness(node.items, items, node, scope)

    def _emptiness(self, items: Node, value: Value, node: Node, scope: _Scope) -> None:
        """What holds for an empty list holds unseen: the rule shows that the list has an element, or says that it means it."""
        source = base(items)
        if (
            self._words.deny_lists
            or unmapped(items) in scope.guarded
            or (isinstance(source, Sequence) and source.elements and not narrows(items))
        ):
            return
        if value.reference is None and not value.constant and not isinstance(source, Sequence):
            return  # an empty answer of a helper is an answer
        name = value.name if value.reference else f"params.{source.member}" if isinstance(source, Select) else "this list"
        if name not in self._words.intended_empty:
            trap(
                f"{name} may be empty, and then this holds: guard it with size({name}) > 0, or say so with"
                f" `intended: - {{empty: {name}, because: ...}}`",
                node,
            )

    def _each(self, node: Macro, polarity: int, scope: _Scope) -> Value:
        """The list of a macro, after its body was read with the variable bound to an element."""
        items = self.value(node.items, scope)
        inner = self._within(node, items, scope)
        before = len(self.references)
        self.truth(node.body, polarity, inner)
        if (items.reference and not mentions(node.body, node.variable)) or len(self.references) == before:
            self._use(items, node.items, replace(scope, in_helper=True))
        return items

    def _within(self, node: Macro, items: Value, scope: _Scope) -> _Scope:
        """The scope of a macro's body."""
        if items.shape.kind not in {"list", "any"}:
            trap(f"{items.name} is of type {items.shape.kind}, not a list", node)
        if node.variable in {*TOP_LEVEL, self._words.subject, *scope.variables}:
            trap(f"the variable {node.variable!r} hides another of that name", node)
        return replace(scope, variables={**scope.variables, node.variable: items.element})

    def _differ(self, node: Node, left: Node, right: Node) -> None:
        if left == right or (isinstance(left, Const) and isinstance(right, Const)):
            trap("this decides whatever is seen", node)

    def _deny(self, polarity: int, node: Node, test: str) -> None:
        if polarity != POSITIVE and not self._words.deny_lists:
            trap(
                f"`{test}` against a constant, where its being false helps the verdict, lets every unknown value pass: say what is good",
                node,
            )

    def _deny_by_data(self, node: Node, texts: list[Value], polarity: int) -> None:
        """Text that only has to differ from other text differs also where it is empty, or names the same in another form."""
        if polarity != POSITIVE and not self._words.deny_lists and any(one.shape.kind in {"string", "any"} for one in texts):
            trap("what only has to differ from another member lets every unknown value pass: say which values are good", node)

    # -- values ---------------------------------------------------------------------------------------------------

    def _operand(self, node: Node, scope: _Scope) -> Value:
        """A side of a comparison; a condition there counts either way."""
        if isinstance(node, Macro) and node.name in {"all", "exists", "exists_one"}:
            self.truth(node, EITHER, scope)
            return Value(BOOL)
        if isinstance(node, Call) and node.function in BOOLEAN_CALLS:
            self.truth(node, EITHER, scope)
            return Value(BOOL)
        return self.value(node, scope)

    def value(self, node: Node, scope: _Scope) -> Value:
        """`node` where data is wanted. What it reads on the way is recorded; the result itself is not, yet."""
        match node:
            case Const(value=value):
                return Value(constant_shape(value), constant=True)
            case Sequence(elements=elements):
                return self._literal(elements, scope)
            case Ident(name=name):
                return self._variable(name, node, scope)
            case Select(test=True):
                trap("has() makes absence decide: an absent member is unproven, write the member itself", node)
            case Select(operand=Ident(name="params"), member=member):
                if member not in self._words.params:
                    trap(f"the rule declares no parameter {member!r}", node)
                return Value(PARAMETERS[self._words.params[member]], constant=True)
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
                return Value(BOOL)
        raise AssertionError(node)

    def _literal(self, elements: tuple[Node, ...], scope: _Scope) -> Value:
        held = [self.value(element, scope) for element in elements]
        for one, element in zip(held, elements, strict=True):
            if one.composite or one.shape.kind == "list":
                trap(f"{one.name} is a structure or a list, and a written list holds single values", element)
            self._use(one, element, scope)
        constant = not held or any(one.constant for one in held)
        made_of = held[0] if len(held) == 1 else Value(common(held), constant=constant)
        return Value(Shape("list", element=made_of.shape), None, constant, made_of)

    def _variable(self, name: str, node: Node, scope: _Scope) -> Value:
        if name in scope.variables:
            return scope.variables[name]
        if name == self._words.subject:
            return Value(self._words.shapes[self._words.kind], Reference(None, ()))
        if name == "now":
            return Value(TIME)
        if name in {"account", "region"} and self._words.subject == "resource":
            return Value(STRING)
        trap(f"{name} cannot be used as a value", node)

    def _step(self, value: Value, member: str, node: Node) -> Value:
        if value.constant:
            trap(f"a constant has no member {member!r}", node)
        shape = value.shape.step(member)
        if shape is None:
            known = f"; there is {', '.join(value.shape.names)}" if value.shape.names else ""
            trap(f"{value.name} has no member {member!r}{known}", node)
        reference = value.reference and Reference(value.reference.root, (*value.reference.path, member))
        return Value(shape, reference)

    def _index(self, value: Value, index: Node, node: Node) -> Value:
        match index:
            case Const(value=str(name)):
                return self._step(value, name, node)
            case Const(value=int(place)) if not isinstance(place, bool) and value.shape.kind in {"list", "any"}:
                return value.element
        trap("a computed member name: which member is read must stand in the rule", node)

    def _projection(self, node: Macro, scope: _Scope) -> Value:
        if node.name == "filter":
            return self._each(node, EITHER, scope)
        items = self.value(node.items, scope)
        inner = self._within(node, items, scope)
        before = len(self.references)
        if node.condition is not None:
            self.truth(node.condition, EITHER, inner)
        body = self._operand(node.body, inner)
        self._use(body, node.body, inner)
        if len(self.references) == before:
            self._use(items, node.items, replace(scope, in_helper=True))
        return Value(Shape("list", element=body.shape), items.reference, items.constant or body.constant, body)

    def _call(self, node: Node, function: str, arguments: tuple[Node, ...], scope: _Scope) -> Value:
        rising, scope = scope.rising, replace(scope, rising=False)
        if function in {"lookup", "every"}:
            return self._other(node, function, arguments, scope)
        if function in BOOLEAN_CALLS:
            self.truth(node, EITHER, scope)
            return Value(BOOL)
        if function in FUNCTIONS:
            inside = replace(scope, in_helper=True)
            held = [self._operand(argument, inside) for argument in arguments]
            for one, argument in zip(held, arguments, strict=True):
                self._use(one, argument, inside)
            return Value(RETURNS[FUNCTIONS[function].returns], constant=all(one.constant for one in held))
        if function == "_?_:_":
            return self._choice(arguments, scope)
        if function not in PLAIN_FUNCTIONS | ARITHMETIC:
            trap(f"the function {function}() is not part of the rule language; see `upheld rules functions`", node)
        held = [self.value(argument, scope) for argument in arguments]
        for one, argument in zip(held, arguments, strict=True):
            self._use(one, argument, replace(scope, in_helper=scope.in_helper or function == "size"), dated=function == "timestamp")
        constant = any(one.constant for one in held)
        if function == "size":
            self._counted(arguments[0], held[0], rising, scope)
        if function == "double" and held[0].shape.kind == "string" and not constant:
            trap("text may read 'NaN', which is neither more nor less than anything: use int()", node)
        if function == "_+_" and any(one.shape.kind == "list" for one in held):
            return self._joined(held, node)
        return Value(CONVERTED.get(function, common(held) if function in ARITHMETIC else ANY), constant=constant)

    def _counted(self, items: Node, value: Value, rising: bool, scope: _Scope) -> None:  # noqa: FBT001
        if value.shape.kind != "list" and value.composite:
            trap(f"{value.name} is no list: the size of a structure tells of what is absent", items)
        if narrows(items) and not rising:
            self._emptiness(items, value, items, scope)

    def _joined(self, held: list[Value], node: Node) -> Value:
        """Two lists, one after the other; empty where the first may be."""
        if any(one.composite for one in held):
            trap("lists of structures cannot be put together: take the members that count with map()", node)
        made_of = Value(common([one.element for one in held]), constant=any(one.constant for one in held))
        reference = next((one.reference for one in held if one.reference), None)
        return Value(Shape("list", element=made_of.shape), reference, made_of.constant, made_of)

    def _choice(self, arguments: tuple[Node, ...], scope: _Scope) -> Value:
        self.truth(arguments[0], EITHER, scope)
        held = [self.value(branch, scope) for branch in arguments[1:]]
        for one, branch in zip(held, arguments[1:], strict=True):
            if one.composite or one.shape.kind == "list":
                trap("`?:` chooses between single values: put it around the whole test", branch)
            self._use(one, branch, scope)
        return Value(common(held), constant=any(one.constant for one in held))

    def _other(self, node: Node, function: str, arguments: tuple[Node, ...], scope: _Scope) -> Value:
        if not arguments or not isinstance(arguments[0], Const) or not isinstance(name := arguments[0].value, str):
            trap(f"{function}() needs the type as a constant", node)
        if name not in self._words.shapes:
            trap(f"{function}(): nobody collects the type {name!r}", node)
        if function == "every":
            if self._words.subject == "row" or not self._words.catalogue[self._words.kind].pseudo:
                trap("every() is only for rules on aws.account, aws.region or azure.subscription", node)
            return Value(Shape("list", element=self._words.shapes[name]), Reference(name, ()))
        self._use(self.value(arguments[1], scope), arguments[1], scope)
        return Value(self._words.shapes[name], Reference(name, ()))

    # -- use ------------------------------------------------------------------------------------------------------

    def _agree(self, value: Value, other: Node, beside: Value) -> None:
        """A constant beside a member must be one the member can hold, and null must be beside a member."""
        if isinstance(other, Const) and other.value is None:
            if value.reference is None or not self._nullable(value.reference):
                trap(f"{value.name} is never null: an absent member is unproven unless the catalogue says what its absence means", other)
        elif value.reference is None or not beside.constant:
            return
        elif value.shape.kind == "timestamp":
            trap(f"{value.name} is a time: compare timestamp({value.name})", other)
        elif alien(value.shape, beside.shape):
            shown = repr(other.value) if isinstance(other, Const) else "what it is compared with"
            trap(f"{value.name} is of type {value.shape.kind}, and {shown} is not", other)
        elif isinstance(other, Const) and isinstance(other.value, str) and value.shape.values and other.value not in value.shape.values:
            trap(f"{value.name} is never {other.value!r}; it is one of {', '.join(value.shape.values[:20])}", other)

    def _nullable(self, reference: Reference) -> bool:
        """Whether null may stand there: where the catalogue says so, and for a `lookup` that finds nothing."""
        if not reference.path:
            return reference.root is not None
        kind = self._words.held(reference)
        return kind is not None and reference.path in kind.nullable

    def _use(self, value: Value, node: Node, scope: _Scope, *, dated: bool = False) -> None:
        """Record that the verdict rests on `value`."""
        reference = value.reference
        if reference is None:
            return
        if value.shape.kind == "timestamp" and not (dated or scope.in_helper):
            trap(f"{value.name} is a time: write timestamp({value.name})", node)
        kind = self._words.held(reference)
        if kind is not None and not scope.in_helper and any(covers(guard, reference.path) for guard in kind.guarded):
            trap(f"{value.name} is read through helper functions only; see `upheld rules functions`", node)
        self.references.add(reference)
