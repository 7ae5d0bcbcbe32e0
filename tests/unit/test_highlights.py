"""Highlights against the plain rule: every word of the text, looked at one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_index.highlights import word_places
from clockifyrag_index.text import WORD, term_as_written

# Few characters, so that words recur, stand within one another, and meet apostrophes, underscores and signs.
TEXTS = st.text(st.sampled_from("bc''’ ") | st.sampled_from("bcA1'’_ .-éß½ªⅷ́०"), max_size=40)
WORDS = st.sampled_from(["b", "c", "bc", "bcb", "b'c", "c'b", "1", "é", "ss", "ªb"])


def one_by_one(content: str, terms: set[str]) -> tuple[tuple[int, int], ...]:
    return tuple(match.span() for match in WORD.finditer(content) if term_as_written(match.group()) in terms)


@pytest.mark.parametrize(
    ("content", "places"),
    [
        pytest.param("b c'b b'c cb bc b", ((0, 1), (16, 17)), id="never-a-part-of-a-word"),
        pytest.param("c''b ''b b''", ((3, 4), (7, 8), (9, 10)), id="two-apostrophes-end-a-word"),
        pytest.param("_b_c b_ '", ((1, 2), (5, 6)), id="an-underscore-ends-a-word"),
        pytest.param("’b’ b’", ((1, 2), (4, 5)), id="quoted"),
    ],
)
def test_a_word_is_found_as_a_whole(content: str, places: tuple[tuple[int, int], ...]) -> None:
    assert places == word_places(content).of({"b"}) == one_by_one(content, {"b"})


@given(TEXTS, st.sets(WORDS))
def test_the_words_asked_for_are_found_where_they_stand(content: str, wanted: set[str]) -> None:
    terms = {term_as_written(word) for word in wanted | set(WORD.findall(content)[::3])} - {""}

    assert one_by_one(content, terms) == word_places(content).of(terms)


@given(st.text(max_size=60))
def test_in_any_text_every_second_word_is_found(content: str) -> None:
    terms = {term_as_written(word) for word in WORD.findall(content)[::2]} - {""}

    assert one_by_one(content, terms) == word_places(content).of(terms)
