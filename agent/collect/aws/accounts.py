"""Entering AWS accounts: whose credentials these are, which regions are enabled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from agent.collect.aws.asking import in_time
from agent.collect.aws.client import HOME_REGION, Account, Caller, Deadline, Halt, Page, WrongAccount
from agent.collect.aws.errors import DeadlinePassed, Failure
from checks.model import LISTING

if TYPE_CHECKING:
    import boto3

ENABLED = frozenset({"opt-in-not-required", "opted-in"})
"""OptInStatus of a region that may hold resources (EC2 API reference, Region)."""

_CREDENTIALS: Final = 10.0
"""Seconds in which there must be credentials, however early the deadline: without them nothing can be said of any account."""


@dataclass(frozen=True, slots=True)
class AwsTarget:
    """One account to collect. Without `regions`, every enabled one. Without `account`, whichever the credentials are of."""

    account: str | None = None
    role: str | None = None
    external_id: str | None = None
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Admitted:
    """An account that could be entered, as whom, and the region that calls without one of their own go to."""

    account: Account
    identity: str
    start: str


@dataclass(frozen=True, slots=True)
class Entered:
    """An account that could be entered, the regions to collect, and the answer that showed which are enabled."""

    account: Caller
    identity: str
    regions: tuple[str, ...]
    answer: Page | Halt


@dataclass(frozen=True, slots=True)
class Shut:
    """An account that could not be entered."""

    account: str
    regions: tuple[str, ...]
    call: str
    failure: Failure


def enter(targets: Iterable[AwsTarget], deadline: Deadline, attempts: int, now: Callable[[], datetime]) -> list[Entered | Shut]:
    """Enter each account, until the deadline. Raises WrongAccount where the credentials are another account's, or there are none."""
    base = _base(deadline)
    return [_enter(target, base, deadline, attempts, now) for target in targets]


def admit(target: AwsTarget, deadline: Deadline, attempts: int, now: Callable[[], datetime], *, connections: int = 16) -> Admitted | Shut:
    """Enter one account without asking for its regions. Raises WrongAccount."""
    return _admit(target, _base(deadline), deadline, attempts, now, connections=connections)


def _base(deadline: Deadline) -> boto3.Session:
    """A session with credentials, for which botocore may ask an instance, or run a program that somebody configured."""
    from botocore.exceptions import NoCredentialsError, ProfileNotFound

    from agent.collect.aws.models import session

    def begin() -> boto3.Session:
        base = session()
        if base.get_credentials() is None:
            raise NoCredentialsError
        return base

    try:
        return Deadline(deadline.monotonic() + max(deadline.left, _CREDENTIALS), deadline.monotonic).within(begin)
    except DeadlinePassed as error:
        raise WrongAccount("AWS: what is configured to give credentials has not answered by the collection's deadline") from error
    except (NoCredentialsError, ProfileNotFound) as error:
        raise WrongAccount(f"AWS: {error}; set AWS_PROFILE, AWS_ACCESS_KEY_ID, or run where a role is attached") from error


def _enter(target: AwsTarget, base: boto3.Session, deadline: Deadline, attempts: int, now: Callable[[], datetime]) -> Entered | Shut:
    admitted = _admit(target, base, deadline, attempts, now)
    if isinstance(admitted, Shut):
        return admitted
    answer = in_time(admitted.account, partial(admitted.account.call, "ec2", admitted.start, "DescribeRegions", {"AllRegions": True}))
    return Entered(admitted.account, admitted.identity, target.regions or _enabled(answer), answer)


def _admit(
    target: AwsTarget,
    base: boto3.Session,
    deadline: Deadline,
    attempts: int,
    now: Callable[[], datetime],
    *,
    connections: int = 16,
) -> Admitted | Shut:
    start = base.region_name or next(iter(target.regions), HOME_REGION)
    own = Account(target.account or "", base, deadline, attempts, now)
    session = base
    if target.role:
        params = {"RoleArn": target.role, "RoleSessionName": "upheld"}
        if target.external_id:
            params["ExternalId"] = target.external_id
        answer = in_time(own, partial(own.call, "sts", start, "AssumeRole", params))
        if isinstance(answer, Halt):
            return Shut(target.account or target.role, target.regions, "AssumeRole", answer.failure)
        session = _session(answer.pages[0]["Credentials"], start)
    account = Account(target.account or "", session, deadline, attempts, now)
    identity = in_time(account, partial(account.call, "sts", start, "GetCallerIdentity", {}))
    if isinstance(identity, Halt):
        if target.account is None:
            raise WrongAccount(f"AWS: whose credentials these are cannot be told: {identity.failure.code}: {identity.failure.message}")
        return Shut(target.account, target.regions, "GetCallerIdentity", identity.failure)
    caller = identity.pages[0]
    if target.account not in (None, caller["Account"]):
        raise WrongAccount(
            f"AWS: the configuration says account {target.account}, but these credentials ({caller['Arn']}) are of account"
            f" {caller['Account']}: nothing was collected"
        )
    partition = caller["Arn"].split(":")[1]
    account = Account(caller["Account"], session, deadline, attempts, now, partition=partition, connections=connections)
    return Admitted(account, caller["Arn"], start)


def _session(credentials: Mapping[str, Any], region: str) -> boto3.Session:
    from agent.collect.aws.models import session

    return session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=region,
    )


def _enabled(answer: Page | Halt) -> tuple[str, ...]:
    """The enabled regions; where they could not be told, the one unknown place that stands for them all."""
    if isinstance(answer, Halt):
        return (LISTING,)
    regions = (region for page in answer.pages for region in page.get("Regions", ()))
    return tuple(sorted(region["RegionName"] for region in regions if region.get("OptInStatus", "opt-in-not-required") in ENABLED)) or (
        LISTING,
    )
