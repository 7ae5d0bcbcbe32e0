"""`clockifyrag index build` as a Job in a cluster runs it: what it is given, what it leaves behind, how it ends."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from folders import written
from tests.server.fake_ollama import FakeOllama, Question, Reply, healthy, status
from tests.server.fetching.sites import Asked, Site
from tests.server.fetching.sites import Reply as PageReply
from tests.server.mounted import Mounted

from clockifyrag_cli.outcome import OUTCOME_BYTES_MAX, failure, listing, shortened, write_outcome
from clockifyrag_index.errors import NoSpace
from clockifyrag_index.generations import GenerationSummary
from clockifyrag_index.layout import Layout
from clockifyrag_index.manifest import Manifest
from clockifyrag_index.manifest_reader import read_manifest
from clockifyrag_operator.recovery import listed_entries

ARTICLES = {
    "timer.md": "# Timer\n\nStart the timer.\n\n## Stop\n\nStop the timer when the work is done.\n",
    "kiosk.md": "# Kiosk\n\nEmployees clock in with a PIN code.\n",
}


@dataclass(frozen=True)
class Job:
    """How a Job ended, and what it left in its outcome file."""

    code: int
    out: str
    err: str
    outcome: dict[str, Any]
    outcome_bytes: int


Run = Callable[..., Job]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "clockifyrag_cli", *map(str, arguments)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def job(tmp_path: Path, root: Path) -> Run:
    """job(*arguments): a build below `root` without publishing, with an outcome file; of wordllama by itself."""
    outcome = tmp_path / "outcome"

    def run(*arguments: object, model: Sequence[object] = ("--model", "wordllama")) -> Job:
        outcome.unlink(missing_ok=True)
        line = command("index", "build", "--out", root, "--no-publish", "--outcome", outcome, *model, *arguments)
        ended = subprocess.run(line, capture_output=True, text=True, timeout=120)
        content = outcome.read_bytes() if outcome.exists() else b"{}"
        return Job(ended.returncode, ended.stdout, ended.stderr, json.loads(content), len(content))

    return run


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return written(tmp_path / "docs", ARTICLES)


@pytest.fixture
def sites() -> Iterator[Callable[[], Site]]:
    """sites(): a web site on loopback; it ends with the test."""
    started: list[Site] = []

    def start() -> Site:
        started.append(Site())
        return started[-1]

    yield start
    for site in started:
        site.close()


def manifest(root: Path, generation: str) -> Manifest:
    return read_manifest(Layout(root).generation(generation))


def test_the_outcome_tells_all_that_a_ledger_keeps(job: Run, docs: Path, root: Path) -> None:
    ended = job("--source", docs, "--reason", "SourceChanged")

    made = manifest(root, ended.outcome["generation"])
    assert (0, "Built", "SourceChanged", 2) == (
        ended.code, ended.outcome["result"], ended.outcome["reason"], ended.outcome["documents"],
    )  # fmt: skip
    assert (made.size_bytes, made.content_digest, made.created) == (
        ended.outcome["bytes"], ended.outcome["contentDigest"], ended.outcome["created"],
    )  # fmt: skip
    assert ("wordllama", made.embedder.digest, 256) == (
        ended.outcome["model"], ended.outcome["modelDigest"], ended.outcome["dimensions"],
    )  # fmt: skip
    assert ended.outcome["seconds"] >= 0
    assert ended.outcome_bytes <= 3072
    assert ended.outcome == json.loads(ended.out.splitlines()[-1])


@pytest.mark.parametrize(
    ("arguments", "code", "kind", "said"),
    [
        pytest.param(["--source", "nowhere"], 30, "SourceError", "nowhere does not exist", id="source"),
        pytest.param(["--source", "sample", "--embedder", "cloud"], 2, "UsageError", "local or ollama", id="usage"),
        pytest.param(["--source", "sample", "--out", "/proc/nowhere"], 50, "StorageError", "/proc", id="storage"),
        pytest.param(["--source", "sample", "--remove", "gen-1"], 2, "UsageError", "holds 'gen-1'", id="no id"),
    ],
)  # fmt: skip
def test_a_failure_stands_in_the_outcome_and_keeps_its_exit_code(
    job: Run, arguments: list[str], code: int, kind: str, said: str
) -> None:
    ended = job(*arguments)

    assert ("Failed", code, kind, code) == (
        ended.outcome["result"], ended.outcome["exitCode"], ended.outcome["kind"], ended.code,
    )  # fmt: skip
    assert said in ended.outcome["error"]
    assert ended.outcome_bytes <= 1200


def test_a_mounted_config_map_is_read_once_a_key(job: Run, tmp_path: Path, docs: Path, root: Path) -> None:
    mounted = Mounted(tmp_path / "mounted")
    mounted.write(ARTICLES)

    from_map, from_folder = job("--source", mounted.folder), job("--source", docs)

    assert (0, 2, "Built") == (from_map.code, from_map.outcome["documents"], from_map.outcome["result"])
    assert ("Unchanged", from_map.outcome["generation"]) == (
        from_folder.outcome["result"], from_folder.outcome["generation"],
    )  # fmt: skip
    assert from_map.outcome["sourceDigest"] == from_folder.outcome["sourceDigest"]


def test_a_given_build_key_stands_in_the_manifest_and_decides_unchanged(job: Run, docs: Path, root: Path) -> None:
    first = job("--source", docs, "--build-key", "key-1", "--publish")
    same = job("--source", docs, "--build-key", "key-1")
    other = job("--source", docs, "--build-key", "key-2")

    assert ("key-1", "key-1") == (first.outcome["buildKey"], manifest(root, first.outcome["generation"]).build_key)
    assert ("Unchanged", "key-1") == (same.outcome["result"], same.outcome["buildKey"])
    assert ("Unchanged", "key-2") == (other.outcome["result"], other.outcome["buildKey"])


def test_a_given_build_key_does_not_hide_a_changed_source(job: Run, docs: Path) -> None:
    first = job("--source", docs, "--build-key", "key-1", "--publish")
    (docs / "new.md").write_text("# New\n\nSomething new.\n")

    second = job("--source", docs, "--build-key", "key-1")

    assert ("Built", 3) == (second.outcome["result"], second.outcome["documents"])
    assert first.outcome["generation"] != second.outcome["generation"]


def test_generations_go_also_when_nothing_is_built_and_never_the_one_that_stands(
    job: Run, docs: Path, root: Path
) -> None:
    old = job("--source", docs).outcome["generation"]
    (docs / "new.md").write_text("# New\n\nSomething new.\n")
    new = job("--source", docs).outcome["generation"]

    ended = job("--source", docs, "--remove", f"{old},{new}")
    again = job("--source", docs, "--remove", old)

    assert ("Unchanged", [old]) == (ended.outcome["result"], ended.outcome["removed"])
    assert [old] == again.outcome["removed"]  # gone already, which is what was wanted
    assert [new] == Layout(root).generation_ids()


def test_a_web_site_is_crawled(job: Run, sites: Callable[[], Site]) -> None:
    site = sites()
    site.page("/help/", '<a href="/help/timer">Timer</a> <a href="/shop/buy">Buy</a>')
    site.page("/help/timer", "Start the timer with the green button.")
    site.page("/shop/buy", "Buy now.")

    ended = job(
        "--source", "crawl", "--start-url", f"{site.url}/help/", "--allow", f"{site.url}/help/",
        "--allow-host", "127.0.0.1", "--max-pages", "10", "--delay-seconds", "0",
    )  # fmt: skip

    assert (0, 2) == (ended.code, ended.outcome["documents"]), ended.err
    assert "/shop/buy" not in site.paths


def test_what_shards_and_sources_of_another_kind_kept_goes_when_an_index_stands(
    job: Run, docs: Path, root: Path, sites: Callable[[], Site]
) -> None:
    site, work = sites(), Layout(root).work
    site.page("/help/", "Start the timer.")
    crawl = (
        "--source",
        "crawl",
        "--start-url",
        f"{site.url}/help/",
        "--allow-host",
        "127.0.0.1",
        "--delay-seconds",
        "0",
    )
    job(*crawl, "--embed-only", "--shard", "0/2")
    job(*crawl)
    (work / "shard-3-of-4").mkdir()
    kept_by_site = sorted(path.name for path in work.iterdir())

    ended = [job("--source", docs), job("--source", docs)]

    assert ["Built", "Unchanged"] == [one.outcome["result"] for one in ended]
    assert ["crawled", "shard-3-of-4"] == kept_by_site
    assert ["parsed.memo"] == [path.name for path in work.iterdir()]


def test_a_shard_does_not_remove_what_another_is_downloading(root: Path, sites: Callable[[], Site]) -> None:
    site = sites()
    other: list[subprocess.CompletedProcess[str]] = []

    def shard(number: int) -> subprocess.CompletedProcess[str]:
        line = command(
            "index", "build", "--source", "crawl", "--start-url", f"{site.url}/help/", "--allow-host", "127.0.0.1",
            "--delay-seconds", "0", "--out", root, "--model", "wordllama", "--embed-only", "--shard", f"{number}/2",
        )  # fmt: skip
        return subprocess.run(line, capture_output=True, text=True, timeout=120)

    def page_asked_by_one_shard_while_the_other_runs(asked: Asked) -> PageReply:
        site.page("/help/", "Another text by now.")
        other.append(shard(1))
        return PageReply(b"<h1>Timer</h1><p>Start the timer.", headers={"Content-Type": "text/html"})

    site.page("/help/", '<a href="/help/timer">Timer</a>')
    site.add("/help/timer", page_asked_by_one_shard_while_the_other_runs)

    first = shard(0)

    assert [0] == [one.returncode for one in other]
    assert 0 == first.returncode, first.stderr
    assert ["shard-0-of-2", "shard-1-of-2"] == sorted(folder.name for folder in Layout(root).work.iterdir())


def test_a_crawl_without_a_first_page_is_refused_by_name(job: Run) -> None:
    ended = job("--source", "crawl")

    assert 2 == ended.code
    assert "neither startURLs nor sitemap" in ended.err


def test_the_authorization_goes_to_the_host_of_the_url_and_nowhere_else(
    job: Run, tmp_path: Path, sites: Callable[[], Site]
) -> None:
    named, other = sites(), sites()
    named.redirect("/help.md", f"{other.url}/moved.md")
    other.add("/moved.md", PageReply(b"# Timer\n\nStart it.\n", headers={"Content-Type": "text/markdown"}))
    secret = tmp_path / "authorization"
    secret.write_text("Bearer correct-horse\n")

    ended = job(
        "--source", f"{named.url}/help.md", "--allow-host", "127.0.0.1", "--authorization-file", secret
    )  # fmt: skip

    assert 0 == ended.code, ended.err
    assert ["Bearer correct-horse"] == [asked.headers.get("authorization") for asked in named.asked]
    assert [None] == [asked.headers.get("authorization") for asked in other.asked]
    assert "correct-horse" not in ended.out + ended.err + json.dumps(ended.outcome)


def test_an_authorization_without_an_address_to_send_it_to_is_refused(job: Run, docs: Path, tmp_path: Path) -> None:
    (tmp_path / "authorization").write_text("Bearer correct-horse")

    local = job("--source", docs, "--authorization-file", tmp_path / "authorization")
    missing = job("--source", "https://example.com/a.md", "--authorization-file", tmp_path / "missing")

    assert (2, 2) == (local.code, missing.code)
    assert "goes with a --source of http(s)" in local.err and "cannot be read" in missing.err


def ollama_options(*servers: FakeOllama, model: str = "custom") -> list[object]:
    return ["--embedder", "ollama", "--model", model, "--ollama-url", ",".join(server.url for server in servers)]


def test_a_model_nobody_knows_is_described_by_options(job: Run, docs: Path, root: Path) -> None:
    with FakeOllama({"custom": 8}) as ollama:
        ended = job(
            "--source", docs, "--document-prefix", "passage: ", "--query-prefix", "query: ", "--context-tokens", "4096",
            "--dimensions", "8", "--max-chars", "900", model=ollama_options(ollama),
        )  # fmt: skip

        sent = [text for texts in ollama.inputs for text in texts]
    embedder = manifest(root, ended.outcome["generation"]).embedder
    assert ("passage: ", "query: ", 4096, 8) == (
        embedder.document_prefix, embedder.query_prefix, embedder.context_tokens, embedder.dimensions,
    )  # fmt: skip
    assert any(text.startswith("passage: ") and "PIN code" in text for text in sent)


def many(folder: Path, count: int) -> Path:
    """A folder of so many articles, each one chunk."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.md").write_text(f"# Article {number}\n\nWords of article number {number} alone.\n")
    return folder


