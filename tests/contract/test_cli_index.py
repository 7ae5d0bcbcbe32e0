"""`clockifyrag index …` as a Job and a person run it: exit codes, the summary, and what each command leaves behind."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from folders import written
from tests.ports import free_port

from clockifyrag_cli.ops import BuildStatus, ops_port

ARTICLES = {
    "timer.md": "# Timer\n\nStart the timer.\n\n## Stop\n\nStop the timer when the work is done.\n",
    "kiosk.md": "# Kiosk\n\nEmployees clock in with a PIN code.\n",
    "report.md": "# Report\n\nExport the detailed report as CSV or Excel.\n",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The last line of standard output, as a builder's caller reads it."""
        record: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return record


Run = Callable[..., Ended]


@pytest.fixture
def run() -> Run:
    """run(*arguments, **environment): the console script in a process of its own."""

    def command(*arguments: object, **environment: str) -> Ended:
        line = [sys.executable, "-m", "clockifyrag_cli", *map(str, arguments)]
        ended = subprocess.run(line, capture_output=True, text=True, timeout=120, env={**os.environ, **environment})
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return command


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return written(tmp_path / "docs", ARTICLES)


@pytest.fixture
def built(run: Run, docs: Path, tmp_path: Path) -> Path:
    """A root with one published generation of the three articles."""
    ended = run("index", "build", "--source", docs, "--out", tmp_path / "root", "--model", "wordllama")
    assert 0 == ended.code, ended.err
    return tmp_path / "root"


def build(run: Run, docs: Path, root: Path, *more: object) -> Ended:
    return run("index", "build", "--source", docs, "--out", root, "--model", "wordllama", *more)


def test_a_first_build_publishes_and_says_what_it_did(run: Run, docs: Path, tmp_path: Path) -> None:
    ended = build(run, docs, tmp_path / "root")

    summary = ended.summary
    assert (0, "Built", 3, 3, True) == (
        ended.code, summary["result"], summary["documents"], summary["chunks"], summary["published"],
    )  # fmt: skip
    assert summary["generation"] == (tmp_path / "root" / "CURRENT").read_text().strip()


def test_the_same_source_again_is_unchanged_and_embeds_nothing(run: Run, docs: Path, built: Path) -> None:
    ended = build(run, docs, built)

    assert (10, "Unchanged", 0) == (ended.code, ended.summary["result"], ended.summary["textsEmbedded"])


def test_one_changed_article_embeds_its_changed_chunks_only(run: Run, docs: Path, built: Path) -> None:
    (docs / "kiosk.md").write_text("# Kiosk\n\nEmployees clock in with a badge.\n")

    ended = build(run, docs, built)

    assert (0, "Built", 1, 2) == (
        ended.code, ended.summary["result"], ended.summary["textsEmbedded"], ended.summary["cacheHits"],
    )  # fmt: skip


def test_a_removed_article_is_gone_from_the_next_generation(run: Run, docs: Path, built: Path) -> None:
    (docs / "kiosk.md").unlink()

    ended = build(run, docs, built)

    answer = json.loads(run("search", "kiosk", "--index", built, "--json").out)
    assert (0, 0) == (ended.code, ended.summary["textsEmbedded"])
    assert "kiosk" not in {result["id"] for result in answer["results"]}


def test_with_an_outcome_file_every_finished_build_exits_zero(run: Run, docs: Path, built: Path) -> None:
    outcome = built.parent / "outcome.json"

    ended = build(run, docs, built, "--outcome", outcome)

    assert (0, "Unchanged") == (ended.code, json.loads(outcome.read_text())["result"])
    assert len(outcome.read_bytes()) <= 3072


def test_without_publishing_a_generation_is_added_only(run: Run, docs: Path, built: Path) -> None:
    before = (built / "CURRENT").read_text()
    (docs / "new.md").write_text("# New\n\nSomething new.\n")

    ended = build(run, docs, built, "--no-publish")

    assert (False, before) == (ended.summary["published"], (built / "CURRENT").read_text())
    assert (built / "generations" / ended.summary["generation"] / "meta.json").exists()


