"""The errors with which each service refuses a call, as its protocol writes them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache

from tests.world.faults import Fault, Kind
from tests.world.wire import Answer, Call, Protocol
from tests.world.wire_answers import REQUEST_ID, content_type
from tests.world.wire_documents import write_cbor
from tests.world.wire_models import operation_model

# --- the errors, by protocol -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """A service's error: HTTP status, code, message."""

    status: int
    code: str
    message: str


def refusal(call: Call, fault: Fault) -> Refusal:
    """The error with which this service answers."""
    usual = _usual_refusal(Kind(fault.kind), call)
    return Refusal(fault.status or usual.status, fault.code or usual.code, fault.message or usual.message)


READER = "arn:aws:sts::{account}:assumed-role/upheld-reader/upheld"
NO_POLICY = "because no identity-based policy allows the {action} action"
SCP = "with an explicit deny in a service control policy"
CLOCK = "20261122T045600Z is now earlier than 20261122T050000Z (20261122T051500Z - 15 min.)"


def _usual_refusal(kind: Kind, call: Call) -> Refusal:
    if kind in {Kind.DENY, Kind.DENY_SCP}:
        return _denial(call, SCP if kind is Kind.DENY_SCP else NO_POLICY.format(action=iam_action(call)))
    if kind is Kind.VANISH:
        return _not_found(call)
    table = {
        Kind.THROTTLE: _throttling,
        Kind.EXPIRED: _expired,
        Kind.SKEWED: _skewed,
        Kind.REGION_OFF: _region_off,
    }
    return table.get(kind, internal_error)(call)


def iam_action(call: Call) -> str:
    """The IAM action of a call, as messages name it."""
    prefix = {"elbv2": "elasticloadbalancing", "elb": "elasticloadbalancing", "efs": "elasticfilesystem"}
    operation = {"ListBuckets": "ListAllMyBuckets", "GetBucketEncryption": "GetEncryptionConfiguration"}
    name = operation.get(call.operation, call.operation) if call.service == "s3" else call.operation
    return f"{prefix.get(call.service, call.service)}:{name}"


def _denial(call: Call, why: str) -> Refusal:
    reader = READER.format(account=call.account)
    message = f"User: {reader} is not authorized to perform: {iam_action(call)} on resource: * {why}"
    if call.protocol is Protocol.EC2:
        return Refusal(403, "UnauthorizedOperation", f"You are not authorized to perform this operation. {message}")
    if call.service == "sns":
        return Refusal(403, "AuthorizationError", message)
    if call.protocol.is_xml:
        return Refusal(403, "AccessDenied", message)
    return Refusal(403 if call.protocol is Protocol.REST_JSON else 400, "AccessDeniedException", message)


def _throttling(call: Call) -> Refusal:
    if call.protocol is Protocol.EC2:
        return Refusal(503, "RequestLimitExceeded", "Request limit exceeded.")
    if call.service == "s3":
        return Refusal(503, "SlowDown", "Please reduce your request rate.")
    if call.protocol.is_xml:
        return Refusal(400, "Throttling", "Rate exceeded")
    if call.service in {"lambda", "apigateway", "apigatewayv2"}:
        return Refusal(429, "TooManyRequestsException", "Rate exceeded")
    return Refusal(429 if call.protocol is Protocol.REST_JSON else 400, "ThrottlingException", "Rate exceeded")


def _expired(call: Call) -> Refusal:
    if call.protocol is Protocol.EC2:
        return Refusal(400, "RequestExpired", "Request has expired.")
    if call.service == "s3":
        return Refusal(400, "ExpiredToken", "The provided token has expired.")
    message = "The security token included in the request is expired"
    if call.protocol.is_xml:
        return Refusal(403, "ExpiredToken", message)
    return Refusal(403 if call.protocol is Protocol.REST_JSON else 400, "ExpiredTokenException", message)


def _skewed(call: Call) -> Refusal:
    """EC2 does not tell a wrong clock from a wrong key (aws-sdk-java#519)."""
    if call.protocol is Protocol.EC2:
        return Refusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
    if call.service == "s3":
        message = "The difference between the request time and the current time is too large."
        return Refusal(403, "RequestTimeTooSkewed", message)
    if call.protocol.is_xml:
        return Refusal(403, "SignatureDoesNotMatch", f"Signature expired: {CLOCK}")
    status = 403 if call.protocol is Protocol.REST_JSON else 400
    return Refusal(status, "InvalidSignatureException", f"Signature expired: {CLOCK}")


