"""Cleaning, types of questions, and how many candidates each type asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_index.question import MULTIPLIERS, QueryType, adaptive_k, cleaned, query_type


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How do I track time?", "how-to"),
        ("how to set up SSO", "how-to"),
        ("Can I track time offline?", "how-to"),
        ("I want to export a report", "how-to"),
        ("What is a project?", "definition"),
        ("What’s PTO", "definition"),
        ("define billable rate", "definition"),
        ("Manual vs timer tracking", "comparison"),
        ("What is the difference between billable rate and cost rate?", "comparison"),
        ("Is there a desktop app?", "factual"),
        ("What is the maximum number of users?", "factual"),
        ("how many projects can I have", "factual"),
        ("who can approve timesheets", "factual"),
        ("force timer", "general"),
        ("api rate limits", "general"),
    ],
)
def test_a_question_has_one_type(text: str, expected: str) -> None:
    assert expected == query_type(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("  track \t\n time  ", "track time", id="white space"),
        pytest.param("track\x00time", "tracktime", id="control characters"),
        pytest.param("ﬁle １２", "file 12", id="compatibility forms"),
        pytest.param("zero\u200bwidth\u202e", "zerowidth", id="format characters"),
        pytest.param("“time off” «rates»", '"time off" "rates"', id="quotes"),
        pytest.param("Jira™ integration, QuickBooks®", "Jira integration, QuickBooks", id="trade marks"),
        pytest.param("\x00\x01", "", id="nothing visible"),
    ],
)
def test_a_question_is_cleaned(text: str, expected: str) -> None:
    assert expected == cleaned(text)


@pytest.mark.parametrize(
    ("k", "kind", "expected"),
    [(5, "how-to", 20), (5, "definition", 13), (5, "factual", 15), (5, "comparison", 25), (1, "general", 3)],
)
def test_candidates_grow_with_the_type(k: int, kind: QueryType, expected: int) -> None:
    assert expected == adaptive_k(k, kind)


@given(k=st.integers(1, 50), kind=st.sampled_from(sorted(MULTIPLIERS)))
def test_candidates_stay_within_k_and_a_hundred(k: int, kind: QueryType) -> None:
    assert k <= adaptive_k(k, kind) <= 100


@given(st.text(max_size=200))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert cleaned(text) == cleaned(cleaned(text))
