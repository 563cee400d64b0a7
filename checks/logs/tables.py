"""The normalised tables that log rules judge: fixed, typed columns, null where the log does not say.

A rule writes `row.source`; an address stands in the table as three columns (see `address_columns`), so that a CIDR is a
range of integers on every engine. Sources: "CloudTrail record contents", "CloudTrail userIdentity element" and "AWS
Management Console sign-in events" (CloudTrail user guide); "Flow log records" (VPC user guide); "Access logs for your
Application Load Balancer" (ELB user guide).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final, Literal

from checks.shape import SCALAR, Shape

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["string", "integer", "boolean", "timestamp", "address"]
ADDRESS_PARTS: Final = ("family", "high", "low")
_HALF: Final = 2**64
_SIGN: Final = 2**63


@dataclass(frozen=True, slots=True)
class Column:
    """`held`: what stands there, in the words of the log's own documentation."""

    name: str
    kind: Kind
    held: str


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is what a rule's `rows` says; every column may be null."""

    name: str
    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        """Raises KeyError."""
        return next((column for column in self.columns if column.name == name), None) or _missing(name)

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def shape(self) -> Shape:
        """What a rule's `row` is to the checker of expressions: an address is a text there, a time a timestamp."""
        return Shape("structure", {one.name: SCALAR["string" if one.kind == "address" else one.kind] for one in self.columns})

    @property
    def physical(self) -> tuple[tuple[str, str], ...]:
        """Each Arrow column with its type: `string`, `int64`, `bool`, `timestamp`; first those of PROVENANCE."""
        held = [*PROVENANCE]
        for column in self.columns:
            if column.kind == "address":
                held += [(part, "int64") for part in address_columns(column.name)]
            else:
                held.append((column.name, _ARROW[column.kind]))
        return tuple(held)

    def schema(self) -> pa.Schema:
        """The Arrow schema: times are in microseconds, UTC."""
        import pyarrow as pa

        types = {"string": pa.string(), "int64": pa.int64(), "bool": pa.bool_(), "timestamp": pa.timestamp("us", tz="UTC")}
        return pa.schema([pa.field(name, types[kind]) for name, kind in self.physical])


PROVENANCE: Final = (("object", "string"), ("line", "int64"))
"""Where a row stands, in every table, and no rule may ask: the object (file or key), and its line or record from 1."""

_ARROW: Final[Mapping[str, str]] = {"string": "string", "integer": "int64", "boolean": "bool", "timestamp": "timestamp"}


def _missing(name: str) -> Column:
    raise KeyError(name)


def address_columns(name: str) -> tuple[str, str, str]:
    """The columns in which an address stands: `source` in `source_family`, `source_high` and `source_low`."""
    family, high, low = (f"{name}_{part}" for part in ADDRESS_PARTS)
    return family, high, low


def address_parts(text: str) -> tuple[int, int, int]:
    """(family, high, low) of an address: 4 or 6, and the upper and lower 64 bits as two's complement signed integers.

    So an IPv4 address is (4, 0, its number), and the halves of an IPv6 address are those of its 16 bytes read as two big-endian
    int64. ::ffff:0:0/96 is the IPv4 address it maps (RFC 4291, 2.5.5.2). All three are null, or none is. Raises ValueError.
    """
    address: IPv4Address | IPv6Address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise ValueError(f"an address with a zone: {text!r}")
        address = address.ipv4_mapped or address
    high, low = divmod(int(address), _HALF)
    return address.version, signed(high), signed(low)


def address_text(family: int, high: int, low: int) -> str:
    """The address of three columns, as text; the inverse of `address_parts`."""
    number = (high % _HALF) * _HALF + low % _HALF
    return str(IPv4Address(number) if family == 4 else IPv6Address(number))


def signed(half: int) -> int:
    """64 bits, read as two's complement."""
    return half - _HALF if half >= _SIGN else half


def _columns(text: str) -> tuple[Column, ...]:
    """One column a line: name, kind, what it holds."""
    kinds: Mapping[str, Kind] = {
        "text": "string", "int": "integer", "bool": "boolean", "time": "timestamp", "address": "address"
    }  # fmt: skip
    columns = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, kind, held = line.split(maxsplit=2)
        columns.append(Column(name, kinds[kind], held))
    return tuple(columns)


