"""What a rule may see of the estate besides the resource it judges: `lookup` and `every`, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from checks import paths
from checks.catalogue import Catalogue
from checks.expression import clean
from checks.functions.declare import DataError
from checks.model import GLOBAL, Asserted, Data, Estate, Gap, Look, Place, Resource
from checks.paths import Path


class EstateWorld:
    """The estate as one resource's rule sees it. `touched` and `listings` collect what an evaluation came to rest on."""

    def __init__(self, estate: Estate, catalogue: Catalogue) -> None:
        self._estate, self._catalogue = estate, catalogue
        self._index: dict[str, Mapping[tuple[str, str], list[Resource]]] = {}
        self._clean: dict[tuple[str, str, str, str], tuple[Data, tuple[Path, ...]]] = {}
        self.here = Place("", "")
        self.judged_type = ""
        self.touched: dict[tuple[str, str, str, str], Resource] = {}
        self.listings: dict[tuple[str, Place], Look | Asserted] = {}

    def enter(self, resource: Resource) -> None:
        """Start judging a resource."""
        self.here, self.judged_type = resource.place, resource.type
        self.touched, self.listings = {}, {}

    def cleaned(self, resource: Resource) -> tuple[Data, tuple[Path, ...]]:
        """A resource's data as the runtime may see it, without its gap fields, and the members that are gaps."""
        key = _key(resource)
        data, lost = clean(resource.data, self._catalogue[resource.type].nullable)
        gaps = self._estate.resource_gaps.get(key, ())
        fields = [paths.parse(gap.field) for gap in gaps if gap.field]
        for field in fields:
            if len(field) == 1:
                data.pop(field[0], None)
        return data, (*lost, *fields)

    def lookup(self, type_: str, id_: str) -> Data | None:
        """The resource of this account that has the id, ARN or alias; None where a complete listing shows there is none."""
        account, region = self._address(type_, id_)
        found = self._indexed(type_).get((account, id_), [])
        here = [resource for resource in found if resource.region == region] or found
        if len(here) > 1:
            raise DataError(f"{type_} {id_} is in several regions: {', '.join(one.region for one in here)}")
        if here:
            return self._touch(here[0])
        self._complete(type_, Place(account, region))
        return None

    def every(self, type_: str) -> list[Data]:
        """All resources of a type in this account, or in this region where the judged resource is a region."""
        regions: Iterable[str] = [self.here.region]
        if self.here.region == GLOBAL:
            regions = self._estate.manifest.scope.accounts.get(self.here.account, ())
        if self._catalogue[type_].is_global:
            regions = [GLOBAL]
        places = {Place(self.here.account, region) for region in regions}
        for place in sorted(places):
            self._complete(type_, place)
        return [self._touch(one) for one in self._estate.of(type_) if Place(one.account, one.listed_in or one.region) in places]

    def _touch(self, resource: Resource) -> Data:
        key = _key(resource)
        self.touched[key] = resource
        if key not in self._clean:
            self._clean[key] = self.cleaned(resource)
        return self._clean[key][0]

    def lost(self, resource: Resource) -> tuple[Path, ...]:
        """The gap fields of a resource that was touched."""
        return self._clean[_key(resource)][1]

    def whole_gaps(self, resource: Resource) -> tuple[Gap, ...]:
        return tuple(gap for gap in self._estate.resource_gaps.get(_key(resource), ()) if gap.field is None)

    def _complete(self, type_: str, place: Place) -> None:
        place = Place(place.account, GLOBAL) if self._catalogue[type_].is_global else place
        listing = self._estate.listing(type_, place)
        if isinstance(listing, tuple):
            raise DataError(f"{type_} in {place.account}/{place.region}: {listing[0].reason} {listing[0].code}".rstrip())
        self.listings[type_, place] = listing

    def _address(self, type_: str, id_: str) -> tuple[str, str]:
        """The account and region that an ARN names, else those of the judged resource."""
        parts = id_.split(":", 5)
        if len(parts) < 6 or parts[0] != "arn":
            return self.here.account, self.here.region
        return parts[4] or self.here.account, parts[3] or (GLOBAL if self._catalogue[type_].is_global else self.here.region)

    def _indexed(self, type_: str) -> Mapping[tuple[str, str], list[Resource]]:
        if type_ not in self._index:
            index: dict[tuple[str, str], list[Resource]] = {}
            for resource in self._estate.of(type_):
                for name in {resource.id, *self._names(resource)}:
                    index.setdefault((resource.account, name), []).append(resource)
            self._index[type_] = index
        return self._index[type_]

    def _names(self, resource: Resource) -> Iterator[str]:
        kind = self._catalogue[resource.type]
        for alias in kind.aliases:
            yield from (value for value in paths.values(resource.data, paths.parse(alias)) if isinstance(value, str))
        if kind.arn:
            yield _arn(kind.arn, resource)


def _arn(template: str, resource: Resource) -> str:
    text = template.replace("{partition}", "aws").replace("{account}", resource.account).replace("{region}", resource.region)
    for name, value in resource.data.items():
        if isinstance(value, str):
            text = text.replace("{" + name + "}", value)
    return text


def _key(resource: Resource) -> tuple[str, str, str, str]:
    return (resource.type, resource.account, resource.id, resource.region)
