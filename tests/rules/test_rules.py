"""The shipped folder as a whole: every rule holds its own examples, and every file says where it has it from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from agent.collect.aws.client import _cut
from agent.rulebook import load_profiles
from agent.rulebook import shipped as folder
from checks import example
from checks.catalogue import Kind, TagCall
from checks.shape import Shape
from tests.agent.road import shipped

BOOK = shipped()
EVERY = {**BOOK.rules, **BOOK.log_rules}
"""Rules over resources, over paths and over rows."""
RULES = sorted(EVERY)
NO_PAGES = {
    ("athena", "ListWorkGroups"): "botocore has no paginator; a token that is left over is a gap",
    ("apigatewayv2", "GetVpcLinks"): "botocore has no paginator; the token is passed on",
    ("backup", "ListTags"): "botocore has no paginator; a vault has at most 50 tags, which is less than a page",
    ("config", "GetDiscoveredResourceCounts"): "botocore has no paginator; a token that is left over is a gap",
    ("directconnect", "DescribeVirtualInterfaces"): "botocore has no paginator; the token is passed on",
    ("ec2", "DescribeVpcBlockPublicAccessExclusions"): "botocore has no paginator; the token is passed on",
    ("firehose", "ListDeliveryStreams"): "the largest page is asked for; more than that is a gap",
    ("firehose", "ListTagsForDeliveryStream"): "a stream has at most 50 tags, which is a page",
    ("kinesis", "ListTagsForStream"): "a stream has at most 50 tags; more than a page is a gap",
    ("ssm", "DescribeDocumentPermission"): "botocore has no paginator; a token that is left over is a gap",
}
"""Calls that answer in pages and that botocore asks for one of only."""
OF_THE_ACCOUNT = {("aws.cloudfront.distribution", "LogDeliveries"): "the deliveries of a distribution are known by their source's name"}
"""Details that are the same for every resource of a type: the rule picks out what is about the one it judges."""
FIXED = {
    "aws-eks-audit-logs": {"log_types"},
    "aws-eks-endpoint-not-public": {"everyone"},
    "aws-network-acl-admin-ports": {"ports", "sources"},
    "aws-security-group-database-ports": {"everyone", "ports"},
    "aws-security-group-open-ports": {"closed", "everyone"},
    "log-azure-flows-admin-ports": {"port_numbers"},
    "log-azure-flows-database-ports": {"port_numbers", "sources"},
    "log-azure-flows-encrypted": {"inside"},
    "log-azure-nsg-flows-admin-ports": {"port_numbers"},
    "log-azure-nsg-flows-database-ports": {"port_numbers", "sources"},
    "log-flows-admin-ports": {"port_numbers"},
    "log-flows-database-ports": {"port_numbers", "sources"},
    "log-flows-encrypted": {"inside"},
    "tls-certificate-lifetime": {"most_days"},
    "tls-cipher-not-listed": {"allowed"},
    "tls-http-hsts-short": {"max_age"},
    "tls-key-exchange-not-listed": {"allowed"},
}
"""Parameters that no promise can give: constants with a name, or what profiles give."""
OF_OUR_OWN = {"policy.sentence", "tls.endpoint"}
"""Types that upheld makes itself: what is said of them has no source outside."""
FRAMEWORKS = {
    "aws-fsbp": r"[A-Za-z0-9]+\.[0-9]+",
    "cabf-br": r"[0-9]+(\.[0-9]+)+",
    "cis-aws-5.0.0": r"[0-9]+(\.[0-9]+)+",
    "cis-azure-3.0.0": r"[0-9]+(\.[0-9]+)+",
    "mcsb-1": r"[A-Z]{2}-[0-9]+",
    "mozilla-6.0": "intermediate|modern",
    "nist-sp-800-52r2": r"[0-9]+(\.[0-9]+)+",
    "nist-sp-800-57": r"[0-9]+(\.[0-9]+)+",
    "pci-dss-4.0.1": r"[0-9]+(\.[0-9]+)+",
}
"""What is cited, and the form of its numbers; an RFC by its sections."""
TOKEN = re.compile(r"(?<!update)token|marker|truncated|hasmore|additional.*available|position", re.IGNORECASE)
"""What may say that there are more pages; an UpdateToken is for writing."""


def calls(kind: Kind) -> Iterator[tuple[str, str]]:
    if kind.list_ != "none":
        yield kind.service, kind.list_.call
    yield from ((detail.service or kind.service, detail.call) for detail in kind.detail)
    if isinstance(kind.tags, TagCall):
        yield kind.service, kind.tags.call


ASKED = sorted({call for kind in BOOK.catalogue.values() for call in calls(kind)})


@pytest.mark.parametrize("name", RULES)
def test_a_rule_holds_its_examples_and_every_mutant_of_them(name: str) -> None:
    assert [f"{failure.line}: {failure.problem}" for failure in example.run(EVERY[name], BOOK.catalogue)] == []


def test_there_are_rules_for_many_kinds_of_thing() -> None:
    assert len(RULES) >= 60
    assert len({rule.kind for rule in EVERY.values()}) >= 25


@pytest.mark.parametrize("verdict", ["upheld", "broken", "unproven"])
def test_every_rule_shows_each_verdict(verdict: str) -> None:
    assert [name for name, rule in EVERY.items() if not getattr(rule.file.examples, verdict)] == []


def test_a_file_is_named_after_its_rule_and_stands_under_its_provider() -> None:
    files = {name: Path(rule.document.file).relative_to(folder()) for name, rule in EVERY.items()}
    assert {name: file for name, file in files.items() if file.stem != name} == {}
    providers = {name: rule.kind.partition(".")[0] for name, rule in EVERY.items()}
    folders = {
        name: "network" if rule.file.paths else "logs" if providers[name] == "log" else providers[name] for name, rule in EVERY.items()
    }
    assert {name: file for name, file in files.items() if file.parts[0] != folders[name]} == {}
    assert [name for name in RULES if not name.startswith(providers[name] + "-")] == []


def test_a_catalogue_stands_under_its_provider() -> None:
    held = {file.relative_to(folder()).parts[0]: file for file in folder().glob("*/catalogue/*.yaml")}
    folders = {"log": "logs"}
    providers = {name.partition(".")[0] for name in BOOK.catalogue}
    assert {folders.get(provider, provider) for provider in providers} == set(held)


def declared(shape: Shape) -> Iterator[str]:
    """The names of all members, at any depth."""
    for name, below in shape.members.items():
        yield name
        yield from declared(below)
    if shape.element is not None:
        yield from declared(shape.element)


def test_no_declared_member_holds_a_secret() -> None:
    secret = re.compile(
        r"password|secret|shared_?key$|authorization_?key|service_?key|custom_?data|user_?data|os_?profile|extension|certificate",
        re.IGNORECASE,
    )
    names = {(kind.name, name) for kind in BOOK.catalogue.values() if kind.arm for name in declared(kind.arm.completed)}
    assert len(names) > 1200
    assert {one for one in names if secret.search(one[1])} == {("azure.dbforpostgresql.flexibleservers", "passwordAuth")}, (
        "Enabled or Disabled"
    )


def test_nothing_else_lies_in_the_folder() -> None:
    read = {Path(rule.document.file) for rule in EVERY.values()}
    catalogues = set(folder().glob("*/catalogue/*.yaml"))
    files = {file for file in folder().rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    profiles = set(folder().glob("profiles/*.yaml"))
    assert {file.stem for file in profiles} == set(load_profiles(BOOK))
    assert files - read - catalogues - profiles == {folder() / "__init__.py", folder() / "controls.yaml"}


def test_every_rule_says_where_it_has_it_from() -> None:
    assert [name for name, rule in EVERY.items() if not (rule.file.source or rule.file.references) and rule.kind not in OF_OUR_OWN] == []


def test_a_rule_of_azure_about_encryption_at_rest_says_whether_the_platform_guarantees_it() -> None:
    told = {
        rule.id: (rule.file.evidence, "Guaranteed by the platform" in (rule.file.rationale or ""))
        for rule in shipped().rules.values()
        if rule.file.control == "encryption-at-rest" and rule.kind.startswith("azure.")
    }
    assert set(told.values()) == {("platform-guaranteed", True), ("configured", False)}


def test_a_citation_names_its_framework_as_all_others_do_and_an_id_once_a_rule() -> None:
    frameworks = {citation.framework for rule in EVERY.values() for citation in rule.file.references}
    assert {one for one in frameworks if not re.fullmatch(r"rfc-[0-9]+", one)} <= set(FRAMEWORKS)
    cited = [(name, one.framework, one.id) for name, rule in EVERY.items() for one in rule.file.references]
    assert [one for one, count in Counter(cited).items() if count > 1] == []
    wrong = [one for one in cited if not re.fullmatch(FRAMEWORKS.get(one[1], r"[0-9]+(\.[0-9]+)*"), one[2])]
    assert wrong == []


def test_no_two_rules_have_the_same_title() -> None:
    assert [title for title, count in Counter(rule.file.title for rule in EVERY.values()).items() if count > 1] == []


def test_what_an_absence_means_is_said_with_its_source() -> None:
    said: list[tuple[str, str, str]] = []
    for name, kind in BOOK.catalogue.items():
        said += [(name, path, source) for path, source in kind.omitted_means_none.items()]
        said += [(name, f"{one.into}.{path}", source) for one in kind.detail for path, source in one.omitted_means_none.items()]
        if kind.empty == "omitted":
            said.append((name, "items", kind.source or ""))
    assert len(said) > 40
    documented = re.compile(r"reference|guide|documentation|RFC|issue [0-9]+|its absence only ever counts against", re.IGNORECASE)
    assert [one for one in said if one[0] not in OF_OUR_OWN and not (len(one[2]) > 40 and documented.search(one[2]))] == []


@pytest.fixture(scope="module")
def models() -> Any:
    """botocore's models, whole: not those that the program has cut down to the catalogue."""
    return botocore.session.Session()


