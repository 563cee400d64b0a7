"""Template expressions, as far as they say the same whoever deploys them: `[concat(parameters('name'), '-nic')]`.

Read are literals and the functions concat, format, toLower, toUpper, parameters (by its default value), variables,
resourceId, subscriptionResourceId, resourceGroup and subscription (Azure Resource Manager documentation, "Template
functions"). All else has no value here: what a deployment would make of it, its template does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agent.collect.azure.ids import made

LONGEST: Final = 100_000
"""Characters or elements: an expression whose value grows beyond is not one that names a resource."""
DEEPEST: Final = 40
_TOKEN: Final = re.compile(r"\s*(?:'((?:[^']|'')*)'|(-?[0-9]{1,9}(?![0-9]))|([A-Za-z_][A-Za-z0-9_]*)|([()\[\],.]))")
_HOLE: Final = re.compile(r"\{([0-9]{1,2})\}")


@dataclass(frozen=True, slots=True)
class Unresolved:
    """In the place of a value that a template does not tell."""

    why: str


class _NoValueError(Exception):
    """An expression has no value."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a template is deployed into."""

    subscription: str
    group: str
    location: str | None

    @property
    def scope(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"


@dataclass(slots=True)
class Resolver:
    """Gives the values of one template's expressions. What it cannot tell becomes Unresolved."""

    template: Mapping[str, Any]
    around: Surroundings
    _held: dict[tuple[str, str], Any] = field(default_factory=dict)
    """The values of parameters and variables: each is found once, whether or not it has one."""
    _depth: int = 0

    def value(self, held: Any) -> Any:
        """Any value of the template, its expressions replaced."""
        match held:
            case str():
                return self._text(held)
            case list():
                return [self.value(one) for one in held]
            case dict():
                return self._object(held)
        return held

    def _object(self, held: Mapping[str, Any]) -> Any:
        if any(_is_expression(name) for name in held):
            return Unresolved("a member's name is an expression")
        found = {name: self.value(below) for name, below in held.items() if name != "copy"}
        loops = held.get("copy")
        if isinstance(loops, list):
            for loop in loops:
                name = loop.get("name") if isinstance(loop, dict) else None
                if not isinstance(name, str):
                    return Unresolved("a copy loop without a name")
                found[name] = Unresolved("made by a copy loop")
        elif loops is not None:
            found["copy"] = self.value(loops)
        return found

    def _text(self, text: str) -> Any:
        if not _is_expression(text):
            return text[1:] if text.startswith("[[") and text.endswith("]") else text
        try:
            return self._evaluated(text)
        except _NoValueError as error:
            return Unresolved(f"{_short(text)}: {error}")

    def _evaluated(self, text: str) -> Any:
        if self._depth >= DEEPEST:
            raise _NoValueError("it refers to itself, or nests too deep")
        self._depth += 1
        try:
            return _Reader(text[1:-1], self._call).read()
        finally:
            self._depth -= 1

    def _call(self, name: str, arguments: list[Any]) -> Any:
        lowered = name.lower()
        match lowered, arguments:
            case (("parameters" | "variables"), [str() as wanted]):
                return self._named(lowered, wanted)
            case "concat", [_, *_] if all(isinstance(one, list) for one in arguments):
                return _bounded([element for one in arguments for element in one])
            case (("concat" | "format"), [_, *_]) if all(_is_plain(one) for one in arguments):
                return _bounded("".join(map(str, arguments)) if lowered == "concat" else _formatted(arguments))
            case "tolower", [str() as one]:
                return one.lower()
            case "toupper", [str() as one]:
                return one.upper()
            case "resourceid", _:
                return self._resource_id(arguments)
            case "subscriptionresourceid", _:
                return self._resource_id(arguments, grouped=False)
            case "resourcegroup", []:
                held = {"name": self.around.group, "id": self.around.scope}
                return {**held, "location": self.around.location} if self.around.location else held
            case "subscription", []:
                return {"subscriptionId": self.around.subscription, "id": f"/subscriptions/{self.around.subscription}"}
        raise _NoValueError(f"{name}() says nothing here")

    def _named(self, kind: str, wanted: str) -> Any:
        key = (kind, wanted.lower())
        if key not in self._held:
            try:
                self._held[key] = self._known(self._parameter(wanted) if kind == "parameters" else self._variable(wanted))
            except _NoValueError as error:
                self._held[key] = Unresolved(str(error))
        if isinstance(self._held[key], Unresolved):
            raise _NoValueError(self._held[key].why)
        return self._held[key]

    def _parameter(self, wanted: str) -> Any:
        declared = _member(self.template.get("parameters"), wanted)
        if not isinstance(declared, dict):
            raise _NoValueError(f"there is no parameter {wanted}")
        if str(declared.get("type")).lower() in {"securestring", "secureobject"}:
            raise _NoValueError(f"the parameter {wanted} is a secret")
        if declared.get("defaultValue") is None:
            raise _NoValueError(f"the parameter {wanted} has no default value")
        return declared["defaultValue"]

    def _variable(self, wanted: str) -> Any:
        held = _member(self.template.get("variables"), wanted)
        if held is None:
            raise _NoValueError(f"there is no variable {wanted}")
        return held

    def _known(self, held: Any) -> Any:
        """A value all of which can be told: a part that cannot would make another value of the whole."""
        if isinstance(held, str) and _is_expression(held):
            return self._evaluated(held)
        value = self.value(held)
        for number, part in enumerate(_parts(value)):
            if isinstance(part, Unresolved):
                raise _NoValueError(part.why)
            if number > LONGEST:
                raise _NoValueError("its value is too long")
        return value

    def _resource_id(self, arguments: list[Any], *, grouped: bool = True) -> str:
        texts = [one for one in arguments if isinstance(one, str)]
        at = next((index for index, one in enumerate(texts) if "/" in one), None)
        if len(texts) < len(arguments) or at is None or at > (2 if grouped else 1):
            raise _NoValueError("resourceId() without a type")
        before, type_, names = texts[:at], texts[at], texts[at + 1 :]
        group = before[-1] if before and grouped else self.around.group
        subscription = before[0] if len(before) == (2 if grouped else 1) else self.around.subscription
        scope = f"/subscriptions/{subscription}" + (f"/resourceGroups/{group}" if grouped else "")
        found = made(scope, subscription, type_, names)
        if found is None:
            raise _NoValueError(f"resourceId() of {type_} with {len(names)} names")
        return str(found)


@dataclass(slots=True)
class _Reader:
    """Recursive descent over one expression."""

    text: str
    call: Callable[[str, list[Any]], Any]
    _tokens: list[tuple[str, Any]] = field(default_factory=list)
    _at: int = 0

    def read(self) -> Any:
        self._tokens = [*_tokens(self.text), ("end", "")]
        value = self._expression(0)
        if self._next() != ("end", ""):
            raise _NoValueError("it goes on after its end")
        return value

    def _next(self) -> tuple[str, Any]:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _peek(self, mark: str) -> bool:
        return self._tokens[self._at] == ("mark", mark)

    def _expect(self, mark: str) -> None:
        if self._next() != ("mark", mark):
            raise _NoValueError(f"a {mark} is missing")

    def _expression(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise _NoValueError("it nests too deep")
        kind, value = self._next()
        if kind == "name":
            value = self.call(value, self._arguments(depth))
        elif kind != "literal":
            raise _NoValueError("not an expression")
        while self._peek(".") or self._peek("["):
            value = self._step(value, depth)
        return value

    def _arguments(self, depth: int) -> list[Any]:
        self._expect("(")
        found: list[Any] = []
        while not self._peek(")"):
            if found:
                self._expect(",")
            found.append(self._expression(depth + 1))
        self._next()
        return found

    def _step(self, value: Any, depth: int) -> Any:
        if self._next() == ("mark", "."):
            kind, name = self._next()
            wanted = name if kind == "name" else None
        else:
            wanted = self._expression(depth + 1)
            self._expect("]")
        match value, wanted:
            case dict(), str() if (held := _member(value, wanted)) is not None:
                return held
            case list(), int() if not isinstance(wanted, bool) and 0 <= wanted < len(value):
                return value[wanted]
        raise _NoValueError(f"there is no {wanted} in it")


def _tokens(text: str) -> Iterator[tuple[str, Any]]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _NoValueError("not an expression")
        literal, number, name, mark = found.groups()
        if literal is not None:
            yield "literal", literal.replace("''", "'")
        elif number is not None:
            yield "literal", int(number)
        else:
            yield ("name", name) if name is not None else ("mark", mark)
        at = found.end()


def _is_expression(text: str) -> bool:
    """`[...]`; `[[...]` is a text that begins with a bracket."""
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _formatted(arguments: list[Any]) -> str:
    form, *values = arguments
    if not isinstance(form, str) or any(int(hole[1]) >= len(values) for hole in _HOLE.finditer(form)):
        raise _NoValueError("format() with too few values")
    bare = _HOLE.sub("", form)
    if "{" in bare or "}" in bare:
        raise _NoValueError("format() of another form")
    return _HOLE.sub(lambda hole: str(values[int(hole[1])]), form)


def _bounded(value: Any) -> Any:
    if len(value) > LONGEST:
        raise _NoValueError("its value is too long")
    return value


def _member(held: Any, wanted: str) -> Any:
    """A member by its name, without regard to case; None where there is none, or several."""
    found = [below for name, below in held.items() if name.lower() == wanted.lower()] if isinstance(held, dict) else []
    return found[0] if len(found) == 1 else None


def _parts(value: Any) -> Iterator[Any]:
    """The value and all that is in it."""
    yield value
    if isinstance(value, dict | list):
        for below in value.values() if isinstance(value, dict) else value:
            yield from _parts(below)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
