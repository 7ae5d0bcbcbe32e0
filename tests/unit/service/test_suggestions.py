"""Suggestions: which phrases continue what was typed, and which come first."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_service.suggestions import (
    PHRASES_MAX,
    SORTED_AT_ONCE,
    PhraseIndex,
    Suggestion,
    folded,
    sorted_in_slices,
    suggestions,
)

INDEX = PhraseIndex(
    [
        Suggestion("Force timer", 4, "title"),
        Suggestion("Track time", 9, "title"),
        Suggestion("Timesheet view", 2, "heading"),
        Suggestion("Timesheet view", 3, "heading"),
        Suggestion("Café bookings", 1, "title"),
        Suggestion("What is it (really)?", 1, "heading"),
        Suggestion("I can’t use “Start”", 1, "title"),
        Suggestion("Who's a full–limited member", 1, "title"),
    ]
)


def texts(prefix: str, limit: int = 5, queries: tuple[Suggestion, ...] = ()) -> list[str]:
    return [suggestion.text for suggestion in suggestions(prefix, limit, INDEX, queries)]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        pytest.param("force", ["Force timer"], id="start-of-phrase"),
        pytest.param("TIM", ["Timesheet view", "Track time", "Force timer"], id="start-of-word-own-start-first"),
        pytest.param("  track   ti", ["Track time"], id="several-words"),
        pytest.param("cafe", ["Café bookings"], id="without-accent"),
        pytest.param("café", ["Café bookings"], id="with-accent"),
        pytest.param("imer", [], id="middle-of-a-word"),
        pytest.param("really", ["What is it (really)?"], id="after-a-bracket"),
        pytest.param("I can't us", ["I can’t use “Start”"], id="apostrophe-of-a-keyboard"),
        pytest.param("who’s a", ["Who's a full–limited member"], id="apostrophe-of-a-phone"),
        pytest.param("use start", ["I can’t use “Start”"], id="what-stands-in-quotes"),
        pytest.param('"start', ["I can’t use “Start”"], id="an-open-quote"),
        pytest.param("full-lim", ["Who's a full–limited member"], id="dash"),
        pytest.param("zzz", [], id="nothing"),
        pytest.param("\u0301", [], id="only-a-mark"),
    ],
)
def test_a_prefix_finds_phrases_at_the_start_of_a_word(prefix: str, expected: list[str]) -> None:
    assert expected == texts(prefix)


def test_equal_phrases_are_one_with_the_sum_of_their_frequencies() -> None:
    found = suggestions("timesheet", 5, INDEX, ())

    assert [Suggestion("Timesheet view", 5, "heading")] == found


def test_a_question_others_asked_comes_before_a_title() -> None:
    asked = (Suggestion("track time on mobile", 40, "query"),)

    assert ["track time on mobile", "Track time"] == texts("track", queries=asked)


def test_a_question_that_equals_a_title_is_shown_once() -> None:
    assert ["track time"] == texts("track", queries=(Suggestion("track time", 3, "query"),))


def test_no_more_than_the_limit_are_given() -> None:
    assert 1 == len(texts("tim", limit=1))


def test_very_many_phrases_are_cut_to_the_most_frequent() -> None:
    index = PhraseIndex([Suggestion(f"phrase {n}", n, "heading") for n in range(PHRASES_MAX + 10)])

    assert PHRASES_MAX == len(index)
    assert [] == suggestions("phrase 3", 1, PhraseIndex([]), ())
    assert f"phrase {PHRASES_MAX + 9}" == suggestions(f"phrase {PHRASES_MAX + 9}", 1, index, ())[0].text


@pytest.mark.parametrize("count", [0, 1, SORTED_AT_ONCE, SORTED_AT_ONCE + 1, 5 * SORTED_AT_ONCE])
def test_sorting_in_slices_gives_what_one_sort_gives(count: int) -> None:
    rng = random.Random(5)
    entries = [(f"{rng.randrange(900)}", number, rng.random() < 0.5) for number in range(count)]

    assert sorted(entries) == list(sorted_in_slices(entries))


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_is_compared_as_it_would_be_beside_an_accent(text: str) -> None:
    assert folded(f"{text} é").removesuffix("e").rstrip() == folded(text)
