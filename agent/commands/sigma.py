"""`upheld import sigma`: detections of attacks as rules over rows, which say that what they detect is not in the log."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent import rulebook
from agent.collect.files.imports import printed
from agent.config import ConfigurationError
from agent.exits import UNPROVEN, UPHELD
from checks.document import Document, DocumentError

if TYPE_CHECKING:
    from agent.sigma.written import Written


@dataclass(frozen=True, slots=True)
class _Left:
    """What was not imported, and why. `readable`: whether it was a Sigma rule at all."""

    file: str
    line: int | None
    title: str
    reason: str
    readable: bool = True

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.title}: {self.reason}" if self.title else f"{place}: {self.reason}"


def import_rules(sources: Sequence[Path], output: Path, control: str | None) -> int:
    """Write what can be said over rows into a new folder, and tell of everything else why not. Raises ConfigurationError."""
    try:
        import sigma.rule  # noqa: F401
    except ImportError as error:
        raise ConfigurationError("Sigma rules are read with pySigma, which is not installed: pip install 'upheld[sigma]'") from error
    book = rulebook.load()
    if control is None or control not in book.controls:
        raise ConfigurationError(f"--control names what the rules are to decide, one of {', '.join(sorted(book.controls))}")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ConfigurationError(f"{output} is there already: rules are not written among others; name a new folder")
    written: dict[str, Written] = {}
    left: list[_Left] = []
    for file in _files(sources):
        found = _read(file, control, book)
        if not isinstance(found, _Left) and found.id in written:
            found = _Left(str(file), None, found.id, "another of these rules has the same title, and the id is made of it")
        if isinstance(found, _Left):
            left.append(found)
        else:
            written[found.id] = found
    if not written and not any(one.readable for one in left):
        raise ConfigurationError(f"no Sigma rule in {', '.join(map(str, sources))}" + (f": {left[0]}" if left else ""))
    _save(output, written.values())
    print(printed(_summary(output, written.values(), left)))
    return UNPROVEN if left else UPHELD


def _files(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        if source.is_dir():
            yield from sorted(file for file in source.rglob("*") if file.suffix in {".yml", ".yaml"} and file.is_file())
        elif source.exists():
            yield source
        else:
            raise ConfigurationError(f"{source}: there is no such file or folder of Sigma rules")


def _read(file: Path, control: str, book: rulebook.Rulebook) -> Written | _Left:
    try:
        held = rulebook.read_document(file)
    except DocumentError as error:
        return _Left(error.file, error.line, "", error.problem, readable=False)
    if not isinstance(held.data, dict) or not {"detection", "correlation", "filter"} & held.data.keys():
        return _Left(held.file, None, "", "no Sigma rule: it has no `detection`", readable=False)
    title = " ".join(str(held.data.get("title", "untitled")).split())
    if "detection" not in held.data:
        what = "correlation" if "correlation" in held.data else "filter"
        return _Left(
            held.file, held.line((what,)), title, f"a {what} is about several rules, and a rule over rows judges each row by itself"
        )
    return _written(held, title, control, book)


def _written(held: Document, title: str, control: str, book: rulebook.Rulebook) -> Written | _Left:
    from agent.sigma.reading import read
    from agent.sigma.values import NotImported
    from agent.sigma.written import write

    try:
        return write(read(held.data), control, book)
    except NotImported as error:
        return _Left(held.file, _line(held, error.field), title, error.reason)


def _line(held: Document, field: str | None) -> int | None:
    """Where a field is asked for first; without one, where the detection begins."""
    asked = (
        line
        for path, line in held.lines.items()
        if path[:1] == ("detection",) and path and str(path[-1]).partition("|")[0] == (field or "")
    )
    return min(asked, default=held.line(("detection",)))


def _save(output: Path, written: Iterable[Written]) -> None:
    """A folder that is there is complete."""
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        for one in written:
            (folder / f"{one.id}.yaml").write_text(one.text, encoding="utf-8")
        if output.exists():
            output.rmdir()
        folder.chmod(0o755)
        os.replace(folder, output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _summary(output: Path, written: Iterable[Written], left: Sequence[_Left]) -> Iterator[str]:
    tables = Counter(one.table for one in written)
    told = ", ".join(f"{count} over {table}" for table, count in sorted(tables.items()))
    yield f"{output}: {tables.total()} of {tables.total() + len(left)} imported{f' ({told})' if told else ''}"
    yield from (f"  not imported: {one}" for one in left)
