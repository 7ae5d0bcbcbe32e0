"""search, eval, doctor and keys: what they print, and what they say when something is wrong."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from folders import written
from progress import silent
from tests.server.fake_ollama import FakeOllama
from waiting import wait_until

from clockifyrag_builder.build import build
from clockifyrag_builder.plan import BuildPlan
from clockifyrag_cli.checks import memory_finding, speed_finding
from clockifyrag_cli.doctor import Finding
from clockifyrag_index.api_keys import parsed_keys
from clockifyrag_index.embedders.opening import open_embedder
from clockifyrag_resource.profiles import model_profile

Run = Callable[..., subprocess.CompletedProcess[str]]

ARTICLES = {
    "timer.md": "# Timer\n\nStart the timer and stop it when the work is done.\n",
    "kiosk.md": "# Kiosk\n\nEmployees clock in at the kiosk with a PIN code.\n",
    "report.md": "# Report\n\nExport the detailed report as CSV or Excel.\n",
}
QUESTIONS = (
    '{"qid": "q1", "query": "stop the timer", "relevant_urls": {"timer": 2}}\n'
    '{"qid": "q2", "query": "pin code", "relevant_urls": {"/articles/kiosk": 1}}\n'
    '{"qid": "q3", "query": "holidays on Mars", "relevant_urls": {}}\n'
)


@pytest.fixture(scope="module")
def root(plan_of: Callable[..., BuildPlan], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tools")
    build(plan_of(written(folder / "docs", ARTICLES), folder / "root"), silent)
    return folder / "root"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """run(*arguments, **environment): the console script, in an empty folder."""

    def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "clockifyrag_cli", *map(str, arguments)]
        clean = {name: value for name, value in os.environ.items() if name != "LLM_BASE_URL"}
        return subprocess.run(
            line, capture_output=True, text=True, timeout=120, cwd=tmp_path, env={**clean, **environment}
        )

    return command


@contextmanager
def server_of(root: Path, folder: Path, **environment: str) -> Iterator[str]:
    """The address of a server of the root, started in the folder."""
    served = {**os.environ, **environment, "API_PORT": "0", "INDEX_ROOT": str(root), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "clockifyrag_service"], env=served, cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


def checks(ended: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The findings of `doctor --json` by check."""
    return {one["check"]: one for one in json.loads(ended.stdout)}


def test_search_prints_articles_for_people_and_json_for_programs(run: Run, root: Path) -> None:
    text = run("search", "pin code", "--index", root)
    record = json.loads(run("search", "pin code", "--index", root, "--json", "-k", 1).stdout)

    assert text.stdout.startswith("1. Kiosk")
    assert "/articles/kiosk" in text.stdout
    assert ["kiosk"] == [result["id"] for result in record["results"]]


def test_search_fuses_as_it_is_told(run: Run, root: Path) -> None:
    def best(*options: str) -> dict[str, Any]:
        record = json.loads(run("search", "pin code", "--index", root, "--json", *options).stdout)
        found: dict[str, Any] = record["results"][0]
        return found

    mixed, ranked = best("--fusion", "convex"), best("--fusion", "RRF")

    assert best() == mixed
    assert ("kiosk", 1.0) == (ranked["id"], ranked["relevance_score"])  # the first in both legs
    assert mixed["relevance_score"] < 1


def test_an_article_is_explained_by_the_fusion_it_is_asked_for(run: Run, root: Path) -> None:
    ended = run("explain", "pin code", "kiosk", "--index", root, "--fusion", "rrf")

    assert "rrf" == json.loads(ended.stdout)["fusion"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("search", "pin", "--fusion", "rrf"), "FUSION", id="a server searches"),
        pytest.param(("explain", "pin", "kiosk", "--fusion", "rrf"), "FUSION", id="a server explains"),
        pytest.param(("search", "pin", "--index", ".", "--fusion", "rank"), "expected convex or rrf", id="search"),
        pytest.param(
            ("eval", "--queries", "q", "--corpus", "c", "--fusion", "rank"), "expected convex or rrf", id="eval"
        ),
        pytest.param(
            ("eval", "--queries", "q", "--index", ".", "--leg", "dense", "--fusion", "rrf"), "not fused", id="one leg"
        ),
        pytest.param(
            ("eval", "--queries", "q", "--url", "http://127.0.0.1:9", "--fusion", "rrf"), "--index", id="eval --url"
        ),
    ],
)
def test_a_fusion_that_cannot_be_is_a_usage_error(run: Run, arguments: tuple[str, ...], said: str) -> None:
    ended = run(*arguments)

    assert 2 == ended.returncode
    assert said in " ".join(ended.stderr.split())