def test_several_model_servers_work_at_the_same_time_and_give_the_same_index(
    job: Run, tmp_path: Path, root: Path
) -> None:
    folder = many(tmp_path / "many", 120)
    with FakeOllama({"custom": 8}) as one, FakeOllama({"custom": 8}) as two:

        def waits_for_the_other(question: Question) -> Reply:
            """Answers a request for passages when the other server has one too: in turn nothing would ever end."""
            assert not any("Words" in text for text in question.texts) or all(
                server.wait_for(lambda server=server: any("Words" in t for ts in server.inputs for t in ts))
                for server in (one, two)
            )
            return healthy(question)

        one.behaviour = two.behaviour = waits_for_the_other
        together = job("--source", folder, model=ollama_options(one, two))
    with FakeOllama({"custom": 8}) as alone:
        single = job("--source", folder, "--out", tmp_path / "other", model=ollama_options(alone))

    assert (0, 0) == (together.code, single.code), together.err
    assert together.outcome["generation"] == single.outcome["generation"]


def test_while_the_resource_serves_the_first_server_is_left_to_questions(job: Run, tmp_path: Path) -> None:
    folder = many(tmp_path / "many", 40)
    with FakeOllama({"custom": 8}) as one, FakeOllama({"custom": 8}) as two:
        ended = job("--source", folder, "--serving", model=ollama_options(one, two))

        sizes = [len(texts) for texts in two.inputs if any("Words" in text for text in texts)]
    assert (0, []) == (ended.code, one.requests)
    assert 40 == sum(sizes)
    assert 1 == sizes[0]


