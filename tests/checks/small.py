"""A catalogue small enough to know by heart, and short ways to make rules, promises, resources and estates."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.publish import json_report
from agent.publish.result import Findings, Result
from checks import catalogue, control, document, promise, rule
from checks.control import Controls
from checks.judge import Bound, Population, bind, judge, key
from checks.model import GLOBAL, Estate, Finding, Gap, Look, Manifest, Place, Reason, Resource, Scope, digest
from checks.plan import ACCOUNTS, KINDS, RECORDER, REGIONS, TAGGED
from checks.promise import Acceptance, Promises
from checks.rule import Rule
from checks.shape import ANY, Shape
from checks.summary import PromiseSummary, Text, summarize, summarize_rule
from checks.terms import Vocabulary

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
HERE, THERE = "eu-central-1", "eu-west-1"
NOW = "2026-11-20T12:00:00Z"

DISK, KEY, BUCKET, ACCOUNT_TYPE, REGION_TYPE = "aws.test.disk", "aws.test.key", "aws.test.bucket", "aws.account", "aws.region"

CATALOGUE = catalogue.read(
    [
        document.parse(
            """
schema: upheld.catalogue/1
service: test
types:
  aws.test.disk:
    title: Disk
    list: {call: ListDisks, items: Disks}
    id: DiskId
    arn: "arn:{partition}:test:{region}:{account}:disk/{DiskId}"
    config: AWS::Test::Disk
    tags: Tags
    keep: [DiskId, Encrypted, Size, State, KeyId, PublicIp, Zones, Attachments, Network, Permissions, Labels, Document, Created]
    helper_only: [Permissions, "Attachments[].Secret"]
    omitted_means_none:
      PublicIp: documented
      "Attachments[].Role": documented
    detail:
      - {into: Policy, call: GetDiskPolicy, not_configured: [NoSuchPolicy]}
      - {into: Backup, call: GetDiskBackup}
  aws.test.key:
    title: Key
    list: {call: ListKeys, items: Keys}
    id: KeyId
    aliases: [Name]
    arn: "arn:{partition}:test:{region}:{account}:key/{KeyId}"
    config: AWS::Test::Key
    keep: [KeyId, Name, Manager, Zones, Rotated]
  aws.test.bucket:
    title: Bucket
    scope: global
    list: {call: ListBuckets, items: Buckets}
    id: Name
    arn: "arn:{partition}:test:::{Name}"
    region_from: Region
    config: AWS::Test::Bucket
    keep: [Name, Region, Encrypted]
  aws.account: {title: Account, scope: global, list: none, detail: [{into: Summary, call: GetSummary}]}
  aws.region: {title: Region, list: none, detail: [{into: Default, call: GetDefault}]}
  aws.ec2.region:
    {title: Region, scope: global, list: {call: DescribeRegions, items: Regions}, id: RegionName, keep: [RegionName, OptInStatus]}
  aws.organizations.account: {title: Account, scope: global, list: {call: ListAccounts, items: Accounts}, id: Id, keep: [Id, Name]}
  aws.config.discovered_count:
    {title: Count, list: {call: GetCounts, items: Counts}, id: resourceType, keep: [resourceType, count]}
  aws.config.recorder:
    title: Recorder
    list: {call: DescribeRecorders, items: Recorders}
    id: name
    keep: [name, recordingGroup]
    detail: [{into: Status, call: DescribeStatus}]
  aws.tagging.resource: {title: Tagged, list: {call: GetTagged, items: Resources}, id: ResourceARN, keep: [ResourceARN]}
