"""Drafts: what counts as typing on, and when a question is final."""

import pytest

from clockifyrag_service.drafts import SETTLING_SECONDS, Asked, Drafts, continues


def asked(typed: str, at: float, k: int = 5) -> Asked:
    return Asked(typed, typed, k, results=1, helpful=True, seconds=0.001, from_cache=False, at=at)


def final_questions(script: list[tuple[float, str, str]], until: float, clients_max: int = 100) -> list[str]:
    """What became final, in that order, when (time, client, question) happen one after the other."""
    drafts = Drafts(clients_max)
    final = [each for at, client, typed in script for each in drafts.add(client, asked(typed, at))]
    return [each.typed for each in (*final, *drafts.settled(until))]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param("rep", "report", id="a word completed"),
        pytest.param("report", "report of the week", id="words added"),
        pytest.param("Track  Time", "track time off", id="whatever the case and the spaces"),
        pytest.param("track tiem", "track time", id="letters swapped in the last word"),
        pytest.param("track tiem", "track timesheets", id="mended and completed at once"),
        pytest.param("how to crate", "how to create an invoice", id="mended and gone on"),
        pytest.param("subscrption plaan", "subscrption plan", id="the last word alone is mended"),
        pytest.param("notificatoins", "notifications", id="two errors in a long word"),
        pytest.param("reports", "repo", id="letters taken back"),
    ],
)
def test_a_question_typed_on_or_mended_continues_the_draft(earlier: str, later: str) -> None:
    assert continues(later, earlier)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param("timer", "timer", id="the same again"),
        pytest.param("timer", "Timer ", id="the same in other letters"),
        pytest.param("rep", "invoice", id="something else"),
        pytest.param("report q1", "report q2", id="another number"),
        pytest.param("export pdf", "export csv", id="another short word"),
        pytest.param("track time", "track tags", id="another last word"),
        pytest.param("track time off", "track time", id="a word less"),
        pytest.param("track timer", "stop timer", id="another first word"),
        pytest.param("mobile", "track mobile", id="a word in front"),
        pytest.param("שעון", "flamingo", id="another script"),
        pytest.param("", "timer", id="nothing before"),
    ],
)
def test_another_question_continues_nothing(earlier: str, later: str) -> None:
    assert not continues(later, earlier)


SOON, LATE = 1.0, SETTLING_SECONDS + 1.0


@pytest.mark.parametrize(
    ("script", "until", "final"),
    [
        pytest.param([(0, "a", "rep")], SOON, [], id="a fresh question is pending"),
        pytest.param([(0, "a", "rep")], SETTLING_SECONDS, ["rep"], id="after a while it is final"),
        pytest.param([(0, "a", "rep"), (1, "a", "report")], LATE + 1, ["report"], id="drafts are dropped"),
        pytest.param([(0, "a", "rep"), (4, "a", "repo"), (8, "a", "report")], 9, [], id="each letter begins anew"),
        pytest.param([(0, "a", "rep"), (1, "a", "invoice")], 2, ["rep"], id="another question settles the one before"),
        pytest.param([(0, "a", "timer"), (1, "a", "timer")], 2, ["timer"], id="the same again counts again"),
        pytest.param([(0, "a", "rep"), (LATE, "a", "report")], LATE, ["rep"], id="typed on after a long pause"),
        pytest.param([(0, "a", "rep"), (1, "b", "report")], LATE + 1, ["rep", "report"], id="clients are told apart"),
        pytest.param([(0, "a", "rep"), (LATE, "b", "timer")], LATE, ["rep"], id="anybody's next call settles"),
    ],
)
def test_a_question_is_final_when_it_is_not_continued(
    script: list[tuple[float, str, str]], until: float, final: list[str]
) -> None:
    assert final == final_questions(script, until)


@pytest.mark.parametrize("reading", [pytest.param(1.0, id="at once"), pytest.param(600.0, id="after reading")])
def test_more_results_of_a_question_are_no_question_of_their_own(reading: float) -> None:
    drafts = Drafts()
    script = [asked("timer", 0, k=5), asked("timer", reading, k=15), asked("timer", 2 * reading, k=25)]

    final = [each.typed for one in script for each in drafts.add("a", one)]

    assert ["timer"] == [*final, *(each.typed for each in drafts.settled(9000))]


def test_more_results_than_somebody_else_wanted_are_a_question() -> None:
    drafts = Drafts()
    script = [("a", asked("timer", 0, k=5)), ("b", asked("timer", LATE, k=15)), ("a", asked("kiosk", LATE, k=15))]

    final = [each.typed for client, one in script for each in drafts.add(client, one)]

    assert ["timer", "timer", "kiosk"] == [*final, *(each.typed for each in drafts.settled(9000))]


def test_however_many_clients_ask_few_are_remembered_and_no_question_is_lost() -> None:
    drafts = Drafts(clients_max=10)

    final = [each.typed for number in range(25) for each in drafts.add(f"client {number}", asked(f"{number}", 0))]

    assert [str(number) for number in range(15)] == final
    assert [str(number) for number in range(15, 25)] == [each.typed for each in drafts.pending()]
