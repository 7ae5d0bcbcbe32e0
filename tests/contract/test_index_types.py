"""Index types through a whole build: what Auto comes to, what is measured and told, and what a search finds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from folders import written
from progress import silent

from clockifyrag_builder.build import build
from clockifyrag_builder.plan import BuildPlan
from clockifyrag_builder.recall_questions import recall_questions
from clockifyrag_builder.sample import sample_articles, sample_questions
from clockifyrag_index import index_choice
from clockifyrag_index.embedders import Embedder
from clockifyrag_index.evaluate import evaluate, load_judged
from clockifyrag_index.generations import current_generation_path, open_generation
from clockifyrag_index.index_choice import IndexChoice
from clockifyrag_index.manifest import Recall, VectorStorage
from clockifyrag_index.search import SearchConfig, SearchEngine, SearchRequest

Plans = Callable[..., BuildPlan]
Asked = list[tuple[str, float]]

CHOICES = [
    pytest.param(IndexChoice(kind, storage), id=f"{kind} {storage}")
    for kind in ("Flat", "HNSW")
    for storage in ("Float32", "Float16", "SQ8")
]


@pytest.fixture(scope="module")
def engine_of(
    plan_of: Plans, wordllama: Embedder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[IndexChoice], SearchEngine]]:
    """engine_of(choice): the sample indexed so, built once for each; they share a cache of vectors."""
    root, engines = tmp_path_factory.mktemp("root"), dict[IndexChoice, SearchEngine]()

    def engine(choice: IndexChoice) -> SearchEngine:
        if choice not in engines:
            build(plan_of(sample_articles(), root, index=choice), silent)
            generation = open_generation(current_generation_path(root))
            engines[choice] = SearchEngine(generation, wordllama, config=SearchConfig(embed_timeout_seconds=30))
        return engines[choice]

    yield engine
    for one in engines.values():
        one.generation.close()


def answered(engine: SearchEngine, query: str, k: int = 10, category: str | None = None) -> Asked:
    hits = engine.search(SearchRequest(query, k=k, category=category)).hits
    return [(hit.sections[0].chunk.chunk_id, hit.relevance_score) for hit in hits]


QUERIES = [one.query for one in load_judged(sample_questions())]


@pytest.mark.parametrize("choice", CHOICES)
def test_the_type_of_the_index_hardly_moves_the_ranking(
    engine_of: Callable[[IndexChoice], SearchEngine], choice: IndexChoice
) -> None:
    def ndcg(engine: SearchEngine) -> float:
        def ranking(query: str) -> list[tuple[str, ...]]:
            hits = engine.search(SearchRequest(query, k=10)).hits
            return [(hit.sections[0].chunk.document_id,) for hit in hits]

        return evaluate(load_judged(sample_questions()), ranking).interval("ndcg").mean

    flat = ndcg(engine_of(IndexChoice("Flat", "Float32")))

    assert flat == pytest.approx(ndcg(engine_of(choice)), abs=0.005)


@pytest.mark.parametrize("choice", CHOICES)
def test_the_first_five_of_ten_are_the_five_to_the_last_bit(
    engine_of: Callable[[IndexChoice], SearchEngine], choice: IndexChoice
) -> None:
    engine = engine_of(choice)

    for query in QUERIES:
        assert answered(engine, query, 10)[:5] == answered(engine, query, 5)


@pytest.mark.parametrize("storage", ["Float16", "SQ8"])
def test_the_first_five_are_the_five_even_past_what_the_index_reaches(
    engine_of: Callable[[IndexChoice], SearchEngine], storage: VectorStorage
) -> None:
    wide = engine_of(IndexChoice("Flat", storage))
    engine = SearchEngine(wide.generation, wide.embedder, config=replace(wide.config, ef_search=8))

    for query in QUERIES:
        assert answered(engine, query, 50)[:5] == answered(engine, query, 5)


@pytest.mark.parametrize("choice", CHOICES)
def test_what_all_types_find_has_one_score(
    engine_of: Callable[[IndexChoice], SearchEngine], choice: IndexChoice
) -> None:
    engine, flat = engine_of(choice), engine_of(IndexChoice("Flat", "Float32"))

    for query in QUERIES:
        expected = dict(answered(flat, query))
        found = dict(answered(engine, query))
        assert len(expected.keys() & found.keys()) >= 0.9 * len(expected)
        assert [expected[one] for one in expected if one in found] == [found[one] for one in expected if one in found]


@pytest.mark.parametrize("choice", CHOICES)
def test_a_category_is_searched_whole(engine_of: Callable[[IndexChoice], SearchEngine], choice: IndexChoice) -> None:
    engine, flat = engine_of(choice), engine_of(IndexChoice("Flat", "Float32"))
    category = flat.generation.chunks[0].category.partition("/")[0]

    for query in QUERIES[:20]:
        found = answered(engine, query, category=category)
        assert found
        assert all(one in dict(answered(flat, query, 50, category)) for one, _ in found[:3])


def test_the_beam_is_that_of_the_settings(engine_of: Callable[[IndexChoice], SearchEngine]) -> None:
    engine = engine_of(IndexChoice("HNSW", "SQ8"))
    narrow = SearchEngine(
        engine.generation, engine.embedder, config=SearchConfig(ef_search=1)
    )  # one passage is proposed, and its article

    wide_ranks, narrow_ranks = (
        sum(hit.explanation["dense_rank"] is not None for hit in one.search(SearchRequest(QUERIES[0], k=20)).hits)
        for one in (engine, narrow)
    )

    assert 1 == narrow_ranks < wide_ranks


def test_a_beam_below_the_promise_is_told(plan_of: Plans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path / "docs", {f"{n}.md": f"# Topic {n}\n\nSubject {n * n}.\n" for n in range(30)})
    plan = plan_of(folder, tmp_path / "root", index=IndexChoice("HNSW"))

    good = build(plan, silent)
    monkeypatch.setattr("clockifyrag_index.writer.recall_at_10", lambda *_: Recall(0.9, 30))
    poor = build(plan_of(folder, tmp_path / "other", index=IndexChoice("HNSW")), silent)

    assert ("HNSW SQ8", 1.0) == (good.summary()["index"], good.summary()["recallAt10"])
    assert "recall" not in good.report.text()
    assert 0.9 == poor.summary()["recallAt10"]
    assert "finds 90 % of the ten nearest" in poor.report.text()
    assert good.generation == poor.generation


@contextmanager
def hnsw_from(chunks: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(index_choice, "HNSW_FROM", chunks)
        yield


def test_auto_becomes_hnsw_where_chunks_are_many_and_is_unchanged_the_next_time(plan_of: Plans, tmp_path: Path) -> None:
    folder = written(tmp_path / "docs", {f"{n}.md": f"# Topic {n}\n\nSubject {n * n}.\n" for n in range(30)})

    with hnsw_from(31):
        few = build(plan_of(folder, tmp_path / "few"), silent)
    with hnsw_from(30):
        many = build(plan_of(folder, tmp_path / "many"), silent)
        again = build(plan_of(folder, tmp_path / "many", given_build_key="another"), silent)

    assert ("Flat Float32", "HNSW SQ8") == (few.summary()["index"], many.summary()["index"])
    assert "recallAt10" not in few.summary()
    assert ("Unchanged", many.generation) == (again.result, again.generation)


def test_questions_to_measure_with_are_headings_once_each(
    engine_of: Callable[[IndexChoice], SearchEngine], wordllama: Embedder
) -> None:
    chunks = list(engine_of(IndexChoice("Flat", "Float32")).generation.chunks)

    questions = recall_questions(chunks, wordllama)

    headings = {one.headings[-1] if one.headings else one.title for one in chunks}
    asked = {wordllama.embed_question(one).tobytes() for one in headings}
    assert 100 <= len(questions) <= 200
    assert {one.tobytes() for one in questions} <= asked
    assert len(questions) == len({one.tobytes() for one in questions})
    assert (recall_questions(chunks, wordllama) == questions).all()
