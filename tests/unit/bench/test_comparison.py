"""What is computed from measured rounds, and when a measurement is refused."""

import pytest
from bench.comparison import Bar, Comparison, Side
from bench.errors import MachineBusy
from bench.harness import Bench, order
from bench.lexical_sides import check_same
from bench.machine import Cores, require_quiet, two_cores


def comparison(measured: tuple[float, ...], reference: tuple[float, ...] | None = None) -> Comparison:
    other = None if reference is None else Side("reference", "s", reference)
    return Comparison("id", "title", Side("measured", "s", measured), other, Bar("≤", 1.5, 1.2))


def test_the_ratio_is_that_of_the_medians():
    figure = comparison((1.0, 2.0, 9.0), (1.0, 4.0, 5.0))

    assert 0.5 == figure.ratio


def test_the_spread_is_that_of_the_rounds_ratios_so_that_a_drift_of_both_sides_is_none():
    drifting = comparison((1.0, 2.0, 4.0), (2.0, 4.0, 8.0))
    torn = comparison((1.4, 1.4, 2.24), (1.0, 1.0, 1.0))

    assert (0.0, True) == (drifting.spread, drifting.steady)
    assert (pytest.approx(0.3), False) == (torn.spread, torn.steady)
    assert None is torn.record()["met"], "no verdict"


def test_rounds_that_are_far_apart_and_agree_are_a_verdict():
    figure = comparison((0.1, 0.6, 1.1, 0.3, 1.4), (1.0,) * 5)

    assert (False, True) == (figure.steady, figure.met)


def test_one_round_that_lies_far_away_is_not_the_spread():
    figure = comparison((1.0, 1.02, 1.0, 9.0, 0.98))

    assert figure.spread == pytest.approx(0.02)


def test_a_figure_without_a_reference_has_a_spread_and_no_ratio():
    figure = comparison((10.0, 11.0, 9.0))

    assert (None, pytest.approx(0.05)) == (figure.ratio, figure.spread)
    assert None is figure.record()["met"]


def test_rounds_that_measured_nothing_have_no_spread():
    assert 0.0 == comparison((0.0, 0.0, 0.0)).spread


@pytest.mark.parametrize(
    ("bar", "ratio", "met"),
    [
        pytest.param(Bar("≥", 0.63), 0.63, True, id="at-least-reached"),
        pytest.param(Bar("≥", 0.63), 0.62, False, id="at-least-missed"),
        pytest.param(Bar("≤", 1.05, 1.02), 1.05, True, id="at-most-kept"),
        pytest.param(Bar("≤", 1.05, 1.02), 1.06, False, id="at-most-exceeded"),
    ],
)
def test_a_bar_is_met_or_missed(bar, ratio, met):
    assert met == bar.met_by(ratio)


def test_a_bar_is_written_with_its_stretch():
    assert ("≥ 0.63", "≤ 1.05 → 1.02") == (Bar("≥", 0.63).text(), Bar("≤", 1.05, 1.02).text())


def test_sides_take_turns_and_the_order_turns_round_each_time(tmp_path):
    asked: list[str] = []
    bench = Bench(3, 1.0, None, tmp_path, tmp_path, Cores(0, 1))

    def side(name: str) -> dict[str, float]:
        asked.append(name)
        return {"seconds": float(len(asked))}

    rounds = bench.interleaved({name: lambda name=name: side(name) for name in "ab"})

    assert list("abbaab") == asked
    assert (1.0, 4.0, 5.0) == rounds.side("a", "s", "seconds").values
    assert (2000.0, 3000.0, 6000.0) == rounds.side("b", "ms", "seconds", times=1000).values
    assert ("b", "a") == order(("a", "b"), 1)


def test_on_a_busy_machine_nothing_is_measured():
    require_quiet(1.0)

    with pytest.raises(MachineBusy, match=r"load average is 1\.20.*--busy"):
        require_quiet(1.2)


def test_server_and_load_have_a_core_each_where_there_are_two(monkeypatch):
    """The cores are patched: a machine has as many as it has."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {5, 3, 7})
    three = two_cores()
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {4})
    one = two_cores()

    assert (Cores(3, 5), Cores(4, 4)) == (three, one)
    assert ((4,), {3, 5}) == (one.all, set(three.all))


def test_two_sides_that_found_something_else_are_not_compared():
    ours = {"tops": [[[1, 2.0], [0, 1.0]]]}

    check_same(ours, {"tops": [[[0, 2.0], [1, 1.0], [2, 0.0]]]})
    with pytest.raises(Exception, match="question 0: top scores"):
        check_same(ours, {"tops": [[[1, 2.0], [0, 1.1]]]})
    with pytest.raises(Exception, match="question 0: top scores"):
        check_same(ours, {"tops": [[[1, 2.0]]]})
