"""`clockifyrag up`, which `make run` calls: from a resource to answers in one process, and a clean end."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from clockifyrag_cli.watching import stamps
from clockifyrag_index.generations import current_generation_path
from clockifyrag_index.manifest import IndexParameters
from clockifyrag_index.manifest_reader import read_manifest

START_SECONDS = 240.0  # all-minilm embeds the whole sample on a busy machine
ANSWER_SECONDS = 30.0

RESOURCE = """\
apiVersion: clockifyrag.io/v1beta1
kind: ClockifyRAG
metadata: {{name: test}}
spec:
  source: {source}
  embedding: {{provider: Local, model: wordllama}}
  search: {{replicas: 3, config: {{retrievalK: 2}}}}
"""


@dataclass
class Up:
    """A running `clockifyrag up`; its output is collected while it runs."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(iter(output.readline, ""))

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def url(self) -> str:
        """The address it prints once it listens."""
        return self.wait_for(r"Ask your questions at (http://\S+)")

    def wait_for(self, pattern: str) -> str:
        """The first group of the pattern, as soon as the output matches it."""
        deadline = time.monotonic() + START_SECONDS
        while not (match := re.search(pattern, self.text)):
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.text}"
            assert time.monotonic() < deadline, f"{pattern!r} is not in: {self.text}"
            time.sleep(0.05)
        return match[1]

    def answer(
        self, path: str, done: Callable[[httpx.Response], bool] = lambda answer: answer.is_success
    ) -> httpx.Response:
        """What the server answers, as soon as `done` accepts it."""
        deadline = time.monotonic() + START_SECONDS
        url = self.url()
        while not done(answer := httpx.get(url + path, timeout=ANSWER_SECONDS)):
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.05)
        return answer

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> int:
        """The exit code, once it has ended and all it said was read."""
        code = self.process.wait(timeout=120)
        self.reader.join()
        return code


Start = Callable[..., Up]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Start]:
    """up(*arguments, **environment): starts it in an empty folder, on a free port."""
    started: list[Up] = []

    def start(*arguments: object, **environment: str) -> Up:
        process = subprocess.Popen(
            [sys.executable, "-m", "clockifyrag_cli", "up", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "API_PORT": "0", "PYTHONUNBUFFERED": "1", **environment},
        )
        started.append(Up(process))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.ended()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "timer.md").write_text("# Timer\n\nStart the timer and stop it when the work is done.\n")
    (folder / "kiosk.md").write_text("# Kiosk\n\nEmployees clock in at the kiosk with a PIN code.\n")
    (folder / "report.md").write_text("# Report\n\nExport the report.\n")
    return folder


@pytest.fixture
def resource(tmp_path: Path) -> Path:
    path = tmp_path / "my.yaml"
    path.write_text(RESOURCE.format(source="{pvcRef: {name: articles, path: help}}"))
    return path


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_projects_own_resource_answers_from_the_sample_and_ends_on_ctrl_c(up: Start) -> None:
    own = Path(__file__).parents[2] / "clockifyrag.yaml"

    first = up("--file", own)
    answer = first.answer("/search?q=track+time").json()
    code = first.interrupt()

    assert "Track time" == answer["results"][0]["title"]
    assert "all-minilm embeds in the process" in first.text
    assert "these do not apply: ollama.server, search.autoscaling" in first.text
    assert (0, True) == (code, "Traceback" not in first.text)

    second = up("--file", own)
    second.answer("/ready")
    assert "Unchanged gen-" in second.text


def test_a_local_folder_stands_in_for_a_source_that_only_a_cluster_has(up: Start, resource: Path, docs: Path) -> None:
    running = up("--file", resource, "--source", docs)

    answer = running.answer("/search?q=pin+code").json()

    assert ("kiosk", "/articles/kiosk") == (answer["results"][0]["id"], answer["results"][0]["url"])
    assert 2 == len(answer["results"])  # search.config.retrievalK
    assert "search.replicas" in running.text


def test_without_a_local_folder_such_a_source_is_refused_with_what_to_type(up: Start, resource: Path) -> None:
    running = up("--file", resource)

    assert 2 == running.ended()
    assert "make run SOURCE=PATH" in running.text


def test_the_environment_wins_over_the_resource(up: Start, resource: Path, docs: Path) -> None:
    running = up("--file", resource, "--source", docs, RETRIEVAL_K="1")

    assert 1 == len(running.answer("/search?q=timer+kiosk+report").json()["results"])


