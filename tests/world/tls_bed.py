"""The TLS bed: endpoints on loopback with one planted fault each, and good ones beside them.

What is expected of each stands in tls_bed.yaml, under the same name. An endpoint's host is its name in bed.test, and it is
looked for at its address on loopback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from cryptography.x509.oid import ExtendedKeyUsageOID

from agent.collect.tls.inspecting import Target
from checks.tls.certificate import Roots
from tests.world import tls_responders as raw
from tests.world import tls_starttls as starttls
from tests.world.servers import LOOPBACK
from tests.world.tls_certificates import DOMAIN, Certificates, issue, staple
from tests.world.tls_responders import SSL3, TLS10, TLS12, Actor, Handler, Responder
from tests.world.tls_servers import Nginx, context, modern, mute, oakley, port, postgres, s_server

MOZILLA = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
"""The suites of Mozilla's intermediate guideline 6.0 below TLS 1.3."""
HSTS = 'add_header Strict-Transport-Security "max-age=63072000; includeSubDomains; preload" always;'
EVERYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
RC4_MD5, RC4_SHA, EXPORT_RC4, EXPORT_DES, TRIPLE_DES, AES_SHA, DHE_AES = 0x0004, 0x0005, 0x0003, 0x0008, 0x000A, 0x002F, 0x0033
ECDHE_GCM = 0xC02F
SSL2_RC4, SSL2_EXPORT = 0x010080, 0x020080


@dataclass
class Endpoint:
    """One server of the bed. `plain`: the port that stands in for 80 of the same machine."""

    name: str
    port: int
    addresses: tuple[str, ...] = (LOOPBACK,)
    starttls: str | None = None
    plain: int | None = None
    host: str = ""
    responder: Responder | None = None

    @property
    def target(self) -> Target:
        return Target(self.host or f"{self.name}.{DOMAIN}", self.port, self.starttls, at=self.addresses)


@dataclass
class Bed:
    """All endpoints by name, while they run."""

    certificates: Certificates
    folder: Path
    endpoints: dict[str, Endpoint] = field(default_factory=dict)

    @property
    def roots(self) -> Roots:
        return Roots((self.certificates.public_root.certificate,), (self.certificates.private_root.certificate,))

    def plain_port(self, target: Target) -> int | None:
        return next((one.plain for one in self.endpoints.values() if one.port == target.port), None)

    def add(self, name: str, number: int, **more: Any) -> None:
        assert name not in self.endpoints
        self.endpoints[name] = Endpoint(name, number, **more)


@cache
def expected() -> dict[str, Any]:
    """What tls_bed.yaml says, by endpoint."""
    held: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return held


@contextmanager
def bed(folder: Path) -> Iterator[Bed]:
    """Start every server, and stop them all at the end."""
    made = Bed(Certificates(folder), folder)
    with ExitStack() as running:
        _nginx(made, running)
        _openssl(made, running)
        _databases(made, running)
        _python(made, running)
        _broken(made, running)
        yield made