def paginated(models: Any, service: str, call: str) -> bool:
    """Whether botocore has a paginator for the call."""
    return call in models.get_component("data_loader").load_service_model(service, "paginators-1").get("pagination", {})


def test_every_call_exists_and_all_its_pages_are_asked_for_or_show(models: Any) -> None:
    assert len(ASKED) > 150
    cut_off = set()
    for service, call in ASKED:
        output = models.get_service_model(service).operation_model(call).output_shape
        tokens = [member for member in (output.members if output else ()) if TOKEN.search(member)]
        if tokens and not paginated(models, service, call):
            cut_off.add((service, call))
            unseen = [member for member in tokens if not _cut({member: True if member.startswith(("Is", "Has")) else "more"})]
            assert unseen == [], f"{service} {call} would end with its first page, and nobody would know"
    assert cut_off == set(NO_PAGES)


def test_no_call_changes_anything(models: Any) -> None:
    """By its name; which permission it takes is held against IAM's own list elsewhere."""
    verbs = re.compile(r"(Describe|Get|List|BatchGet|Lookup|Search)[A-Z]")
    assert [call for call in ASKED if not verbs.match(call[1])] == []
    assert not [call for call in ASKED if call[1] in {"GetSecretValue", "GetObject", "GetParameter", "GetFunction", "GetPasswordData"}]