def test_a_build_removes_the_generations_it_is_told(run: Run, docs: Path, built: Path) -> None:
    first = (built / "CURRENT").read_text().strip()
    (docs / "new.md").write_text("# New\n\nSomething new.\n")

    build(run, docs, built, "--remove", first)

    assert not (built / "generations" / first).exists()


@pytest.mark.parametrize("shards", [1, 2, 4])
def test_shards_that_embed_first_give_the_same_generation(run: Run, docs: Path, built: Path, shards: int) -> None:
    root = built.parent / "sharded"

    parts = [build(run, docs, root, "--embed-only", "--shard", f"{number}/{shards}") for number in range(shards)]
    ended = build(run, docs, root)

    assert ["Embedded"] * shards == [part.summary["result"] for part in parts]
    assert 3 == sum(part.summary["textsEmbedded"] for part in parts)
    assert (0, 0) == (ended.code, ended.summary["textsEmbedded"])
    assert (built / "CURRENT").read_text() == (root / "CURRENT").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["--source", "nowhere"], 30, "nowhere does not exist", id="no such source"),
        pytest.param(["--embedder", "cloud"], 2, "expected local or ollama", id="unknown embedder"),
        pytest.param(["--format", "PDF"], 2, "expected Auto, JSONL, Markdown, HTML", id="unknown format"),
        pytest.param(["--embed-only", "--shard", "4/4"], 2, "expected I/N", id="shard out of range"),
        pytest.param(["--progress", "loud"], 2, "expected auto, plain or json", id="unknown progress"),
        pytest.param(["--max-chars", "50"], 2, "maxChars", id="chunks too small"),
        pytest.param(
            ["--embedder", "ollama", "--ollama-url", "http://127.0.0.1:9"], 40, "127.0.0.1:9", id="no Ollama there"
        ),
        pytest.param(["--out", "/proc/nowhere"], 50, "/proc/nowhere", id="a root that cannot be written"),
    ],
)
def test_what_is_wrong_has_its_exit_code_and_one_clear_line(
    run: Run, docs: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    ended = run("index", "build", "--source", docs, "--out", tmp_path / "root", "--model", "wordllama", *arguments)

    assert code == ended.code, ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "root" / "CURRENT").exists()


