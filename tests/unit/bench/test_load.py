"""The load generator and the processes of sides, against a real server."""

import sys
from collections.abc import Iterator

import pytest
from bench.corpus import change_one_article, corpus
from bench.errors import BenchFailed, WrongResult
from bench.load import by_wrk, closed_loop
from bench.machine import two_cores
from bench.open_loop import latencies
from bench.processes import side_in_fresh_process
from bench.questions import distinct_questions
from bench.servers import asked, serving

CORES = two_cores().all


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A bare Starlette that says hello."""
    with serving((sys.executable, "-m", "bench.bare", "hello"), CORES, {}) as where:
        yield where


def test_the_own_sender_counts_answers(address):
    measured = closed_loop({"address": address, "paths": ["/search"], "headers": {"x-a": "b"}, "seconds": 0.2})

    assert measured["per_second"] > 0


def test_the_own_sender_takes_nothing_but_a_200(address):
    with pytest.raises(WrongResult, match="expected a 200"):
        closed_loop({"address": address, "paths": ["/nowhere"], "headers": {}, "seconds": 0.2})


@pytest.mark.programs
def test_wrk_takes_nothing_but_a_200(address):
    measured = by_wrk(address, ["/search"], {"x-a": "b"}, 1, CORES)

    assert measured.answered > 0
    with pytest.raises(WrongResult, match="wrk met errors"):
        by_wrk(address, ["/search", "/nowhere"], {}, 1, CORES)


def test_a_side_runs_in_a_process_of_its_own_and_its_failure_is_told(address):
    job = {"address": address, "paths": ["/search"], "headers": {}, "seconds": 0.1}

    measured = side_in_fresh_process("bench.load", "closed_loop", job, CORES)

    assert measured["per_second"] > 0
    with pytest.raises(BenchFailed, match=r"bench\.load closed_loop ended with 1"):
        side_in_fresh_process("bench.load", "closed_loop", {**job, "paths": ["/search", "/nowhere"]}, CORES)


def test_the_open_loop_sends_as_many_as_planned_and_times_them_from_the_plan(address):
    measured = latencies(address, "/search", {}, 200, 0.5, CORES)

    assert 98 <= measured["sent"] <= 100
    assert 0 < measured["p50"] <= measured["p99"]
    with pytest.raises(BenchFailed):
        latencies(address, "/nowhere", {}, 200, 0.1, CORES)


def test_questions_are_distinct_and_as_many_as_wanted(monkeypatch):
    monkeypatch.delenv("CLOCKIFYRAG_CORPUS", raising=False)

    questions = distinct_questions(corpus(), 8000)

    assert 8000 == len(set(questions))
    with pytest.raises(WrongResult, match="are wanted"):
        distinct_questions(corpus(), 10**6)


@pytest.mark.parametrize("name", [pytest.param("bytes", id="stored"), pytest.param("json", id="made-each-time")])
def test_bare_applications_send_the_body_they_were_given(name, tmp_path):
    body = tmp_path / "body.json"
    body.write_bytes('{"query":"é","results":[1,2.5,null]}'.encode())

    with serving((sys.executable, "-m", "bench.bare", name, str(body)), CORES, {}) as where:
        answer = asked(where, "/search")

    assert (200, body.read_bytes()) == answer


def test_one_article_of_the_sample_is_changed(monkeypatch, tmp_path):
    monkeypatch.delenv("CLOCKIFYRAG_CORPUS", raising=False)
    sample = corpus()
    copy = sample.copied_to(tmp_path)

    change_one_article(copy)

    changed = [path for path in copy.rglob("*.md") if path.read_bytes() != original(sample.source, copy, path)]
    assert 1 == len(changed)


def original(source, copy, path):
    return (source / path.relative_to(copy)).read_bytes()


def test_one_record_of_a_file_is_changed(tmp_path):
    file = tmp_path / "help.jsonl"
    lines = [f'{{"id":"{n}","title":"t","section":"{"word " * n}"}}'.replace(' "}', '"}') for n in range(8)]
    file.write_text("\n".join(lines) + "\n")

    change_one_article(file)

    after = file.read_text().splitlines()
    assert 1 == sum(a != b for a, b in zip(lines, after, strict=True))
