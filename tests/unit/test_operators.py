"""Signs in a question: a phrase, a word to leave out; and what looks like one but is none."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clockifyrag_index import row_filter
from clockifyrag_index.arrays import Rows
from clockifyrag_index.chunk import Chunk
from clockifyrag_index.errors import DeadlineExceeded
from clockifyrag_index.lexical import LexicalIndex
from clockifyrag_index.lexical_writer import write_lexical
from clockifyrag_index.operators import Operators, operators
from clockifyrag_index.row_filter import RowFilter, holds_phrase
from clockifyrag_index.text import terms

WORDS = ("time", "off", "times", "the", "policy")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        pytest.param('"time off" policy', Operators("time off policy", (("time", "off"),)), id="a phrase"),
        pytest.param('"Time-Off"', Operators("Time-Off", (("time", "off"),)), id="folded, cut into words"),
        pytest.param('"how to" "pay"', Operators("how to pay", (("pay",),)), id="a phrase of stop words says nothing"),
        pytest.param("timer -kiosk", Operators("timer", (), (("kiosk",),)), id="a word to exclude"),
        pytest.param('rates -"time off"', Operators("rates", (), (("time", "off"),)), id="a phrase to exclude"),
        pytest.param("plan -add-on", Operators("plan", (), (("add", "on"),)), id="a hyphen inside the excluded word"),
        pytest.param("-kiosk", Operators("", (), (("kiosk",),)), id="nothing but what to exclude"),
        pytest.param("timer -the", Operators("timer"), id="a stop word excludes nothing"),
        pytest.param("add-on", Operators("add-on"), id="a hyphen inside a word"),
        pytest.param("a - b", Operators("a - b"), id="a lone minus"),
        pytest.param("run --watch", Operators("run --watch"), id="two minus signs"),
        pytest.param('the 5" screen', Operators('the 5" screen'), id="a quote that is never closed"),
        pytest.param('""', Operators(""), id="nothing between the quotes"),
        pytest.param('"code -5"', Operators("code -5", (("code", "5"),)), id="a minus inside a phrase"),
        pytest.param('"a -b c" -d', Operators("a -b c", (("a", "b", "c"),), (("d",),)), id="and one behind it"),
        pytest.param('5" screen -kiosk', Operators('5" screen', (), (("kiosk",),)), id="a minus behind an open quote"),
        pytest.param('-"b -c" a', Operators("a", (), (("b", "c"),)), id="a minus inside a phrase to exclude"),
        pytest.param("don't -don't", Operators("don't", (), (("don't",),)), id="an apostrophe"),
    ],
)
def test_signs_are_read(question: str, expected: Operators) -> None:
    assert expected == operators(question)


def chunk(row: int, content: str, title: str = "", heading: str = "") -> Chunk:
    return Chunk(
        f"{row:016x}",
        f"d{row}",
        "default",
        0,
        title,
        (heading,) if heading else (),
        content,
        "/",
        "",
        None,
        None,
        None,
        (),
    )


def everywhere(rows: Rows) -> npt.NDArray[np.bool_]:
    return np.ones(len(rows), dtype=np.bool_)


text = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(text, text, text), min_size=1, max_size=12),
    phrase=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    excluded=st.sampled_from(WORDS),
)
def test_what_is_left_is_what_reading_every_passage_leaves(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], phrase: list[str], excluded: str
) -> None:
    chunks = [chunk(row, *texts) for row, texts in enumerate(rows)]
    directory = tmp_path_factory.mktemp("lexical")
    write_lexical(directory, chunks)
    asked = operators(f'"{" ".join(phrase)}" -{excluded}')

    left = RowFilter(asked, LexicalIndex(directory), chunks.__getitem__, everywhere).holds(np.arange(len(chunks)))

    for row, one in enumerate(chunks):
        fields = (one.title, *one.headings, one.content)
        said = any(f" {' '.join(phrase)} " in f" {field} " for field in fields) or not terms(" ".join(phrase))
        forbidden = set(terms(excluded)) & {term for field in fields for term in terms(field)}
        assert (said and not forbidden) == left[row], one


def test_a_phrase_is_not_stemmed_and_a_word_to_exclude_is() -> None:
    assert not holds_phrase(chunk(0, "times off"), ("time", "off"))
    assert holds_phrase(chunk(0, "", heading="Time off"), ("time", "off"))
    assert not holds_phrase(chunk(0, "off", title="time"), ("time", "off"))


def test_a_phrase_that_is_said_twice_is_looked_for_once() -> None:
    asked = operators('"time off" -holiday "Time off" -holiday')

    assert ((("time", "off"),), (("holiday",),)) == (asked.phrases, asked.excluded)


def test_reading_passages_ends_with_the_time_there_is(tmp_path: Path) -> None:
    chunks = [chunk(row, "time off") for row in range(20)]
    write_lexical(tmp_path, chunks)
    read: list[int] = []

    def record(row: int) -> Chunk:
        read.append(row)
        return chunks[row]

    def require_time() -> None:
        if len(read) == 5:
            raise DeadlineExceeded("no time left")

    with pytest.raises(DeadlineExceeded):
        RowFilter(operators('"time off"'), LexicalIndex(tmp_path), record, everywhere, require_time)

    assert 5 == len(read)


def test_of_too_many_passages_those_that_hold_the_words_best_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = [chunk(row, "time off" if row == 7 else f"off time {'policy ' * 9}") for row in range(20)]
    write_lexical(tmp_path, chunks)
    monkeypatch.setattr(row_filter, "READ_MAX", 3)
    read: list[int] = []

    def record(row: int) -> Chunk:
        read.append(row)
        return chunks[row]

    left = RowFilter(operators('"time off"'), LexicalIndex(tmp_path), record, everywhere).holds(np.arange(20))

    assert [7] == left.nonzero()[0].tolist()
    assert 3 == len(read)
