"""A packet simulator for Azure networks, independent of the prover that it checks."""

from checks.network.simulate_azure.platform import AZURE
from checks.network.simulate_azure.simulator import AzureSimulator
from checks.network.simulate_azure.world import Source

__all__ = ["AZURE", "AzureSimulator", "Source"]
