"""What a test of one of Sigma's fields is as a condition over a column, in each of the logs that Sigma rules are imported for.

A condition is true or false only where the column tells; where it is null, it is so for a reason, and the reason counts: a record
without an error has no errorCode, which `outcome` says. What a column does not hold exactly is not imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaNull,
    SigmaNumber,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
)

from agent.sigma.values import NotImported, literal, pattern, plain, samples

Value = str | int | bool
_OPERATORS: Final = {CompareOperators.LT: "<", CompareOperators.LTE: "<=", CompareOperators.GT: ">", CompareOperators.GTE: ">="}
_TRIED: Final = 2
"""Of however many values a test accepts, so many are tried in examples."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition in CEL, whether it is one test (else it needs parentheses beside others), and by column some values to try it on."""

    text: str
    single: bool
    tried: tuple[tuple[str, Value], ...]

    @property
    def enclosed(self) -> str:
        return self.text if self.single else f"({self.text})"


Test = Callable[[Sequence[SigmaType]], Condition]
"""Whether a field is one of the values. Raises NotImported."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log as Sigma names it (`product`, `service`), the table it is here, its fields, and what a finding is about and shows."""

    product: str
    service: str
    table: str
    fields: Mapping[str, Test]
    group_by: tuple[str, ...]
    show: tuple[str, ...]


def joined(parts: Sequence[Condition], operator: str) -> Condition:
    """`operator`: `&&` or `||`."""
    if len(parts) == 1:
        return parts[0]
    return Condition(f" {operator} ".join(part.enclosed for part in parts), False, tuple(tried for part in parts for tried in part.tried))


def test(text: str, **tried: Value) -> Condition:
    return Condition(text, True, tuple(tried.items()))


def text(column: str, *, folded: bool = False, also: Sequence[Sequence[str]] = ()) -> Test:
    """A text. `folded`: the table holds it in lower case. `also`: words that mean the same, where one of them is asked for."""

    def asked(values: Sequence[SigmaType]) -> Condition:
        _present(values)
        wanted = [*values]
        for value in values:
            word = (plain(value) or "").lower()
            wanted += [SigmaString(other) for group in also if word in group for other in group if other != word]
        found = f"row.{column}.matches({literal(pattern(wanted, folded=folded))})"
        return Condition(found, True, tuple((column, one) for one in samples(values[:_TRIED], folded=folded)))

    return asked


def where(guard: Condition, inner: Test) -> Test:
    """`inner` where `guard` says that the field is there; where it says that it is not, no value of it is."""
    return lambda values: joined([guard, inner(values)], "&&")


def flag(column: str, *, true: str = "true", false: str = "false") -> Test:
    """A truth value, as Sigma writes it."""

    def asked(values: Sequence[SigmaType]) -> Condition:
        _present(values)
        words = {(plain(value) or "").lower() for value in values}
        if words == {true}:
            return test(f"row.{column}", **{column: True})
        if words == {false}:
            return test(f"!row.{column}", **{column: False})
        raise NotImported(f"here it can be asked for {true} or for {false} only")

    return asked


def number(column: str) -> Test:
    def asked(values: Sequence[SigmaType]) -> Condition:
        _present(values)
        match values[0] if len(values) == 1 else None:
            case SigmaNumber(number=int(wanted)) as value if not isinstance(value, SigmaTimestampPart):
                return test(f"row.{column} == {wanted}", **{column: wanted})
            case SigmaCompareExpression(number=SigmaNumber(number=int(limit)), op=operator) if operator in _OPERATORS:
                return Condition(
                    f"row.{column} {_OPERATORS[operator]} {limit}", True, ((column, limit), (column, limit - 1), (column, limit + 1))
                )
        raise NotImported("a number can be asked for as a whole number, or as less or more than one")

    return asked


def address(column: str, name: Test | None = None) -> Test:
    """An address, or a network of them; `name` is asked where the text cannot be an address."""

    def asked(values: Sequence[SigmaType]) -> Condition:
        _present(values)
        networks = [network for value in values if (network := _network(value)) is not None]
        names = [value for value in values if _network(value) is None]
        if names and (name is None or not all(map(_is_name, names))):
            raise NotImported("a part of an address is no test of it: write networks with the modifier cidr")
        listed = ", ".join(f"'{network}'" for network in networks)
        tried = tuple((column, network.partition("/")[0]) for network in networks)
        within = [Condition(f"cidrs_within([row.{column}], [{listed}])", True, tried)] if networks else []
        return joined([*within, *([name(names)] if name and names else [])], "||")

    return asked


def words(accepted: Sequence[str], inner: Test) -> Test:
    """A text of which the table holds these words only; another would never be found, and seem not to be there."""

    def asked(values: Sequence[SigmaType]) -> Condition:
        _present(values)
        if not all((plain(value) or "").lower() in accepted for value in values):
            raise NotImported(f"the table holds only {', '.join(accepted)} of it")
        return inner(values)

    return asked


def of_call(source: str, names: Sequence[str], inner: Test) -> Test:
    """A member of requests or responses that a column tells of these calls only (of all calls of the service, where none is named)."""

    def asked(values: Sequence[SigmaType]) -> Condition:
        found = inner(values)
        calls = f"row.event_source == '{source}'" + (f" && row.event_name in [{', '.join(map(repr, names))}]" if names else "")
        why = f"of other calls than {' and '.join(names) or 'those'} of {source} it does not stand in a column"
        tried: tuple[tuple[str, Value], ...] = (("event_source", source), *(("event_name", name) for name in names))
        return Condition(f"({calls} ? {found.text} : undecided({why!r}))", True, (*tried, *found.tried))

    return asked


def presence(there: Condition, absent: Condition, inner: Test) -> Test:
    """A field of which other columns say whether it is there."""

    def asked(values: Sequence[SigmaType]) -> Condition:
        match values[0] if len(values) == 1 else None:
            case SigmaNull() | SigmaExists(exists=False):
                return absent
            case SigmaExists(exists=True):
                return there
        return inner(values)

    return asked


def _present(values: Sequence[SigmaType]) -> None:
    if any(isinstance(value, SigmaNull | SigmaExists) for value in values):
        raise NotImported("whether it is there at all cannot be asked over rows: a null column is unproven")
    if any(isinstance(value, SigmaBool) for value in values) and len(values) > 1:
        raise NotImported("a truth value among other values")


def _network(value: SigmaType) -> str | None:
    """The network, or single address, that a value names; None for one that names neither."""
    if isinstance(value, SigmaCIDRExpression):
        return str(value.network)
    try:
        return str(ip_address(plain(value) or ""))
    except ValueError:
        return None


def _is_name(value: SigmaType) -> bool:
    """Whether a text has a letter that no address has."""
    return any(letter in "ghijklmnopqrstuvwxyz" for letter in str(value).lower())
