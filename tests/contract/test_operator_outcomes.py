"""What a build and a listing leave behind, the operator reads; and both mean the same format of generations."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from clockifyrag_index.identity import FORMAT
from clockifyrag_operator.build_key import BUILDER_FORMAT
from clockifyrag_operator.jobs import LiveJob
from clockifyrag_operator.ledger import BuildKey, BuildOrder, Ledger
from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.outcomes import outcome, with_outcome
from clockifyrag_operator.recovery import listed_entries

KEY = BuildKey(BUILDER_FORMAT, "a" * 12, "b" * 12, "c" * 12)
ORDER = BuildOrder("Build", KEY, "token monday", "Initial")


def ended(kind: str, file: Path, exit_code: int) -> tuple[LiveJob, list[Manifest]]:
    """A Job and its pod, whose last words are what stands in the file."""
    job = {"metadata": {"name": "j", "uid": "u"}, "status": {"conditions": [{"type": kind, "status": "True"}]}}
    said = {"exitCode": exit_code, "reason": "Completed", "message": file.read_text()}
    pod = {
        "metadata": {"name": "p"},
        "status": {"containerStatuses": [{"name": "build", "state": {"terminated": said}}]},
    }
    return LiveJob(job, ORDER), [pod]


def run(*arguments: object) -> int:
    done = subprocess.run([sys.executable, "-m", "clockifyrag_cli", *map(str, arguments)], capture_output=True)
    return done.returncode


def build(source: str, root: Path, file: Path, *more: str) -> int:
    return run(
        "index", "build", "--source", source, "--out", root, "--model", "wordllama", "--no-publish",
        "--outcome", file, "--build-key", KEY, "--reason", "Initial", *more,
    )  # fmt: skip


def test_operator_and_builder_mean_the_same_format() -> None:
    assert FORMAT == BUILDER_FORMAT


def test_a_generation_stands_in_the_ledger_as_its_builder_and_a_listing_tell_it(tmp_path: Path) -> None:
    (tmp_path / "timer.md").write_text("# Timer\n\nStart the timer, and stop it when the work is done.\n")
    root, file = tmp_path / "root", tmp_path / "outcome"

    built = build(str(tmp_path / "timer.md"), root, file)
    told = outcome(*ended("Complete", file, 0))
    (entry,) = with_outcome(Ledger(), ORDER, told, "2026-03-02T12:00:00+00:00").entries
    listed = run("index", "ls", "--root", root, "--outcome", file)
    (read_back,) = listed_entries(outcome(*ended("Complete", file, 0)).values)

    assert (0, 0) == (built, listed)
    assert ("Built", "Candidate", 1, "monday") == (told.result, entry.state, entry.documents, entry.reindex_token)
    facts = ("id", "build_keys", "reason", "built_at", "bytes", "documents", "chunks", "dimensions", "model")
    assert [getattr(entry, name) for name in facts] == [getattr(read_back, name) for name in facts]
    assert entry.content_digest.startswith(read_back.content_digest)
    assert entry.model_digest.startswith(read_back.model_digest)


def test_a_failure_is_told_with_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "outcome"

    missing = build(str(tmp_path / "nowhere"), tmp_path / "root", file)
    source = outcome(*ended("Failed", file, missing))
    mistyped = build("sample", tmp_path / "root", file, "--min-chars", "1000000")
    usage = outcome(*ended("Failed", file, mistyped))

    assert (30, "SourceUnreachable", False) == (missing, source.reason, source.final)
    assert "nowhere" in source.message
    assert (2, "BuildFailed", True) == (mistyped, usage.reason, usage.final)