def test_search_without_a_server_says_how_to_start_one(run: Run) -> None:
    ended = run("search", "pin code", "--url", "http://127.0.0.1:9")

    assert 1 == ended.returncode
    assert "make run" in ended.stderr


@pytest.mark.parametrize("command", [("search", "pin"), ("explain", "pin", "kiosk"), ("doctor", "--index", "nowhere")])
def test_an_address_without_its_scheme_is_told_instead_of_a_server_that_is_down(
    run: Run, command: tuple[str, ...]
) -> None:
    ended = run(*command, "--url", "127.0.0.1:9")

    told = ended.stdout + ended.stderr
    assert 1 == ended.returncode
    assert "'127.0.0.1:9' is no address of a ClockifyRAG server; expected one such as http://127.0.0.1:9" in told
    assert "make run" not in told


def test_search_before_the_first_build_says_how_to_build(run: Run, tmp_path: Path) -> None:
    ended = run("search", "pin code", "--index", tmp_path)

    assert 50 == ended.returncode
    assert "index build" in ended.stderr


def test_eval_measures_an_index(run: Run, root: Path, tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text(QUESTIONS)

    record = json.loads(run("eval", "--queries", questions, "--index", root, "--json").stdout)

    assert (2, 1, 1.0) == (record["questions"], record["unanswerable"], record["ndcg"]["mean"])


def test_eval_measures_the_fusion_it_is_told(run: Run, root: Path, tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text(QUESTIONS)

    ended = run("eval", "--queries", questions, "--index", root, "--fusion", "rrf", "--json")

    record = json.loads(ended.stdout)
    assert (1.0, 1) == (record["ndcg"]["mean"], record["low_confidence"]["unanswerable"]["count"])


def test_eval_measures_a_corpus_it_indexes_first(run: Run, root: Path, tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"_id": "1", "text": "stop the timer"}\n')
    (tmp_path / "r.jsonl").write_text('{"query_id": "1", "doc_id": "d1", "relevance": 1}\n')
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text(
        '{"_id": "d1", "title": "Timer", "text": "Stop the timer."}\n'
        '{"_id": "d2", "title": "Kiosk", "text": "A PIN."}\n'
    )

    ended = run(
        "eval", "--queries", tmp_path / "q.jsonl", "--qrels", tmp_path / "r.jsonl", "--corpus", corpus,
        "--model", "wordllama",
    )  # fmt: skip

    assert 0 == ended.returncode, ended.stderr
    assert "ndcg@10    1.000" in ended.stdout


def test_eval_tells_how_often_answers_are_doubted(run: Run, root: Path, tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text(QUESTIONS)

    record = json.loads(run("eval", "--queries", questions, "--index", root, "--json").stdout)
    text = run("eval", "--queries", questions, "--index", root).stdout

    doubted = record["low_confidence"]
    assert (1, 1, 2) == (doubted["unanswerable"]["count"], doubted["unanswerable"]["of"], doubted["answerable"]["of"])
    assert "low confidence in 1 of 1 unanswerable questions" in text


def test_eval_names_judged_documents_that_the_index_lacks(run: Run, root: Path, tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    elsewhere = '{"qid": "q5", "query": "clock out", "relevant_urls": {"https://other.example/kiosk": 1, "gone": 0}}\n'
    questions.write_text(QUESTIONS + elsewhere)

    record = json.loads(run("eval", "--queries", questions, "--index", root, "--json").stdout)
    text = run("eval", "--queries", questions, "--index", root).stdout

    assert ["https://other.example/kiosk"] == record["missing"]
    assert "not in this index, so never found: 1 of the judged documents, https://other.example/kiosk" in text


def test_eval_tells_what_reranking_changes(run: Run, root: Path, tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    misled = '{"qid": "q4", "query": "clock in with a stopwatch", "relevant_urls": {"timer": 1}}\n'  # to the kiosk
    questions.write_text(QUESTIONS + misled)

    plain = json.loads(run("eval", "--queries", questions, "--index", root, "--json").stdout)
    record = json.loads(run("eval", "--queries", questions, "--index", root, "--rerank", "wordllama", "--json").stdout)
    text = run("eval", "--queries", questions, "--index", root, "--rerank", "wordllama").stdout

    told = record["rerank"]
    assert record["questions"] == plain["questions"] == told["wins"] + told["losses"] + told["ties"]
    gained = record["ndcg"]["mean"] - plain["ndcg"]["mean"]
    assert pytest.approx(gained, abs=1e-9) == told["ndcg_difference"]["mean"]
    assert (1, 0, 2) == (told["wins"], told["losses"], told["ties"])
    assert gained > 0.1
    assert told["median_ms"] > 0
    assert "reranking: nDCG@10 +" in text


def test_eval_ends_where_the_reranker_fails(run: Run, root: Path, tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text(QUESTIONS)

    ended = run(
        "eval", "--queries", questions, "--index", root, "--rerank", "bge-m3", LLM_BASE_URL="http://127.0.0.1:9"
    )

    assert (40, "") == (ended.returncode, ended.stdout)
    assert "'stop the timer' was not reranked: unavailable" in ended.stderr


@pytest.fixture(scope="module")
def without_its_ollama(
    plan_of: Callable[..., BuildPlan], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """The root of an index whose model server has ended since, and the environment that names that server."""
    folder, model = tmp_path_factory.mktemp("ollama"), "nomic-embed-text"
    with FakeOllama() as ollama:
        embedder = open_embedder("Ollama", model_profile(model), url=ollama.url)
        plan = plan_of(written(folder / "docs", ARTICLES), folder / "root", embedder=embedder)
        build(plan, silent)
        embedder.close()
        return folder / "root", {"LLM_BASE_URL": ollama.url}


@pytest.mark.parametrize("leg", ["fused", "dense"])
def test_eval_ends_where_words_alone_answer(
    run: Run, without_its_ollama: tuple[Path, dict[str, str]], tmp_path: Path, leg: str
) -> None:
    root, environment = without_its_ollama
    questions = tmp_path / "q.jsonl"
    questions.write_text(QUESTIONS)

    ended = run("eval", "--queries", questions, "--index", root, "--leg", leg, **environment)

    assert (40, "") == (ended.returncode, ended.stdout)
    assert "'stop the timer' was answered by words alone" in ended.stderr


def test_eval_of_the_words_needs_no_model(
    run: Run, without_its_ollama: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    root, environment = without_its_ollama
    questions = tmp_path / "q.jsonl"
    questions.write_text(QUESTIONS)

    ended = run("eval", "--queries", questions, "--index", root, "--leg", "lexical", "--json", **environment)

    assert 1.0 == json.loads(ended.stdout)["ndcg"]["mean"]


def test_eval_ends_where_words_alone_answer_at_a_server(
    run: Run, without_its_ollama: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    root, environment = without_its_ollama
    questions = tmp_path / "q.jsonl"
    questions.write_text(QUESTIONS)

    with server_of(root, tmp_path, **environment) as url:
        wait_until(lambda: httpx.get(url + "/ready").is_success, 60, "the server is ready")
        ended = run("eval", "--queries", questions, "--url", url)

    assert (40, "") == (ended.returncode, ended.stdout)
    assert "answered 'stop the timer' by words alone" in ended.stderr


def test_eval_asks_for_headings_where_there_are_no_judged_questions(run: Run, root: Path) -> None:
    articles = {
        "a.md": f"# A\n\n## Lock the timesheet\n\n{'It is locked. ' * 30}\n",  # short sections join a neighbour
        "b.md": f"# B\n\n## Pay by card\n\n{'It is paid. ' * 30}\n",
    }
    written(root.parent / "headed", articles)

    ended = run("eval", "--known-items", 5, "--corpus", root.parent / "headed", "--model", "wordllama", "--json")

    record = json.loads(ended.stdout)
    assert (2, 1.0) == (record["questions"], record["ndcg"]["mean"])


def test_eval_compares_two_indexes_by_what_they_answer(
    run: Run, root: Path, tmp_path: Path, plan_of: Callable[..., BuildPlan]
) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text(QUESTIONS)
    fewer = written(tmp_path / "fewer", {name: text for name, text in ARTICLES.items() if name != "timer.md"})
    build(plan_of(fewer, tmp_path / "root"), silent)

    ended = run("eval", "--queries", questions, "--compare", root, tmp_path / "root", "--json")
    text = run("eval", "--queries", questions, "--compare", root, tmp_path / "root").stdout

    record = json.loads(ended.stdout)
    assert record["ndcg_difference"]["mean"] < 0
    assert record["losses"] >= 1
    assert "timer" in record["lost"]
    assert "lost timer for" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--index", "x"], "--queries or --known-items", id="no questions"),
        pytest.param(["--index", "x", "--queries", "q", "--known-items", "3"], "not both", id="both"),
        pytest.param(["--url", "http://127.0.0.1:9", "--known-items", "3"], "--index instead of --url", id="server"),
        pytest.param(
            ["--url", "http://127.0.0.1:9", "--queries", "q", "--rerank", "wordllama"], "--index", id="another server's"
        ),
        pytest.param(["--compare", "a", "b", "--queries", "q", "--rerank", "wordllama"], "not --compare", id="three"),
    ],
)
def test_eval_says_what_does_not_go_together(run: Run, arguments: list[str], said: str) -> None:
    ended = run("eval", *arguments)

    assert 2 == ended.returncode
    assert said in ended.stderr


def test_eval_wants_exactly_one_thing_to_measure(run: Run, root: Path, tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text(QUESTIONS)

    ended = run("eval", "--queries", questions)

    assert 2 == ended.returncode
    assert "exactly one of --corpus, --index and --url" in ended.stderr


def test_doctor_finds_nothing_wrong_with_a_good_index(run: Run, root: Path) -> None:
    ended = run("doctor", "--index", root, "--json")

    found = checks(ended)
    assert 0 == ended.returncode, ended.stdout
    assert {"disk", "ollama", "index", "memory", "search"} == set(found)
    assert all(one["state"] != "problem" for one in found.values())


def test_a_server_without_an_index_is_a_problem_and_the_next_command_asks_it_why(
    run: Run, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()

    with server_of(tmp_path / "empty", tmp_path) as url:
        ended = run("doctor", "--index", root, "--url", url, "--json")

    finding = checks(ended)["server"]
    assert (1, "problem", f"curl {url}/ready") == (ended.returncode, finding["state"], finding["next"])


def test_the_address_of_ollama_may_stand_in_env_as_it_may_for_the_server(run: Run, tmp_path: Path) -> None:
    documents = written(tmp_path / "docs", ARTICLES)
    with FakeOllama({"nomic-embed-text": 768}) as ollama:
        (tmp_path / ".env").write_text(f"LLM_BASE_URL={ollama.url}\nINDEX_ROOT=built\n")

        built = run("index", "build", "--source", documents, "--out", "built", "--embedder", "ollama")
        found, asked = run("doctor", "--json"), run("search", "pin code", "--index", "built")
        (tmp_path / ".env").unlink()
        given = run("doctor", "--json", "--index", "built", "--ollama-url", ollama.url)

    assert 0 == built.returncode, built.stderr
    assert 0 == asked.returncode, asked.stderr
    for ended in (found, given):
        assert 0 == ended.returncode, ended.stdout
        assert "nomic-embed-text" in checks(ended)["ollama"]["message"]


def test_the_folder_of_the_model_in_env_holds_for_builds_as_for_the_questions_asked_of_them(
    run: Run, tmp_path: Path
) -> None:
    documents = written(tmp_path / "docs", ARTICLES)
    (tmp_path / ".env").write_text("LOCAL_MODEL_DIR=elsewhere\n")

    ended = run("index", "build", "--source", documents, "--out", "built")

    assert 40 == ended.returncode, ended.stdout
    assert "elsewhere" in ended.stderr


def test_an_env_that_is_no_text_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"LLM_BASE_URL=\xff\xfe\n")

    ended = run("doctor")

    assert (2, "") == (ended.returncode, ended.stdout)
    assert ".env is no text in UTF-8" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "check", "next_command"),
    [
        pytest.param([], "index", "clockifyrag index build", id="index missing"),
        pytest.param(["--ollama-url", "http://127.0.0.1:9"], "ollama", "ollama serve", id="Ollama refused"),
        pytest.param(["--url", "http://127.0.0.1:9"], "server", "make run", id="no server"),
    ],
)
def test_doctor_prints_the_next_command(run: Run, arguments: list[str], check: str, next_command: str) -> None:
    ended = run("doctor", "--index", "nowhere", "--json", *arguments)

    finding = checks(ended)[check]
    assert 1 == ended.returncode
    assert "problem" == finding["state"]
    assert next_command in finding["next"]


def test_doctor_sees_a_damaged_index_and_offers_the_one_before(run: Run, root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "root"
    subprocess.run(["cp", "-r", root, copy], check=True)
    chunks = next((copy / "generations").glob("gen-*/chunks.jsonl"))
    chunks.write_bytes(chunks.read_bytes()[:-10])

    ended = run("doctor", "--index", copy, "--json")

    assert "problem" == checks(ended)["index"]["state"]
    assert "rollback" in checks(ended)["index"]["next"]
    assert "--source sample" not in checks(ended)["index"]["next"]  # it holds other articles


@pytest.mark.parametrize(
    ("finding", "state", "next_command"),
    [
        pytest.param(memory_finding(needed=300, available=200), "problem", "--model wordllama", id="out of memory"),
        pytest.param(memory_finding(needed=200, available=300), "ok", "", id="enough memory"),
        pytest.param(speed_finding(900), "warning", "more CPU", id="slow search"),
        pytest.param(speed_finding(20), "ok", "", id="fast search"),
    ],
)
def test_too_little_memory_and_slow_search_come_with_what_to_do(
    finding: Finding, state: str, next_command: str
) -> None:
    assert state == finding.state
    assert next_command in finding.next


def test_a_new_key_is_printed_once_with_the_line_that_admits_it(run: Run) -> None:
    record = json.loads(run("keys", "new", "docs-site", "--scopes", "search", "--json").stdout)

    (key,) = parsed_keys(record["line"]).values()
    assert ("docs-site", ["search"]) == (key.id, list(key.scopes))
    assert hashlib.sha256(record["key"].encode()).digest() == key.digest
    assert record["key"] not in record["line"]


def test_without_the_server_keys_are_made_and_up_says_what_is_missing(tmp_path: Path) -> None:
    """As in the image of the builder, which has the command line and no server."""
    without = (
        "import sys\n"
        "sys.path[:] = [path for path in sys.path if not path.endswith('/service')]\n"
        "from clockifyrag_cli.__main__ import main\n"
        "main()"
    )

    def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-c", without, *arguments]
        return subprocess.run(line, capture_output=True, text=True, timeout=120, cwd=tmp_path)

    made, served = ended("keys", "new", "docs-site"), ended("up")

    assert (0, "") == (made.returncode, made.stderr)
    assert made.stdout.startswith("crag_docs-site_")
    assert 2 == served.returncode
    assert "clockifyrag_service, which `up` serves with, is not installed here" in served.stderr


def test_a_key_with_an_unknown_scope_is_refused(run: Run) -> None:
    ended = run("keys", "new", "docs-site", "--scopes", "everything")

    assert 2 == ended.returncode
    assert "unknown scope" in ended.stderr


@pytest.mark.parametrize("not_after", ["2020-12-31", "2020-12-31T12:00:00+02:00"])
def test_a_key_that_is_no_longer_valid_is_not_made(run: Run, not_after: str) -> None:
    ended = run("keys", "new", "docs-site", "--not-after", not_after)

    assert (2, "") == (ended.returncode, ended.stdout)
    assert f"--not-after {not_after} is over" in ended.stderr
