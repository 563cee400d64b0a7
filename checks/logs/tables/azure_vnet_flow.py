"""Flows through virtual networks of Azure, a row for each tuple.

Source: Azure Network Watcher documentation, "Virtual network flow logs" (version 4).
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

AZURE_VNET_FLOW: Final = Table(
    "log.azure_vnet_flow",
    columns("""
        time                time     the tuple's time stamp
        logged              time     time: when the record was written
        version             int      flowLogVersion
        account             text     the subscription in targetResourceID
        resource            text     targetResourceID, in lower case: the virtual network, subnet or network interface
        flow_log            text     flowLogResourceID, in lower case
        interface           text     macAddress
        acl                 text     aclID: the network security group or Virtual Network Manager; `unspecified` where encryption decided
        rule                text     rule; `unspecified` where encryption decided
        action              text     ACCEPT, and REJECT of the flow state D
        source              address  Source IP
        destination         address  Destination IP
        source_port         int      Source port
        destination_port    int      Destination port
        protocol            int      Protocol, the IANA number
        direction           text     Flow direction: ingress of I, egress of O
        flow_state          text     Flow state: B begin, C continuing, E end, D deny
        encryption          text     Flow encryption: X, and what is not encrypted: NX, NX_HW_NOT_SUPPORTED, NX_SW_NOT_READY, NX_NOT_ACCEPTED, NX_NOT_SUPPORTED, NX_LOCAL_DST, NX_FALLBACK
        packets             int      Packets sent, from source to destination since the last tuple of the flow
        bytes               int      Bytes sent
        reply_packets       int      Packets received, from destination to source
        reply_bytes         int      Bytes received
    """),
    provider="azure",
)
