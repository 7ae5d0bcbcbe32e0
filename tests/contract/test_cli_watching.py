"""Watching a source, as `clockifyrag up --watch` does: builds that hang, and builds that fail."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import wait_until

from clockifyrag_cli import watching as module
from clockifyrag_cli.watching import stamps, watching
from clockifyrag_index.generations import current_id

START_SECONDS = 60.0  # of a build on a busy machine
END_SECONDS = 10.0  # less than systemd waits before it kills

RESOURCE = """\
apiVersion: clockifyrag.io/v1beta1
kind: ClockifyRAG
metadata: {{name: test}}
spec: {{source: {source}, embedding: {{provider: Local, model: wordllama}}}}
"""


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(START_SECONDS)
        yield listener


def test_a_build_that_hangs_does_not_hold_up_the_end(tmp_path: Path, silent: socket.socket) -> None:
    resource = tmp_path / "hangs.yaml"
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/articles.jsonl"
    resource.write_text(RESOURCE.format(source=f"{{http: {{url: '{url}', allowHosts: [127.0.0.1]}}}}"))

    with watching(resource, ["--file", str(resource), "--root", str(tmp_path / "root")], frozenset()):
        connection, _ = silent.accept()  # the build asks for its source
        left = time.monotonic()

    connection.close()
    assert time.monotonic() - left < END_SECONDS


def test_a_build_that_failed_is_tried_again_though_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER_SECONDS", 0.1)
    resource, docs, root = tmp_path / "my.yaml", tmp_path / "docs", tmp_path / "root"
    resource.write_text(RESOURCE.format(source="{sample: {}}"))
    arguments = ["--file", str(resource), "--source", str(docs), "--root", str(root)]
    said: list[str] = []

    def says(text: str) -> bool:
        said.append(capfd.readouterr().out)
        return text in "".join(said)

    with watching(resource, arguments, frozenset()):
        wait_until(lambda: says("The build failed"), START_SECONDS, "it has no source")
        docs.mkdir()
        (docs / "timer.md").write_text("# Timer\n\nStart the timer.\n")
        wait_until(lambda: current_id(root), START_SECONDS, "it is built", lambda: said)


def test_after_a_failed_first_build_the_same_source_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER_SECONDS", 0.1)
    resource, docs, root = tmp_path / "my.yaml", tmp_path / "docs", tmp_path / "root"
    resource.write_text(RESOURCE.format(source="{sample: {}}"))
    docs.mkdir()
    (docs / "timer.md").write_text("# Timer\n\nStart the timer.\n")
    arguments = ["--file", str(resource), "--source", str(docs), "--root", str(root)]

    with watching(docs, arguments, stamps(docs), has_failed=True):
        wait_until(lambda: current_id(root), START_SECONDS, "it is built")
