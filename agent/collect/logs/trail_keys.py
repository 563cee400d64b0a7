"""The public keys that CloudTrail signs with, asked of CloudTrail itself.

"CloudTrail uses different private and public key pairs per Region" (AWS CloudTrail API reference, ListPublicKeys): each region's
digests need that region's keys.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from agent.collect.aws.client import Account, Halt
from agent.collect.aws.errors import Failure
from agent.collect.logs.objects import NotSeen
from checks.logs.digest import ROTATION, Digest, Key, read_keys
from checks.model import Reason

LIST_KEYS: Final = "cloudtrail:ListPublicKeys"
_CALL: Final = "ListPublicKeys"


class KeysNotListed(NotSeen):
    """The keys of a region could not be had: what is signed with them is not shown to be CloudTrail's."""


def list_keys(account: Account, digests: Iterable[Digest]) -> tuple[list[Key], list[KeysNotListed]]:
    """The keys of every region that the digests are of, over their time; and the regions that did not tell theirs."""
    by_region: dict[str, list[Digest]] = {}
    for digest in digests:
        by_region.setdefault(digest.chain.region, []).append(digest)
    keys: list[Key] = []
    failed: list[KeysNotListed] = []
    for region, held in sorted(by_region.items()):
        params = {
            "StartTime": min(digest.start for digest in held) - ROTATION,
            "EndTime": max(digest.end for digest in held) + ROTATION,
        }
        answer = account.call("cloudtrail", region, _CALL, params)
        try:
            if isinstance(answer, Halt):
                raise KeysNotListed(region, _CALL, answer.failure, LIST_KEYS)
            keys += read_keys({"PublicKeyList": list(_printed(answer.pages))})
        except KeysNotListed as error:
            failed.append(error)
        except (KeyError, ValueError) as error:
            failed.append(KeysNotListed(region, _CALL, Failure(Reason.MALFORMED, "PublicKeyList", str(error))))
    return keys, failed


def _printed(pages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, str]]:
    """The keys as the command line prints them."""
    for page in pages:
        for one in page["PublicKeyList"]:
            yield {
                "Value": base64.b64encode(one["Value"]).decode(),
                "Fingerprint": one["Fingerprint"],
                "ValidityStartTime": one["ValidityStartTime"].isoformat(),
                "ValidityEndTime": one["ValidityEndTime"].isoformat(),
            }
