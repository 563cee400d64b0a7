"""Reading a folder of what the AWS CLI printed: which call each file answers, and what it says.

    <account>/<region>/<service>.<operation>[.<page>][@<resource>].json

The folders are optional, and so is the name where the members of the answer tell which call gave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from agent.collect.estate import EstateError
from agent.collect.files.cli_calls import METADATA, READS, TOKENS, Call, Calls
from agent.collect.files.json_files import read_each, read_json
from checks.document import DocumentError
from checks.paths import ELEMENT

ACCOUNT: Final = re.compile(r"[0-9]{12}")
REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
_NAME: Final = re.compile(r"(?P<service>[a-z][a-z0-9-]*)\.(?P<operation>[A-Za-z][A-Za-z0-9-]*)(\.[^.]*)?")


@dataclass(frozen=True, slots=True, eq=False)
class CliFile:
    """One file: the page of an answer that it holds, and where its name and folders say it belongs."""

    path: Path
    name: str
    """Its path inside the folder: the same on any machine."""
    account: str | None
    region: str | None
    call: Call
    resource: str | None
    page: Mapping[str, Any]
    sha256: str
    written: float

    def fail(self, problem: str) -> NoReturn:
        raise EstateError(f"{self.path}: {problem}")


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of a folder that answer calls of the catalogue, and the names of those that do not."""

    files: tuple[CliFile, ...]
    unused: tuple[str, ...]


def read_folder(root: Path, calls: Calls) -> Folder:
    """Read every file below `root`. Raises DocumentError and EstateError, which name the file."""
    files, unused = read_each(root, lambda path: _read(path, root, calls))
    if not files:
        seen = f"{unused[0]} is none of a call that is collected" if unused else "it is empty"
        raise EstateError(f"{root} holds no file to import: {seen}; files are named <service>.<operation>.json")
    return Folder(tuple(files), tuple(unused))


def _read(path: Path, root: Path, calls: Calls) -> CliFile | None:
    """One file; None where it is of a call that is not collected."""
    head, at, resource = path.name.removesuffix(".json").partition("@")
    if at and not resource:
        raise EstateError(f"{path}: no resource is named after the @")
    named = _NAME.fullmatch(head)
    call = calls.named(named["service"], named["operation"]) if named else None
    if call is not None and call not in calls:
        return None
    page, sha256, written = _page(path)
    if call is None:
        call = _recognized(path, page, calls, head, about_one=bool(resource))
        if call is None:
            return None
    account, region = _folders(path, root)
    file = CliFile(path, str(path.relative_to(root)), account, region, call, resource or None, page, sha256, written)
    _check(file, calls)
    return file


def _recognized(path: Path, page: Mapping[str, Any], calls: Calls, head: str, *, about_one: bool) -> Call | None:
    """The call that the members of the page tell; None where it is one that is not collected."""
    found = calls.of_members(page, head.partition(".")[0], about_one=about_one)
    if len(found) == 1:
        return found[0]
    members = ", ".join(sorted(page.keys() - {METADATA})[:4]) or "nothing"
    if found:
        names = ", ".join(str(call) for call in sorted(found))
        raise EstateError(f"{path}: holds {members}, which several calls give: name the file after the one that did, of {names}")
    named = _NAME.fullmatch(head)
    if (named and READS.match(named["operation"])) or calls.elsewhere(page):
        return None
    raise EstateError(f"{path}: holds {members}, which no call that is collected gives: is it AWS CLI output?")


def _folders(path: Path, root: Path) -> tuple[str | None, str | None]:
    """The account and the region that the folders name."""
    parts = path.relative_to(root).parts[:-1]
    accounts = {part for part in parts if ACCOUNT.fullmatch(part)}
    regions = {part for part in parts if REGION.fullmatch(part)}
    if len(accounts) > 1 or len(regions) > 1:
        raise EstateError(f"{path}: its folders name several {'accounts' if len(accounts) > 1 else 'regions'}")
    return next(iter(accounts), None), next(iter(regions), None)


def _check(file: CliFile, calls: Calls) -> None:
    """Raises EstateError where the file does not hold what its call answers with."""
    names, members = file.page.keys() - {METADATA, *TOKENS}, calls.members(file.call)
    held = ", ".join(sorted(names)[:4]) or "nothing"
    if not calls.lists_all(file.call, file.resource):
        if names and not names & members.keys():
            file.fail(f"holds {held}, and {file.call} answers with {', '.join(sorted(members)[:6])}")
        return
    if file.resource is not None:
        file.fail(f"{file.call} lists all there is, so a file of it is about no single resource")
    kinds = calls.listed_in(file.call, file.page)
    if not kinds or not (names & members.keys() or all(kind.empty == "omitted" for kind in kinds)):
        file.fail(f"holds {held}, and {file.call} answers with {' or '.join(calls.steps(file.call))}")
    for kind in kinds:
        assert kind.list_ != "none"
        _check_lists([file.page], kind.list_.path, file, one=kind.list_.one)


def _check_lists(level: list[Any], path: Iterable[str], file: CliFile, *, one: bool) -> None:
    """Raises EstateError where what must be a list on the way to the items is none: an object would pass for an empty one."""
    steps = tuple(path)
    for number, step in enumerate(steps):
        if step == ELEMENT:
            level = [item for held in level for item in held]
            continue
        level = [held[step] for held in level if isinstance(held, dict) and held.get(step) is not None]
        wanted = list if (number + 1 == len(steps) and not one) or steps[number + 1 :][:1] == (ELEMENT,) else dict
        if not all(isinstance(held, wanted) for held in level):
            file.fail(f"{step} is not {'a list' if wanted is list else 'an object'}")


def _page(path: Path) -> tuple[Mapping[str, Any], str, float]:
    """A file's JSON object, the SHA-256 of its bytes, and when it was last written."""
    data, sha256, written = read_json(path, nothing="{}")
    if isinstance(data, list):
        raise DocumentError(str(path), None, "a bare list, such as --query leaves: import whole answers, which say what they list")
    if not isinstance(data, dict):
        raise DocumentError(str(path), None, "not a JSON object, so not the answer to a call")
    return data, sha256, written
