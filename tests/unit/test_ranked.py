"""Grouping by article and ranks within a leg, against the plain rule."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_index.ranked import ByArticle, ranks

ROWS = st.sets(st.integers(0, 30), max_size=20).map(sorted)


@given(ROWS, st.lists(st.integers(0, 30), unique=True, max_size=20))
def test_a_rank_is_the_place_among_those_proposed(rows: list[int], proposed: list[int]) -> None:
    expected = [proposed.index(row) + 1 if row in proposed else 0 for row in rows]

    assert expected == ranks(np.array(rows, dtype=np.int64), np.array(proposed, dtype=np.int64)).tolist()


@given(ROWS)
def test_articles_and_passages_stand_best_first_and_equal_ones_by_row(rows: list[int]) -> None:
    drawn = np.random.default_rng(len(rows) + sum(rows))
    articles, scores = np.array(rows, dtype=np.int64) // 4, drawn.integers(0, 4, len(rows)) / 4

    groups = list(ByArticle(articles, scores))

    flat = [place for group in groups for place in group]
    assert sorted(flat) == list(range(len(rows)))
    assert all(len({int(articles[place]) for place in group}) == 1 for group in groups)
    for group in groups:
        assert group == sorted(group, key=lambda place: (-scores[place], rows[place]))
    assert groups == sorted(groups, key=lambda group: (-scores[group[0]], rows[group[0]]))
