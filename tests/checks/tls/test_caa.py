"""What CAA records permit."""

from __future__ import annotations

from typing import Any

import pytest

from checks.tls.caa import Property, admits, facts

HOST = "shop.example"


def of(*records: tuple[int, str, str]) -> dict[str, Any]:
    return facts("example", [Property(*one) for one in records])


@pytest.mark.parametrize(
    ("records", "restricted", "authorities"),
    [
        ([], False, []),
        ([(0, "iodef", "mailto:a@example")], False, []),
        ([(0, "issuewild", ";")], False, []),
        ([(0, "issue", "CA.Example. ; account=1")], True, ["ca.example"]),
        ([(0, "ISSUE", "ca.example"), (0, "issue", "other.example")], True, ["ca.example", "other.example"]),
        ([(0, "issue", ";")], True, []),
        ([(0, "issue", "")], True, []),
        ([(128, "tbs", "unknown"), (0, "issue", "ca.example")], True, []),
        ([(0, "tbs", "unknown")], False, []),
        ([(128, "issue", "ca.example")], True, ["ca.example"]),
    ],
)
def test_only_issue_and_what_is_critical_and_unknown_keep_authorities_from_issuing(
    records: list[tuple[int, str, str]], restricted: bool, authorities: list[str]
) -> None:
    held = of(*records)
    assert (held["restricted"], held["authorities"]) == (restricted, authorities)


AMAZON = "CN=Amazon RSA 2048 M02,O=Amazon,C=US"


def certificate(issuer: str = AMAZON, *names: str, public: bool = True) -> dict[str, Any]:
    return {"issuer": issuer, "names": list(names or (HOST,)), "trust": {"public": public}}


@pytest.mark.parametrize(
    ("records", "certificates", "answer"),
    [
        ([(0, "issue", "amazon.com")], [certificate()], True),
        ([(0, "issue", "amazontrust.com")], [certificate()], True),
        ([(0, "issue", "letsencrypt.org")], [certificate()], False),
        ([(0, "issue", "letsencrypt.org")], [certificate("CN=R12,O=Let's Encrypt,C=US"), certificate()], False),
        ([(0, "issue", "ca.example")], [certificate("CN=CA,O=Somebody")], None),
        ([(0, "issue", "ca.example")], [certificate("CN=CA,O=Somebody"), certificate()], False),
        ([(0, "issue", ";")], [certificate("CN=CA,O=Somebody")], False),
        ([(0, "issue", "ca.example")], [certificate("CN=CA")], None),
        ([(0, "issue", "ca.example")], [certificate("no name at all")], None),
        ([(0, "issue", ";")], [certificate(AMAZON, "*.example")], None),
        ([(0, "issue", ";")], [certificate(public=False)], None),
        ([(0, "issue", ";")], [{"trust": {"trusted": False, "unreadable": True}}], None),
        ([(0, "issue", ";")], [], None),
        ([], [certificate()], True),
    ],
)
def test_whether_an_authority_may_issue_again_is_told_only_where_its_name_is_known(
    records: list[tuple[int, str, str]], certificates: list[dict[str, Any]], answer: bool | None
) -> None:
    assert admits(of(*records), HOST, certificates) is answer
