"""What Alibaba Cloud's own staff and systems did to a customer's resources, and why.

Source: ActionTrail documentation, "Structure of Alibaba Cloud-initiated events".
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

ALIBABA_INNER_ACTIONTRAIL: Final = Table(
    "log.alibaba_inner_actiontrail",
    columns("""
        time                time     EventTime
        event_id            text     EventID
        event_name          text     EventName: Set Bucket Quota Limit
        event_source        text     EventProduct: OSS
        event_type          text     EventType: CUSTOMER_INITIATED_SUPPORT, ALIYUN_INITIATED_SERVICE, ALIYUN_INITIATED_PENALTY
        event_level         text     EventLevel: the severity
        method              text     EventMethod: by which it was done
        location            text     EventLocation: the country it was done from, ISO 3166-1 alpha-2
        account             text     ResourceOwnerID
        region              text     ResourceRegionID
        resource            text     ResourceID
        resource_type       text     ResourceType: ACS::OSS::Bucket
        employee            text     EmployeeID, enciphered by Alibaba; null where it is empty
        by_employee         bool     whether EmployeeID says who it was: false where it is empty, as of a system; null where it is missing
        ticket              free     EventDescription, the reason: the id of a ticket, of a change, of a security scan; null where it is empty
        additional          free     EventAdditionalDetail
    """),
    provider="alibaba",
)
