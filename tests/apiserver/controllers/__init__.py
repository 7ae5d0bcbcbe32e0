"""Controllers, kubelet and garbage collector for a bare API server: `with Controllers(url, ca, certificate) as …`."""

from .running import Controllers
from .world import RUNS, Container, Ending, PodState, World, failed, generation, model_digest

__all__ = [
    "RUNS",
    "Container",
    "Controllers",
    "Ending",
    "PodState",
    "World",
    "failed",
    "generation",
    "model_digest",
]
