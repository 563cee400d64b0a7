"""`collect.logs` of upheld.yaml: which logs are read, where from, and what is known of them beside."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from agent.config.values import REGION, AwsAccount, Secret, Strict, seconds
from checks.logs.formats.log_format import parse
from checks.logs.tables import TABLES

AUTO: Final = "auto"
CLOUDTRAIL: Final = "cloudtrail"
WEB: Final = "web"
FORMATS: Final = (AUTO, *sorted(name.removeprefix("log.") for name in TABLES))
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/.+")
_QUEUE: Final = re.compile(r"/([0-9]{12})/([A-Za-z0-9_-]{1,80}(?:\.fifo)?)")
_QUEUE_HOST: Final = re.compile(r"sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


def _format(value: object) -> str:
    if value in FORMATS:
        return str(value)
    raise ValueError(f"{value!r} is not a format that is known here; known are {', '.join(FORMATS)}")


def _whose(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError(f"an account is a text, and {value!r} is not: put the 12 digits of an AWS account in quotation marks")


def _region(value: str) -> str:
    if REGION.fullmatch(value):
        return value
    raise ValueError(f"{value!r} is not a region such as eu-central-1")


def _role(value: str) -> str:
    if _ROLE.fullmatch(value):
        return value
    raise ValueError(f"{value!r} is not the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME")


def _window(value: object) -> int:
    if (length := seconds(value)) > 0:
        return length
    raise ValueError("a window is longer than nothing: write 24h or 7d")


def _queue(value: str) -> str:
    split = urlsplit(value)
    if split.scheme in {"http", "https"} and split.hostname and _QUEUE.fullmatch(split.path):
        return value
    raise ValueError(f"{value!r} is not the URL of a queue, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")


def _account_url(value: str) -> str:
    split = urlsplit(value)
    if split.scheme == "https" and split.hostname and split.path in {"", "/"} and not split.query:
        return value.rstrip("/")
    raise ValueError(f"{value!r} is not a storage account's URL, https://NAME.blob.core.windows.net, without a signature behind it")


Region = Annotated[str, AfterValidator(_region)]
Role = Annotated[str, AfterValidator(_role)]
QueueUrl = Annotated[str, AfterValidator(_queue)]


def role_account(role: str | None) -> str | None:
    """The account that a role belongs to."""
    found = _ROLE.fullmatch(role or "")
    return found[1] if found else None


def queue_arn(url: str) -> str:
    """A queue's ARN, with `*` for what its URL does not tell."""
    split = urlsplit(url)
    host, found = _QUEUE_HOST.fullmatch(split.hostname or ""), _QUEUE.fullmatch(split.path)
    assert found is not None
    region = host[1] if host else "*"
    return f"arn:{partition(region)}:sqs:{region}:{found[1]}:{found[2]}"


class S3Place(Strict):
    """A bucket and a prefix. `owner`, where it is given, is the account that the bucket must belong to."""

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    prefix: str = ""
    region: Region | None = None
    role: Role | None = None
    external_id: Secret | str | None = None
    owner: AwsAccount | None = None
    queue: QueueUrl | None = None
    """A queue of one's own that is told of new objects."""

    @property
    def role_account(self) -> str | None:
        return role_account(self.role)

    @property
    def queue_arn(self) -> str | None:
        return None if self.queue is None else queue_arn(self.queue)


class BlobPlace(Strict):
    """A container of a storage account, and whose identity reads it."""

    account_url: Annotated[str, AfterValidator(_account_url)]
    container: Annotated[str, Field(pattern=r"^(\$logs|\$web|\$root|[a-z0-9](-?[a-z0-9]){2,62})$")]
    prefix: str = ""
    credential: Literal["managed-identity", "workload-identity", "service-principal", "cli"]


class Spark(Strict):
    """A standalone cluster of Apache Spark, and this machine's name as its workers reach it."""

    spark: Annotated[str, Field(pattern=r"^(spark://[^/\s]+:[0-9]+|local\[[0-9]+\])$")]
    host: str | None = None


class LogSource(Strict):
    """One source of logs. Exactly one of `files`, `s3` and `azure_blob` says where they are; `window` is in seconds."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    format: Annotated[str, BeforeValidator(_format), Field(json_schema_extra={"enum": list(FORMATS)})]
    account: Annotated[str, BeforeValidator(_whose, json_schema_input_type=str)] | None = None
    """Whose logs they are: an account of AWS or a subscription of Azure; none for servers of one's own."""
    files: Annotated[list[str], Field(min_length=1)] | None = None
    s3: S3Place | None = None
    azure_blob: BlobPlace | None = None
    declared: Annotated[str, Field(min_length=1)] | None = None
    """The `log_format` of a web server, as it stands in its configuration."""
    window: Annotated[int, BeforeValidator(_window, json_schema_input_type=str)] = 7 * 86400
    completeness: Literal["assume"] | None = None
    engine: Spark | None = None
    """Who counts the rows, where that is not this machine."""
    digests: bool | None = None
    public_keys: list[str] = []

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        places = [name for name in ("files", "s3", "azure_blob") if getattr(self, name) is not None]
        if len(places) != 1:
            raise ValueError(f"a source has one of files, s3 and azure_blob, and this has {' and '.join(places) or 'none'}")
        if self.format != CLOUDTRAIL and (self.digests or self.public_keys):
            raise ValueError(f"digests and public_keys are CloudTrail's, and the format is {self.format}")
        if self.declared is not None:
            if self.format != WEB:
                raise ValueError(f"declared is the format of a web server's log, and the format is {self.format}: write {WEB}")
            parse(self.declared)
        return self

    @property
    def verified(self) -> bool:
        """Whether the chain of CloudTrail's digests is verified: where they are its logs, unless the configuration says no."""
        return self.format == CLOUDTRAIL and self.digests is not False


def partition(region: str | None) -> str:
    """The partition of a region, as ARNs have it (AWS General Reference, "Amazon Resource Names")."""
    start = (region or "").split("-")
    return "aws-cn" if start[0] == "cn" else "aws-us-gov" if start[:2] == ["us", "gov"] else "aws"


def twice(sources: list[LogSource]) -> tuple[int, str] | None:
    """The first id that stands twice, and where it stands again."""
    ids = [source.id for source in sources]
    return next(((index, id_) for index, id_ in enumerate(ids) if id_ in ids[:index]), None)
