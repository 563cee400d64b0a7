"""A company of a few volumes, its promises and its configuration, as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from checks.model import Estate, Gap, Look, Manifest, Reason, Resource, Scope, digest
from tests.agent.road import seal, shipped

ACCOUNT, HERE, VOLUME = "111122223333", "eu-central-1", "aws.ec2.volume"
AT_REST = "All customer data is encrypted at rest."
CONTROL = "{id: encryption-at-rest}"
DENIED = Gap(VOLUME, ACCOUNT, HERE, None, None, Reason.DENIED, "DescribeVolumes", "UnauthorizedOperation", action="ec2:DescribeVolumes")


def promises(*more: str, scope: str = "", control: str = CONTROL) -> str:
    first = f"  - {{id: at-rest, policy: security, quote: {AT_REST}, controls: [{control}]{scope}}}\n"
    return f"schema: upheld.promises/1\npolicies: [{{id: security, file: security.md}}]\npromises:\n{first}{''.join(more)}"


def company(folder: Path, *, told: str | None = None, more: str = "") -> Path:
    """A folder with everything but an estate."""
    (folder / "upheld.yaml").write_text(f"schema: upheld.config/1\npromises: [promises.yaml]\nstate: state\n{more}")
    (folder / "promises.yaml").write_text(told or promises())
    (folder / "security.md").write_text(f"# Security\n\n{AT_REST}\n")
    return folder


def estate(
    place: Path, hour: int, volumes: Mapping[str, bool | None], *, gaps: tuple[Gap, ...] = (), tags: Mapping[str, str] | None = None,
    excluded: bool = False,
) -> Path:  # fmt: skip
    """An estate of an hour: volume -> whether it is encrypted, None where that is not said."""
    finished = f"2026-11-20T{hour:02}:00:00Z"
    look = Look(digest(VOLUME, hour), ACCOUNT, HERE, VOLUME, "DescribeVolumes", None, 1, len(volumes), finished, "request", f"{hour:064}")
    held = []
    for name, encrypted in volumes.items():
        said = {} if encrypted is None else {"Encrypted": encrypted}
        data = {"VolumeId": name, "State": "deleting" if excluded else "in-use", **said}
        held.append(Resource(name, VOLUME, ACCOUNT, HERE, data, tags or {}, (look.id,)))
    scope = Scope({ACCOUNT: (HERE,)}, tuple(sorted(shipped().catalogue)))
    manifest = Manifest("upheld.estate/1", finished, finished, "test", {}, None, scope)
    return seal(Estate(manifest, {VOLUME: tuple(held)}, () if gaps else (look,), gaps), place)
