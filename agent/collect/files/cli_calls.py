"""The calls of a catalogue as the AWS CLI names them, and what tells a call from the members of its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent.collect.aws.shapes import AwsShapes
from checks.catalogue import Catalogue, Detail, Kind, TagCall

if TYPE_CHECKING:
    from botocore.loaders import Loader

METADATA: Final = "ResponseMetadata"
READS: Final = re.compile(r"(batch-?)?(describe|get|list|lookup|search)", re.IGNORECASE)
TOKENS: Final = ("NextToken", "nextToken", "NextMarker", "Marker", "ContinuationToken", "nextPageToken", "position")
_CUT: Final = ("IsTruncated", "Truncated", "AdditionalRoutesAvailable", "HasMoreDeliveryStreams", "HasMoreStreams", "HasMoreTags")
_CLI_NAMES: Final = {"s3api": "s3", "configservice": "config", "deploy": "codedeploy"}
"""Services that the CLI names differently from botocore (awscli/handlers.py, awscli/customizations)."""


class Call(NamedTuple):
    """An operation by its botocore names."""

    service: str
    operation: str

    def __str__(self) -> str:
        from botocore import xform_name

        return f"{self.service}.{xform_name(self.operation, '-')}"


class Calls:
    """The calls of a catalogue: which answers they give, and which of them a file holds.

    `loader` knows the calls that are not collected, too: so that their files can be told from mistakes.
    """

    def __init__(self, catalogue: Catalogue, loader: Loader) -> None:
        self._loader, self._shapes = loader, AwsShapes(catalogue, loader)
        self.lists: dict[Call, list[Kind]] = {}
        self.details: dict[Call, list[tuple[Kind, Detail | TagCall]]] = {}
        self.parted: dict[Call, Kind] = {}
        """Calls that list a type for one thing of another: a file of them is about that thing."""
        for kind in catalogue.values():
            if kind.list_ != "none" and kind.list_.per:
                self.parted[Call(kind.service, kind.list_.call)] = kind
                for parent, detail in _parts(kind, catalogue):
                    self.details.setdefault(Call(kind.service, kind.list_.call), []).append((parent, detail))
            elif kind.list_ != "none":
                self.lists.setdefault(Call(kind.service, kind.list_.call), []).append(kind)
            for detail in kind.detail:
                self.details.setdefault(Call(detail.service or kind.service, detail.call), []).append((kind, detail))
            if isinstance(kind.tags, TagCall):
                self.details.setdefault(Call(kind.service, kind.tags.call), []).append((kind, kind.tags))
        self._operations: dict[str, dict[str, str]] = {}

    def __contains__(self, call: object) -> bool:
        return call in self.lists or call in self.details

    def __iter__(self) -> Iterator[Call]:
        yield from sorted({*self.lists, *self.details})

    @cached_property
    def services(self) -> frozenset[str]:
        return frozenset(call.service for call in self)

    @cached_property
    def _known_services(self) -> frozenset[str]:
        return frozenset(self._loader.list_available_services("service-2"))

    def named(self, service: str, operation: str) -> Call | None:
        """The call of these names, as the CLI or botocore spells them; None where botocore knows none."""
        from botocore import xform_name

        service = _CLI_NAMES.get(service, service)
        if service not in self._known_services:
            return None
        if service not in self._operations:
            names = self._shapes.model(service).operation_names
            self._operations[service] = {spelling: name for name in names for spelling in (name, xform_name(name, "-"))}
        found = self._operations[service].get(operation)
        return Call(service, found) if found else None

    def members(self, call: Call) -> Mapping[str, Any]:
        """The models of the members that the call answers with."""
        output = self._shapes.model(call.service).operation_model(call.operation).output_shape
        return output.members if output is not None else {}

    def lists_all(self, call: Call, resource: str | None) -> bool:
        """Whether a file of the call is a listing, and not the same call about one resource."""
        return call in self.lists and (resource is None or call not in self.details)

    def steps(self, call: Call) -> list[str]:
        """The members of the call's answer that its lists stand in."""
        return sorted({kind.list_.path[0] for kind in self.lists.get(call, ()) if kind.list_ != "none"})

    def listed_in(self, call: Call, page: Mapping[str, Any]) -> list[Kind]:
        """The types that the page lists; its list may be left out where the catalogue says that an empty one is."""
        return [kind for kind in self.lists[call] if kind.list_ != "none" and (kind.list_.path[0] in page or kind.empty == "omitted")]

    def of_members(self, page: Mapping[str, Any], hint: str, *, about_one: bool) -> list[Call]:
        """The catalogue's calls that can have given the page. `hint` is a service that the file's name may name."""
        found = [call for call in self if self._gives(call, page) and not (about_one and call not in self.details)]
        found = found or [call for call in self.details if page.keys() - {METADATA} and self._knows(call, page)]
        found = [call for call in found if self._knows(call, page)] or found
        return [call for call in found if call.service == _CLI_NAMES.get(hint, hint)] or found

    def _gives(self, call: Call, page: Mapping[str, Any]) -> bool:
        steps = set(self.steps(call))
        steps |= {re.split(r"[.\[]", detail.take)[0] for _, detail in self.details.get(call, ()) if detail.take}
        members = self.members(call)
        return any(step in page and _alike(members[step], page[step]) for step in steps)

    def _knows(self, call: Call, page: Mapping[str, Any]) -> bool:
        return page.keys() <= {*self.members(call), *TOKENS, METADATA}

    def elsewhere(self, page: Mapping[str, Any]) -> bool:
        """Whether a call that is not collected, of a service that is, gives a member of the page."""
        names = page.keys() - {METADATA, *TOKENS}
        for service in sorted(self.services):
            for operation in self._shapes.model(service).operation_names:
                if READS.match(operation) and names & self.members(Call(service, operation)).keys():
                    return True
        return False

    def more(self, call: Call, page: Mapping[str, Any]) -> str | None:
        """What in the page says that it is not the last one; None where it is.

        A paginated command of the CLI prints `NextToken` where --max-items ended it, whatever the API's own token is.
        """
        rules = self._pagination(call.service).get(call.operation, {})
        told = rules.get("more_results")
        if page.get("NextToken"):
            return "NextToken"
        if told and _at(page, told) is False:
            return None
        tokens = rules.get("output_token") or ()
        for name in (*_CUT, *TOKENS, *([told] if told else ()), *([tokens] if isinstance(tokens, str) else tokens)):
            if _at(page, name) not in (None, False, ""):
                return str(name)
        return None

    def _pagination(self, service: str) -> Mapping[str, Any]:
        from botocore.exceptions import UnknownServiceError

        try:
            return self._loader.load_service_model(service, "paginators-1")["pagination"]  # type: ignore[no-any-return]
        except UnknownServiceError:
            return {}


def _parts(kind: Kind, catalogue: Catalogue) -> Iterator[tuple[Kind, Detail]]:
    """The calls that make up a type's listing, as details of the things that they are about."""
    assert kind.list_ != "none"
    for per in kind.list_.per:
        params = {**kind.list_.params, **per.params}
        yield catalogue[per.type], Detail(into=kind.name, service=kind.service, call=kind.list_.call, params=params, take=kind.list_.items)


def _at(page: Mapping[str, Any], dotted: str) -> Any:
    value: Any = page
    for step in dotted.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _alike(model: Any, value: Any) -> bool:
    """Whether a value can be of the shape, judged by its outside: the members of different services share names."""
    match model.type_name:
        case "structure" | "map":
            return isinstance(value, dict)
        case "list":
            return isinstance(value, list) and (not value or _alike(model.member, value[0]))
        case "boolean":
            return isinstance(value, bool)
        case "integer" | "long" | "float" | "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) or model.type_name == "timestamp" or model.name == "policyDocumentType"
