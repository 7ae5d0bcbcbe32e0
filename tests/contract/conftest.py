"""Indexes of small folders of Markdown, built by the builder itself with wordllama: fast, and in the process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from folders import written
from progress import silent

from clockifyrag_builder.build import build
from clockifyrag_builder.passages import ChunkLimits
from clockifyrag_builder.plan import BuildPlan
from clockifyrag_builder.sources import source_of
from clockifyrag_index.embedders import Embedder
from clockifyrag_index.embedders.opening import open_embedder
from clockifyrag_index.generations import current_generation_path, open_generation
from clockifyrag_index.glossary import Glossary
from clockifyrag_index.search import SearchEngine
from clockifyrag_resource.profiles import model_profile

Engines = Callable[..., SearchEngine]
WORDLLAMA = model_profile("wordllama")


@pytest.fixture(scope="session")
def wordllama() -> Iterator[Embedder]:
    """The fast embedder, opened once."""
    embedder = open_embedder("Local", WORDLLAMA)
    yield embedder
    embedder.close()


@pytest.fixture(scope="session")
def plan_of(wordllama: Embedder) -> Callable[..., BuildPlan]:
    """plan_of(source, root, **changes): a build of a path with wordllama."""

    def plan(source: Path | str, root: Path, **changes: object) -> BuildPlan:
        limits = ChunkLimits(WORDLLAMA.max_chars, WORDLLAMA.context_tokens)
        defaults = {"source": source_of(str(source), work=root / "work"), "limits": limits, "embedder": wordllama}
        return BuildPlan(root=root, **{**defaults, **changes})  # type: ignore[arg-type]

    return plan


@pytest.fixture(scope="session")
def engine_over(
    plan_of: Callable[..., BuildPlan], wordllama: Embedder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engines]:
    """engine_over(files or source path, embedder=wordllama, glossary=()): an engine over a fresh index."""
    with ExitStack() as opened:

        def engine(
            source: Mapping[str, str] | Path,
            embedder: Embedder | None = wordllama,
            glossary: Glossary | None = None,
        ) -> SearchEngine:
            root = tmp_path_factory.mktemp("root")
            folder = source if isinstance(source, Path) else written(tmp_path_factory.mktemp("docs"), source)
            build(plan_of(folder, root), silent)
            generation = open_generation(current_generation_path(root))
            opened.callback(generation.close)
            return SearchEngine(generation, embedder, glossary)

        yield engine
