"""The arithmetic of passages: offsets in code points → places in a JavaScript text, windows, and what is read aloud."""

from typing import Any

import pytest
from tests.browser.articles import COMBINING, FAMILY, STEPS
from tests.browser.search_page import SearchPage

from clockifyrag_service.blocks import blocks

WAVE = "\U0001f44b\U0001f3fd"  # a hand and its skin tone: two code points, four UTF-16 units


@pytest.fixture(scope="module")
def module_page(driver: Any, site: Any) -> SearchPage:
    """One page for all cases of this file: nothing here changes it."""
    return SearchPage(driver, site.url).open()


@pytest.mark.parametrize(
    ("text", "spans", "marked"),
    [
        pytest.param("track time", [[6, 10]], ["time"], id="plain"),
        pytest.param(f"{WAVE} time", [[3, 7]], ["time"], id="behind an emoji"),
        pytest.param(f"{FAMILY} {FAMILY} time", [[12, 16]], ["time"], id="behind joined emoji"),
        pytest.param(f"{COMBINING} time", [[0, 4]], [COMBINING], id="an accent stays with its letter"),
        pytest.param(f"{WAVE}!", [[0, 1]], [WAVE], id="a skin tone stays with its hand"),
        pytest.param("𝒳 𝒴", [[2, 3]], ["𝒴"], id="letters beyond the basic plane"),
        pytest.param("one two", [[4, 7], [0, 3]], ["one", "two"], id="out of order"),
        pytest.param("one two", [[0, 3], [2, 7]], ["one", " two"], id="overlapping"),
        pytest.param("one", [[1, 99]], ["ne"], id="beyond the end"),
        pytest.param("one", [[9, 12], [2, 1], [-1, 2], ["a", 1]], [], id="no spans at all"),
        pytest.param("one", None, [], id="none given"),
    ],
)
def test_spans_in_code_points_mark_the_right_characters(
    module_page: SearchPage, text: str, spans: Any, marked: list[str]
) -> None:
    found = module_page.called("passage.js", "utf16Spans", text, spans)

    units = text.encode("utf-16-le")
    assert marked == [units[2 * start : 2 * end].decode("utf-16-le") for start, end in found]


WORDS = "word " * 400
EMOJI = FAMILY * 200


@pytest.mark.parametrize(
    ("text", "first"),
    [
        pytest.param(WORDS, 0, id="mark at the start"),
        pytest.param(WORDS, 1000, id="mark in the middle"),
        pytest.param(WORDS, 1990, id="mark at the end"),
        pytest.param("line\n" * 400, 1000, id="short lines"),
        pytest.param("x" * 2000, 1000, id="one long word"),
        pytest.param(EMOJI, 805, id="nothing but joined emoji"),
    ],
)
def test_a_window_holds_the_first_mark_and_splits_no_character(module_page: SearchPage, text: str, first: int) -> None:
    span = [first, first + 4]
    start, end = module_page.called("passage.js", "excerpt", text, [span])

    units = text.encode("utf-16-le")
    window = units[2 * start : 2 * end].decode("utf-16-le")  # fails on half a character
    assert start <= span[0] and span[1] <= end
    assert 100 <= end - start <= 420
    if text is WORDS:
        assert set(window.split()) == {"word"}


def test_a_text_that_is_little_longer_than_a_window_is_shown_whole(module_page: SearchPage) -> None:
    assert [0, 449] == module_page.called("passage.js", "excerpt", "a" * 449, [])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(STEPS, id="lists and a table"),
        pytest.param("", id="nothing"),
        pytest.param('Make a call\n\ncurl -H "X" \\\n     https://a.org\n\nEnd', id="a listing"),
        pytest.param("Heading\n\nText.\n\nNo heading", id="the last line is no heading"),
        pytest.param("Take these:\n- <b>one</b>\nmore of one\n  * two & two\n3) three", id="a list behind its lead"),
        pytest.param("    - deep\n  - less deep\n- flat\n10. ten", id="a list that begins indented"),
        pytest.param("a | b", id="one row is no table"),
        pytest.param("Is it?\n \n| x\n\n-no item", id="blank but for a space"),
    ],
)
def test_an_article_of_the_server_shows_a_passage_as_results_do(module_page: SearchPage, text: str) -> None:
    same = module_page.driver.execute_async_script(
        "const [text, html, done] = arguments; import('/page/passage.js').then(({passageNodes}) => {"
        "  const [one, other] = [document.createElement('div'), document.createElement('div')];"
        "  one.append(...passageNodes(text, [], [0, text.length])); other.innerHTML = html;"
        "  done(one.isEqualNode(other) || [one.innerHTML, other.innerHTML]) })",
        text,
        blocks(text),
    )

    assert same is True, same


@pytest.mark.parametrize(("text", "side"), [("1. Save.\n2. Send.", "left"), ("1. שמור.\n2. שלח.", "right")])
def test_the_numbers_of_a_list_stand_within_the_passage(module_page: SearchPage, text: str, side: str) -> None:
    room = module_page.driver.execute_async_script(
        "const [text, side, done] = arguments; import('/page/passage.js').then(({passageNodes}) => {"
        "  const passage = document.createElement('div'); passage.className = 'passage';"
        "  passage.append(...passageNodes(text, [], [0, text.length])); document.querySelector('main').append(passage);"
        "  const edge = (node) => node.getBoundingClientRect()[side];"
        "  done(Math.abs(edge(passage) - edge(passage.querySelector('li')))); passage.remove() })",
        text,
        side,
    )

    assert room > 16  # a number hangs at the side its item begins at


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(5, "just now", id="seconds"),
        pytest.param(60, "1 minute ago", id="one"),
        pytest.param(3 * 3600 + 5, "3 hours ago", id="hours"),
        pytest.param(400_000, "4 days ago", id="days"),
    ],
)
def test_ages_are_told_in_the_largest_unit_that_fits(module_page: SearchPage, seconds: int, words: str) -> None:
    assert words == module_page.called("health.js", "ago", seconds)


@pytest.mark.parametrize(
    ("score", "percent", "words"),
    [
        pytest.param(1, "100%", "strong match", id="best"),
        pytest.param(0.999, "99%", "strong match", id="never rounded up"),
        pytest.param(0.61, "61%", "good match", id="good"),
        pytest.param(0.35, "35%", "fair match", id="just fair"),
        pytest.param(0.001, "<1%", "weak match", id="next to nothing"),
        pytest.param(0, "0%", "weak match", id="nothing"),
        pytest.param(None, "0%", "weak match", id="missing"),
    ],
)
def test_a_score_is_told_as_a_share_and_in_words(module_page: SearchPage, score: Any, percent: str, words: str) -> None:
    told = module_page.called("results.js", "matchOf", score)

    assert (percent, words) == (told["percent"], told["words"])
