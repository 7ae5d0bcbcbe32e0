"""A builder that is given the code of the mutant `in_place` does what that mutant is for, as one in a cluster runs."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cluster.mutants.in_place import SITECUSTOMIZE

from clockifyrag_index.layout import CHUNKS, Layout
from clockifyrag_index.verify import verified_manifest


def build(root: Path, article: Path, *python_path: Path) -> None:
    """A build as a Job of the operator begins it: nothing is published."""
    command = [sys.executable, "-m", "clockifyrag_cli", "index", "build", "--source", article, "--out", root]
    path = os.pathsep.join([*map(str, python_path), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [*command, "--model", "wordllama", "--no-publish"],
        env=os.environ | {"PYTHONPATH": path}, check=True, capture_output=True, timeout=120,
    )  # fmt: skip


def test_a_second_generation_is_written_over_the_files_of_the_first(tmp_path: Path) -> None:
    """Given a generation that a reader has open, when the mutant builds another one, then that reader sees its texts,
    and the folder has the name of the new one.
    """
    root, article, mutant = tmp_path / "root", tmp_path / "timer.md", tmp_path / "mutant"
    mutant.mkdir()
    (mutant / "sitecustomize.py").write_text(SITECUSTOMIZE)
    article.write_text("# Timer\n\nPress start, work, press stop.\n")
    build(root, article, mutant)
    (first,) = Layout(root).generation_ids()

    with (Layout(root).generation(first) / CHUNKS).open() as reader:
        article.write_text("# Kiosk\n\nEmployees clock in with a PIN code.\n")
        build(root, article, mutant)
        seen = reader.read()

    (second,) = Layout(root).generation_ids()
    assert first != second
    assert "PIN code" in seen
    assert verified_manifest(Layout(root).generation(second)), "written over whole, so it is served"
