"""The rules and routes that are in effect on a network interface: computed by Azure, for a machine that runs.

A long-running POST that the role Reader does not permit, so that it is asked for only where the configuration says so
(Virtual Network REST API, "Network Interfaces - List Effective Network Security Groups" and "Get Effective Route Table").
The typed client follows it, through the pipeline that lets nothing out but what reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.collect.aws.errors import Failure
from agent.collect.azure import ids
from agent.collect.azure.client import Answer, Halt
from agent.collect.azure.errors import of_exception
from agent.collect.azure.reading import kept
from agent.collect.azure.subscriptions import Entered
from agent.config import ConfigurationError
from checks.arm import ArmDetail
from checks.model import Reason, canonical, digest

if TYPE_CHECKING:
    from azure.mgmt.network import NetworkManagementClient

POLLING = 2.0
"""Seconds between two questions whether it is computed, where Azure names none."""


def check_installed() -> None:
    """Raises ConfigurationError."""
    from importlib.util import find_spec

    if find_spec("azure.mgmt") is None or find_spec("azure.mgmt.network") is None:
        raise ConfigurationError("collect.azure: `effective: true` needs the package azure-mgmt-network: install upheld[effective]")


def ask(one: Entered, interface: str, detail: ArmDetail) -> Answer | Halt:
    """What is in effect on an interface, cut down to the detail's members. Nothing but a bug raises."""
    found = ids.parse(interface)
    if found is None:
        return Halt(Failure(Reason.MALFORMED, "InvalidId", f"{interface} is not the id of an interface"))
    group, name = found.scope.rpartition("/")[2], found.names[-1]
    try:
        one.arm.deadline.check()
        result = _poller(_client(one), detail.get, group, name).result(timeout=max(one.arm.deadline.left, 0))
    except Exception as error:
        failure = of_exception(error)
        if failure is None:
            raise
        return Halt(failure)
    shape = detail.shape.element if detail.items else detail.shape
    assert shape is not None
    if result is None or not isinstance(elements := result.as_dict().get("value"), list):
        return Halt(Failure(Reason.LATE if result is None else Reason.MALFORMED, "NoResult", "nothing was computed in time"))
    return Answer(tuple(kept(element, shape) for element in elements), 1, None, digest(canonical(elements)))


def _client(one: Entered) -> NetworkManagementClient:
    from azure.mgmt.network import NetworkManagementClient

    if (held := one.arm.typed.get(one.id)) is None:
        settings: dict[str, Any] = {
            "credential_scopes": [one.arm.scope],
            "policies": one.arm.policies(),
            "transport": one.arm.transport,
            "polling_interval": POLLING,
        }
        held = one.arm.typed[one.id] = NetworkManagementClient(one.arm.credential, one.id, base_url=one.arm.endpoint, **settings)
    client: NetworkManagementClient = held
    return client


def _poller(client: NetworkManagementClient, what: str, group: str, name: str) -> Any:
    if what == "effectiveRouteTable":
        return client.network_interfaces.begin_get_effective_route_table(group, name)
    return client.network_interfaces.begin_list_effective_network_security_groups(group, name)
