"""AWS: wire JSON lowered to the path graph."""

from checks.network.aws.lower import lower

__all__ = ["lower"]
