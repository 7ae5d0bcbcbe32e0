"""Each figure of the operator has its bar, by which it is met or missed."""

from bench.figures.operator import absolutes, edit_figures

ROUND = {"last_status": 31.0, "applies": 1.15, "statuses": 3.0, "rss_mb": 120.0, "restart": 2.25, "edit_p99": 97.0}


def test_every_figure_is_judged_by_its_bar_and_a_missed_one_says_so():
    rounds = [ROUND, ROUND, {**ROUND, "idle_percent": 0.45}]

    found = [figure.comparison(rounds) for figure in absolutes("configmaps 3", "median 24 ms")]

    missed = {one.id for one in found if not one.met}
    assert {"operator-last-status", "operator-applies"} == missed
    assert {"G18", "G19", "G20"} == {one.goal for one in found}
    assert [(one.measured.median, one.measured.unit) for one in found] == [
        (one.ratio, one.reference.unit) for one in found
    ]


def test_what_one_round_alone_measured_is_judged_too():
    (idle,) = [one for one in absolutes("", "") if one.key == "idle_percent"]

    busy = idle.comparison([ROUND, ROUND | {"idle_percent": 1.2}])

    assert (False, (1.2,)) == (busy.met, busy.measured.values)


def test_of_a_hundred_edits_the_slowest_but_one_is_told():
    edits = [float(number) for number in range(1, 101)]

    assert {"edit_p99": 99.0, "edit_median": 50.5} == edit_figures(edits[::-1])
    assert 3.0 == edit_figures([3.0, 1.0, 2.0])["edit_p99"]