@pytest.mark.parametrize("option", [(), ("--root", "other")], ids=["the variable", "the option before it"])
def test_the_folder_that_is_named_is_built_in_and_served(
    up: Start, resource: Path, docs: Path, tmp_path: Path, option: tuple[str, ...]
) -> None:
    running = up("--file", resource, "--source", docs, *option, INDEX_ROOT="named")

    assert 200 == running.answer("/ready").status_code
    assert (tmp_path / (option[-1] if option else "named") / "CURRENT").exists()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        pytest.param({"API_PORT": "abc"}, "API_PORT", id="no number"),
        pytest.param({"API_PORT": "tcp://10.0.0.1:80"}, "Kubernetes", id="a link of Kubernetes"),
        pytest.param({"RETRIEVAL_K": "99"}, "RETRIEVAL_K", id="out of range"),
        pytest.param({"EMBEDDING_MODEL": "all-minilm"}, "EMBEDDING_MODEL is all-minilm, and wordllama", id="a model"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_built(
    up: Start, resource: Path, docs: Path, environment: dict[str, str], said: str
) -> None:
    running = up("--file", resource, "--source", docs, **environment)

    assert 2 == running.ended()
    assert said in running.text
    assert "Traceback" not in running.text and "Embedding" not in running.text


def test_a_pinned_generation_is_served_and_nothing_is_built(up: Start, tmp_path: Path, docs: Path) -> None:
    free, pinned = tmp_path / "free.yaml", tmp_path / "pinned.yaml"
    free.write_text(RESOURCE.format(source="{sample: {}}"))
    first = up("--file", free, "--source", docs, "--once")
    assert 0 == first.ended()
    generation = first.wait_for(r"Published (gen-\w+)")
    (docs / "new.md").write_text("# New\n\nSomething new.\n")
    assert 0 == up("--file", free, "--source", docs, "--once").ended()
    pinned.write_text(RESOURCE.format(source="{sample: {}}") + f"  index: {{pin: {generation}}}\n")

    running = up("--file", pinned, "--source", docs)

    assert generation == running.answer("/health").json()["index"]["generation"]
    assert "nothing is built" in running.text


def test_what_this_version_does_without_is_said(up: Start, tmp_path: Path, docs: Path) -> None:
    path = tmp_path / "more.yaml"
    index = "{type: HNSW, vectorStorage: Float16, hnsw: {m: 8}}"
    path.write_text(RESOURCE.format(source="{sample: {}}") + f"  index: {index}\n  answers: {{model: llama3.2}}\n")

    running = up("--file", path, "--source", docs, "--once")

    assert 0 == running.ended()
    assert "This version does without: answers." in running.text
    built = read_manifest(current_generation_path(tmp_path / ".run" / "test"))
    assert IndexParameters("HNSW", "Float16", 8, 200) == built.index


def test_while_watching_a_changed_article_is_found_without_a_restart(up: Start, resource: Path, docs: Path) -> None:
    running = up("--file", resource, "--source", docs, "--watch")
    running.answer("/ready")

    (docs / "kiosk.md").write_text("# Kiosk\n\nScan a badge at the entrance.\n")

    found = running.answer("/search?q=badge+entrance&cache=false", lambda answer: "Scan a badge" in answer.text)
    assert "kiosk" == found.json()["results"][0]["id"]


def test_what_is_changed_during_the_first_build_is_found_as_well(up: Start, resource: Path, docs: Path) -> None:
    running = up("--file", resource, "--source", docs, "--watch")
    running.wait_for("(Embedding)")

    (docs / "kiosk.md").write_text("# Kiosk\n\nScan a badge at the entrance.\n")

    running.answer("/search?q=badge+entrance&cache=false", lambda answer: "Scan a badge" in answer.text)


def test_what_a_build_writes_below_the_watched_folder_is_no_change_of_it(up: Start, resource: Path, docs: Path) -> None:
    before = stamps(docs)

    running = up("--file", resource, "--source", docs, "--root", docs / ".run" / "test", "--once")

    assert 0 == running.ended()
    assert before == stamps(docs)  # else each build, and each line of the server's log, would start the next build


def test_what_changes_behind_a_link_that_stays_inside_the_source_is_seen(docs: Path) -> None:
    hidden = docs / ".checkout"  # as git-sync lays it out
    hidden.mkdir()
    (docs / "guides").symlink_to(".checkout")
    (hidden / "tags.md").write_text("# Tags\n\nColours.\n")
    before = stamps(docs)

    (hidden / "tags.md").write_text("# Tags\n\nNames and colours.\n")

    assert before != stamps(docs)


def test_in_a_source_that_is_not_there_nothing_is_seen(tmp_path: Path) -> None:
    assert frozenset() == stamps(tmp_path / "docs")


def test_an_existing_ollama_that_is_down_ends_with_the_embedders_exit_code(
    up: Start, tmp_path: Path, docs: Path
) -> None:
    path = tmp_path / "ollama.yaml"
    path.write_text(
        "apiVersion: clockifyrag.io/v1beta1\nkind: ClockifyRAG\nmetadata: {name: test}\n"
        "spec: {source: {sample: {}}, ollama: {url: 'http://127.0.0.1:9'}}\n"
    )

    running = up("--file", path, "--source", docs)

    assert 40 == running.ended()


def test_while_watching_the_index_before_is_served_where_the_first_build_fails(
    up: Start, resource: Path, docs: Path
) -> None:
    assert 0 == up("--file", resource, "--source", docs, "--once").ended()
    away = docs.rename(docs.with_name("away"))

    running = up("--file", resource, "--source", docs, "--watch")

    assert "kiosk" == running.answer("/search?q=pin+code").json()["results"][0]["id"]
    assert "The build failed; the index before it is still served." in running.text
    (away / "badge.md").write_text("# Badge\n\nScan a badge at the entrance.\n")
    away.rename(docs)
    running.answer("/search?q=badge+entrance&cache=false", lambda answer: "Scan a badge" in answer.text)


@pytest.mark.parametrize("option", ["--once", "--watch"])
def test_a_failed_build_without_an_index_before_it_ends_with_its_exit_code(
    up: Start, resource: Path, docs: Path, option: str
) -> None:
    running = up("--file", resource, "--source", docs / "missing", option)

    assert 30 == running.ended()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("apiVersion: v1\nkind: Pod\n", "clockifyrag.io/v1beta1", id="another kind"),
        pytest.param(
            RESOURCE.format(source="{sample: {}, http: {url: 'https://a.example/b.md'}}"), "exactly one", id="two"
        ),
        pytest.param(
            RESOURCE.format(source="{sample: {}}").replace("2}", "70}"), "spec.search.config.retrievalK", id="k"
        ),
    ],
)
def test_a_wrong_resource_is_refused_by_path(up: Start, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)

    running = up("--file", path)

    assert 2 == running.ended()
    assert said in running.text
