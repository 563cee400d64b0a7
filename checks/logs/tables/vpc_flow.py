"""Flow log records. Source: VPC user guide, "Flow log records" and, on encryption, "Enforce VPC encryption in transit"."""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

VPC_FLOW: Final = Table(
    "log.vpc_flow",
    columns("""
        time                time     start: when the first packet of the capture window was received
        end                 time     end
        version             int      version
        log_status          text     log-status: OK, NODATA, SKIPDATA
        action              text     action: ACCEPT, REJECT
        account             text     account-id
        region              text     region; where the format does not have it, the region in the object's key
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
        reject_reason       text     reject-reason: BPA, ...; null for the usual ones
        ecs_cluster         text     ecs-cluster-arn
        ecs_service         text     ecs-service-name
        ecs_task            text     ecs-task-arn
        resource            text     resource-id: of a regional NAT gateway
        encryption          int      encryption-status: 0 not encrypted, 1 by the Nitro system, 2 by the application, 3 by both; null for unknown
    """),
    provider="aws",
)
