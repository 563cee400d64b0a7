"""CEL over wire JSON: compiling a condition, and running it over one resource.

True is upheld, false is broken, and an error is unproven; `error && false` is false and `error || true` is true, which
is Kleene's logic. The runtime is Google's C++ one (`cel-expr-python`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, Protocol

from cel_expr_python import cel

from checks import functions, paths, syntax
from checks.functions.declare import FUNCTIONS, DataError, Function
from checks.model import Data
from checks.paths import ELEMENT, Path
from checks.references import References
from checks.terms import Reference, Trap, Vocabulary
from checks.traps import examine
from checks.verdict import Verdict

_KINDS = {
    "bool": cel.Type.BOOL,
    "double": cel.Type.DOUBLE,
    "int": cel.Type.INT,
    "list": cel.Type.LIST,
    "map": cel.Type.MAP,
    "null": cel.Type.NULL,
    "string": cel.Type.STRING,
    "timestamp": cel.Type.TIMESTAMP,
}
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_DEEPEST = 200
_UNHOLDABLE = re.compile("[\0\ud800-\udfff]")
"""The binding of the runtime ends a text at a NUL: `AES256\\0 not` would be equal to `AES256`."""


class HelperBug(RuntimeError):
    """A helper function raised something that is not a DataError: our fault, never a verdict."""


class World(Protocol):
    """What an expression may see besides the resource it judges. Both raise DataError for what was not seen."""

    def lookup(self, type_: str, id_: str) -> Data | None: ...

    def every(self, type_: str) -> list[Data]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a condition came to, and the runtime's error where it could not be decided."""

    verdict: Verdict
    error: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition, the members it refers to, its tree, and whether it is about a resource or a row."""

    text: str
    program: Any
    references: frozenset[Reference] = field(repr=False)
    tree: syntax.Node = field(repr=False)
    subject: str = "resource"


_TOO_LONG: Final = "Iteration budget exceeded"
"""What the runtime says once a condition's macros have taken 10,000 steps."""


def compile_condition(text: str, vocabulary: Vocabulary) -> Condition:
    """Check and compile. Raises Trap with the offset of what is wrong."""
    program, tree = parse(text)
    return Condition(text, program, examine(tree, vocabulary), tree, vocabulary.subject)


def parse(text: str) -> tuple[Any, syntax.Node]:
    """The program and its tree, not yet held against what a rule may say. Raises Trap."""
    try:
        program = _runtime().environment.compile(text)
    except RuntimeError as error:
        raise _syntax_error(str(error)) from error
    try:
        return program, syntax.read(program.serialize())
    except syntax.UnsupportedSyntax as error:
        raise Trap(str(error), -1) from error


def evaluate(
    condition: Condition,
    data: Data,
    *,
    params: Mapping[str, Any],
    now: datetime,
    account: str,
    region: str,
    world: World,
) -> Outcome:
    """Run a condition over data that `clean` has passed. Raises HelperBug."""
    runtime = _runtime()
    runtime.world, runtime.bug = world, None
    try:
        kind, result = _run(
            condition.program, {condition.subject: data, "params": params, "now": now, "account": account, "region": region}
        )
    except RuntimeError as error:
        if _TOO_LONG not in str(error):
            raise
        return Outcome(Verdict.UNPROVEN, "there is a list in it that is longer than can be looked through")
    finally:
        runtime.world = None
        runtime.references.give_up(raised=runtime.bug is not None)
    if runtime.bug is not None:
        raise HelperBug(f"{condition.text}: {runtime.bug!r}") from runtime.bug
    if kind == "BOOL":
        return Outcome(Verdict.UPHELD if result else Verdict.BROKEN)
    return Outcome(Verdict.UNPROVEN, _readable(str(result)) if kind == "ERROR" else f"not a truth value: {result!r}")


def _run(program: Any, variables: Mapping[str, Any]) -> tuple[str, Any]:
    """The type of what a program comes to, and its value in Python. Of the runtime's own values nothing is there afterwards."""
    value = program.eval(data=variables)
    return value.type().name(), value.plain_value()


def constant(function: str, text: str) -> Any:
    """What `timestamp()` or `duration()` of a text is to the runtime: a datetime or timedelta; None where it is an error, or finer than
    the microseconds that these have (see `too_fine`)."""
    value = _runtime().environment.compile(f"{function}(account)").eval(data={"account": text})
    return None if value.type().name() == "ERROR" or _rounded(function, text, value.plain_value()) else value.plain_value()


def too_fine(function: str, text: str) -> bool:
    """Whether `timestamp()` or `duration()` of a text has a part of a microsecond."""
    value = _runtime().environment.compile(f"{function}(account)").eval(data={"account": text})
    return value.type().name() != "ERROR" and _rounded(function, text, value.plain_value())


def _rounded(function: str, text: str, value: datetime | timedelta) -> bool:
    if isinstance(value, timedelta):
        written = f"{value // timedelta(microseconds=1)}us"
    else:
        written = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    same = _runtime().environment.compile(f"{function}(account) == {function}(region)")
    return same.eval(data={"account": text, "region": written}).plain_value() is not True


