"""Conversation without a language model: when a question leans on the last one, and what to ask next."""

import pytest

from clockifyrag_index.chunk import Chunk
from clockifyrag_service.conversation import followups, standalone


@pytest.mark.parametrize(
    ("query", "context", "expected"),
    [
        pytest.param("how do I delete it?", ["time entry"], "time entry how do I delete it?", id="a-pronoun"),
        pytest.param("and for a client?", ["create a project"], "create a project and for a client?", id="an-and"),
        pytest.param("on mobile", ["track time"], "track time on mobile", id="few-words"),
        pytest.param(
            "how do I delete it?", ["a", "b", "  "], "b how do I delete it?", id="the-last-that-says-anything"
        ),
        pytest.param("how do I delete it?", [], "how do I delete it?", id="no-context"),
        pytest.param(
            "How can managers export a detailed report?",
            ["time entry"],
            "How can managers export a detailed report?",
            id="stands-alone",
        ),
        pytest.param("What is SSO?", ["edit a time entry"], "What is SSO?", id="a-sentence-of-one-word"),
        pytest.param("How do I invite a user?", ["time entry"], "How do I invite a user?", id="a-sentence-of-two"),
        pytest.param("Why is my timesheet locked?", ["kiosk"], "Why is my timesheet locked?", id="a-short-sentence"),
        pytest.param("How does approval work?", ["kiosk"], "How does approval work?", id="a-sentence-of-no-type"),
        pytest.param("Is there a dark mode?", ["kiosk"], "Is there a dark mode?", id="there-is"),
        pytest.param("Can one user have two keys?", ["kiosk"], "Can one user have two keys?", id="one-of-them"),
        pytest.param("and the other one?", ["kiosk"], "kiosk and the other one?", id="that-one"),
        pytest.param("how do I create one", ["an API key"], "an API key how do I create one", id="one-of-those"),
        pytest.param(
            "Is there one for Android?", ["a mobile app"], "a mobile app Is there one for Android?", id="one-for-a-use"
        ),
        pytest.param(
            "Can I delete the old ones in bulk?", ["tags"], "tags Can I delete the old ones in bulk?", id="the-old-ones"
        ),
        pytest.param("Which one is better?", ["plans"], "plans Which one is better?", id="which-of-them"),
        pytest.param(
            "Can a one-time code be used twice?", ["kiosk"], "Can a one-time code be used twice?", id="one-time"
        ),
        pytest.param(
            "Can I disable required fields after enabling them?",
            ["kiosk"],
            "Can I disable required fields after enabling them?",
            id="a-pronoun-for-what-the-question-names",
        ),
        pytest.param(
            "What if the invitation link expires?",
            ["kiosk"],
            "What if the invitation link expires?",
            id="a-sentence-with-what-if",
        ),
        pytest.param("what if I delete", ["a tag"], "a tag what if I delete", id="few-words-with-what-if"),
        pytest.param("What is the limit?", ["tags"], "tags What is the limit?", id="of-what-was-spoken-of"),
        pytest.param("How do I delete?", ["tags"], "tags How do I delete?", id="a-sentence-without-subject"),
        pytest.param("why?", ["I cannot log in"], "I cannot log in why?", id="no-words-of-its-own"),
        pytest.param("pricing", ["kiosk"], "kiosk pricing", id="no-sentence"),
        pytest.param(
            "and in euros?",
            ["kiosk", "How do I set a billable rate?", "what about per project?"],
            "How do I set a billable rate? what about per project? and in euros?",
            id="the-second-follow-up",
        ),
        pytest.param(
            "and offline?", ["invoices", "track time", "on mobile"], "track time on mobile and offline?", id="two-sides"
        ),
        pytest.param(
            "who can see them?", ["invoices", "expenses"], "expenses who can see them?", id="another-subject-before"
        ),
    ],
)
def test_a_question_that_leans_on_the_context_gets_it(query: str, context: list[str], expected: str) -> None:
    assert (expected, expected != query) == standalone(query, context, 500)


def test_the_context_is_cut_to_the_longest_question() -> None:
    query, applied = standalone("and it?", ["x" * 500], 100)

    assert applied
    assert 100 == len(query)
    assert query.endswith(" and it?")


def chunk(number: int, *headings: str) -> Chunk:
    return Chunk(f"{number:016x}", "d", "n", number, "Reports", headings, "text", "", "", None, None, None, ())


def test_headings_near_those_shown_are_suggested_in_reading_order_and_none_twice() -> None:
    article = [
        chunk(0),
        chunk(1, "Summary report"),
        chunk(2, "Summary report"),
        chunk(3, "Export a report to Excel"),
        chunk(4, "Share"),
    ]

    found = followups([article, article], frozenset({"0000000000000001"}))

    assert ["Export a report to Excel", "Reports: Share"] == found


def test_no_more_than_five_are_suggested() -> None:
    assert 5 == len(followups([[chunk(n, f"Heading number {n}") for n in range(20)]], frozenset()))
