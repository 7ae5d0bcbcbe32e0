"""The search engine over indexes that the builder wrote: what every ranking promises."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from clockifyrag_builder.sample import sample_articles, sample_glossary, sample_questions
from clockifyrag_index import row_filter
from clockifyrag_index.embedders import Embedder, EmbedderIdentity, Vectors
from clockifyrag_index.errors import DeadlineExceeded, EmbedderUnavailable, UnknownNamespace
from clockifyrag_index.evaluate import evaluate, load_judged
from clockifyrag_index.explain import explain
from clockifyrag_index.fusion import Fusion
from clockifyrag_index.glossary import Glossary, load_glossary
from clockifyrag_index.relevance import Trust
from clockifyrag_index.search import SearchConfig, SearchEngine, SearchRequest, SearchResult

QUESTIONS = [one.query for one in load_judged(sample_questions())]

TWO_SPACES = {
    "help/timer.md": "---\ntitle: Timer\n---\nStart the timer and stop it when the work is done.\n",
    "help/report.md": "---\ntitle: Report\n---\nExport the report as CSV.\n",
    "intern/kiosk.md": "---\ntitle: Kiosk\nnamespace: intern\n---\nThe timer of the kiosk needs a PIN.\n",
}


class Unreachable:
    """A model server that is down: what Ollama's embedder says of it. Only the failure is wanted, which is exact."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def identity(self) -> EmbedderIdentity:
        return self._embedder.identity

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
        raise EmbedderUnavailable("connection refused")


@pytest.fixture(scope="module")
def sample(engine_over: Callable[..., SearchEngine]) -> SearchEngine:
    return engine_over(sample_articles(), glossary=load_glossary(sample_glossary()))


@pytest.fixture(scope="module")
def two_spaces(engine_over: Callable[..., SearchEngine]) -> SearchEngine:
    return engine_over(TWO_SPACES)


def ids(result: SearchResult) -> list[str]:
    return [hit.sections[0].chunk.document_id for hit in result.hits]


@pytest.mark.parametrize("query", QUESTIONS[::5])
def test_the_first_five_of_fifty_are_the_first_five(sample: SearchEngine, query: str) -> None:
    few, many = sample.search(SearchRequest(query, k=5)), sample.search(SearchRequest(query, k=50))

    assert ids(many)[:5] == ids(few)
    assert [hit.relevance_score for hit in many.hits][:5] == [hit.relevance_score for hit in few.hits]


@pytest.mark.parametrize("query", QUESTIONS[::7])
def test_scores_fall_with_the_rank_and_stay_between_zero_and_one(sample: SearchEngine, query: str) -> None:
    hits = sample.search(SearchRequest(query, k=20)).hits

    scores = [hit.relevance_score for hit in hits]

    assert sorted(scores, reverse=True) == scores
    assert all(0 < score <= 1 for score in scores)
    assert list(range(1, len(hits) + 1)) == [hit.rank for hit in hits]


@pytest.mark.parametrize("query", QUESTIONS[::7])
def test_an_article_stands_once_with_its_best_sections_first(sample: SearchEngine, query: str) -> None:
    hits = sample.search(SearchRequest(query, k=20)).hits

    assert len({hit.sections[0].chunk.document_id for hit in hits}) == len(hits)
    for hit in hits:
        assert 1 <= len(hit.sections) <= 3
        assert len({section.chunk.document_id for section in hit.sections}) == 1
        assert sorted((section.score for section in hit.sections), reverse=True) == [s.score for s in hit.sections]


def test_highlights_are_words_of_the_passage(sample: SearchEngine) -> None:
    section = sample.search(SearchRequest("export a report as CSV")).hits[0].sections[0]

    marked = {section.chunk.content[start:end].casefold() for start, end in section.highlights}

    assert marked & {"export", "report", "reports", "csv"}


def test_words_of_letters_beside_their_marks_and_of_soft_hyphens_are_found_and_marked_whole(
    engine_over: Callable[..., SearchEngine],
) -> None:
    engine = engine_over({"cv.md": "# CV\n\nUpload a re\u0301sume\u0301 and a time\u00adsheet.\n"})

    section = engine.search(SearchRequest("r\u00e9sum\u00e9 timesheet")).hits[0].sections[0]

    marked = [section.chunk.content[start:end] for start, end in section.highlights]
    assert ["r\u00e9sum\u00e9", "timesheet"] == marked


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("timer -kiosk", ["help/timer"], id="a word to exclude"),
        pytest.param("the timer -pins", ["help/timer"], id="in another form"),
        pytest.param('"timer of the kiosk"', ["intern/kiosk"], id="a phrase"),
        pytest.param("timer “needs a pin”", ["intern/kiosk"], id="in typographic quotes"),
        pytest.param('timer -"needs a PIN"', ["help/timer"], id="a phrase to exclude"),
        pytest.param('"kiosk of the timer"', [], id="in another order"),
        pytest.param('"timer" -kiosk -work', [], id="nothing is left"),
        pytest.param("-kiosk", [], id="nothing is asked"),
    ],
)
def test_operators_decide_which_passages_count_in_both_legs(
    two_spaces: SearchEngine, query: str, expected: list[str]
) -> None:
    alone = SearchEngine(two_spaces.generation, None)

    assert expected == ids(alone.search(SearchRequest(query)))
    assert set(expected) == {one for one in ids(two_spaces.search(SearchRequest(query))) if one != "help/report"}


