"""What a rule file means: one control, judged for one kind of resource, by one condition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks import paths
from checks.catalogue import Catalogue
from checks.document import Document, validate
from checks.expression import Condition, compile_condition
from checks.logs import subset
from checks.logs.rows import NoRow, check
from checks.logs.table import Table
from checks.logs.tables import TABLES
from checks.logs.terms import Term, columns
from checks.model import EvidenceKind
from checks.network.body import Body
from checks.network.read import READ
from checks.network.wanted import Unclear
from checks.shape import Shape
from checks.terms import Reference, Trap, Vocabulary

NonEmpty = Annotated[str, Field(min_length=1)]
Severity = Literal["critical", "high", "medium", "low", "informational"]
SEVERITIES: tuple[Severity, ...] = ("informational", "low", "medium", "high", "critical")
MUTATIONS = ("delete", "null", "empty", "text", "unknown", "any")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Parameter(_Strict):
    type: Literal["int", "string", "bool", "list"]
    default: int | str | bool | list[int | str] | None = None
    description: str = ""

    def takes(self, value: object) -> bool:
        match self.type:
            case "int":
                return isinstance(value, int) and not isinstance(value, bool)
            case "bool":
                return isinstance(value, bool)
            case "string":
                return isinstance(value, str)
        return isinstance(value, list)


class Intended(_Strict):
    """A mutant of an upheld example that may stay upheld, and why."""

    delete: str | None = None
    null: str | None = None
    empty: str | None = None
    text: str | None = None
    unknown: str | None = None
    any: str | None = None
    because: NonEmpty

    @model_validator(mode="after")
    def _one(self) -> Intended:
        if sum(getattr(self, name) is not None for name in MUTATIONS) != 1:
            raise ValueError(f"name exactly one of {', '.join(MUTATIONS)}")
        return self

    def covers(self, mutation: str, path: paths.Path) -> bool:
        named = getattr(self, mutation, None) or self.any
        return named is not None and paths.covers(paths.parse(named), path)


class Citation(_Strict):
    framework: NonEmpty
    id: NonEmpty


class Examples(_Strict):
    """`base`: what the small estates of a rule with `paths` have in common; each replaces a type's resources by its own."""

    base: dict[str, Any] = {}
    upheld: list[dict[str, Any]] = Field(min_length=1)
    differing: list[dict[str, Any]] = []
    """Upheld in substance, and broken if the sentence is read literally."""
    broken: list[dict[str, Any]] = Field(min_length=1)
    unproven: list[dict[str, Any]] = Field(min_length=1)
    excluded: list[dict[str, Any]] = []


