"""What an explanation says is what the search does: numbers add up, ranks and rules are those of the results."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from clockifyrag_builder.sample import sample_articles, sample_glossary, sample_questions
from clockifyrag_index.errors import UnknownItem, UnknownNamespace
from clockifyrag_index.evaluate import load_judged
from clockifyrag_index.explain import explain
from clockifyrag_index.glossary import Glossary, load_glossary
from clockifyrag_index.search import SCORE_DIGITS, SearchEngine, SearchRequest

QUESTIONS = [one.query for one in load_judged(sample_questions())]

TWO_SPACES = {
    "help/timer.md": "---\ntitle: Timer\n---\nStart the timer and stop it when the work is done.\n",
    "help/report.md": "---\ntitle: Report\n---\nExport the report as CSV.\n",
    "intern/kiosk.md": "---\ntitle: Kiosk\nnamespace: intern\n---\nThe timer of the kiosk needs a PIN.\n",
    "many.md": "# Many\n" + "".join(f"\n## Part {part}\n\nThe brass button {'shines ' * 60}.\n" for part in range(6)),
}


@pytest.fixture(scope="module")
def sample(engine_over: Callable[..., SearchEngine]) -> SearchEngine:
    return engine_over(sample_articles(), glossary=load_glossary(sample_glossary()))


@pytest.fixture(scope="module")
def two_spaces(engine_over: Callable[..., SearchEngine]) -> SearchEngine:
    return engine_over(TWO_SPACES)


@pytest.mark.parametrize("query", [*QUESTIONS[::9], "PTO", "aprove timeshets", '"time off" policy', "timer -report"])
def test_every_result_is_explained_by_numbers_that_add_up_to_its_score(sample: SearchEngine, query: str) -> None:
    for hit in sample.search(SearchRequest(query, k=10)).hits:
        found = explain(sample, SearchRequest(query, k=10), hit.sections[0].chunk.document_id)

        assert (None, hit.rank, hit.relevance_score) == (found.removed_by, found.rank, found.relevance_score)
        assert hit.sections[0].chunk == sample.generation.chunks[found.row]
        assert found.dense is not None
        legs = found.dense.score * found.dense.weight + found.lexical.score * found.lexical.weight
        assert pytest.approx(found.fused_score, abs=1e-6) == legs
        assert pytest.approx(found.relevance_score, abs=1e-6) == sample.curve.relevance(found.fused_score)
        share = found.article_share
        passage, article = (min(1.0, sum(getattr(one, part) for one in found.terms)) for part in ("passage", "article"))
        assert pytest.approx(found.lexical.score, abs=1e-5) == (1 - share) * passage + share * article
        cosines = (1 - share) * max(0.0, found.dense_passage or 0) + share * max(0.0, found.dense_article or 0)
        assert pytest.approx(found.dense.score, abs=1e-5) == cosines


def test_where_only_the_glossary_has_terms_these_add_up_too(two_spaces: SearchEngine) -> None:
    engine = SearchEngine(two_spaces.generation, None, Glossary((("IT", "work pin"),)))

    found = explain(engine, SearchRequest("IT"), "intern/kiosk")

    share = found.article_share
    passage, article = (sum(getattr(one, part) for one in found.terms) for part in ("passage", "article"))
    assert {"work", "pin"} == {one.term for one in found.terms}
    assert 0 < found.lexical.score < 1
    assert pytest.approx(found.lexical.score, abs=1e-5) == (1 - share) * passage + share * article


@pytest.fixture(scope="module")
def by_ranks(sample: SearchEngine) -> SearchEngine:
    config = replace(sample.config, fusion=replace(sample.fusion, method="rrf"))
    return SearchEngine(sample.generation, sample.embedder, sample.glossary, config)


@pytest.mark.parametrize("query", [*QUESTIONS[::9], "PTO", '"time off" policy', "timer -report"])
def test_with_reciprocal_ranks_these_add_up_to_the_score(by_ranks: SearchEngine, query: str) -> None:
    for hit in by_ranks.search(SearchRequest(query, k=10)).hits:
        found = explain(by_ranks, SearchRequest(query, k=10), hit.sections[0].chunk.document_id)
        told = hit.explanation

        assert ("rrf", "rrf") == (told["fusion"], found.fusion)
        assert (None, hit.rank, hit.relevance_score) == (found.removed_by, found.rank, found.relevance_score)
        assert found.fused_score == pytest.approx(found.relevance_score)
        assert found.dense is not None
        parts = (found.dense.reciprocal_rank, found.lexical.reciprocal_rank)
        assert pytest.approx(parts, abs=1e-6) == (told["dense_reciprocal_rank"], told["lexical_reciprocal_rank"])
        total = sum((leg.reciprocal_rank or 0) * leg.weight for leg in (found.dense, found.lexical))
        assert pytest.approx(total, abs=1e-6) == found.fused_score


def test_a_passage_that_is_not_ranked_has_the_reciprocal_ranks_it_would_have(by_ranks: SearchEngine) -> None:
    request = SearchRequest("approve timesheets")
    first = by_ranks.search(request).hits[0]

    outside = explain(by_ranks, replace(request, category="nowhere"), first.sections[0].chunk.document_id)

    assert ("category", None) == (outside.removed_by, outside.rank)
    assert (1.0, 1.0) == (outside.fused_score, outside.lexical.reciprocal_rank)  # nothing else stands there


@pytest.mark.parametrize("query", QUESTIONS[::9])
def test_details_of_a_search_add_up_too(sample: SearchEngine, query: str) -> None:
    for hit in sample.search(SearchRequest(query, k=20)).hits:
        told = {name: float(value or 0) for name, value in hit.explanation.items() if name != "fusion"}

        legs = told["dense_score"] * told["dense_weight"] + told["lexical_score"] * told["lexical_weight"]
        assert pytest.approx(told["fused_score"], abs=3e-6) == legs
        assert pytest.approx(hit.relevance_score, abs=1e-5) == sample.curve.relevance(told["fused_score"])


def test_an_article_behind_the_last_result_is_told_with_its_rank_and_the_last_one(sample: SearchEngine) -> None:
    request = SearchRequest(QUESTIONS[0], k=3)
    every = sample.search(replace(request, k=20)).hits
    seventh = every[6]

    found = explain(sample, request, seventh.sections[0].chunk.document_id)

    assert ("k", 7, seventh.relevance_score) == (found.removed_by, found.rank, found.relevance_score)
    assert found.last is not None
    assert (every[2].sections[0].chunk.document_id, 3) == (found.last.id, found.last.rank)
    assert found.last.fused_score > found.fused_score


@pytest.mark.parametrize(
    ("request_", "wanted", "rule"),
    [
        pytest.param(SearchRequest("timer", namespace="intern"), "help/timer", "namespace", id="namespace"),
        pytest.param(SearchRequest("timer", category="intern"), "help/timer", "category", id="category"),
        pytest.param(SearchRequest("timer", category=" help /"), "help/timer", None, id="loosely written"),
        pytest.param(SearchRequest("start -work"), "help/timer", "operators", id="a word to leave out"),
        pytest.param(SearchRequest('timer "of the kiosk"'), "help/timer", "operators", id="a phrase"),
        pytest.param(SearchRequest("timer", min_score=1.0), "help/timer", "min_score", id="min_score"),
        pytest.param(SearchRequest("export the report timer", k=1), "help/timer", "k", id="k"),
        pytest.param(SearchRequest("\u200b\u200b"), "help/timer", "no_match", id="nothing asked"),
        pytest.param(SearchRequest("timer"), "help/timer", None, id="shown"),
    ],
)
def test_the_rule_that_keeps_an_article_away_is_named(
    two_spaces: SearchEngine, request_: SearchRequest, wanted: str, rule: str | None
) -> None:
    shown = {hit.sections[0].chunk.document_id for hit in two_spaces.search(request_).hits}

    assert rule == explain(two_spaces, request_, wanted).removed_by
    assert (rule is None) == (wanted in shown)


def test_a_passage_behind_three_better_ones_of_its_article_is_told_as_such(two_spaces: SearchEngine) -> None:
    request = SearchRequest("brass button shines")
    shown = {one.chunk.chunk_id for hit in two_spaces.search(request).hits for one in hit.sections}
    every = [chunk.chunk_id for chunk in two_spaces.generation.chunks if chunk.document_id == "many"]

    rules = {chunk_id: explain(two_spaces, request, chunk_id).removed_by for chunk_id in every}

    assert 6 == len(every)
    assert {chunk_id: None if chunk_id in shown else "better_sections" for chunk_id in every} == rules


def test_terms_are_told_as_they_stand_in_the_passage(two_spaces: SearchEngine) -> None:
    (term,) = explain(two_spaces, SearchRequest("timer"), "help/timer").terms

    assert ("timer", 1.0, {"title": 1, "headings": 0, "body": 1}) == (term.term, term.weight, term.frequency)
    assert term.idf > 0
    assert 0 < term.passage <= 1
    assert 0 < term.article <= 1


def test_without_a_vector_words_alone_are_explained(two_spaces: SearchEngine) -> None:
    engine = SearchEngine(two_spaces.generation, None)

    found = explain(engine, SearchRequest("timer"), "help/timer")

    assert (None, ("embedder",), 1.0) == (found.dense, found.degraded, found.lexical.weight)
    assert found.fused_score == found.lexical.score
    assert round(found.fused_score, SCORE_DIGITS) == found.relevance_score


def test_an_unknown_id_names_the_nearest(two_spaces: SearchEngine) -> None:
    with pytest.raises(UnknownItem, match="did you mean 'help/timer'"):
        explain(two_spaces, SearchRequest("timer"), "help/timr")


def test_an_unknown_namespace_is_refused_as_by_a_search(two_spaces: SearchEngine) -> None:
    with pytest.raises(UnknownNamespace):
        explain(two_spaces, SearchRequest("timer", namespace="nowhere"), "help/timer")