def test_a_lost_model_is_told_by_the_server_that_lost_it(job: Run, docs: Path) -> None:
    with FakeOllama({"custom": 8}) as ollama:
        ollama.behaviour = status(404, "model not found")
        ended = job("--source", docs, model=[*ollama_options(ollama), "--dimensions", "8"])

    assert 40 == ended.code
    assert "ollama pull custom" in ended.outcome["error"]


@pytest.mark.parametrize("more", [(), ("--embed-only",)], ids=["build", "shard"])
def test_a_model_that_is_replaced_while_it_embeds_leaves_no_index_and_no_vectors(
    more: tuple[str, ...], job: Run, docs: Path, root: Path
) -> None:
    with FakeOllama({"custom": 8}) as ollama:

        def replaces(question: Question) -> Reply:
            if any("PIN code" in text for text in question.texts):
                ollama.digests["custom:latest"] = "b" * 64
            return healthy(question)

        ollama.behaviour = replaces
        ended = job("--source", docs, *more, model=ollama_options(ollama))
        left = [*Layout(root).generation_ids(), *Layout(root).caches.glob("*/*.seg")]
        after = job("--source", docs, *more, model=ollama_options(ollama))

    assert (40, []) == (ended.code, left)
    assert "replaced while it embedded" in ended.outcome["error"]
    assert 0 == after.code and after.outcome["textsEmbedded"] > 0


