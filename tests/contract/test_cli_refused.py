"""What a command is given and cannot work with ends in one clear message and the exit code of its kind."""

import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.server.fetching.sites import Reply, Site

from clockifyrag_cli.__main__ import main
from clockifyrag_cli.server import ServerError, ask


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """run(*arguments): the command in this process and in an empty folder; an error nobody expects fails the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LLM_BASE_URL", raising=False)

    def command(*arguments: object) -> Ended:
        capfd.readouterr()
        code = 0
        try:
            main([str(one) for one in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capfd.readouterr()
        return Ended(code, said.out, said.err)

    return command


NO_NAME = "x" * 300  # longer than a file's name may be


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["search", "timer", "--index", NO_NAME], 50, id="search"),
        pytest.param(["index", "gc", "--root", NO_NAME], 50, id="gc"),
        pytest.param(["index", "serve", "--root", NO_NAME], 50, id="serve"),
        pytest.param(
            ["index", "build", "--embed-only", "--source", "sample", "--model", "wordllama", "--out", NO_NAME], 50,
            id="embed only",
        ),
        pytest.param(["up", "--file", "r.yaml", "--once", "--root", NO_NAME], 50, id="up"),
        pytest.param(["doctor", "--index", NO_NAME], 1, id="doctor"),
    ],
)  # fmt: skip
def test_a_root_that_cannot_be_looked_at_is_told(run: Run, tmp_path: Path, arguments: list[str], code: int) -> None:
    (tmp_path / "r.yaml").write_text(
        "apiVersion: clockifyrag.io/v1beta1\nkind: ClockifyRAG\nmetadata: {name: help}\n"
        "spec: {source: {sample: {}}, embedding: {provider: Local, model: wordllama}}\n"
    )

    ended = run(*arguments)

    assert code == ended.code
    assert "File name too long" in ended.out + ended.err


def test_an_outcome_that_cannot_be_written_is_refused_before_anything_is_done(run: Run, tmp_path: Path) -> None:
    root, outcome = tmp_path / "root", tmp_path / "no" / "outcome"

    ended = run("index", "build", "--source=sample", "--model=wordllama", "--out", root, "--outcome", outcome)

    assert (2, 1) == (ended.code, ended.err.count("No such file or directory"))
    assert not root.exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid", "192.0.2.1", "a..b"])
def test_an_address_nobody_can_listen_on_is_told(run: Run, tmp_path: Path, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = run("index", "serve", "--root", tmp_path, "--host", host, "--port", port)

    assert 2 == ended.code
    assert f"cannot listen on {host} port {port}: " in ended.err
    assert "--port" in ended.err


@pytest.fixture
def site() -> Iterator[Site]:
    """A server on loopback that is none of ours."""
    site = Site()
    yield site
    site.close()


SEARCH = "/search?q=timer&k=5"
NO_METADATA = {"results": [], "metadata": None}
NO_RESULT = {"results": [{"id": "a"}], "metadata": {"corrected_query": None, "low_confidence": False, "degraded": []}}


@pytest.mark.parametrize(
    ("path", "status", "answer", "command"),
    [
        pytest.param(SEARCH, 404, {"error": "not found"}, ["search", "timer"], id="a text as error"),
        pytest.param(SEARCH, 500, ["broken"], ["search", "timer"], id="a list as error"),
        pytest.param(SEARCH, 200, ["timer"], ["search", "timer"], id="a list"),
        pytest.param(SEARCH, 200, {}, ["search", "timer"], id="an empty object"),
        pytest.param(SEARCH, 200, NO_METADATA, ["search", "timer"], id="null for an object"),
        pytest.param(SEARCH, 200, NO_RESULT, ["search", "timer"], id="results without fields"),
        pytest.param("/search?q=timer&k=10", 200, {}, ["eval", "--queries", "q.jsonl"], id="eval"),
        pytest.param("/explain?q=timer&id=a&k=5", 200, ["a"], ["explain", "timer", "a"], id="explain"),
        pytest.param("/health", 200, {"ok": True}, ["doctor"], id="health without a status"),
        pytest.param("/health", 200, {"status": "healthy", "degraded": "no"}, ["doctor"], id="a text for a list"),
    ],
)
def test_an_address_that_answers_other_json_is_asked_about(
    run: Run, site: Site, tmp_path: Path, path: str, status: int, answer: object, command: list[str]
) -> None:
    (tmp_path / "q.jsonl").write_text('{"qid": "1", "query": "timer", "relevant_urls": {"a": 1}}\n')
    site.add(path, Reply(json.dumps(answer).encode(), status))

    ended = run(*command, "--url", site.url)

    assert 1 == ended.code
    assert f"answered {status}" in ended.out + ended.err
    assert "is it a ClockifyRAG server?" in ended.out + ended.err


@pytest.mark.parametrize("answer", [{"models": [7]}, {"models": None}, ["a"]], ids=["numbers", "null", "a list"])
def test_a_model_server_that_answers_other_json_is_asked_about(run: Run, site: Site, answer: object) -> None:
    site.add("/api/tags", Reply(json.dumps(answer).encode()))

    ended = run("doctor", "--ollama-url", site.url)

    assert "is it an Ollama?" in ended.out


def test_a_server_that_wants_a_key_is_answered_with_how_to_give_one(run: Run, site: Site) -> None:
    refusal = {"code": "UNAUTHORIZED", "message": "No API key was sent.", "suggestion": "Send a header."}
    site.add(SEARCH, Reply(json.dumps({"error": refusal}).encode(), 401))

    ended = run("search", "timer", "--url", site.url)

    assert 1 == ended.code
    assert "No API key was sent. Give a key with --key, or set CLOCKIFYRAG_API_KEY." in ended.err


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("HTTP://127.0.0.1:9", "HTTP://127.0.0.1:9 does not answer (ConnectError)"),
        ("ftp://127.0.0.1:9", "expected one such as http://127.0.0.1:8000"),
        ("127.0.0.1:9", "expected one such as http://127.0.0.1:9"),
    ],
)
def test_an_address_is_known_by_its_scheme(url: str, told: str) -> None:
    with pytest.raises(ServerError, match=re.escape(told)):
        ask(url, "/health", {})


def test_json_too_deep_to_be_read_is_no_answer(run: Run, site: Site) -> None:
    site.add(SEARCH, Reply(b"[" * 100_000))

    ended = run("search", "timer", "--url", site.url)

    assert (1, True) == (ended.code, "is it a ClockifyRAG server?" in ended.err)


def test_a_server_without_an_index_is_told_as_what_it_is(run: Run, site: Site) -> None:
    site.add("/health", Reply(b'{"status": "unavailable", "degraded": ["index"]}', 503))

    ended = run("doctor", "--url", site.url)

    assert 1 == ended.code
    assert "unavailable: it has no index" in ended.out


@pytest.mark.parametrize("key", ["schl\u00fcssel", "two\nlines"], ids=["not ASCII", "two lines"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(run: Run, site: Site, key: str) -> None:
    ended = run("search", "timer", "--url", site.url, "--key", key)

    assert 2 == ended.code
    assert "clockifyrag keys new" in ended.err
    assert key not in ended.err


def build(run: Run, *more: object) -> Ended:
    return run("index", "build", "--source", "sample", "--out", "root", "--model", "wordllama", *more)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--ops-port", 99999], "--ops-port", id="port beyond all"),
        pytest.param(["--embed-only", "--shard", "\u00b2/4"], "expected I/N", id="a digit that is no number"),
        pytest.param(["--source", ""], "--source is empty", id="no source"),
        pytest.param(["--sha256", "0" * 64], "--sha256 goes with", id="digest of a local source"),
        pytest.param(
            ["--sha256", "0" * 64, "--source", "crawl", "--start-url", "http://h/"],
            "--sha256 goes with",
            id="digest of a crawl",
        ),
        pytest.param(["--allow", "http://h/a/"], "--allow goes with --source crawl", id="prefix without a crawl"),
        pytest.param(["--start-url", "http://h/"], "--start-url goes with --source crawl", id="page without a crawl"),
        pytest.param(["--sitemap", "http://h/s"], "--sitemap goes with --source crawl", id="sitemap without a crawl"),
        pytest.param(["--namespace", ""], "--namespace is ''", id="no namespace"),
        pytest.param(["--namespace", "two words"], "--namespace is 'two words'", id="namespace of two words"),
        pytest.param(["--namespace", "n" * 65], "at most 64 letters", id="long namespace"),
        pytest.param(
            ["--namespace", "a\n", "--source", "crawl", "--start-url", "http://h/"],
            "--namespace is 'a",
            id="namespace of two lines, crawled",
        ),
    ],
)
def test_a_wrong_option_of_a_build_is_told_before_anything_is_done(
    run: Run, tmp_path: Path, arguments: list[object], said: str
) -> None:
    ended = build(run, *arguments)

    assert 2 == ended.code
    assert said in ended.err
    assert not (tmp_path / "root").exists()


def test_an_ops_port_that_is_taken_is_told(run: Run) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]

        ended = build(run, "--ops-port", port)

    assert 2 == ended.code
    assert f"--ops-port {port}: Address already in use" in ended.err


@pytest.mark.parametrize("epoch", ["abc", "1" * 30, "1" * 5000], ids=["a word", "no year", "more than Python reads"])
def test_a_wrong_time_of_creation_is_told_before_anything_is_embedded(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)

    ended = build(run)

    assert 2 == ended.code
    assert "SOURCE_DATE_EPOCH" in ended.err
    assert not list(tmp_path.glob("root/cache/*/*.seg"))


NO_TEXT = os.fsdecode(b"caf\xe9")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["index", "build", "--source", "sample", "--out", "root", "--reason", NO_TEXT], id="reason"),
        pytest.param(["index", "build", "--source", "sample", "--out", NO_TEXT], id="root"),
        pytest.param(["index", "build", "--source", "sample", "--out", "root", f"--reason={NO_TEXT}"], id="one word"),
        pytest.param(["explain", "timer", NO_TEXT], id="id"),
        pytest.param(["search", NO_TEXT], id="question"),
    ],
)
def test_an_argument_that_is_no_text_is_refused_by_name(run: Run, arguments: list[str]) -> None:
    ended = run(*arguments)

    assert 2 == ended.code
    assert r"caf\xe9' is not UTF-8" in ended.err
    assert ("--reason" in ended.err) == any("--reason" in one for one in arguments)


def test_a_file_to_read_may_have_any_name(run: Run, tmp_path: Path) -> None:
    source = tmp_path / f"{NO_TEXT}.md"
    source.write_text("# Timer\n\nStart the timer.\n")
    (tmp_path / f"{NO_TEXT}.jsonl").write_text('{"qid": "1", "query": "timer", "relevant_urls": {"a": 1}}\n')

    built = run("index", "build", "--source", source, "--out", "root", "--model", "wordllama")
    exported = run("index", "export", "g.tar", "--root", "root")
    (tmp_path / "g.tar").rename(tmp_path / f"{NO_TEXT}.tar")
    imported = run("index", "import", f"{NO_TEXT}.tar", "--root", "other")
    measured = run("eval", f"--queries={NO_TEXT}.jsonl", "--index", "root")

    assert [0] * 4 == [one.code for one in (built, exported, imported, measured)], built.err + measured.err


def test_known_items_have_their_answers_with_them(run: Run) -> None:
    ended = run("eval", "--known-items", 3, "--qrels", "r.jsonl", "--index", "root")

    assert 2 == ended.code
    assert "--qrels goes with --queries" in ended.err


def test_a_pipe_is_not_called_missing(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    ended = build(run, "--source", "pipe")

    assert 30 == ended.code
    assert "pipe is no regular file" in ended.err