class RuleFile(_Strict):
    """A rule as written."""

    id: NonEmpty = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: NonEmpty
    control: NonEmpty
    severity: Severity
    resource: NonEmpty | None = None
    rows: NonEmpty | None = None
    """In the place of `resource`: the table of a log, each of whose rows is judged."""
    applies_if: NonEmpty | None = None
    upheld_if: NonEmpty | None = None
    broken_if: NonEmpty | None = None
    """With `rows`, in the place of `upheld_if`: what must not stand in the log, such as an attack as a detection describes it. It may
    name what is bad: a row that it does not describe is upheld, which says that this was not seen there, and nothing more."""
    literal_if: NonEmpty | None = None
    """What the sentence says word for word, where `upheld_if` says what it is about: a promise picks the reading that counts."""
    paths: Body | None = None
    """In the place of a condition: what may reach what, judged for each network of the type `resource`."""
    covers: list[NonEmpty] = []
    """With `paths`: the kinds of resource, as AWS Config names them, whose network interfaces are judged so."""
    show: list[NonEmpty] = []
    group_by: list[NonEmpty] = []
    """With `rows`: the columns that say what a finding is about."""
    required: bool = False
    """With `rows`: whether nothing but these rows can show what is promised, so that an account without them is a gap."""
    params: dict[str, Parameter] = {}
    ignores: dict[str, NonEmpty] = {}
    """Parameters of the control that make no difference to this rule, each with the reason."""
    remedy: NonEmpty
    references: list[Citation] = []
    source: str | None = None
    rationale: str | None = None
    evidence: EvidenceKind | None = None
    """What an upheld verdict rests on: what the platform does for all of the kind, or what is configured on the resource itself."""
    intended: list[Intended] = []
    examples: Examples

    @property
    def kind(self) -> str:
        """The type of resource, or the table, that is judged."""
        return self.rows or self.resource or ""

    @property
    def good(self) -> str | None:
        """The condition whose truth is upheld, whichever way it is written; None where there are `paths`."""
        return self.upheld_if if self.broken_if is None else f"!({self.broken_if}\n)"

    @model_validator(mode="after")
    def _one_subject(self) -> RuleFile:
        if (self.resource is None) == (self.rows is None):
            raise ValueError("a rule judges either a `resource` or `rows`")
        if self.rows is not None and (self.paths is not None or self.literal_if is not None or self.covers):
            raise ValueError("beside `rows`, nothing is said by `paths`, `literal_if` or `covers`")
        if self.rows is None and (self.group_by or self.required):
            raise ValueError("`group_by` and `required` are for rules with `rows`")
        if self.rows is None and self.broken_if is not None:
            raise ValueError("`broken_if` is for rules with `rows`: of a resource, say what is good")
        return self

    @model_validator(mode="after")
    def _one_body(self) -> RuleFile:
        if sum(body is not None for body in (self.upheld_if, self.broken_if, self.paths)) != 1:
            raise ValueError("a rule has either `upheld_if` or `paths`; over rows, it may have `broken_if` instead")
        if self.paths is not None and (self.applies_if is not None or self.literal_if is not None or self.show or self.intended):
            raise ValueError("beside `paths`, nothing is said by `applies_if`, `literal_if`, `show` or `intended`")
        if bool(self.examples.differing) != (self.literal_if is not None):
            raise ValueError("`examples.differing` shows where `literal_if` and `upheld_if` part: give both or neither")
        if self.covers and self.paths is None:
            raise ValueError("`covers` is for rules with `paths`: what another rule judges is its `resource`")
        return self

    @model_validator(mode="after")
    def _population(self) -> RuleFile:
        if bool(self.examples.excluded) != (self.applies_if is not None):
            raise ValueError("`examples.excluded` shows what `applies_if` leaves out: give both or neither")
        return self


@dataclass(frozen=True, slots=True)
class Terms:
    """The conditions of a rule over the rows of `table`."""

    table: Table
    applies_if: Term | None
    upheld_if: Term