def test_sigterm_ends_a_build_at_once_and_the_next_one_goes_on(job: Run, docs: Path, root: Path) -> None:
    with FakeOllama({"custom": 8}) as ollama:
        ollama.behaviour = lambda question: Reply(200, b"", hang=True)
        line = command("index", "build", "--source", docs, "--out", root, *ollama_options(ollama))
        with subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as building:
            assert ollama.wait_for(lambda: bool(ollama.bodies), 60)
            building.send_signal(signal.SIGTERM)
            code = building.wait(10)
            said = building.stderr.read() if building.stderr else b""
        ollama.behaviour = healthy
        after = job("--source", docs, model=ollama_options(ollama))

    assert 128 + signal.SIGTERM == code
    assert b"Traceback" not in said
    assert (0, "Built") == (after.code, after.outcome["result"])


def test_a_list_of_generations_in_an_outcome_rebuilds_a_ledger(
    job: Run, docs: Path, root: Path, tmp_path: Path
) -> None:
    first = job("--source", docs, "--build-key", "key-1").outcome
    (docs / "new.md").write_text("# New\n\nSomething new.\n")
    second = job("--source", docs, "--build-key", "key-2").outcome
    file = tmp_path / "listed"

    listed = subprocess.run(
        command("index", "ls", "--root", root, "--json", "--outcome", file), capture_output=True, text=True, check=True
    )

    record, full = json.loads(file.read_text()), json.loads(listed.stdout)
    assert ("Listed", 0, 0) == (record["result"], record["more"], record["damaged"])
    assert [(second["generation"], "key-2", second["bytes"]), (first["generation"], "key-1", first["bytes"])] == [
        (one["id"], one["buildKey"], one["bytes"]) for one in record["generations"]
    ]
    assert second["contentDigest"].startswith(record["generations"][0]["contentDigest"])
    assert (second["contentDigest"], second["sourceDigest"], second["modelDigest"]) == (
        full[0]["content_digest"], full[0]["source_digest"], full[0]["model_digest"],
    )  # fmt: skip