def test_a_broken_record_is_reported_by_line_and_fails_only_when_strict(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "articles.jsonl"
    source.write_text('{"id": "1", "title": "Timer", "text": "Start."}\n{"id": \n{"id": "2", "text": "Stop."}\n')

    lenient = build(run, source, tmp_path / "root")
    strict = build(run, source, tmp_path / "other", "--strict")

    assert (0, 2, 1) == (lenient.code, lenient.summary["documents"], lenient.summary["reading"]["broken"])
    assert "1 broken: articles.jsonl:2" in lenient.err
    assert 30 == strict.code
    assert "articles.jsonl:2" in strict.err


def test_a_strict_build_does_not_take_over_what_was_built_past_a_broken_record(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "articles.jsonl"
    source.write_text('{"id": "1", "title": "Timer", "text": "Start."}\n{"id": \n')
    lenient = build(run, source, tmp_path / "root")

    strict = build(run, source, tmp_path / "root", "--strict")

    assert (0, 30) == (lenient.code, strict.code)
    assert "articles.jsonl:2" in strict.err
    assert lenient.summary["generation"] == (tmp_path / "root" / "CURRENT").read_text().strip()


def test_the_report_says_where_all_of_it_stands(run: Run, docs: Path, tmp_path: Path) -> None:
    ended = build(run, docs, tmp_path / "root")

    place = ended.err.splitlines()[-1].removeprefix("In full: ")
    assert 3 == json.loads(Path(place).read_text())["documents"]


def test_a_corpus_without_any_text_is_indexed_by_its_titles(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "articles.jsonl"
    source.write_text('{"id": "1", "url": "https://example.com/timer", "title": "Timer", "content": ""}\n')

    ended = build(run, source, tmp_path / "root")

    assert (0, 1, 1) == (ended.code, ended.summary["documents"], ended.summary["chunks"])
    assert "Timer" in run("search", "timer", "--index", tmp_path / "root").out


def test_generations_are_listed_verified_compared_and_rolled_back(run: Run, docs: Path, built: Path) -> None:
    first = (built / "CURRENT").read_text().strip()
    (docs / "new.md").write_text("# New\n\nSomething new.\n")
    second = build(run, docs, built).summary["generation"]

    listed = json.loads(run("index", "ls", "--root", built, "--json").out)
    verified = run("index", "verify", "--root", built)
    compared = run("index", "diff", first, second, "--root", built)
    rolled_back = run("index", "rollback", "--root", built)

    assert {second: "current", first: "kept"} == {one["id"]: one["state"] for one in listed}
    assert (0, 2) == (verified.code, verified.out.count(": good"))
    assert "1 added, 0 removed" in compared.out
    assert (0, first) == (rolled_back.code, (built / "CURRENT").read_text().strip())


def test_a_damaged_generation_is_named_with_exit_code_fifty(run: Run, built: Path) -> None:
    chunks = built / "generations" / (built / "CURRENT").read_text().strip() / "chunks.jsonl"
    content = bytearray(chunks.read_bytes())
    content[10] ^= 1
    chunks.write_bytes(content)

    ended = run("index", "verify", "--root", built)

    assert 50 == ended.code
    assert "chunks.jsonl" in ended.out


def test_a_root_that_only_a_newer_version_reads_is_not_called_empty(run: Run, built: Path) -> None:
    meta = built / "generations" / (built / "CURRENT").read_text().strip() / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "format": 99}))

    ended = run("index", "verify", "--root", built)

    assert (50, "not verified") == (ended.code, ended.out.split(": ")[1])
    assert "generation format 99" in ended.out


def test_a_mistyped_root_is_not_created_by_a_clean_up(run: Run, tmp_path: Path) -> None:
    ended = run("index", "gc", "--root", tmp_path / "rooot")

    assert 50 == ended.code
    assert "does not exist" in ended.err
    assert not (tmp_path / "rooot").exists()


def test_an_exported_generation_is_imported_under_the_same_id(run: Run, built: Path, tmp_path: Path) -> None:
    archive, other = tmp_path / "index.tar.gz", tmp_path / "other"

    exported = run("index", "export", archive, "--root", built)
    imported = run("index", "import", archive, "--root", other)

    assert (0, 0) == (exported.code, imported.code), imported.err
    assert (built / "CURRENT").read_text() == (other / "CURRENT").read_text()


def test_a_job_tells_on_its_ops_port_how_far_it_is() -> None:
    port = free_port()
    told: list[tuple[str, int, int]] = []
    with ops_port(port, lambda *now: told.append(now)) as progress:
        progress("embed", 1, 12)
        progress("embed", 3, 12)
        status = httpx.get(f"http://127.0.0.1:{port}/status").json()
        unknown = httpx.get(f"http://127.0.0.1:{port}/elsewhere")

    assert ("embed", 3, 12) == (status["stage"], status["done"], status["total"]) == told[1]
    assert status["heartbeatTime"] > 0 and status["rate"] > 0
    assert 404 == unknown.status_code


def test_what_the_cache_gave_makes_no_build_look_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("clockifyrag_cli.ops.time.monotonic", lambda: now)
    status = BuildStatus()
    status("embed", 90_000, 100_000)

    now += 100
    status("embed", 90_500, 100_000)

    assert (5.0, 1900.0) == (status.record()["rate"], status.record()["eta"])