Expected = Mapping[str | None, Mapping[paths.Path, Shape]]
"""By root (as in Reference): the shape at each path. A value of another shape is no value: CEL would call it unequal."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that may judge: its conditions compiled, every member and constant checked. One with `paths` has none."""

    file: RuleFile
    document: Document
    applies_if: Condition | None
    upheld_if: Condition | None
    literal_if: Condition | None
    references: frozenset[Reference]
    expected: Expected
    terms: Terms | None = None
    """With `rows`: the conditions as every engine can run them."""

    @property
    def id(self) -> str:
        return self.file.id

    @property
    def kind(self) -> str:
        return self.file.kind

    def params(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every declared parameter, as given or by default. What the rule does not declare is left out."""
        return {name: given.get(name, parameter.default) for name, parameter in self.file.params.items()}

    def columns(self) -> frozenset[str]:
        """With `rows`, the columns that it reads: in its conditions, and to show and group what it finds."""
        if self.terms is None:
            return frozenset()
        applies = frozenset() if self.terms.applies_if is None else columns(self.terms.applies_if)
        return columns(self.terms.upheld_if) | applies | {*self.file.show, *self.file.group_by}

    def needs(self) -> dict[str, set[str]]:
        """Per resource type, the top-level members that must be collected; `*` for all."""
        if self.file.paths is not None:
            return {type_: set(members) for type_, members in READ.get(self.kind, {}).items()}
        needed: dict[str, set[str]] = {self.kind: {step for path in self.file.show for step in paths.parse(path)[:1]}}
        for reference in self.references:
            needed.setdefault(reference.root or self.kind, set()).add(reference.path[0] if reference.path else "*")
        return needed


def read(document: Document, catalogue: Catalogue, shapes: Mapping[str, Shape], controls: Iterable[str]) -> Rule:
    """Load one rule. Raises DocumentError with the line for whatever keeps it from judging truthfully."""
    file = validate(document, RuleFile.model_validate)
    if file.rows is None and file.kind not in catalogue:
        document.fail(("resource",), f"nobody collects the type {file.kind!r}")
    if file.rows is not None and file.rows not in TABLES:
        document.fail(("rows",), f"there is no table {file.rows!r}; there is {', '.join(TABLES)}")
    if file.control not in controls:
        document.fail(("control",), f"there is no control {file.control!r}")
    _check_params(file, document)
    if file.rows is not None:
        return _of_rows(file, document, TABLES[file.rows])
    _check_examples(file, document, catalogue)
    for index, path in enumerate(file.show):
        if not shapes[file.kind].has(paths.parse(path)):
            document.fail(("show", index), f"show: there is no member {path!r}")
    if file.paths is not None:
        _check_body(file, file.paths, document)
        return Rule(file, document, None, None, None, frozenset(), {})
    vocabulary = Vocabulary(
        kind=file.kind,
        shapes=shapes,
        catalogue=catalogue,
        params={name: parameter.type for name, parameter in file.params.items()},
        intended_empty=frozenset(entry.empty or entry.any or "" for entry in file.intended),
    )
    assert file.upheld_if is not None
    upheld_if = _compile(document, "upheld_if", file.upheld_if, vocabulary)
    applies_if = None
    if file.applies_if is not None:
        relaxed = Vocabulary(
            vocabulary.kind, vocabulary.shapes, vocabulary.catalogue, vocabulary.params, vocabulary.intended_empty, deny_lists=True
        )
        applies_if = _compile(document, "applies_if", file.applies_if, relaxed)
    literal_if = _compile(document, "literal_if", file.literal_if, vocabulary) if file.literal_if is not None else None
    references = frozenset().union(*(one.references for one in (applies_if, upheld_if, literal_if) if one))
    return Rule(file, document, applies_if, upheld_if, literal_if, references, _expected(references, file.kind, shapes))


def _of_rows(file: RuleFile, document: Document, table: Table) -> Rule:
    """A rule over rows: what it says must also be what every engine can run."""
    for key, names in (("show", file.show), ("group_by", file.group_by)):
        for index, name in enumerate(names):
            if name not in table:
                document.fail((key, index), f"{key}: {table.name} has no column {name!r}")
            if table[name].care == "free":
                document.fail((key, index), f"{key}: {name} is free text, of which nothing is shown")
    _check_rows(file, document, table)
    params = {name: parameter.type for name, parameter in file.params.items()}
    shapes = {table.name: table.shape}
    words = Vocabulary(kind=table.name, shapes=shapes, catalogue={}, params=params, subject="row")
    denying = replace(words, deny_lists=True)
    assert file.good is not None
    if file.broken_if is not None:
        _compile_for_rows(document, "broken_if", file.broken_if, denying, table)  # by itself: then an error shows its place
    allowed = words if file.broken_if is None else denying
    upheld_if, upheld = _compile_for_rows(document, "upheld_if", file.good, allowed, table)
    applies_if, applies = None, None
    if file.applies_if is not None:
        applies_if, applies = _compile_for_rows(document, "applies_if", file.applies_if, denying, table)
    references = upheld_if.references | (applies_if.references if applies_if else frozenset())
    return Rule(file, document, applies_if, upheld_if, None, references, {}, Terms(table, applies, upheld))


def _compile_for_rows(document: Document, key: str, text: str, vocabulary: Vocabulary, table: Table) -> tuple[Condition, Term]:
    condition = _compile(document, key, text, vocabulary)
    try:
        return condition, subset.read(condition.tree, table, vocabulary.params)
    except Trap as trap:
        place = f", at {excerpt(text, trap.offset)}" if trap.offset >= 0 else ""
        document.fail((key,), f"{key}: {trap.problem}{place}")


def _check_rows(file: RuleFile, document: Document, table: Table) -> None:
    """An example is a row, or the row under `given` beside `params`."""
    for wanted in ("upheld", "broken", "unproven", "excluded"):
        for index, example in enumerate(getattr(file.examples, wanted)):
            at = ("examples", wanted, index)
            given = example.get("given", example)
            if "given" in example and (unknown := sorted(set(example) - {"given", "params"})):
                document.fail((*at, unknown[0]), f"beside `given` an example of rows takes `params`, and not {unknown[0]!r}")
            try:
                check(table, given)
            except NoRow as error:
                document.fail(at, str(error))
            for name, value in example.get("params", {}).items() if "given" in example else ():
                if name not in file.params or not file.params[name].takes(value):
                    document.fail((*at, "params", name), f"the rule declares no parameter {name!r} that could be {value!r}")


def _expected(references: Iterable[Reference], kind: str, shapes: Mapping[str, Shape]) -> Expected:
    """What must stand on the way to each member that is referred to."""
    found: dict[str | None, dict[paths.Path, Shape]] = {}
    for reference in references:
        shape: Shape | None = shapes[reference.root or kind]
        for end, step in enumerate(reference.path, 1):
            shape = shape and (shape.element if shape.kind == "list" else shape.step(step))
            if shape is not None:
                found.setdefault(reference.root, {})[reference.path[:end]] = shape
    return found


def _compile(document: Document, key: str, text: str, vocabulary: Vocabulary) -> Condition:
    try:
        return compile_condition(text, vocabulary)
    except Trap as trap:
        place = f", at {excerpt(text, trap.offset)}" if trap.offset >= 0 else ""
        document.fail((key,), f"{key}: {trap.problem}{place}")


def excerpt(text: str, offset: int) -> str:
    """Some of the expression from the offset on, for an error message."""
    found = " ".join(text[offset:].split())
    return repr(found[:40] + ("..." if len(found) > 40 else ""))


def _check_params(file: RuleFile, document: Document) -> None:
    for name, parameter in file.params.items():
        if parameter.default is None or not parameter.takes(parameter.default):
            document.fail(("params", name), f"the parameter {name!r} needs a default of type {parameter.type}")


def _check_body(file: RuleFile, body: Body, document: Document) -> None:
    if file.kind not in READ:
        document.fail(("resource",), f"paths are judged for each network: resource is one of {', '.join(sorted(READ))}")
    for name in body.parameters():
        if name not in file.params:
            document.fail(("paths",), f"the rule declares no parameter {name!r}")
    try:
        body.given({name: parameter.default for name, parameter in file.params.items()})
    except Unclear as error:
        document.fail(("paths",), f"paths: {error}")


def _check_examples(file: RuleFile, document: Document, catalogue: Catalogue) -> None:
    """An example is a resource's data, or the data under `given`, others `with` it, and `params`: a misspelt key would test nothing."""
    if file.paths is None and file.examples.base:
        document.fail(("examples", "base"), "`base` is for rules with `paths`")
    for wanted in ("upheld", "differing", "broken", "unproven", "excluded"):
        for index, example in enumerate(getattr(file.examples, wanted)):
            at = ("examples", wanted, index)
            if file.paths is not None:
                _check_network(file, document, catalogue, at, example)
                continue
            given, others, params = example.get("given", {}), example.get("with", {}), example.get("params", {})
            if "given" not in example:
                continue
            if unknown := sorted(set(example) - {"given", "with", "params"}):
                document.fail((*at, unknown[0]), f"beside `given` an example takes `with` and `params`, and not {unknown[0]!r}")
            if not all(isinstance(part, dict) for part in (given, others, params)):
                document.fail(at, "`given`, `with` and `params` are maps")
            for type_, held in others.items():
                if type_ not in catalogue or not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
                    document.fail((*at, "with", type_), f"`with` gives lists of resources by their type, and not {type_!r}")
            for name, value in params.items():
                if name not in file.params or not file.params[name].takes(value):
                    document.fail((*at, "params", name), f"the rule declares no parameter {name!r} that could be {value!r}")


def _check_network(file: RuleFile, document: Document, catalogue: Catalogue, at: tuple[str | int, ...], example: dict[str, Any]) -> None:
    """An example of a rule with `paths` is a small estate: resources by type, types that are `unseen`, and `params`."""
    estate = example.get("estate") if not isinstance(example.get("estate"), dict) else {**file.examples.base, **example["estate"]}
    if not isinstance(estate, dict) or set(example) - {"estate", "unseen", "params"}:
        document.fail(at, "an example of paths gives an `estate`, and beside it `unseen` and `params`")
    for type_, held in estate.items():
        if type_ not in catalogue or not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
            document.fail((*at, "estate", type_), f"`estate` gives lists of resources by their type, and not {type_!r}")
    for name, value in example.get("params", {}).items():
        if name not in file.params or not file.params[name].takes(value):
            document.fail((*at, "params", name), f"the rule declares no parameter {name!r} that could be {value!r}")
