"""`upheld tls` as a person runs it: endpoints named, listed and piped; what is told of good and bad ones; what ends it at once."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from agent.collect.estate import EstateWriter
from agent.publish import json_report, ocsf
from checks.model import Gap, Manifest, Reason, Resource, Scope
from tests.conftest import Ended, upheld
from tests.world.tls_certificates import Holder, ec_key, issue, rsa_key
from tests.world.tls_responders import Responder, plaintext_http
from tests.world.tls_servers import context, port, s_server
from tests.world.tls_starttls import double

MODERN = ("-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384")


@dataclass(frozen=True)
class Street:
    """Endpoints on loopback under the name localhost, by what is wrong with them."""

    root: Path
    pair: tuple[Path, Path]
    """Chain and key of the good endpoint."""
    good: int
    old: int
    """Speaks TLS 1.0, too."""
    two: int
    """Shows an ECDSA certificate that is good, and to clients that ask for RSA one that is weak."""
    other: int
    """Has a certificate for another name."""
    clear: int
    """Answers HTTP without TLS."""
    closed: int

    def ask(self, *targets: str | Path, **options: Any) -> Ended:
        return upheld("tls", "--ca-file", self.root, *targets, **options)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    folder = tmp_path_factory.mktemp("street")
    root = issue("Street Root", None, authority=True, days=900)
    (folder / "root.pem").write_bytes(root.pem)
    names = ("localhost", "127.0.0.1")
    rsa = files(folder, "rsa", issue("rsa", root, key=rsa_key(), names=names))
    ecdsa = files(folder, "ecdsa", issue("ecdsa", root, key=ec_key(), names=names))
    weak = files(folder, "weak", issue("weak", root, key=rsa_key(1024), names=names))
    other = files(folder, "other", issue("other", root, key=rsa_key(), names=("shop.example",)))
    lax = ("-cipher", "DEFAULT:@SECLEVEL=0")
    with ExitStack() as running:
        yield Street(
            root=folder / "root.pem",
            pair=rsa,
            good=running.enter_context(s_server(folder, *own(rsa), *MODERN)),
            old=running.enter_context(s_server(folder, *own(rsa), *lax)),
            two=running.enter_context(s_server(folder, *own(ecdsa), "-dcert", str(weak[0]), "-dkey", str(weak[1]), "-tls1_2", *lax)),
            other=running.enter_context(s_server(folder, *own(other), *MODERN)),
            clear=running.enter_context(Responder(plaintext_http)).port,
            closed=port(),
        )


def files(folder: Path, name: str, holder: Holder) -> tuple[Path, Path]:
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(holder.pem)
    key.write_bytes(holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, key


def own(pair: tuple[Path, Path]) -> tuple[str, ...]:
    return "-cert", str(pair[0]), "-key", str(pair[1])


def at(number: int) -> str:
    return f"127.0.0.1:{number}"


def verdicts(ended: Ended, endpoint: str) -> dict[str, str]:
    return {one["rule"].removeprefix("tls-"): one["verdict"] for one in ended.report["findings"] if one["resource"]["id"] == endpoint}


def of(verdicts: dict[str, str], verdict: str) -> set[str]:
    return {rule for rule, held in verdicts.items() if held == verdict}


# -- what is told ----------------------------------------------------------------------------------------------------


def test_a_good_endpoint_is_told_in_a_few_lines_and_ends_with_0(street: Street) -> None:
    ended = street.ask(at(street.good), "--severity", "medium")
    assert ended.code == 0, ended.out
    first, second, *_, last = ended.out.splitlines()
    assert first == at(street.good)
    assert second.startswith("  127.0.0.1  TLS 1.3; 1 suites; groups ")
    assert "trusted" in ended.out.split("broken")[0]
    assert last.startswith("1 endpoint: ")
    assert "0 unproven" in last


def test_a_bad_endpoint_is_told_by_rule_with_what_to_do_the_worst_first_and_ends_with_1(street: Street) -> None:
    ended = street.ask(at(street.old))
    assert ended.code == 1
    assert "broken  TLS 1.0 is not spoken  [tls-protocol-tls10, high]" in ended.out
    assert "do: Turn TLS 1.0 off in the server's configuration." in ended.out
    assert ended.out.index("tls-protocol-tls10, high") < ended.out.index("tls-cipher-cbc, low")


def test_a_weak_certificate_that_only_some_clients_get_is_found_behind_a_good_one(street: Street) -> None:
    said = verdicts(street.ask(at(street.two), "--format", "json"), at(street.two))
    assert said["certificate-weak-key"] == "upheld"
    assert said["certificate-other-weak-key"] == "broken"
    quickly = verdicts(street.ask(at(street.two), "--quick", "--format", "json"), at(street.two))
    assert quickly["certificate-other-weak-key"] == "unproven"


def test_http_on_the_port_of_tls_is_its_own_fault(street: Street) -> None:
    ended = street.ask(at(street.clear), "--format", "json")
    assert ended.code == 1
    said = verdicts(ended, at(street.clear))
    assert of(said, "broken") == {"transport-plaintext"}
    assert not of(said, "upheld")


@pytest.mark.parametrize("what", ["a port where nothing listens", "a name without an address"])
def test_what_could_not_be_inspected_is_unproven_throughout_and_ends_with_3(street: Street, what: str) -> None:
    target = at(street.closed) if "port" in what else "nowhere.invalid:443"
    ended = street.ask(target, "--format", "json")
    assert ended.code == 3
    said = verdicts(ended, target)
    assert said
    assert set(said.values()) == {"unproven"}
    assert "unproven" in street.ask(target).out


def test_one_bad_address_of_two_is_enough_to_break_and_one_unseen_to_leave_open(street: Street) -> None:
    """Both addresses belong to one name; ::1 has nothing on these ports."""
    pinned = (f"localhost:{street.old}", "--resolve", f"localhost:{street.old}:127.0.0.1,::1", "--format", "json")
    said = verdicts(street.ask(*pinned), f"localhost:{street.old}")
    assert said["protocol-tls10"] == "broken"
    assert said["protocol-ssl3"] == "unproven"
    assert not {rule for rule in of(said, "upheld") if rule.startswith(("protocol", "cipher", "certificate", "key"))}


def test_quick_mode_makes_no_promise_about_what_it_did_not_ask(street: Street) -> None:
    full = verdicts(street.ask(at(street.good), "--format", "json"), at(street.good))
    quick = verdicts(street.ask(at(street.good), "--quick", "--format", "json"), at(street.good))
    assert of(quick, "upheld") <= of(full, "upheld")
    assert {"protocol-ssl3", "cipher-bits", "certificate-other-weak-key"} <= of(quick, "unproven")
    assert quick["protocol-tls10"] == "upheld"


def test_each_endpoint_may_have_its_own_protocol_before_tls(street: Street) -> None:
    with Responder(double("smtp", context(*street.pair))) as mail:
        ended = street.ask(f"smtp://127.0.0.1:{mail.port}", at(street.good), "--format", "json")
    assert verdicts(ended, at(mail.port))["transport-no-starttls"] == "upheld"
    assert "transport-no-starttls" not in verdicts(ended, at(street.good))


def test_an_endpoint_that_is_named_twice_is_inspected_and_told_once(street: Street) -> None:
    ended = street.ask(at(street.good), f"https://127.0.0.1:{street.good}/shop", "--format", "json")
    ids = [one["id"] for one in ended.report["findings"]]
    assert len(ids) == len(set(ids))


# -- whom to trust, and for which name -------------------------------------------------------------------------------


def test_a_root_of_ones_own_is_trusted_only_where_it_is_named(street: Street) -> None:
    target = at(street.good)
    without = verdicts(upheld("tls", target, "--format", "json"), target)
    assert without["certificate-missing-intermediate"] == "broken"
    named = verdicts(street.ask(target, "--format", "json"), target)
    assert named["certificate-missing-intermediate"] == "upheld"
    assert "certificate-no-sct" not in named  # which is asked of public certificates


def test_roots_in_the_place_of_the_public_ones_make_its_certificates_public(street: Street) -> None:
    target = at(street.good)
    said = verdicts(upheld("tls", target, "--public-roots", street.root, "--format", "json"), target)
    assert said["certificate-missing-intermediate"] == "upheld"
    assert said["certificate-no-sct"] == "broken"


def test_the_certificate_must_be_for_the_name_that_is_asked_for(street: Street) -> None:
    target = at(street.other)
    assert verdicts(street.ask(target, "--format", "json"), target)["certificate-wrong-name"] == "broken"
    named = street.ask(target, "--servername", "shop.example", "--format", "json")
    assert verdicts(named, target)["certificate-wrong-name"] == "upheld"


def test_a_name_is_looked_for_where_resolve_says(street: Street) -> None:
    target = f"shop.example:{street.other}"
    ended = street.ask(target, "--resolve", f"{target}:127.0.0.1", "--format", "json")
    assert verdicts(ended, target)["certificate-wrong-name"] == "upheld"


# -- lists of endpoints ----------------------------------------------------------------------------------------------


def test_endpoints_come_from_files_and_from_the_command_line(street: Street, tmp_path: Path) -> None:
    listed = tmp_path / "endpoints.txt"
    listed.write_text(f"# ours\n{at(street.good)}   # the shop\n\n")
    ended = street.ask(at(street.closed), "--targets", listed, "--format", "json")
    assert {one["resource"]["id"] for one in ended.report["findings"]} == {at(street.good), at(street.closed)}


def test_endpoints_come_from_standard_input(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{at(street.good)}\n{at(street.closed)}\n"))
    ended = street.ask("--targets", "-", "--format", "json")
    assert {one["resource"]["id"] for one in ended.report["findings"]} == {at(street.good), at(street.closed)}


def test_a_slip_in_a_list_is_told_with_its_line_and_the_others_are_inspected(street: Street, tmp_path: Path) -> None:
    listed = tmp_path / "endpoints.txt"
    listed.write_text(f"{at(street.good)}\nshop..example\nshop.example:70000\n")
    ended = street.ask("--targets", listed, "--format", "json")
    assert ended.code in {1, 3}
    assert verdicts(ended, at(street.good))["protocol-tls10"] == "upheld"
    for line, slip in ((2, "shop..example"), (3, "shop.example:70000")):
        assert set(verdicts(ended, slip).values()) == {"unproven"}
        assert any(f"{listed}:{line}: " in gap["message"] for gap in ended.report["gaps"])
    assert f"{listed.name}:2:" in "".join(street.ask("--targets", listed).out.split())


def test_a_list_of_nothing_but_slips_proves_nothing(street: Street, tmp_path: Path) -> None:
    listed = tmp_path / "endpoints.txt"
    listed.write_text("shop..example\n")
    assert street.ask("--targets", listed).code == 3


def recorded(folder: Path, *hosts: tuple[str, int], denied: bool = False) -> Path:
    """An estate with load balancers that serve at these."""
    owner, region, type_ = "111122223333", "eu-central-1", "aws.elbv2.load_balancer"
    with EstateWriter(folder) as writer:
        for host, number in hosts:
            data = {"Scheme": "internet-facing", "DNSName": host, "Listeners": [{"Protocol": "HTTPS", "Port": number}]}
            writer.add_resources([Resource(f"arn:{host}", type_, owner, region, data, {}, ())])
        if denied:
            writer.add_gap(Gap(type_, owner, region, None, None, Reason.DENIED, "DescribeLoadBalancers", "AccessDenied"))
        scope = Scope({owner: (region,)}, (type_,))
        writer.finish(Manifest("upheld.estate/1", "2026-11-20T12:00:00Z", "2026-11-20T12:01:00Z", "test", {}, None, scope))
    return folder


def test_what_a_recorded_estate_serves_is_inspected_beside_what_is_named(street: Street, tmp_path: Path) -> None:
    held = recorded(tmp_path / "estate", ("shop-1.elb.invalid", 443), ("localhost", street.good))
    ended = street.ask(at(street.good), "--estate", held, "--format", "json")
    assert verdicts(ended, at(street.good))["protocol-tls10"] == "upheld"
    assert set(verdicts(ended, "shop-1.elb.invalid:443").values()) == {"unproven"}
    inside = f"localhost:{street.good}"  # whoever names a host in an estate must not make this speak to what is inside
    assert set(verdicts(ended, inside).values()) == {"unproven"}


def test_what_an_estate_did_not_see_of_what_serves_is_told(street: Street, tmp_path: Path) -> None:
    ended = street.ask(at(street.good), "--estate", recorded(tmp_path / "estate", denied=True), "--format", "json")
    assert set(verdicts(ended, "*").values()) == {"unproven"}
    assert "AccessDenied" in "".join(gap["message"] for gap in ended.report["gaps"])


# -- formats ---------------------------------------------------------------------------------------------------------


def test_the_report_in_json_fits_its_schema_and_names_endpoints_by_host_and_port(street: Street) -> None:
    ended = street.ask(at(street.good), at(street.clear), "nowhere.invalid", "--format", "json")
    jsonschema.Draft202012Validator(json_report.json_schema()).validate(ended.report)
    assert {one["resource"]["id"] for one in ended.report["findings"]} == {at(street.good), at(street.clear), "nowhere.invalid:443"}
    assert {one["resource"]["type"] for one in ended.report["findings"]} == {"tls.endpoint"}


def test_events_of_ocsf_fit_the_published_schema(street: Street, tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    assert street.ask(at(street.old), at(street.closed), "--format", f"ocsf={file}").code == 1
    published = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=ocsf.VERSION))
    schema = jsonschema.Draft202012Validator(published.get_class_schema(class_name="compliance_finding", profiles=["cloud"]))
    text = file.read_text()
    events = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    assert events
    assert [error.message for event in events for error in schema.iter_errors(event)] == []


# -- profiles and gates ----------------------------------------------------------------------------------------------


def test_a_profile_holds_endpoints_against_its_rules_only(street: Street) -> None:
    ended = street.ask(at(street.good), "--profile", "mozilla-6.0-modern", "--format", "json")
    rules = {one["rule"] for one in ended.report["findings"]}
    assert "tls-protocol-tls12" in rules
    assert "tls-http-discloses" not in rules


@pytest.mark.parametrize("profile", ["bsi-tr-02102-2", "mozilla-6.0-intermediate", "nist-sp-800-52r2", "pci-dss-4.0.1", "rfc-9325"])
def test_under_every_profile_old_versions_are_broken_and_the_unseen_is_unproven(street: Street, profile: str) -> None:
    ended = street.ask(at(street.old), at(street.closed), "--profile", profile, "--format", "json")
    assert verdicts(ended, at(street.old))["protocol-tls10"] == "broken"
    assert set(verdicts(ended, at(street.closed)).values()) == {"unproven"}


def test_what_is_not_severe_enough_does_not_set_the_exit_code_and_is_told_nevertheless(street: Street) -> None:
    ended = street.ask(at(street.good), "--severity", "critical")
    assert ended.code == 0
    assert "broken" in ended.out


# -- what ends it at once --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name an endpoint"),
        (["shop..example"], "'shop..example' is no host name"),
        (["shop.example:0"], "'0' is no port"),
        (["shop.example:65536"], "'65536' is no port"),
        (["[::1:443"], "[2001:db8::1]:443"),
        (["fe80::1%lo"], "zone"),
        (["10.1"], "neither a name nor an address"),
        (["xn--a\u0308.example"], "is no host name"),
        (["http://shop.example"], "'http' is none of https, ftp, imap"),
        (["shop.example:https"], "'https' is no port"),
        (["shop.example", "--profile", "own"], "there is no profile 'own'"),
        (["shop.example", "--starttls", "gopher"], "STARTTLS is known for"),
        (["shop.example", "--servername", "a..b"], "'a..b' is no host name"),
        (["shop.example", "--resolve", "shop.example:443:nowhere"], "is no address"),
        (["shop.example", "--resolve", "shop.example"], "is no address"),
        (["shop.example", "--resolve", "other.example:443:127.0.0.1"], "that endpoint is not asked for"),
        (["shop.example", "--ca-file", "nowhere.pem"], "nowhere.pem: cannot be read: No such file or directory"),
        (["shop.example", "--public-roots", "empty.pem"], "empty.pem: holds no certificate in PEM"),
        (["--targets", "nowhere.txt"], "nowhere.txt: cannot be read: No such file or directory"),
        (["--targets", "latin.txt"], "latin.txt: is no text in UTF-8"),
        (["--targets", "."], ".: cannot be read: Is a directory"),
        (["--targets", "empty.pem"], "name an endpoint"),
        (["--estate", "nowhere"], "nowhere is not an estate"),
        (["shop.example", "--format", "yaml"], "there is no format 'yaml'"),
        (["shop.example", "--format", "json=nowhere/findings.json"], "there is no folder nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_one_line_and_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "latin.txt").write_bytes("m\u00fcnchen.example\n".encode("latin-1"))
    ended = upheld("tls", *arguments, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1, ended.err


def test_a_metadata_address_is_not_asked_and_the_run_goes_on(street: Street) -> None:
    ended = street.ask("169.254.169.254:80", "[::ffff:169.254.169.254]:80", at(street.good), "--format", "json")
    for target in ("169.254.169.254:80", "[::ffff:a9fe:a9fe]:80"):
        assert set(verdicts(ended, target).values()) == {"unproven"}, target
    assert verdicts(ended, at(street.good))["protocol-tls10"] == "upheld"


def test_a_name_that_could_move_the_cursor_never_reaches_the_terminal(tmp_path: Path) -> None:
    listed = tmp_path / "endpoints.txt"
    listed.write_text("\x1b[2Jshop.example\n")
    ended = upheld("tls", "--targets", listed)
    assert ended.code == 3
    assert "\x1b" not in ended.out + ended.err