def _nginx(made: Bed, running: ExitStack) -> None:
    nginx = Nginx(made.folder)
    file = made.certificates.file
    tls13, usual = "ssl_protocols TLSv1.3;", f"ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {MOZILLA};"
    to_https = nginx.plain(f'return 301 "https://$host/"; {HSTS}')
    elsewhere = nginx.plain('return 301 "https://www.elsewhere.test/";')
    in_the_clear = nginx.plain('return 200 "clear";')
    closed = port()

    made.add("modern", nginx.serve(*file("ecdsa"), lines=[tls13, HSTS]), plain=to_https)
    made.add("intermediate", nginx.serve(*file("rsa"), lines=[usual, HSTS]), plain=to_https)
    made.add("dual", nginx.serve([file("rsa"), file("ecdsa")], lines=[usual, HSTS]), plain=closed)
    made.add("dual-expired", nginx.serve([file("rsa-expired"), file("ecdsa")], lines=[usual, HSTS]))
    everything = f"ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers {EVERYTHING};"
    made.add("old", nginx.serve(*file("rsa"), lines=[everything, f"ssl_dhparam {oakley(made.folder)};"]), plain=in_the_clear)
    cbc = "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-AES256-SHA:AES128-SHA;"
    made.add("cbc-only", nginx.serve(*file("rsa"), lines=[cbc]), plain=elsewhere)
    made.add("hsts-short", nginx.serve(*file("ecdsa"), lines=[tls13, 'add_header Strict-Transport-Security "max-age=3600";']))
    made.add("hsts-no-age", nginx.serve(*file("ecdsa"), lines=[tls13, 'add_header Strict-Transport-Security "includeSubDomains";']))
    cookies = ['add_header Set-Cookie "session=1; Secure; HttpOnly";', 'add_header Set-Cookie "theme=dark; Path=/";']
    made.add("cookies", nginx.serve(*file("ecdsa"), lines=[tls13, HSTS, *cookies, 'add_header X-Powered-By "PHP/8.2.1";']))
    authority = made.certificates.written("clients.pem", made.certificates.private_root.pem)
    clients = [f"ssl_client_certificate {authority}; ssl_verify_client on;", HSTS]
    made.add("mtls12", nginx.serve(*file("ecdsa"), lines=[f"ssl_protocols TLSv1.2; ssl_ciphers {MOZILLA};", *clients]))
    made.add("mtls13", nginx.serve(*file("ecdsa"), lines=[tls13, *clients]))
    by_name = nginx.serve(*file("wrong-name"), lines=[usual])
    nginx.also(by_name, *file("ecdsa"), f"sni.{DOMAIN}")
    made.add("sni", by_name)
    made.add("refuses-names", nginx.serve(*file("ecdsa"), lines=["ssl_reject_handshake on;"]))
    two = nginx.serve(*file("ecdsa"), lines=[tls13, HSTS])
    nginx.blocks[-1] = nginx.blocks[-1].replace(f"listen {LOOPBACK}:{two} ssl;", f"listen {LOOPBACK}:{two} ssl; listen [::1]:{two} ssl;")
    made.add("two-addresses", two, addresses=(LOOPBACK, "::1"))
    made.add("by-address", nginx.serve(*file("address"), lines=[tls13, HSTS]), host=LOOPBACK)
    wildcard = nginx.serve(*file("ecdsa"), lines=[tls13, HSTS])
    made.add("wildcard-too-deep", wildcard, host=f"too.deep.{DOMAIN}")

    good, revoked, old_news = made.certificates.served["must-staple"], made.certificates.served["urls"], made.certificates.served["ecdsa"]
    issuer = made.certificates.public
    delegate = issue("Bed OCSP Signer", issuer, uses=(ExtendedKeyUsageOID.OCSP_SIGNING,))
    for name, which, response in (
        ("staple-good", "must-staple", staple(good.leaf, issuer)),
        ("staple-delegated", "must-staple", staple(good.leaf, issuer, signer=delegate)),
        ("staple-revoked", "urls", staple(revoked.leaf, issuer, revoked=True)),
        ("staple-stale", "ecdsa", staple(old_news.leaf, issuer, age_days=30)),
        ("staple-forged", "ecdsa", staple(old_news.leaf, issuer, signer=made.certificates.served["self-signed"].leaf)),
    ):
        path = made.certificates.written(f"{name}.ocsp", response)
        made.add(name, nginx.serve(*file(which), lines=[tls13, f"ssl_stapling on; ssl_stapling_file {path};", HSTS]))
    for name in _BY_CERTIFICATE:
        made.add(name, nginx.serve(*file(name), lines=[f"ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {MOZILLA}:@SECLEVEL=0;", HSTS]))
    running.enter_context(nginx.running())


_BY_CERTIFICATE = (
    "ed25519", "expired", "expires-soon", "not-yet-valid", "self-signed", "wrong-name", "cn-only", "missing-intermediate", "wrong-order",
    "root-sent", "client-use", "issuer-no-ca", "chain-expired", "name-constraints", "rsa1024", "sha1", "days825", "must-staple", "private",
    "private-bare", "untrusted-root", "unlogged", "urls",
)  # fmt: skip
"""Certificates that differ from a good one in one thing, each on an nginx that is good else."""


