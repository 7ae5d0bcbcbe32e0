"""The order of postings against Python's own sort, on both sides of 16 bits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_index.word_counts import numbers_of_words, stable_order


@given(st.lists(st.sampled_from([0, 1, 2, 65_534, 65_535, 65_536, 131_071, 131_072, 2**32 - 1]), max_size=40))
def test_equal_numbers_keep_their_order(numbers: list[int]) -> None:
    array = np.array(numbers, dtype=np.uint32)

    assert stable_order(array).tolist() == sorted(range(len(numbers)), key=numbers.__getitem__)


def test_words_are_numbered_in_the_order_in_which_they_come() -> None:
    numbers = numbers_of_words()

    assert [numbers[word] for word in ("timer", "pto", "timer", "kiosk")] == [0, 1, 0, 2]
    assert list(numbers) == ["timer", "pto", "kiosk"]
