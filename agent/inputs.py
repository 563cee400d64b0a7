"""What a run goes by: rules, promises, policies and exceptions, read and checked before anything is asked of the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.config import Configuration, ConfigurationError
from agent.rulebook import Rulebook, load, read_document, read_text
from checks.change import Unit
from checks.document import DocumentError
from checks.promise import Acceptance, Assumption, Policy, Promise, Promises, read, read_exceptions
from checks.rule import Rule
from checks.summary import Text
from checks.target import Target, about


@dataclass(frozen=True, slots=True)
class Part:
    """What a run about changes is about: the units that it looked at, and the rules that read any of their types."""

    units: frozenset[Unit]
    rules: frozenset[str]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a run goes by, read and checked before anything is asked of the world."""

    configuration: Configuration
    book: Rulebook
    promises: Promises
    texts: Mapping[str, Text]
    exceptions: Mapping[str, Acceptance]
    narrowed: bool = False
    """Whether only some of the promises are asked for."""
    about: Target | None = None
    """What alone is looked at in this run, beside the schedule of runs itself; None for everything."""
    part: Part | None = None
    """What alone is looked at where that is not all of a target."""

    @property
    def rules(self) -> list[Rule]:
        """The rules over resources that are judged in this run, if anything asks for them."""
        rules = [rule for rule in self.book.rules.values() if self.about is None or about(rule) in {self.about, Target.RUN}]
        return rules if self.part is None else [rule for rule in rules if rule.id in self.part.rules or about(rule) is Target.RUN]

    @property
    def log_rules(self) -> list[Rule]:
        """The rules over the rows of logs."""
        return list(self.book.log_rules.values()) if self.about in {None, Target.LOGS} and self.part is None else []

    @property
    def judged(self) -> list[Rule]:
        """The rules over resources that the promises' controls bind."""
        return [rule for rule in self.rules if rule.file.control in self._controls]

    @property
    def judged_rows(self) -> list[Rule]:
        """The rules over the rows of logs that the promises' controls bind."""
        return [rule for rule in self.log_rules if rule.file.control in self._controls]

    @property
    def _controls(self) -> set[str]:
        return {binding.id for promise in self.promises.promises for binding in promise.controls}


def prepare(configuration: Configuration, only: Sequence[str] = ()) -> Inputs:
    """Read rules, promises, policies, exceptions. `only` narrows to these promises. Raises ConfigurationError."""
    settings = configuration.settings
    try:
        book = load(map(configuration.path, settings.rules))
        promises, texts = _promises(configuration, book)
        exceptions = read_exceptions(read_document(configuration.path(settings.exceptions))) if settings.exceptions else {}
    except DocumentError as error:
        raise ConfigurationError(str(error)) from error
    if only:
        known = {promise.id: promise for promise in promises.promises}
        for name in only:
            if name not in known:
                raise ConfigurationError(f"there is no promise {name!r}; there is {', '.join(sorted(known)) or 'none at all'}")
        promises = promises.model_copy(update={"promises": [known[name] for name in known if name in only]})
    return Inputs(configuration, book, promises, texts, exceptions, narrowed=bool(only))


def _promises(configuration: Configuration, book: Rulebook) -> tuple[Promises, dict[str, Text]]:
    policies: list[Policy] = []
    promises: list[Promise] = []
    assume: list[Assumption] = []
    texts: dict[str, Text] = {}
    for name in configuration.settings.promises:
        file = configuration.path(name)
        document = read_document(file)
        held = read(document, book.controls, [*book.rules.values(), *book.log_rules.values()])
        for promise in held.promises:
            if any(promise.id == other.id for other in promises):
                raise DocumentError(str(file), None, f"the promise {promise.id!r} stands in another file already")
        for policy in held.policies:
            if policy.id in texts:
                raise DocumentError(str(file), None, f"the policy {policy.id!r} stands in another file already")
            try:
                texts[policy.id] = Text(read_text(file.parent / policy.file))
            except DocumentError as error:
                texts[policy.id] = Text(None, str(error))
        policies += held.policies
        promises += held.promises
        assume += held.assume
    return Promises.model_validate({"schema": "upheld.promises/1", "policies": policies, "promises": promises, "assume": assume}), texts
