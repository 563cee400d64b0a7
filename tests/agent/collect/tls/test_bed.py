"""Over a hundred endpoints with what was planted in each: what is seen is what is there, and every fault has its own rule."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from agent.collect.tls.inspecting import Inspector, Seen
from agent.schemas import schema
from checks.tls.reuse import with_shared_keys
from tests.world.tls_bed import Bed, bed, expected
from tests.world.tls_verdicts import verdicts

VERSIONS = ("ssl2", "ssl3", "tls10", "tls11", "tls12", "tls13")
TOGETHER = "tls-certificate-key-reuse"
"""A rule on all endpoints together."""
GOOD = ("modern", "intermediate", "dual", "two-addresses", "hybrid", "staple-good", "private", "root-sent", "ed25519", "by-address", "urls")
UNSEEN = sorted(name for name, held in expected().items() if held["outcome"] not in {"inspected", "alert"})
NAMES = sorted(expected())


@dataclass(frozen=True)
class Inspected:
    """The bed as both modes saw it, at once."""

    bed: Bed
    full: Mapping[str, Seen]
    quick: Mapping[str, Seen]
    order: list[str]
    """Endpoints in the order in which full mode was done with them."""
    counted: Mapping[str, int]
    """Connections that servers of our own have counted, of both modes."""


def inspect(bed: Bed, *, full: bool, at_once: int = 256) -> dict[str, Seen]:
    async def run() -> dict[str, Seen]:
        inspector = Inspector(bed.roots, lambda: datetime.now(UTC), lambda _: full, at_once, bed.plain_port)
        names = {one.target.id: name for name, one in bed.endpoints.items()}
        return {names[seen.target.id]: seen async for seen in inspector.inspect([one.target for one in bed.endpoints.values()])}

    return asyncio.run(run())


@pytest.fixture(scope="module")
def inspected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inspected]:
    with bed(tmp_path_factory.mktemp("bed")) as running:
        full = inspect(running, full=True)
        quick = inspect(running, full=False)
        counted = {name: one.responder.connections for name, one in running.endpoints.items() if one.responder is not None}
        yield Inspected(running, full, quick, list(full), counted)


def data(seen: Seen) -> dict[str, Any]:
    assert seen.resource is not None
    return dict(seen.resource.data)


def addresses(seen: Seen) -> list[dict[str, Any]]:
    return data(seen)["addresses"]


def test_the_file_of_expectations_names_every_endpoint(inspected: Inspected) -> None:
    assert set(inspected.bed.endpoints) == set(expected())
    assert len(expected()) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_full_mode_sees_what_is_there(inspected: Inspected, name: str) -> None:
    wanted = expected()[name]
    for seen in addresses(inspected.full[name]):
        assert seen["outcome"] == wanted["outcome"]
        if "speaks" in wanted and name != "flaky":
            assert {version: seen["versions"].get(version) for version in VERSIONS if version in seen["versions"]} == {
                version: version in wanted["speaks"] for version in VERSIONS if version in seen["versions"]
            }
        assert_holds(seen, wanted.get("facts", {}))


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"flaky"}))
def test_every_fault_has_its_own_rule_and_nothing_else_is_found(inspected: Inspected, name: str) -> None:
    wanted = expected()[name]
    said = {rule.removeprefix("tls-"): verdict for (rule, _), verdict in verdicts([inspected.full[name]]).items() if rule != TOGETHER}
    assert sorted(rule for rule, verdict in said.items() if verdict == "broken") == sorted(wanted["broken"])
    unproven = {rule for rule, verdict in said.items() if verdict == "unproven"}
    if wanted.get("unproven") == "everything else":
        assert "upheld" not in said.values()
    elif "unproven" in wanted:
        assert unproven == set(wanted["unproven"])
    elif "sha256" in addresses(inspected.full[name])[0].get("certificate", {}):
        assert not unproven


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"flaky"}))
def test_quick_mode_says_nothing_that_full_mode_contradicts(inspected: Inspected, name: str) -> None:
    full, quick = verdicts([inspected.full[name]]), verdicts([inspected.quick[name]])
    turned = {rule: (quick[rule], verdict) for rule, verdict in full.items() if {quick.get(rule), verdict} == {"upheld", "broken"}}
    assert turned == {}
    if "quickly" in (wanted := expected()[name]):
        assert sorted(rule.removeprefix("tls-") for (rule, _), verdict in quick.items() if verdict == "broken") == sorted(wanted["quickly"])


@pytest.mark.parametrize("name", GOOD)
def test_good_controls_have_no_fault(inspected: Inspected, name: str) -> None:
    assert set(expected()[name]["broken"]) <= {"key-exchange-no-hybrid"}  # the distribution's OpenSSL has none


@pytest.mark.parametrize("name", UNSEEN)
def test_nothing_is_upheld_on_what_could_not_be_inspected(inspected: Inspected, name: str) -> None:
    for seen in (inspected.full[name], inspected.quick[name]):
        assert "upheld" not in verdicts([seen]).values()


@pytest.mark.parametrize("name", ["alert", "alert-access", "refuses-names"])
def test_of_a_server_that_refuses_everything_it_is_known_that_it_speaks_tls_and_no_more(inspected: Inspected, name: str) -> None:
    for seen in (inspected.full[name], inspected.quick[name]):
        upheld = {rule for (rule, _), verdict in verdicts([seen]).items() if verdict == "upheld"}
        assert upheld <= {"tls-transport-plaintext"}


def test_quick_mode_makes_no_list_that_looks_complete(inspected: Inspected) -> None:
    for seen in inspected.quick.values():
        for facts in addresses(seen):
            assert not {"suites", "groups", "enumerated", "least_bits"} & set(facts)


def test_quick_mode_makes_four_connections_where_nothing_is_in_the_way(inspected: Inspected) -> None:
    wanted = {
        name: 4 + (inspected.bed.endpoints[name].plain is not None) for name in (*GOOD, "expired", "mtls13", "postgres", "smtp-offers")
    }
    wanted["two-addresses"] = 8
    assert {name: inspected.quick[name].connections for name in wanted} == wanted


def test_full_mode_makes_at_most_thirty_connections_to_a_usual_server(inspected: Inspected) -> None:
    one_address = [name for name in GOOD if name != "two-addresses"]
    counts = {name: inspected.full[name].connections for name in (*one_address, "postgres", "mtls12", "expired", "rsa1024")}
    assert {name: count for name, count in counts.items() if count > 30} == {}


def test_every_connection_is_counted(inspected: Inspected) -> None:
    said = {name: inspected.full[name].connections + inspected.quick[name].connections for name in inspected.counted}
    assert said == dict(inspected.counted)


def test_nobody_waits_for_a_slow_neighbour(inspected: Inspected) -> None:
    """Who says nothing is not waited for: others are done before, and one connection tells of each."""
    slow, short = {"silent", "dripping"}, {"http", "refused", "alert", "smtp-refuses", "ssl3", "tls12-only", "p256-only", "by-address"}
    assert min(map(inspected.order.index, short)) < min(map(inspected.order.index, slow))
    assert {inspected.full[name].connections for name in slow} == {1}


def test_slow_neighbours_hold_no_more_than_their_own_places(inspected: Inspected) -> None:
    """With three places, of which two go to slow ones first, all the others take their turns at the third."""
    slow = [inspected.bed.endpoints[name].target for name in ("silent", "dripping")]
    quick = [inspected.bed.endpoints[name].target for name in ("modern", "http", "refused")]

    async def run() -> list[str]:
        inspector = Inspector(inspected.bed.roots, lambda: datetime.now(UTC), lambda _: False, 3)
        return [seen.target.host.partition(".")[0] async for seen in inspector.inspect([*slow, *quick])]

    assert set(asyncio.run(run())[:3]) == {"modern", "http", "refused"}


def test_several_addresses_of_a_name_are_each_inspected(inspected: Inspected) -> None:
    assert [one["address"] for one in addresses(inspected.full["two-addresses"])] == ["127.0.0.1", "::1"]


def test_what_a_flaky_server_is_said_to_be_is_true(inspected: Inspected) -> None:
    truth = addresses(inspected.full["modern"])[0]
    for seen in (inspected.full["flaky"], inspected.quick["flaky"]):
        facts = addresses(seen)[0]
        assert facts["versions"].items() <= truth["versions"].items()
        assert all(set(facts["suites"][key]) == set(truth["suites"][key]) for key in facts.get("suites", {}))
        assert facts.get("groups", truth["groups"]) == truth["groups"]
        assert facts["certificate"]["sha256"] == truth["certificate"]["sha256"]
    assert addresses(inspected.full["flaky"])[0]["flaky"] is True
    assert "broken" not in {verdict for (rule, _), verdict in verdicts([inspected.full["flaky"]]).items() if "hybrid" not in rule}


def test_one_key_under_two_certificates_is_found(inspected: Inspected) -> None:
    held = [inspected.full[name] for name in ("modern", "hybrid", "intermediate", "private")]
    resources = [one.resource for one in held if one.resource is not None]
    marked = [replace(one, resource=resource) for one, resource in zip(held, with_shared_keys(resources), strict=True)]
    said = {endpoint.partition(".")[0]: verdict for (rule, endpoint), verdict in verdicts(marked).items() if rule == TOGETHER}
    assert said == {"modern": "upheld", "hybrid": "upheld", "intermediate": "broken", "private": "broken"}


def test_the_data_fits_the_published_schema(inspected: Inspected) -> None:
    validator = jsonschema.Draft202012Validator(schema("tls-endpoint"))
    for seen in (*inspected.full.values(), *inspected.quick.values()):
        assert [error.message for error in validator.iter_errors(data(seen))] == [], seen.target.id


def assert_holds(held: Any, wanted: Any, path: str = "") -> None:
    """Every member that is wanted is there, with what is wanted below it; lists are equal."""
    if isinstance(wanted, Mapping) and isinstance(held, Mapping):
        for name, value in wanted.items():
            assert name in held, f"{path}.{name} is absent"
            assert_holds(held[name], value, f"{path}.{name}")
    elif isinstance(wanted, list) and isinstance(held, list) and wanted and isinstance(wanted[0], Mapping):
        assert len(held) == len(wanted), path
        for number, value in enumerate(wanted):
            assert_holds(held[number], value, f"{path}[{number}]")
    else:
        assert held == wanted, path
