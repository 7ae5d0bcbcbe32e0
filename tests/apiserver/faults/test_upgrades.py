"""R25, R12: another version of the operator changes no child by itself, and one that dies all the time ends as ever."""

import os
import signal
import threading
from dataclasses import replace

from tests.apiserver.faults.field import Field
from tests.apiserver.faults.runs import CREATION, FULL, Record, Runs
from tests.apiserver.faults.story import Story
from tests.apiserver.faults.times import REST_SECONDS, SCALE
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.proxy import FaultProxy, is_write

NEWER = {
    "SERVICE_IMAGE": "clockifyrag-service:9.0.0",
    "INDEX_BUILDER_IMAGE": "clockifyrag-index-builder:9.0.0",
    "OLLAMA_IMAGE": "ollama/ollama:9.0.0",
}
KILL_SECONDS = 5 * SCALE
KILLS = 12
OWN = ("leases", "clockifyrags", "events")  # what an operator writes of itself and of what it sees


def image_of(story: Story, kind: str, name: str) -> str:
    live = story.get(kind, name)
    assert live is not None
    return str(live["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_newer_operator_changes_no_child_until_the_author_lets_it(field: Field) -> None:
    stage = field.stage(FULL)
    story, proxy = stage.story, stage.proxy
    before = image_of(story, "Deployment", "help-search")
    stage.operator.terminate()
    calls = len(proxy.calls)

    field.operator(story, proxy, **NEWER)
    story.wait_condition("UpgradePending", "True")
    story.rest(REST_SECONDS)

    assert [] == [str(one) for one in proxy.calls[calls:] if is_write(one) and one.resource not in OWN]
    assert before == image_of(story, "Deployment", "help-search")
    story.change({"upgradePolicy": "Auto"})
    story.wait(lambda: image_of(story, "Deployment", "help-search") == NEWER["SERVICE_IMAGE"], "pods are replaced")
    story.wait_condition("UpgradePending", "False")
    story.wait_ready()


def test_a_restarted_operator_changes_no_child(field: Field) -> None:
    stage = field.stage(FULL)
    calls = len(stage.proxy.calls)

    stage.restart()
    stage.operator.wait_ready()
    stage.story.rest(REST_SECONDS)

    assert [] == [str(one) for one in stage.proxy.calls[calls:] if is_write(one) and one.resource not in OWN]


def test_an_operator_that_is_killed_again_and_again_ends_in_the_same_state(
    field: Field, record_property: Record
) -> None:
    runs = Runs(field)
    expected = runs.learn(CREATION)
    over, killed = threading.Event(), list[int]()

    def dying(_: FaultProxy, operator: OperatorProcess) -> None:
        """From now on it is killed in equal steps; the run starts it again each time."""

        def kill() -> None:
            for _ in range(KILLS):
                over.wait(KILL_SECONDS)
                if operator.alive:
                    os.kill(operator.pid, signal.SIGKILL)
                    killed.append(operator.pid)
            over.set()

        threading.Thread(target=kill, name="kills", daemon=True).start()

    def through(story: Story) -> None:
        story.wait(over.is_set, "it was killed often enough", 20 * KILLS * KILL_SECONDS)
        story.wait_ready()

    ended = runs.run([replace(CREATION, through=through)], [dying], expected=expected)

    assert {} == expected[0].problems(ended[0])
    assert len(set(killed)) > KILLS / 2, "it ran when its time came"
    record_property("tried", len(set(killed)))
