"""In time: whoever asks waits no longer than there is time, whatever becomes of the comparison."""

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from clockifyrag_index.arrays import Scores
from clockifyrag_index.errors import EmbedderUnavailable, RerankSkipped
from clockifyrag_index.in_time import InTime
from clockifyrag_index.relevance import Curve

ALWAYS = 30.0  # seconds: far more than any of this takes


class Slow:
    """A reranker that answers when it is told to, or fails."""

    curve = Curve(0.6)

    def __init__(self, fault: Callable[[], None] = lambda: None) -> None:
        self.may_answer = threading.Event()
        self.answered = threading.Semaphore(0)
        self.began = threading.Semaphore(0)
        self.fault = fault
        self.timeouts: list[float] = []

    def scores(self, question: str, passages: Sequence[str], timeout_seconds: float) -> Scores:
        self.timeouts.append(timeout_seconds)
        self.began.release()
        self.may_answer.wait(ALWAYS)
        self.fault()
        self.answered.release()
        return np.full(len(passages), 0.25, np.float32)

    def close(self) -> None:
        self.may_answer.set()


def reason(reranker: InTime, seconds: float) -> str:
    with pytest.raises(RerankSkipped) as skipped:
        reranker.scores("question", ["a", "b"], seconds)
    return skipped.value.reason


def test_an_answer_in_time_is_handed_on() -> None:
    inner = Slow()
    inner.may_answer.set()
    reranker = InTime(inner, 1, ALWAYS)

    for _ in range(3):  # the place is given back each time
        assert [0.25, 0.25] == list(reranker.scores("question", ["a", "b"], ALWAYS))
        inner.answered.acquire()
        until_free(reranker)

    assert inner.curve == reranker.curve


def until_free(reranker: InTime) -> None:
    """Waits for the thread that has answered to give its place back, which it does right after."""
    assert reranker._places.acquire(timeout=ALWAYS)
    reranker._places.release()


def test_nobody_waits_longer_than_there_is_time_and_what_was_begun_goes_on() -> None:
    inner = Slow()
    reranker = InTime(inner, 2, ALWAYS)

    started = time.monotonic()
    assert "timeout" == reason(reranker, 0.05)
    waited = time.monotonic() - started

    assert 0.05 <= waited < ALWAYS / 2
    assert [ALWAYS] == inner.timeouts  # a shorter one would break a cold model's loading off
    inner.may_answer.set()
    assert inner.answered.acquire(timeout=ALWAYS)


def test_while_every_place_is_taken_it_says_so_at_once_and_is_used_again_afterwards() -> None:
    inner = Slow()
    reranker = InTime(inner, 2, ALWAYS)

    hanging = [reason(reranker, 0.02) for _ in range(2)]
    refused = [reason(reranker, ALWAYS) for _ in range(5)]  # with all that time it would be noticed if they waited
    inner.may_answer.set()
    for _ in range(2):
        inner.answered.acquire()
    until_free(reranker)

    assert (["timeout"] * 2, ["busy"] * 5) == (hanging, refused)
    assert [0.25] == list(reranker.scores("question", ["a"], ALWAYS))


def test_without_time_nothing_is_begun() -> None:
    inner = Slow()

    assert "timeout" == reason(InTime(inner, 1, ALWAYS), 0)

    assert not inner.began.acquire(blocking=False)


@pytest.mark.parametrize("error", [EmbedderUnavailable("connection refused"), RuntimeError("cannot send a request")])
def test_whatever_fails_is_no_error_of_the_search_and_stands_in_the_log_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise error

    inner = Slow(fail)
    inner.may_answer.set()
    reranker = InTime(inner, 1, ALWAYS)

    reasons = []
    for _ in range(3):
        reasons.append(reason(reranker, ALWAYS))
        until_free(reranker)

    assert ["unavailable"] * 3 == reasons
    told = [record for record in caplog.records if str(error) in record.getMessage()]
    assert (1 if isinstance(error, EmbedderUnavailable) else 3) == len(told)


def test_a_machine_without_threads_leaves_the_order_and_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Slow()
    inner.may_answer.set()
    reranker = InTime(inner, 1, ALWAYS)

    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", no_thread)
        assert "unavailable" == reason(reranker, ALWAYS)

    assert [0.25] == list(reranker.scores("question", ["a"], ALWAYS))
