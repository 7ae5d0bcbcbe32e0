"""What a command is given and cannot work with ends in one clear message and the exit code of its kind."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from clockifyrag_cli.__main__ import main


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
