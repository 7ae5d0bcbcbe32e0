"""The rows of a term are the same in two bytes as in four, whichever blocks they stand in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_index.impact_index import ImpactIndex, mapped_impacts
from clockifyrag_index.impacts import TermBlock
from clockifyrag_index.lexical_writer import write_impacts
from clockifyrag_index.row_list import RowList
from clockifyrag_index.sorted_words import SortedWords, write_sorted_words

SIZE = 300_000  # rows: five blocks
rows_of_a_term = st.lists(
    st.one_of(st.integers(0, SIZE - 1), st.sampled_from([0, 65_535, 65_536, 131_071, 131_072, SIZE - 1])),
    max_size=30, unique=True,
).map(sorted)  # fmt: skip


def written(directory, lists: list[list[int]]) -> ImpactIndex:
    """An index of terms a, b, c, … that stand in those rows."""
    write_sorted_words(directory, "terms", [chr(ord("a") + number) for number in range(len(lists))])
    blocks = [
        TermBlock(
            np.array([len(rows) for rows in some]),
            np.array([row for rows in some for row in rows], dtype=np.uint32),
            np.ones(sum(map(len, some)), dtype=np.float32),
        )
        for some in (lists[:2], lists[2:])
        if some
    ]
    write_impacts(directory, "passages", SIZE, blocks)
    return ImpactIndex(SortedWords(directory, "terms").find, SIZE, mapped_impacts(directory, "passages"))


@given(lists=st.lists(rows_of_a_term, min_size=1, max_size=5), asked=st.lists(st.integers(0, SIZE - 1), max_size=20))
def test_rows_are_read_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, lists, asked) -> None:
    index = written(tmp_path_factory.mktemp("index"), lists)

    for number, rows in enumerate(lists):
        postings = index.postings(chr(ord("a") + number))
        assert (postings is None) == (not rows)
        if postings is not None:
            assert rows == postings.rows.whole().tolist()
            assert len(rows) == len(postings.rows)
            wanted = np.array([*asked, *rows[::-1], *rows], dtype=np.int64)  # in no order, some of them twice
            places, held = postings.rows.places(wanted)
            assert held.tolist() == [row in rows for row in wanted.tolist()]
            assert places[held].tolist() == [rows.index(row) for row in wanted.tolist() if row in rows]
            assert (places >= 0).all()
            assert (places < len(rows)).all()


def test_a_term_of_many_rows_takes_two_bytes_a_row(tmp_path) -> None:
    postings = written(tmp_path, [list(range(0, SIZE, 3))]).postings("a")

    assert postings is not None
    assert np.uint16 == postings.rows.low.dtype
    assert 5 == len(postings.rows.blocks)


def test_rows_of_a_small_index_are_a_view_of_its_file() -> None:
    low = np.array([1, 5, 9], dtype=np.uint16)

    assert RowList(low).whole() is low
