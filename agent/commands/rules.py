"""`upheld rules`: what is judged, how, with which helpers, and whether the rules hold their own examples."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from agent import rulebook
from agent.config import ConfigurationError
from agent.exits import BROKEN, UPHELD
from agent.publish.printable import printable
from checks import example
from checks.rule import Rule


def run(what: str, name: str | None) -> int:
    commands: dict[str, Callable[[str | None], int]] = {"list": _list, "show": _show, "test": _test, "functions": _functions}
    return commands[what](name)


def _list(_: str | None) -> int:
    book = rulebook.load()
    for rule in _all(book).values():
        if sys.stdout.isatty():
            print(f"{rule.id}\n    {rule.file.title}  [{rule.file.control}, {rule.file.severity}, {rule.kind}]")
        else:
            print(rule.id)
    return UPHELD


def _show(name: str | None) -> int:
    book = rulebook.load()
    rules = _all(book)
    if name is None or name not in rules:
        close = ", ".join(id_ for id_ in rules if name and name in id_) or "see `upheld rules list`"
        raise ConfigurationError(f"there is no rule {name!r}; {close}")
    print(Path(rules[name].document.file).read_text(encoding="utf-8"), end="")
    return UPHELD


def _test(name: str | None) -> int:
    book = rulebook.load()
    rules = rulebook.load_rules([Path(name)], book) if name else list(_all(book).values())
    failures = [failure for rule in rules for failure in example.run(rule, book.catalogue)]
    files = {rule.id: rule.document.file for rule in rules}
    for failure in failures:
        print(printable(f"{files[failure.rule]}:{failure.line}: {failure.problem}"))
    print(f"{len(rules)} rules, {_count(rules)} examples, {len(failures)} failures")
    return BROKEN if failures else UPHELD


def _all(book: rulebook.Rulebook) -> dict[str, Rule]:
    return dict(sorted({**book.rules, **book.log_rules}.items()))


def _count(rules: list[Rule]) -> int:
    return sum(len(getattr(rule.file.examples, name)) for rule in rules for name in ("upheld", "broken", "unproven", "excluded"))


def _functions(_: str | None) -> int:
    from checks.functions import FUNCTIONS

    for function in FUNCTIONS.values():
        print(f"{function.signature}\n    {function.documentation}\n")
    print(_BUILT_IN)
    return UPHELD


_BUILT_IN = """lookup(type: string, id: string) -> the resource's data, or null
    Another resource of the account, by id, ARN or alias. Null where a complete listing shows that there is none.

every(type: string) -> list
    All resources of a type in the account or region that is judged; only for rules on aws.account and aws.region.

Variables: resource, params, now, account, region. CEL's own: size, all, exists, exists_one, map, filter, in,
startsWith, endsWith, contains, matches, timestamp, duration, int, double, string."""
