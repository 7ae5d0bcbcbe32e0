"""Batches: how many texts go into one request."""

from collections.abc import Iterator, Sequence

CHARACTERS_MAX = 16_000  # 32 long texts take a CPU longer than any sensible timeout; about 4,000 tokens do not


def batches(lengths: Sequence[int], count_max: int, characters_max: int = CHARACTERS_MAX) -> Iterator[range]:
    """Ranges of neighbours, each at most `count_max` texts and `characters_max` characters, or one text.

    >>> [list(one) for one in batches([9, 9, 1], 8, 10)]
    [[0], [1, 2]]
    """
    first = characters = 0
    for position, length in enumerate(lengths):
        if position > first and (position - first == count_max or characters + length > characters_max):
            yield range(first, position)
            first, characters = position, 0
        characters += length
    if first < len(lengths):
        yield range(first, len(lengths))
