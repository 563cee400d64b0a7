"""DNS queries of a VPC, as its resolver saw them.

Source: Route 53 developer guide, "Values that appear in VPC Resolver query logs".
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

ROUTE53_RESOLVER: Final = Table(
    "log.route53_resolver",
    columns("""
        time                 time     query_timestamp
        version              text     version: 1.1
        account              text     account_id: of the VPC
        region               text     region
        vpc                  text     vpc_id
        source               address  srcaddr
        source_port          int      srcport
        instance             text     srcids.instance
        resolver_endpoint    text     srcids.resolver_endpoint
        transport            text     transport: UDP, TCP, ...
        query_name           free     query_name
        query_type           text     query_type: A, AAAA, TXT, ...
        query_class          text     query_class: IN
        response_code        text     rcode: NOERROR, NXDOMAIN, ...
        answers              free     answers, as JSON text
        firewall_action      text     firewall_rule_action: ALERT, BLOCK; null where no rule of DNS Firewall with such an action matched
        firewall_rule_group  text     firewall_rule_group_id
        firewall_domain_list text     firewall_domain_list_id
    """),
    provider="aws",
)
