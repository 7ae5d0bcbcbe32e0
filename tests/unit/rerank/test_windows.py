"""Windows of a passage: nothing is lost, nothing is longer than a model reads, and the title stands above each."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clockifyrag_index.windows import TITLE_MAX, windows


@pytest.mark.parametrize(
    ("passage", "longest", "expected"),
    [
        pytest.param("Title\nOne. Two.", 15, ["Title\nOne. Two."], id="it fits"),
        pytest.param("Title\nOne. Two.", 14, ["Title\nOne.", "Title\nTwo."], id="between sentences"),
        pytest.param("Title\n1. Open\n2. Save", 14, ["Title\n1. Open", "Title\n2. Save"], id="between lines"),
        pytest.param("Title\nA v1.5 of it", 14, ["Title\nA v1.5", "Title\nof it"], id="between words"),
        pytest.param("Title\nabcdefgh", 11, ["Title\nabcd", "Title\nefgh"], id="in a word"),
        pytest.param("A title alone", 8, ["A title", "alone"], id="a title alone"),
        pytest.param("Title\nabc", 6, ["Title", "abc"], id="a title that just fits"),
        pytest.param("\nabc", 1, ["a", "b", "c"], id="no title"),
        pytest.param("Longer title\nText.", 9, ["Longer", "title", "Text."], id="a title that leaves no room"),
        pytest.param("", 9, [], id="nothing"),
        pytest.param(" \n \n", 9, [], id="white space"),
        pytest.param("abc", 0, [], id="a model that reads nothing"),
    ],
)
def test_a_passage_is_cut_where_it_must_be(passage: str, longest: int, expected: list[str]) -> None:
    assert expected == windows(passage, lambda text: len(text) <= longest)


def test_a_first_line_as_long_as_a_text_is_not_repeated() -> None:
    passage = f"{'x' * (TITLE_MAX + 1)}\n{'y' * 300}"

    found = windows(passage, lambda text: len(text) <= 320)

    assert ["x" * (TITLE_MAX + 1), "y" * 300] == found


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab .!", max_size=90), max_size=5).map("\n".join), st.integers(1, 80))
def test_every_character_below_the_title_is_in_one_window_and_none_is_too_long(body: str, longest: int) -> None:
    found = windows(f"Title\n{body}", lambda text: len(text) <= longest)

    assert all(len(window) <= longest for window in found)
    repeated = longest >= len("Title\nTitle") and body.strip()
    told = "".join(window.removeprefix("Title\n") if repeated else window for window in found)
    assert ("" if repeated else "Title") + "".join(body.split()) == "".join(told.split())
