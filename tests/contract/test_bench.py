"""The benchmarks run, check what they measure, and write nothing from a single round."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results.json"


@pytest.mark.slow
@pytest.mark.parametrize("figure", [pytest.param("cached-search", id="server"), pytest.param("bm25", id="process")])
def test_a_figure_is_measured_and_one_round_is_not_written(figure):
    before = RESULTS.read_bytes() if RESULTS.exists() else None

    command = [sys.executable, "-m", "bench", figure, "--busy", "--rounds", "1", "--seconds", "1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert 0 == ended.returncode, ended.stderr
    assert "1 rounds, 5 needed: not written" in ended.stdout
    assert before == (RESULTS.read_bytes() if RESULTS.exists() else None)


def test_a_figure_that_does_not_exist_is_refused():
    ended = subprocess.run(
        [sys.executable, "-m", "bench", "speed-of-light"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert 2 == ended.returncode
    assert "speed-of-light" in ended.stderr and "cached-search" in ended.stderr
