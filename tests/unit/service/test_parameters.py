"""Query parameters: nothing is clamped or guessed."""

from urllib.parse import quote

import pytest

from clockifyrag_service.errors import Refused
from clockifyrag_service.parameters import SearchParameters, read_query, search_rules
from clockifyrag_service.settings import Settings

RULES = search_rules(Settings(_env_file=None))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        pytest.param("q=%20%20track+time%20", "q", "track time", id="trimmed"),
        pytest.param("q=ab", "k", 5, id="k-default"),
        pytest.param("q=ab&k=50", "k", 50, id="k-most"),
        pytest.param("q=ab&expand=0", "expand", False, id="zero-is-false"),
        pytest.param("q=ab&details=1", "details", True, id="one-is-true"),
        pytest.param("q=ab&cache=false", "cache", False, id="false"),
        pytest.param("q=ab&min_score=0.25", "min_score", 0.25, id="number"),
        pytest.param("q=ab&timeout_ms=50", "timeout_ms", 50, id="timeout-least"),
        pytest.param("q=ab&namespace=help", "namespace", "help", id="namespace"),
        pytest.param("q=" + quote("ü" * 500), "q", "ü" * 500, id="longest-in-code-points"),
    ],
)
def test_a_right_value_is_read(query: str, field: str, value: object) -> None:
    assert value == read_query(query.encode(), RULES)[field]


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        pytest.param("", "INVALID_QUERY", "q is missing", id="no-q"),
        pytest.param("q=", "INVALID_QUERY", "0 characters", id="empty"),
        pytest.param("q=a", "INVALID_QUERY", "1 character after", id="too-short"),
        pytest.param("q=+a+", "INVALID_QUERY", "1 character after", id="too-short-when-trimmed"),
        pytest.param("q=" + "a" * 501, "INVALID_QUERY", "501 characters", id="too-long"),
        pytest.param("q=a" + quote("\u0301" * 10_000), "INVALID_QUERY", "10,001 characters", id="combining-characters"),
        pytest.param("q=a%00b", "INVALID_QUERY", "NUL", id="nul"),
        pytest.param("q=ab&k=0", "INVALID_PARAMETER", "k is '0'", id="k-zero"),
        pytest.param("q=ab&k=51", "INVALID_PARAMETER", "from 1 to 50", id="k-too-large"),
        pytest.param("q=ab&k=5.0", "INVALID_PARAMETER", "k is", id="k-decimal"),
        pytest.param("q=ab&k=+5", "INVALID_PARAMETER", "k is", id="k-with-space"),
        pytest.param("q=ab&k=%D9%A5", "INVALID_PARAMETER", "k is", id="k-in-arabic-digits"),
        pytest.param("q=ab&k=" + "9" * 5000, "INVALID_PARAMETER", "k is", id="k-huge"),
        pytest.param("q=ab&expand=yes", "INVALID_PARAMETER", "true, false, 1 or 0", id="yes-is-no-boolean"),
        pytest.param("q=ab&expand=True", "INVALID_PARAMETER", "expand", id="capital-true"),
        pytest.param("q=ab&min_score=1.1", "INVALID_PARAMETER", "from 0 to 1", id="score-too-large"),
        pytest.param("q=ab&min_score=nan", "INVALID_PARAMETER", "min_score", id="score-nan"),
        pytest.param("q=ab&timeout_ms=49", "INVALID_PARAMETER", "from 50 to 60000", id="timeout-too-short"),
        pytest.param("q=ab&namespace=", "INVALID_PARAMETER", "namespace", id="namespace-empty"),
        pytest.param("q=ab&category=a%00", "INVALID_PARAMETER", "category", id="category-nul"),
        pytest.param("q=ab&q=cd", "INVALID_PARAMETER", "more than once", id="repeated"),
        pytest.param("q=ab&topk=3", "INVALID_PARAMETER", "'topk' is unknown", id="unknown"),
        pytest.param("q=%ff%fe", "INVALID_PARAMETER", "not UTF-8", id="not-utf-8"),
        pytest.param("&".join(f"x{n}=1" for n in range(100)), "INVALID_PARAMETER", "more than 32", id="too-many"),
    ],
)
def test_a_wrong_value_is_refused_with_what_was_found_and_expected(query: str, code: str, message: str) -> None:
    with pytest.raises(Refused) as refused:
        read_query(query.encode(), RULES)

    assert (code, 400) == (refused.value.code, refused.value.status)
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("name", "near"),
    [
        pytest.param("namspace", "namespace", id="namespace"),
        pytest.param("minscore", "min_score", id="min-score"),
        pytest.param("exapnd", "expand", id="expand"),
    ],
)
def test_an_unknown_parameter_is_answered_with_the_nearest_known_one(name: str, near: str) -> None:
    with pytest.raises(Refused) as refused:
        read_query(f"q=ab&{name}=1".encode(), RULES)

    assert f"Did you mean {near!r}?" == refused.value.suggestion


def test_bytes_that_are_not_utf_8_are_refused_unescaped_too() -> None:
    with pytest.raises(Refused, match="not UTF-8"):
        read_query(b"q=\xff\xfe", RULES)


def test_keys_differ_for_every_parameter_that_changes_the_answer() -> None:
    base = SearchParameters("ab", 5)
    others = [
        SearchParameters("abc", 5),
        SearchParameters("ab", 6),
        SearchParameters("ab", 5, expand=False),
        SearchParameters("ab", 5, rerank=True),
        SearchParameters("ab", 5, details=True),
        SearchParameters("ab", 5, namespace="n"),
        SearchParameters("ab", 5, category="n"),
        SearchParameters("ab", 5, min_score=0.0),
        SearchParameters("ab", 5, timeout_ms=100),
    ]

    assert len(others) + 1 == len({base.key(), *(other.key() for other in others)})
    assert base.key() == SearchParameters("ab", 5, cache=False).key()