def test_as_many_generations_are_listed_as_fit_the_newest_first(root: Path, tmp_path: Path) -> None:
    found = [
        GenerationSummary(
            f"gen-{number:012x}", "kept", build_key="sha256:" + "0" * 64, content_digest="sha256:" + "1" * 64
        )
        for number in range(50)
    ]

    record = listing([*found, GenerationSummary("gen-bad", "damaged")])
    write_outcome(tmp_path / "listed", record)

    shown = [one["id"] for one in record["generations"]]
    assert [one.id for one in found[: len(shown)]] == shown
    assert (50 - len(shown), 1) == (record["more"], record["damaged"])
    assert 8 <= len(shown)
    assert (tmp_path / "listed").stat().st_size <= OUTCOME_BYTES_MAX


def test_of_twenty_generations_each_is_listed_by_what_removes_and_serves_it() -> None:
    found = [
        GenerationSummary(
            f"gen-{number:012x}",
            "kept",
            created="2026-11-24T03:00:00Z",
            documents=12_345,
            chunks=123_456,
            dimensions=768,
            model="nomic-embed-text",
            size_bytes=1_234_567_890,
            reason="SourceChanged",
            build_key=f"b3-{'a' * 12}-{number:012x}-{'c' * 12}",
            content_digest="sha256:" + "1" * 64,
            model_digest="sha256:" + "2" * 64,
        )
        for number in range(20)
    ]

    record = listing(found)

    entries = listed_entries(record)
    assert 0 == record["more"]
    assert [(one.id, (one.build_key,), one.model) for one in found] == [
        (one.id, one.build_keys, one.model) for one in entries
    ]
    assert [12_345] * 3 == [one.documents for one in entries[:3]]


@pytest.mark.parametrize(
    ("error", "code", "kind", "said"),
    [
        pytest.param(NoSpace("no space to write"), 50, "NoSpace", "no space to write", id="ours"),
        pytest.param(MemoryError("too much"), 1, "MemoryError", "MemoryError: too much", id="unexpected"),
    ],
)
def test_a_failure_is_told_with_its_kind(error: Exception, code: int, kind: str, said: str) -> None:
    told = failure(error)

    assert {"result": "Failed", "exitCode": code, "kind": kind, "error": said} == told


def test_a_long_error_is_told_by_its_beginning() -> None:
    for text in ("short", "x" * 5000, "ü" * 5000, "\x01" * 5000, "\udcff" * 5000):
        told = shortened(text)

        assert len(json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace")) <= 1024
        assert text.startswith(told.removesuffix("…"))
