"""What the parser of Markdown is asked for: the events of a text, and those of one line that is no block."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_builder.markdown_inline import inline_of
from clockifyrag_builder.markdown_parser import line_events, markdown_events, parted

WITHOUT_MARKUP = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="!&*<[\\]_`~#"), max_size=40)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1. Start a timer", "1. Start a timer"),
        ("- or +", "- or +"),
        ("# 5", "# 5"),
        ("Why C #", "Why C #"),
        ("Tags ##", "Tags ##"),
        ("    four spaces", "four spaces"),
        ("<b>Save</b>", "Save"),
        ("| a | b |", "| a | b |"),
        ("[x]: /address", "[x]: /address"),
        ("**Bold** and `code`", "Bold and code"),
        ("first\rsecond", "first second"),
        ("", ""),
        ("#", "#"),
    ],
)
def test_a_line_begins_no_block_and_keeps_its_marks(line: str, words: str) -> None:
    assert words == inline_of(line_events(line)).text.strip()


@given(WITHOUT_MARKUP)
def test_a_line_without_markup_is_its_own_text(line: str) -> None:
    assert " ".join(line.split()) == " ".join(inline_of(line_events(line)).text.split())


def test_half_of_a_surrogate_pair_is_a_replacement_and_a_whole_one_a_character() -> None:
    assert [("Text", "a\ufffdb 😀")] == [
        parted(event) for event in markdown_events("a\ud800b \ud83d\ude00") if "Text" in event
    ]
