"""Flows that network security groups of Azure decided about, a row for each tuple.

Source: Azure Network Watcher documentation, "Flow logging for network security groups" (versions 1 and 2).
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

AZURE_NSG_FLOW: Final = Table(
    "log.azure_nsg_flow",
    columns("""
        time                time     the tuple's time stamp
        logged              time     time: when the record was written
        version             int      properties.Version
        account             text     the subscription in resourceId
        resource            text     resourceId, in lower case: the network security group
        interface           text     mac
        rule                text     rule
        action              text     Traffic decision: ACCEPT of A, REJECT of D
        source              address  Source IP
        destination         address  Destination IP
        source_port         int      Source port
        destination_port    int      Destination port
        protocol            int      Protocol, as the IANA number: 6 of T, 17 of U
        direction           text     Traffic flow: ingress of I, egress of O
        flow_state          text     Flow state: B begin, C continuing, E end; null in version 1
        packets             int      Packets, source to destination, since the last tuple of the flow; null in version 1
        bytes               int      Bytes sent, source to destination
        reply_packets       int      Packets, destination to source
        reply_bytes         int      Bytes sent, destination to source
    """),
    provider="azure",
)
