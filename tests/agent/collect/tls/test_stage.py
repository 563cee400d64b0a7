"""The stage that inspects endpoints: those configured, those that the estate serves, and what nobody could name."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent import log
from agent.collect.estate import EstateWriter, read_estate
from agent.collect.tls import served as tls_served
from agent.collect.tls import stage
from agent.collect.tls.targets import BadTarget
from agent.collecting import plan_for
from agent.config import Collect, Configuration, Endpoint, Settings, Tls
from agent.inputs import Inputs, prepare
from checks import document, promise
from checks.judge import bind, judge
from checks.model import GLOBAL, Estate, Gap, Manifest, Place, Reason, Resource, Scope
from checks.tls.certificate import Roots
from checks.tls.endpoint import ACCOUNT, TYPE
from checks.verdict import Verdict
from tests.agent.road import shipped
from tests.conftest import Ended, upheld
from tests.world.tls_certificates import Holder, issue, rsa_key
from tests.world.tls_servers import port, s_server

OWNER, REGION = "111122223333", "eu-central-1"
BALANCER, DISTRIBUTION, DOMAIN_NAME, CLASSIC = (
    "aws.elbv2.load_balancer", "aws.cloudfront.distribution", "aws.apigateway.domain_name", "aws.elb.load_balancer",
)  # fmt: skip
NAME = "shop-1.eu-central-1.elb.amazonaws.invalid"


@dataclass(frozen=True)
class Site:
    """An endpoint on loopback, and the private root that its certificate leads to."""

    port: int
    root: Holder
    root_file: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    root = issue("Own Root", None, authority=True, days=1000)
    leaf = issue("site", root, key=rsa_key(), names=("127.0.0.1", "localhost"))
    (folder / "root.pem").write_bytes(root.pem)
    chain = _pem(folder, "leaf", leaf)
    with s_server(folder, "-cert", f"{chain}.pem", "-key", f"{chain}.key", "-tls1_2", "-cipher", "ECDHE+AESGCM") as number:
        yield Site(number, root, folder / "root.pem")


def _pem(folder: Path, name: str, holder: Holder) -> Path:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    (folder / f"{name}.pem").write_bytes(holder.pem)
    (folder / f"{name}.key").write_bytes(holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / name


def balancer(name: str = NAME, *ports: int, **more: Any) -> Resource:
    listeners = [{"Protocol": "HTTPS", "Port": port} for port in ports or (443,)]
    data = {"Scheme": "internet-facing", "DNSName": name, "Listeners": listeners, **more}
    return Resource("arn:balancer", BALANCER, OWNER, REGION, data, {}, ("look",))


def collected(
    folder: Path, settings: Tls, *served: Resource, gaps: tuple[Gap, ...] = (), late: bool = False, roots: Roots | None = None
) -> Estate:
    """What the stage leaves behind after a collection that came to these resources and gaps."""
    with EstateWriter(folder / "estate", tls_served.REMEMBERED) as writer:
        writer.add_resources(served)
        for gap in gaps:
            writer.add_gap(gap)
        stage.collect(settings, stage.Means(roots or Roots(())), writer, lambda: datetime.now(UTC), lambda: late, None)
        scope = Scope({ACCOUNT: (GLOBAL,)}, (TYPE,))
        writer.finish(Manifest("upheld.estate/1", "2026-11-20T12:00:00Z", "2026-11-20T12:01:00Z", "test", {}, None, scope))
    return read_estate(folder / "estate")


def verdicts(estate: Estate, rule: str) -> dict[str, Verdict]:
    book = shipped()
    return {one.resource.id: one.verdict for one in judge(estate, book.catalogue, bind([book.rules[rule]], [], every=True), {})}


def test_an_endpoint_of_the_configuration_is_inspected(site: Site, tmp_path: Path) -> None:
    roots = Roots((), (site.root.certificate,))
    estate = collected(tmp_path, Tls(endpoints=[f"127.0.0.1:{site.port}"]), roots=roots)
    assert verdicts(estate, "tls-certificate-untrusted-root") == {f"127.0.0.1:{site.port}": Verdict.UPHELD}
    assert verdicts(estate, "tls-protocol-tls10") == {f"127.0.0.1:{site.port}": Verdict.UPHELD}


def test_what_a_load_balancer_serves_and_nobody_listed_is_a_gap_that_names_both(tmp_path: Path) -> None:
    estate = collected(tmp_path, Tls(from_estate=False), balancer(NAME, 443, 8443))
    (first, second) = estate.gaps
    assert (first.id, second.id, first.reason) == (f"{NAME}:443", f"{NAME}:8443", Reason.NOT_COLLECTED)
    assert "arn:balancer" in first.message
    assert set(verdicts(estate, "tls-protocol-tls10").items()) == {(f"{NAME}:443", Verdict.UNPROVEN), (f"{NAME}:8443", Verdict.UNPROVEN)}


def test_what_is_listed_is_no_gap_beside(site: Site, tmp_path: Path) -> None:
    listed = f"127.0.0.1:{site.port}"
    estate = collected(tmp_path, Tls(endpoints=[listed], from_estate=False), balancer("127.0.0.1", site.port))
    assert not estate.gaps


def test_from_the_estate_endpoints_are_asked_and_one_without_an_address_is_a_gap(tmp_path: Path) -> None:
    estate = collected(tmp_path, Tls(from_estate=True), balancer())
    (gap,) = estate.gaps
    assert (gap.id, gap.call) == (f"{NAME}:443", "DNS")


def test_a_found_endpoint_at_a_private_address_is_not_asked(site: Site, tmp_path: Path) -> None:
    """Whoever writes a name into an estate must not make upheld speak to what is inside."""
    estate = collected(tmp_path, Tls(from_estate=True), balancer("localhost", site.port))
    (gap,) = estate.gaps
    assert gap.id == f"localhost:{site.port}"
    assert "nobody named it" in gap.message


def test_an_inner_balancer_and_a_plain_listener_serve_nobody(tmp_path: Path) -> None:
    inner, plain = balancer(Scheme="internal"), balancer(Listeners=[{"Protocol": "HTTP", "Port": 80}])
    assert not collected(tmp_path, Tls(from_estate=False), inner, plain).gaps


def test_distributions_domains_and_classic_balancers_are_found_too(tmp_path: Path) -> None:
    classic = {
        "Scheme": "internet-facing",
        "DNSName": "old.invalid",
        "ListenerDescriptions": [{"Listener": {"Protocol": "SSL", "LoadBalancerPort": 993}}],
    }
    estate = collected(
        tmp_path, Tls(from_estate=False),
        Resource("d", DISTRIBUTION, OWNER, GLOBAL, {"DomainName": "d1.invalid", "Aliases": {"Quantity": 2, "Items": ["shop.invalid", "*.shop.invalid"]}}, {}, ()),
        Resource("api.invalid", DOMAIN_NAME, OWNER, REGION, {"domainName": "api.invalid"}, {}, ()),
        Resource("old", CLASSIC, OWNER, REGION, classic, {}, ()),
    )  # fmt: skip
    assert [gap.id for gap in estate.gaps] == ["api.invalid:443", "d1.invalid:443", "old.invalid:993", "shop.invalid:443"]


def interface(*permissions: dict[str, Any]) -> list[Resource]:
    """An address of the internet, by the documentation's own range, and its security group."""
    group = Resource("sg-1", "aws.ec2.security_group", OWNER, REGION, {"IpPermissions": list(permissions)})
    data = {"Groups": [{"GroupId": "sg-1"}], "Association": {"PublicIp": "198.51.100.7"}, "Description": ""}
    return [Resource("eni-1", "aws.ec2.network_interface", OWNER, REGION, data), group]


