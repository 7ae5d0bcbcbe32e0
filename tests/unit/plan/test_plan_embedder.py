"""EmbedderReady by what search pods say of their embedder: the model asked now may be another than the index's."""

from __future__ import annotations

import pytest
from tests.unit.plan.world import World

OURS, THEIRS = {}, {"url": "http://ollama.example.com:11434"}  # spec.ollama: servers of the operator, of somebody else
REASON = "gen-1 was made with another model: cosine 0.21"


def judged(ollama: dict[str, str], verdict: str) -> World:
    """A world in which one search pod that serves has that verdict."""
    world = World()
    world.edit(embedding={"provider": "Ollama"}, ollama=ollama)
    world.settle()
    pod = next(name for name, told in world.reports.items() if "embedder" in told)
    world.reports[pod]["embedder"] = {"verdict": verdict, "reason": REASON}
    for other in [one for one in world.reports if one != pod and "embedder" in world.reports[one]]:
        world.reports[other]["embedder"] = {"verdict": "absent"}
    world.work()
    return world


@pytest.mark.parametrize("ollama", [OURS, THEIRS], ids=["a server of ours", "an address"])
def test_one_pod_that_is_answered_by_another_model_is_enough_to_tell(ollama: dict[str, str]) -> None:
    world = judged(ollama, "mismatch")

    assert ("False", "FingerprintMismatch") == world.condition("EmbedderReady")
    assert world.message("EmbedderReady").endswith(REASON)
    assert ("True", "EmbedderDown") == world.condition("Degraded"), "questions are answered by words alone"
    assert "True" == world.condition("Ready")[0]


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        pytest.param("ok", ("True", "ModelLoaded"), id="answers"),
        pytest.param("unreachable", ("False", "Unreachable"), id="does not answer"),
        pytest.param("absent", ("Unknown", "NotJudged"), id="nobody asked yet"),
    ],
)
def test_an_address_is_judged_by_the_pods_that_ask_it(verdict: str, told: tuple[str, str]) -> None:
    assert told == judged(THEIRS, verdict).condition("EmbedderReady")


def test_servers_of_ours_are_judged_by_what_they_hold_whatever_a_pod_cannot_reach() -> None:
    assert ("True", "ModelLoaded") == judged(OURS, "unreachable").condition("EmbedderReady")
