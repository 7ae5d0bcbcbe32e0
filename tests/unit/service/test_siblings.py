"""What siblings tell each other, read back: the same questions, and nothing that is not asked so here."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_service.parameters import SearchParameters
from clockifyrag_service.settings import Settings
from clockifyrag_service.siblings import Frequent, read_frequent, token_of, written

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


@given(st.lists(st.builds(Frequent, PARAMETERS, st.integers(1, 255))), PARAMETERS)
def test_what_is_written_is_read_as_the_same(frequent: list[Frequent], usual: SearchParameters) -> None:
    ours = SETTINGS.model_copy(update={"retrieval_k": usual.k, "rerank": usual.rerank})

    assert frequent == read_frequent(written(frequent, ours), ours)


def test_what_a_request_does_not_say_is_as_the_reader_has_it() -> None:
    frequent = [Frequent(SearchParameters("add time", 5), 7), Frequent(SearchParameters("add time", 9), 3)]
    theirs = SETTINGS.model_copy(update={"retrieval_k": 8})

    assert [8, 9] == [one.parameters.k for one in read_frequent(written(frequent, SETTINGS), theirs)]


def test_what_is_not_asked_so_here_is_left_out_and_the_order_kept() -> None:
    queries = ["q=add+time", "q=x", "q=ab&k=99", "q=send+invoice"]
    told = [{"query": query, "asked": 1} for query in queries] + [
        7,
        None,
        {"query": "q=ab"},
        {"query": "q=ab", "asked": 0},
    ]

    assert ["add time", "send invoice"] == [one.parameters.q for one in read_frequent(dumped(told), SETTINGS)]


def dumped(queries: object) -> bytes:
    return json.dumps({"queries": queries}).encode()


@pytest.mark.parametrize("told", [b"", b"[]", b"{}", b'{"queries": {}}', b"<html>", b'"queries"'])
def test_an_answer_of_another_kind_is_refused(told: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_frequent(told, SETTINGS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["query", "asked", "more"]), inner),
)


@given(JSON | st.lists(JSON, max_size=5))
def test_whatever_a_sibling_says_is_read_or_refused(queries: object) -> None:
    with contextlib.suppress(ValueError):
        assert all(one.asked > 0 for one in read_frequent(dumped(queries), SETTINGS))


def test_the_token_shows_the_key_and_does_not_tell_it() -> None:
    assert token_of(b"one") != token_of(b"other")
    assert 64 == len(token_of(b"one"))
    assert b"one".hex() not in token_of(b"one")
