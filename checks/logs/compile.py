"""Typed terms -> an Ibis expression, whose TRUE, FALSE and NULL are CEL's true, false and error.

What has to hold, and is held against the CEL runtime row by row: NULL where a column is null, also in `IN ()` and where no network
is given; a NULL condition of `?:` gives NULL and not the second branch; what a constant cannot be read as is NULL for every row.
Nothing that is compiled can raise while it runs.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import ibis
from ibis.expr.operations import Literal as Constants

from checks.expression import constant
from checks.functions.addresses import AddressSet, read_network
from checks.functions.declare import DataError
from checks.functions.ranges import Range, Ranges
from checks.functions.tls import tls_version
from checks.logs.table import address_columns, signed
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

_TYPES: Final[Mapping[Kind, str]] = {"boolean": "boolean", "string": "string", "integer": "int64", "timestamp": "timestamp(6)"}
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "_==_": operator.eq, "_!=_": operator.ne, "_<_": operator.lt, "_<=_": operator.le, "_>_": operator.gt, "_>=_": operator.ge,
}  # fmt: skip
_MIRRORED: Final[Mapping[str, str]] = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}
_ELEMENTS: Final[Mapping[Kind, type]] = {"boolean": bool, "string": str, "integer": int}
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_ALL: Final = 2**64 - 1
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_FARTHEST: Final = timedelta(seconds=(2**63 - 1) // 10**9)
"""Two moments that are farther apart have no distance: CEL counts it in nanoseconds, in 64 bits (292 years, and in one of the two
directions a part of a second more)."""
_LEAF: Final = 4
"""Ranges that are asked one after the other, below which halving them costs more than it saves."""

# What `tls_version` strips: all that Python counts as white space (str.isspace), which is more than RE2's \s.
_SPACE: Final = r"[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]*"
_VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3")
_USUAL: Final = ("TLSv1.2", "TLSv1.3", "TLSv1.1", "TLSv1")
"""As logs write them: they are compared first, since five regular expressions a row cost more than all else in most rules."""


class UnfitParameter(ValueError):
    """A promise gives a parameter that the rule cannot use: a list with an entry of another type, a text that is no network."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """`rows`: a table with the columns of `Table.physical`, times without a zone and in UTC. `now`: with its zone."""

    rows: Any
    params: Mapping[str, Any]
    now: datetime

    def condition(self, term: Term) -> Any:
        """A boolean expression. Raises UnfitParameter."""
        match term:
            case Column(name=name):
                return self.rows[name]
            case Undecided():
                return ibis.null("boolean")
            case And(left, right):
                return self.condition(left) & self.condition(right)
            case Or(left, right):
                return self.condition(left) | self.condition(right)
            case Not(operand):
                return ~self.condition(operand)
            case Choice(_, condition, left, right):
                holds = self.condition(condition)
                return ibis.cases((holds, self.condition(left)), (~holds, self.condition(right)))
            case Compare(function, Since() as distance, Span() as limit):
                return self._age(function, distance, limit)
            case Compare(function, left, right):
                return _compare(function, self.condition(left), self.condition(right))
            case Member(item, holder):
                return self._member(self.condition(item), item.kind, holder)
            case Words(function, text, wanted):
                return self._words(function, self.condition(text), self.condition(wanted), wanted)
            case Within(column, holder):
                return self._within(column, holder)
            case Version(text) if columns(text):
                return _version(self.condition(text))
        value = self.value(term)
        kind = _TYPES[term.kind]
        if value is None:
            return ibis.null(kind)
        return _moment(value) if isinstance(value, datetime) else ibis.literal(value, kind)

    def value(self, term: Term) -> Any:
        """What a term without columns comes to; None where CEL would come to an error."""
        match term:
            case Literal(value=value):
                return value
            case Parameter(kind=kind, name=name):
                return _fit(self.params[name], kind, name)
            case Now():
                return self.now
            case Moment(text):
                return constant("timestamp", self.value(text))
            case Span(text):
                return constant("duration", self.value(text))
            case Count(parameter):
                return len(self.value(parameter))
            case Version(text):
                try:
                    return tls_version(self.value(text))
                except DataError:
                    return None
        raise AssertionError(term)

    def _age(self, function: str, distance: Since, limit: Span) -> Any:
        """`now - t < d` is `t > now - d`, and `t - now < d` is `t < now + d`: no engine has to subtract."""
        span = self.value(limit)
        known, column = (distance.earlier, distance.later) if columns(distance.later) else (distance.later, distance.earlier)
        moment = self.value(known)
        if span is None or moment is None:
            return ibis.null("boolean")
        if not columns(column):
            earlier = self.value(distance.earlier)
            if earlier is None or abs(apart := moment - earlier) > _FARTHEST:
                return ibis.null("boolean")
            return ibis.literal(_OPERATORS[function](apart, span), "boolean")
        held = self.condition(column)
        within = held.between(_moment(_shift(moment, -_FARTHEST)), _moment(_shift(moment, _FARTHEST)))
        if column is distance.earlier:
            function, span = _MIRRORED[function], -span
        try:
            holds = _compare(function, held, _moment(moment + span))
        except OverflowError:  # beyond the first or the last year there is, on one side of every moment
            holds = ibis.literal((span > timedelta(0)) == (function in {"_<_", "_<=_"}), "boolean")
        return ibis.cases((within, holds))

    def _member(self, item: Any, kind: Kind, holder: Parameter | tuple[Constant, ...]) -> Any:
        held = self._held(holder, kind)
        if held:
            return item.isin([ibis.literal(one, _TYPES[kind]) for one in held])
        return ibis.cases((item.notnull(), ibis.literal(False, "boolean")))  # an engine's IN () is FALSE for NULL too

    def _held(self, holder: Parameter | tuple[Constant, ...], kind: Kind) -> list[Any]:
        if isinstance(holder, tuple):
            return [self.value(one) for one in holder]
        return [_fit(one, kind, holder.name) for one in self.value(holder)]

    def _words(self, function: str, text: Any, wanted: Any, pattern: Constant) -> Any:
        match function:
            case "startsWith":
                return text.startswith(wanted)
            case "endsWith":
                return text.endswith(wanted)
            case "contains":
                return text.contains(wanted)
        return text.re_search(self.value(pattern))

    def _within(self, column: Column, holder: Parameter | tuple[Constant, ...]) -> Any:
        family, high, low = (self.rows[name] for name in address_columns(column.name))
        try:
            allowed = AddressSet.of(map(read_network, self._held(holder, "string")))
        except DataError as error:
            raise UnfitParameter(str(error)) from error
        v4 = _search([((0, first), (0, last)) for first, last in allowed.v4], high, low)
        v6 = _search([(divmod(first, 2**64), divmod(last, 2**64)) for first, last in _by_sign(allowed.v6)], high, low)
        return ibis.cases((family == 4, v4), (family == 6, v6))


def _compare(function: str, left: Any, right: Any) -> Any:
    """Beside a constant NULL, Ibis writes IS NULL for `==` and IS NOT NULL for `!=`: a truth where there is none."""
    if any(isinstance(side.op(), Constants) and side.op().value is None for side in (left, right)):
        return ibis.null("boolean")
    return _OPERATORS[function](left, right)


def _shift(moment: datetime, by: timedelta) -> datetime:
    """The moment so much later, or the first or last there is."""
    try:
        return moment + by
    except OverflowError:
        return _FIRST if by < timedelta(0) else _LAST


def _moment(value: datetime) -> Any:
    """Written out, as the seconds of an engine's own constructor are floating."""
    return ibis.literal(value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")).cast("timestamp(6)")


Place = tuple[int, int]
"""The two halves of an address, without a sign."""


def _by_sign(ranges: Ranges) -> list[Range]:
    """The ranges in the order of the signed upper half, none of which changes its sign on the way."""
    middle = 2**127
    lower = [(first, min(last, middle - 1)) for first, last in ranges if first < middle]
    upper = [(max(first, middle), last) for first, last in ranges if last >= middle]
    return upper + lower


def _search(ranges: list[tuple[Place, Place]], high: Any, low: Any) -> Any:
    """Whether an address lies in one of the ranges, which are in order: halved until few are left."""
    if len(ranges) <= _LEAF:
        return functools.reduce(operator.or_, (_inside(first, last, high, low) for first, last in ranges), ibis.literal(False, "boolean"))
    middle = len(ranges) // 2
    start_high, start_low = ranges[middle][0]
    before = (high < signed(start_high)) | ((high == signed(start_high)) & _below(start_low, low))
    return ibis.cases((before, _search(ranges[:middle], high, low)), else_=_search(ranges[middle:], high, low))


def _inside(first: Place, last: Place, high: Any, low: Any) -> Any:
    (from_high, from_low), (to_high, to_low) = first, last
    if from_high == to_high:
        return (high == signed(from_high)) & _between(from_low, to_low, low)
    if (from_low, to_low) == (0, _ALL):
        return high.between(signed(from_high), signed(to_high))
    return (
        ((high == signed(from_high)) & _between(from_low, _ALL, low))
        | ((high > signed(from_high)) & (high < signed(to_high)))
        | ((high == signed(to_high)) & _between(0, to_low, low))
    )


def _between(first: int, last: int, low: Any) -> Any:
    """Whether a lower half, read without a sign, lies between the two: read with one, the upper half of them comes first."""
    if signed(first) <= signed(last):
        return low.between(signed(first), signed(last))
    return (low >= signed(first)) | (low <= signed(last))


def _below(limit: int, low: Any) -> Any:
    return ibis.literal(False, "boolean") if limit == 0 else _between(0, limit - 1, low)


def _version(text: Any) -> Any:
    """`tls_version` of a column: its number, NULL for what is none."""
    forms: list[tuple[Any, Any]] = [(text == usual, tls_version(usual)) for usual in _USUAL]
    forms += [
        (text.re_search(rf"^{_SPACE}(?:[tT][lL][sS]{_SPACE}[vV]?)?{version.replace('.', '[.]')}{_SPACE}$"), tls_version(version))
        for version in _VERSIONS
    ]
    forms.append((text.re_search(rf"^{_SPACE}[tT][lL][sS]{_SPACE}[vV]?1{_SPACE}$"), tls_version("TLSv1")))
    return ibis.cases(*((matches, ibis.literal(number, "int64")) for matches, number in forms))


def _fit(value: Any, kind: Kind, name: str) -> Any:
    if kind == "list":
        if not isinstance(value, list):
            raise UnfitParameter(f"params.{name} must be a list")
        return value
    wanted = _ELEMENTS[kind]
    if not isinstance(value, wanted) or isinstance(value, bool) != (wanted is bool):
        raise UnfitParameter(f"params.{name} holds {value!r}, which is no {kind}")
    if isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
        raise UnfitParameter(f"params.{name} holds {value}, which is over 64 bits")
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise UnfitParameter(f"params.{name} holds a text that is no Unicode")
    return value
