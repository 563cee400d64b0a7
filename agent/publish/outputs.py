"""Where reports go: each format once, to stdout or to a file that is there whole or not at all."""

from __future__ import annotations

import io
import os
import stat
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
    files = [target.file for target in found if target.file]
    for index, file in enumerate(files):
        if not file.parent.is_dir():
            raise ConfigurationError(f"{file}: there is no folder {file.parent}")
        if file.is_dir():
            raise ConfigurationError(f"{file}: a folder, where a file is to be written")
        if file.resolve() in {other.resolve() for other in files[:index]}:
            raise ConfigurationError(f"{file}: two formats in one file")
    return found


def _target(option: str) -> Target:
    name, _, file = option.partition("=")
    if name not in FORMATS:
        raise ConfigurationError(f"--format: there is no format {name!r}; there is {', '.join(FORMATS)}")
    return Target(name, Path(file) if file else None)


Writer = Callable[[Result], Iterator[str]]


def write(result: Result, wanted: Sequence[Target], *, text: Writer | None = None) -> None:
    """Write every report; with `text`, by that in the place of the usual text. Raises ConfigurationError for a file that
    cannot be written."""
    for target in wanted:
        own = text if target.format == "text" else None
        if target.file is None:
            _write_stdout((own or _writer(target.format, colour=_colour()))(result))
            continue
        try:
            _write_file(target.file.resolve(), (own or _writer(target.format, colour=False))(result))
        except OSError as error:
            raise ConfigurationError(f"{target.file}: cannot be written: {error.strerror}") from error


def _colour() -> bool:
    from agent.terminal import colour

    return colour()


def _writer(name: str, *, colour: bool) -> Writer:
    match name:
        case "json":
            from agent.publish import json_report

            return json_report.chunks
        case "ocsf":
            from agent.publish import ocsf

            return ocsf.chunks
        case "prometheus":
            from agent.publish import metrics

            return metrics.chunks
        case "sarif":
            from agent.publish import sarif

            return sarif.chunks
        case "junit":
            from agent.publish import junit

            return junit.chunks
    from agent.publish.text import TextReport

    report = TextReport(colour)
    return lambda result: (line + "\n" for line in report.lines(result))


def _write_stdout(pieces: Iterator[str]) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without quotation marks gets an escape, not a crash
    sys.stdout.writelines(pieces)
    sys.stdout.flush()


def _write_file(file: Path, pieces: Iterator[str]) -> None:
    if file.exists() and not file.is_file():  # /dev/stdout, a pipe: nothing that may be replaced
        with file.open("w", encoding="utf-8") as stream:
            stream.writelines(pieces)
        return
    descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, _mode(file))
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode(file: Path) -> int:
    """The permissions of the file that is replaced; for a new one, what the umask leaves."""
    if file.exists():
        return stat.S_IMODE(file.stat().st_mode)
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask
