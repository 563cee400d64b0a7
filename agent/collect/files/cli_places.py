"""Which account and which region a file of the CLI is of, where it is about no single resource."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from agent.collect.files.cli_calls import Call, Calls
from agent.collect.files.cli_files import ACCOUNT, REGION, CliFile
from checks import paths
from checks.catalogue import Kind
from checks.model import GLOBAL, Place
from checks.paths import ELEMENT

OWNERS: Final = ("OwnerId", "ownerId", "Owner")
_ZONE: Final = re.compile(rf"({REGION.pattern})[a-z]")


class Places:
    """Told by the folder, else by the option, else by what the files list, where all that tell say the same."""

    def __init__(self, files: Iterable[CliFile], calls: Calls, account: str | None, region: str | None) -> None:
        self._calls, self._account, self._region = calls, account, region
        files = list(files)
        self._told = {file: self._tell(file) for file in files}
        named = {file.account for file in files if file.account}
        self._accounts = {account for file in files if not file.account for account in self._told[file][0]} or named
        self._regions = {region for file in files if self._regional(file.call) and (region := self._own_region(file))}

    def of(self, file: CliFile) -> Place:
        account = file.account or self._account or _only(self._accounts)
        if account is None:
            file.fail(
                f"which account it is of cannot be told{_seen(self._accounts)}: put it into a folder <account>/<region>/, or give --account"
            )
        if not self._regional(file.call):
            return Place(account, GLOBAL)
        region = self._own_region(file) or _only(self._regions)
        if region is None:
            file.fail(
                f"which region it is of cannot be told{_seen(self._regions)}: put it into a folder <account>/<region>/, or give --region"
            )
        return Place(account, region)

    def _regional(self, call: Call) -> bool:
        kinds = [*self._calls.lists.get(call, ()), *(kind for kind, _ in self._calls.details.get(call, ()))]
        return any(not kind.is_global for kind in kinds)

    def _own_region(self, file: CliFile) -> str | None:
        return file.region or self._region or _only(self._told[file][1])

    def _tell(self, file: CliFile) -> tuple[set[str], set[str]]:
        """The accounts and regions that what is listed names as its own."""
        accounts: set[str] = set()
        regions: set[str] = set()
        for kind in self._calls.lists.get(file.call, ()):
            assert kind.list_ != "none"
            if "includeShadowTrails" in kind.list_.params:  # shows trails of other regions and of the organization
                return set(), set()
            for holder in _holders(file.page, (*kind.list_.path, ELEMENT)):
                accounts |= {holder[name] for name in OWNERS if isinstance(holder, dict) and _is_account(holder.get(name))}
                regions |= {zone[1] for text in _zones(holder) if (zone := _ZONE.fullmatch(text))}
                for arn in arns(kind, holder):
                    accounts |= {arn[4]} if _is_account(arn[4]) else set()
                    regions |= {arn[3]} if REGION.fullmatch(arn[3]) else set()
        return accounts, regions


def _holders(page: Mapping[str, Any], path: paths.Path) -> Iterator[Any]:
    """The items of a list, and those of the lists around it (the reservation around an instance)."""
    for end, step in enumerate(path, 1):
        if step == ELEMENT:
            yield from paths.values(page, path[:end])


def arns(kind: Kind, holder: Any) -> Iterator[list[str]]:
    """A resource's own ARNs, in parts: those it is named by, never those it refers to."""
    named = [kind.id, *kind.aliases, "Arn", "ARN", "arn"]
    texts = [holder] if isinstance(holder, str) else [text for name in named for text in paths.values(holder, paths.parse(name))]
    for text in texts:
        if isinstance(text, str) and len(parts := text.split(":", 5)) == 6 and parts[0] == "arn":
            yield parts


def _zones(holder: Any) -> Iterator[str]:
    for path in (("AvailabilityZone",), ("Placement", "AvailabilityZone")):
        yield from (text for text in paths.values(holder, path) if isinstance(text, str))


def _is_account(value: object) -> bool:
    return isinstance(value, str) and ACCOUNT.fullmatch(value) is not None


def _only(found: set[str]) -> str | None:
    return next(iter(found)) if len(found) == 1 else None


def _seen(found: set[str]) -> str:
    return f" (the files name {', '.join(sorted(found)[:4])})" if found else ""