def test_an_open_address_that_nobody_listed_is_a_gap_that_names_it(tmp_path: Path) -> None:
    everybody = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": []}
    (gap,) = collected(tmp_path, Tls(from_estate=False), *interface(everybody)).gaps
    assert (gap.id, gap.reason) == ("198.51.100.7:443", Reason.NOT_COLLECTED)
    assert "eni-1" in gap.message
    assert not collected(tmp_path / "shut", Tls(from_estate=False), *interface()).gaps


# -- what was not seen of those that serve ---------------------------------------------------------------------------


DENIED = Gap(
    BALANCER,
    OWNER,
    REGION,
    None,
    None,
    Reason.DENIED,
    "DescribeLoadBalancers",
    "AccessDenied",
    action="elasticloadbalancing:DescribeLoadBalancers",
)


@pytest.mark.parametrize(
    "gap",
    [DENIED, Gap(BALANCER, OWNER, REGION, "arn:b", "Listeners", Reason.THROTTLED, "DescribeListeners", "Throttling")],
    ids=["no list of balancers", "no listeners of one"],
)
def test_balancers_that_were_not_seen_leave_open_which_endpoints_there_are(site: Site, tmp_path: Path, gap: Gap) -> None:
    listed = f"127.0.0.1:{site.port}"
    estate = collected(tmp_path, Tls(endpoints=[listed]), gaps=(gap,))
    (told,) = estate.listing_gaps[TYPE, Place(ACCOUNT, GLOBAL)]
    assert (told.reason, told.action) == (gap.reason, gap.action)
    assert OWNER in told.message
    assert verdicts(estate, "tls-protocol-tls10") == {"*": Verdict.UNPROVEN, listed: Verdict.UPHELD}


