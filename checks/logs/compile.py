"""Typed terms -> an Ibis expression, whose TRUE, FALSE and NULL are CEL's true, false and error.

What has to hold, and is held against the CEL runtime row by row: NULL where a column is null, also in `IN ()` and where no network
is given; a NULL condition of `?:` gives NULL and not the second branch; what a constant cannot be read as is NULL for every row.
Nothing that is compiled can raise while it runs.
"""

from __future__ import annotations

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
from checks.functions.tls import tls_version
from checks.logs.networks import within_v4, within_v6
from checks.logs.pattern import portable
from checks.logs.table import address_columns
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
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_FARTHEST: Final = timedelta(seconds=(2**63 - 1) // 10**9)
"""Two moments that are farther apart have no distance: CEL counts it in nanoseconds, in 64 bits (292 years, and in one of the two
directions a part of a second more)."""

# What `tls_version` strips: all that Python counts as white space (str.isspace), which is more than RE2's \s.
_SPACE: Final = r"[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]*"
_VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3")
_USUAL: Final = ("TLSv1.2", "TLSv1.3", "TLSv1.1", "TLSv1")
"""As logs write them: they are compared first, since ten regular expressions a row cost more than all else in most rules."""
_SPELLINGS: Final = (
    ("[sS][sS][lL][vV]3", tls_version("SSLv3")),
    *((f"[tT][lL][sS][vV]1{minor}", tls_version(f"tlsv1{minor}")) for minor in range(4)),
)


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
        return text.re_search(portable(self.value(pattern)))

    def _within(self, column: Column, holder: Parameter | tuple[Constant, ...]) -> Any:
        family, high, low = (self.rows[name] for name in address_columns(column.name))
        try:
            allowed = AddressSet.of(map(read_network, self._held(holder, "string")))
        except DataError as error:
            raise UnfitParameter(str(error)) from error
        return ibis.cases((family == 4, within_v4(allowed.v4, high, low)), (family == 6, within_v6(allowed.v6, high, low)))


def _compare(function: str, left: Any, right: Any) -> Any:
    """Beside a constant NULL, Ibis writes IS NULL for `==` and IS NOT NULL for `!=`: a truth where there is none.

    Two truth values are compared as numbers, as Ibis puts no parentheses around a side that is a condition, and to Spark
    `x RLIKE 'a' = y` is `x RLIKE ('a' = y)`.
    """
    if any(isinstance(side.op(), Constants) and side.op().value is None for side in (left, right)):
        return ibis.null("boolean")
    if left.type().is_boolean():
        left, right = left.cast("int8"), right.cast("int8")
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


def _version(text: Any) -> Any:
    """`tls_version` of a column: its number, NULL for what is none."""
    forms: list[tuple[Any, Any]] = [(text == usual, tls_version(usual)) for usual in _USUAL]
    forms += [
        (text.re_search(rf"\A{_SPACE}(?:[tT][lL][sS]{_SPACE}[vV]?)?{version.replace('.', '[.]')}{_SPACE}\z"), tls_version(version))
        for version in _VERSIONS
    ]
    forms.append((text.re_search(rf"\A{_SPACE}[tT][lL][sS]{_SPACE}[vV]?1{_SPACE}\z"), tls_version("TLSv1")))
    forms += [(text.re_search(rf"\A{_SPACE}{spelling}{_SPACE}\z"), number) for spelling, number in _SPELLINGS]
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