""",
            "catalogue.yaml",
        )
    ]
)

_TEXT, _FLAG, _NUMBER, _TIME = Shape("string"), Shape("boolean"), Shape("integer"), Shape("timestamp")
_STATE = Shape("string", values=("available", "in-use", "deleted"))


def _structure(**members: Shape) -> Shape:
    return Shape("structure", members)


def _list(element: Shape) -> Shape:
    return Shape("list", element=element)


_ATTACHMENT = _structure(
    Device=_TEXT,
    Public=_FLAG,
    State=_STATE,
    Role=_TEXT,
    Secret=_TEXT,
    Since=_TIME,
    Ports=_list(_NUMBER),
    Hosts=_list(_structure(Name=_TEXT)),
)
SHAPES: Mapping[str, Shape] = {
    DISK: _structure(
        DiskId=_TEXT,
        Encrypted=_FLAG,
        Size=_NUMBER,
        Speed=Shape("double"),
        State=_STATE,
        Engine=_TEXT,
        KeyId=_TEXT,
        PublicIp=_TEXT,
        Zones=_list(_TEXT),
        OtherZones=_list(_TEXT),
        Grid=_list(_list(_TEXT)),
        Attachments=_list(_ATTACHMENT),
        Spares=_list(_ATTACHMENT),
        Network=_structure(VpcId=_TEXT, Public=_FLAG, Zones=_list(_TEXT)),
        Peer=_structure(VpcId=_TEXT, Public=_FLAG, Zones=_list(_TEXT)),
        Permissions=_list(_structure(IpProtocol=_TEXT, FromPort=_NUMBER)),
        Labels=Shape("map", element=_TEXT),
        Document=ANY,
        Created=_TIME,
        Policy=_TEXT,
        Backup=_structure(Enabled=_FLAG, Plans=_list(_TEXT)),
    ),
    KEY: _structure(KeyId=_TEXT, Name=_TEXT, Manager=_TEXT, Zones=_list(_TEXT), Rotated=_TIME),
    BUCKET: _structure(Name=_TEXT, Region=_TEXT, Encrypted=_FLAG),
    ACCOUNT_TYPE: _structure(Account=_TEXT, Summary=_structure(Keys=_NUMBER)),
    REGION_TYPE: _structure(Account=_TEXT, Default=_structure(Encrypted=_FLAG)),
    REGIONS: _structure(RegionName=_TEXT, OptInStatus=_TEXT),
    ACCOUNTS: _structure(Id=_TEXT, Name=_TEXT),
    KINDS: _structure(resourceType=_TEXT, count=_NUMBER),
    TAGGED: _structure(ResourceARN=_TEXT),
    RECORDER: _structure(name=_TEXT, recordingGroup=_structure(allSupported=_FLAG), Status=_list(_structure(recording=_FLAG))),
}

CONTROLS: Controls = control.read(
    document.parse(
        """
schema: upheld.controls/1
controls:
  encryption:
    title: Encryption
    quantifiers: [all]
    params:
      algorithm: {type: string, description: the cipher}
      customer_key: {type: bool, description: whose key}
    kinds: [AWS::Test::Disk, AWS::Test::Bucket, AWS::Test::Tape]
  isolation:
    title: Isolation
    quantifiers: [only, never]
    params:
      allowed: {type: list, description: who may}
    allow_list: allowed
    kinds: none
  settings: {title: Settings, quantifiers: [all], kinds: none}
