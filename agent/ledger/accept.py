"""`upheld ledger accept`: a person accepts a broken finding, for what broke it in the newest run, until a date.

The exceptions file is theirs: it is under version control, and has comments. One entry is put in or replaced; all else stays as it
is written.
"""

from __future__ import annotations

import json
import os
import tempfile
from datetime import date
from pathlib import Path

from agent.ledger import LedgerError
from agent.rulebook import read_text
from checks.counterexample import comes_again, what
from checks.document import Document, parse
from checks.lifecycle import Known, Status
from checks.promise import Acceptance, read_exceptions


def acceptance(known: Known, owner: str, reason: str, until: date, today: date, *, standing: bool = False) -> Acceptance:
    """Raises LedgerError where there is nothing to accept, or no time to accept it for."""
    if known.status is not Status.BROKEN or not known.counterexample:
        raise LedgerError(f"the finding {known.id} is {known.status}: only what is broken in the newest run can be accepted")
    if until < today:
        raise LedgerError(f"--until {until} has passed")
    if standing and not comes_again(known.counterexample):
        raise LedgerError(f"the finding {known.id} is about no rows of a log: only of those more may come, which --standing accepts")
    if not owner.strip() or not reason.strip():
        raise LedgerError("an exception has an owner and a reason")
    return Acceptance(
        finding=known.id,
        rule=known.rule,
        resource=known.resource.id,
        owner=owner,
        reason=reason,
        expires=until,
        digest=what(known.counterexample) if standing else known.counterexample,
        standing=standing,
    )


def write(accepted: Acceptance, file: Path) -> bool:
    """Put an exception into the file, which is made where it is not there; gives whether it replaced another of the same finding.

    Raises DocumentError and LedgerError; the file is then as it was.
    """
    text = read_text(file) if file.exists() else "schema: upheld.exceptions/1\nexceptions: []\n"
    document = parse(text, str(file))
    before = dict(read_exceptions(document))
    written = _written(text, document, accepted)
    after = read_exceptions(parse(written, str(file)))
    if after != {**before, accepted.finding: accepted}:
        raise LedgerError(f"{file}: its entries are not written one below the other; put this in:\n{_entry(accepted, '  ')}")
    _replace(file, written)
    return accepted.finding in before


def _written(text: str, document: Document, accepted: Acceptance) -> str:
    """The text with the entry in it."""
    held = document.data["exceptions"]
    lines = text.splitlines(keepends=True)
    if not held:
        place = document.lines["exceptions",] - 1
        return "".join([*lines[:place], "exceptions:\n", _entry(accepted, "  "), *lines[place + 1 :]])
    starts = [document.lines["exceptions", index] - 1 for index in range(len(held))]
    indent = lines[starts[0]].partition("-")[0]
    same = [index for index, one in enumerate(held) if one["finding"] == accepted.finding]
    start = starts[same[0] if same else -1]
    end = _end(lines, start, indent)
    if not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    return "".join([*lines[: start if same else end], _entry(accepted, indent), *lines[end:]])


def _end(lines: list[str], start: int, indent: str) -> int:
    """The line after an entry: all that is indented more than its dash belongs to it."""
    end = start + 1
    while end < len(lines) and lines[end].startswith(indent + " ") and lines[end].strip():
        end += 1
    return end


def _entry(accepted: Acceptance, indent: str) -> str:
    """Text as JSON writes it is YAML, too."""
    plain = accepted.model_dump(mode="json")
    members = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in plain.items() if value]
    return "".join(f"{indent}{'  ' if index else '- '}{member}\n" for index, member in enumerate(members))


def _replace(file: Path, text: str) -> None:
    """Write the file whole, or leave it as it was. Raises LedgerError."""
    target = file.resolve()
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=target.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(name, target.stat().st_mode & 0o777 if target.exists() else 0o644)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise LedgerError(f"{file}: cannot be written: {error.strerror}") from error
