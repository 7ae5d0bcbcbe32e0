"""What siblings tell each other, read back: the same questions, and nothing that is not asked so here."""

import contextlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_service.parameters import SearchParameters, read_query, search_rules
from clockifyrag_service.settings import Settings
from clockifyrag_service.siblings import read_frequent, token_of

SETTINGS = Settings(_env_file=None)  # type: ignore[call-arg]
WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=2, max_size=50)
QUESTION = WORDS.map(str.strip).filter(lambda text: len(text) >= 2)
PARAMETERS = st.builds(
    SearchParameters,
    q=QUESTION,
    k=st.integers(1, 50),
    expand=st.booleans(),
    rerank=st.booleans(),
    details=st.booleans(),
    namespace=st.none() | WORDS,
    category=st.none() | WORDS,
    min_score=st.none() | st.integers(0, 1000).map(lambda part: part / 1000),
    timeout_ms=st.none() | st.integers(50, 60_000),
)


@given(PARAMETERS)
def test_a_question_written_as_a_query_string_is_read_as_the_same(parameters: SearchParameters) -> None:
    assert parameters == SearchParameters(**read_query(parameters.query_string().encode(), search_rules(SETTINGS)))


def test_what_is_not_asked_so_here_is_left_out_and_the_order_kept() -> None:
    told = orjson.dumps({"queries": ["q=add+time&k=5", "q=x", "q=ab&k=99", 7, None, "q=send+invoice&k=1"]})

    assert ["add time", "send invoice"] == [one.q for one in read_frequent(told, SETTINGS)]


@pytest.mark.parametrize("told", [b"", b"[]", b"{}", b'{"queries": {}}', b"<html>", b'"queries"'])
def test_an_answer_of_another_kind_is_refused(told: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_frequent(told, SETTINGS)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(told: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert [] == read_frequent(told, SETTINGS)


def test_the_token_shows_the_key_and_does_not_tell_it() -> None:
    assert token_of(b"one") != token_of(b"other")
    assert 64 == len(token_of(b"one"))
    assert b"one".hex() not in token_of(b"one")
