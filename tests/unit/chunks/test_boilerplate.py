"""What is left out of articles, and what only looks as if it should be."""

from collections.abc import Iterable, Sequence

import pytest

from clockifyrag_builder.boilerplate import Boilerplate, BoilerplateRules, LeftOut
from clockifyrag_builder.documents import Block, BlockKind, Document, Section

FORM = Section(("Was this article helpful?",), "", (Block("text", "Submit\nCancel"), Block("text", "Thank you!")))
NOTICE = "The user interface in this video may differ from the latest version of the app."
MANY = 20


def article(number: int, *sections: Section, title: str = "", namespace: str = "default") -> Document:
    own = Section((), "", (Block("text", f"What only article number {number} tells."),))
    return Document(
        f"a{number}", namespace, "", title or f"Article {number}", "", "en", (own, *sections), f"{number}.md"
    )


def below(heading: str, text: str, kind: BlockKind = "text") -> Section:
    return Section((heading,), "", (Block(kind, text),))


def cleaned(documents: Sequence[Document]) -> list[tuple[Document, tuple[LeftOut, ...]]]:
    boilerplate = Boilerplate()
    for document in documents:
        boilerplate.learn(document)
    boilerplate.close()
    return [boilerplate.cleaned(document) for document in documents]


def kinds(results: Iterable[tuple[Document, tuple[LeftOut, ...]]]) -> set[str]:
    return {text.kind for _, left_out in results for text in left_out}


def test_a_form_on_every_page_is_left_out_with_its_heading() -> None:
    documents = [article(number, FORM) for number in range(MANY)]

    results = cleaned(documents)

    for (document, left_out), original in zip(results, documents, strict=True):
        assert original.sections[:1] == document.sections
        assert ("repeated section", "Was this article helpful?\nSubmit\nCancel\nThank you!") == (
            left_out[0].kind,
            left_out[0].text,
        )
    assert 1 == len({left_out[0].key for _, left_out in results})


def test_a_notice_on_many_pages_is_left_out_and_the_text_around_it_stays() -> None:
    before, after = Block("text", "Watch the video."), Block("text", "Click Start.")
    documents = [
        article(number, Section((f"Step {number}",), "", (before, Block("text", NOTICE), after)))
        for number in range(MANY)
    ]

    results = cleaned(documents)

    assert all(NOTICE not in [block.text for block in document.sections[1].blocks] for document, _ in results)
    assert all((f"Step {number}",) == results[number][0].sections[1].headings for number in range(MANY))


def test_reading_times_of_any_length_are_one_text() -> None:
    documents = [article(number, below(f"Part {number}", f"{number + 1} min read")) for number in range(MANY)]

    results = cleaned(documents)

    assert {"repeated block"} == kinds(results)
    assert 1 == len({text.key for _, left_out in results for text in left_out})


STAYS = [
    pytest.param(
        [below("Steps", "To do this:")] * MANY, True, id="a line that announces something, below its own heading"
    ),
    pytest.param(
        [below(f"Step {n}", "To stop the timer in any of the apps, do this:") for n in range(MANY)],
        False,
        id="a line that announces something",
    ),
    pytest.param(
        [below(f"Step {n}", "import clockify  # the client of the web interface", "code") for n in range(MANY)],
        False,
        id="code",
    ),
    pytest.param(
        [below(f"Step {n}", "Click Save." if n < 3 else f"Click {n}.") for n in range(MANY)],
        False,
        id="a step that few repeat",
    ),
    pytest.param([below("Terms", "No refunds. " * 100)] * MANY, False, id="a text of more than a thousand characters"),
    pytest.param(
        [below("Related", f"- Timer {n}\n- Article {n}", "list") for n in range(MANY)],
        False,
        id="a list of what is no article",
    ),
]


@pytest.mark.parametrize(("sections", "whole_section_repeats"), STAYS)
def test_what_is_no_boilerplate_stays(sections: list[Section], whole_section_repeats: bool) -> None:
    documents = [article(number, section) for number, section in enumerate(sections)]

    results = cleaned(documents)

    assert ({"repeated section"} if whole_section_repeats else set()) == kinds(results)


def test_copies_of_one_page_are_no_boilerplate() -> None:
    documents = [article(0, below("Steps", "Click Start and then Stop."), title="Track time") for _ in range(MANY)]

    results = cleaned(documents)

    assert documents == [document for document, _ in results]


def test_every_namespace_has_its_own_boilerplate() -> None:
    ours = [article(number, FORM, namespace="help") for number in range(MANY)]
    theirs = [
        article(number + MANY, FORM if number == 0 else below("Steps", f"{number}"), namespace="api")
        for number in range(MANY)
    ]

    results = cleaned([*ours, *theirs])

    assert {"repeated section"} == kinds(results[:MANY])
    assert set() == kinds(results[MANY:])


def test_a_table_of_contents_is_left_out_since_the_headings_say_the_same() -> None:
    contents = Block("list", "- Start the timer\n- Stop the timer")
    document = article(
        1, Section(("In this article",), "", (contents,)), below("Start the timer", "a"), below("Stop the timer", "b")
    )

    ((result, left_out),) = cleaned([document])

    assert [("table of contents", contents.text)] == [(text.kind, text.text) for text in left_out]
    assert () == result.sections[1].blocks


def test_a_list_of_headings_that_a_sentence_announces_stays() -> None:
    blocks = (Block("text", "Choose one of:"), Block("list", "- Start the timer\n- Stop the timer"))
    document = article(1, Section((), "", blocks), below("Start the timer", "a"), below("Stop the timer", "b"))

    ((result, left_out),) = cleaned([document])

    assert ((), document) == (left_out, result)


def test_a_list_of_links_to_other_articles_is_left_out_since_their_titles_say_the_same() -> None:
    documents = [
        article(
            number,
            below("Related articles", f"- Article {(number + 1) % MANY}\n- article {(number + 2) % MANY}.", "list"),
        )
        for number in range(MANY)
    ]

    results = cleaned(documents)

    assert {"link list"} == kinds(results)
    assert all(1 == len(document.sections) for document, _ in results)


def test_a_document_of_boilerplate_alone_is_left_without_text() -> None:
    documents = [article(number, FORM) for number in range(MANY)]
    stub = Document("stub", "default", "", "Stub", "", "en", (FORM,), "stub.md")

    result, left_out = cleaned([*documents, stub])[-1]

    assert ((), 1) == (result.sections, len(left_out))


@pytest.mark.parametrize(
    ("titles", "section", "short"),
    [
        pytest.param(1, 5, 5, id="one"),
        pytest.param(8, 5, 5, id="a handful"),
        pytest.param(20, 10, 10, id="twenty: half"),
        pytest.param(60, 15, 15, id="sixty: fifteen"),
        pytest.param(300, 15, 60, id="a help center"),
        pytest.param(1_000_000, 50_000, 200_000, id="a million"),
    ],
)
def test_how_many_titles_make_boilerplate(titles: int, section: int, short: int) -> None:
    rules = BoilerplateRules()

    assert (section, short) == (rules.threshold(titles), rules.short_threshold(titles))
