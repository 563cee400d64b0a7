"""Lowering Azure's wire JSON to the path graph: virtual networks, what stands in them, and every way in and out."""

from __future__ import annotations

from checks.model import Estate
from checks.network.azure.lowering import Lowered
from checks.network.graph import Graph

__all__ = ["lower"]


def lower(estate: Estate, graph: Graph) -> None:
    """Adds an estate's Azure networks to a graph. Nothing raises: what is malformed, missing or unknown is a doubt.

    Reads the types `azure.network.*`, `azure.compute.*` and those of platform services, by id without regard to case.
    """
    if any(type_.startswith("azure.") for type_ in estate.resources):
        Lowered(estate, graph).lower()
