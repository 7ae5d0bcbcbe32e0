"""Vectors of two embedders: whose speed may be compared."""

import numpy as np
import pytest
from bench.errors import WrongResult
from bench.figures.embedding import lowest_cosine

OURS = np.array([[1, 0], [0.6, 0.8]], np.float32)


def test_the_lowest_cosine_of_equal_vectors_is_one():
    assert pytest.approx(1.0) == lowest_cosine(OURS, OURS)


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        pytest.param(np.array([[1, 0], [0.8, 0.6]], np.float32), "text 1 has cosine 0.96", id="another model"),
        pytest.param(OURS[::-1], "text 0 has cosine 0.6", id="another order"),
        pytest.param(OURS[:1], "expected \\(2, 2\\)", id="a vector is missing"),
        pytest.param(OURS * np.float32(np.nan), "text 0 has cosine nan", id="no numbers"),
    ],
)
def test_other_vectors_are_a_wrong_result(theirs: np.ndarray, said: str):
    with pytest.raises(WrongResult, match=said):
        lowest_cosine(OURS, theirs)