""",
        "controls.yaml",
    )
)


def rule_text(upheld_if: str, *, id: str = "rule", resource: str = DISK, control: str = "settings", extra: str = "") -> str:  # noqa: A002
    """A rule file. Its examples are not run by loading, so anything will do."""
    excluded = "\n  excluded: [{}]" if "applies_if:" in extra else ""
    condition = textwrap.indent(upheld_if.strip("\n"), "  ")
    return (
        f"id: {id}\ntitle: Title of {id}\ncontrol: {control}\nseverity: high\nresource: {resource}\nupheld_if: |\n{condition}\n"
        f"remedy: Mend it.\n{extra.strip()}\nexamples:\n  upheld: [{{}}]\n  broken: [{{}}]\n  unproven: [{{}}]{excluded}\n"
    )


def load(text: str, file: str = "rule.yaml") -> Rule:
    return rule.read(document.parse(text, file), CATALOGUE, SHAPES, CONTROLS)


def make_rule(upheld_if: str, **kwargs: str) -> Rule:
    return load(rule_text(upheld_if, **kwargs))


def vocabulary(kind: str = DISK, **changes: Any) -> Vocabulary:
    return Vocabulary(**{"kind": kind, "shapes": SHAPES, "catalogue": CATALOGUE, "params": {}, **changes})


def make_promises(text: str, rules: Iterable[Rule] = ()) -> Promises:
    """A promises file from its `promises:` (and whatever else) on."""
    return promise.read(document.parse("schema: upheld.promises/1\n" + textwrap.dedent(text), "promises.yaml"), CONTROLS, rules)


def listing_id(type_: str, place: Place) -> str:
    return digest("listing", type_, place.account, place.region)


@dataclass
class Builder:
    """An estate in the making: by default every type was listed everywhere, and nothing was found."""

    accounts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {ACCOUNT: (HERE,)})
    resources: list[Resource] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    unlisted: set[tuple[str, Place]] = field(default_factory=set)
    asserted_by: str | None = None

    def add(
        self,
        type_: str,
        data: Mapping[str, Any],
        *,
        place: Place | None = None,
        id: str | None = None,  # noqa: A002
        tags: Mapping[str, str] | None = None,
        looks: Sequence[str] | None = None,
    ) -> Resource:
        """A resource that its listing shows, in the first account and region unless said otherwise; tags None is no tags at all."""
        kind = CATALOGUE[type_]
        account, regions = next(iter(self.accounts.items()))
        place = place or Place(account, GLOBAL if kind.is_global else regions[0])
        listed = Place(place.account, GLOBAL) if kind.is_global else place
        name = id or str(data.get(kind.id) or f"{kind.name.rpartition('.')[2]}-{len(self.resources)}")
        evidence = tuple(looks) if looks is not None else (listing_id(type_, listed),)
        shown_in = GLOBAL if kind.is_global and place.region != GLOBAL else None
        resource = Resource(name, type_, place.account, place.region, data, tags if tags is not None else {}, evidence, shown_in)
        self.resources.append(resource)
        return resource

    def universe(self, *regions: str, accounts: Iterable[str] | None = None, kinds: Mapping[str, int] | None = None) -> Builder:
        """What shows that the universe is what was read: accounts, enabled regions, a recorder of everything, counts by kind."""
        for account, read in self.accounts.items():
            for region in regions or read:
                self.add(REGIONS, {"RegionName": region, "OptInStatus": "opted-in"}, place=Place(account, GLOBAL))
            for region in read:
                place = Place(account, region)
                self.add(RECORDER, {"name": "all", "recordingGroup": {"allSupported": True}, "Status": [{"recording": True}]}, place=place)
                for kind, count in (kinds or {"Disk": 1}).items():
                    self.add(KINDS, {"resourceType": f"AWS::Test::{kind}", "count": count}, place=place)
        for account in accounts or self.accounts:
            self.add(ACCOUNTS, {"Id": account, "Name": f"account-{account}"})
        return self

    def gap(self, type_: str, id_: str | None = None, field_: str | None = None, *, place: Place | None = None) -> Gap:
        region = GLOBAL if CATALOGUE[type_].is_global else HERE
        at = place or Place(ACCOUNT, region)
        gap = Gap(type_, at.account, at.region, id_, field_, Reason.DENIED, "Call", "AccessDenied")
        self.gaps.append(gap)
        return gap

    def places(self) -> Iterable[tuple[str, Place]]:
        for type_, kind in CATALOGUE.items():
            for account, regions in self.accounts.items():
                for region in (GLOBAL,) if kind.is_global else regions:
                    if not kind.pseudo:
                        yield type_, Place(account, region)

    def build(self) -> Estate:
        scope = Scope(self.accounts, tuple(sorted(CATALOGUE)))
        manifest = Manifest("upheld.estate/1", NOW, NOW, "test", {}, None, scope, self.asserted_by)
        gone = {(gap.type, Place(gap.account, gap.region)) for gap in self.gaps if gap.id is None}
        looks = [make_look(type_, place) for type_, place in self.places() if (type_, place) not in self.unlisted | gone]
        looks += [make_look(type_, Place(ACCOUNT, HERE), target="x") for type_ in (REGION_TYPE, ACCOUNT_TYPE)]
        by_type: dict[str, list[Resource]] = {}
        for resource in self.resources:
            by_type.setdefault(resource.type, []).append(resource)
        return Estate(manifest, {name: tuple(held) for name, held in by_type.items()}, tuple(looks), tuple(self.gaps))


def make_look(type_: str, place: Place, target: str | None = None) -> Look:
    return Look(listing_id(type_, place), place.account, place.region, type_, "List", target, 1, 1, NOW, "request", "hash")


@dataclass(frozen=True)
class Answer:
    """What a run came to."""

    findings: list[Finding]
    promises: list[PromiseSummary]
    populations: Mapping[tuple[str, str], Population]
    bound: list[Bound]
    result: Result

    def verdict(self, id_: str | None = None) -> str:
        """The verdict of the only finding, or of the only one about a resource."""
        found = [finding for finding in self.findings if id_ is None or finding.resource.id == id_]
        assert len(found) == 1, found
        return str(found[0].verdict)

    def json(self) -> str:
        return "".join(json_report.chunks(self.result))


def ask(
    estate: Estate,
    rules: Iterable[Rule],
    promises: Promises | None = None,
    *,
    texts: Mapping[str, Text] | None = None,
    exceptions: Mapping[str, Acceptance] | None = None,
    stale: bool = False,
) -> Answer:
    """Judge as a run does: all the rules where there are no promises."""
    held = promises or Promises.model_validate({"schema": "upheld.promises/1", "promises": []})
    bound = bind(rules, held.promises, every=promises is None)
    populations: dict[tuple[str, str], Population] = {}
    findings = list(judge(estate, CATALOGUE, bound, populations, exceptions, stale=lambda _: stale))
    summaries = summarize(estate, CATALOGUE, CONTROLS, held, texts or {}, bound, populations)
    spool = Findings()
    for finding in findings:
        spool.add(finding)
    rules_summed = [summarize_rule(one, populations["", key(one)]) for one in bound if ("", key(one)) in populations]
    return Answer(
        findings, summaries, populations, bound, Result(estate.manifest, spool, summaries, rules_summed, estate.gaps, "upheld", "digest", 0)
    )
