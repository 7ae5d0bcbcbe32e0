"""`make run`: what reaches the program it starts."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """\
#!/bin/sh
echo "keeps bytecode: ${PYTHONDONTWRITEBYTECODE:-yes}"
printf '%s\\n' "$@"
"""


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        pytest.param({}, ["--file", "clockifyrag.yaml"], id="nothing"),
        pytest.param({"SOURCE": "my docs"}, ["--file", "clockifyrag.yaml", "--source", "my docs"], id="a space"),
        pytest.param(
            {"SOURCE": "it's; ls", "MANIFEST": 'a "b".yaml'}, ["--file", 'a "b".yaml', "--source", "it's; ls"],
            id="quotes and what a shell would take for a command",
        ),
    ],
)  # fmt: skip
def test_paths_reach_the_program_as_they_were_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], arguments: list[str]
) -> None:
    program = tmp_path / "clockifyrag"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    line = ["make", "--no-print-directory", "run", f"BIN={tmp_path}", "PYTHON=true"]

    ended = subprocess.run(
        [*line, *(f"{name}={value}" for name, value in variables.items())],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert ["keeps bytecode: yes", "up", *arguments] == ended.stdout.splitlines()
