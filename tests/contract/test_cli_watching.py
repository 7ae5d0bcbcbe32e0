"""Watching a source, as `clockifyrag up --watch` does: builds that hang, and builds that fail."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clockifyrag_cli.watching import watching

START_SECONDS = 60.0  # of a build on a busy machine
END_SECONDS = 10.0  # less than systemd waits before it kills


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(START_SECONDS)
        yield listener


def test_a_build_that_hangs_does_not_hold_up_the_end(tmp_path: Path, silent: socket.socket) -> None:
    resource = tmp_path / "hangs.yaml"
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/articles.jsonl"
    resource.write_text(
        "apiVersion: clockifyrag.io/v1beta1\nkind: ClockifyRAG\nmetadata: {name: test}\n"
        f"spec: {{source: {{http: {{url: '{url}', allowHosts: [127.0.0.1]}}}}, embedding: {{provider: Local}}}}\n"
    )

    with watching(resource, ["--file", str(resource), "--root", str(tmp_path / "root")], frozenset()):
        connection, _ = silent.accept()  # the build asks for its source
        left = time.monotonic()

    connection.close()
    assert time.monotonic() - left < END_SECONDS
