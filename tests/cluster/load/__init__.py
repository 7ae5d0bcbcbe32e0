"""Held load, and the judge of what it heard.

An open loop: questions leave at a constant rate and never wait for answers, so a service that stalls is seen as one
that fails. Every answer is kept, and judged afterwards against a replay on the generation that it says it comes from.
"""

from tests.cluster.load.client import Manner
from tests.cluster.load.held import Load
from tests.cluster.load.history import Answer, History

__all__ = ["Answer", "History", "Load", "Manner"]
