"""With CHAOS what a test gave is kept as long as it passes: a result that is kept counts as passed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cluster import results

HOOKS = """
from pathlib import Path
from tests.cluster import results

results.KEPT = results.SHORT = Path(__file__).parent / "kept"

from {conftest} import pytest_runtest_makereport
"""
TESTS = """
import pytest
from tests.cluster import results

@pytest.fixture
def ends_badly():
    yield
    raise AssertionError("as it ends")

@pytest.fixture
def begins_badly():
    raise AssertionError("as it begins")

def test_that_passes():
    results.keep("passes", "R1")

def test_that_fails():
    raise AssertionError

def test_whose_fixture_fails_at_its_end(ends_badly):
    results.keep("ends-badly", "R1")

def test_whose_fixture_fails_at_its_begin(begins_badly):
    results.keep("begins-badly", "R1")
"""
ENDED_WITH_FAILURES = 1  # exit code of pytest


@pytest.mark.parametrize("conftest", ["tests.cluster.conftest", "tests.apiserver.conftest"])
def test_of_a_test_that_fails_in_any_phase_nothing_is_kept(tmp_path: Path, conftest: str) -> None:
    """Given results of an earlier run, when tests are run again and some fail, then those of the others alone stay."""
    kept = tmp_path / "kept"
    kept.mkdir()
    before = {
        "failed-now": {"node": "test_some.py::test_that_fails", "times": "short"},
        "begun-badly-now": {"node": "test_some.py::test_whose_fixture_fails_at_its_begin", "times": "short"},
        "at-other-times": {"node": "test_some.py::test_that_fails", "times": "real"},
        "of-another-file": {"node": "test_other.py::test_that_fails", "times": "short"},
        "nameless": {"times": "short"},
    }
    for name, told in before.items():
        (kept / f"{name}.json").write_text(json.dumps(told))
    (tmp_path / "conftest.py").write_text(HOOKS.format(conftest=conftest))
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]")
    path = os.pathsep.join([str(results.ROOT), os.environ.get("PYTHONPATH", "")])

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_some.py"],
        cwd=tmp_path, env=os.environ | {"CHAOS": "short", "PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip

    assert ENDED_WITH_FAILURES == ended.returncode, ended.stdout + ended.stderr
    assert {"passes", "at-other-times", "of-another-file", "nameless"} == {one.stem for one in kept.iterdir()}