def test_an_article_whose_passage_with_the_words_is_left_out_stands_where_its_own_words_put_it_for_every_k(
    engine_over: Callable[..., SearchEngine],
) -> None:
    payroll = "Payroll invoices payroll invoices payroll invoices. " * 8
    colours = "Choose the colours of your dashboard, the fonts, the language of the menus and a photograph. " * 4
    holidays = "Holidays of each country are listed here, and the office can add its own. " * 4
    wages = "Wages, salaries and bills of an office: compensation, remuneration, bookkeeping, accounting. " * 3
    beside = f"## Two\n\n{colours}\n\n## Three\n\n{holidays}\n\n## Four\n\n{colours}"
    engine = engine_over(
        {
            "a.md": f"# Alpha\n\n## One\n\nThe legacy screen. {payroll}\n\n{beside}",
            **{f"b{office}.md": f"# Salary {office}\n\n{office}: {wages}" for office in range(60)},
        }
    )
    query = "salary wages payroll invoices -legacy"

    many = ids(engine.search(SearchRequest(query, k=50)))
    few = [ids(engine.search(SearchRequest(query, k=k))) for k in (1, 2, 5)]
    told = explain(engine, SearchRequest(query, k=5), "a")

    assert "a" == many[0]
    assert few == [many[:1], many[:2], many[:5]]
    assert (1, None) == (told.rank, told.removed_by)


@pytest.mark.parametrize("narrowed", [{"namespace": "intern"}, {"category": "staff"}], ids=["namespace", "category"])
def test_a_phrase_is_looked_for_where_the_question_is_asked_though_other_passages_hold_its_words_better(
    engine_over: Callable[..., SearchEngine], monkeypatch: pytest.MonkeyPatch, narrowed: dict[str, str]
) -> None:
    policy = "The company grants every employee twenty-five days of paid time off each calendar year."
    engine = engine_over(
        {
            **{f"help/{day}.md": f"# Off time {day}\n\nOff the time {day}: off, the time.\n" for day in range(9)},
            "staff/policy.md": f"---\ntitle: Policies\nnamespace: intern\n---\n{policy}\n",
            "staff/bills.md": "---\ntitle: Bills\nnamespace: intern\n---\nBills are sent on the last of the days.\n",
        }
    )
    monkeypatch.setattr(row_filter, "READ_MAX", 3)

    required, excluded = (
        ids(engine.search(SearchRequest(query, **narrowed)))  # type: ignore[arg-type]
        for query in ('"time off" policy', 'days -"time off"')
    )

    assert ["staff/policy"] == required
    assert ["staff/bills"] == excluded


def test_a_phrase_is_found_word_for_word_in_every_section_shown(sample: SearchEngine) -> None:
    hits = sample.search(SearchRequest('"time entry" rounding -kiosk', k=10)).hits

    texts = [
        " ".join((section.chunk.title, *section.chunk.headings, section.chunk.content)).casefold()
        for hit in hits
        for section in hit.sections
    ]
    assert texts
    assert all("time entry" in text and "kiosk" not in text for text in texts)


def test_the_same_question_has_the_same_answer_from_many_threads(sample: SearchEngine) -> None:
    def answer(query: str) -> tuple[tuple[str, float], ...]:
        hits = sample.search(SearchRequest(query)).hits
        return tuple((hit.sections[0].chunk.chunk_id, hit.relevance_score) for hit in hits)

    alone = [answer(query) for query in QUESTIONS[:30]]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(answer, QUESTIONS[:30] * 4))

    assert alone * 4 == together


def test_neither_leg_alone_ranks_better_than_both(sample: SearchEngine) -> None:
    judged = load_judged(sample_questions())

    def ndcg(engine: SearchEngine) -> float:
        def ranking(query: str) -> list[tuple[str, ...]]:
            return [(one,) for one in ids(engine.search(SearchRequest(query, k=10)))]

        return evaluate(judged, ranking).interval("ndcg").mean

    dense = SearchConfig(fusion=Fusion(dense_weight=1, lexical_weight=0))
    legs = [
        SearchEngine(sample.generation, sample.embedder, sample.glossary, dense),
        SearchEngine(sample.generation, None, sample.glossary),
    ]

    both = ndcg(sample)

    assert both >= max(map(ndcg, legs)) - 0.005
    assert both >= 0.8  # wordllama on the sample; all-minilm stands in docs/quality.md