def test_what_says_nothing_of_endpoints_may_be_unseen(tmp_path: Path) -> None:
    gap = Gap(BALANCER, OWNER, REGION, "arn:b", "Attributes", Reason.DENIED, "DescribeLoadBalancerAttributes")
    tags = Gap(BALANCER, OWNER, REGION, "arn:b", "(tags)", Reason.DENIED, "DescribeTags")
    assert (TYPE, Place(ACCOUNT, GLOBAL)) not in collected(tmp_path, Tls(), gaps=(gap, tags)).listing_gaps


def test_an_endpoint_that_the_deadline_leaves_no_time_for_is_a_gap(site: Site, tmp_path: Path) -> None:
    listed = f"127.0.0.1:{site.port}"
    estate = collected(tmp_path, Tls(endpoints=[listed]), late=True)
    assert [(gap.id, gap.reason) for gap in estate.gaps] == [(listed, Reason.LATE)]
    assert verdicts(estate, "tls-protocol-tls10") == {listed: Verdict.UNPROVEN}


CERTIFICATES = """schema: upheld.promises/1
promises: [{id: certificates, quote: Our certificates are valid., controls: [{id: certificate-validity}]}]
"""


def inputs(tls: Tls | None) -> Inputs:
    held = prepare(Configuration(Settings(schema="upheld.config/1", collect=Collect(tls=tls)), None))
    return Inputs(
        held.configuration,
        held.book,
        promise.read(document.parse(CERTIFICATES, "promises.yaml"), held.book.controls, held.book.rules.values()),
        {},
        {},
    )


def test_what_tells_of_endpoints_is_collected_though_no_rule_of_the_promise_asks_for_it() -> None:
    asked = plan_for(inputs(Tls()), every=False)
    assert asked[BALANCER] >= {"Scheme", "DNSName", "Listeners"}
    assert asked[DISTRIBUTION] >= {"Aliases", "DomainName"}
    assert BALANCER not in plan_for(inputs(None), every=False)


# -- the configuration -----------------------------------------------------------------------------------------------


def configured(folder: Path, tls: str) -> Path:
    file = folder / "upheld.yaml"
    file.write_text(f"schema: upheld.config/1\ncollect:\n  tls: {tls}\n")
    return file


