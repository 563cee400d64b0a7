"""A container of Azure's blob storage as a store of log files.

Azure Monitor appends to the blob of an hour while the hour lasts, and its version changes each time. What such a blob held when
it was listed is still its beginning, and that much is read of it; any other blob that has changed is not read.
Source: Azure Storage REST API reference, "List Blobs", "Get Blob" and "Append Block" ("a block is committed to the end").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from agent.collect.aws.client import Deadline
from agent.collect.aws.errors import Failure, NotAnAnswer
from agent.collect.azure.identity import credential
from agent.collect.gunzip import LIMITS, Limits, uncompressed
from agent.collect.logs.blob_errors import CHANGED, of_exception
from agent.collect.logs.listing import DELIMITER, Listed, listed
from agent.collect.logs.objects import LogObject, Unlisted, Unreadable
from agent.config.logs import BlobPlace
from checks.model import Reason

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import BlobClient, ContainerClient

READ: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
"""What both listing and reading need ("Actions and attributes for Azure role assignment conditions for Azure Blob Storage")."""
CHUNK: Final = 1 << 22
_GROWN: Final = 5
"""How often a blob may have grown again before what it held is asked for once more."""


@dataclass(frozen=True, slots=True)
class BlobLogs:
    """What is below a prefix of a container."""

    client: ContainerClient
    deadline: Deadline
    prefix: str = ""

    @property
    def name(self) -> str:
        return self._place + self.prefix

    def holds(self, name: str) -> bool:
        return name.startswith(self.name)

    @property
    def call(self) -> str:
        return "ListBlobs"

    @property
    def _place(self) -> str:
        return f"{self.client.url.partition('?')[0]}/"

    def objects(self, since: datetime | None, until: datetime) -> Iterator[LogObject]:
        """Raises Unlisted."""
        return listed(self, self.prefix, since, until)

    def page(self, prefix: str, token: str | None, *, folded: bool) -> Listed:
        """Raises Unlisted."""
        ask: Any = self.client.walk_blobs if folded else self.client.list_blobs
        settings = {"delimiter": DELIMITER} if folded else {}
        try:
            pages = ask(prefix or None, ["metadata"], raw_response_hook=_Witness(prefix), **settings).by_page(token)
            items = self.deadline.within(lambda: list(next(pages)))
        except Exception as error:
            failure = of_exception(error)
            if failure is None:
                raise
            raise Unlisted(self.name, self.call, failure, READ) from error
        objects = tuple(self._object(one) for one in items if hasattr(one, "etag") and not _is_folder(one))
        return Listed(objects, tuple(one.name for one in items if not hasattr(one, "etag")), pages.continuation_token or None)

    def raw(self, one: LogObject) -> Iterator[bytes]:
        """Raises Unreadable."""
        blob, version, given, grown = self._blob(one), one.version, 0, 0
        while given < one.size:
            length = min(CHUNK, one.size - given)
            try:
                piece = self.deadline.within(partial(self._read, blob, version, given, length))
            except Exception as error:
                failure = of_exception(error)
                if failure is None:
                    raise
                if failure.code not in CHANGED or grown == _GROWN:
                    raise self._unreadable(one, "GetBlob", failure) from error
                version, grown = self._grown(blob, one, failure), grown + 1
                continue
            if len(piece) != length:
                failure = Failure(Reason.MALFORMED, "Content-Length", f"{len(piece)} bytes where {length} were asked for")
                raise self._unreadable(one, "GetBlob", failure)
            given, grown = given + length, 0
            yield piece

    def pieces(self, one: LogObject, limits: Limits = LIMITS) -> Iterator[bytes]:
        """Raises Unreadable, Damaged and TooLarge."""
        return uncompressed(self.raw(one), one.name, limits)

    def metadata(self, one: LogObject) -> Mapping[str, str]:
        """Raises Unreadable."""
        return {name.lower(): value for name, value in self._properties(self._blob(one), one).metadata.items()}

    def _read(self, blob: BlobClient, version: str, start: int, length: int) -> bytes:
        from azure.core import MatchConditions

        try:
            whole = blob.download_blob(
                start, length, etag=f'"{version}"', match_condition=MatchConditions.IfNotModified, raw_response_hook=_from_azure
            ).readall()
        except ValueError as error:  # the client's own word for a response without the range that was asked for
            raise NotAnAnswer(str(error)) from error
        return bytes(whole)

    def _grown(self, blob: BlobClient, one: LogObject, failure: Failure) -> str:
        """The version that a blob has now that begins with what was listed. Raises Unreadable where that is not sure."""
        now = self._properties(blob, one)
        same = now.creation_time is not None and now.creation_time <= one.written
        if now.blob_type != "AppendBlob" or now.size < one.size or not same:
            raise self._unreadable(one, "GetBlob", failure)
        return str(now.etag).strip('"')

    def _properties(self, blob: BlobClient, one: LogObject) -> Any:
        try:
            return self.deadline.within(partial(blob.get_blob_properties, raw_response_hook=_from_azure))
        except Exception as error:
            failure = of_exception(error)
            if failure is None:
                raise
            raise self._unreadable(one, "GetBlobProperties", failure) from error

    def _blob(self, one: LogObject) -> BlobClient:
        return self.client.get_blob_client(one.name.removeprefix(self._place))

    def _object(self, blob: Any) -> LogObject:
        return LogObject(self._place + blob.name, blob.etag.strip('"'), blob.size, blob.last_modified.astimezone(UTC))

    @staticmethod
    def _unreadable(one: LogObject, call: str, failure: Failure) -> Unreadable:
        if failure.code in CHANGED:
            failure = Failure(Reason.VANISHED, failure.code, "it was replaced after it was listed")
        return Unreadable(one.name, call, failure, READ)


def _is_folder(blob: Any) -> bool:
    """Whether an empty blob stands for a folder, as accounts with a hierarchical namespace list them; its metadata says so."""
    return blob.size == 0 and (blob.metadata or {}).get("hdi_isfolder") == "true"


@dataclass(frozen=True, slots=True)
class _Witness:
    """Sees whether a 200 is a page of the listing that was asked for, before the client parses it. Raises NotAnAnswer."""

    prefix: str

    def __call__(self, response: Any) -> None:
        _from_azure(response)
        if response.http_response.status_code >= 300:
            return
        try:
            root = ET.fromstring(response.http_response.body())  # noqa: S314 - the client parses the same bytes with the same parser
        except ET.ParseError as error:
            raise NotAnAnswer(f"ListBlobs: the XML is cut short or malformed ({error})") from error
        if root.tag != "EnumerationResults":
            raise NotAnAnswer(f"ListBlobs: the root element is {root.tag}, not EnumerationResults")
        if lacking := {"Blobs", "NextMarker"} - {child.tag for child in root}:
            raise NotAnAnswer(f"ListBlobs: there is no {' and no '.join(sorted(lacking))} in the answer")
        if (asked := root.findtext("Prefix") or "") != self.prefix:
            raise NotAnAnswer(f"ListBlobs: the answer is about {asked!r}, and {self.prefix!r} was asked for")
        for blob in root.iterfind("Blobs/Blob"):
            if not all(blob.findtext(f"Properties/{name}") for name in ("Etag", "Content-Length", "Last-Modified")):
                raise NotAnAnswer("ListBlobs: a blob without version, length or time")


def _from_azure(response: Any) -> None:
    """Raises NotAnAnswer where a success does not carry the request id that the service puts on every response."""
    if response.http_response.status_code < 300 and "x-ms-request-id" not in response.http_response.headers:
        response.http_response.internal_response.close()
        kind = response.http_response.headers.get("Content-Type")
        raise NotAnAnswer(f"the response carries no request id, so it is not from Azure (content type {kind})")


def open_container(place: BlobPlace, deadline: Deadline) -> BlobLogs:
    """The store, with the identity that the configuration names. Raises ConfigurationError where that identity is not set up."""
    return BlobLogs(container(place.account_url, place.container, credential(place.credential)), deadline, place.prefix)


def container(url: str, name: str, credential: TokenCredential | None, **settings: Any) -> ContainerClient:
    """The client of a container; an object comes in chunks, so that a connection that breaks costs one of them."""
    from azure.storage.blob import ContainerClient

    waits: dict[str, Any] = {"retry_total": 3, "initial_backoff": 1, "increment_base": 2, "random_jitter_range": 1, **settings}
    sizes: dict[str, Any] = {"max_single_get_size": CHUNK, "max_chunk_get_size": CHUNK}
    return ContainerClient(url, name, credential, connection_timeout=5, read_timeout=20, user_agent="upheld", **sizes, **waits)