def test_a_namespace_holds_back_the_others(two_spaces: SearchEngine) -> None:
    everywhere = ids(two_spaces.search(SearchRequest("timer")))
    intern = ids(two_spaces.search(SearchRequest("timer", namespace="intern")))

    assert {"help/timer", "intern/kiosk"} <= set(everywhere)
    assert ["intern/kiosk"] == intern


def test_an_unknown_namespace_names_the_known_ones(two_spaces: SearchEngine) -> None:
    with pytest.raises(UnknownNamespace) as refused:
        two_spaces.search(SearchRequest("timer", namespace="nowhere"))

    assert ("default", "intern") == refused.value.known


@pytest.mark.parametrize(
    ("category", "expected"),
    [("help", {"help/timer", "help/report"}), ("intern", {"intern/kiosk"}), ("hel", set()), ("help/timer", set())],
)
def test_a_category_is_leading_segments_of_the_path(
    two_spaces: SearchEngine, category: str, expected: set[str]
) -> None:
    assert expected == set(ids(two_spaces.search(SearchRequest("timer report", category=category))))


def test_without_the_embedder_words_alone_answer(two_spaces: SearchEngine, wordllama: Embedder) -> None:
    engine = SearchEngine(two_spaces.generation, Unreachable(wordllama))  # type: ignore[arg-type]

    result = engine.search(SearchRequest("export the report"))

    assert (("embedder",), "help/report", "lexical") == (result.degraded, ids(result)[0], result.hits[0].source)


def test_without_the_embedder_a_question_of_unknown_words_finds_nothing(two_spaces: SearchEngine) -> None:
    engine = SearchEngine(two_spaces.generation, None)

    result = engine.search(SearchRequest("zyzzyva"))

    assert ((), True) == (result.hits, result.low_confidence)


def test_a_question_of_invisible_characters_finds_nothing_and_blames_nobody(two_spaces: SearchEngine) -> None:
    result = two_spaces.search(SearchRequest("\u200b\u200b\u200b"))

    assert ((), (), "", True) == (result.hits, result.degraded, result.query_processed, result.low_confidence)


def test_a_model_server_that_uses_up_all_the_time_leaves_the_words(
    two_spaces: SearchEngine, wordllama: Embedder
) -> None:
    class Slow(Unreachable):
        def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
            threading.Event().wait(timeout_seconds)  # the fault itself
            raise EmbedderUnavailable("no answer in time")

    engine = SearchEngine(two_spaces.generation, Slow(wordllama))

    result = engine.search(SearchRequest("export the report", timeout_seconds=0.1))

    assert (("embedder",), "help/report") == (result.degraded, ids(result)[0])


def test_no_time_at_all_is_told_as_such(two_spaces: SearchEngine) -> None:
    with pytest.raises(DeadlineExceeded):
        two_spaces.search(SearchRequest("timer", timeout_seconds=0))


def test_a_least_score_cuts_the_rest(sample: SearchEngine) -> None:
    every = sample.search(SearchRequest("approve timesheets", k=20)).hits
    least = every[2].relevance_score

    cut = sample.search(SearchRequest("approve timesheets", k=20, min_score=least)).hits

    assert [hit.rank for hit in every if hit.relevance_score >= least] == [hit.rank for hit in cut]


def test_a_misspelt_question_is_corrected_unless_expansion_is_off(sample: SearchEngine) -> None:
    corrected = sample.search(SearchRequest("aprove timeshets"))
    as_typed = sample.search(SearchRequest("aprove timeshets", expand=False))

    assert ("approve timesheets", None) == (corrected.corrected_query, as_typed.corrected_query)


def test_a_word_that_the_embedder_knows_is_no_misspelt_one(sample: SearchEngine, wordllama: Embedder) -> None:
    class Knowing(Unreachable):
        def knows_word(self, word: str) -> bool:
            return word == "lunch"

    knowing = SearchEngine(sample.generation, Knowing(wordllama))

    corrected = [knowing.search(SearchRequest(query)).corrected_query for query in ("lunch break", "lanch break")]

    assert [None, "launch break"] == corrected


def test_the_glossary_finds_other_names(sample: SearchEngine) -> None:
    result = sample.search(SearchRequest("PTO"))

    assert result.expansion_applied
    assert any(one.startswith("time-off/") for one in ids(result)[:3])


