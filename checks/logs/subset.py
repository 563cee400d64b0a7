"""The part of CEL that a rule over rows may use, read from the checked tree into typed terms.

    conditions   `row.flag`, `params.flag`, `&&`, `||`, `!`, `?:`, `undecided('why')`
    comparison   `==` and `!=` of two truth values, texts, integers or moments; `<`, `<=`, `>`, `>=` of integers or moments
    membership   `row.column in ['a', 'b']`, `row.column in params.list`
    text         `row.column.startsWith('a')`, `endsWith`, `contains`, `matches` (RE2, the part that `pattern` lists) with constants or parameters
    addresses    `cidrs_within([row.address], params.list)`, or a written list
    time         `timestamp(row.time)`, `timestamp('2026-01-01T00:00:00Z')`, `now`; `now - timestamp(row.time) < duration('24h')`
    also         `tls_version(row.tls_version) >= tls_version(params.min_version)`, `size(params.list) > 0`

Whatever else CEL knows does not load: its meaning on an engine was not held against the runtime's. Both sides of a comparison
are of one type, and a column that is null is what an absent member is to CEL: an error, which is unproven.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from checks.expression import pattern_error, too_fine
from checks.functions.addresses import read_network
from checks.functions.declare import DataError
from checks.logs.pattern import UnfitPattern, portable
from checks.logs.table import Table
from checks.logs.terms import (
    And,
    Choice,
    Column,
    Compare,
    Constant,
    Count,
    Kind,
    Literal,
    Member,
    Moment,
    Not,
    Now,
    Or,
    Parameter,
    Since,
    Span,
    Term,
    Undecided,
    Version,
    Within,
    Words,
    columns,
)  # fmt: skip
from checks.syntax import Call, Const, Ident, Macro, Node, Select, Sequence
from checks.terms import ORDER, STRING_TESTS, trap

_EQUAL: Final[frozenset[Kind]] = frozenset({"boolean", "string", "integer", "timestamp"})
_ORDERED: Final[frozenset[Kind]] = frozenset({"integer", "timestamp"})
_MIRRORED: Final[Mapping[str, str]] = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}
_PARAMETERS: Final[Mapping[str, Kind]] = {"int": "integer", "string": "string", "bool": "boolean", "list": "list"}
_PLAIN: Final[Mapping[type, Kind]] = {bool: "boolean", int: "integer", str: "string"}


def read(tree: Node, table: Table, params: Mapping[str, str]) -> Term:
    """A condition as a term of the kind boolean. `params`: the declared parameters, with their types. Raises Trap."""
    return _Reader(table, params).truth(tree)


@dataclass(frozen=True, slots=True)
class _Reader:
    table: Table
    params: Mapping[str, str]

    def truth(self, node: Node) -> Term:
        return self._of(node, "boolean")

    def _of(self, node: Node, kind: Kind) -> Term:
        term = self.term(node)
        if term.kind != kind:
            trap(f"a {kind} is wanted here, and this is a {term.kind}", node)
        return term

    def term(self, node: Node) -> Term:
        match node:
            case Const(value=value):
                return _literal(value, node)
            case Ident(name="now"):
                return Now()
            case Select(operand=Ident(name="row"), member=name, test=False):
                if name not in self.table:
                    trap(f"{self.table.name} has no column {name!r}", node)
                column = self.table[name]
                return Column(column.kind, name)
            case Select(operand=Ident(name="params"), member=name, test=False):
                return Parameter(_PARAMETERS[self.params[name]], name)
            case Call(function="_&&_", arguments=(left, right)):
                return And(self.truth(left), self.truth(right))
            case Call(function="_||_", arguments=(left, right)):
                return Or(self.truth(left), self.truth(right))
            case Call(function="!_", arguments=(operand,)):
                return Not(self.truth(operand))
            case Call(function="_?_:_", arguments=(condition, left, right)):
                return self._choice(node, self.truth(condition), self.term(left), self.term(right))
            case Call(function="undecided", arguments=(reason,)):
                self._of(reason, "string")
                return Undecided()
            case Call(function="_==_" | "_!=_", arguments=(left, right)):
                return self._compare(node, node.function, left, right, _EQUAL)
            case Call(function=function, arguments=(left, right)) if function in ORDER:
                return self._order(node, function, left, right)
            case Call(function="@in", arguments=(item, holder)):
                return self._member(node, self.term(item), holder)
            case Call(function=function, arguments=(text, part)) if function in STRING_TESTS:
                return self._words(function, text, part)
            case Call(function="cidrs_within", arguments=(Sequence(elements=(Select() as column,)), holder)):
                return self._within(self._of(column, "address"), holder)
            case Call(function="cidrs_within"):
                trap("over rows it is `cidrs_within([row.address], params.list)`, with one column and a list of constants", node)
            case Call(function="timestamp", arguments=(argument,)):
                return self._moment(argument)
            case Call(function="duration", arguments=(argument,)):
                return Span(self._exact("duration", self._constant(argument, "string"), argument))
            case Call(function="tls_version", arguments=(argument,)):
                return Version(self._version(argument))
            case Call(function="size", arguments=(Select(operand=Ident(name="params")) as argument,)):
                return Count(self._parameter(argument, "list"))
            case Call(function="_-_"):
                trap("arithmetic over rows is only `now - timestamp(row.column)`, compared with a duration", node)
        _outside(node)

    def _choice(self, node: Node, condition: Term, left: Term, right: Term) -> Term:
        if left.kind != right.kind or left.kind not in _EQUAL:
            trap(f"both branches are of one type, and these are {left.kind} and {right.kind}", node)
        return Choice(left.kind, condition, left, right)

    def _compare(self, node: Node, operator: str, left: Node, right: Node, kinds: frozenset[Kind]) -> Term:
        one, other = self.term(left), self.term(right)
        if "address" in {one.kind, other.kind}:
            trap("an address has more than one form: compare it with `cidrs_within([row.address], [...])`", node)
        if one.kind != other.kind:
            trap(f"only values of one type can be compared, and these are {one.kind} and {other.kind}", node)
        if one.kind not in kinds:
            trap(f"values of the type {one.kind} cannot be compared so over rows", node)
        return Compare(operator, one, other)

    def _order(self, node: Node, operator: str, left: Node, right: Node) -> Term:
        match left, right:
            case Call(function="_-_", arguments=(later, earlier)), _:
                return self._age(node, operator, later, earlier, right)
            case _, Call(function="_-_", arguments=(later, earlier)):
                return self._age(node, _MIRRORED[operator], later, earlier, left)
        return self._compare(node, operator, left, right, _ORDERED)

    def _age(self, node: Node, operator: str, later: Node, earlier: Node, span: Node) -> Term:
        """`later - earlier < span`, of which one moment is known before the rows are."""
        first, second = self._of(later, "timestamp"), self._of(earlier, "timestamp")
        if (
            not isinstance(first, Column | Now | Moment)
            or not isinstance(second, Column | Now | Moment)
            or (columns(first) and columns(second))
        ):
            trap("of two moments one is a column and the other `now` or a constant: all else is arithmetic", node)
        limit = self._of(span, "duration")
        assert isinstance(limit, Span)
        return Compare(operator, Since(first, second), limit)

    def _member(self, node: Node, item: Term, holder: Node) -> Term:
        if item.kind not in {"string", "integer"}:
            trap(f"a text or an integer can be looked for in a list over rows, and this is a {item.kind}", node)
        if not isinstance(holder, Sequence):
            return Member(item, self._parameter(holder, "list"))
        held = tuple(self._scalar(element) for element in holder.elements)
        for one, element in zip(held, holder.elements, strict=True):
            if one.kind != item.kind:
                trap(f"every element must be a {item.kind}, and this is a {one.kind}", element)
        return Member(item, held)

    def _words(self, function: str, text: Node, part: Node) -> Term:
        wanted = self._constant(part, "string")
        if function == "matches":
            if not isinstance(wanted, Literal):
                trap("a pattern must stand in the rule", part)
            if problem := pattern_error(str(wanted.value)):
                trap(problem, part)
            try:
                portable(str(wanted.value))
            except UnfitPattern as error:
                trap(str(error), part)
        return Words(function, self._of(text, "string"), wanted)

    def _within(self, column: Term, holder: Node) -> Term:
        assert isinstance(column, Column)
        if not isinstance(holder, Sequence):
            return Within(column, self._parameter(holder, "list"))
        held = tuple(self._scalar(element) for element in holder.elements)
        for one, element in zip(held, holder.elements, strict=True):
            if isinstance(one, Literal):
                try:
                    read_network(one.value)
                except DataError as error:
                    trap(str(error), element)
            elif one.kind != "string":
                trap("a network is a text", element)
        return Within(column, held)

    def _moment(self, argument: Node) -> Term:
        term = self.term(argument)
        if isinstance(term, Column) and term.kind == "timestamp":
            return term
        if isinstance(term, Literal | Parameter) and term.kind == "string":
            return Moment(self._exact("timestamp", term, argument))
        trap("timestamp() takes a column that is a time, or a constant text", argument)

    def _exact(self, function: str, text: Constant, node: Node) -> Constant:
        """A time as it is written in the rule; of a parameter's that is finer, no row is decided."""
        if isinstance(text, Literal) and too_fine(function, str(text.value)):
            trap("this is finer than the microseconds of a table", node)
        return text

    def _version(self, argument: Node) -> Column | Constant:
        term = self._of(argument, "string")
        if not isinstance(term, Column | Literal | Parameter):
            trap("tls_version() takes a column or a constant", argument)
        return term

    def _scalar(self, node: Node) -> Constant:
        term = self.term(node)
        if not isinstance(term, Literal | Parameter) or term.kind == "list":
            trap("only constants and parameters stand here", node)
        return term

    def _constant(self, node: Node, kind: Kind) -> Constant:
        term = self._scalar(node)
        if term.kind != kind:
            trap(f"a {kind} is wanted here, and this is a {term.kind}", node)
        return term

    def _parameter(self, node: Node, kind: Kind) -> Parameter:
        term = self.term(node)
        if not isinstance(term, Parameter) or term.kind != kind:
            trap(f"a parameter of the type {kind} is wanted here", node)
        return term


def _literal(value: object, node: Node) -> Literal:
    kind = _PLAIN.get(type(value))
    if kind is None:
        trap("over rows a constant is a text, an integer or a truth value; null is what the log does not say, and is unproven", node)
    assert isinstance(value, bool | int | str)
    return Literal(kind, value)


def _outside(node: Node) -> NoReturn:
    match node:
        case Macro(name=name):
            trap(f"{name}() is not part of what rules over rows may use: a row has no lists", node)
        case Call(function=function):
            trap(f"{function.strip('_')} is not part of what rules over rows may use", node)
        case Sequence():
            trap("a list stands only after `in` or in cidrs_within()", node)
    trap("this is not part of what rules over rows may use", node)
