"""An estate out of what the AWS CLI printed: the files answer the collector as AWS would have.

So that nothing is read more kindly from a file than from AWS: the same code lists, completes and cuts down. What no
file holds is not collected; what a person asserts not to exist is written as theirs.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from botocore.loaders import Loader

from agent.collect.aws.accounts import Entered
from agent.collect.aws.client import Deadline, Halt
from agent.collect.aws.collector import AwsCollector
from agent.collect.aws.errors import Failure
from agent.collect.aws.shapes import AwsShapes
from agent.collect.estate import SCHEMA, EstateError
from agent.collect.files.cli_answers import Answers, Recorded
from agent.collect.files.cli_calls import Call, Calls
from agent.collect.files.cli_files import ACCOUNT, REGION, read_folder
from agent.collect.files.cli_listings import shadows
from agent.collect.files.cli_values import fitted
from agent.collect.files.imports import CountingWriter, check_asserted, last_written, moment, printed, unused_line, whose_word
from agent.collect.wire import rfc3339
from agent.rulebook import load_catalogue
from checks import paths
from checks.catalogue import Catalogue, Kind, TagCall
from checks.model import GLOBAL, LISTING, Gap, Manifest, Place, Reason, Resource, Scope, canonical
from checks.plan import REGIONS, TAGS, Plan

SOURCE = "aws-cli import"
_LONGEST = 1_000_000.0
"""Seconds: nothing here waits, and no deadline ends it."""


def import_folder(
    folder: Path, output: Path, *, account: str | None, region: str | None, collected_at: str | None, asserted_by: str | None
) -> str:
    """Write the estate; what to tell about it, in lines. Raises EstateError and DocumentError, which name the file or option."""
    _check_options(account, region, asserted_by)
    told = moment(collected_at) if collected_at else None
    kinds = load_catalogue("aws")
    calls = Calls(kinds, _models())
    held = read_folder(folder, calls)
    answers = Answers(calls, held.files, account, region, asserted=asserted_by is not None)
    at = told or last_written(file.written for file in held.files)
    with ImportWriter(output, kinds, AwsShapes(kinds, _models()), asserted=asserted_by is not None) as writer:
        for recorded in answers.accounts.values():
            _collect(kinds, answers, recorded, writer, at)
        scope = Scope({name: tuple(sorted(found)) or (LISTING,) for name, found in sorted(answers.regions.items())}, tuple(sorted(kinds)))
        written = rfc3339(at)
        writer.finish(Manifest(SCHEMA, written, written, f"upheld {version('upheld')}", {}, None, scope, asserted_by, SOURCE))
    unused = sorted({*held.unused, *answers.unused})
    return printed(_summary(output, writer, answers, unused, len(held.files), asserted_by))


@functools.cache
def _models() -> Loader:
    """Every call that botocore knows, those that are never made included: their files are told from mistakes."""
    return Loader()


def _check_options(account: str | None, region: str | None, asserted_by: str | None) -> None:
    if account is not None and not ACCOUNT.fullmatch(account):
        raise EstateError(f"--account {account}: an account id has 12 digits")
    if region is not None and not REGION.fullmatch(region):
        raise EstateError(f"--region {region}: not the name of a region, such as eu-central-1")
    check_asserted(asserted_by)


# -- collecting from the files -----------------------------------------------------------------------------------------


def _collect(kinds: Catalogue, answers: Answers, recorded: Recorded, writer: ImportWriter, at: datetime) -> None:
    """One account: its global types, then each region's."""
    listed = {(listing.kind.name, listing.place) for listing in answers.listings}
    for region in (GLOBAL, *sorted(answers.regions[recorded.id])):
        place = Place(recorded.id, region)
        plan = {
            kind.name: _members(kind, place, answers)
            for kind in kinds.values()
            if (kind.name, place) in listed or (kind.pseudo and kind.is_global is (region == GLOBAL))
        }
        _collect_place(kinds, plan, recorded, place, writer, at)


def _collect_place(kinds: Catalogue, plan: Plan, recorded: Recorded, place: Place, writer: ImportWriter, at: datetime) -> None:
    collector = AwsCollector(kinds, plan, writer, Deadline(_LONGEST, lambda: 0.0), lambda: at, workers=1)
    regions = () if place.region == GLOBAL else (place.region,)
    listing = kinds[REGIONS].list_ if REGIONS in plan else "none"
    answer = (
        recorded.call(kinds[REGIONS].service, GLOBAL, listing.call, listing.params)
        if listing != "none"
        else Halt(Failure(Reason.NOT_COLLECTED, "", ""))
    )
    collector.collect([Entered(recorded, "", regions, answer)])


