"""What the parser of Markdown is asked for: the events of a text, and those of one line that is no block."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_builder.documents import Block
from clockifyrag_builder.markdown_blocks import add_markdown, heading_line
from clockifyrag_builder.markdown_inline import inline_of
from clockifyrag_builder.markdown_parser import line_events, markdown_events
from clockifyrag_builder.section_builder import SectionBuilder

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


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("Set up {#set-up}", ("Set up", "set-up")),
        ("Set up {.wide #set-up data-x=1}", ("Set up", "set-up")),
        ("{a} {#b}", ("{a}", "b")),
        ("Set up {#}", ("Set up {#}", "")),
        ("Set up {# x}", ("Set up {# x}", "")),
        ("Set up {#a} now", ("Set up {#a} now", "")),
        ("Set up {{#a}}", ("Set up {{#a}}", "")),
    ],
)
def test_an_anchor_may_stand_in_braces_at_the_end_of_a_heading(line: str, heading: tuple[str, str]) -> None:
    assert heading == heading_line(line)


@pytest.mark.parametrize("odd", ["{" + "#" * 300_000, "{" + "#a" * 300_000 + "}x", "{a" * 300_000])
def test_a_long_odd_heading_is_read_in_one_pass(odd: str) -> None:
    assert (f"x {odd}", "") == heading_line(f"x {odd}")


@given(WITHOUT_MARKUP)
def test_a_line_without_markup_is_its_own_text(line: str) -> None:
    assert " ".join(line.split()) == " ".join(inline_of(line_events(line)).text.split())


TABLES = {
    "below text": ("Options:\nName | Type\n--- | ---\na | b\n", ["text", "table"]),
    "in an item": ("1. Pick a role:\n   Role | Rights\n   --- | ---\n   x | y\n2. Next\n", ["list", "table", "list"]),
    "in a quotation": ("> Options:\n> N | T\n> - | -\n> a | b\n", ["text", "table"]),
    "with pipes around": ("Options:\n| N | T |\n| - | - |\n| a | b |\n", ["text", "table"]),
    "in code": ("```\nOptions:\nN | T\n- | -\n```\n", ["code"]),
    "a row of dashes": ("N | T\n--- | ---\na | b\n--- | ---\nc | d\n", ["table"]),
    "more columns than delimiters": ("x\nN | T | Z\n--- | ---\n", ["text"]),
}


@pytest.mark.parametrize(("text", "kinds"), TABLES.values(), ids=TABLES)
def test_a_table_may_stand_right_below_text(text: str, kinds: list[str]) -> None:
    assert kinds == [block.kind for block in blocks(text)]


def test_a_table_is_looked_for_in_one_pass_through_long_lines() -> None:
    for line in ("a" * 1_000_000, "|" * 1_000_000, "a|" * 500_000, "- |" * 300_000):
        assert markdown_events(f"{line}\n{line}\n{line}\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("about ~20 to 30~ users, ~~gone~~", "about 20 to 30 users, gone"),
        ("[a ![b ![c](d) e](f) g](h) i", "a  g i"),
        ("- item\n  ```\n  code\n  ```\n- > quoted\n", "- item code - quoted"),
    ],
)
def test_what_is_between_marks_is_read_and_images_are_not(text: str, words: str) -> None:
    assert words.split() == " ".join(block.text for block in blocks(text)).split()


@pytest.mark.parametrize(
    ("address", "anchor"),
    [("#größe", "gr%C3%B6%C3%9Fe"), ("#gr%C3%B6%C3%9Fe", "gr%C3%B6%C3%9Fe"), ("< #faq>", "faq"), ("#a/b", "a/b")],
)
def test_the_address_of_a_permalink_is_one_that_a_browser_would_follow(address: str, anchor: str) -> None:
    assert anchor == inline_of(line_events(f"FAQ [#]({address})")).anchor


def blocks(text: str) -> list[Block]:
    builder = SectionBuilder("Title", slugs=True, dropped=Counter())
    add_markdown(builder, markdown_events(text))
    return [block for section in builder.sections() for block in section.blocks]