def test_collected_once_an_estate_gives_the_same_bytes_again_and_no_difference_to_itself(site: Site, tmp_path: Path) -> None:
    file = configured(
        tmp_path, f'{{endpoints: ["127.0.0.1:{site.port}", "127.0.0.1:{port()}"], private_roots: ["{site.root_file}"], alone: true}}'
    )
    ended = upheld("collect", "-c", file, "-o", tmp_path / "estate")
    assert ended.code == 0, ended.err
    first, second = (upheld("check", "-c", file, "--estate", tmp_path / "estate", "--format", "json") for _ in range(2))
    assert first.out == second.out
    trust = [one for one in first.report["findings"] if one["rule"] == "tls-certificate-untrusted-root"]
    assert sorted(one["verdict"] for one in trust) == ["unproven", "upheld"]
    assert upheld("diff", "-c", file, tmp_path / "estate", tmp_path / "estate").code == 0


def modes(folder: Path) -> list[str]:
    return [one.data["mode"] for one in read_estate(folder).of(TYPE)]


def test_collections_remember_where_a_state_directory_was_chosen(site: Site, tmp_path: Path) -> None:
    file = configured(tmp_path, f'{{endpoints: ["127.0.0.1:{site.port}"], alone: true}}')
    for number in range(2):
        assert upheld("collect", "-c", file, "-o", tmp_path / f"alone-{number}").code == 0
    assert modes(tmp_path / "alone-1") == ["full"]
    chosen = {"UPHELD_STATE": str(tmp_path / "state")}
    for number in range(2):
        assert upheld("collect", "-c", file, "-o", tmp_path / f"again-{number}", env=chosen).code == 0
    assert [modes(tmp_path / f"again-{number}") for number in range(2)] == [["full"], ["quick"]]
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_collections_remember_or_not_as_the_configuration_says(site: Site, tmp_path: Path) -> None:
    chosen, home = {"UPHELD_STATE": str(tmp_path / "state")}, {"XDG_STATE_HOME": str(tmp_path / "home")}
    never = configured(tmp_path, f'{{endpoints: ["127.0.0.1:{site.port}"], alone: true, quick: false}}')
    for number in range(2):
        assert upheld("collect", "-c", never, "-o", tmp_path / f"never-{number}", env={**home, **chosen}).code == 0
    assert modes(tmp_path / "never-1") == ["full"]
    always = configured(tmp_path, f'{{endpoints: ["127.0.0.1:{site.port}"], alone: true, quick: true, full_every: 0s}}')
    for number in range(2):
        assert upheld("collect", "-c", always, "-o", tmp_path / f"always-{number}", env=home).code == 0
    assert modes(tmp_path / "always-1") == ["full"]  # for it is time again at once
    assert list((tmp_path / "home" / "upheld" / "tls").iterdir())


def test_a_damaged_memory_is_a_line_of_the_log(site: Site, tmp_path: Path) -> None:
    chosen = {"UPHELD_STATE": str(tmp_path / "state")}
    file = configured(tmp_path, f'{{endpoints: ["127.0.0.1:{site.port}"], alone: true}}')
    assert upheld("collect", "-c", file, "-o", tmp_path / "first", env=chosen).code == 0
    (memory,) = (tmp_path / "state" / "tls").iterdir()
    memory.write_text("{")
    log._configured.cache_clear()  # which holds the stream of an earlier test
    ended = upheld("collect", "-c", file, "-o", tmp_path / "second", env=chosen)
    assert ended.code == 0
    assert f"127.0.0.1:{site.port} is enumerated in full" in ended.err
    assert modes(tmp_path / "second") == ["full"]


