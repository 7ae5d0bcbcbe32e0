"""Relevance and trust: what a score says, and when the best one is doubted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_index.relevance import Curve, Trust, curve_of, is_confident

SHARE = st.floats(0, 1)


def never_asked() -> float:
    raise AssertionError("coverage is looked at by trust alone")


@given(SHARE, SHARE, SHARE, SHARE, SHARE)
def test_trust_grows_with_the_score_and_with_the_words_that_are_held(
    score: float, more: float, coverage: float, wider: float, words: float
) -> None:
    trust = Trust(words, least=0.15)

    if trust.holds(score, coverage):
        assert trust.holds(max(score, more), max(coverage, wider))


def test_a_good_score_without_the_words_of_the_question_is_doubted_and_with_them_trusted() -> None:
    curve = curve_of("all-minilm")

    assert (False, True) == (is_confident(0.4, curve, lambda: 0.0), is_confident(0.4, curve, lambda: 0.5))


@pytest.mark.parametrize("curve", [curve_of("wordllama"), Curve(), None], ids=["wordllama", "another", "words alone"])
def test_without_a_measured_trust_the_relevance_alone_decides(curve: Curve | None) -> None:
    def relevant(score: float) -> bool:
        return (curve.relevance(score) if curve else score) >= 0.35

    scores = [0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 1.0]
    assert [relevant(one) for one in scores] == [is_confident(one, curve, never_asked) for one in scores]
