"""Where reports go: each format once, to stdout or to a file that is there whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.config import FORMATS, Configuration, ConfigurationError
from agent.publish.result import Result


@dataclass(frozen=True, slots=True)
class Target:
    format: str
    file: Path | None


def targets(options: Sequence[str], configuration: Configuration) -> list[Target]:
    """The reports asked for: on the command line, else in the configuration, and text on stdout. Raises ConfigurationError."""
    found = [_target(option) for option in options]
    if not found:
        found = [Target(one.format, configuration.path(one.file) if one.file else None) for one in configuration.settings.output]
        if not any(target.file is None for target in found):
            found.append(Target("text", None))
    if sum(target.file is None for target in found) > 1:
        raise ConfigurationError("two formats on stdout: give all but one a file, as in --format json=findings.json")
    for target in found:
        if target.file and not target.file.parent.is_dir():
            raise ConfigurationError(f"{target.file}: there is no folder {target.file.parent}")
    return found


def _target(option: str) -> Target:
    name, _, file = option.partition("=")
    if name not in FORMATS:
        raise ConfigurationError(f"--format: there is no format {name!r}; there is {', '.join(FORMATS)}")
    return Target(name, Path(file) if file else None)


def write(result: Result, wanted: Sequence[Target]) -> None:
    for target in wanted:
        if target.file is None:
            for piece in _writer(target.format, colour=_colour())(result):
                sys.stdout.write(piece)
            sys.stdout.flush()
        else:
            _write_file(target.file, _writer(target.format, colour=False)(result))


def _colour() -> bool:
    from agent.terminal import colour

    return colour()


def _writer(name: str, *, colour: bool) -> Callable[[Result], Iterator[str]]:
    match name:
        case "json":
            from agent.publish import json_report

            return json_report.chunks
        case "ocsf":
            from agent.publish import ocsf

            return ocsf.chunks
    from agent.publish.text import TextReport

    report = TextReport(colour)
    return lambda result: (line + "\n" for line in report.lines(result))


def _write_file(file: Path, pieces: Iterator[str]) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
