"""Two rankings compared, doubts counted, headings made into questions."""

import pytest

from clockifyrag_index.behaviour import behaviour
from clockifyrag_index.chunk_store import Outline
from clockifyrag_index.doubts import Share, doubts
from clockifyrag_index.errors import UsageError
from clockifyrag_index.evaluate import Judged
from clockifyrag_index.known_items import known_items

JUDGED = (Judged("q1", "timer", {"a": 2, "b": 1}), Judged("q2", "kiosk", {"c": 1}), Judged("q3", "weather", {}))
BEFORE = {"timer": ["a", "b"], "kiosk": ["x", "c"], "weather": ["a"]}
AFTER = {"timer": ["b", "a"], "kiosk": ["c", "y"], "weather": ["a"]}


def ranking(found: dict[str, list[str]]):
    return lambda query: [(name, f"https://example.com/{name}") for name in found[query]]


def test_a_comparison_tells_moves_losses_and_what_they_are_worth() -> None:
    found = behaviour(JUDGED, ranking(BEFORE), ranking(AFTER))

    timer, kiosk, weather = found.questions
    assert ({"a": (1, 2), "b": (2, 1)}, 1.0, ()) == (timer.moves, timer.overlap, timer.lost)
    assert ({"c": (2, 1)}, 1 / 3, ("x",), ("y",)) == (kiosk.moves, kiosk.overlap, kiosk.lost, kiosk.gained)
    assert (1.0, None) == (weather.overlap, weather.ndcg)
    assert ["q2", "q1"] == [one.qid for one in found.changed]
    assert {"x": 1} == found.lost
    assert (1, 1, 0) == found.wins_losses_ties


def test_a_ranking_compared_with_itself_changes_nothing() -> None:
    found = behaviour(JUDGED, ranking(BEFORE), ranking(BEFORE))

    difference = found.ndcg_difference
    assert (1.0, (), {}, (0, 0, 2)) == (found.overlap, found.changed, found.lost, found.wins_losses_ties)
    assert (0.0, 0.0, 0.0) == (difference.mean, difference.low, difference.high)


def test_a_gain_on_every_question_has_an_interval_above_nothing() -> None:
    judged = [Judged(f"q{number}", f"q{number}", {"a": 1}) for number in range(20)]

    found = behaviour(judged, lambda query: [("x",), ("a",)], lambda query: [("a",), ("x",)])

    assert 0 < found.ndcg_difference.low <= found.ndcg_difference.mean
    assert (20, 0, 0) == found.wins_losses_ties


def test_beyond_the_tenth_place_nothing_is_compared() -> None:
    ten = [(str(number),) for number in range(10)]

    found = behaviour(JUDGED[:1], lambda query: [*ten, ("a",)], lambda query: [*ten, ("b",)])

    assert () == found.changed


def test_doubts_are_counted_apart_for_questions_with_and_without_an_answer() -> None:
    found = doubts(JUDGED, lambda query: query in ("weather", "kiosk"))

    assert (Share(1, 1), Share(1, 2)) == (found.unanswerable, found.answerable)


@pytest.mark.parametrize(
    ("share", "low", "high"),
    # Newcombe: "Two-sided confidence intervals for the single proportion", Statistics in Medicine 1998, table I
    [
        (Share(81, 263), 0.2553, 0.3662),
        (Share(15, 148), 0.0624, 0.1605),
        (Share(0, 20), 0.0, 0.1611),
        (Share(1, 29), 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_share_is_wilsons(share: Share, low: float, high: float) -> None:
    assert pytest.approx((low, high), abs=1e-4) == (share.interval.low, share.interval.high)


def outline(document: str, title: str, *headings: str) -> Outline:
    return Outline("default", document, title, headings, "", f"https://example.com/{document}")


OUTLINES = (
    outline("a", "Time tracking", "Start the timer"),
    outline("a", "Time tracking", "Overview"),
    outline("b", "Kiosk mode", "Common questions"),
    outline("c", "Reports by week", "Common question?"),
    outline("c", "Reports by week", "Export reports"),
    outline("d", "Reports and exports"),
)


def test_a_heading_of_one_article_is_a_question_that_its_article_answers() -> None:
    found = {one.query: dict(one.grades) for one in known_items(OUTLINES, 10)}

    assert {"Start the timer": {"a": 1}, "Export reports": {"c": 1}, "Reports and exports": {"d": 1}} == found


def test_the_same_seed_picks_the_same_headings() -> None:
    many = [outline(f"d{number}", "Title", f"heading number {number}") for number in range(100)]

    first, again, other = (known_items(many, 10, seed) for seed in (1, 1, 2))

    assert 10 == len({one.qid for one in first})
    assert first == again != other


def test_headings_that_all_stand_in_several_articles_make_no_questions() -> None:
    with pytest.raises(UsageError, match="--queries"):
        known_items(OUTLINES[2:4], 5)
