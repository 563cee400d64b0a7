"""An estate out of Azure resources as JSON: what the Azure CLI printed, ARM and Resource Graph answered, or a template says.

A list of one type may be that of a subscription or of one resource group, and does not tell: what there is of a type is
known only where a person asserts that the files hold it all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from agent.collect.azure import ids as arm_ids
from agent.collect.estate import SCHEMA, EstateError
from agent.collect.files.arm_values import PROPERTIES
from agent.collect.files.az_files import DECLARED, Defaults, Folder, read_folder
from agent.collect.files.az_resources import Drafted, Gathered, places
from agent.collect.files.imports import CountingWriter, check_asserted, last_written, moment, printed, unused_line, whose_word
from agent.collect.wire import rfc3339
from agent.rulebook import load_catalogue
from checks import paths
from checks.model import GLOBAL, LISTING, Gap, Look, Manifest, Reason, Resource, Scope, digest
from checks.plan import TAGS

SOURCE = "az-cli import"
_DECLARED_CALL = "template"
_PRINTED_CALL = "az"


def import_folder(
    folder: Path,
    output: Path,
    *,
    account: str | None,
    group: str | None,
    region: str | None,
    collected_at: str | None,
    asserted_by: str | None,
) -> str:
    """Write the estate; what to tell about it, in lines. Raises EstateError and DocumentError, which name the file or option."""
    if account is not None and not arm_ids.GUID.fullmatch(account):
        raise EstateError(f"--account {account}: the id of a subscription is a GUID")
    if region is not None and not (region.isascii() and region.isalnum()):
        raise EstateError(f"--region {region}: not the name of a location, such as westeurope")
    check_asserted(asserted_by)
    told = moment(collected_at) if collected_at else None
    kinds = load_catalogue("azure")
    held = read_folder(folder, Defaults(account.lower() if account else None, group, region))
    at = told or last_written(file.written for file in held.files)
    gathered = Gathered(kinds)
    for file in held.files:
        for one in file.found:
            gathered.add(one, file)
    gathered.settle()
    with CountingWriter(output, "azure") as writer:
        _write(gathered, writer, at, asserted=asserted_by is not None)
        for gap in _listing_gaps(gathered, held, asserted=asserted_by is not None):
            writer.add_gap(gap)
        scope = _scope(gathered, held, tuple(sorted(kinds)))
        written = rfc3339(at)
        writer.finish(Manifest(SCHEMA, written, written, f"upheld {version('upheld')}", {}, None, scope, asserted_by, SOURCE))
    return printed(_summary(output, writer, gathered, held, scope, asserted_by))


def _scope(gathered: Gathered, held: Folder, types: tuple[str, ...]) -> Scope:
    shown = {one.id.subscription for file in held.files for one in file.found if one.id is not None}
    accounts: dict[str, set[str]] = {name: set() for name in shown | {file.subscription for file in held.files}}
    for _, place in places(gathered):
        accounts.setdefault(place.account, set()).update({place.region} - {GLOBAL})
    return Scope({name: tuple(sorted(found)) or (LISTING,) for name, found in sorted(accounts.items())}, types)


# -- writing -----------------------------------------------------------------------------------------------------------


def _write(gathered: Gathered, writer: CountingWriter, at: datetime, *, asserted: bool) -> None:
    looks: dict[tuple[str, str, str], list[Drafted]] = {}
    for draft in gathered.drafts.values():
        for file in draft.files:
            looks.setdefault((file.name, draft.id.subscription, draft.kind.name), []).append(draft)
    files = {file.name: file for draft in gathered.drafts.values() for file in draft.files}
    ids: dict[tuple[str, str, str], str] = {}
    for (name, account, kind), drafts in looks.items():
        file = files[name]
        call = _DECLARED_CALL if file.form == DECLARED else _PRINTED_CALL
        id_ = ids[name, account, kind] = digest(SOURCE, name, file.sha256, account, kind)
        writer.add_look(Look(id_, account, GLOBAL, kind, call, name, 1, len(drafts), rfc3339(at), None, file.sha256))
    for draft in gathered.drafts.values():
        for gap in _gaps(draft):
            writer.add_gap(gap)
    whole = [draft for draft in gathered.drafts.values() if draft.whole is None]
    writer.add_resources(
        Resource(
            draft.id.key,
            draft.kind.name,
            draft.id.subscription,
            draft.region,
            draft.data,
            {} if asserted and draft.tags is None and not draft.lost.keys() & {(TAGS,), (PROPERTIES,)} else draft.tags,
            tuple(sorted({ids[file.name, draft.id.subscription, draft.kind.name] for file in draft.files})),
            GLOBAL,
        )
        for draft in whole
    )


def _gaps(draft: Drafted) -> Iterator[Gap]:
    account, name, call = draft.id.subscription, draft.kind.name, _DECLARED_CALL if draft.declared else _PRINTED_CALL
    if draft.whole is not None:
        reason, message = draft.whole
        yield Gap(name, account, draft.region, draft.id.key, None, reason, call, message=message)
        return
    for path, (reason, message) in sorted(draft.lost.items()):
        member = TAGS if path == (TAGS,) else paths.render(path)
        yield Gap(name, account, draft.region, draft.id.key, member, reason, call, message=message)


def _listing_gaps(gathered: Gathered, held: Folder, *, asserted: bool) -> Iterator[Gap]:
    """What is not known of what there is. Who asserts that the files are all is believed as far as they do not say otherwise."""
    for subscription, kind, why in gathered.unnamed:
        yield _listing(kind, subscription, Reason.NOT_COLLECTED, why)
    for subscription, why in gathered.hidden:
        for kind in gathered.kinds:
            yield _listing(kind, subscription, Reason.NOT_COLLECTED, why)
    for file in held.files:
        for kind, subscription in sorted(
            {(one.id.kind, one.id.subscription) for one in file.found if one.id} if file.cut and not file.single else ()
        ):
            yield _listing(kind, subscription, Reason.MALFORMED, f"{file.name} is cut short: {file.cut}")
    for (subscription, type_), count in sorted(gathered.beyond.items()):
        kind = "azure." + type_.lower().removeprefix("microsoft.").replace("/", ".")
        if "/" in type_:
            yield _listing(kind, subscription, Reason.UNSUPPORTED, f"{count} shown, and no catalogue says what may be kept of them")
    if not asserted:
        for kind, subscription in sorted({(kind, place.account) for kind, place in places(gathered)}):
            yield _listing(
                kind,
                subscription,
                Reason.NOT_COLLECTED,
                "whether the files show all of the subscription is not told: --assert-complete says who knows",
            )


def _listing(kind: str, subscription: str, reason: Reason, message: str) -> Gap:
    return Gap(kind, subscription, GLOBAL, None, None, reason, "", message=message)


# -- what to tell ------------------------------------------------------------------------------------------------------


def _summary(
    output: Path, writer: CountingWriter, gathered: Gathered, held: Folder, scope: Scope, asserted_by: str | None
) -> Iterator[str]:
    yield f"{output}: {writer.totals}, from {len(held.files)} files"
    where = ", ".join(
        f"{account} ({', '.join(found) if found != (LISTING,) else 'no region'})" for account, found in scope.accounts.items()
    )
    yield f"  of {where}; {whose_word(asserted_by)}"
    if declared := [file.name for file in held.files if file.form == DECLARED]:
        yield f"  templates, which say what was to be deployed: {', '.join(declared)}"
    for draft in sorted((one for one in gathered.drafts.values() if one.whole), key=lambda one: one.id.key):
        assert draft.whole is not None
        yield f"  not told: {draft.id.key}: {draft.whole[1]}"
    for file in (one for one in held.files if one.cut):
        yield f"  not complete: {file.name}: {file.cut}"
    for (_, type_), count in sorted(gathered.beyond.items()):
        yield f"  left out: {count} of {type_}, which no catalogue declares"
    yield from unused_line(sorted(held.unused))
