"""T8, R5: an operator that is killed between any two writes ends in the state it would have ended in.

Each run kills it right after write k of an act was carried out, before or after the answer reached it, and starts it
again. Its end state, masked by what two clean runs do not share, and the Jobs that were made are those of a clean run.
"""

import os
import random
import signal
from functools import partial
from typing import Any

import pytest
from tests.apiserver.faults.field import Field
from tests.apiserver.faults.runs import ACTS, Ended, Expected, Record, Runs
from tests.apiserver.faults.times import KILLS_OF_AN_ACT
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.proxy import FaultProxy, Kill

SEED = 5


@pytest.fixture
def runs(field: Field) -> Runs:
    return Runs(field)


def killed(runs: Runs, expected: Expected, write: int, answered: bool, mutant: str = "") -> Ended:
    """A run in which the operator is killed after that write of the act."""

    def fault(proxy: FaultProxy, operator: OperatorProcess, place: int) -> Kill:
        pid = operator.pid
        return Kill(len(proxy.writes) + place, lambda: os.kill(pid, signal.SIGKILL), answered)

    return runs.run_at(write, expected, fault, lambda ended: len(ended.writes), mutant)


def problems(
    runs: Runs, expected: Expected, writes: list[tuple[int, bool]], mutant: str = ""
) -> dict[str, dict[str, Any]]:
    """What went wrong, by write and whether it was answered."""
    ended = runs.all([partial(killed, runs, expected, write, answered, mutant) for write, answered in writes])
    found = {f"write {at}": expected.problems(one) for (at, _), one in zip(writes, ended, strict=True)}
    return {at: wrong for at, wrong in found.items() if wrong}


def test_killed_after_each_write_of_a_creation_it_ends_in_the_same_state(runs: Runs, record_property: Record) -> None:
    expected = runs.learn(ACTS["create"])
    assert expected.writes >= 20, "a creation is more than that"
    record_property("tried", expected.writes)

    wrong = problems(runs, expected, [(k, k % 2 == 0) for k in range(1, expected.writes + 1)])

    assert {} == wrong


# A deletion is none of them: no write of the operator belongs to it, and test_deletion.py kills it meanwhile.
@pytest.mark.parametrize("name", ["rebuild", "update", "reindex", "scale"])
def test_killed_within_a_change_it_ends_in_the_same_state(runs: Runs, name: str, record_property: Record) -> None:
    expected = runs.learn(ACTS[name])
    assert expected.writes, "there is something to be killed between"
    drawn = random.Random(f"{SEED} {name}")
    writes = sorted(drawn.sample(range(1, expected.writes + 1), min(expected.writes, KILLS_OF_AN_ACT)))
    record_property("tried", len(writes))

    wrong = problems(runs, expected, [(k, drawn.random() < 0.5) for k in writes])

    assert {} == wrong
