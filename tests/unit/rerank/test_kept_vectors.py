"""Vectors that are kept: as many as fit, those that were not asked for the longest go first."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from clockifyrag_index.embedders import Vectors
from clockifyrag_index.kept_vectors import KeptVectors


def rows(count: int, value: float = 1.0) -> Vectors:
    return np.full((count, 4), value, np.float32)  # 16 bytes a row


def test_what_was_kept_is_found_by_its_text_and_nothing_else_is() -> None:
    kept = KeptVectors(1000)
    kept.keep({"one": rows(1), "two": rows(2, 2.0)})

    found = kept.of(["two", "three"])

    assert ["two"] == list(found)
    assert np.array_equal(rows(2, 2.0), found["two"])


def test_the_least_recently_used_goes_first() -> None:
    kept = KeptVectors(48)
    kept.keep({"one": rows(1), "two": rows(1), "three": rows(1)})

    kept.of(["one"])
    kept.keep({"four": rows(1)})

    assert {"one", "three", "four"} == set(kept.of(["one", "two", "three", "four"]))
    assert 48 == kept.size_bytes


def test_a_text_that_comes_again_counts_once() -> None:
    kept = KeptVectors(64)

    for count in (4, 1, 2):
        kept.keep({"one": rows(count)})

    assert (1, 32) == (len(kept), kept.size_bytes)


def test_a_text_larger_than_all_there_is_room_for_leaves_nothing_behind() -> None:
    kept = KeptVectors(31)

    kept.keep({"one": rows(2)})

    assert ({}, 0, 0) == (kept.of(["one"]), len(kept), kept.size_bytes)


def test_many_threads_keep_within_the_bound() -> None:
    kept = KeptVectors(160)

    def use(number: int) -> None:
        kept.keep({f"text {number % 37}": rows(1 + number % 3)})
        kept.of([f"text {number % 11}"])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(use, range(2000)))

    held = kept.of([f"text {number}" for number in range(37)])
    assert kept.size_bytes == sum(one.nbytes for one in held.values()) <= 160