def pattern_error(pattern: str) -> str:
    """Why the runtime would not take a regular expression; empty if it does."""
    value = _runtime().environment.compile("'text'.matches(account)").eval(data={"account": pattern})
    return _readable(str(value.plain_value())) if value.type().name() == "ERROR" else ""


def clean(data: Any, nullable: frozenset[Path] = frozenset(), path: Path = ()) -> tuple[Any, list[Path]]:
    """Data as the runtime may see it, and the members that had to be left out because it cannot hold them.

    A null is an absent member unless the catalogue says what the absence means. Text with a lone surrogate or a NUL, an
    integer over 64 bits, a number that is not finite and what is nested too deep are left out, and so is a list that
    has a null in it: a shorter list would not be the provider's.
    """
    match data:
        case dict() | list() if len(path) > _DEEPEST:
            return type(data)(), [path]
        case dict():
            kept: dict[str, Any] = {}
            lost: list[Path] = []
            for name, value in data.items():
                at = (*path, name)
                if _UNHOLDABLE.search(name):
                    lost.append(path)
                elif value is None:
                    if at in nullable:
                        kept[name] = None
                elif _holdable(value):
                    kept[name], below = clean(value, nullable, at) if isinstance(value, dict | list) else (value, ())
                    if below:
                        lost += below
                        if at in below:
                            del kept[name]
                else:
                    lost.append(at)
            return kept, lost
        case list():
            items: list[Any] = []
            lost = []
            for item in data:
                if item is None or not _holdable(item):
                    return [], [path]
                cleaned, below = clean(item, nullable, (*path, ELEMENT)) if isinstance(item, dict | list) else (item, ())
                items.append(cleaned)
                lost += below
            return items, lost
    return data, []


def _holdable(value: Any) -> bool:
    match value:
        case str():
            return "\0" not in value and (value.isascii() or not _UNHOLDABLE.search(value))
        case bool():
            return True
        case int():
            return _SMALLEST <= value <= _LARGEST
        case float():
            return math.isfinite(value)
    return True


class _Runtime:
    """The CEL environment. One evaluation runs at a time: `world` is the one it sees."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.bug: Exception | None = None
        self.references = References()
        dyn, text = cel.Type.DYN, cel.Type.STRING
        declared = [self._declare(function) for function in FUNCTIONS.values()]
        lookup, every = self.references.function(self._lookup), self.references.function(self._every)
        declared.append(cel.FunctionDecl("lookup", [cel.Overload("lookup_type_id", dyn, [text, text], impl=lookup)]))
        declared.append(cel.FunctionDecl("every", [cel.Overload("every_type", cel.Type.LIST, [text], impl=every)]))
        self.environment = cel.NewEnv(
            variables={
                "resource": dyn,
                "row": dyn,
                "params": cel.Type.Map(text, dyn),
                "now": cel.Type.TIMESTAMP,
                "account": text,
                "region": text,
            },
            functions=declared,
        )

    def _declare(self, function: Function) -> Any:
        implementation = self.references.function(self._guarded(function.implementation))
        return cel.FunctionDecl(
            function.name,
            [
                cel.Overload(
                    "_".join((function.name, *kinds)), _KINDS[function.returns], [_KINDS[kind] for kind in kinds], impl=implementation
                )
                for kinds in function.overloads()
            ],
        )

    def _guarded(self, implementation: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            try:
                return implementation(*arguments)
            except DataError:
                raise
            except Exception as error:  # the C++ runtime would make any error an unproven; a bug must not hide there
                self.bug = error
                raise

        return call

    def _lookup(self, type_: str, id_: str) -> Data | None:
        assert self.world is not None
        return self._guarded(self.world.lookup)(type_, id_)  # type: ignore[return-value]

    def _every(self, type_: str) -> list[Data]:
        assert self.world is not None
        return self._guarded(self.world.every)(type_)  # type: ignore[return-value]


@cache
def _runtime() -> _Runtime:
    assert functions.FUNCTIONS is FUNCTIONS
    return _Runtime()


_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")


def _syntax_error(message: str) -> Trap:
    found = _PLACE.search(message)
    return Trap(found[3], int(found[2]) - 1) if found else Trap(_readable(message), -1)


def _readable(error: str) -> str:
    """The runtime's message in the words of whoever reads a finding."""
    if found := re.search(r'Key not found in map : "([^"]*)"', error):
        return f"{found[1]} is absent"
    if "No matching overloads" in error:
        return f"a value has another type than expected ({error.rpartition(': ')[2]})"
    return error.partition(": ")[2] or error


def members(references: frozenset[Reference], root: str | None = None) -> frozenset[str]:
    """The top-level members referred to; `*` where the whole object is."""
    return frozenset(paths.render(reference.path[:1]) or "*" for reference in references if reference.root == root)