CLOUDTRAIL: Final = Table(
    "log.cloudtrail",
    _columns(
        """
        time                time     eventTime
        event_id            text     eventID
        event_name          text     eventName
        event_source        text     eventSource: s3.amazonaws.com
        event_type          text     eventType: AwsApiCall, AwsServiceEvent, AwsConsoleAction, AwsConsoleSignIn, ...
        event_category      text     eventCategory: Management, Data, Insight, NetworkActivity
        read_only           bool     readOnly
        management          bool     managementEvent
        account             text     recipientAccountId
        region              text     awsRegion
        source              address  sourceIPAddress, where it is an address
        source_name         text     sourceIPAddress, where it is none: the name of a service, or `AWS Internal`
        user_agent          text     userAgent
        principal           text     userIdentity.arn; where it has none, userIdentity.principalId
        principal_type      text     userIdentity.type: Root, IAMUser, AssumedRole, AWSService, ...
        principal_account   text     userIdentity.accountId
        principal_id        text     userIdentity.principalId
        user_name           text     userIdentity.userName
        access_key          text     userIdentity.accessKeyId
        issuer              text     userIdentity.sessionContext.sessionIssuer.arn: the role of a session
        invoked_by          text     userIdentity.invokedBy: the service that calls on behalf of the principal
        session_mfa         bool     userIdentity.sessionContext.attributes.mfaAuthenticated, "true" or "false"
        session_from_console bool    sessionCredentialFromConsole
        mfa                 bool     additionalEventData.MFAUsed of a ConsoleLogin: Yes or No in any case, null for all else
        outcome             text     success or failure: of a ConsoleLogin what responseElements.ConsoleLogin says; of all else, failure with an errorCode
        error_code          text     errorCode
        error_message       text     errorMessage
        resource            text     resources[0].ARN, where there is exactly one resource
        tls_version         text     tlsDetails.tlsVersion: TLSv1.2
        cipher              text     tlsDetails.cipherSuite
        tls_host            text     tlsDetails.clientProvidedHostHeader
        vpc_endpoint        text     vpcEndpointId
        request_id          text     requestID
        shared_event_id     text     sharedEventID
        request             text     requestParameters, as JSON text
        response            text     responseElements, as JSON text
        additional          text     additionalEventData, as JSON text
        service_details     text     serviceEventDetails, as JSON text
    """
    ),
)

VPC_FLOW: Final = Table(
    "log.vpc_flow",
    _columns("""
        time                time     start: when the first packet of the capture window was received
        end                 time     end
        version             int      version
        log_status          text     log-status: OK, NODATA, SKIPDATA
        action              text     action: ACCEPT, REJECT
        account             text     account-id
        region              text     region
        zone                text     az-id
        vpc                 text     vpc-id
        subnet              text     subnet-id
        instance            text     instance-id
        interface           text     interface-id
        source              address  srcaddr
        destination         address  dstaddr
        source_port         int      srcport
        destination_port    int      dstport
        protocol            int      protocol, the IANA number
        packets             int      packets
        bytes               int      bytes
        type                text     type: IPv4, IPv6, EFA
        tcp_flags           int      tcp-flags, a bit mask
        packet_source       address  pkt-srcaddr
        packet_destination  address  pkt-dstaddr
        source_service      text     pkt-src-aws-service
        destination_service text     pkt-dst-aws-service
        direction           text     flow-direction: ingress, egress
        traffic_path        int      traffic-path
        reject_reason       text     reject-reason
    """),
)

ALB: Final = Table(
    "log.alb",
    _columns("""
        time                time     time: when the response was generated
        request_time        time     request_creation_time
        type                text     type: http, https, h2, grpcs, ws, wss
        account             text     the account in the object's key
        region              text     the region in the object's key
        balancer            text     elb
        listener            text     elb, a colon, and the port in the URL of request_line: app/shop/50dc6c495c0c9188:443
        listener_port       int      the port in the URL of request_line
        source              address  client, the address
        source_port         int      client, the port
        target              address  target, the address
        target_port         int      target, the port
        target_group        text     target_group_arn
        status              int      elb_status_code
        target_status       int      target_status_code
        received_bytes      int      received_bytes
        sent_bytes          int      sent_bytes
        method              text     the method of request_line
        host                text     the host in the URL of request_line
        path                text     the path and query in the URL of request_line, as it stands
        http_version        text     the version of request_line: HTTP/1.1
        user_agent          text     user_agent
        tls_version         text     ssl_protocol: TLSv1.2; null for `-`
        cipher              text     ssl_cipher, as OpenSSL names it; null for `-`
        server_name         text     domain_name: what SNI asked for
        certificate         text     chosen_cert_arn
        actions             text     actions_executed
        redirect_url        text     redirect_url
        error_reason        text     error_reason
        trace_id            text     trace_id
        connection          text     conn_trace_id
        classification      text     classification
    """),
)

TABLES: Final[Mapping[str, Table]] = {table.name: table for table in (CLOUDTRAIL, VPC_FLOW, ALB)}


@functools.cache
def shapes() -> Mapping[str, Shape]:
    """The shape of each table's rows, by its name."""
    return {name: table.shape for name, table in TABLES.items()}
