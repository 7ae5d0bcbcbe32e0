"""Rows of vectors are the same in memory and in a file, and come in any order."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_builder import vector_table
from clockifyrag_builder.vector_table import VectorTable, new_rows
from clockifyrag_index.errors import NoSpace

DIMENSIONS = 3


@given(order=st.permutations(range(50)), asked=st.lists(st.integers(0, 49), max_size=60), in_file=st.booleans())
def test_rows_are_found_by_their_numbers(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], asked: list[int], in_file: bool
) -> None:
    rows = np.arange(50 * DIMENSIONS, dtype=np.float32).reshape(50, DIMENSIONS)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_table, "BYTES_IN_MEMORY", 0 if in_file else 1 << 20)
        patch.setattr(vector_table, "ROWS_AT_FIRST", 2)
        table = VectorTable(DIMENSIONS, tmp_path_factory.mktemp("root"))
        for begin in range(0, 50, 7):
            some = order[begin : begin + 7]
            table.put(some, rows[some], max(order[: begin + 7]) + 1)

        assert np.array_equal(rows[asked], table.of(np.array(asked, dtype=np.int64)))
        assert np.array_equal(rows, table.of(np.arange(50)))


def test_many_rows_lie_in_a_file_that_has_no_name(tmp_path: Path) -> None:
    many = vector_table.BYTES_IN_MEMORY // (4 * DIMENSIONS) + 1

    rows = new_rows(many, DIMENSIONS, tmp_path)
    rows[-1] = 7

    assert (many, DIMENSIONS) == rows.shape
    assert 7 == rows[-1, 0]
    assert [] == list(tmp_path.iterdir())
    assert f"{tmp_path}" in Path("/proc/self/maps").read_text()


def test_a_volume_without_room_is_an_error_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, offset: int, size: int) -> None:
        raise OSError(28, os.strerror(28))  # what the kernel gives; a volume to fill is not at hand everywhere

    monkeypatch.setattr(os, "posix_fallocate", full)

    with pytest.raises(NoSpace, match="no space to write"):
        new_rows(1 << 24, DIMENSIONS, tmp_path)
