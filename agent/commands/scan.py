"""`upheld logs scan`: log files judged by every rule over rows, without promises and without a configuration."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent import run
from agent.clock import Clock
from agent.collect.estate import EstateWriter, read_estate
from agent.collect.logs import sources, stage
from agent.collect.logs.files import LocalFiles
from agent.collect.logs.memory import LogMemory
from agent.collect.wire import rfc3339
from agent.config import Configuration, ConfigurationError, Settings
from agent.exits import BROKEN, UNPROVEN, UPHELD
from agent.publish import log_text, outputs
from agent.publish.outputs import Target
from agent.publish.result import Result
from agent.terminal import Step
from checks.document import DocumentError
from checks.judge import bind
from checks.logs.formats.log_format import parse
from checks.logs.source import ACCOUNT, TYPES
from checks.model import GLOBAL, Manifest, Scope
from checks.verdict import Verdict

NAME = "scan"
_CODES = {Verdict.UPHELD: UPHELD, Verdict.BROKEN: BROKEN}


@dataclass(frozen=True, slots=True)
class ScanQuestion:
    """Which files, in which format (`auto`, or its name), and who says that they hold every row there was."""

    paths: Sequence[Path]
    format: str
    declared: str | None = None
    asserted_by: str | None = None


def scan(question: ScanQuestion, targets: Sequence[Target], clock: Clock, progress: Step | None = None) -> int:
    """Read the files, judge their rows and write the reports; gives the exit code. Raises ConfigurationError and DocumentError."""
    _check(question)
    with tempfile.TemporaryDirectory(prefix="upheld-") as folder:
        place = Path(folder) / "estate"
        inputs = run.prepare(Configuration(Settings(schema="upheld.config/1"), None))
        _collect(question, inputs, place, clock, progress)
        estate = read_estate(place)
        result = run.assess(inputs, estate, every=True, max_age=0, clock=clock)
    outputs.write(result, targets, text=_text)
    if not result.logs:
        return UNPROVEN
    return _CODES.get(result.verdict() or Verdict.UNPROVEN, UNPROVEN)


def _check(question: ScanQuestion) -> None:
    for path in question.paths:
        if not path.exists():
            raise DocumentError(str(path), None, "there is no such file or folder")
    if question.declared is not None:
        try:
            parse(question.declared)
        except ValueError as error:
            raise ConfigurationError(f"--declared: {error}") from error


def _collect(question: ScanQuestion, inputs: run.Inputs, place: Path, clock: Clock, progress: Callable[[int, int], None] | None) -> None:
    now = clock.now()
    asked = sources.questions(bind(inputs.book.log_rules.values(), [], every=True), now)
    source = stage.LogSource(
        NAME, ACCOUNT, question.format, LocalFiles(tuple(question.paths)), None,
        assume=question.asserted_by is not None, asserted_by=question.asserted_by, declared=question.declared,
        key=sources.key(None),
    )  # fmt: skip
    with EstateWriter(place) as writer, LogMemory(None) as memory:
        stage.collect(source, asked, memory, writer, now, lambda: False, progress)
        scope = Scope({ACCOUNT: (GLOBAL,)}, TYPES)
        at = rfc3339(clock.now())
        writer.finish(replace(Manifest("upheld.estate/1", rfc3339(now), at, run.tool(), {}, None, scope), source="logs"))


def _text(result: Result) -> Iterator[str]:
    return (line + "\n" for line in log_text.lines(result))
