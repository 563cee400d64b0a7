"""Reads the rule folder: controls, call catalogues, rules; shipped ones and an organization's own."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from checks import catalogue, control, document, profile, rule
from checks.catalogue import Catalogue
from checks.control import Controls
from checks.document import Document, DocumentError
from checks.profile import Profile
from checks.rule import Rule
from checks.shape import Shape


@dataclass(frozen=True, slots=True, eq=False)
class Rulebook:
    """Everything that judging goes by, loaded and checked. One is equal to itself alone."""

    controls: Controls
    catalogue: Catalogue
    shapes: Mapping[str, Shape]
    rules: Mapping[str, Rule]
    log_rules: Mapping[str, Rule] = field(default_factory=dict)
    """Rules over the rows of logs: no resource of an estate is judged by them."""


def shipped() -> Path:
    """The folder of the rules that come with the program."""
    return Path(str(importlib.resources.files("rules")))


def read_text(file: Path) -> str:
    """A file people write. Raises DocumentError where it cannot be read."""
    try:
        if file.stat().st_size > document.MAXIMUM_BYTES:
            raise DocumentError(str(file), None, f"larger than {document.MAXIMUM_BYTES // 1_000_000} MB: is this the right file?")
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(str(file), None, f"not UTF-8 text: {error}") from error
    except OSError as error:
        raise DocumentError(str(file), None, f"cannot be read: {error.strerror}") from error


def read_document(file: Path) -> Document:
    return document.parse(read_text(file), str(file))


def load(own: Iterable[Path] = ()) -> Rulebook:
    """Load everything. Raises DocumentError for the first thing that is not as it must be."""
    book = _shipped(shipped())
    return _with(book, own)


@functools.cache
def _shipped(root: Path) -> Rulebook:
    """The rules that come with the program, which do not change while it runs."""
    controls = control.read(read_document(root / "controls.yaml"))
    kinds = load_catalogue()
    return _with(Rulebook(controls, kinds, _shapes(kinds), {}, {}), [root])


def _with(book: Rulebook, folders: Iterable[Path]) -> Rulebook:
    rules, log_rules = dict(book.rules), dict(book.log_rules)
    for folder in folders:
        for file in _rule_files(folder):
            loaded = _load(file, book.catalogue, book.shapes, book.controls)
            if (other := rules.get(loaded.id) or log_rules.get(loaded.id)) is not None:
                loaded.document.fail(("id",), f"the rule {loaded.id!r} stands in {other.document.file} already")
            (log_rules if loaded.file.rows else rules)[loaded.id] = loaded
    return Rulebook(book.controls, book.catalogue, book.shapes, dict(sorted(rules.items())), dict(sorted(log_rules.items())))


def load_catalogue(provider: str = "*") -> Catalogue:
    """The types of the shipped catalogues, or of one provider's, without the rules. Raises DocumentError."""
    return catalogue.read(map(read_document, sorted(shipped().glob(f"{provider}/catalogue/*.yaml"))))


def load_rules(files: Iterable[Path], book: Rulebook) -> list[Rule]:
    """Load rules of one's own beside a book, without adding them."""
    return [
        _load(file, book.catalogue, book.shapes, book.controls)
        for path in files
        for file in ([path] if path.is_file() else _rule_files(path))
    ]


def load_profiles(book: Rulebook) -> Mapping[str, Profile]:
    """The shipped profiles by id, each held against the book's rules. Raises DocumentError."""
    found: dict[str, Profile] = {}
    for file in sorted((shipped() / "profiles").glob("*.yaml")):
        held = profile.read(read_document(file), book.rules)
        found[held.id] = held
    return found


def _rule_files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise DocumentError(str(folder), None, "there is no such folder of rules")
    for file in sorted(folder.rglob("*.yaml")):
        if not {"catalogue", "profiles", "controls.yaml"} & set(file.relative_to(folder).parts):
            yield file


def _load(file: Path, kinds: Catalogue, shapes: Mapping[str, Shape], controls: Controls) -> Rule:
    from agent.collect.aws.shapes import CatalogueError

    try:
        return rule.read(read_document(file), kinds, shapes, controls)
    except CatalogueError as error:
        raise DocumentError(str(file), None, f"the catalogue is wrong: {error}") from error


def _shapes(kinds: Catalogue) -> Mapping[str, Shape]:
    from agent.collect.aws.models import confine
    from agent.collect.aws.shapes import AwsShapes

    return AwsShapes(kinds, confine(kinds))