def test_words_of_a_glossarys_names_are_never_taken_for_typing_errors(engine_over: Callable[..., SearchEngine]) -> None:
    files = {"kiosk.md": "# Kiosk\n\nClock in at the kiosk.\n", "lunch.md": "# Lunch\n\nLunch is a break.\n"}
    engine = engine_over(files, None, Glossary((("kiosk", "punch clock"),)))

    result = engine.search(SearchRequest("punch clock"))

    assert (None, True, "kiosk") == (result.corrected_query, result.expansion_applied, ids(result)[0])


def test_a_name_of_stop_words_alone_is_scored_by_the_words_of_its_other_names(two_spaces: SearchEngine) -> None:
    engine = SearchEngine(two_spaces.generation, None, Glossary((("IT", "work pin"),)))

    result = engine.search(SearchRequest("IT"))
    scores = [hit.relevance_score for hit in result.hits]

    assert (True, {"help/timer", "intern/kiosk"}) == (result.expansion_applied, set(ids(result)))
    assert all(0 < score < 1 for score in scores), "each holds one of the two words"


def by_ranks(engine: SearchEngine, embedder: Embedder | None) -> SearchEngine:
    """The same index with the ranks of both legs mixed."""
    config = replace(engine.config, fusion=replace(engine.fusion, method="rrf"))
    return SearchEngine(engine.generation, embedder, engine.glossary, config)


def test_with_reciprocal_ranks_scores_fall_within_one_and_fewer_results_are_the_first_of_more(
    sample: SearchEngine,
) -> None:
    engine = by_ranks(sample, sample.embedder)

    otherwise = 0
    for query in QUESTIONS[::9]:
        more, few = (engine.search(SearchRequest(query, k=k)) for k in (10, 3))
        scores = [hit.relevance_score for hit in more.hits]
        assert sorted(scores, reverse=True) == scores
        assert all(0 < score <= 1 for score in scores)
        assert more.hits[:3] == few.hits
        otherwise += ids(more) != ids(sample.search(SearchRequest(query, k=10)))

    assert otherwise  # or the option would change nothing


def test_with_reciprocal_ranks_doubts_are_those_of_what_is_shown_not_of_its_ranks(sample: SearchEngine) -> None:
    engine = by_ranks(sample, sample.embedder)
    judged = load_judged(sample_questions())

    def doubted(one: SearchEngine, answerable: bool) -> int:
        asked = [question for question in judged if question.is_answerable == answerable]
        return sum(one.search(SearchRequest(question.query)).low_confidence for question in asked)

    strange = engine.search(SearchRequest("how do enzymes fold proteins in yeast"))

    assert strange.low_confidence
    assert strange.hits[0].relevance_score > 0.7  # it stands in front, which is all that ranks say
    assert doubted(sample, False) <= doubted(engine, False)
    assert doubted(engine, True) <= doubted(sample, True) + 2


def test_where_trust_is_measured_a_passage_without_the_questions_words_is_doubted_unless_a_glossary_names_it(
    sample: SearchEngine,
) -> None:
    named = Glossary((("timer", "chronometer"),))
    with_trust = [SearchEngine(sample.generation, sample.embedder, glossary) for glossary in (Glossary(), named)]
    for engine in with_trust:
        engine.curve = replace(engine.curve, trust=Trust(words=1.0, least=0.1))

    def doubted(query: str) -> list[bool]:
        return [engine.search(SearchRequest(query)).low_confidence for engine in (sample, *with_trust)]

    assert [False, False, False] == doubted("how do I start the timer")
    assert [False, True, False] == doubted("begin the chronometer")
    assert [True, True] == doubted("chronometer of the blockchain ledger export")[1:], "one name is not all of it"


def test_without_the_embedder_words_answer_as_ever_whatever_the_fusion(sample: SearchEngine) -> None:
    request = SearchRequest("approve timesheets")

    alone, fused = (SearchEngine(sample.generation, None, sample.glossary), by_ranks(sample, None))

    assert alone.search(request).hits == fused.search(request).hits
    assert "convex" == fused.search(request).hits[0].explanation["fusion"]


def test_weights_that_are_set_win_over_the_models_own(sample: SearchEngine) -> None:
    words_alone = replace(sample.config, fusion=Fusion(dense_weight=0, lexical_weight=1))
    engine = SearchEngine(sample.generation, sample.embedder, sample.glossary, words_alone)

    explained = engine.search(SearchRequest("approve timesheets")).hits[0].explanation

    assert pytest.approx(0.4) == sample.fusion.dense_share
    assert explained["lexical_score"] == explained["fused_score"] != explained["dense_score"]


def test_a_rare_word_counts_more_in_a_question_than_one_that_stands_everywhere(sample: SearchEngine) -> None:
    weights = [sample.word_weight(word) for word in ("", "the", "time", "kiosk", "zyzzyva")]

    assert sorted(weights) == weights
    assert weights[0] == weights[1] < weights[2] < weights[3] < weights[4] == 1.0
