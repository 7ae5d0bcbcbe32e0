"""A build embeds beside reading and counting words, and a rebuild gives what a whole build gives."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from corpora import corpus
from folders import written
from progress import silent
from tests.server.fake_ollama import FakeOllama

from clockifyrag_builder import chunk_spool, embedding, sources, vector_table
from clockifyrag_builder.build import build
from clockifyrag_builder.documents import Block, Document, Section
from clockifyrag_builder.plan import BuildPlan, Shard
from clockifyrag_builder.report import Listed
from clockifyrag_builder.sources import LocalSource
from clockifyrag_index.embedders import Embedder, EmbedderIdentity, Vectors
from clockifyrag_index.embedders.canaries import CANARY_TEXTS
from clockifyrag_index.embedders.opening import open_embedder
from clockifyrag_index.errors import EmbedderError, SourceError, TextRefused
from clockifyrag_index.generations import Generation, current_generation_path, open_generation
from clockifyrag_index.layout import Layout
from clockifyrag_resource.profiles import model_profile

DEADLINE_SECONDS = 60.0
ADDED = "Press the brass button twice before you leave."


@dataclass
class Watched:
    """An embedder that tells when it was given a text of the corpus, and may be told to wait for something first."""

    inner: Embedder
    begun: threading.Event = field(default_factory=threading.Event)
    before: Callable[[], object] = lambda: None
    calls: list[list[str]] = field(default_factory=list)

    @property
    def identity(self) -> EmbedderIdentity:
        return self.inner.identity

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if set(texts) != set(CANARY_TEXTS):
            self.calls.append(list(texts))
            self.begun.set()
            self.before()
        return self.inner.embed_documents(texts)

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
        return self.inner.embed_question(text, timeout_seconds)

    def count_tokens(self, text: str) -> int:
        return self.inner.count_tokens(text)

    def close(self) -> None:
        """The inner one is closed by who opened it."""


@dataclass
class Articles:
    """A source of short articles; `between` is called in the second pass, in the middle."""

    count: int
    between: Callable[[], object] = lambda: None
    passes: int = 0
    given: int = 0  # in the second pass

    @property
    def description(self) -> Mapping[str, object]:
        return {"kind": "articles"}

    def fetch(self) -> str:
        return f"sha256:{self.count}"

    def documents(self) -> Iterator[Document]:
        self.passes += 1
        for number in range(self.count):
            if self.passes == 2 and number == self.count // 2:
                self.between()
            self.given += self.passes == 2
            block = Block("text", f"Article {number} tells how to start timer {number}.")
            yield Document(
                f"a{number}", "default", "", f"Timer {number}", "", "en", (Section((), "", (block,)),), "a.md"
            )

    def require_unchanged(self) -> None:
        """Its articles never change."""

    def reading(self) -> Mapping[str, Listed]:
        return {}


def over(plan_of: Callable[..., BuildPlan], root: Path, source: Articles, **changes: object) -> BuildPlan:
    return replace(plan_of("sample", root, **changes), source=source)


def opened(root: Path) -> Generation:
    return open_generation(current_generation_path(root))


def test_texts_are_embedded_while_others_are_still_being_read(
    plan_of: Callable[..., BuildPlan], wordllama: Embedder, tmp_path: Path
) -> None:
    embedder = Watched(wordllama)
    seen: list[bool] = []
    source = Articles(40, between=lambda: seen.append(embedder.begun.wait(DEADLINE_SECONDS)))

    outcome = build(over(plan_of, tmp_path, source, embedder=embedder, batch_size=4), silent)

    assert [True] == seen
    assert (40, 40) == (outcome.chunks, outcome.texts_embedded)


def test_words_are_counted_while_texts_are_embedded(
    plan_of: Callable[..., BuildPlan], wordllama: Embedder, tmp_path: Path
) -> None:
    counted: list[bool] = []

    def wait_for_words() -> None:
        ends = time.monotonic() + DEADLINE_SECONDS
        while not any(tmp_path.glob("generations/.words.tmp-*/*")) and time.monotonic() < ends:
            threading.Event().wait(0.01)
        counted.append(any(tmp_path.glob("generations/.words.tmp-*/*")))

    build(over(plan_of, tmp_path, Articles(8), embedder=Watched(wordllama, before=wait_for_words)), silent)

    assert counted and all(counted)
    assert not list(tmp_path.glob("generations/.*"))


def nothing_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """All chunks and vectors on the disk, a few texts ahead of the embedder."""
    monkeypatch.setattr(chunk_spool, "CHUNKS_IN_MEMORY", 3)
    monkeypatch.setattr(vector_table, "BYTES_IN_MEMORY", 0)
    monkeypatch.setattr(vector_table, "ROWS_AT_FIRST", 2)
    monkeypatch.setattr(embedding, "TEXTS_AHEAD", 6)


@pytest.mark.corpus
@pytest.mark.parametrize("known", [pytest.param(False, id="new model"), pytest.param(True, id="known model")])
def test_what_is_kept_on_the_disk_gives_the_generation_that_is_built_in_memory(
    plan_of: Callable[..., BuildPlan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    articles = corpus().articles
    built = build(plan_of(articles, tmp_path / "memory"), silent)
    if known:
        build(over(plan_of, tmp_path / "disk", Articles(2)), silent)

    nothing_in_memory(monkeypatch)
    again = build(plan_of(articles, tmp_path / "disk"), silent)

    in_memory, on_disk = opened(tmp_path / "memory"), opened(tmp_path / "disk")
    assert files_of(in_memory) == files_of(on_disk)
    assert built.texts_embedded == again.texts_embedded
    cosines = [in_memory.dense.vector(row) @ on_disk.dense.vector(row) for row in range(len(in_memory.chunks))]
    assert min(cosines) >= 0.99999


def test_reading_waits_where_too_many_texts_wait_for_the_embedder(
    plan_of: Callable[..., BuildPlan], wordllama: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_in_memory(monkeypatch)
    embedder, source, given = Watched(wordllama), Articles(60), []

    def wait_for_the_reader() -> None:
        """In the first call, as long as it takes to see that nothing more is read."""
        if not given:
            before = -1
            while source.given != before:
                before = source.given
                threading.Event().wait(0.3)
            given.append(before)

    embedder.before = wait_for_the_reader
    outcome = build(over(plan_of, tmp_path, source, embedder=embedder, batch_size=2), silent)

    assert 60 == outcome.texts_embedded
    assert 6 <= given[0] <= 6 + 2 * 4 + 1  # that wait, those of the calls given, and one in the reader's hand


def test_where_the_model_is_known_nothing_is_embedded_before_all_is_read(
    plan_of: Callable[..., BuildPlan], wordllama: Embedder, tmp_path: Path
) -> None:
    """Its vectors may be gone and all else unchanged: then no model is asked."""
    build(over(plan_of, tmp_path, Articles(8)), silent)
    shutil.rmtree(tmp_path / "cache")
    embedder = Watched(wordllama)

    again = build(over(plan_of, tmp_path, Articles(8), embedder=embedder, given_build_key="another"), silent)

    assert ("Unchanged", []) == (again.result, embedder.calls)


def test_a_source_that_fails_halfway_leaves_nothing_but_vectors(
    plan_of: Callable[..., BuildPlan], wordllama: Embedder, tmp_path: Path
) -> None:
    def fails() -> None:
        raise SourceError("the disk was taken away")

    with pytest.raises(SourceError, match="taken away"):
        build(over(plan_of, tmp_path, Articles(40, between=fails), batch_size=4), silent)

    assert not (tmp_path / "CURRENT").exists()
    assert not list((tmp_path / "generations").glob("*"))


def changed_copy(folder: Path) -> tuple[Path, Path]:
    """The corpus, and the corpus with one more sentence in one of its articles."""
    articles = corpus().articles
    before, after = folder / "before", folder / "after"
    for place in (before, after):
        place.mkdir()
        if articles.is_dir():
            shutil.copytree(articles, place, dirs_exist_ok=True)
        else:
            shutil.copy(articles, place)
    path = sorted(path for path in after.rglob("*.*") if "time entries" in path.read_text())[0]
    path.write_text(path.read_text().replace("time entries", f"time entries. {ADDED} Time entries", 1))
    return before, after


def files_of(generation: Generation) -> dict[str, bytes]:
    """All files that hold chunks or words, by name."""
    return {
        str(path.relative_to(generation.path)): path.read_bytes()
        for path in sorted(generation.path.rglob("*"))
        if path.is_file() and (path.parent.name == "lexical" or path.name.startswith(("chunks", "documents")))
    }


@pytest.mark.corpus
def test_a_rebuild_after_one_change_gives_what_a_whole_build_gives(
    plan_of: Callable[..., BuildPlan], tmp_path: Path
) -> None:
    before, after = changed_copy(tmp_path)
    build(plan_of(before, tmp_path / "grown"), silent)
    known = texts_of(opened(tmp_path / "grown"))

    changed = build(plan_of(after, tmp_path / "grown"), silent)
    build(plan_of(after, tmp_path / "whole"), silent)

    grown, whole = opened(tmp_path / "grown"), opened(tmp_path / "whole")
    assert changed.texts_embedded == len(texts_of(grown) - known) > 0
    assert files_of(whole) == files_of(grown)
    assert "chunks.jsonl" in files_of(grown) and any(name.startswith("lexical/") for name in files_of(grown))
    cosines = [grown.dense.vector(row) @ whole.dense.vector(row) for row in range(len(grown.chunks))]
    assert min(cosines) >= 0.99999


def test_of_a_changed_article_a_model_server_is_given_the_new_texts_and_the_canaries_alone(
    plan_of: Callable[..., BuildPlan], tmp_path: Path
) -> None:
    articles = {f"a{number}.md": f"# Timer {number}\n\nHow to start timer {number}.\n" for number in range(40)}
    with FakeOllama({"all-minilm": 384}) as ollama:
        embedder = open_embedder("Ollama", model_profile("all-minilm"), url=ollama.url)
        first = build(plan_of(written(tmp_path / "docs", articles), tmp_path / "root", embedder=embedder), silent)
        asked = len(ollama.inputs)
        articles["a7.md"] += f"\n{ADDED}\n"

        changed = build(plan_of(written(tmp_path / "docs", articles), tmp_path / "root", embedder=embedder), silent)
        given = [text for texts in ollama.inputs[asked:] for text in texts]
        same = build(plan_of(tmp_path / "docs", tmp_path / "root", embedder=embedder), silent)
        embedder.close()

    assert (40, 1) == (first.texts_embedded, changed.texts_embedded)
    assert ADDED in next(text for text in given if text not in CANARY_TEXTS)
    assert len(CANARY_TEXTS) + 1 == len(given)
    assert ("Unchanged", 0, changed.generation) == (same.result, same.texts_embedded, same.generation)


def texts_of(generation: Generation) -> set[str]:
    return {generation.chunks[row].embedded_text for row in range(len(generation.chunks))}


class WrittenAfterItsDigest(LocalSource):
    """A folder in which an article is written after the digest was taken, and before it is read."""

    def fetch(self) -> str:
        digest = super().fetch()
        (self._path / "timer.md").write_text("# Timer\n\nStop the timer.\n")
        return digest


@pytest.mark.parametrize("held_bytes_max", [pytest.param(1 << 20, id="held"), pytest.param(0, id="read in each pass")])
def test_what_is_written_between_digest_and_reading_ends_the_build(
    held_bytes_max: int, plan_of: Callable[..., BuildPlan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A generation of the one text under the digest of the other would be called unchanged when that text is back.
    monkeypatch.setattr(sources, "HELD_BYTES_MAX", held_bytes_max)
    docs = written(tmp_path / "docs", {"timer.md": "# Timer\n\nStart the timer.\n"})
    source = WrittenAfterItsDigest(docs, tmp_path / "work", "Auto", "default", strict=False)

    with pytest.raises(SourceError, match=r"docs changed while it was read; build again"):
        build(replace(plan_of(docs, tmp_path / "root"), source=source), silent)

    assert [] == Layout(tmp_path / "root").generation_ids()
    assert "Built" == build(plan_of(docs, tmp_path / "root"), silent).result


class Picky(Watched):
    """An embedder that refuses the text about timer 7."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        for position, text in enumerate(texts):
            if "timer 7." in text:
                raise TextRefused(position, "it holds no token that the model knows")
        return super().embed_documents(texts)


@pytest.mark.parametrize(
    ("stands", "changes"),
    [
        pytest.param(False, {}, id="first build"),
        pytest.param(True, {}, id="beside a generation"),
        pytest.param(False, {"embed_only": Shard(0, 1)}, id="shard"),
    ],
)
def test_an_article_that_cannot_be_embedded_is_named(
    stands: bool, changes: dict[str, object], plan_of: Callable[..., BuildPlan], wordllama: Embedder, tmp_path: Path
) -> None:
    if stands:
        build(over(plan_of, tmp_path, Articles(2)), silent)

    with pytest.raises(EmbedderError, match=r"it holds no token that the model knows \(article 'a7'\)"):
        build(over(plan_of, tmp_path, Articles(9), embedder=Picky(wordllama), **changes), silent)
