"""The cache of answers: what is kept, for how long, within which bounds."""

from dataclasses import dataclass

import pytest
from bench.zipf import lru_hits, zipf_stream

from clockifyrag_service.cache import ENTRY_OVERHEAD_BYTES, AnswerCache
from clockifyrag_service.frequencies import COUNT_MAX


@dataclass(frozen=True)
class Stored:
    text: str
    size_bytes: int = 10


MOST_OF_NINE = 8  # the frequencies are a sketch: once in a thousand runs two questions share their counts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def cache(
    entries: int = 3, size: int = 100_000, ttl: float = 60, clock: Clock | None = None, generation_bytes: int = 0
) -> AnswerCache[Stored]:
    return AnswerCache(entries, size, ttl, clock or Clock(), generation_bytes)


def test_when_an_answer_was_put_it_is_found_and_counted() -> None:
    answers = cache()
    answers.put(b"key", Stored("a"))

    found, missing = answers.get(b"key"), answers.get(b"other")

    assert (Stored("a"), None) == (found, missing)
    assert (1, 1, 0.5) == (answers.hits, answers.misses, answers.hit_rate)


def test_when_the_cache_is_full_the_answer_nobody_asks_for_leaves() -> None:
    answers = cache(entries=2)
    answers.put(b"1", Stored("one"))
    answers.put(b"2", Stored("two"))

    answers.get(b"1")
    answers.put(b"3", Stored("three"))

    assert [Stored("one"), None, Stored("three")] == [answers.get(key) for key in (b"1", b"2", b"3")]


def test_when_an_answer_is_older_than_its_time_it_is_gone() -> None:
    clock = Clock()
    answers = cache(ttl=60, clock=clock)
    answers.put(b"key", Stored("a"))
    answers.name(b"key", b"alias")

    clock.now = 60.0

    assert None is answers.get_by_alias(b"alias")
    assert None is answers.get(b"key")
    assert (0, 0) == (len(answers), answers.size_bytes)


def test_when_bytes_run_out_answers_leave_and_the_sum_stays_right() -> None:
    each = ENTRY_OVERHEAD_BYTES + 1 + 1000
    answers = cache(entries=100, size=3 * each)

    for number in range(5):
        answers.put(b"%d" % number, Stored(str(number), 1000))

    assert 3 == len(answers)
    assert 3 * each == answers.size_bytes
    assert Stored("4", 1000) == answers.get(b"4")


def asked(answers: AnswerCache[Stored], key: bytes) -> bool:
    """Asks as the server does: computed and stored when it is not there. Whether it was there."""
    if answers.get(key) is not None:
        return True
    answers.put(key, Stored(key.decode()))
    return False


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(cache(entries=10), id="bounded-by-number"),
        pytest.param(cache(entries=10**6, size=10 * (ENTRY_OVERHEAD_BYTES + 20)), id="bounded-by-bytes"),
    ],
)
def test_when_a_crowd_asks_once_each_what_was_asked_often_stays(answers: AnswerCache[Stored]) -> None:
    for _ in range(3):
        for number in range(9):
            asked(answers, b"often %d" % number)

    for number in range(20):
        asked(answers, b"once %d" % number)

    assert sum(answers.get(b"often %d" % number) is not None for number in range(9)) >= MOST_OF_NINE


def test_when_the_interest_turns_the_new_questions_replace_the_old() -> None:
    answers = cache(entries=10)
    for _ in range(50):
        for number in range(9):
            asked(answers, b"summer %d" % number)

    for _ in range(50):
        for number in range(9):
            asked(answers, b"winter %d" % number)

    assert sum(answers.get(b"winter %d" % number) is not None for number in range(9)) >= MOST_OF_NINE


def test_of_questions_as_they_are_asked_it_finds_more_than_plain_lru() -> None:
    stream = zipf_stream(0.9, 1000, 40_000)
    answers = cache(entries=200, size=10**9)

    hits = sum(asked(answers, b"question %d" % question) for question in stream)

    assert hits > 1.05 * lru_hits(stream, 200)


def test_when_the_generation_changes_nothing_of_the_old_one_is_found_or_kept() -> None:
    answers = cache(entries=4, generation_bytes=1)
    answers.turn_to(b"1")
    for number in range(4):
        answers.put(b"1%d" % number, Stored(f"old {number}"))
    answers.name(b"10", b"1alias")

    answers.turn_to(b"2")
    answers.put(b"19", Stored("computed before the change, stored after it"))
    for number in range(4):
        answers.put(b"2%d" % number, Stored(f"new {number}"))

    former = [answers.get(b"1%d" % number) for number in (0, 1, 2, 3, 9)]
    assert [None] * 6 == [*former, answers.get_by_alias(b"1alias")]
    assert 4 == len(answers)
    assert 4 * (2 + 10 + ENTRY_OVERHEAD_BYTES) == answers.size_bytes


