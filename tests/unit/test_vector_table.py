"""Rows of vectors are the same in memory and in a file, and come in any order."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_builder import vector_table
from clockifyrag_builder.vector_table import VectorTable
from clockifyrag_index.errors import NoSpace

DIMENSIONS = 3


@given(
    order=st.permutations(range(50)), asked=st.none() | st.lists(st.integers(0, 49), max_size=60), in_file=st.booleans()
)
def test_rows_are_found_by_their_numbers(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], asked: list[int] | None, in_file: bool
) -> None:
    rows = np.arange(50 * DIMENSIONS, dtype=np.float32).reshape(50, DIMENSIONS)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_table, "BYTES_IN_MEMORY", 0 if in_file else 1 << 20)
        patch.setattr(vector_table, "ROWS_AT_FIRST", 2)
        table = VectorTable(DIMENSIONS, tmp_path_factory.mktemp("root"))
        for begin in range(0, 50, 7):
            some = order[begin : begin + 7]
            table.put(some, rows[some], max(order[: begin + 7]) + 1)

        wanted = np.arange(50) if asked is None else np.array(asked, dtype=np.int64)
        assert np.array_equal(rows[wanted], table.taken(wanted))
        assert 0 == len(table.taken(np.arange(0)))


def test_many_rows_lie_in_a_file_that_has_no_name(tmp_path: Path) -> None:
    many = vector_table.BYTES_IN_MEMORY // (4 * DIMENSIONS) + 1
    table = VectorTable(DIMENSIONS, tmp_path)

    table.put([many - 1], np.full((1, DIMENSIONS), 7, np.float32), many)

    assert [[7.0] * DIMENSIONS] == table.taken(np.array([many - 1])).tolist()
    assert [] == list(tmp_path.iterdir())


def test_rows_in_order_are_the_mapped_file_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_table, "BYTES_IN_MEMORY", 0)
    table = VectorTable(DIMENSIONS, tmp_path)
    table.put(range(2000), np.ones((2000, DIMENSIONS), np.float32), 2000)

    rows = table.taken(np.arange(2000))

    assert (2000, DIMENSIONS) == rows.shape
    assert rows.min() == rows.max() == 1
    assert f"{tmp_path}" in Path("/proc/self/maps").read_text()


def test_a_volume_without_room_is_an_error_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, offset: int, size: int) -> None:
        raise OSError(28, os.strerror(28))  # what the kernel gives; a volume to fill is not at hand everywhere

    monkeypatch.setattr(os, "posix_fallocate", full)

    table = VectorTable(DIMENSIONS, tmp_path)

    with pytest.raises(NoSpace, match="no space to write"):
        table.put([0], np.ones((1, DIMENSIONS), np.float32), 1 << 24)
    table.close()
