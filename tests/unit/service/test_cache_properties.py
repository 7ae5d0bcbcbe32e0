"""Whatever is asked, in whatever order: an answer found is the one stored, of this generation, and bounds hold."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from clockifyrag_service.cache import ENTRY_OVERHEAD_BYTES, AnswerCache

ENTRIES_MAX = 5
BYTES_MAX = 4 * (ENTRY_OVERHEAD_BYTES + 100)
TTL_SECONDS = 10.0

QUESTIONS = st.sampled_from([b"%d" % number for number in range(12)])


@dataclass(frozen=True)
class Stored:
    generation: bytes
    question: bytes
    computed: int
    size_bytes: int


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class AnyUse(RuleBasedStateMachine):
    """The model: the last answer that was stored for each key, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.cache: AnswerCache[Stored] = AnswerCache(
            ENTRIES_MAX, BYTES_MAX, TTL_SECONDS, self.clock, generation_bytes=1
        )
        self.generation = b"a"
        self.cache.turn_to(self.generation)
        self.last: dict[bytes, tuple[Stored, float]] = {}
        self.computed = 0

    def stored(self, generation: bytes, question: bytes, size: int) -> None:
        self.computed += 1
        answer = Stored(generation, question, self.computed, size)
        self.cache.put(generation + question, answer)
        self.last[generation + question] = answer, self.clock.now

    @rule(question=QUESTIONS, size=st.integers(0, 150))
    def put(self, question: bytes, size: int) -> None:
        self.stored(self.generation, question, size)

    @rule(question=QUESTIONS)
    def put_what_is_larger_than_all(self, question: bytes) -> None:
        self.stored(self.generation, question, BYTES_MAX)

    @rule(question=QUESTIONS, former=st.sampled_from([b"a", b"b", b"c"]))
    def put_late(self, question: bytes, former: bytes) -> None:
        """What was computed on a generation that may have been replaced meanwhile."""
        self.stored(former, question, 50)

    @rule(question=QUESTIONS)
    def get(self, question: bytes) -> None:
        self.is_right(question, self.cache.get(self.generation + question))

    @rule(question=QUESTIONS, spelling=st.integers(0, 5))
    def name(self, question: bytes, spelling: int) -> None:
        self.cache.name(self.generation + question, self.generation + question + b"?%d" % spelling)

    @rule(question=QUESTIONS, spelling=st.integers(0, 5))
    def get_by_alias(self, question: bytes, spelling: int) -> None:
        self.is_right(question, self.cache.get_by_alias(self.generation + question + b"?%d" % spelling))

    def is_right(self, question: bytes, found: Stored | None) -> None:
        if found is not None:
            last, when = self.last[self.generation + question]
            assert found == last
            assert self.clock.now < when + TTL_SECONDS

    @rule(seconds=st.floats(0.1, 6))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(generation=st.sampled_from([b"a", b"b", b"c"]))
    def change_generation(self, generation: bytes) -> None:
        self.generation = generation
        self.cache.turn_to(generation)

    @rule(count=st.integers(0, 10))
    def most_used(self, count: int) -> None:
        values = self.cache.most_used(count)
        assert len(values) == min(count, len(self.cache))
        assert {self.generation} >= {value.generation for value, _ in values}
        assert [times for _, times in values] == sorted((times for _, times in values), reverse=True)

    @precondition(lambda self: len(self.cache) == 0)
    @rule(question=QUESTIONS)
    def what_fits_into_an_empty_cache_is_kept(self, question: bytes) -> None:
        self.put(question, 10)
        assert self.cache.get(self.generation + question) is not None

    @invariant()
    def bounds_hold(self) -> None:
        assert len(self.cache) <= ENTRIES_MAX
        assert 0 <= self.cache.size_bytes <= BYTES_MAX


TestAnyUse = AnyUse.TestCase
TestAnyUse.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