def test_a_new_generation_knows_what_was_asked_often() -> None:
    answers = cache(entries=3, generation_bytes=1)
    answers.turn_to(b"1")
    for _ in range(5):
        asked(answers, b"1often")
    answers.turn_to(b"2")
    answers.put(b"2often", Stored("often"))

    for number in range(10):
        asked(answers, b"2once %d" % number)

    assert Stored("often") == answers.get(b"2often")


def test_when_one_answer_is_larger_than_the_cache_it_is_not_kept() -> None:
    answers = cache(size=1000)
    answers.put(b"key", Stored("small", 10))

    answers.put(b"key", Stored("large", 2000))

    assert None is answers.get(b"key")
    assert 0 == answers.size_bytes


def test_when_the_size_is_zero_nothing_is_kept() -> None:
    answers = cache(entries=0)

    answers.put(b"key", Stored("a"))

    assert None is answers.get(b"key")


def test_when_a_key_is_put_again_the_new_answer_replaces_the_old() -> None:
    answers = cache()
    answers.put(b"key", Stored("old"))
    answers.name(b"key", b"alias")

    answers.put(b"key", Stored("new"))

    assert Stored("new") == answers.get(b"key")
    assert None is answers.get_by_alias(b"alias")


def test_an_alias_finds_the_answer_until_that_leaves() -> None:
    answers = cache(entries=1)
    answers.put(b"1", Stored("one"))
    answers.name(b"1", b"q=1")

    before = answers.get_by_alias(b"q=1")
    answers.put(b"2", Stored("two"))

    assert Stored("one") == before
    assert None is answers.get_by_alias(b"q=1")


def test_aliases_of_one_answer_are_bounded() -> None:
    answers = cache()
    answers.put(b"key", Stored("a"))

    for number in range(1000):
        answers.name(b"key", b"alias %d" % number)

    assert 4 == sum(answers.get_by_alias(b"alias %d" % number) is not None for number in range(1000))


def test_aliases_make_room_like_anything_else_that_is_stored() -> None:
    answers = cache(entries=100, size=5 * ENTRY_OVERHEAD_BYTES)
    for number in range(4):
        answers.put(b"%d" % number, Stored(str(number)))

    for number in range(4):
        for spelling in range(4):
            answers.name(b"%d" % number, b"%d %d" % (number, spelling) + b" " * 300)

    assert 0 < answers.size_bytes <= answers.bytes_max
    assert 0 < len(answers) < 4


def test_a_spelling_as_long_as_a_page_is_no_alias() -> None:
    answers = cache()
    answers.put(b"key", Stored("a"))
    before = answers.size_bytes

    answers.name(b"key", b"q=" + b"+" * 2047)
    answers.name(b"key", b"q=" + b"+" * 2046)

    assert None is answers.get_by_alias(b"q=" + b"+" * 2047)
    assert Stored("a") == answers.get_by_alias(b"q=" + b"+" * 2046)
    assert before + 2048 == answers.size_bytes


def test_what_is_told_as_asked_for_beyond_all_bounds_counts_as_much_as_can_be_counted_and_no_more() -> None:
    answers = cache(entries=10_000, size=10**8)
    for number in range(100):
        answers.expect(b"%d" % number, 50)
        answers.put(b"%d" % number, Stored(str(number)))

    answers.expect(b"0", 10_000_000)

    ranked = [times for _, times in answers.most_used(100)]
    assert COUNT_MAX == ranked[0]
    assert ranked[-1] >= 25  # counts fade with time, a few of them by half meanwhile


def test_the_most_used_answers_come_first() -> None:
    answers = cache()
    for name, hits in (("rare", 1), ("often", 3), ("never", 0)):
        answers.put(name.encode(), Stored(name))
        for _ in range(hits):
            answers.get(name.encode())

    ranked = answers.most_used(2)

    assert [("often", 3), ("rare", 1)] == [(answer.text, times) for answer, times in ranked]


def test_what_was_asked_often_elsewhere_is_told_on_as_often_and_in_the_same_order() -> None:
    answers = cache()
    asked = {"often": 5, "seldom": 1, "now and then": 3}
    for name, times in asked.items():
        answers.expect(name.encode(), times)
        answers.put(name.encode(), Stored(name))

    ranked = answers.most_used(3)

    assert [("often", 5), ("now and then", 3), ("seldom", 1)] == [(answer.text, times) for answer, times in ranked]
