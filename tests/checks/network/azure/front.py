"""A network of two subnets, and what leads into it: an open group, an address, a load balancer, an application gateway."""

from tests.checks.network.azure.arm_world import (
    arm,
    at,
    made,
    nic,
    nsg,
    public_ip,
    ref,
    rule,
    subnet,
    vnet,
)  # fmt: skip

OPEN = nsg("open", rule("all", 100))
PIP = public_ip("pip", "20.1.1.1")


def shop(**front):
    return vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", **front), subnet("back", "10.0.2.0/24"))


def balancer(*, rules=(), nat=(), pools=("p",), public="pip", private=None, sku="Standard", outbound=(), addresses=()):
    front = (
        {"publicIPAddress": ref(f"publicIPAddresses/{public}")} if not private else {"privateIPAddress": private, "subnet": at("shop/back")}
    )
    path = "loadBalancers/lb"

    def part(kind, name, properties):
        return {"id": arm(f"{path}/{kind}/{name}"), "name": name, "properties": properties}

    return made(path, {
        "frontendIPConfigurations": [part("frontendIPConfigurations", "f", front)],
        "backendAddressPools": [part("backendAddressPools", one, {"loadBalancerBackendAddresses": list(addresses)}) for one in pools],
        "loadBalancingRules": [part("loadBalancingRules", f"r{number}", one) for number, one in enumerate(rules)],
        "inboundNatRules": [part("inboundNatRules", f"n{number}", one) for number, one in enumerate(nat)],
        "outboundRules": [part("outboundRules", f"o{number}", one) for number, one in enumerate(outbound)],
    }, sku={"name": sku, "tier": "Regional"})  # fmt: skip


FRONT = ref("loadBalancers/lb/frontendIPConfigurations/f")


POOL = ref("loadBalancers/lb/backendAddressPools/p")


def balances(port, to, protocol="Tcp", **more):
    return {
        "frontendIPConfiguration": FRONT,
        "backendAddressPool": POOL,
        "protocol": protocol,
        "frontendPort": port,
        "backendPort": to,
        **more,
    }


def application(*, backend, port=8080, listener=443, private=None):
    path = "applicationGateways/ag"

    def part(kind, name, properties):
        return {"id": arm(f"{path}/{kind}/{name}"), "name": name, "properties": properties}

    front = {"publicIPAddress": ref("publicIPAddresses/agip")} if not private else {"privateIPAddress": private, "subnet": at("shop/ag")}
    return made(path, {
        "gatewayIPConfigurations": [part("gatewayIPConfigurations", "g", {"subnet": at("shop/ag")})],
        "frontendIPConfigurations": [part("frontendIPConfigurations", "f", front)],
        "frontendPorts": [part("frontendPorts", "p", {"port": listener})],
        "backendAddressPools": [part("backendAddressPools", "b", {"backendAddresses": [backend]})],
        "backendHttpSettingsCollection": [part("backendHttpSettingsCollection", "s", {"port": port, "protocol": "Http"})],
        "httpListeners": [part("httpListeners", "l", {
            "frontendIPConfiguration": ref(f"{path}/frontendIPConfigurations/f"), "frontendPort": ref(f"{path}/frontendPorts/p"), "protocol": "Https",
        })],
        "requestRoutingRules": [part("requestRoutingRules", "r", {
            "ruleType": "Basic", "httpListener": ref(f"{path}/httpListeners/l"), "backendAddressPool": ref(f"{path}/backendAddressPools/b"),
            "backendHttpSettings": ref(f"{path}/backendHttpSettingsCollection/s"),
        })],
    })  # fmt: skip


WEB = nic("web", "shop/front", "10.0.1.4")
