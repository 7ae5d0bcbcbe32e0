"""The mix of both legs: what holds for every pair of scores, and which mix a model gets."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_index.fusion import RRF_K, Fusion, FusionMethod, calibrated_lexical, fused, reciprocal_ranks

SHARES = st.floats(0, 1, width=32)
PAIRS = st.lists(st.tuples(SHARES, SHARES), min_size=2, max_size=20)


def columns(pairs: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    dense, lexical = np.array(pairs, dtype=np.float32).T
    return dense, lexical


@given(PAIRS, st.sampled_from(["all-minilm", "wordllama", "nomic-embed-text"]), st.sampled_from(["convex", "rrf"]))
def test_a_passage_that_is_better_in_both_legs_is_never_below(
    pairs: list[tuple[float, float]], model: str, method: FusionMethod
) -> None:
    dense, lexical = columns(pairs)

    scores = fused(dense, lexical, replace(Fusion.of_model(model), method=method))

    assert np.all((scores >= 0) & (scores <= 1 + 1e-6))
    above = (dense[:, None] >= dense) & (lexical[:, None] >= lexical)
    assert np.all((scores[:, None] >= scores)[above])


@given(PAIRS)
def test_a_leg_without_weight_says_nothing(pairs: list[tuple[float, float]]) -> None:
    dense, lexical = columns(pairs)

    assert np.array_equal(dense, fused(dense, lexical, Fusion(dense_weight=1, lexical_weight=0)))
    assert np.array_equal(lexical, fused(dense, lexical, Fusion(dense_weight=0, lexical_weight=2)))


@given(PAIRS)
def test_reciprocal_ranks_follow_the_formula_and_equal_scores_share_one(pairs: list[tuple[float, float]]) -> None:
    dense, lexical = columns(pairs)

    def rank_score(score: float, leg: np.ndarray) -> float:
        return (RRF_K + 1) / (RRF_K + 1 + sum(other > score for other in leg.tolist())) if score > 0 else 0.0

    scores = fused(dense, lexical, Fusion("rrf", dense_weight=0.2, lexical_weight=0.6))

    expected = [0.25 * rank_score(a, dense) + 0.75 * rank_score(b, lexical) for a, b in pairs]
    assert pytest.approx(expected, abs=1e-6) == scores.tolist()


@given(PAIRS, st.integers(0, 19))
def test_a_passage_has_the_same_reciprocal_rank_alone_beside_all_that_is_ranked(
    pairs: list[tuple[float, float]], place: int
) -> None:
    dense, lexical = columns(pairs)
    at = slice(place % len(pairs), place % len(pairs) + 1)

    alone = fused(dense[at], lexical[at], Fusion("rrf"), among=(dense, lexical))

    assert np.array_equal(fused(dense, lexical, Fusion("rrf"))[at], alone)
    assert np.array_equal(reciprocal_ranks(dense)[at], reciprocal_ranks(dense[at], among=dense))


@pytest.mark.parametrize(
    ("model", "share"),
    [("all-minilm", 0.65), ("all-minilm:latest", 0.65), ("wordllama", 0.4), ("a model nobody knows", 0.65)],
)
def test_the_mix_is_the_models_own(model: str, share: float) -> None:
    assert pytest.approx(share) == Fusion.of_model(model).dense_share


def test_words_that_nothing_holds_do_not_divide_by_zero() -> None:
    assert [0.0, 0.0] == calibrated_lexical(np.zeros(2, np.float32), 0.0).tolist()
