"""Publication, quality and retention: which generation is served, and which may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clockifyrag_operator.ledger import BuildKey, Entry, Ledger, State
from clockifyrag_operator.publication import with_published
from clockifyrag_operator.quality import rejection
from clockifyrag_operator.retention import removable, with_marked
from clockifyrag_operator.rollout import Rollout
from clockifyrag_resource.index import Index, Quality

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WANTED, OTHER = BuildKey(1, "a" * 12, "b" * 12, "c" * 12), BuildKey(1, "0" * 12, "b" * 12, "c" * 12)
QUIET = Rollout({}, none_wanted=False, failed=None)


def entry(number: int, state: State = "Good", key: BuildKey = OTHER, metrics: Mapping[str, str] | None = None) -> Entry:
    return Entry(name(number), state, build_keys=(str(key),), metrics=metrics or {})


def name(number: int) -> str:
    return f"gen-{number:012x}"


def ledger(*entries: Entry, current: int | None = None) -> Ledger:
    return Ledger(current=name(current) if current else None, entries=entries)


@pytest.mark.parametrize(
    ("before", "pin", "expected"),
    [
        pytest.param(ledger(), None, None, id="nothing is there"),
        pytest.param(ledger(entry(1, "Candidate", WANTED)), None, 1, id="the first"),
        pytest.param(ledger(entry(2, "Candidate", WANTED), entry(1), current=1), None, 2, id="a newer one of the key"),
        pytest.param(ledger(entry(2), entry(1, "Good", WANTED), current=2), None, 1, id="back to an older one"),
        pytest.param(ledger(entry(2), entry(1), current=1), None, 1, id="none of the key: as it is"),
        pytest.param(ledger(entry(2, "RolledBack", WANTED), entry(1), current=1), None, 1, id="rolled back"),
        pytest.param(ledger(entry(2, "Removing", WANTED), entry(1), current=1), None, 1, id="being removed"),
        pytest.param(ledger(entry(2, "Good", WANTED), entry(1), current=2), 1, 1, id="pinned"),
        pytest.param(ledger(entry(2, "Good", WANTED), entry(1, "RolledBack"), current=2), 1, 1, id="pinned anyway"),
        pytest.param(ledger(entry(2, "Good", WANTED), current=2), 9, 2, id="pinned to one that is not there"),
        pytest.param(ledger(entry(2, "Good", WANTED), entry(1, "Removing"), current=2), 1, 2, id="pinned, but going"),
    ],
)  # fmt: skip
def test_one_generation_is_published(before: Ledger, pin: int | None, expected: int | None) -> None:
    index = Index(pin=name(pin)) if pin else Index()

    after = with_published(before, index, WANTED, QUIET, NOW)

    assert (name(expected) if expected else None) == after.current
    assert (before.current if after.current != before.current else before.previous) == after.previous


@pytest.mark.parametrize(
    ("serving", "none_wanted", "expected"),
    [
        pytest.param({"a": name(1), "b": name(1)}, False, "Good", id="every ready pod serves it"),
        pytest.param({"a": name(1), "b": name(2)}, False, "Candidate", id="one serves another"),
        pytest.param({"a": name(1), "b": None}, False, "Candidate", id="one does not say"),
        pytest.param({}, False, "Candidate", id="no pod is ready"),
        pytest.param({}, True, "Good", id="no pod is wanted"),
    ],
)
def test_a_candidate_is_good_once_every_ready_pod_serves_it(
    serving: dict[str, str | None], none_wanted: bool, expected: State
) -> None:
    before = ledger(entry(1, "Candidate", WANTED), current=1)

    after = with_published(before, Index(), WANTED, Rollout(serving, none_wanted, None), NOW)

    assert [expected] == [one.state for one in after.entries]


def test_a_candidate_whose_rollout_fails_gives_way_to_the_newest_good_one_for_good() -> None:
    before = ledger(entry(3, "Candidate", WANTED), entry(2), entry(1), current=3)

    after = with_published(before, Index(), WANTED, Rollout({}, False, "pod x: cannot be loaded"), NOW)
    later = with_published(after, Index(), WANTED, QUIET, NOW)

    assert ("RolledBack", "pod x: cannot be loaded") == (after.entries[0].state, after.entries[0].message)
    assert name(2) == after.current
    assert after == later


def test_without_another_good_one_a_failed_rollout_stays() -> None:
    before = ledger(entry(1, "Candidate", WANTED), current=1)

    assert before == with_published(before, Index(), WANTED, Rollout({}, False, "no"), NOW)


MINIMUM = Quality(min_mrr=0.5)
STRICT = Quality(min_mrr=0.5, on_inconclusive="Reject")


@pytest.mark.parametrize(
    ("quality", "measured", "published", "passes"),
    [
        pytest.param(None, {}, {}, True, id="no policy"),
        pytest.param(MINIMUM, {"mrr": "0.5"}, {}, True, id="just enough"),
        pytest.param(MINIMUM, {"mrr": "0.49"}, {}, False, id="below"),
        pytest.param(MINIMUM, {}, {}, True, id="absent, publish when inconclusive"),
        pytest.param(STRICT, {}, {}, False, id="absent, reject when inconclusive"),
        pytest.param(STRICT, {"mrr": "NaN"}, {}, False, id="not a number"),
        pytest.param(STRICT, {"mrr": "inf"}, {}, False, id="not finite"),
        pytest.param(STRICT, {"mrr": "good"}, {}, False, id="no number at all"),
        pytest.param(STRICT, {"ndcg": "0.9"}, {}, False, id="another measure"),
        pytest.param(STRICT, {"mrr": "0.6"}, {}, True, id="measured"),
        pytest.param(Quality(on_inconclusive="Reject"), {}, {}, False, id="nothing measured, reject"),
        pytest.param(Quality(), {"mrr": "0.6"}, {"mrr": "0.61"}, True, id="a small drop"),
        pytest.param(Quality(), {"mrr": "0.6"}, {"mrr": "0.63"}, False, id="a large drop"),
        pytest.param(Quality(), {"mrr": "0.6"}, {}, True, id="nothing to compare with"),
    ],
)
def test_a_generation_is_published_only_if_the_policy_lets_it(
    quality: Quality | None, measured: dict[str, str], published: dict[str, str], passes: bool
) -> None:
    candidate, live = entry(2, "Candidate", WANTED, measured), entry(1, metrics=published)
    before = ledger(candidate, live, current=1)

    after = with_published(before, Index(quality=quality) if quality else Index(), WANTED, QUIET, NOW)

    assert passes == (rejection(candidate, live, quality) is None)
    assert (name(2) if passes else name(1)) == after.current
    assert ("Candidate" if passes else "Rejected") == after.entries[0].state


def test_a_rejected_generation_is_published_when_the_policy_is_loosened() -> None:
    before = ledger(entry(2, "Candidate", WANTED, {"mrr": "0.4"}), entry(1), current=1)
    rejected = with_published(before, Index(quality=MINIMUM), WANTED, QUIET, NOW)

    after = with_published(rejected, Index(), WANTED, QUIET, NOW)

    assert name(1) == rejected.current
    assert name(2) == after.current


def test_what_nothing_keeps_is_marked_and_the_next_build_removes_it() -> None:
    entries = [
        entry(9, "Good", WANTED), entry(8), entry(7, "RolledBack"), entry(6, "Rejected"), entry(5), entry(4), entry(3),
        entry(2, "RolledBack", WANTED), entry(1),
    ]  # fmt: skip
    before = ledger(*entries, current=4)

    after = with_marked(before, 2, WANTED, frozenset({name(3)}))

    going = [name(7), name(6), name(5), name(2), name(1)]
    assert going == [one.id for one in after.entries if one.state == "Removing"]
    assert tuple(sorted(going)) == removable(after, WANTED, frozenset())
    assert (name(1),) == removable(after, WANTED, frozenset({name(2), name(5), name(6), name(7)}))


def test_of_many_generations_of_one_key_those_are_kept_that_the_policy_keeps() -> None:
    """A key that tells nothing of the content leads to another generation with each build."""
    before = ledger(entry(9, "RolledBack", WANTED), *(entry(n, "Good", WANTED) for n in range(8, 0, -1)), current=8)

    after = with_marked(before, 2, WANTED, frozenset())

    assert [name(9), name(8), name(7)] == [one.id for one in after.entries if one.state != "Removing"]
    assert [name(n) for n in range(1, 7)] == list(removable(after, WANTED, frozenset()))


def test_nothing_is_marked_while_it_is_not_known_what_is_wanted() -> None:
    before = ledger(*(entry(number) for number in range(1, 9)), current=1)

    assert before == with_marked(before, 1, None, frozenset())


def test_a_build_never_removes_what_it_may_make() -> None:
    marked = replace(entry(1, "Removing", WANTED), build_keys=(str(OTHER), str(WANTED)))

    assert () == removable(ledger(marked), WANTED, frozenset())
