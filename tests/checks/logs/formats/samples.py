"""A good record of each format of JSON, made up in the shape that the service writes; and files of them, read as rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from checks.logs.formats.detect import READERS, detect
from checks.logs.formats.faults import Faults
from checks.logs.rows import logical
from checks.logs.tables import TABLES

SUBSCRIPTION = "7b0c2c4e-0000-4000-8000-000000000001"
GROUP = f"/SUBSCRIPTIONS/{SUBSCRIPTION.upper()}/RESOURCEGROUPS/SHOP"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
TENANT_ID = "http://schemas.microsoft.com/identity/claims/tenantid"
METHODS = "http://schemas.microsoft.com/claims/authnmethodsreferences"
WHEN = "2026-11-20T14:03:00.1234567Z"

ACTIVITY = {
    "time": WHEN,
    "resourceId": f"{GROUP}/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/EDGE",
    "operationName": "MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/WRITE",
    "category": "Administrative",
    "resultType": "Success",
    "resultSignature": "Succeeded.OK",
    "resultDescription": "written",
    "durationMs": "0",
    "callerIpAddress": "203.0.113.7",
    "correlationId": "c1",
    "identity": {
        "authorization": {"action": "x", "evidence": {"role": "Contributor", "principalType": "User"}},
        "claims": {UPN: "ada@marktbruecke.example", OBJECT_ID: "o1", METHODS: "pwd, mfa", "appid": "a1", TENANT_ID: "t1"},
    },
    "level": "Information",
    "properties": {
        "statusCode": "OK",
        "eventCategory": "Administrative",
        "eventName": "EndRequest",
        "serviceRequestId": "r1",
        "requestbody": "{}",
    },
}
STORAGE = {
    "time": WHEN,
    "resourceId": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/invoices/blobServices/default",
    "category": "StorageRead",
    "operationName": "GetBlob",
    "operationVersion": "2024-08-04",
    "schemaVersion": "1.0",
    "statusCode": 200,
    "statusText": "Success",
    "durationMs": 5,
    "callerIpAddress": "203.0.113.7:51034",
    "correlationId": "c1",
    "location": "germanywestcentral",
    "protocol": "HTTPS",
    "uri": "https://invoices.blob.core.windows.net:443/2026/1.pdf?sig=XXXX",
    "identity": {
        "type": "OAuth",
        "tokenHash": "B3CC9D5C64B3351573D80675",
        "requester": {"upn": "ada@marktbruecke.example", "objectId": "o1", "appId": "a1", "tenantId": "t1"},
        "authorization": [{"action": "read", "principals": [{"id": "o1", "type": "User"}]}],
    },
    "properties": {
        "accountName": "invoices",
        "userAgentHeader": "azcopy/10",
        "referrerHeader": "https://shop.marktbruecke.example/",
        "serviceType": "blob",
        "tlsVersion": "TLS 1.2",
        "requestBodySize": 0,
        "responseBodySize": 2018,
    },
}
KEY_VAULT = {
    "time": WHEN,
    "resourceId": f"{GROUP}/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/SHOP",
    "operationName": "SecretGet",
    "operationVersion": "7.4",
    "category": "AuditEvent",
    "resultType": "Success",
    "resultSignature": "OK",
    "resultDescription": "read",
    "correlationId": "c1",
    "durationMs": "41",
    "callerIpAddress": "203.0.113.7",
    "identity": {"claim": {"oid": "o1", "appid": "a1", "idtyp": "app"}},
    "properties": {
        "id": "https://shop.vault.azure.net/secrets/db/1",
        "clientInfo": "azsdk-python-core/1.31.0",
        "httpStatusCode": 200,
        "requestUri": "https://shop.vault.azure.net/secrets/db/?api-version=7.4",
        "tlsVersion": "TLS1_3",
    },
}
APPLICATION_GATEWAY = {
    "timeStamp": "2026-11-20T14:03:00+00:00",
    "resourceId": f"{GROUP}/PROVIDERS/MICROSOFT.NETWORK/APPLICATIONGATEWAYS/EDGE",
    "listenerName": "https",
    "ruleName": "shop",
    "backendPoolName": "web",
    "backendSettingName": "tls",
    "operationName": "ApplicationGatewayAccess",
    "category": "ApplicationGatewayAccessLog",
    "properties": {
        "instanceId": "appgw_2",
        "clientIP": "203.0.113.7",
        "clientPort": 45057,
        "httpMethod": "GET",
        "originalRequestUriWithArgs": "/cart?id=7",
        "requestUri": "/cart",
        "requestQuery": "id=7",
        "userAgent": "curl/8.9.1",
        "transactionId": "592d1649f75a8d48",
        "WAFMode": "Prevention",
        "httpStatus": 200,
        "httpVersion": "HTTP/1.1",
        "receivedBytes": 184,
        "sentBytes": 466,
        "timeTaken": 0.034,
        "sslEnabled": "on",
        "sslCipher": "ECDHE-RSA-AES256-GCM-SHA384",
        "sslProtocol": "TLSv1.2",
        "sslClientVerify": "NONE",
        "sslClientCertificateIssuerName": "CN=Clients",
        "serverRouted": "10.0.0.66:443",
        "serverStatus": "200",
        "originalHost": "shop.marktbruecke.example",
        "host": "shop.internal",
        "error_info": "ERRORINFO_NO_ERROR",
    },
}
FRONT_DOOR = {
    "time": WHEN,
    "resourceId": f"{GROUP}/PROVIDERS/MICROSOFT.CDN/PROFILES/EDGE",
    "category": "FrontDoorAccessLog",
    "operationName": "Microsoft.Cdn/Profiles/AccessLog/Write",
    "properties": {
        "trackingReference": "0abc",
        "httpMethod": "GET",
        "httpVersion": "2.0",
        "requestUri": "https://shop.marktbruecke.example:443/cart?id=7",
        "hostName": "shop.marktbruecke.example",
        "sni": "shop.marktbruecke.example",
        "userAgent": "curl/8.9.1",
        "referrer": "https://shop.marktbruecke.example/",
        "routeName": "shop",
        "matchedRulesSetName": "waf",
        "originName": "web",
        "originUrl": "https://web.internal:443/cart?id=7",
        "requestBytes": "715",
        "responseBytes": "380",
        "clientIp": "203.0.113.7",
        "socketIp": "2001:db8::7",
        "clientPort": "52097",
        "requestProtocol": "HTTPS",
        "securityProtocol": "TLSv1.2",
        "securityCipher": "ECDHE-RSA-AES256-GCM-SHA384",
        "endpoint": "shop.z01.azurefd.net",
        "httpStatusCode": "403",
        "pop": "FRA",
        "cacheStatus": "CONFIG_NOCACHE",
        "errorInfo": "NoError",
    },
}
SIGN_IN = {
    "time": WHEN,
    "resourceId": "/tenants/t1/providers/Microsoft.aadiam",
    "operationName": "Sign-in activity",
    "category": "SignInLogs",
    "tenantId": "t1",
    "resultType": "0",
    "callerIpAddress": "203.0.113.7",
    "correlationId": "c1",
    "identity": "Ada Lang",
    "Level": 4,
    "location": "DE",
    "properties": {
        "id": "e1",
        "createdDateTime": "2026-11-20T14:03:00.1234567+00:00",
        "userPrincipalName": "ada@marktbruecke.example",
        "userId": "o1",
        "appId": "a1",
        "appDisplayName": "Azure Portal",
        "resourceDisplayName": "Azure Resource Manager",
        "resourceTenantId": "t1",
        "homeTenantId": "t2",
        "clientAppUsed": "Browser",
        "userAgent": "Firefox/146",
        "conditionalAccessStatus": "success",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "authenticationDetails": [{"authenticationMethod": "FIDO2", "succeeded": True}],
        "appliedConditionalAccessPolicies": [{"result": "success"}],
        "ipAddress": "203.0.113.7",
        "status": {"errorCode": 0, "failureReason": "Other."},
        "location": {"countryOrRegion": "DE"},
        "deviceDetail": {"isManaged": True, "isCompliant": False},
        "authenticationRequirement": "multiFactorAuthentication",
        "isInteractive": True,
        "userType": "Member",
    },
}
GCP = {
    "protoPayload": {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "status": {},
        "authenticationInfo": {
            "principalEmail": "ada@marktbruecke.example",
            "principalSubject": "user:ada@marktbruecke.example",
            "serviceAccountKeyName": "//iam.googleapis.com/projects/mb-prod/serviceAccounts/a/keys/k1",
            "serviceAccountDelegationInfo": [{"firstPartyPrincipal": {"principalEmail": "b"}}],
        },
        "requestMetadata": {"callerIp": "203.0.113.7", "callerSuppliedUserAgent": "gcloud/500"},
        "serviceName": "storage.googleapis.com",
        "methodName": "storage.buckets.delete",
        "authorizationInfo": [
            {"resource": "projects/_/buckets/mb", "permission": "storage.buckets.delete", "permissionType": "ADMIN_WRITE", "granted": True}
        ],
        "resourceName": "projects/_/buckets/mb",
        "resourceLocation": {"currentLocations": ["europe-west3"]},
        "request": {"filter": 1, "Filter": 2},
        "response": {"kind": "a"},
        "metadata": {"a": 1},
        "serviceData": {"a": 1},
        "policyViolationInfo": {"orgPolicyViolationInfo": {}},
    },
    "insertId": "i1",
    "resource": {"type": "gcs_bucket", "labels": {"project_id": "mb-prod", "location": "eu", "zone": "europe-west3-a"}},
    "timestamp": "2026-11-20T14:03:00.123456789Z",
    "receiveTimestamp": "2026-11-20T14:03:01Z",
    "severity": "NOTICE",
    "logName": "projects/mb-prod/logs/cloudaudit.googleapis.com%2Factivity",
    "operation": {"id": "op1", "first": True, "last": False},
}
ACTIONTRAIL = {
    "eventId": "e1",
    "eventVersion": 1,
    "eventSource": "ecs.eu-central-1.aliyuncs.com",
    "sourceIpAddress": "203.0.113.7",
    "userAgent": "aliyun-cli",
    "eventType": "ApiCall",
    "eventRW": "Write",
    "eventCategory": "Management",
    "userIdentity": {
        "accessKeyId": "LTAI5tExampleExample",
        "accountId": "1512666876910000",
        "principalId": "28637164130000",
        "type": "ram-user",
        "userName": "ada",
        "sessionContext": {"attributes": {"mfaAuthenticated": "true", "creationDate": "2026-11-20T14:00:00Z"}},
    },
    "serviceName": "Ecs",
    "requestId": "r1",
    "requestParameters": {"RegionId": "eu-central-1"},
    "responseElements": {"RequestId": "r1"},
    "referencedResources": {"ACS::ECS::SecurityGroup": ["sg-1"]},
    "additionalEventData": {"loginAccount": "ada"},
    "vpcId": "vpc-1",
    "eventTime": "2026-11-20T14:03:00Z",
    "isGlobal": False,
    "acsRegion": "eu-central-1",
    "eventName": "DeleteSecurityGroup",
    "resourceName": "sg-1",
    "resourceType": "ACS::ECS::SecurityGroup",
}
INNER = {
    "EventID": "e1",
    "EventVersion": "1.0.0",
    "EventProduct": "OSS",
    "EventName": "Set Bucket Quota Limit",
    "EventDescription": "ticket 0004XYZ",
    "EventType": "CUSTOMER_INITIATED_SUPPORT",
    "EmployeeID": "9f86d081",
    "EventMethod": "API",
    "ResourceType": "ACS::OSS::Bucket",
    "ResourceID": "mb",
    "ResourceRegionID": "eu-central-1",
    "ResourceOwnerID": "1512666876910000",
    "EventAdditionalDetail": {"quota": 1},
    "EventTime": "2026-11-20T14:03:00Z",
    "EventLevel": "NOTICE",
    "EventLocation": "CN",
}
CLOUDAUDIT = {
    "userIdentity": {
        "principalId": "100015591000",
        "accountId": "100015590000",
        "secretId": "AKIDExampleExample",
        "userName": "ada",
        "type": "CAMUser",
    },
    "actionType": "Write",
    "eventRegion": "eu-frankfurt",
    "eventVersion": 2,
    "errorCode": 0,
    "apiErrorCode": 0,
    "requestID": "r1",
    "eventID": "e1",
    "eventType": "ApiCall",
    "eventTime": 1795183380,
    "sensitiveAction": 1,
    "eventPlatform": 0,
    "sourceIPAddress": "203.0.113.7",
    "resourceType": "cam",
    "eventName": "DeletePolicy",
    "eventSource": "cam.api.tencentyun.com",
    "requestParameters": {"policyId": [1]},
    "responseElements": {"a": 1},
    "userAgent": "SDK_GO_1.0.374",
    "resourceName": "policy/1",
}
VNET = {
    "time": WHEN,
    "flowLogVersion": 4,
    "macAddress": "00224871C205",
    "category": "FlowLogFlowEvent",
    "flowLogResourceID": f"{GROUP}/PROVIDERS/MICROSOFT.NETWORK/NETWORKWATCHERS/NW/FLOWLOGS/VNET",
    "targetResourceID": f"{GROUP}/PROVIDERS/MICROSOFT.NETWORK/VIRTUALNETWORKS/SHOP",
    "operationName": "FlowLogFlowEvent",
    "flowRecords": {
        "flows": [
            {
                "aclID": "acl1",
                "flowGroups": [{"rule": "AllowWeb", "flowTuples": ["1795183380599,203.0.113.7,10.0.0.6,23956,443,6,I,E,X,3,767,2,1580"]}],
            }
        ]
    },
}
NSG = {
    "time": WHEN,
    "systemId": "s1",
    "category": "NetworkSecurityGroupFlowEvent",
    "resourceId": f"{GROUP}/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/EDGE",
    "operationName": "NetworkSecurityGroupFlowEvents",
    "properties": {
        "Version": 2,
        "flows": [
            {
                "rule": "DenyAll",
                "flows": [{"mac": "000D3AF87856", "flowTuples": ["1795183380,203.0.113.7,10.0.0.6,28746,53,U,I,D,E,1,66,2,132"]}],
            }
        ],
    },
}
RECORDS: Mapping[str, dict[str, Any]] = {
    "alibaba_actiontrail": ACTIONTRAIL,
    "alibaba_inner_actiontrail": INNER,
    "azure_activity": ACTIVITY,
    "azure_application_gateway": APPLICATION_GATEWAY,
    "azure_front_door": FRONT_DOOR,
    "azure_key_vault": KEY_VAULT,
    "azure_nsg_flow": NSG,
    "azure_signin": SIGN_IN,
    "azure_storage": STORAGE,
    "azure_vnet_flow": VNET,
    "gcp_audit": GCP,
    "tencent_cloudaudit": CLOUDAUDIT,
}
MEMBERS = {"gcp_audit": "entries", "alibaba_actiontrail": "Events", "alibaba_inner_actiontrail": "Events"}
"""What holds the records of a document, where it is not `records`."""


def member(format_: str) -> str:
    return MEMBERS.get(format_, "records")


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def array(*records: Any) -> bytes:
    return json.dumps(records).encode()


SHAPES: Mapping[str, Callable[..., bytes]] = {
    "lines": lambda format_, *records: lines(*records),
    "lines after a byte order mark": lambda format_, *records: b"\xef\xbb\xbf" + lines(*records),
    "lines as Windows ends them": lambda format_, *records: lines(*records).replace(b"\n", b"\r\n"),
    "an array": lambda format_, *records: array(*records),
    "an array on many lines": lambda format_, *records: json.dumps(records, indent=4).encode(),
    "a member": lambda format_, *records: json.dumps({member(format_): records}).encode(),
    "a member on many lines": lambda format_, *records: json.dumps({member(format_): records}, indent=2).encode(),
    "a member behind another": lambda format_, *records: json.dumps({"RequestId": "r", member(format_): records}).encode(),
    "documents, one a line": lambda format_, *records: lines(*({member(format_): [record]} for record in records)),
}


def read(raw: bytes, format_: str | None = None, *, size: int = 1 << 16) -> tuple[list[dict[str, Any]], Faults]:
    """The rows, as a rule sees them, and what was wrong. Of a file in pieces of `size`."""
    name = format_ or detect(raw[: 1 << 16])
    assert name is not None, raw[:200]
    faults = Faults()
    pieces = (raw[start : start + size] for start in range(0, len(raw), size))
    table = TABLES[f"log.{name}"]
    batches = list(READERS[name](pieces, "object", faults))
    assert all(batch.schema.equals(table.schema()) for batch in batches)
    return [logical(table, row) for batch in batches for row in batch.to_pylist()], faults


def changed(record: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """A record with other members; `a__b` stands for b in a."""
    found = json.loads(json.dumps(record))
    for name, value in members.items():
        *outer, last = name.split("__")
        held = found
        for one in outer:
            held = held[one]
        held[last] = value
    return found
