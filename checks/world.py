"""What a rule may see of the estate besides the resource it judges: `lookup` and `every`, and what they rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from checks import paths
from checks.catalogue import Catalogue
from checks.expression import clean
from checks.functions.declare import DataError
from checks.model import GLOBAL, Asserted, Data, Estate, Gap, Look, Place, Reason, Resource
from checks.paths import Path


class EstateWorld:
    """The estate as one resource's rule sees it. `touched` and `listings` collect what an evaluation came to rest on."""

    def __init__(self, estate: Estate, catalogue: Catalogue) -> None:
        self._estate, self._catalogue = estate, catalogue
        self._index: dict[str, Mapping[tuple[str, str], list[Resource]]] = {}
        self._clean: dict[tuple[str, str, str, str], tuple[Data, tuple[Path, ...]]] = {}
        self._unknown: dict[str, Mapping[Place, Gap]] = {}
        self._nameless: dict[str, Mapping[Place, Gap]] = {}
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
        """The resource of this account that has the id, ARN or alias; None where a complete listing shows there is none.

        What has no ARN is looked for in the judged resource's region, or if that one is global, in all regions. An id of Azure
        is the same however it is spelled.
        """
        id_ = _spelled(type_, id_)
        account, regions = self._address(type_, id_)
        everywhere = self._catalogue[type_].is_global
        named = [one for one in self._indexed(type_).get((account, id_), ()) if everywhere or one.region in regions]
        found = [one for one in named if one.id == id_] or named
        if len(found) > 1:
            raise DataError(f"{type_} {id_} is there more than once: in {', '.join(one.region for one in found)}")
        if not found or len(regions) > 1:
            for region in regions:
                self._complete(type_, Place(account, region), by_name=True)
        return self._touch(found[0]) if found else None

    def every(self, type_: str) -> list[Data]:
        """All resources of a type in this account, or in this region where the judged resource is a region."""
        places = {Place(self.here.account, region) for region in self._regions(type_, self.here.account, self.here.region)}
        for place in sorted(places):
            self._complete(type_, place)
        return [
            self._touch(one) for one in self._estate.of(type_) if self._listed(one.type, one.account, one.listed_in or one.region) in places
        ]

    def _touch(self, resource: Resource) -> Data:
        key = _key(resource)
        self.touched[key] = resource
        if key not in self._clean:
            self._clean[key] = self.cleaned(resource)
        return self._clean[key][0]

    def data(self, resource: Resource) -> Data:
        """The data of a resource that was touched."""
        return self._clean[_key(resource)][0]

    def lost(self, resource: Resource) -> tuple[Path, ...]:
        """The gap fields of a resource that was touched."""
        return self._clean[_key(resource)][1]

    def whole_gaps(self, resource: Resource) -> tuple[Gap, ...]:
        return tuple(gap for gap in self._estate.resource_gaps.get(_key(resource), ()) if gap.field is None)

    def _complete(self, type_: str, place: Place, *, by_name: bool = False) -> None:
        """Raise DataError unless all there is of a type in a place was seen; with `by_name`, its names too."""
        listing = self._estate.listing(type_, place)
        gaps = list(listing[:1]) if isinstance(listing, tuple) else []
        for unknown in (self._unseen(type_), self._unnamed(type_) if by_name else {}):
            gaps += [unknown[place]] if place in unknown else []
        if gaps:
            what = " ".join(part for part in (type_, gaps[0].id, gaps[0].field) if part)
            raise DataError(f"{what} in {place.account}/{place.region}: {gaps[0].reason} {gaps[0].code}".rstrip())
        assert not isinstance(listing, tuple)
        self.listings[type_, place] = listing

    def _unseen(self, type_: str) -> Mapping[Place, Gap]:
        """Where a resource is known by nothing but the gap it left."""
        if type_ not in self._unknown:
            seen = {_key(resource) for resource in self._estate.of(type_)}
            self._unknown[type_] = self._where(type_, lambda gap: (gap.type, gap.account, gap.id, gap.region) not in seen)
        return self._unknown[type_]

    def _unnamed(self, type_: str) -> Mapping[Place, Gap]:
        """Where the alias of a resource was not seen."""
        if type_ not in self._nameless:
            aliases = [paths.parse(alias) for alias in self._catalogue[type_].aliases]
            absent = {
                self._listed(type_, one.account, one.listed_in or one.region): _nameless(one, alias)
                for one in self._estate.of(type_)
                for alias in aliases
                if not any(True for _ in paths.values(one.data, alias))
            }
            seen = self._where(type_, lambda gap: any(paths.related(paths.parse(gap.field or ""), alias) for alias in aliases))
            self._nameless[type_] = {**absent, **seen}
        return self._nameless[type_]

    def _where(self, type_: str, matters: Callable[[Gap], bool]) -> Mapping[Place, Gap]:
        """A gap about one resource of each place that has any that matters."""
        gaps = (gap for key, gaps in self._estate.resource_gaps.items() if key[0] == type_ for gap in gaps)
        return {self._listed(type_, gap.account, gap.region): gap for gap in gaps if matters(gap)}

    def _listed(self, type_: str, account: str, region: str) -> Place:
        """The place whose listing shows what is in a region."""
        return Place(account, GLOBAL if self._catalogue[type_].is_global else region)

    def _regions(self, type_: str, account: str, region: str) -> tuple[str, ...]:
        """The regions of the listings that show all of a type that a region, or `global` for every region, has."""
        if self._catalogue[type_].is_global:
            return (GLOBAL,)
        collected = self._estate.manifest.scope.accounts.get(account, ()) if region == GLOBAL else ()
        return tuple(collected) or (region,)  # nobody looked there, and asking for its listing says so

    def _address(self, type_: str, id_: str) -> tuple[str, tuple[str, ...]]:
        """The account and region that an ARN names, else those of the judged resource."""
        parts = id_.split(":", 5)
        if len(parts) < 6 or parts[0] != "arn":
            return self.here.account, self._regions(type_, self.here.account, self.here.region)
        account = parts[4] or self.here.account
        return account, self._regions(type_, account, parts[3] or self.here.region)

    def _indexed(self, type_: str) -> Mapping[tuple[str, str], list[Resource]]:
        if type_ not in self._index:
            index: dict[tuple[str, str], list[Resource]] = {}
            for resource in self._estate.of(type_):
                for name in {_spelled(type_, resource.id), *self._names(resource)}:
                    index.setdefault((resource.account, name), []).append(resource)
            self._index[type_] = index
        return self._index[type_]

    def _names(self, resource: Resource) -> Iterator[str]:
        kind = self._catalogue[resource.type]
        for alias in kind.aliases:
            yield from (value for value in paths.values(resource.data, paths.parse(alias)) if isinstance(value, str))
        if kind.arn:
            yield _arn(kind.arn, resource)


def _spelled(type_: str, id_: str) -> str:
    """An id as the index has it: those of Azure Resource Manager do not differ by case, those of others do."""
    return id_.lower() if type_.startswith("azure.") else id_


def _arn(template: str, resource: Resource) -> str:
    text = template.replace("{partition}", "aws").replace("{account}", resource.account).replace("{region}", resource.region)
    for name, value in resource.data.items():
        if isinstance(value, str):
            text = text.replace("{" + name + "}", value)
    return text


def _nameless(resource: Resource, alias: Path) -> Gap:
    return Gap(resource.type, resource.account, resource.region, resource.id, paths.render(alias), Reason.NOT_COLLECTED, "")


def _key(resource: Resource) -> tuple[str, str, str, str]:
    return (resource.type, resource.account, resource.id, resource.region)