def test_every_detail_is_taken_from_a_call_about_its_resource() -> None:
    """A call without parameters, on a thing of which there are many, would say the same of each."""
    nameless = {
        (kind.name, detail.into) for kind in BOOK.catalogue.values() for detail in kind.detail if not (detail.params or kind.pseudo)
    }
    assert nameless == set(OF_THE_ACCOUNT)


def test_kinds_are_spelt_alike_wherever_they_are_named() -> None:
    named = {kind for control in BOOK.controls.values() if control.kinds != "none" for kind in control.kinds}
    collected = {kind for held in BOOK.catalogue.values() for kind in held.known_as}
    spelt: dict[str, set[str]] = {}
    for kind in named | collected:
        spelt.setdefault(re.sub(r"[^a-z0-9:/]", "", kind.lower()), set()).add(kind)
    assert {plain: kinds for plain, kinds in spelt.items() if len(kinds) > 1} == {}
    assert [
        kind
        for kind in named | collected
        if not re.fullmatch(r"AWS::[A-Za-z0-9]+::[A-Za-z0-9]+|Microsoft(\.[A-Za-z0-9]+)(/[A-Za-z0-9]+)+", kind)
    ] == []


def test_a_rule_judges_a_kind_that_its_control_is_about() -> None:
    """Else a thing of a kind that exists would be judged without being counted, or counted without being judged."""
    strange = {
        name: rule.kind
        for name, rule in EVERY.items()
        if (kinds := BOOK.controls[rule.file.control].kinds) != "none"
        and rule.file.paths is None
        and rule.file.rows is None
        and (held := BOOK.catalogue[rule.kind].config)
        and not set(held) & set(kinds)
    }
    assert strange == {}


def test_a_rule_of_paths_covers_kinds_that_its_control_is_about() -> None:
    assert {
        name: strange
        for name, rule in EVERY.items()
        if (kinds := BOOK.controls[rule.file.control].kinds) != "none" and (strange := set(rule.file.covers) - set(kinds))
    } == {}


def test_a_control_lists_each_kind_once_and_in_order() -> None:
    assert [
        name for name, control in BOOK.controls.items() if control.kinds != "none" and len(set(control.kinds)) < len(control.kinds)
    ] == []


def test_every_control_has_a_rule() -> None:
    assert set(BOOK.controls) - {rule.file.control for rule in EVERY.values()} == set()


def test_a_control_that_is_open_to_only_has_the_parameter_that_says_what_is_allowed() -> None:
    assert [
        name for name, control in BOOK.controls.items() if "only" in control.quantifiers and control.allow_list not in control.params
    ] == []


def test_a_parameter_of_a_rule_is_one_of_its_control() -> None:
    """A promise can give no other, so another stays at its default for ever."""
    fixed = {}
    for name, rule in EVERY.items():
        control = BOOK.controls[rule.file.control]
        if unknown := set(rule.file.params) - set(control.params):
            fixed[name] = unknown
        assert set(rule.file.ignores) <= set(control.params), name
        given = {one: held.type for one, held in rule.file.params.items() if one not in unknown}
        assert given == {one: control.params[one].value_type for one in given}, name
    assert fixed == FIXED
