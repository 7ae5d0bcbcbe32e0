"""Measures of rankings, by hand-computed values and against each other."""

import tracemalloc
from math import log2
from pathlib import Path

import pytest

from clockifyrag_index.errors import UsageError
from clockifyrag_index.evaluate import Judged, bootstrap, evaluate, load_judged, measures


@pytest.mark.parametrize(
    ("ranking", "ndcg", "mrr", "recall"),
    [
        pytest.param(["a", "b"], 1.0, 1.0, 1.0, id="ideal"),
        pytest.param(["b", "a"], (1 + 3 / log2(3)) / (3 + 1 / log2(3)), 1.0, 1.0, id="swapped"),
        pytest.param(["x", "a"], (3 / log2(3)) / (3 + 1 / log2(3)), 0.5, 0.5, id="one missed"),
        pytest.param(["x", "y"], 0.0, 0.0, 0.0, id="nothing found"),
        pytest.param(["x"] * 10 + ["a", "b"], 0.0, 0.0, 0.0, id="below the tenth place"),
    ],
)
def test_measures_of_a_ranking(ranking: list[str], ndcg: float, mrr: float, recall: float) -> None:
    result = measures([(name,) for name in ranking], {"a": 2, "b": 1, "c": 0})

    assert pytest.approx((ndcg, mrr, recall)) == (result.ndcg, result.mrr, result.recall)


def test_a_document_is_known_by_its_id_or_its_url_without_fragment_and_last_slash() -> None:
    by_url = measures([("d1", "https://example.com/a#part")], {"https://example.com/a/": 1})

    assert 1.0 == by_url.ndcg


def test_an_address_that_several_documents_share_counts_once_where_it_comes_first() -> None:
    ranking = [("x", "/x"), ("d1", "/a#one"), ("d2", "/a#two"), ("d3", "/b")]

    result = measures(ranking, {"/a": 1, "/b": 1})

    ideal = 1 + 1 / log2(3)
    assert pytest.approx(((1 / log2(3) + 1 / log2(5)) / ideal, 0.5, 1.0)) == (result.ndcg, result.mrr, result.recall)


def test_questions_without_an_answer_are_counted_apart() -> None:
    result = evaluate([Judged("q1", "x", {"a": 1}), Judged("q2", "y", {})], lambda query: [("a",)])

    assert ({"q1"}, 1, 1.0) == (set(result.measures), result.unanswerable, result.interval("ndcg").mean)


def test_an_interval_holds_its_mean_and_is_the_same_again() -> None:
    values = [0.0, 0.2, 0.9, 1.0, 0.5]

    interval = bootstrap(values)

    assert interval.low < interval.mean < interval.high
    assert interval == bootstrap(values)


def test_an_interval_needs_no_memory_for_all_that_it_draws() -> None:
    values = [0.0, 1.0] * 1_000

    tracemalloc.start()
    interval = bootstrap(values)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 64 * 2**20  # of 320 MB
    assert pytest.approx((0.478, 0.522), abs=2e-3) == (interval.low, interval.high)


def test_grades_may_stand_in_a_second_file(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"_id": "1", "text": "timer"}\n\n')
    (tmp_path / "r.jsonl").write_text('{"query_id": "1", "doc_id": "7", "relevance": 2}\n')

    assert (Judged("1", "timer", {"7": 2}),) == load_judged(tmp_path / "q.jsonl", tmp_path / "r.jsonl")


def test_a_question_may_hold_a_line_separator(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"qid": "1", "query": "stop\u2028the timer"}\r\n', encoding="utf-8")

    assert (Judged("1", "stop\u2028the timer", {}),) == load_judged(tmp_path / "q.jsonl")


@pytest.mark.parametrize(("written", "read"), [("2", 2), ('"2"', 2), ("2.0", 2), ("-2", 0)])
def test_a_grade_is_read_however_a_whole_number_is_written(tmp_path: Path, written: str, read: int) -> None:
    (tmp_path / "q.jsonl").write_text('{"_id": "1", "text": "timer"}\n')
    (tmp_path / "r.jsonl").write_text(f'{{"query_id": "1", "doc_id": "7", "relevance": {written}}}\n')

    (judged,) = load_judged(tmp_path / "q.jsonl", tmp_path / "r.jsonl")

    assert {"7": read} == judged.grades


def test_a_second_file_of_other_questions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"_id": "1", "text": "timer"}\n')
    (tmp_path / "r.jsonl").write_text('{"query_id": "q1", "doc_id": "7", "relevance": 2}\n')

    with pytest.raises(UsageError, match=r"r\.jsonl judges none of the questions of .*q\.jsonl"):
        load_judged(tmp_path / "q.jsonl", tmp_path / "r.jsonl")


def test_a_broken_grade_of_a_second_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"_id": "1", "text": "timer"}\n')
    (tmp_path / "r.jsonl").write_text('{"query_id": "1", "doc_id": "7", "relevance": "high"}\n')

    with pytest.raises(UsageError, match=r"r\.jsonl:1 has the grade 'high'"):
        load_judged(tmp_path / "q.jsonl", tmp_path / "r.jsonl")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", ":1 is not JSON"),
        ("[1]", "expected an object"),
        ('{"qid": ' + "1" * 5000 + "}", ":1 is not JSON"),
        ("[" * 100_000, ":1 is not JSON"),
        ('{"qid": 1}', "expected query or text"),
        ("", "no question"),
        ('{"qid": 1, "query": "a"}\n{"qid": 1, "query": "b"}', ":2 has the qid 1 of a line before"),
        ('{"qid": 1, "query": null}', ":1 has the query None; expected text"),
        ('{"qid": 1, "text": ["a"]}', r":1 has the text \['a'\]; expected text"),
        ('{"qid": null, "query": "a"}', ":1 has the qid None; expected text or a whole number"),
        ('{"qid": true, "query": "a"}', ":1 has the qid True"),
        ('{"_id": 1.5, "query": "a"}', ":1 has the _id 1.5"),
        ('{"qid": 1, "query": "a", "relevant_urls": ["x"]}', ":1 has relevant_urls .*; expected an object of grades"),
        ('{"qid": 1, "query": "a", "relevant_urls": {"x": "high"}}', ":1 has the grade 'high'"),
        ('{"qid": 1, "query": "a", "relevant_urls": {"x": 1.5}}', "grade 1.5"),
        ('{"qid": 1, "query": "a", "relevant_urls": {"x": null}}', "grade None"),
        ('{"qid": 1, "query": "a", "relevant_urls": {"x": NaN}}', "grade nan"),
        ('{"qid": 1, "query": "a", "relevant_urls": {"x": 1e999}}', "grade inf"),
        ('{"qid": 1, "query": "a", "relevant_urls": {"x": 2000}}', "up to 100"),
    ],
)
def test_a_broken_file_of_questions_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(text)

    with pytest.raises(UsageError, match=said):
        load_judged(path)