def _region_off(call: Call) -> Refusal:
    if call.protocol is Protocol.EC2:
        return Refusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
    message = "The security token included in the request is invalid"
    if call.service == "s3":
        return Refusal(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
    if call.protocol.is_xml:
        return Refusal(403, "InvalidClientTokenId", message)
    status = 403 if call.protocol is Protocol.REST_JSON else 400
    return Refusal(status, "UnrecognizedClientException", f"{message}.")


def internal_error(call: Call) -> Refusal:
    message = "We encountered an internal error. Please try again."
    if call.service == "s3" or call.protocol is Protocol.EC2:
        return Refusal(500, "InternalError", message)
    return Refusal(500, "InternalFailure" if call.protocol.is_xml else "InternalServerError", message)


EC2_NOT_FOUND = {
    "AllocationId": "InvalidAllocationID.NotFound",
    "GroupId": "InvalidGroup.NotFound",
    "ImageId": "InvalidAMIID.NotFound",
    "InstanceId": "InvalidInstanceID.NotFound",
    "NetworkAclId": "InvalidNetworkAclID.NotFound",
    "NetworkInterfaceId": "InvalidNetworkInterfaceID.NotFound",
    "PrefixListId": "InvalidPrefixListID.NotFound",
    "RouteTableId": "InvalidRouteTableID.NotFound",
    "SnapshotId": "InvalidSnapshot.NotFound",
    "SubnetId": "InvalidSubnetID.NotFound",
    "VolumeId": "InvalidVolume.NotFound",
    "VpcId": "InvalidVpcID.NotFound",
}
NOT_FOUND = {
    "iam": Refusal(404, "NoSuchEntity", "The entity cannot be found."),
    "s3": Refusal(404, "NoSuchBucket", "The specified bucket does not exist"),
    "sns": Refusal(404, "NotFound", "Topic does not exist"),
    "sqs": Refusal(400, "QueueDoesNotExist", "The specified queue does not exist."),
}
QUERY_ERROR_CODES = {"sqs": {"QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue"}}


def _not_found(call: Call) -> Refusal:
    if call.service in NOT_FOUND:
        return NOT_FOUND[call.service]
    message = "The requested resource does not exist."
    if call.protocol is Protocol.EC2:
        named = (name.split(".")[0] for name in call.params)
        code = next((EC2_NOT_FOUND[name] for name in named if name in EC2_NOT_FOUND), "InvalidParameterValue")
        return Refusal(400, code, message)
    status, code = _modelled_not_found(call.service, call.operation)
    if status is None:
        status = 400 if call.protocol in {Protocol.JSON, Protocol.CBOR} else 404
    return Refusal(status, code, message)


@cache
def _modelled_not_found(service: str, operation: str) -> tuple[int | None, str]:
    """The not-found error in the operation's own model, as (status, code)."""
    shapes = operation_model(service, operation).error_shapes
    wanted = [shape for shape in shapes if re.search("NotFound|NoSuch|DoesNotExist|NonExistent", shape.name)]
    if not wanted:
        return None, "ResourceNotFoundException"
    error = wanted[0].metadata.get("error", {})
    return error.get("httpStatusCode"), error.get("code", wanted[0].name)


def refuse(call: Call, why: Refusal) -> Answer:
    """The refusal as the service's protocol writes it."""
    headers = {"Content-Type": content_type(call.protocol), "x-amzn-requestid": REQUEST_ID}
    if call.method == "HEAD":
        return Answer(why.status, headers | {"x-amz-request-id": REQUEST_ID}, b"")
    if call.protocol.is_xml:
        return Answer(why.status, headers | {"x-amz-request-id": REQUEST_ID}, _xml_error(call, why).encode())
    if call.protocol is Protocol.REST_JSON:
        headers["x-amzn-errortype"] = why.code
        return Answer(why.status, headers, json.dumps({"Message": why.message, "Code": why.code}).encode())
    if operation_model(call.service, call.operation).service_model.is_query_compatible:
        code = QUERY_ERROR_CODES.get(call.service, {}).get(why.code, why.code.removesuffix("Exception"))
        headers["x-amzn-query-error"] = f"{code};{'Sender' if why.status < 500 else 'Receiver'}"
    body = {"__type": f"com.amazon.coral.service#{why.code}", "message": why.message}
    return Answer(why.status, headers, write_cbor(body) if call.protocol is Protocol.CBOR else json.dumps(body).encode())


def _xml_error(call: Call, why: Refusal) -> str:
    error = f"<Code>{why.code}</Code><Message>{why.message}</Message>"
    if call.protocol is Protocol.EC2:
        return f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
    if call.service == "s3":
        return f"<Error>{error}<RequestId>{REQUEST_ID}</RequestId><HostId>host</HostId></Error>"
    kind = "Sender" if why.status < 500 else "Receiver"
    return f"<ErrorResponse><Error><Type>{kind}</Type>{error}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
