"""T8, R5: an operator that is killed between any two writes ends in the state it would have ended in.

Each run kills it right after write k of an act was carried out, before or after the answer reached it, and starts it
again. The state after each act, masked by what two clean runs do not share, and the Jobs that were made are those of a
clean run.
"""

import os
import random
import signal
from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any

import pytest
from tests.apiserver.faults.field import Field
from tests.apiserver.faults.runs import CHANGES, CREATION, Expected, Record, Runs
from tests.apiserver.faults.times import KILLS_OF_AN_ACT
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.proxy import FaultProxy, Kill

SEED = 5


@pytest.fixture
def runs(field: Field) -> Runs:
    return Runs(field)


def problems(
    runs: Runs,
    expected: Sequence[Expected],
    killed_after: Sequence[Sequence[int | None]],
    mutant: str = "",
    answered: Callable[[int], bool] = lambda write: write % 2 == 0,
) -> dict[str, dict[str, Any]]:
    """What went wrong, by act and write. Of each run the writes of its acts after which the operator is killed."""

    def fault(proxy: FaultProxy, operator: OperatorProcess, place: int) -> Kill:
        pid = operator.pid
        return Kill(len(proxy.writes) + place, lambda: os.kill(pid, signal.SIGKILL), answered(place))

    tried = [partial(runs.run_at, one, expected, fault, lambda act: len(act.writes), mutant) for one in killed_after]
    found = {
        f"{wanted.act.name}, killed after write {write}": wanted.problems(ended)
        for writes, run in zip(killed_after, runs.all(tried), strict=True)
        for wanted, write, ended in zip(expected, writes, run, strict=False)  # a run ends where it went wrong
    }
    return {at: wrong for at, wrong in found.items() if wrong}


def test_killed_after_each_write_of_a_creation_it_ends_in_the_same_state(runs: Runs, record_property: Record) -> None:
    expected = runs.learn(CREATION)
    assert expected[0].writes >= 20, "a creation is more than that"
    record_property("tried", expected[0].writes)

    wrong = problems(runs, expected, [[k] for k in range(1, expected[0].writes + 1)])

    assert {} == wrong


# A deletion is none of the changes: no write of the operator belongs to it, and test_deletion.py kills it meanwhile.
def test_killed_within_each_of_several_changes_it_ends_in_the_same_states(runs: Runs, record_property: Record) -> None:
    expected = runs.learn(CREATION, *CHANGES)
    assert all(one.writes for one in expected), "there is something to be killed between"
    drawn = random.Random(SEED)
    writes = [drawn.sample(range(1, one.writes + 1), min(one.writes, KILLS_OF_AN_ACT)) for one in expected[1:]]
    record_property("tried", sum(map(len, writes)))

    wrong = problems(runs, expected, [(None, *one) for one in zip_longest(*writes)])

    assert {} == wrong