def _members(kind: Kind, place: Place, answers: Answers) -> frozenset[str]:
    """All of its data; its tags where a file tells some, or where their absence is asserted."""
    tagged = (kind.name, place) in answers.tagged
    asserted = answers.asserted and isinstance(kind.tags, TagCall) and bool(kind.tags.not_configured)
    return frozenset({"*", TAGS} if tagged or asserted else {"*"})


class ImportWriter(CountingWriter):
    """Writes what the collector makes of files: values of another type than the API's are gaps, asserted absences are null."""

    def __init__(self, place: Path, kinds: Catalogue, shapes: AwsShapes, *, asserted: bool) -> None:
        super().__init__(place, "aws")
        self._kinds, self._shapes, self._asserted = kinds, shapes, asserted
        self._none: dict[tuple[str, Place, str], list[str]] = {}

    def add_gap(self, gap: Gap) -> None:
        if gap.id is not None and gap.field and self._asserted and gap.reason is Reason.NOT_COLLECTED and self._may_be_none(gap):
            self._none.setdefault((gap.type, Place(gap.account, gap.region), gap.id), []).append(gap.field)
        else:
            super().add_gap(gap)

    def add_resources(self, resources: Iterable[Resource]) -> None:
        super().add_resources(map(self._imported, resources))

    def _may_be_none(self, gap: Gap) -> bool:
        """Whether AWS has an answer that says "there is none" for the member, which the CLI prints as an error, to no file."""
        kind = self._kinds[gap.type]
        if gap.field == TAGS:
            return isinstance(kind.tags, TagCall) and bool(kind.tags.not_configured)
        asked = [one for one in kind.detail if one.not_configured and not one.each and one.call == gap.call]
        return any(gap.field in (one.into, *_hanging(kind, one.into)) for one in asked)

    def _imported(self, resource: Resource) -> Resource:
        kind, place = self._kinds[resource.type], resource.place
        data, misfits = fitted(resource.data, self._shapes[resource.type])
        for path, problem in misfits.items():
            call = next((one.call for one in kind.detail if one.into == path[0]), kind.list_.call if kind.list_ != "none" else "")
            member = paths.render(path)
            self.add_gap(Gap(kind.name, place.account, place.region, resource.id, member, Reason.MALFORMED, call, message=problem))
        tags = resource.tags
        for name in self._none.get((kind.name, place, resource.id), ()):
            if name == TAGS:
                tags = {}
            else:
                data[name] = [] if any(one.into == name and one.each for one in kind.detail) else None
        return dataclasses.replace(resource, data=data, tags=tags)


def _hanging(kind: Kind, member: str) -> list[str]:
    """The members that are asked for once per element of this one."""
    return [one.into for one in kind.detail if one.each == member]


# -- what to tell ------------------------------------------------------------------------------------------------------


def _summary(output: Path, writer: ImportWriter, answers: Answers, unused: list[str], files: int, asserted_by: str | None) -> Iterator[str]:
    yield f"{output}: {writer.totals}, from {files} files"
    places = ", ".join(f"{account} ({', '.join(sorted(found)) or 'no region'})" for account, found in sorted(answers.regions.items()))
    yield f"  of {places}; {whose_word(asserted_by)}"
    if asked := sorted({text for listing in answers.listings if (text := _asked(listing.kind))}):
        yield "  taken to be asked with: " + "; ".join(asked)
    for listing in sorted((one for one in answers.listings if one.others), key=lambda one: (one.kind.name, one.place)):
        yield f"  left out: {listing.others} items of {listing.kind.name} in {listing.place.account}/{listing.place.region} that are others'"
    for listing in sorted((one for one in answers.listings if one.cut), key=lambda one: (one.kind.name, one.place)):
        yield f"  not complete: {listing.kind.name} in {listing.place.account}/{listing.place.region}: {listing.cut}"
    yield from unused_line(unused)


def _asked(kind: Kind) -> str:
    """The options that change what a listing shows: a file does not tell with which of them it was asked."""
    if kind.list_ == "none" or shadows(kind):
        return ""
    params = {name: value for name, value in kind.list_.params.items() if isinstance(value, bool) or not isinstance(value, int)}
    return f"{Call(kind.service, kind.list_.call)} {canonical(params)}" if params else ""