def test_of_when_and_from_where_it_was_seen_stands_in_the_evidence(site: Site, tmp_path: Path) -> None:
    chosen = {"UPHELD_STATE": str(tmp_path / "state")}
    file = configured(tmp_path, f'{{endpoints: ["127.0.0.1:{site.port}"], alone: true, private_roots: ["{site.root_file}"]}}')
    upheld("collect", "-c", file, "-o", tmp_path / "first", env=chosen)
    report = upheld("check", "-c", file, "--format", "json", env=chosen).report
    (finding,) = (one for one in report["findings"] if one["rule"] == "tls-cipher-bits")
    seen = finding["evidence"]["seen"]
    assert (finding["verdict"], seen["mode"]) == ("upheld", "quick")
    assert seen["vantage"] == {"host": socket.gethostname(), "found": "address"}
    assert seen["addresses[].from"] == ["127.0.0.1"]
    (enumeration,) = seen["addresses[].enumeration"]
    assert "suites" in enumeration["carried"]
    assert enumeration["at"] == read_estate(tmp_path / "first").of(TYPE)[0].data["addresses"][0]["enumeration"]["at"]


def test_an_account_is_left_out_only_where_the_configuration_says_so(tmp_path: Path) -> None:
    """Else what nobody looked at in it would count as none. A process of its own: it has no credentials to find."""
    file = configured(tmp_path, f'{{endpoints: ["127.0.0.1:{port()}"]}}')
    command = [Path(sys.executable).with_name("upheld"), "collect", "-c", file, "-o", tmp_path / "estate"]
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    ended = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert "set AWS_PROFILE" in refused(Ended(ended.returncode, ended.stdout, ended.stderr))
    assert not (tmp_path / "estate").exists()


def refused(ended: Ended) -> str:
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1, ended.err
    return ended.err


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        ('{endpoints: ["shop..example"]}', "'shop..example' is no host name"),
        ('{endpoints: ["shop.example:0"]}', "'0' is no port"),
        ('{endpoints: ["shop.example:70000"]}', "'70000' is no port"),
        ("{endpoints: [{host: shop.example, port: 70000}]}", "upheld.yaml:3"),
        ("{endpoints: [{host: shop.example, starttls: gopher}]}", "upheld.yaml:3"),
        ("{endpoints: [{host: shop.example, tls: 1.2}]}", "upheld.yaml:3"),
        ('{endpoints: ["shop.example", "shop.example:443"]}', "shop.example:443 stands twice"),
        ('{endpoints: ["m.example:25", {host: m.example, port: 25, starttls: smtp}]}', "m.example:25 stands twice"),
        ("{endpoints: [], private_roots: [nowhere.pem]}", "nowhere.pem: cannot be read"),
        ("{endpoints: [], public_roots: upheld.yaml}", "holds no certificate in PEM"),
        ("{from_estates: true}", "from_estates"),
        ("{full_every: weekly}", "'weekly' is not a duration"),
        ("{quick: sometimes}", "collect.tls.quick"),
        ("{endpoints: [{port: 443}]}", "upheld.yaml:3: 'collect.tls.endpoints.0.host' is missing"),
        ("{endpoints: [443]}", "upheld.yaml:3: collect.tls.endpoints.0: Input should be a valid string"),
        ("\n    endpoints:\n    - a.example\n    - b..example", "upheld.yaml:6: b..example: 'b..example' is no host name"),
    ],
)  # fmt: skip
def test_a_bad_configuration_is_one_line_and_leaves_no_estate(tmp_path: Path, tls: str, said: str) -> None:
    ended = upheld("collect", "-c", configured(tmp_path, tls), "-o", tmp_path / "estate")
    assert said in refused(ended)
    assert not (tmp_path / "estate").exists()


def test_endpoints_written_as_mappings_have_the_usual_ports() -> None:
    settings = Tls(
        endpoints=[Endpoint(host="mail.example", starttls="imap"), Endpoint(host="::1"), Endpoint(host="shop.example", port=8443)]
    )
    assert [target.id for target in stage.named(settings)] == ["mail.example:143", "[::1]:443", "shop.example:8443"]


def test_an_endpoint_that_stands_twice_is_refused_for_only_one_would_be_told() -> None:
    with pytest.raises(BadTarget, match="stands twice"):
        list(stage.named(Tls(endpoints=["a.example:25", Endpoint(host="a.example", port=25, starttls="smtp")])))