def _openssl(made: Bed, running: ExitStack) -> None:
    """What nginx cannot be brought to."""
    chain, key = made.certificates.file("rsa")
    own, its_key = made.certificates.file("ecdsa")
    issuer, its_issuer = (
        made.certificates.written("rsa-issuer.pem", made.certificates.public_rsa.pem),
        made.certificates.written("issuer.pem", made.certificates.public.pem),
    )
    rsa = ("-cert", str(chain), "-cert_chain", str(issuer), "-key", str(key))
    ecdsa = ("-cert", str(own), "-cert_chain", str(its_issuer), "-key", str(its_key))
    weak = ("-cipher", EVERYTHING)
    for name, options in {
        "unencrypted": (*rsa, "-tls1_2", "-cipher", "eNULL:@SECLEVEL=0"),
        "anonymous": (*rsa, "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"),
        "dhe1024": (*rsa, "-tls1_2", "-cipher", "kDHE:@SECLEVEL=0", "-dhparam", str(oakley(made.folder))),
        "dhe2048": (*rsa, "-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"),
        "tls10-only": (*rsa, "-tls1", *weak),
        "tls11-only": (*rsa, "-tls1_1", *weak),
        "tls12-only": (*rsa, "-tls1_2", "-cipher", "ECDHE+AESGCM"),
        "tls13-only": (*ecdsa, "-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
        "p256-only": (*ecdsa, "-tls1_3", "-groups", "P-256"),
        "groups": (*ecdsa, "-tls1_3", "-groups", "X448:P-521:ffdhe2048"),
        "camellia": (*rsa, "-tls1_2", "-cipher", "CAMELLIA:ARIA:!kPSK:@SECLEVEL=0"),
        "static-rsa": (*rsa, "-tls1_2", "-cipher", "kRSA+AESGCM"),
        "tls12-down": (*rsa, "-no_tls1_3", *weak),
    }.items():
        made.add(name, running.enter_context(s_server(made.folder, *options)))


def _databases(made: Bed, running: ExitStack) -> None:
    made.add("postgres", running.enter_context(postgres(*made.certificates.file("ecdsa"))), starttls="postgres")
    made.add("postgres-without", running.enter_context(postgres(None, None)), starttls="postgres")


def _python(made: Bed, running: ExitStack) -> None:
    """Servers of Python's TLS, and doubles of protocols that go over to it."""
    file = made.certificates.file("ecdsa")
    plain = context(*file)
    handlers: dict[str, Handler] = {"hybrid": modern(*file), "hangs-up": mute(plain)}
    for name, handler in handlers.items():
        _respond(made, running, name, handler)
    for protocol in starttls.PREFACES:
        _respond(made, running, f"{protocol}-offers", starttls.double(protocol, plain), starttls=protocol)
        _respond(made, running, f"{protocol}-refuses", starttls.double(protocol, plain, offers=False), starttls=protocol)
    for protocol in ("smtp", "postgres", "mysql"):
        _respond(made, running, f"{protocol}-busy", starttls.busy(protocol), starttls=protocol)
    _respond(made, running, "flaky", raw.flaky(made.endpoints["modern"].port))


def _broken(made: Bed, running: ExitStack) -> None:
    """What no library would be."""
    chain = made.certificates.served["rsa"].chain
    ssl3 = Actor({SSL3: [RC4_SHA, TRIPLE_DES]}, chain)
    usual = Actor({TLS12: [ECDHE_GCM, AES_SHA]}, chain)
    for name, handler in {
        "ssl3": ssl3,
        "ssl3-beside": Actor({TLS12: [AES_SHA], SSL3: [RC4_MD5]}, chain),
        "ssl2": raw.ssl2_too(ssl3, [SSL2_RC4, SSL2_EXPORT]),
        "ssl2-in-pieces": raw.ssl2_too(usual, [SSL2_RC4], in_pieces=True),
        "ssl2-no-ciphers": raw.ssl2_too(usual, []),
        "rc4": Actor({TLS12: [AES_SHA, RC4_SHA], TLS10: [AES_SHA, RC4_SHA]}, chain),
        "export": Actor({TLS10: [EXPORT_RC4, EXPORT_DES]}, chain),
        "triple-des": Actor({TLS12: [TRIPLE_DES, AES_SHA]}, chain),
        "dhe512": Actor({TLS12: [DHE_AES]}, chain, dh_bits=512),
        "invents": Actor({TLS12: [AES_SHA]}, chain, invents=RC4_MD5),
        "chokes": Actor({TLS12: [AES_SHA, RC4_SHA], SSL3: [RC4_SHA]}, chain, most_suites=128),
        "chokes-clean": Actor({TLS12: [AES_SHA]}, chain, most_suites=128),
        "warns": Actor({TLS12: [AES_SHA], TLS10: [RC4_SHA]}, chain, warns=True),
        "hangs-up-on-old": Actor({TLS12: [AES_SHA]}, chain, refuses=None),
        "garbled": Actor({TLS12: [ECDHE_GCM]}, [b"\x30\x03\x02\x01\x01"]),
        "http": raw.plaintext_http,
        "ssh": raw.ssh_banner,
        "garbage": raw.garbage,
        "silent": raw.silent,
        "dripping": raw.dripping,
        "reset": raw.reset,
        "close": raw.close,
        "alert": raw.alert(raw.HANDSHAKE_FAILURE),
        "alert-access": raw.alert(49),
    }.items():
        _respond(made, running, name, handler)
    made.add("refused", port())


def _respond(made: Bed, running: ExitStack, name: str, handler: Handler, **more: Any) -> None:
    responder = running.enter_context(Responder(handler))
    made.add(name, responder.port, responder=responder, **more)
